//! A bad stretch of network before the intake: connections that are reset before the request is read, and answers that come
//! byte by byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFault {
    None,
    /// The connection is reset after the first byte of the request.
    Reset,
    /// So long before each byte of the answer.
    Drip(Duration),
}

/// A running one. It ends when it is dropped.
pub struct FaultyNetwork {
    pub url: String,
    fault: Arc<Mutex<NetworkFault>>,
    task: JoinHandle<()>,
}

impl Drop for FaultyNetwork {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultyNetwork {
    /// In front of the intake at `url`.
    pub async fn start(url: &str, fault: NetworkFault) -> FaultyNetwork {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fault = Arc::new(Mutex::new(fault));
        let shared = fault.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fault = *shared.lock().unwrap();
                // A connection that breaks is what this is for.
                tokio::spawn(carry(stream, target.clone(), fault));
            }
        });
        FaultyNetwork { url, fault, task }
    }

    pub fn set(&self, fault: NetworkFault) {
        *self.fault.lock().unwrap() = fault;
    }
}

async fn carry(mut stream: TcpStream, target: String, fault: NetworkFault) -> std::io::Result<()> {
    if fault == NetworkFault::Reset {
        // What is not read when a socket is closed makes the system send a reset.
        stream.read_u8().await?;
        return Ok(());
    }
    let mut inner = TcpStream::connect(target).await?;
    let NetworkFault::Drip(wait) = fault else {
        return tokio::io::copy_bidirectional(&mut stream, &mut inner).await.map(|_| ());
    };
    let (mut from_client, mut to_client) = stream.split();
    let (mut from_intake, mut to_intake) = inner.split();
    let there = tokio::io::copy(&mut from_client, &mut to_intake);
    let back = async {
        to_client.writable().await?;
        loop {
            let byte = from_intake.read_u8().await?;
            tokio::time::sleep(wait).await;
            to_client.write_all(&[byte]).await?;
        }
    };
    // Whichever ends ends the other: the client has gone, or the intake.
    tokio::select! {
        sent = there => sent.map(|_| ()),
        failed = back => failed,
    }
}
