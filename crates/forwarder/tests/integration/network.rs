//! The way to the intake through TLS and proxies, on loopback.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::{Invocation, InvocationFailure};
use forwarder::settings::Settings;
use intake::StandIn;
use testkit::events::*;
use testkit::http::{HttpServer, answer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::DEFAULT_VERSIONS;

use crate::tls::behind_tls;

/// A proxy that tunnels (`CONNECT`) to `port` whatever it is asked for; counts the tunnels.
/// It reads the request itself: `HttpServer` answers requests, but does not hand over the connection after one.
async fn tunnel(port: u16) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let tunnels = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tunnels = tunnels.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut request = String::new();
                while !request.ends_with("\r\n\r\n") && stream.read_line(&mut request).await.unwrap() > 0 {}
                assert!(request.starts_with("CONNECT intake.example:443 "), "{request}");
                tunnels.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut inner = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
            });
        }
    });
    (own, count)
}

async fn send(variables: &[(&str, &str)]) -> Result<usize, InvocationFailure> {
    let mut map: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    map.insert("DD_API_KEY".to_owned(), "k".to_owned());
    let handler = Handler::new(Settings::read(&map).unwrap()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let invocation =
        Invocation { deadline_ms: u64::try_from(now.as_millis()).unwrap() + 2_000, ..Invocation::default() };
    let event = event(&content("my-app", "s", &[(1, "x")]));
    handler.handle(event.into(), &invocation).await.map(|delivered| delivered.delivered)
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_refused_unless_that_is_wanted() {
    let intake = StandIn::start().await.unwrap();
    let url = format!("https://127.0.0.1:{}", behind_tls(&intake, DEFAULT_VERSIONS).await);
    let failure = send(&[("DD_URL", &url)]).await.unwrap_err();
    assert_eq!(failure.error_type(), "LogsUndelivered");
    assert_eq!(intake.accepted().len(), 0);
    assert_eq!(send(&[("DD_URL", &url), ("DD_SKIP_SSL_VALIDATION", "true")]).await.unwrap(), 1);
    assert_eq!(intake.accepted().len(), 1);
}

#[tokio::test]
async fn https_goes_through_a_tunnel_of_the_proxy() {
    let intake = StandIn::start().await.unwrap();
    let (proxy, tunnels) = tunnel(behind_tls(&intake, DEFAULT_VERSIONS).await).await;
    let variables = [
        ("DD_URL", "intake.example"),
        ("DD_SKIP_SSL_VALIDATION", "true"),
        ("HTTPS_PROXY", &format!("http://127.0.0.1:{proxy}")),
    ];
    assert_eq!(send(&variables).await.unwrap(), 1);
    assert_eq!((tunnels.load(Ordering::SeqCst), intake.accepted().len()), (1, 1));
}

#[tokio::test]
async fn http_goes_through_the_proxy_but_for_hosts_that_are_to_be_reached_directly() {
    let proxy = StandIn::start().await.unwrap();
    let direct = StandIn::start().await.unwrap();
    let through = [("DD_URL", "http://intake.example"), ("HTTP_PROXY", &proxy.url())];
    assert_eq!(send(&through).await.unwrap(), 1);
    let around = [("DD_URL", direct.url().as_str()), ("HTTP_PROXY", &proxy.url()), ("NO_PROXY", "localhost,127.0.0.1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let around: Vec<(&str, &str)> = around.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(send(&around).await.unwrap(), 1);
    assert_eq!((proxy.accepted().len(), direct.accepted().len()), (1, 1));
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_a_key() {
    let target = StandIn::start().await.unwrap();
    let to = format!("{}/api/v2/logs", target.url());
    let server = HttpServer::start(move |_| {
        let mut redirect = answer(307, "");
        redirect.headers_mut().insert("location", to.parse().unwrap());
        // Longer than there is time: so it is not asked again.
        redirect.headers_mut().insert("retry-after", "600".parse().unwrap());
        ready(Ok(redirect))
    });
    let url = server.url();
    let failure = send(&[("DD_URL", &url)]).await.unwrap_err();
    assert!(failure.to_string().contains("the answer was 307"), "{failure}");
    assert_eq!(target.arrivals().len(), 0);
}
