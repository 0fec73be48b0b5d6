//! Looks the metadata of a log stream up in CloudWatch Logs, where the records that tell it were in events that this sandbox has not seen.
//!
//! Asked is, until something is found: the stream around the time of its lines, where the newest record is; its head, where a pod that writes much has
//! one; and the other streams of its pod, since one `throttle` serves them all. `lookup_policy` says when a call may be made.
//!
//! What is found is believed as little as what is in an event: where one line beside it is no parser's, nothing is (decision 0003).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::aws::{AwsCallError, Call, Operation};
use super::lookup_policy::{CallEnd, LookupCall, LookupPolicy, LookupRefusal, LookupTally, Subject};
use super::own_log;
use crate::delivery::retry::random;
use crate::settings::{AwsSettings, LogLevel};
use pipeline::metadata_records::WantedMetadata;

/// How long the look-up of a stream may take, and what a call needs of that at least: one that is not answered in so much time was not cut short by us.
const TIMES: Times = Times { longest: Duration::from_secs(4), call: Duration::from_secs(1) };

/// How many lines of a stream are read at once: some 100 KB.
const LINES: u64 = 200;

/// How many pages may be asked for, where they come empty. Source: Amazon CloudWatch Logs API reference, FilterLogEvents: an empty page does not
/// mean that there are no others.
const PAGES: usize = 3;

/// How many records of metadata are asked for of a whole pod: what `throttle` passes in some minutes.
const RECORDS: u64 = 50;

/// How far before its lines the records of a stream are looked for. They come every quarter of a minute.
const BEFORE_MS: i64 = 60_000;

/// And those of a pod's other streams, which may have been silent.
const BEFORE_OF_POD_MS: i64 = 10 * BEFORE_MS;

/// How far behind them: Fluent Bit sends records of metadata and lines separately.
const BEHIND_MS: i64 = 60_000;

/// Events of one stream come together if their times are near: no more of it is read, whatever the times are.
const WIDEST_MS: i64 = 15 * 60_000;

/// Matches what has `kubernetes`, and under it `pod_name`: with this preset that are the records of metadata.
/// Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax"; AWS CDK, `FilterPattern.exists`.
const PATTERN: &str = r#"{ $.kubernetes.pod_name = "*" }"#;

/// How long nothing is said of a problem that was said.
const SAID: Duration = Duration::from_secs(300);

/// What a look-up gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookedUp {
    Found(FoundMessage),
    /// There is none, or none yet.
    Absent,
    Unavailable(LookupRefusal),
}

/// A record of metadata, as CloudWatch gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundMessage {
    /// The stream that was asked for, or another one of its pod.
    pub(crate) log_stream: String,
    pub(crate) message: String,
}

/// What the time of a look-up is bounded by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) longest: Duration,
    pub(super) call: Duration,
}

/// Looks metadata up, and remembers for as long as the sandbox lives how that went.
#[derive(Debug)]
pub(crate) struct MetadataLookup {
    aws: AwsSettings,
    is_on: bool,
    times: Times,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    policy: LookupPolicy,
    /// The function's. Empty, where nobody says.
    account: String,
    /// When it was last said that calls are denied, and that none is answered.
    said: [Option<Duration>; 2],
}

impl MetadataLookup {
    /// At most so many calls of `GetLogEvents` a minute; 0: none, as without credentials.
    pub(crate) fn new(calls_a_minute: u32, aws: AwsSettings) -> MetadataLookup {
        let policy = LookupPolicy::new(calls_a_minute);
        let is_on = calls_a_minute > 0 && !aws.region.is_empty() && !aws.access_key_id.is_empty();
        let state = State { policy, account: String::new(), said: [None; 2] };
        MetadataLookup { aws, is_on, times: TIMES, state: Mutex::new(state) }
    }

    /// Whether there is anything to ask for.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Begins an invocation of the function with this ARN.
    pub(crate) fn begin(&self, function_arn: &str) {
        let mut state = self.state();
        state.policy.begin();
        function_arn.split(':').nth(4).unwrap_or_default().clone_into(&mut state.account);
    }

    /// What the look-ups of the invocation came to.
    pub(crate) fn tally(&self) -> LookupTally {
        self.state().policy.tally()
    }

    /// Looks the metadata up that is wanted. It is over by the deadline, and after some seconds in any case.
    pub(crate) async fn of(&self, client: &Client, wanted: &WantedMetadata, deadline: Instant) -> LookedUp {
        if !self.is_on {
            return LookedUp::Unavailable(LookupRefusal::Off);
        }
        let subject = {
            let State { policy, account, .. } = &mut *self.state();
            if !account.is_empty() && *account != wanted.owner {
                return LookedUp::Unavailable(LookupRefusal::Foreign);
            }
            let subject = policy.subject(&wanted.owner, &wanted.log_group, &wanted.log_stream);
            if let Err(refusal) = policy.start(subject, now()) {
                return refusal.map_or(LookedUp::Absent, LookedUp::Unavailable);
            }
            subject
        };
        let deadline = deadline.min(Instant::now() + self.times.longest);
        let found = Search { lookup: self, client, wanted, subject, deadline }.run().await;
        let policy = &mut self.state().policy;
        match found {
            Ok(Some(found)) => {
                policy.found(subject);
                LookedUp::Found(found)
            }
            Ok(None) => {
                policy.absent(subject, now());
                LookedUp::Absent
            }
            Err(refusal) => LookedUp::Unavailable(refusal),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what has to be done about a call that went wrong, not more than once in some minutes.
    fn warn(&self, operation: Operation, group: &str, error: &AwsCallError) {
        let (which, message) = match error {
            error if end_of(error) == CallEnd::Denied => (
                0,
                "the function's role may not look up the metadata of pods: allow it logs:GetLogEvents and logs:FilterLogEvents for the log group \
                 (template.yaml does, with MetadataRecords true), or set PODFERRY_METADATA_LOOKUPS to 0",
            ),
            AwsCallError::Connection | AwsCallError::NoTime => (
                1,
                "CloudWatch Logs does not answer when the metadata of pods is looked up: a VPC needs a route to it, or an endpoint for the service logs; or \
                 set PODFERRY_METADATA_LOOKUPS to 0",
            ),
            _ => return,
        };
        let now = now();
        {
            let said = &mut self.state().said[which];
            if said.is_some_and(|at| now.checked_sub(at).is_some_and(|age| age < SAID)) {
                return;
            }
            *said = Some(now);
        }
        let fields = json!({ "operation": format!("{operation:?}"), "log_group": group, "problem": error.to_string() });
        own_log::say(LogLevel::Warn, message, &fields);
    }
}

#[cfg(test)]
impl MetadataLookup {
    pub(super) fn set_times(&mut self, times: Times) {
        self.times = times;
    }

    /// Whether it was said that calls are denied, and that none is answered.
    pub(super) fn has_said(&self) -> [bool; 2] {
        self.state().said.map(|said| said.is_some())
    }
}

/// The wall clock: another one may stand still while the sandbox is frozen.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The search for the metadata of one stream.
struct Search<'a> {
    lookup: &'a MetadataLookup,
    client: &'a Client,
    wanted: &'a WantedMetadata,
    subject: Subject,
    deadline: Instant,
}

/// What a page of events tells.
enum Told {
    Metadata(FoundMessage),
    Nothing,
    /// It is larger than what is read.
    Unread,
    /// Not all is a parser's: the records may be an application's own.
    Doubtful,
}

impl Search<'_> {
    async fn run(&self) -> Result<Option<FoundMessage>, LookupRefusal> {
        let stream = &self.wanted.log_stream;
        let window = self.window();
        let near = window.map(|(start, end)| json!({ "startTime": start, "endTime": end, "startFromHead": false }));
        for part in near.into_iter().chain([json!({ "startFromHead": true })]) {
            match self.lines(stream, part).await? {
                Told::Metadata(found) => return Ok(Some(found)),
                Told::Doubtful => return Ok(None),
                Told::Nothing | Told::Unread => {}
            }
        }
        match window {
            Some(window) => self.of_pod(window).await,
            None => Ok(None),
        }
    }

    /// From when to when the stream is read, in milliseconds since 1970.
    fn window(&self) -> Option<(i64, i64)> {
        let (oldest, newest) = (self.wanted.oldest_ms?, self.wanted.newest_ms?);
        let start = oldest.min(newest).max(newest.saturating_sub(WIDEST_MS)).saturating_sub(BEFORE_MS).max(0);
        let end = newest.saturating_add(BEHIND_MS);
        (start < end).then_some((start, end))
    }

    /// Reads a part of a stream: the first page that has lines.
    async fn lines(&self, log_stream: &str, part: Value) -> Result<Told, LookupRefusal> {
        let mut request = part;
        request["logGroupName"] = json!(self.wanted.log_group);
        request["logStreamName"] = json!(log_stream);
        request["limit"] = json!(LINES);
        let is_forward = request["startFromHead"] == json!(true);
        let next = if is_forward { "nextForwardToken" } else { "nextBackwardToken" };
        for _ in 0..PAGES {
            let Some(page) = self.call(LookupCall::Get, &request).await? else { return Ok(Told::Unread) };
            let messages: Vec<&str> =
                events(&page).map(|event| event["message"].as_str().unwrap_or_default()).collect();
            if !messages.iter().all(|message| WantedMetadata::is_of_preset(message)) {
                return Ok(Told::Doubtful);
            }
            let told = messages.iter().rfind(|message| self.wanted.is_told_by(log_stream, message));
            if let Some(message) = told {
                let (log_stream, message) = (log_stream.to_owned(), (*message).to_owned());
                return Ok(Told::Metadata(FoundMessage { log_stream, message }));
            }
            let token = page[next].as_str().filter(|token| !token.is_empty()).map(|token| json!(token));
            match token {
                // The end of a stream is told by the same token again.
                Some(token) if messages.is_empty() && request["nextToken"] != token => request["nextToken"] = token,
                _ => break,
            }
        }
        Ok(Told::Nothing)
    }

    /// Searches all streams of the pod.
    async fn of_pod(&self, (start, end): (i64, i64)) -> Result<Option<FoundMessage>, LookupRefusal> {
        let mut request = json!({
            "logGroupName": self.wanted.log_group, "logStreamNamePrefix": self.wanted.pod_prefix, "filterPattern": PATTERN,
            "startTime": start.saturating_sub(BEFORE_OF_POD_MS).max(0), "endTime": end, "limit": RECORDS,
        });
        for _ in 0..PAGES {
            let Some(page) = self.call(LookupCall::Filter, &request).await? else { return Ok(None) };
            let mut told = events(&page).filter_map(|event| {
                let (stream, message) = (event["logStreamName"].as_str()?, event["message"].as_str()?);
                self.wanted.is_told_by(stream, message).then_some((stream, message, event["timestamp"].as_i64()?))
            });
            if let Some((stream, message, time)) = told.next_back() {
                // What stands beside it has to be seen, too.
                let at = json!({ "startTime": time, "endTime": time.saturating_add(1), "startFromHead": true });
                let is_believed = matches!(self.lines(stream, at).await?, Told::Metadata(_) | Told::Nothing);
                let found = FoundMessage { log_stream: stream.to_owned(), message: message.to_owned() };
                return Ok(is_believed.then_some(found));
            }
            match page["nextToken"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => request["nextToken"] = json!(token),
                None => break,
            }
        }
        Ok(None)
    }

    /// Makes a call when its turn comes. `None`: the answer is too large to be read.
    async fn call(&self, call: LookupCall, request: &Value) -> Result<Option<Value>, LookupRefusal> {
        let needs = |time| match self.deadline.saturating_duration_since(Instant::now()) >= time {
            true => Ok(()),
            false => Err(LookupRefusal::NoTime),
        };
        needs(self.lookup.times.call)?;
        let wait = self.lookup.state().policy.turn(call, self.subject, now())?;
        needs(wait + self.lookup.times.call)?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let aws = &self.lookup.aws;
        let operation = match call {
            LookupCall::Get => Operation::GetLogEvents,
            LookupCall::Filter => Operation::FilterLogEvents,
        };
        let made = Call { client: self.client, settings: aws, operation, endpoint: None, region: &aws.region, request };
        let answer = timeout_at(self.deadline, made.once()).await.unwrap_or(Err(AwsCallError::NoTime));
        // A page has an array of events, also where it is empty. Anything else is somebody else's answer.
        let answer =
            answer.and_then(|page| if page["events"].is_array() { Ok(page) } else { Err(AwsCallError::Answer) });
        let end = answer.as_ref().err().map_or(CallEnd::Answered, end_of);
        self.lookup.state().policy.ended(call, self.subject, end, now(), random());
        match answer {
            Ok(page) => Ok(Some(page)),
            Err(AwsCallError::TooLarge(_)) => Ok(None),
            Err(error) => {
                self.lookup.warn(operation, &self.wanted.log_group, &error);
                Err(match end {
                    CallEnd::Throttled => LookupRefusal::Throttled,
                    CallEnd::Denied => LookupRefusal::Denied,
                    CallEnd::NotFound => LookupRefusal::NotFound,
                    CallEnd::Answered | CallEnd::Failed => LookupRefusal::Failed,
                })
            }
        }
    }
}

fn events(page: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    page["events"].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// Source: Amazon CloudWatch Logs API reference, "Common Errors", and the errors of both operations.
fn end_of(error: &AwsCallError) -> CallEnd {
    match error {
        AwsCallError::TooLarge(_) => CallEnd::Answered,
        AwsCallError::Service { status, code } => match code.as_str() {
            "ResourceNotFoundException" => CallEnd::NotFound,
            code if code.contains("AccessDenied") => CallEnd::Denied,
            code if code.contains("Throttl") || code == "RequestLimitExceeded" || *status == 429 => CallEnd::Throttled,
            _ if *status == 403 => CallEnd::Denied,
            _ => CallEnd::Failed,
        },
        AwsCallError::Connection | AwsCallError::Answer | AwsCallError::Signing | AwsCallError::NoTime => {
            CallEnd::Failed
        }
    }
}
