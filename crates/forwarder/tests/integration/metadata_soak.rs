//! Many events of pods with masks in their annotations, whose metadata comes in records of its own: at once, late, or never. Sandboxes end
//! and begin, look-ups fail in all their ways, and so do the intake and the queue. Nothing is lost, nothing arrives twice, and no text
//! arrives without its masks: with `keep` none at all, with `ship` only after its time, and with the tag that says so.
//!
//! The queue has no clock here: each message is handed out once a round, and its rounds are what bounds its wait.
//!
//! `cargo test` runs 80 events. `cargo test -p forwarder --test integration metadata_soak -- --ignored --nocapture` runs 300.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::Invocation;
use forwarder::lambda::metrics::Telemetry;
use forwarder::settings::Settings;
use intake::{Reply, StandIn};
use serde_json::{Value, json};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::cloudwatch_logs::{LogsBehavior, LogsStandIn};
use testkit::event_source_mapping::EventSourceMapping;
use testkit::events::*;

use super::metadata_waits::{MISSING, line, log_stream, record};

const GROUP: &str = "/aws/eks/prod/fargate";

/// How many pods there are at once, and sandboxes.
const PODS: usize = 24;
const SANDBOXES: usize = 3;

/// Ids of lines: the event's number times this, and the line's own.
const SPAN: usize = 1_000;

/// Messages are handed out after so many events.
const DRAIN_AFTER: usize = 8;

/// The time of an invocation in which the intake fails until the end, of any other, and of those in the end: look-ups have half of it.
const SHORT: Duration = Duration::from_millis(900);
const USUAL: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(20);

/// When a pod's first record of metadata is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    AtOnce,
    /// With the event of this number of the pod.
    Late(usize),
    Never,
}

/// Numbers that look random and are the same each time: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

struct Soak {
    random: Random,
    variables: HashMap<String, String>,
    sandboxes: Vec<Handler>,
    time: Duration,
    intake: StandIn,
    is_down: Arc<AtomicBool>,
    aws: AwsStandIn,
    logs: LogsStandIn,
    mapping: EventSourceMapping,
    /// How many events each pod had; a pod's number goes up with each that is replaced.
    events_of: BTreeMap<usize, usize>,
    /// The pod of each line.
    sent: BTreeMap<usize, usize>,
    figures: BTreeMap<&'static str, usize>,
}

fn told(pod: usize) -> Told {
    match pod % 6 {
        0 => Told::Never,
        1 => Told::Late(3),
        2 => Told::Late(8),
        _ => Told::AtOnce,
    }
}

fn name(pod: usize) -> String {
    format!("web-{pod}")
}

impl Soak {
    async fn start(seed: u64, then: &str) -> Soak {
        let is_down = Arc::new(AtomicBool::new(false));
        let asked = is_down.clone();
        let script = move |_: &_| if asked.load(Ordering::SeqCst) { Reply::Status(503, None) } else { Reply::Judge };
        let intake = StandIn::start_with("127.0.0.1:0", script).await.unwrap();
        let (aws, logs) = (AwsStandIn::start(AwsBehavior::Healthy), LogsStandIn::start(LogsBehavior::Healthy));
        let mut variables: HashMap<String, String> =
            aws.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, value) in [
            ("DD_URL", intake.url().as_str()),
            ("DD_API_KEY", "k"),
            ("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "false"),
            ("PODFERRY_METADATA_RECORDS", "true"),
            ("PODFERRY_METADATA_LOOKUPS", "600"),
            ("PODFERRY_METADATA_UNKNOWN", then),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", logs.url().as_str()),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        let sandboxes = (0..SANDBOXES).map(|_| sandbox(&variables)).collect();
        let (events_of, sent, figures) = Default::default();
        let (random, mapping) = (Random(seed), EventSourceMapping::default());
        Soak {
            random,
            variables,
            sandboxes,
            time: USUAL,
            intake,
            is_down,
            aws,
            logs,
            mapping,
            events_of,
            sent,
            figures,
        }
    }

    fn count(&mut self, name: &'static str, by: usize) {
        *self.figures.entry(name).or_default() += by;
    }

    /// Any sandbox serves the event, or a new one.
    async fn invoke(&mut self, event: &[u8]) -> Option<Value> {
        let which = self.random.below(SANDBOXES);
        if self.random.one_in(12) {
            self.sandboxes[which] = sandbox(&self.variables);
            self.count("sandboxes that were replaced", 1);
        }
        let time = if self.is_down.load(Ordering::SeqCst) { SHORT } else { self.time };
        let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + time;
        let invocation =
            Invocation { request_id: "r".into(), function_arn: ARN.into(), deadline_ms: deadline.as_millis() as u64 };
        let mut telemetry = Telemetry::default();
        let answer = self.sandboxes[which].serve(Bytes::copy_from_slice(event), &invocation, &mut telemetry).await;
        self.count("invocations", 1);
        self.count("invocations that failed", usize::from(answer.is_err()));
        self.count("lines that waited, by round", telemetry.delivered.waiting);
        answer.ok().map(|answer| serde_json::to_value(answer).unwrap())
    }

    /// What fails, by chance.
    fn break_something(&mut self) {
        let behaviors = [
            LogsBehavior::Healthy,
            LogsBehavior::Healthy,
            LogsBehavior::Healthy,
            LogsBehavior::Throttled,
            LogsBehavior::Down,
            LogsBehavior::Denied("GetLogEvents"),
            LogsBehavior::Says("<html>"),
            LogsBehavior::EmptyFirst(2),
        ];
        self.logs.set(behaviors[self.random.below(behaviors.len())]);
        self.is_down.store(self.random.one_in(12), Ordering::SeqCst);
        let behavior = match self.random.below(24) {
            0 => AwsBehavior::Down,
            1 => AwsBehavior::Denied,
            _ => AwsBehavior::Healthy,
        };
        self.aws.set(behavior);
    }

    fn repair(&mut self) {
        self.time = LONG;
        self.logs.set(LogsBehavior::Healthy);
        self.is_down.store(false, Ordering::SeqCst);
        self.aws.set(AwsBehavior::Healthy);
    }

    fn event_of(&mut self, number: usize) -> Vec<u8> {
        let pod = number / 120 * 6 + self.random.below(PODS);
        let before = self.events_of.entry(pod).or_default();
        *before += 1;
        let (before, lines) = (*before - 1, 1 + self.random.below(30));
        let is_told = match told(pod) {
            Told::AtOnce => true,
            Told::Late(from) => before >= from,
            Told::Never => false,
        };
        let mut messages: Vec<String> =
            (0..lines).map(|at| line(&format!("line {at} of {number} tok_{number}"))).collect();
        // The throttle passes some of a pod's records; CloudWatch has them before the function has the event.
        if is_told && self.random.one_in(3) {
            messages.push(record(&name(pod), "app"));
        }
        let stream = log_stream(&name(pod), "app");
        for message in &messages {
            self.logs.put(GROUP, &stream, now(), message);
        }
        let timed: Vec<(i64, &str)> = messages.iter().map(|message| (now(), message.as_str())).collect();
        let mut content = content(GROUP, &stream, &timed);
        for (at, event) in content["logEvents"].as_array_mut().unwrap().iter_mut().enumerate() {
            event["id"] = format!("{:056}", number * SPAN + at).into();
        }
        self.sent.extend((0..lines).map(|at| (number * SPAN + at, pod)));
        event(&content)
    }

    /// Lambda tries an event three times, and then puts it into the queue.
    async fn event(&mut self, number: usize) {
        let event = self.event_of(number);
        self.break_something();
        for attempt in 1..=3 {
            if self.invoke(&event).await.is_some() {
                break;
            }
            if attempt == 3 {
                let event: Value = serde_json::from_slice(&event).unwrap();
                let context = json!({ "condition": "RetriesExhausted" });
                self.mapping.add(json!({ "requestContext": context, "requestPayload": event }).to_string());
                self.count("events that Lambda gave up", 1);
            }
        }
    }

    /// Hands out each message once.
    async fn drain(&mut self) {
        self.mapping.fill(&self.aws, "undelivered");
        for _ in 0..self.mapping.waiting().len().div_ceil(10) {
            let Some((batch, event)) = self.mapping.next_batch() else { break };
            let answer = self.invoke(&event).await;
            self.mapping.answered(batch, answer.as_ref());
        }
    }
}

fn sandbox(variables: &HashMap<String, String>) -> Handler {
    Handler::new(Settings::read(variables).unwrap()).unwrap()
}

async fn soak(events: usize, then: &str) {
    let mut soak = Soak::start(11, then).await;
    for number in 0..events {
        soak.event(number).await;
        if number % DRAIN_AFTER == DRAIN_AFTER - 1 {
            soak.break_something();
            soak.drain().await;
            // Somebody looks at the dead letters now and then.
            if soak.random.one_in(6) {
                soak.mapping.fill(&soak.aws, "dead");
            }
        }
    }
    // All is well in the end, and who was late has told it.
    soak.repair();
    for pod in soak.events_of.keys().copied().filter(|pod| told(*pod) != Told::Never) {
        soak.logs.put(GROUP, &log_stream(&name(pod), "app"), now(), &record(&name(pod), "app"));
    }
    for sandbox in 0..SANDBOXES {
        soak.sandboxes[sandbox] = self::sandbox(&soak.variables);
    }
    soak.mapping.fill(&soak.aws, "dead");
    for _ in 0..40 {
        soak.drain().await;
    }
    let left = soak.mapping.waiting().len();
    let mut arrived: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut unmasked, mut unsaid, mut wrong) = (0, 0, 0);
    for log in soak.intake.accepted() {
        let id: usize = log["id"].as_str().unwrap().parse().unwrap();
        *arrived.entry(id).or_default() += 1;
        let is_tagged = has_tag(&log, MISSING);
        let is_bare = log["message"].as_str().unwrap().contains("tok_");
        unmasked += usize::from(is_bare);
        unsaid += usize::from(is_bare != is_tagged);
        wrong += usize::from(is_bare && told(soak.sent[&id]) == Told::AtOnce && then == "keep");
    }
    // What is kept is that of pods that never tell.
    let kept: usize = soak
        .aws
        .sent("dead")
        .iter()
        .map(|dead| {
            let head = super::queue::head(&dead.body);
            assert_eq!((&head["reason"], &head["kind"]), (&"MetadataUnknown".into(), &"metadata".into()));
            head["events"].as_u64().unwrap() as usize
        })
        .sum();
    let lines_of_silent = soak.sent.values().filter(|pod| told(**pod) == Told::Never).count();
    let twice = arrived.values().filter(|count| **count > 1).count();
    println!(
        "{then}: {events} events, {} lines; arrived {}, kept {kept}, unmasked {unmasked}",
        soak.sent.len(),
        arrived.len()
    );
    soak.figures.iter().for_each(|(name, count)| println!("{name}: {count}"));
    assert_eq!((twice, left, unsaid, wrong), (0, 0, 0, 0));
    assert_eq!(arrived.len() + kept, soak.sent.len());
    assert_eq!(kept, if then == "keep" { lines_of_silent } else { 0 });
    assert_eq!(then == "keep", unmasked == 0);
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_unmasked_that_is_to_be_kept() {
    soak(80, "keep").await;
}

#[tokio::test]
async fn nothing_is_lost_and_what_is_unmasked_says_so() {
    soak(80, "ship").await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn three_hundred_events() {
    soak(300, "keep").await;
    soak(300, "ship").await;
}
