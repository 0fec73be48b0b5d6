//! The live tail: what comes, in which order, and after a broken connection.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{log, page, place};
use page::KEPT_LOGS;

/// A browser that follows a page.
struct Follower(BufReader<TcpStream>);

impl Follower {
    /// As a browser connects that has seen the logs before this number.
    async fn connect(address: SocketAddr, path: &str, seen: Option<u64>) -> Follower {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let seen = seen.map_or_else(String::new, |seen| format!("Last-Event-ID: {seen}\r\n"));
        let request = format!("GET {path}tail HTTP/1.1\r\nHost: {address}\r\n{seen}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Follower(BufReader::new(stream))
    }

    /// The data of the next event of this name, and its id.
    async fn event(&mut self, name: &str) -> (Value, String) {
        let (mut is_it, mut id) = (false, String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).await.unwrap() > 0, "the tail has ended");
            let line = line.trim_end();
            if let Some(found) = line.strip_prefix("id: ") {
                found.clone_into(&mut id);
            }
            is_it |= line == format!("event: {name}");
            if let Some(data) = line.strip_prefix("data: ").filter(|_| is_it) {
                return (serde_json::from_str(data).unwrap(), id);
            }
        }
    }

    /// The texts of the next logs, as many as come together.
    async fn texts(&mut self) -> Vec<String> {
        let (message, _) = self.event("logs").await;
        message["logs"].as_array().unwrap().iter().map(|log| log["text"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn logs_come_as_they_are_added() {
    let page = page().await;
    page.add(&log("before"));
    let (address, path) = place(&page);
    let mut follower = Follower::connect(address, &path, None).await;
    let (about, _) = follower.event("about").await;
    assert_eq!((&about["title"], &about["most"]), (&"a test".into(), &KEPT_LOGS.into()));
    assert_eq!(follower.texts().await, ["before"]);
    for text in ["one\r\n\r\nevent: x\ndata: y", "two", "\u{2028}\u{0}"] {
        page.add(&log(text));
        assert_eq!(follower.texts().await, [text]);
    }
}

#[tokio::test]
async fn a_browser_that_connects_again_gets_what_it_has_not_seen() {
    let page = page().await;
    let (address, path) = place(&page);
    (0..3).for_each(|number| page.add(&log(&format!("log {number}"))));
    let mut follower = Follower::connect(address, &path, None).await;
    let (_, id) = follower.event("logs").await;
    drop(follower);
    page.add(&log("meanwhile"));
    let mut follower = Follower::connect(address, &path, Some(id.parse().unwrap())).await;
    assert_eq!(follower.texts().await, ["meanwhile"]);
    // One that knows another page's logs gets all of this one's.
    let mut stranger = Follower::connect(address, &path, Some(u64::MAX)).await;
    assert_eq!(stranger.texts().await.len(), 4);
}
