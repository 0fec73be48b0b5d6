//! The function as a process, with its intake and its queues, and what is where.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use forwarder::delivery::undelivered;
use intake::{Arrival, Reply, StandIn};
use pipeline::PipelineSettings;
use pipeline::compress::Compression;
use serde_json::Value;
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::event_source_mapping::EventSourceMapping;
use testkit::events::*;
use testkit::network::{FaultyNetwork, NetworkFault};
use testkit::runtime_api::ForwarderProcess;
use tokio::runtime::{self, Runtime};

use super::fault::{Fault, PAYLOAD, Size, ids};

const FORWARDER: &str = env!("CARGO_BIN_EXE_forwarder");

/// Time in which all is done that can be done.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// An event of logs with the ids `first`, `first` + 1, …
pub(super) fn event_of(first: usize, logs: usize) -> Vec<u8> {
    event_at(now(), first, logs)
}

/// The same, with this time.
pub(super) fn event_at(time_ms: i64, first: usize, logs: usize) -> Vec<u8> {
    let texts: Vec<String> = (first..first + logs).map(|number| format!("log {number}")).collect();
    let messages: Vec<(i64, &str)> = texts.iter().map(|text| (time_ms, text.as_str())).collect();
    let mut content = content("my-app", "a-stream", &messages);
    for (number, event) in (first..).zip(content["logEvents"].as_array_mut().unwrap()) {
        event["id"] = format!("{number:056}").into();
    }
    event(&content)
}

/// How an invocation ended.
pub(super) struct Invoked {
    pub(super) answer: Result<Value, String>,
    /// How many requests were not answered in time.
    pub(super) timeouts: u64,
}

/// The function with its intake and its queues.
pub(super) struct World {
    size: Size,
    function: ForwarderProcess,
    intake: StandIn,
    network: Option<FaultyNetwork>,
    pub(super) aws: AwsStandIn,
    is_well: Arc<AtomicBool>,
    variables: Vec<(&'static str, String)>,
    /// Threads of its own for the intake, so that one row's work does not hold up another's clock.
    _runtime: Runtime,
}

impl World {
    pub(super) fn start(fault: Fault, size: Size) -> World {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
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
        let intake = runtime.block_on(StandIn::start_with("127.0.0.1:0", script)).unwrap();
        let network = match fault {
            Fault::ResetBefore => Some(NetworkFault::Reset),
            Fault::Drip(wait) => Some(NetworkFault::Drip(wait)),
            _ => None,
        };
        let network = network.map(|fault| runtime.block_on(FaultyNetwork::start(&intake.url(), fault)));
        let url = match fault {
            Fault::Address(url) => url.to_owned(),
            Fault::Tls => intake.url().replace("http:", "https:"),
            _ => network.as_ref().map_or_else(|| intake.url(), |network| network.url.clone()),
        };
        let aws = AwsStandIn::start(if fault == Fault::QueueDown { AwsBehavior::Down } else { AwsBehavior::Healthy });
        aws.set_secret("first");
        let mut variables = aws.variables();
        variables.push(("DD_URL", url));
        variables.push(match fault {
            Fault::Rotated | Fault::WrongKey => ("DD_API_KEY_SECRET_ARN", "datadog".to_owned()),
            _ => ("DD_API_KEY", "k".to_owned()),
        });
        let function = start_function(&variables);
        let mut world = World { size, function, intake, network, aws, is_well, variables, _runtime: runtime };
        if fault == Fault::Rotated {
            world.rotate_key();
        }
        world
    }

    /// Changes the key when the function holds the first one: it has delivered a log with it, which is none of the event's.
    fn rotate_key(&mut self) {
        self.is_well.store(true, Ordering::SeqCst);
        self.invoke(&event_of(self.size.logs(), 1), LONG).answer.unwrap();
        self.is_well.store(false, Ordering::SeqCst);
        self.aws.set_secret("second");
    }

    pub(super) fn invoke(&mut self, event: &[u8], time: Duration) -> Invoked {
        let answer = self.function.invoke(event, time).map_err(|error| error.to_string());
        Invoked { answer, timeouts: self.function.metrics()["RetriesTimeout"].as_u64().unwrap_or(0) }
    }

    /// Kills the function when all payloads were sent and those that are not hit were answered.
    pub(super) fn kill_in_mid_send(&mut self, event: &[u8]) {
        self.function.hand_out(event, LONG);
        let payloads = self.size.logs().div_ceil(PAYLOAD);
        let is_mid_send = || {
            let arrivals = self.intake.arrivals();
            let answered = arrivals.iter().filter(|arrival| arrival.status.is_some()).count();
            (arrivals.len(), answered) == (payloads, payloads - self.size.hit())
        };
        let given_up = Instant::now() + LONG;
        while !is_mid_send() {
            assert!(Instant::now() < given_up, "it does not send");
            thread::sleep(Duration::from_millis(20));
        }
        // On Unix this is SIGKILL.
        self.function.child.kill().unwrap();
        self.function.child.wait().unwrap();
        self.start_another_sandbox();
    }

    pub(super) fn make_well(&mut self, fault: Fault) {
        self.is_well.store(true, Ordering::SeqCst);
        self.aws.set(AwsBehavior::Healthy);
        if let Some(network) = &self.network {
            network.set(NetworkFault::None);
        }
        if matches!(fault, Fault::Address(_) | Fault::Tls) {
            // A wrong setting: the function gets the right one.
            self.variables.push(("DD_URL", self.intake.url()));
            self.start_another_sandbox();
        }
    }

    pub(super) fn start_another_sandbox(&mut self) {
        self.function = start_function(&self.variables);
    }

    /// How often each log of the event was accepted.
    pub(super) fn accepted(&self) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        let accepted = self.intake.accepted();
        ids(&accepted).filter(|id| *id < self.size.logs()).for_each(|id| *counts.entry(id).or_default() += 1);
        counts
    }

    /// Whether what happened is the fault's doing, and not that of a machine that has too much else to do: then answers do not
    /// come in time that were given in time, which is another fault.
    pub(super) fn is_the_faults_doing(&self, fault: Fault, invoked: &Invoked) -> bool {
        let messages = self.aws.sent("undelivered");
        let says = |reason: &str| messages.iter().any(|sent| sent.body.contains(reason));
        let is_late = match fault {
            Fault::TakenThenSilence | Fault::Killed => false,
            Fault::Drip(_) if !fault.is_answered() => false,
            // These count as no answer in time.
            Fault::Status(408, _) => says("IntakeTimeout"),
            _ => invoked.timeouts > 0,
        };
        // Where all connections are taken by payloads that are hit, others are never sent.
        let takes_all = matches!(fault, Fault::ResetBefore | Fault::Address(_) | Fault::Tls | Fault::Drip(_));
        let is_unsent = !takes_all && says("NoTimeLeft");
        let is_unsaved = invoked.answer.is_err() && !matches!(fault, Fault::QueueDown | Fault::Killed);
        !(is_late || is_unsent || is_unsaved)
    }

    /// Whether the intake refused a request for its key.
    pub(super) fn refused_a_key(&self) -> bool {
        self.intake.arrivals().iter().any(|arrival| matches!(arrival.status, Some(401 | 403)))
    }

    /// The logs in the messages of a queue.
    pub(super) fn in_queue(&self, queue: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for sent in self.aws.sent(queue) {
            let Ok((head, payloads)) = undelivered::read(&sent.body, 0, Compression::None) else {
                unread_ids(&sent.body)
                    .into_iter()
                    .for_each(|id| assert!(found.insert(id), "log {id} is in {queue} twice"));
                continue;
            };
            let logs: Vec<Value> =
                payloads.iter().flat_map(|one| serde_json::from_slice::<Vec<Value>>(&one.body).unwrap()).collect();
            assert_eq!(head.logs, logs.len());
            ids(&logs).for_each(|id| assert!(found.insert(id), "log {id} is in {queue} twice"));
        }
        found
    }

    /// Gives the messages of a queue to the function until none is left.
    pub(super) fn drain(&mut self, queue: &str) {
        let mut mapping = EventSourceMapping::default();
        mapping.fill(&self.aws, queue);
        while let Some((batch, event)) = mapping.next_batch() {
            assert!(batch[0].receive_count < 10, "it does not end");
            let answer = self.invoke(&event, LONG).answer;
            mapping.answered(batch, answer.ok().as_ref());
            mapping.fill(&self.aws, queue);
        }
    }
}

/// The logs in what a slow machine did not read in time, and put into the queue as an event.
fn unread_ids(event: &str) -> Vec<usize> {
    let event: Value = serde_json::from_str(event).unwrap();
    let content = pipeline::inflated(event["awslogs"]["data"].as_str().unwrap(), &PipelineSettings::default()).unwrap();
    let content: Value = serde_json::from_str(&content).unwrap();
    ids(content["logEvents"].as_array().unwrap()).collect()
}

/// Of a variable that is there twice, the last holds.
fn start_function(variables: &[(&'static str, String)]) -> ForwarderProcess {
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let function = ForwarderProcess::start(FORWARDER, &variables);
    function.wait_for_next();
    function
}
