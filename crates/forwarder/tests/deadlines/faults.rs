//! The fault matrix: what becomes of an event under each kind of fault, counted log by log, over real HTTP.
//!
//! A row is one event under one fault. After the invocation each log has to be accepted by the intake, in a queue, or in an
//! event that Lambda still has because the invocation failed. Then all is well again, Lambda gives the event once more if
//! it still has it, the queue's messages come back, and each log has to have arrived: once, unless the intake took it and the
//! function was not told.
//!
//! `cargo test --test faults -- --nocapture` prints the table. `docs/reliability.md` has it, and is compared with what happened.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use forwarder::delivery::undelivered;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::Invocation;
use forwarder::lambda::metrics::Telemetry;
use forwarder::settings::Settings;
use intake::{Arrival, Reply, StandIn};
use pipeline::compress::Compression;
use serde_json::Value;
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::event_source_mapping::EventSourceMapping;
use testkit::events::*;
use testkit::network::{FaultyNetwork, NetworkFault};
use testkit::runtime_api::ForwarderProcess;
use tokio::runtime;
use tokio::task::block_in_place;

const FORWARDER: &str = env!("CARGO_BIN_EXE_forwarder");

/// How many rows run at once: most of their time is waiting.
const AT_ONCE: usize = 6;

/// How many logs a payload carries; and of so many payloads one is hit, where a fault is the intake's answer to a payload.
/// Five of twenty leave workers for the others.
const PAYLOAD: usize = 1000;
const EVERY: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// This status each time, with `Retry-After` if given.
    Status(u16, Option<&'static str>),
    /// This status the first time.
    Once(u16, Option<&'static str>),
    /// 413 to more than half of a payload.
    TooLarge,
    /// 401 to every key but the one that the secret has by then.
    Rotated,
    /// 403 to the key that the secret has.
    WrongKey,
    /// The connection is reset before the request is read.
    ResetBefore,
    /// It is closed after the whole request was read, and the logs are not taken.
    ResetAfter,
    /// The same, but the logs are taken; the first time only.
    TakenThenReset,
    /// The logs are taken, and no answer comes.
    TakenThenSilence,
    /// The answer comes byte by byte, so far apart.
    Drip(Duration),
    /// This is not the intake's address.
    Address(&'static str),
    /// TLS is expected, and something else speaks.
    Tls,
    /// 503, and so says SQS.
    QueueDown,
    /// The process is killed while requests are under way.
    Killed,
}

const FAULTS: [(&str, Fault); 23] = [
    ("202", Fault::None),
    ("400", Fault::Status(400, None)),
    ("401, then the key that was rotated", Fault::Rotated),
    ("403, the key is wrong", Fault::WrongKey),
    ("408", Fault::Status(408, None)),
    ("413 until it is split", Fault::TooLarge),
    ("429, `Retry-After: 1`, then 202", Fault::Once(429, Some("1"))),
    ("429, `Retry-After: 60`", Fault::Status(429, Some("60"))),
    ("429 without `Retry-After`", Fault::Status(429, None)),
    ("500", Fault::Status(500, None)),
    ("502", Fault::Status(502, None)),
    ("503", Fault::Status(503, None)),
    ("503, then 202", Fault::Once(503, None)),
    ("reset before the request is read", Fault::ResetBefore),
    ("reset after the body, not taken", Fault::ResetAfter),
    ("reset after the body, taken", Fault::TakenThenReset),
    ("taken, and never answered", Fault::TakenThenSilence),
    ("slow drip, in time", Fault::Drip(Duration::from_millis(2))),
    ("slow drip, not in time", Fault::Drip(Duration::from_millis(200))),
    ("DNS: no such host", Fault::Address("http://intake.invalid")),
    ("TLS: no TLS there", Fault::Tls),
    ("503, and the queue is down", Fault::QueueDown),
    ("process killed in mid-send", Fault::Killed),
];

impl Fault {
    /// Whether the function is told of all that the intake takes: else logs may arrive twice.
    fn is_told(self) -> bool {
        match self {
            Fault::TakenThenReset | Fault::TakenThenSilence | Fault::Killed => false,
            Fault::Drip(wait) => wait < Duration::from_millis(100),
            _ => true,
        }
    }

    /// What the intake does with a request that begins with this log, and did so often before.
    fn reply(self, arrival: &Arrival, size: Size, before: usize) -> Reply {
        let is_key = |key| arrival.headers["dd-api-key"] == key;
        let is_hit = ids(&arrival.items).next().is_some_and(|first| (first / PAYLOAD).is_multiple_of(EVERY));
        match self {
            Fault::Rotated if is_key("first") => Reply::Status(401, None),
            Fault::WrongKey if is_key("first") => Reply::Status(403, None),
            _ if !is_hit => Reply::Judge,
            Fault::Status(code, after) => Reply::Status(code, after.map(str::to_owned)),
            Fault::Once(code, after) if before == 0 => Reply::Status(code, after.map(str::to_owned)),
            Fault::TooLarge if arrival.items.len() * 2 > size.payload() => Reply::Status(413, None),
            Fault::ResetAfter => Reply::HangUp,
            Fault::TakenThenReset if before == 0 => Reply::Untold { hangs_up: true },
            Fault::TakenThenSilence => Reply::Untold { hangs_up: false },
            Fault::QueueDown => Reply::Status(503, None),
            Fault::Killed => Reply::Silence,
            _ => Reply::Judge,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    Large,
}

impl Size {
    fn name(self) -> &'static str {
        match self {
            Size::Small => "5 logs",
            Size::Large => "20 payloads",
        }
    }

    fn logs(self) -> usize {
        match self {
            Size::Small => 5,
            Size::Large => 20 * PAYLOAD,
        }
    }

    /// How many logs its payloads carry.
    fn payload(self) -> usize {
        self.logs().min(PAYLOAD)
    }

    /// How many payloads are hit.
    fn hit(self) -> usize {
        self.logs().div_ceil(PAYLOAD).div_ceil(EVERY)
    }

    /// What Lambda gives an invocation; the large event needs some of it before its first request, in a debug build. The
    /// longest is what a machine may need that has much else to do.
    fn times(self) -> [Duration; 3] {
        match self {
            Size::Small => [3, 10, 30],
            Size::Large => [10, 30, 90],
        }
        .map(Duration::from_secs)
    }
}

/// Time in which all is done that can be done.
const LONG: Duration = Duration::from_secs(60);

/// The numbers of logs.
fn ids(logs: &[Value]) -> impl Iterator<Item = usize> {
    logs.iter().map(|log| log["id"].as_str().unwrap().parse().unwrap())
}

/// An event of logs with the ids 0, 1, 2, …
fn event_of(size: Size) -> Vec<u8> {
    let texts: Vec<String> = (0..size.logs()).map(|number| format!("log {number}")).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (now(), text.as_str())).collect();
    let mut content = content("my-app", "a-stream", &messages);
    for (number, event) in content["logEvents"].as_array_mut().unwrap().iter_mut().enumerate() {
        event["id"] = format!("{number:056}").into();
    }
    event(&content)
}

/// The function, in this process or in one of its own.
enum Function {
    Handler(Box<Handler>),
    /// Its channels are for one thread at a time.
    Process(Mutex<ForwarderProcess>),
}

/// The function with its intake and its queues.
struct World {
    size: Size,
    function: Function,
    intake: Arc<StandIn>,
    front: Option<FaultyNetwork>,
    aws: AwsStandIn,
    is_well: Arc<AtomicBool>,
    variables: HashMap<String, String>,
}

impl World {
    async fn start(fault: Fault, size: Size) -> World {
        let is_well = Arc::new(AtomicBool::new(false));
        let asked = is_well.clone();
        let seen: Mutex<HashMap<Option<usize>, usize>> = Mutex::default();
        let script = move |arrival: &Arrival| {
            if asked.load(Ordering::SeqCst) {
                return Reply::Judge;
            }
            let before = {
                let mut seen = seen.lock().unwrap();
                let count = seen.entry(ids(&arrival.items).next()).or_default();
                *count += 1;
                *count - 1
            };
            fault.reply(arrival, size, before)
        };
        let intake = Arc::new(StandIn::start_with("127.0.0.1:0", script).await.unwrap());
        let front = match fault {
            Fault::ResetBefore => Some(FaultyNetwork::start(&intake.url(), NetworkFault::Reset).await),
            Fault::Drip(wait) => Some(FaultyNetwork::start(&intake.url(), NetworkFault::Drip(wait)).await),
            _ => None,
        };
        let url = match fault {
            Fault::Address(url) => url.to_owned(),
            Fault::Tls => intake.url().replace("http:", "https:"),
            _ => front.as_ref().map_or_else(|| intake.url(), |front| front.url.clone()),
        };
        let aws = AwsStandIn::start(if fault == Fault::QueueDown { AwsBehavior::Down } else { AwsBehavior::Healthy });
        aws.set_secret("first");
        let mut variables: HashMap<String, String> =
            aws.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        variables.insert("DD_URL".to_owned(), url);
        let key = match fault {
            Fault::Rotated | Fault::WrongKey => ("DD_API_KEY_SECRET_ARN", "datadog"),
            _ => ("DD_API_KEY", "k"),
        };
        variables.insert(key.0.to_owned(), key.1.to_owned());
        let function = Function::Handler(Box::new(Handler::new(Settings::read(&variables).unwrap()).unwrap()));
        let world = World { size, function, intake, front, aws, is_well, variables };
        if fault == Fault::Rotated {
            // The function holds the first key when it is changed.
            let none = event(&content("my-app", "a-stream", &[(now(), " ")]));
            world.invoke(&none, LONG).await.unwrap();
            world.aws.set_secret("second");
        }
        world
    }

    async fn invoke(&self, event: &[u8], time: Duration) -> Result<Value, String> {
        self.serve(event, time).await.0
    }

    /// The answer; and how many requests were not answered in time, where the function is in this process.
    async fn serve(&self, event: &[u8], time: Duration) -> (Result<Value, String>, usize) {
        match &self.function {
            Function::Handler(handler) => {
                let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + time;
                let invocation = Invocation {
                    function_arn: ARN.into(),
                    deadline_ms: deadline.as_millis() as u64,
                    ..Invocation::default()
                };
                let mut telemetry = Telemetry::default();
                let answer = handler.serve(Bytes::copy_from_slice(event), &invocation, &mut telemetry).await;
                let answer = answer.map(|answer| serde_json::to_value(answer).unwrap());
                (answer.map_err(|failure| failure.to_string()), telemetry.tally.retries.timeout)
            }
            Function::Process(forwarder) => {
                let answer = block_in_place(|| forwarder.lock().unwrap().invoke(event, time));
                (answer.map_err(|error| error.to_string()), 0)
            }
        }
    }

    fn process(&self) -> ForwarderProcess {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        block_in_place(|| {
            let forwarder = ForwarderProcess::start(FORWARDER, &variables);
            forwarder.wait_for_next();
            forwarder
        })
    }

    /// Kills the function when all payloads were sent and those that are not hit were answered.
    async fn kill_in_mid_send(&mut self, event: &[u8]) {
        let mut forwarder = self.process();
        forwarder.hand_out(event, LONG);
        let payloads = self.size.logs().div_ceil(PAYLOAD);
        let is_mid_send = || {
            let arrivals = self.intake.arrivals();
            let answered = arrivals.iter().filter(|arrival| arrival.status.is_some()).count();
            (arrivals.len(), answered) == (payloads, payloads - self.size.hit())
        };
        let given_up = Instant::now() + LONG;
        while !is_mid_send() {
            assert!(Instant::now() < given_up, "it does not send");
            tokio::task::yield_now().await;
        }
        // On Unix this is SIGKILL.
        forwarder.child.kill().unwrap();
        forwarder.child.wait().unwrap();
        self.function = Function::Process(Mutex::new(self.process()));
    }

    fn make_well(&mut self, fault: Fault) {
        self.is_well.store(true, Ordering::SeqCst);
        self.aws.set(AwsBehavior::Healthy);
        if let Some(front) = &self.front {
            front.set(NetworkFault::None);
        }
        if matches!(fault, Fault::Address(_) | Fault::Tls) {
            // A wrong setting: the function gets the right one.
            self.variables.insert("DD_URL".to_owned(), self.intake.url());
            self.start_anew();
        }
    }

    /// Another sandbox.
    fn start_anew(&mut self) {
        let settings = Settings::read(&self.variables).unwrap();
        self.function = Function::Handler(Box::new(Handler::new(settings).unwrap()));
    }

    /// How often each log was accepted.
    fn accepted(&self) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        ids(&self.intake.accepted()).for_each(|id| *counts.entry(id).or_default() += 1);
        counts
    }

    /// Whether what happened is the fault's doing, and not that of a machine that has too much else to do: then answers do not
    /// come in time that were given in time, which is another fault.
    fn is_the_faults_doing(&self, fault: Fault, answer: &Result<Value, String>, timeouts: usize) -> bool {
        let messages = self.aws.sent("undelivered");
        let says = |reason: &str| messages.iter().any(|sent| sent.body.contains(reason));
        let is_late = match fault {
            Fault::TakenThenSilence | Fault::Killed => false,
            Fault::Drip(_) if !fault.is_told() => false,
            // These count as no answer in time.
            Fault::Status(408, _) => says("IntakeTimeout"),
            _ => timeouts > 0,
        };
        // Where all connections are taken by payloads that are hit, others are never sent.
        let takes_all = matches!(fault, Fault::ResetBefore | Fault::Address(_) | Fault::Tls | Fault::Drip(_));
        let is_unsent = !takes_all && says("NoTimeLeft");
        let is_unsaved = answer.is_err() && !matches!(fault, Fault::QueueDown | Fault::Killed);
        !(is_late || is_unsent || is_unsaved)
    }

    /// The logs in the messages of a queue.
    fn in_queue(&self, queue: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for sent in self.aws.sent(queue) {
            let (head, payloads) = undelivered::read(&sent.body, 0, Compression::None).unwrap();
            let logs: Vec<Value> =
                payloads.iter().flat_map(|one| serde_json::from_slice::<Vec<Value>>(&one.body).unwrap()).collect();
            assert_eq!(head.logs, logs.len());
            ids(&logs).for_each(|id| assert!(found.insert(id), "log {id} is in {queue} twice"));
        }
        found
    }

    /// Gives the messages of a queue to the function until none is left.
    async fn drain(&self, queue: &str) {
        let mut mapping = EventSourceMapping::default();
        mapping.fill(&self.aws, queue);
        while let Some((batch, event)) = mapping.next() {
            assert!(batch[0].receive_count < 10, "it does not end");
            let answer = self.invoke(&event, LONG).await;
            mapping.answered(batch, answer.ok().as_ref());
            mapping.fill(&self.aws, queue);
        }
    }
}

/// What became of an event, in logs.
#[derive(Debug)]
struct Row {
    fault: &'static str,
    size: Size,
    accepted: usize,
    queued: usize,
    dead: usize,
    /// In an event that Lambda gives again.
    left: usize,
    lost: usize,
    twice: usize,
    time: Duration,
}

impl Row {
    /// As it stands in the table, without the seconds.
    fn cells(&self) -> String {
        let Row { fault, size, accepted, queued, dead, left, lost, twice, .. } = self;
        format!(
            "| {fault} | {} | {} | {accepted} | {queued} | {dead} | {left} | {lost} | {twice} |",
            size.name(),
            size.logs()
        )
    }
}

/// Gives more time where the machine needed it.
async fn run(fault: (&'static str, Fault), size: Size, event: &[u8]) -> Row {
    for time in size.times() {
        if let Some(row) = run_within(fault, size, event, time).await {
            return row;
        }
    }
    panic!("{}, {}: this machine has too much else to do", fault.0, size.name());
}

/// `None` if the machine was too slow for the fault to show. Nothing may be lost all the same.
async fn run_within((name, fault): (&'static str, Fault), size: Size, event: &[u8], time: Duration) -> Option<Row> {
    let row = format!("{name}, {}", size.name());
    let mut world = World::start(fault, size).await;
    let started = Instant::now();
    let (answer, timeouts) = if fault == Fault::Killed {
        world.kill_in_mid_send(event).await;
        (Err("killed".to_owned()), 0)
    } else {
        world.serve(event, time).await
    };
    let took = started.elapsed();

    let accepted = world.accepted();
    let (queued, dead) = (world.in_queue("undelivered"), world.in_queue("dead"));
    let left = if answer.is_err() { size.logs() } else { 0 };
    let is_somewhere = |id: &usize| accepted.contains_key(id) || queued.contains(id) || dead.contains(id) || left > 0;
    let lost = (0..size.logs()).filter(|id| !is_somewhere(id)).count();
    assert_eq!(lost, 0, "{row}");
    if let Ok(numbers) = &answer {
        // The answer says what is so, as far as the function can know it.
        let numbers = ["delivered", "queued", "dead"].map(|name| numbers[name].as_u64().unwrap() as usize);
        assert_eq!(numbers[1..], [queued.len(), dead.len()], "{row}");
        assert_eq!(numbers.iter().sum::<usize>(), size.logs(), "{row}");
    }
    if !world.is_the_faults_doing(fault, &answer, timeouts) {
        return None;
    }
    assert!(took < time, "{row}: after {took:?}, so after the deadline");
    let told = fault.is_told();
    if told {
        let overlap = accepted.keys().filter(|id| queued.contains(id) || dead.contains(id)).count();
        assert_eq!(overlap, 0, "{row}: what was accepted is in a queue");
    }

    world.make_well(fault);
    if let Err(problem) = answer {
        world.invoke(event, LONG).await.unwrap_or_else(|again| panic!("{row}: {problem}, then {again}"));
    }
    world.drain("undelivered").await;
    assert_eq!(world.in_queue("dead"), dead, "{row}");
    // By hand, once somebody has seen to it.
    world.drain("dead").await;
    let arrived = world.accepted();
    assert_eq!(arrived.len(), size.logs(), "{row}: not all arrived in the end");
    let twice = arrived.values().filter(|count| **count > 1).count();
    assert!(twice == 0 || !told, "{row}: {twice} arrived more than once");
    let (accepted, queued, dead) = (accepted.len(), queued.len(), dead.len());
    Some(Row { fault: name, size, accepted, queued, dead, left, lost, twice, time: took })
}

const HEAD: &str = "| fault | event | sent | accepted | queued | dead | Lambda has it | lost | twice | s |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

#[test]
fn no_log_is_lost_and_none_that_was_answered_for_is_sent_twice() {
    // The small ones first: they have little time, and the large ones take all processors.
    let mut waiting = VecDeque::new();
    for size in [Size::Small, Size::Large] {
        let event = Arc::new(event_of(size));
        waiting.extend(FAULTS.into_iter().enumerate().map(|(number, fault)| (number, fault, size, event.clone())));
    }
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // Threads of its own, so that one row's work does not hold up another's clock.
                let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                let next = || waiting.lock().unwrap().pop_front();
                while let Some((number, fault, size, event)) = next() {
                    let row = runtime.block_on(run(fault, size, &event));
                    done.lock().unwrap().push((number, row));
                }
            });
        }
    });
    let mut rows = done.into_inner().unwrap();
    rows.sort_by_key(|(number, row)| (*number, row.size.logs()));
    let rows: Vec<(String, f64)> = rows.iter().map(|(_, row)| (row.cells(), row.time.as_secs_f64())).collect();
    println!("{HEAD}");
    rows.iter().for_each(|(cells, seconds)| println!("{cells} {seconds:.1} |"));

    let docs = std::fs::read_to_string(format!("{}/docs/reliability.md", testkit::ROOT)).unwrap();
    let table = docs.lines().skip_while(|line| Some(*line) != HEAD.lines().next());
    let in_docs: Vec<&str> = table.skip(2).take_while(|line| line.starts_with('|')).collect();
    // The last cell is how long it took this time.
    let in_docs: Vec<&str> =
        in_docs.iter().map(|line| line.trim_end_matches('|').trim_end_matches(|c| c != '|')).collect();
    let happened: Vec<&str> = rows.iter().map(|(cells, _)| cells.as_str()).collect();
    assert_eq!(in_docs, happened, "the table of docs/reliability.md is not what happened");
}

/// What a warm function remembers, another one does not know: the promise that nothing is lost is kept, the other is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sandbox_sends_again_what_the_first_had_done() {
    let size = Size::Large;
    let event = event_of(size);
    // The queue takes none or two messages, and then the whole event comes to a function that knows nothing of it.
    for (behavior, in_queue) in [(AwsBehavior::Down, 0), (AwsBehavior::TakesOnly(2), 2 * PAYLOAD)] {
        let fault = Fault::Status(503, Some("600"));
        let mut world = World::start(fault, size).await;
        world.aws.set(behavior);
        assert!(world.invoke(&event, LONG).await.is_err());
        let saved = world.in_queue("undelivered").len();
        assert_eq!(saved, in_queue);
        world.make_well(fault);
        world.start_anew();
        world.invoke(&event, LONG).await.unwrap();
        world.drain("undelivered").await;
        let arrived = world.accepted();
        let delivered = size.logs() - size.hit() * PAYLOAD;
        assert_eq!(arrived.len(), size.logs());
        assert_eq!(arrived.values().filter(|count| **count == 2).count(), delivered + saved);
        assert!(arrived.values().all(|count| *count <= 2));
    }
}
