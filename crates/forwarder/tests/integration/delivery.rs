//! Delivery against an intake on loopback that misbehaves: which logs arrive, and how often.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use forwarder::delivery::client::Clients;
use forwarder::delivery::deliver::{DeliveryReport, Terms, deliver};
use forwarder::delivery::intake::{Intake, IntakeProblem};
use forwarder::delivery::key::{Key, KeyProvider, KeyUnavailable};
use forwarder::delivery::reason::{Outlook, UndeliveredReason};
use forwarder::delivery::retry::RetryPolicy;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::{Invocation, InvocationFailure};
use forwarder::settings::{Network, Settings};
use intake::{Arrival, Reply, StandIn};
use pipeline::batch::Payload;
use pipeline::compress::Compression;
use pipeline::{self, PipelineSettings};
use testkit::events::*;
use tokio::time::Instant;

/// Waits short enough for a test, bounded by the same rules.
const POLICY: RetryPolicy =
    RetryPolicy { base: Duration::from_millis(2), cap: Duration::from_millis(20), attempt: Duration::from_millis(1) };

/// Keys `key-1`, `key-2`, … : each fetch gives the next.
#[derive(Default)]
struct Rotating {
    fetched: AtomicU64,
    broken: bool,
    panics: bool,
}

impl KeyProvider for Rotating {
    async fn key(&self) -> Result<Key, KeyUnavailable> {
        assert!(!self.panics, "a bug");
        if self.broken {
            return Err(KeyUnavailable("the key is nowhere".into()));
        }
        let number = self.fetched.fetch_max(1, Ordering::SeqCst).max(1);
        Ok(Key { secret: format!("key-{number}").into(), number })
    }

    async fn key_after(&self, refused: u64) -> Result<Key, KeyUnavailable> {
        let number = self.fetched.fetch_max(refused + 1, Ordering::SeqCst).max(refused + 1);
        Ok(Key { secret: format!("key-{number}").into(), number })
    }
}

/// Payloads of `logs` logs.
fn payloads(logs: usize) -> Vec<Payload> {
    let texts: Vec<String> = (0..logs).map(|number| format!("log {number}")).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (1, text.as_str())).collect();
    let event = event(&content("my-app", "a-stream", &messages));
    pipeline::process(&event, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap().payloads
}

struct Run {
    report: DeliveryReport,
    intake: StandIn,
    keys: Arc<Rotating>,
}

impl Run {
    async fn new(logs: usize, time: Duration, script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static) -> Run {
        Run::with_keys(logs, time, Rotating::default(), script).await
    }

    async fn with_keys(
        logs: usize,
        time: Duration,
        keys: Rotating,
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> Run {
        Run::with_workers(logs, time, keys, 8, script).await
    }

    async fn with_workers(
        logs: usize,
        time: Duration,
        keys: Rotating,
        workers: usize,
        script: impl Fn(&Arrival) -> Reply + Send + Sync + 'static,
    ) -> Run {
        let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
        let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
        let target = Intake::new(client, format!("{}/api/v2/logs", intake.url()));
        let keys = Arc::new(keys);
        let terms = Terms { policy: POLICY, workers, can_wait: false, was_down: false };
        let report = deliver(payloads(logs), &target, &keys, terms, Instant::now() + time).await;
        Run { report, intake, keys }
    }

    /// How often each log was accepted.
    fn accepted(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for log in self.intake.accepted() {
            *counts.entry(log["message"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }

    fn assert_each_once(&self, logs: usize) {
        let accepted = self.accepted();
        assert_eq!(accepted.len(), logs);
        assert!(accepted.values().all(|count| *count == 1), "some arrived more than once");
        assert_eq!((self.report.accepted, self.report.undelivered_logs()), (logs, 0));
    }

    fn assert_refused(&self, logs: usize, requests: usize, reason: &UndeliveredReason) {
        assert_eq!(self.accepted().len(), 0);
        assert_eq!((self.report.accepted, self.report.undelivered_logs()), (0, logs));
        assert_eq!((self.report.tally.requests, self.intake.arrivals().len()), (requests, requests));
        assert_eq!(&self.report.undelivered[0].reason, reason);
    }
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn all_is_well() {
    let run = Run::new(2500, LONG, |_| Reply::Judge).await;
    run.assert_each_once(2500);
    assert_eq!(run.report.tally.requests, 3);
}

#[tokio::test]
async fn headers_are_those_that_datadog_wants() {
    let run = Run::new(1, LONG, |_| Reply::Judge).await;
    let arrival = &run.intake.arrivals()[0];
    assert_eq!(arrival.path, "/api/v2/logs");
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-encoding", "zstd"),
        ("dd-api-key", "key-1"),
        ("dd-evp-origin", "podferry"),
        ("dd-evp-origin-version", env!("CARGO_PKG_VERSION")),
        ("dd-storage-tag", "cloudwatch"),
        ("user-agent", concat!("podferry/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(arrival.headers.get(name).map(|value| value.to_str().unwrap()), Some(value), "{name}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_arrives_twice() {
    for reply in [
        Reply::Status(408, None),
        Reply::Status(429, None),
        Reply::Status(500, None),
        Reply::Status(502, None),
        Reply::Status(503, None),
        Reply::HangUp,
    ] {
        let first = reply.clone();
        // Each payload's first request fails: the first three of all.
        let run =
            Run::new(2500, LONG, move |arrival| if arrival.number < 3 { first.clone() } else { Reply::Judge }).await;
        run.assert_each_once(2500);
        // A connection that is hung up on may take others with it; an answer takes only itself.
        assert!(run.report.tally.requests == 6 || reply == Reply::HangUp, "{reply:?}: {}", run.report.tally.requests);
    }
}

#[tokio::test]
async fn a_payload_that_fails_does_not_hold_up_the_others() {
    let is_first = |arrival: &Arrival| arrival.items.first().is_some_and(|log| log["message"] == "log 0");
    let run =
        Run::new(2500, LONG, move |arrival| if is_first(arrival) { Reply::Status(400, None) } else { Reply::Judge })
            .await;
    // Of the payload the log alone that is refused.
    assert_eq!((run.accepted().len(), run.report.accepted, run.report.undelivered_logs()), (2499, 2499, 1));
    assert_eq!(run.report.undelivered[0].reason, UndeliveredReason::Refused(400));
}

#[tokio::test]
async fn what_is_refused_for_good_is_asked_for_whole_and_in_halves() {
    let run = Run::new(10, LONG, |_| Reply::Status(400, None)).await;
    run.assert_refused(10, 3, &UndeliveredReason::Refused(400));
    assert_eq!(run.report.undelivered.len(), 1);
    let run = Run::new(1, LONG, |_| Reply::Status(400, None)).await;
    run.assert_refused(1, 1, &UndeliveredReason::Refused(400));
}

#[tokio::test]
async fn a_log_that_is_refused_costs_no_other() {
    let is_bad = |arrival: &Arrival| arrival.items.iter().any(|log| log["message"] == "log 77");
    for logs in [381, 2500] {
        let run =
            Run::new(logs, LONG, move |arrival| if is_bad(arrival) { Reply::Status(400, None) } else { Reply::Judge })
                .await;
        assert_eq!((run.accepted().len(), run.report.undelivered_logs()), (logs - 1, 1));
        assert_eq!(run.report.undelivered[0].reason, UndeliveredReason::Refused(400));
    }
}

#[tokio::test]
async fn an_answer_that_is_none_of_the_intakes_is_asked_again() {
    for code in
        [301, 302, 303, 307, 308, 402, 404, 405, 407, 409, 410, 411, 418, 421, 422, 423, 425, 426, 431, 451, 499]
    {
        let first = move |arrival: &Arrival| match arrival.number {
            0 => Reply::Status(code, None),
            _ => Reply::Judge,
        };
        Run::new(10, LONG, first).await.assert_each_once(10);
    }
    for code in [302, 404, 407, 499] {
        let short = Duration::from_millis(300);
        let run = Run::new(10, short, move |_| Reply::Status(code, None)).await;
        let [undelivered] = &run.report.undelivered[..] else { panic!("{code}: not one") };
        // The last attempt may have been cut short by the end of the time.
        let reasons = [IntakeProblem::Unexpected(code), IntakeProblem::Timeout].map(UndeliveredReason::GivenUp);
        assert!(reasons.contains(&undelivered.reason), "{code}: {:?}", undelivered.reason);
        assert_eq!(undelivered.reason.outlook(), Outlook::Later);
    }
}

#[tokio::test]
async fn a_page_of_html_takes_no_logs() {
    for code in [200, 202, 203] {
        let run = Run::new(10, LONG, move |arrival| match arrival.number {
            0 => Reply::Page(code),
            _ => Reply::Judge,
        })
        .await;
        run.assert_each_once(10);
        assert_eq!(run.report.tally.requests, 2);
    }
    let run = Run::new(10, Duration::from_millis(300), |_| Reply::Page(200)).await;
    assert_eq!(run.report.undelivered[0].reason, UndeliveredReason::GivenUp(IntakeProblem::Html));
}

#[tokio::test]
async fn any_other_2xx_takes_them() {
    for code in [200, 201, 202, 204, 206, 299] {
        let run = Run::new(10, LONG, move |_| Reply::Status(code, None)).await;
        assert_eq!((run.report.accepted, run.report.tally.requests), (10, 1), "{code}");
    }
}

#[tokio::test]
async fn an_intake_that_does_not_know_zstd_gets_gzip() {
    let encoding = |arrival: &Arrival| arrival.headers["content-encoding"].to_str().unwrap().to_owned();
    let run = Run::with_workers(2500, LONG, Rotating::default(), 1, move |arrival| match encoding(arrival).as_str() {
        "gzip" => Reply::Judge,
        _ => Reply::Status(415, None),
    })
    .await;
    run.assert_each_once(2500);
    let encodings: Vec<String> = run.intake.arrivals().iter().map(encoding).collect();
    // Once found out, it is remembered.
    assert_eq!(encodings, ["zstd", "gzip", "gzip", "gzip"]);
    let run = Run::new(10, LONG, |_| Reply::Status(415, None)).await;
    run.assert_refused(10, 2, &UndeliveredReason::Refused(415));
}

#[tokio::test]
async fn a_log_that_a_firewall_dislikes_costs_no_other_log() {
    for (reply, reason) in [
        (Reply::Status(403, None), UndeliveredReason::Forbidden(403)),
        (Reply::Page(403), UndeliveredReason::Forbidden(403)),
        (Reply::Page(200), UndeliveredReason::GivenUp(IntakeProblem::Html)),
    ] {
        let run = Run::new(2500, Duration::from_secs(3), move |arrival| {
            let is_hit = arrival.items.iter().any(|log| log["message"] == "log 1234");
            if is_hit { reply.clone() } else { Reply::Judge }
        })
        .await;
        assert_eq!((run.accepted().len(), run.report.accepted, run.report.undelivered_logs()), (2499, 2499, 1));
        assert_eq!((&run.report.undelivered[0].reason, reason.outlook()), (&reason, Outlook::Later));
    }
    // Alone, without any other that shows the key to be right.
    let run = Run::new(1, LONG, |arrival| match arrival.items.len() {
        0 => Reply::Judge,
        _ => Reply::Status(403, None),
    })
    .await;
    run.assert_refused(1, 3, &UndeliveredReason::Forbidden(403));
}

#[tokio::test]
async fn retry_after_is_heard() {
    let started = Instant::now();
    let run = Run::new(1, LONG, |arrival| match arrival.number {
        0 => Reply::Status(429, Some("1".into())),
        _ => Reply::Judge,
    })
    .await;
    run.assert_each_once(1);
    assert!(started.elapsed() >= Duration::from_secs(1));
    // Longer than there is time: given up at once.
    let started = Instant::now();
    let run = Run::new(1, LONG, |_| Reply::Status(503, Some("60".into()))).await;
    run.assert_refused(1, 1, &UndeliveredReason::GivenUp(IntakeProblem::Status(503)));
    let wait = run.report.undelivered[0].not_before.unwrap();
    assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(55), "{wait:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn too_large_is_split_until_it_fits() {
    let run =
        Run::new(1000, LONG, |arrival| if arrival.items.len() > 300 { Reply::Status(413, None) } else { Reply::Judge })
            .await;
    run.assert_each_once(1000);
    assert_eq!(run.report.tally.requests, 7);
    let run = Run::new(3, LONG, |_| Reply::Status(413, None)).await;
    run.assert_refused(3, 5, &UndeliveredReason::TooLarge);
}

#[tokio::test]
async fn a_refused_key_is_fetched_once_more() {
    for code in [401, 403] {
        let run = Run::new(2500, LONG, move |arrival| {
            if arrival.headers["dd-api-key"] == "key-1" { Reply::Status(code, None) } else { Reply::Judge }
        })
        .await;
        run.assert_each_once(2500);
        assert_eq!(run.keys.fetched.load(Ordering::SeqCst), 2);
        let run = Run::new(5, LONG, move |_| Reply::Status(code, None)).await;
        // The second key, and without logs, too.
        run.assert_refused(5, 3, &UndeliveredReason::KeyRefused(code));
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let keys = Rotating { broken: true, ..Rotating::default() };
    let run = Run::with_keys(5, LONG, keys, |_| Reply::Judge).await;
    run.assert_refused(5, 0, &UndeliveredReason::NoKey(KeyUnavailable("the key is nowhere".into())));
}

#[tokio::test]
async fn a_payload_does_not_vanish_with_its_task() {
    let keys = Rotating { panics: true, ..Rotating::default() };
    let run = Run::with_keys(2500, LONG, keys, |_| Reply::Judge).await;
    run.assert_refused(2500, 0, &UndeliveredReason::Internal);
}

#[tokio::test]
async fn the_deadline_ends_what_goes_on_for_ever() {
    let short = Duration::from_millis(300);
    for reply in [Reply::Silence, Reply::Status(503, None), Reply::Status(429, None)] {
        let started = Instant::now();
        let script = reply.clone();
        let run = Run::new(2500, short, move |_| script.clone()).await;
        assert!(started.elapsed() < Duration::from_secs(3), "{reply:?}");
        assert_eq!((run.report.accepted, run.report.undelivered_logs()), (0, 2500));
        // Which of the failures was the last before the deadline is chance.
        let reasons: Vec<&UndeliveredReason> = run.report.undelivered.iter().map(|failed| &failed.reason).collect();
        assert!(
            reasons.iter().all(|reason| matches!(reason, UndeliveredReason::GivenUp(_) | UndeliveredReason::NoTime)),
            "{reasons:?}"
        );
    }
}

#[tokio::test]
async fn no_more_requests_than_workers_are_under_way() {
    for (workers, expected) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        // Nothing is ever answered, so what arrives is under way at once.
        let short = Duration::from_millis(300);
        let run = Run::with_workers(2500, short, Rotating::default(), workers, |_| Reply::Silence).await;
        assert_eq!(run.intake.arrivals().len(), expected);
    }
}

#[tokio::test]
async fn a_slow_intake_is_waited_for() {
    let run = Run::new(2500, LONG, |_| Reply::Slow(Duration::from_millis(300))).await;
    run.assert_each_once(2500);
    assert_eq!(run.report.tally.requests, 3);
}

#[tokio::test]
async fn nobody_listens() {
    let intake = StandIn::start().await.unwrap();
    let url = intake.url();
    drop(intake);
    let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
    let target = Intake::new(client, format!("{url}/api/v2/logs"));
    let time = Instant::now() + Duration::from_millis(200);
    let terms = Terms { policy: POLICY, workers: 8, can_wait: false, was_down: false };
    let report = deliver(payloads(5), &target, &Arc::new(Rotating::default()), terms, time).await;
    assert_eq!(report.undelivered_logs(), 5);
    assert!(matches!(
        report.undelivered[0].reason,
        UndeliveredReason::GivenUp(IntakeProblem::Connection) | UndeliveredReason::NoTime
    ));
}

async fn handler(intake: &StandIn, more: &[(&str, &str)]) -> Handler {
    let url = intake.url();
    let pairs = [("DD_URL", url.as_str()), ("DD_API_KEY", "k")];
    let map: HashMap<String, String> =
        pairs.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Handler::new(Settings::read(&map).unwrap()).unwrap()
}

#[tokio::test]
async fn an_invocation_answers_in_numbers() {
    let intake = StandIn::start().await.unwrap();
    let handler = handler(&intake, &[("DD_TAGS", "team:a")]).await;
    let invocation = Invocation { function_arn: ARN.into(), ..Invocation::default() };
    for text in ["x", "y"] {
        let event = event(&content("my-app", "s", &[(now(), text), (now(), " ")]));
        let delivered = handler.handle(event.into(), &invocation).await.unwrap();
        assert_eq!(
            (delivered.counts.events, delivered.counts.blank, delivered.delivered, delivered.requests),
            (2, 1, 1, 1)
        );
    }
    let log = &intake.accepted()[0];
    assert_eq!((&log["ddtags"], &log["aws"]["invoked_function_arn"]), (&"team:a".into(), &ARN.into()));
}

#[tokio::test]
async fn every_compression_arrives() {
    for (name, compression) in
        [("zstd", Compression::Zstd(1)), ("gzip", Compression::Gzip(6)), ("none", Compression::None)]
    {
        let intake = StandIn::start().await.unwrap();
        let handler = handler(&intake, &[("DD_COMPRESSION", name)]).await;
        let event = event(&content("my-app", "s", &[(now(), "x")]));
        handler.handle(event.into(), &Invocation::default()).await.unwrap();
        assert_eq!(intake.accepted().len(), 1);
        let encoding =
            intake.arrivals()[0].headers.get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(encoding.as_deref(), compression.content_encoding());
    }
}

#[tokio::test]
async fn a_bad_event_and_a_bad_intake_fail_the_invocation_and_the_next_one_is_served() {
    // Whole, and in halves.
    let intake = StandIn::start_with("127.0.0.1:0", |arrival| match arrival.number {
        0..3 => Reply::Status(400, None),
        _ => Reply::Judge,
    })
    .await
    .unwrap();
    let handler = handler(&intake, &[]).await;
    let good = Bytes::from(event(&content("my-app", "s", &[(now(), "x"), (now(), "y")])));
    let failure = handler.handle(Bytes::from_static(b"nonsense"), &Invocation::default()).await.unwrap_err();
    assert_eq!(failure.error_type(), "EventNotJson");
    let failure = handler.handle(good.clone(), &Invocation::default()).await.unwrap_err();
    assert_eq!(failure.error_type(), "LogsUndelivered");
    assert_eq!(failure.to_string(), "2 of 2 logs could not be delivered: the intake answered 400");
    assert!(matches!(failure, InvocationFailure::Undelivered { undelivered: 2, logs: 2, .. }));
    assert_eq!(handler.handle(good, &Invocation::default()).await.unwrap().delivered, 2);
}

#[tokio::test]
async fn no_connection_outlives_an_invocation() {
    // Two invocations of one handler make two connections: the second does not meet one that has gone stale.
    let intake = StandIn::start().await.unwrap();
    let handler = handler(&intake, &[]).await;
    for (expected, text) in [(1, "x"), (2, "y")] {
        let event = event(&content("my-app", "s", &[(now(), text)]));
        handler.handle(event.into(), &Invocation::default()).await.unwrap();
        assert_eq!(intake.connections(), expected);
    }
}
