//! One invocation: event in, answer out. Ok means delivered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use super::api_key::ApiKey;
use super::own_log;
use crate::delivery::client::{ClientError, Clients};
use crate::delivery::deliver::{Keys, Reason, Report, deliver};
use crate::delivery::intake::Intake;
use crate::delivery::retry::RetryPolicy;
use crate::pipeline::event::EventError;
use crate::pipeline::{self, Counts, PipelineSettings, Processed};
use crate::settings::Settings;

/// The time to deliver in where Lambda names no deadline: `cargo lambda watch` gives one in 1970.
const NO_DEADLINE: Duration = Duration::from_secs(30);

/// What is kept back of the time left for ending the invocation in order: a tenth, within these bounds.
const RESERVE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Serves invocations, one after the other.
#[derive(Debug)]
pub struct Handler {
    pipeline: Arc<PipelineSettings>,
    url: String,
    /// How many requests are under way at once.
    workers: usize,
    clients: Clients,
    keys: Arc<ApiKey>,
}

/// What Lambda says of an invocation.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    pub request_id: String,
    /// The forwarder's own ARN.
    pub function_arn: String,
    /// Milliseconds since 1970.
    pub deadline_ms: u64,
}

/// The answer of a successful invocation: what became of the event, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    #[serde(flatten)]
    pub counts: Counts,
    /// Logs that Datadog accepted.
    pub delivered: usize,
    pub payloads: usize,
    pub requests: usize,
    /// Bytes sent, compressed.
    pub bytes: usize,
    /// CloudWatch only asked whether the function answers.
    pub control: bool,
}

/// Why an invocation failed. Lambda then tries it again, and again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("{undelivered} of {logs} logs were not delivered: {reason}")]
    Undelivered { undelivered: usize, logs: usize, reason: Reason },
    #[error("{0}")]
    Client(String),
    #[error("a bug in podferry: it panicked while it read the event; its own log says where. Please report that")]
    Panic,
}

impl Failure {
    /// The stable name that Lambda reports as `errorType`.
    pub fn error_type(&self) -> &'static str {
        match self {
            Failure::Event(error) => error.error_type(),
            Failure::Undelivered { reason: Reason::NoKey(_), .. } => "ApiKeyUnavailable",
            Failure::Undelivered { .. } => "LogsUndelivered",
            Failure::Client(_) => "ClientInvalid",
            Failure::Panic => "InternalPanic",
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure::Client(error.to_string())
    }
}

impl Handler {
    /// # Errors
    /// [`ClientError`] if TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Handler, ClientError> {
        let proxies = settings.delivery.proxies;
        // Certificates of AWS are checked whatever the settings say of the intake's.
        let checking = Clients::new(false, proxies.clone())?;
        let clients =
            if settings.delivery.skip_ssl_validation { Clients::new(true, proxies)? } else { checking.clone() };
        Ok(Handler {
            pipeline: Arc::new(settings.pipeline),
            url: settings.delivery.url,
            workers: settings.delivery.workers,
            clients,
            keys: Arc::new(ApiKey::new(settings.api_key, settings.aws, checking)),
        })
    }

    /// Serves one invocation.
    ///
    /// # Errors
    /// [`Failure`]: something of the event was not delivered.
    pub async fn handle(&self, event: Bytes, invocation: &Invocation) -> Result<Delivered, Failure> {
        let deadline = deadline(invocation.deadline_ms, SystemTime::now());
        let processed = self.process(event, &invocation.function_arn).await?;
        if processed.payloads.is_empty() {
            return Ok(Delivered { counts: processed.counts, control: processed.control, ..Delivered::default() });
        }
        let payloads = processed.payloads.len();
        let intake = Intake::new(self.clients.client()?, self.url.clone());
        let report =
            deliver(processed.payloads, &intake, &self.keys, RetryPolicy::default(), self.workers, deadline).await;
        conclude(report, processed.counts, payloads)
    }

    /// The pure part. Where the key still has to be fetched, that happens meanwhile.
    async fn process(&self, event: Bytes, function_arn: &str) -> Result<Processed, Failure> {
        if self.keys.begin().await {
            return caught(&event, function_arn, &self.pipeline);
        }
        let keys = self.keys.clone();
        // A failure shows again when the key is asked for; a control message needs none.
        let fetching = tokio::spawn(async move { keys.key().await.is_ok() });
        let (pipeline, function_arn) = (self.pipeline.clone(), function_arn.to_owned());
        let reading = tokio::task::spawn_blocking(move || caught(&event, &function_arn, &pipeline));
        let processed = reading.await.unwrap_or(Err(Failure::Panic));
        if processed.as_ref().map_or(true, |processed| processed.payloads.is_empty()) {
            fetching.abort();
        }
        processed
    }
}

fn caught(event: &[u8], function_arn: &str, settings: &PipelineSettings) -> Result<Processed, Failure> {
    let run = AssertUnwindSafe(|| pipeline::process(event, function_arn, settings));
    Ok(catch_unwind(run).map_err(|_| Failure::Panic)??)
}

/// When to have delivered: Lambda's deadline less a reserve. One that has passed is none.
fn deadline(deadline_ms: u64, now: SystemTime) -> Instant {
    let now_ms = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(deadline_ms).saturating_sub(now_ms);
    if left.is_zero() {
        return Instant::now() + NO_DEADLINE;
    }
    let reserve = (left / 10).clamp(RESERVE.0, RESERVE.1);
    Instant::now() + left.saturating_sub(reserve)
}

fn conclude(report: Report, counts: Counts, payloads: usize) -> Result<Delivered, Failure> {
    let undelivered = report.undelivered_logs();
    let Report { accepted, requests, bytes, undelivered: failed } = report;
    match failed.into_iter().next() {
        None => Ok(Delivered { counts, delivered: accepted, payloads, requests, bytes, control: false }),
        Some(first) => Err(Failure::Undelivered { undelivered, logs: counts.logs, reason: first.reason }),
    }
}

/// Writes the one line that an invocation leaves in the function's own log.
pub fn say(result: &Result<Delivered, Failure>, invocation: &Invocation, took: Duration) {
    #[derive(Serialize)]
    struct Fields<'a> {
        request_id: &'a str,
        milliseconds: u64,
        #[serde(flatten)]
        delivered: Option<&'a Delivered>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<&'static str>,
    }
    let fields = Fields {
        request_id: &invocation.request_id,
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        delivered: result.as_ref().ok(),
        error_type: result.as_ref().err().map(Failure::error_type),
    };
    match result {
        Ok(Delivered { control: true, .. }) => own_log::say("INFO", "CloudWatch Logs checked the destination", &fields),
        Ok(_) => own_log::say("INFO", "delivered", &fields),
        Err(failure) => own_log::say("ERROR", &failure.to_string(), &fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_kept_and_a_past_deadline_is_none() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let left = |milliseconds: u64| {
            let deadline = deadline(1_000_000_000 + milliseconds, now);
            deadline.saturating_duration_since(Instant::now()).as_millis()
        };
        let close = |found: u128, expected: u128| assert!(found <= expected && found + 50 > expected, "{found}");
        close(left(100_000), 98_000);
        close(left(5_000), 4_500);
        close(left(1_000), 800);
        assert_eq!(left(100), 0);
        close(left(0), 30_000);
    }
}
