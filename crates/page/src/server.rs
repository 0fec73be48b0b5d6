//! The server of the page: HTTP on loopback, within bounds, for whom the door lets in.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
};
use hyper::http::response::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::assets;
use super::door::Door;
use super::kept::Kept;
use super::tail::Tail;

/// How many connections there are at once; a browser opens six for a page.
pub const MAX_CONNECTIONS: usize = 64;

/// How many pages are open at once.
pub const MAX_TAILS: usize = 16;

/// How long the head of a request may take. Nothing but a browser on this machine asks here.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// How long the head of a request may be, in bytes. A browser's has one or two thousand. It is hyper's least.
const HEAD_BYTES: usize = 8 * 1024;

/// The page is of its own scripts and styles alone; text can become no markup in it, whatever a script does.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const TEXT: &str = "text/plain; charset=utf-8";

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What all connections share.
struct Server {
    door: Arc<Door>,
    kept: Arc<Kept>,
    tails: Arc<Semaphore>,
}

/// Until it is aborted, with all connections.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>, kept: Arc<Kept>) {
    let server = Arc::new(Server { door, kept, tails: Arc::new(Semaphore::new(MAX_TAILS)) });
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file is left for another connection: until some are closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        // One too many is closed; a browser tries again.
        if connections.len() < MAX_CONNECTIONS {
            connections.spawn(connection(stream, server.clone()));
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>) {
    let service = service_fn(move |request| {
        let answer = server.answer(&request);
        async { Ok::<_, Infallible>(answer) }
    });
    // A connection that ends in an error is the browser's to report.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Server {
    fn answer(&self, request: &Request<Incoming>) -> Answer {
        let Some(path) = self.door.admits(request) else {
            return text(StatusCode::FORBIDDEN, "Open the address that podferry printed.\n");
        };
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return whole(head(StatusCode::METHOD_NOT_ALLOWED, TEXT).header(ALLOW, "GET, HEAD"), "");
        }
        let Some(path) = path else {
            let to = format!("/{}/", self.door.token());
            return whole(head(StatusCode::PERMANENT_REDIRECT, TEXT).header(LOCATION, to), "");
        };
        if let Some(asset) = assets::named(path) {
            return whole(head(StatusCode::OK, asset.kind), asset.text);
        }
        match path.split_once('/') {
            None if path == "tail" => self.tail(request),
            Some(("log", number)) => self.log(number),
            _ => text(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        }
    }

    fn tail(&self, request: &Request<Incoming>) -> Answer {
        let Ok(place) = self.tails.clone().try_acquire_owned() else {
            return text(StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open. Close one.\n");
        };
        let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
        let from = last.and_then(|last| last.parse().ok()).unwrap_or(0);
        if request.method() == Method::HEAD {
            return whole(head(StatusCode::OK, "text/event-stream"), "");
        }
        let tail = Tail::start(self.kept.clone(), from, place);
        head(StatusCode::OK, "text/event-stream").body(BodyExt::boxed(tail)).unwrap_or_default()
    }

    fn log(&self, number: &str) -> Answer {
        match number.parse().ok().and_then(|number| self.kept.whole(number)) {
            Some(log) => whole(head(StatusCode::OK, "application/json"), log.to_string()),
            None => text(StatusCode::NOT_FOUND, "This log is not kept any more.\n"),
        }
    }
}

/// What every answer has.
fn head(status: StatusCode, kind: &str) -> Builder {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .header(CACHE_CONTROL, "no-store")
        .header(REFERRER_POLICY, "no-referrer")
        .header("x-content-type-options", "nosniff")
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-resource-policy", "same-origin")
}

fn whole(head: Builder, body: impl Into<Bytes>) -> Answer {
    head.body(Full::new(body.into()).boxed()).unwrap_or_default()
}

/// An answer that is no part of the page. The connection ends with it: whoever guesses has to connect again, and a body that came with
/// the request is not read.
fn text(status: StatusCode, text: &'static str) -> Answer {
    whole(head(status, TEXT).header(CONNECTION, "close"), text)
}
