//! What many clients, slow ones, and broken requests cost: the page goes on for who has its address.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{get, page, place, send};
use page::{MAX_CONNECTIONS, MAX_TAILS};

#[tokio::test]
async fn requests_that_are_no_requests_are_refused() {
    let page = page().await;
    let (address, path) = place(&page);
    for request in [
        "HELLO\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n".to_owned(),
        format!("GET {path} HTTP/9.9\r\n\r\n"),
        format!("GET /{} HTTP/1.1\r\nHost: {address}\r\n\r\n", "a".repeat(100_000)),
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "a".repeat(100_000)),
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{}\r\n", "X: y\r\n".repeat(1_000)),
    ] {
        let answer = send(address, &request).await;
        assert!(answer.status == 0 || answer.status >= 400, "{}: {}", &request[..20.min(request.len())], answer.status);
    }
    assert_eq!(get(address, &path).await.status, 200);
}

#[tokio::test]
async fn a_body_is_not_read() {
    let page = page().await;
    let (address, _) = place(&page);
    // Whoever has no token cannot make the server read on, whatever length is announced.
    let request = format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9999999999\r\n\r\n");
    assert_eq!(send(address, &request).await.status, 403);
}

/// The time runs by itself here: half a request is waited for as long as one of five seconds, without the five seconds.
#[tokio::test(start_paused = true)]
async fn half_a_request_is_not_waited_for_long() {
    let page = page().await;
    let (address, path) = place(&page);
    for half in [
        "",
        "\r\n",
        "GET",
        &format!("GET {path} HTTP/1.1\r\nHost: "),
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n"),
    ] {
        assert!(send(address, half).await.status != 200, "{half}");
    }
}

#[tokio::test]
async fn only_so_many_connections_are_held() {
    let page = page().await;
    let (address, path) = place(&page);
    let mut held = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Answered, so it is counted before the next one comes; and kept open.
        let request = format!("GET {path}icon.svg HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(stream.read(&mut [0; 16]).await.unwrap() > 0);
        held.push(stream);
    }
    let closed = get(address, &path).await;
    assert_eq!((closed.status, closed.body.as_str()), (0, ""));
    held.pop();
    // The server sees that one is gone when it next looks.
    loop {
        if get(address, &path).await.status == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_so_many_pages_are_open() {
    let page = page().await;
    let (address, path) = place(&page);
    let mut open = Vec::new();
    for _ in 0..MAX_TAILS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path}tail HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        open.push(stream);
    }
    assert_eq!(get(address, &format!("{path}tail")).await.status, 503);
    // The files are for all.
    assert_eq!(get(address, &path).await.status, 200);
    open.pop();
    loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path}tail HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        if &start == b"HTTP/1.1 200" {
            break;
        }
        tokio::task::yield_now().await;
    }
}
