//! Reads log events with `GetLogEvents` and `FilterLogEvents`: when their turn has come, once, within the time that there is; and says what to do where
//! that is not possible.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::aws::{AwsCallError, Call, Operation};
use super::lookup_policy::{CallEnd, LookupCall, LookupPolicy, LookupRefusal, Subject};
use super::own_log;
use crate::delivery::retry::random;
use crate::settings::{AwsSettings, LogLevel};

/// How long a call may take. One that is not answered in half of it was not cut short by us, but is not answered.
const CALL: Duration = Duration::from_secs(2);

/// How large a page may be. It has 1 MB of text at most, in JSON with its quotes escaped, and some 250 bytes beside each event.
/// Source: Amazon CloudWatch Logs API reference, GetLogEvents, FilterLogEvents.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How long nothing is said of a problem that was said.
const SAID: Duration = Duration::from_secs(300);

/// How to reach CloudWatch Logs, and how that went.
#[derive(Debug)]
pub(super) struct LogReader {
    aws: AwsSettings,
    policy: Mutex<LookupPolicy>,
    /// When it was last said that calls are denied, and that none is answered.
    said: Mutex<[Option<Duration>; 2]>,
    call: Duration,
}

/// A call that is to be made.
#[derive(Clone, Copy)]
pub(super) struct LogRequest<'a> {
    pub(super) client: &'a Client,
    pub(super) subject: Subject,
    /// For the function's own log.
    pub(super) log_group: &'a str,
    pub(super) call: LookupCall,
    pub(super) request: &'a Value,
    pub(super) deadline: Instant,
}

impl LogReader {
    pub(super) fn new(policy: LookupPolicy, aws: AwsSettings) -> LogReader {
        LogReader { aws, policy: Mutex::new(policy), said: Mutex::default(), call: CALL }
    }

    /// Whether there are credentials to ask with, and a region to ask.
    pub(super) fn has_credentials(&self) -> bool {
        !self.aws.region.is_empty() && !self.aws.access_key_id.is_empty()
    }

    pub(super) fn policy(&self) -> MutexGuard<'_, LookupPolicy> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn, and reads a page. `None`: the page is too large to be read.
    pub(super) async fn read(&self, request: LogRequest<'_>) -> Result<Option<Value>, LookupRefusal> {
        self.needs(self.call / 2, request.deadline)?;
        let wait = self.policy().turn(request.call, request.subject, now())?;
        self.needs(wait + self.call / 2, request.deadline)?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        self.read_now(request).await
    }

    fn needs(&self, time: Duration, deadline: Instant) -> Result<(), LookupRefusal> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left >= time { Ok(()) } else { Err(LookupRefusal::NoTime) }
    }

    /// Reads a page; its turn has come.
    pub(super) async fn read_now(&self, request: LogRequest<'_>) -> Result<Option<Value>, LookupRefusal> {
        let LogRequest { client, subject, log_group, call, request, deadline } = request;
        self.needs(self.call / 2, deadline)?;
        let operation = match call {
            LookupCall::Get => Operation::GetLogEvents,
            LookupCall::Filter => Operation::FilterLogEvents,
        };
        let region = &self.aws.region;
        let made = Call { client, settings: &self.aws, operation, endpoint: None, region, request };
        let end = deadline.min(Instant::now() + self.call);
        let answer = timeout_at(end, made.once(MAX_PAGE_BYTES)).await.unwrap_or(Err(AwsCallError::NoTime));
        // A page has an array of events, also where it is empty. Anything else is somebody else's answer.
        let answer =
            answer.and_then(|page| if page["events"].is_array() { Ok(page) } else { Err(AwsCallError::Answer) });
        let end = answer.as_ref().err().map_or(CallEnd::Answered, end_of);
        self.policy().ended(call, subject, end, now(), random());
        match answer {
            Ok(page) => Ok(Some(page)),
            Err(AwsCallError::TooLarge(_)) => Ok(None),
            Err(error) => {
                self.warn(operation, log_group, &error);
                Err(match end {
                    CallEnd::Throttled => LookupRefusal::Throttled,
                    CallEnd::Denied => LookupRefusal::Denied,
                    CallEnd::NotFound => LookupRefusal::NotFound,
                    CallEnd::Answered | CallEnd::Failed => LookupRefusal::Failed,
                })
            }
        }
    }

    /// Says what has to be done about a call that went wrong, not more than once in some minutes.
    fn warn(&self, operation: Operation, log_group: &str, error: &AwsCallError) {
        let (which, message) = match error {
            error if end_of(error) == CallEnd::Denied => (0, DENIED),
            AwsCallError::Connection | AwsCallError::NoTime => (1, SILENT),
            _ => return,
        };
        let now = now();
        {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(said) = said.get_mut(which) else { return };
            if said.is_some_and(|at| now.checked_sub(at).is_some_and(|age| age < SAID)) {
                return;
            }
            *said = Some(now);
        }
        let fields =
            json!({ "operation": format!("{operation:?}"), "log_group": log_group, "problem": error.to_string() });
        own_log::say(LogLevel::Warn, message, &fields);
    }
}

/// What to do where calls are denied.
const DENIED: &str = "the function's role may not look up the metadata of pods: allow it logs:GetLogEvents and logs:FilterLogEvents for the log \
                      group, as template.yaml does with MetadataRecords=true, or set PODFERRY_METADATA_LOOKUPS to 0";

/// What to do where nobody answers.
const SILENT: &str = "CloudWatch Logs does not answer when the metadata of pods is looked up: a VPC needs a route to it, or an endpoint for the \
                      service logs; or set PODFERRY_METADATA_LOOKUPS to 0";

#[cfg(test)]
impl LogReader {
    pub(super) fn set_call(&mut self, call: Duration) {
        self.call = call;
    }

    /// Whether it was said that calls are denied, and that none is answered.
    pub(super) fn has_said(&self) -> [bool; 2] {
        self.said.lock().unwrap().map(|said| said.is_some())
    }
}

/// The wall clock: another one may stand still while the sandbox is frozen.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
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
