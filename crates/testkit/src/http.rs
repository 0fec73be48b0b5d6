//! The HTTP server that the stand-ins of the tests are made of, and the one request that a test makes itself.
//!
//! Both run on threads of their own, so tests use them from synchronous and from asynchronous code alike.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::task::{JoinHandle, JoinSet};

/// A whole answer.
pub type Answer = Response<Full<Bytes>>;

/// Ends the connection without an answer.
#[derive(Debug, Clone, Copy)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("closed")
    }
}

impl std::error::Error for Closed {}

/// What all stand-ins of a test binary run on.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
    &RUNTIME
}

/// A running server on a free port of loopback. It ends, with its connections, when it is dropped.
pub struct HttpServer {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HttpServer {
    /// Starts one that answers each request by `answer`, which gets it whole. One that never answers is a future that never ends.
    pub fn start<F, A>(answer: F) -> HttpServer
    where
        F: Fn(Request<Bytes>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Answer, Closed>> + Send + 'static,
    {
        // Bound here, so that it can be reached as soon as this returns.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        HttpServer { address, task: runtime().spawn(serve(listener, Arc::new(answer))) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve<F, A>(listener: std::net::TcpListener, answer: Arc<F>)
where
    F: Fn(Request<Bytes>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Answer, Closed>> + Send + 'static,
{
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let answer = answer.clone();
        // Or an answer that is written in pieces waits for the other side's timer.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
                answer(Request::from_parts(head, body)).await
            }
        });
        connections.spawn(async move {
            // A connection that breaks is a matter of whoever opened it.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// An answer of this status.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Response::builder().status(status).body(Full::new(body.into())).unwrap()
}

/// A header as text; empty if it is missing.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The server cannot be reached, or breaks off.
pub type SendError = Box<dyn std::error::Error + Send + Sync>;

/// Makes one request over a connection of its own, and gives the whole answer.
///
/// # Errors
/// [`SendError`]
pub async fn send(address: SocketAddr, mut request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer.
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
