//! The server of the page, by its port: who is let in, what the answers have, and what many or slow ones cost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by a panic")]

mod bounds;
mod door;
mod tail;

use std::net::SocketAddr;

use page::{LogRecord, Page, RecordSide, ShownLog};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A page on a free port.
async fn page() -> Page {
    Page::start("127.0.0.1:0".parse().unwrap(), "a test", "Nothing yet.").await.unwrap()
}

/// Address, port, and path with the token: `/0123…/`.
fn place(page: &Page) -> (SocketAddr, String) {
    let url = page.url();
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    (address.parse().unwrap(), format!("/{path}"))
}

fn log(message: &str) -> ShownLog {
    let record = LogRecord { id: "1".to_owned(), timestamp: Some(1), message: format!("record of {message}") };
    let record = RecordSide::Known { log_group: "g".to_owned(), log_stream: "s".to_owned(), records: vec![record] };
    ShownLog { message: message.to_owned(), record, ..ShownLog::default() }
}

/// An answer: its head, in small letters but for the values, and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// Sends bytes, and reads until the server closes.
async fn send(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have answered and gone before all of it was read.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await
}
