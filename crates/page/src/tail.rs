//! The live tail of one browser: server-sent events, as fast as it takes them. A slow browser costs one message and no more, since each
//! is made when the one before it is on its way; what was dropped meanwhile it is told.
//!
//! Source: HTML Living Standard, "Server-sent events": `id` comes back as `Last-Event-ID` when the browser connects again.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;

use super::kept::Kept;

/// How often a browser is written to that there is nothing for: so that one which has gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How long a browser may leave a message lying. One that was stopped in a debugger connects again.
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of an answer that has no end.
pub(crate) struct Tail(Receiver<Bytes>);

impl Tail {
    /// From the log of this number on; `place` is given back when the browser has gone.
    pub(crate) fn start(kept: Arc<Kept>, from: u64, place: impl Send + 'static) -> Tail {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            write(&kept, from, &sender).await;
            drop(place);
        });
        Tail(receiver)
    }
}

impl Body for Tail {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Until the browser has gone, or does not read.
async fn write(kept: &Kept, from: u64, sender: &Sender<Bytes>) {
    let mut changes = kept.watch();
    let mut next = from;
    let about = format!("event: about\ndata: {}\n\n", kept.about());
    let mut is_there = send(sender, about).await;
    while is_there {
        // Marked as seen before the logs are looked at: one that comes in between is another change.
        changes.borrow_and_update();
        is_there = if let Some(message) = kept.since(next) {
            next = message.next;
            send(sender, format!("id: {next}\nevent: logs\ndata: {}\n\n", message.json)).await
        } else {
            tokio::select! {
                () = sender.closed() => false,
                changed = timeout(SIGN_OF_LIFE, changes.changed()) => match changed {
                    Ok(changed) => changed.is_ok(),
                    Err(_) => send(sender, ": still here\n\n".to_owned()).await,
                },
            }
        };
    }
}

async fn send(sender: &Sender<Bytes>, text: String) -> bool {
    matches!(timeout(PATIENCE, sender.send(text.into())).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;
    use crate::shown::ShownLog;

    /// The next message with logs: the first that is kept, and the numbers of these.
    async fn logs(tail: &mut Tail) -> (u64, Vec<u64>) {
        loop {
            let bytes = tail.frame().await.unwrap().unwrap().into_data().unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let Some((_, data)) = text.split_once("event: logs\ndata: ") else { continue };
            let message: Value = serde_json::from_str(data).unwrap();
            let numbers = message["logs"].as_array().unwrap().iter().map(|log| log["number"].as_u64().unwrap());
            return (message["first"].as_u64().unwrap(), numbers.collect());
        }
    }

    #[tokio::test]
    async fn a_slow_browser_is_told_what_it_missed_and_keeps_nothing_waiting() {
        let kept = Arc::new(Kept::of_most(10));
        let add = |number: usize| (0..number).for_each(|_| kept.add(&ShownLog::default()));
        add(3);
        let mut tail = Tail::start(kept.clone(), 0, ());
        assert_eq!(logs(&mut tail).await, (0, vec![0, 1, 2]));
        // It reads nothing while these come: at most one message is made of the first of them.
        add(5);
        tokio::task::yield_now().await;
        add(92);
        let (mut first, mut seen) = (0, Vec::new());
        while seen.last() != Some(&99) {
            let (now, numbers) = logs(&mut tail).await;
            first = now;
            seen.extend(numbers);
        }
        assert_eq!(first, 90);
        assert!(seen.is_sorted() && seen.ends_with(&(90..100).collect::<Vec<_>>()) && seen.len() < 97, "{seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_that_has_gone_or_does_not_read_gives_its_place_back() {
        let kept = Arc::new(Kept::new("", ""));
        let place = Arc::new(());
        // The time runs on by itself while everything waits.
        let gone = Tail::start(kept.clone(), 0, place.clone());
        drop(gone);
        let _stuck = Tail::start(kept, 0, place.clone());
        while Arc::strong_count(&place) > 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test]
    async fn the_page_is_open_when_a_browser_has_a_tail_and_stays_so() {
        let kept = Arc::new(Kept::new("", ""));
        let mut opened = std::pin::pin!(kept.opened());
        assert!(timeout(Duration::ZERO, opened.as_mut()).await.is_err(), "nobody is there");
        let tail = Tail::start(kept.clone(), 0, ());
        opened.await;
        drop(tail);
        kept.opened().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_that_there_is_nothing_for_gets_a_sign_of_life() {
        let mut tail = Tail::start(Arc::new(Kept::new("", "")), 0, ());
        let _about = tail.frame().await;
        let sign = tail.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(sign.starts_with(b":"));
    }
}
