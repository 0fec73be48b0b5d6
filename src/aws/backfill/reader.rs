//! Reads pages of `FilterLogEvents` at a pace, and retries when AWS throttles.
//!
//! The SDK's own retries are off for this call: they would hide that AWS throttles, and the pace has to know.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::config::Config;
use aws_smithy_types::retry::RetryConfig;

use super::event::HistoryEvent;
use super::paced_calls::PacedCalls;
use super::windows::Window;
use crate::aws::account::Account;
use crate::aws::error::{AwsFailure, SdkCallError};
use forwarder::delivery::retry::{Decision, RetryPolicy, random};

/// How many events a page can have, and how many are asked for. Source: Amazon CloudWatch Logs API reference, FilterLogEvents.
pub(crate) const PAGE_EVENTS: i32 = 10_000;

/// Attempts of one call.
const MAX_ATTEMPTS: u32 = 10;

/// The waits between them.
const PATIENCE: RetryPolicy =
    RetryPolicy { base: Duration::from_millis(250), cap: Duration::from_secs(10), attempt: Duration::ZERO };

/// Codes of failures that may pass, other than throttling. Source: Amazon CloudWatch Logs API reference, "Common Errors".
const MAY_PASS: [&str; 6] = [
    "InternalFailure",
    "InternalServerError",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "HTTP 500",
    "HTTP 503",
];

/// Which events of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct HistoryFilter {
    pub(crate) stream_prefix: Option<String>,
    pub(crate) filter_pattern: Option<String>,
}

/// One page.
#[derive(Debug, Default)]
pub(crate) struct HistoryPage {
    pub(crate) events: Vec<HistoryEvent>,
    /// For the next one.
    pub(crate) token: Option<String>,
}

/// Reads.
#[derive(Debug)]
pub(crate) struct HistoryReader {
    account: Account,
    which: HistoryFilter,
    calls: PacedCalls,
}

impl HistoryReader {
    #[must_use]
    pub(crate) fn new(account: Account, which: HistoryFilter, calls: PacedCalls) -> HistoryReader {
        HistoryReader { account, which, calls }
    }

    /// A page of a window of a group: the first, or the one of `token`.
    ///
    /// # Errors
    /// [`SdkCallError`] of the last attempt.
    pub(crate) async fn page(
        &self,
        group: &str,
        window: Window,
        token: Option<String>,
    ) -> Result<HistoryPage, SdkCallError> {
        let mut failures = 0;
        loop {
            self.calls.wait().await;
            let error = match self.attempt(group, window, token.clone()).await {
                Ok(page) => {
                    self.calls.answered();
                    return Ok(page);
                }
                Err(error) => error,
            };
            failures += 1;
            let is_throttled = matches!(error.failure, AwsFailure::Throttled(_));
            if is_throttled {
                self.calls.throttled();
            }
            if failures >= MAX_ATTEMPTS || !(is_throttled || may_pass(&error)) {
                return Err(error);
            }
            if let Decision::Wait(wait) = PATIENCE.decide(failures, None, Duration::MAX, random()) {
                tokio::time::sleep(wait).await;
            }
        }
    }

    #[expect(
        deprecated,
        reason = "AWS has ignored `interleaved` since 2019 and always does that; stand-ins have to be told"
    )]
    async fn attempt(&self, group: &str, window: Window, token: Option<String>) -> Result<HistoryPage, SdkCallError> {
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let answer = self
            .account
            .logs
            .filter_log_events()
            .log_group_name(group)
            .set_log_stream_name_prefix(self.which.stream_prefix.clone())
            .set_filter_pattern(self.which.filter_pattern.clone())
            .start_time(window.start)
            .end_time(window.end)
            .interleaved(true)
            .limit(PAGE_EVENTS)
            .set_next_token(token)
            .customize()
            .config_override(once)
            .send()
            .await
            .map_err(|error| SdkCallError::new("logs:FilterLogEvents", self.account.log_group(group), &error))?;
        let events = answer.events.unwrap_or_default().into_iter().map(|event| HistoryEvent {
            id: event.event_id.unwrap_or_default(),
            stream: event.log_stream_name.unwrap_or_default(),
            timestamp: event.timestamp.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
        });
        Ok(HistoryPage { events: events.collect(), token: answer.next_token.filter(|token| !token.is_empty()) })
    }
}

fn may_pass(error: &SdkCallError) -> bool {
    let may_pass = [AwsFailure::Unreachable, AwsFailure::NoAnswerInTime, AwsFailure::Unreadable];
    may_pass.contains(&error.failure)
        || matches!(error.failure, AwsFailure::Broken(_))
        || MAY_PASS.contains(&error.code())
}
