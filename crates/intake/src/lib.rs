//! A stand-in for Datadog's log intake on loopback: for `podferry demo`, `podferry intake`, and the tests.
//!
//! It keeps the intake's rules (a key, one JSON array, a thousand logs, 5 MB, 1 MB a log) and remembers what arrived.
//! A script may make it answer otherwise: refuse, be slow, hang up, say nothing.

mod unpack;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use pipeline::batch::{MAX_ITEMS, MAX_PAYLOAD_BYTES};
use pipeline::entry::INTAKE_ITEM_BYTES;
use unpack::{Unpacked, collect, unpack};

/// How the intake behaves for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// 202 if the request is in order, else what the real intake answers.
    Judge,
    /// This status, with `Retry-After` if given.
    Status(u16, Option<String>),
    /// This status with a page of HTML, as a captive portal or a firewall answers.
    Page(u16),
    /// Hangs up without an answer.
    HangUp,
    /// Never answers.
    Silence,
    /// As [`Reply::Judge`], but without an answer: it hangs up, or says nothing.
    Unanswered { hangs_up: bool },
    /// As [`Reply::Judge`], but later.
    Slow(Duration),
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Which request it was, from 0.
    pub number: usize,
    pub path: String,
    pub headers: HeaderMap,
    /// Bytes as sent, and once unpacked. Of more than an intake takes, it is not unpacked how many: then it is one more than that.
    pub bytes: usize,
    pub plain_bytes: usize,
    /// None where the request only asks whether the key is accepted, or has more bytes than an intake takes.
    pub items: Vec<Value>,
    /// What became of it, as a status; `None` if it was not judged. A script is told what [`Reply::Judge`] would answer.
    pub status: Option<u16>,
    /// Whether its logs were taken: a page takes none, whatever its status.
    is_taken: bool,
}

/// All requests so far.
#[derive(Default)]
struct Arrivals {
    keeps: bool,
    count: usize,
    /// In their order, where it keeps them.
    kept: Vec<Arrival>,
}

impl Arrivals {
    fn add(&mut self, arrival: &Arrival) {
        self.count += 1;
        if self.keeps {
            self.kept.push(arrival.clone());
        }
    }
}

/// What asks whether a key is accepted. Source: DataDog/datadog-agent, pkg/logs/client/http/destination.go, `CheckConnectivity`.
const NO_LOGS: &[u8] = b"{}";

type Script = dyn Fn(&Arrival) -> Reply + Send + Sync;

/// A running stand-in. It ends when it is dropped.
pub struct StandIn {
    address: SocketAddr,
    /// Nothing, where it forgets.
    arrivals: Arc<Mutex<Arrivals>>,
    connections: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl StandIn {
    /// Starts one that accepts what is in order, on a free port of loopback.
    ///
    /// # Errors
    /// The port could not be opened.
    pub async fn start() -> io::Result<StandIn> {
        StandIn::start_with("127.0.0.1:0", |_| Reply::Judge).await
    }

    /// Starts one at `address` that asks `script` how to behave.
    ///
    /// # Errors
    /// The port could not be opened.
    pub async fn start_with(
        address: &str,
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> io::Result<StandIn> {
        StandIn::listen(address, true, script).await
    }

    /// Starts one that keeps nothing of what it showed to `script`: it may run for days.
    ///
    /// # Errors
    /// The port could not be opened.
    pub async fn start_forgetful(
        address: &str,
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> io::Result<StandIn> {
        StandIn::listen(address, false, script).await
    }

    async fn listen(
        address: &str,
        keeps: bool,
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> io::Result<StandIn> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let arrivals = Arc::new(Mutex::new(Arrivals { keeps, ..Arrivals::default() }));
        let connections = Arc::new(AtomicUsize::new(0));
        let server = tokio::spawn(serve(listener, arrivals.clone(), connections.clone(), Arc::new(script)));
        Ok(StandIn { address, arrivals, connections, server })
    }

    /// What to give as `DD_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// All requests so far.
    pub fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.arrivals).kept.clone()
    }

    /// Forgets the logs of all requests so far: many of them need much memory.
    pub fn forget_logs(&self) {
        lock(&self.arrivals).kept.iter_mut().for_each(|arrival| arrival.items = Vec::new());
    }

    /// The logs of the accepted requests, in the order of arrival.
    pub fn accepted(&self) -> Vec<Value> {
        let arrivals = lock(&self.arrivals);
        let accepted = arrivals.kept.iter().filter(|arrival| arrival.is_taken);
        accepted.flat_map(|arrival| arrival.items.clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, arrivals: Arc<Mutex<Arrivals>>, count: Arc<AtomicUsize>, script: Arc<Script>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file is left for another connection: until some are closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            while connections.try_join_next().is_some() {}
            continue;
        };
        count.fetch_add(1, Ordering::SeqCst);
        let (arrivals, script) = (arrivals.clone(), script.clone());
        let service = service_fn(move |request| answer(request, arrivals.clone(), script.clone()));
        connections.spawn(async move {
            // A connection that ends in an error is the client's to report.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Makes hyper drop the connection.
#[derive(Debug, thiserror::Error)]
#[error("hang up")]
struct HangUp;

impl From<Infallible> for HangUp {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(
    request: Request<Incoming>,
    arrivals: Arc<Mutex<Arrivals>>,
    script: Arc<Script>,
) -> Result<Response<Full<Bytes>>, HangUp> {
    let (parts, body) = request.into_parts();
    let (body, bytes) = collect(body).await.map_err(|_| HangUp)?;
    let content = Content::of(unpack(&body, parts.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes)));
    drop(body);
    let mut arrival = {
        let mut all = lock(&arrivals);
        let arrival = Arrival {
            number: all.count,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            bytes,
            plain_bytes: content.bytes,
            items: content.items,
            status: None,
            is_taken: false,
        };
        all.add(&arrival);
        arrival
    };
    let judged = judge(&parts.method, &arrival, content.refused);
    arrival.status = Some(judged);
    let record = |status: u16, is_page: bool| {
        let mut all = lock(&arrivals);
        // `forget_logs` keeps the requests, so it is still there, unless none is kept.
        if let Some(arrival) = all.kept.get_mut(arrival.number) {
            (arrival.status, arrival.is_taken) = (Some(status), status < 300 && !is_page);
        }
    };
    let (status, retry_after) = match script(&arrival) {
        Reply::Judge => (judged, None),
        Reply::Slow(delay) => {
            tokio::time::sleep(delay).await;
            (judged, None)
        }
        Reply::Unanswered { hangs_up } => {
            record(judged, false);
            return if hangs_up { Err(HangUp) } else { std::future::pending().await };
        }
        Reply::Status(status, retry_after) => (status, retry_after),
        Reply::Page(status) => {
            record(status, true);
            let page = Response::builder().status(StatusCode::from_u16(status).unwrap_or_default());
            let page = page.header(CONTENT_TYPE, "text/html; charset=utf-8");
            return page.body(Full::from("<!DOCTYPE html>\n<html><title>Sign in</title></html>")).map_err(|_| HangUp);
        }
        Reply::HangUp => return Err(HangUp),
        Reply::Silence => std::future::pending().await,
    };
    record(status, false);
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap_or_default());
    if let Some(retry_after) = retry_after {
        response = response.header(RETRY_AFTER, retry_after);
    }
    response.body(Full::from("{}")).map_err(|_| HangUp)
}

/// What a body says.
struct Content {
    bytes: usize,
    items: Vec<Value>,
    /// The status that it gets for its form alone.
    refused: Option<u16>,
}

impl Content {
    fn of(unpacked: Unpacked) -> Content {
        let refused = |status| Content { bytes: 0, items: Vec::new(), refused: Some(status) };
        let plain = match unpacked {
            Unpacked::Plain(plain) => plain,
            Unpacked::TooLarge => return Content { bytes: MAX_PAYLOAD_BYTES + 1, ..refused(413) },
            Unpacked::Broken => return refused(400),
            Unpacked::Unknown => return refused(415),
        };
        let bytes = plain.len();
        match serde_json::from_slice(&plain) {
            Ok(items) => Content { bytes, items, refused: None },
            Err(_) => Content { bytes, refused: (plain != NO_LOGS).then_some(400), ..refused(400) },
        }
    }
}

/// Source: Datadog API reference, "Send logs".
fn judge(method: &Method, arrival: &Arrival, refused: Option<u16>) -> u16 {
    let is_too_long = |item: &Value| item.to_string().len() > INTAKE_ITEM_BYTES;
    if method != Method::POST || arrival.path != "/api/v2/logs" {
        404
    } else if arrival.headers.get("dd-api-key").is_none_or(|key| key.is_empty()) {
        401
    } else if let Some(status) = refused {
        status
    } else if arrival.items.len() > MAX_ITEMS || arrival.items.iter().any(is_too_long) {
        413
    } else {
        202
    }
}
