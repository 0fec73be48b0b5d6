//! Looks for a canary's lines in CloudWatch Logs.

use std::collections::BTreeMap;

use super::account::{Carrier, HopAccount};
use crate::aws::account::Account;
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::rate::DEFAULT_RATE;
use crate::aws::error::{AwsFailure, SdkCallError};

/// How many pages of a group are read at a time. In a large group a page may be what a search of some seconds found, which is nothing.
const MOST_PAGES: usize = 20;

/// How long before the pod was made the search begins, in milliseconds: Fluent Bit's times are the cluster's, and a parser may cut them.
const BEFORE_MS: i64 = 60_000;

/// What was found so far, by log group.
#[derive(Debug)]
pub(crate) struct CloudWatchWatch<'a> {
    account: &'a Account,
    run: &'a str,
    from_ms: i64,
    calls: PacedCalls,
    pub(crate) groups: BTreeMap<String, HopAccount>,
}

impl<'a> CloudWatchWatch<'a> {
    /// `made_ms` is when the pod was made, by the cluster's clock.
    pub(crate) fn new(account: &'a Account, groups: &[String], run: &'a str, made_ms: i64) -> CloudWatchWatch<'a> {
        let groups = groups.iter().map(|group| (group.clone(), HopAccount::default())).collect();
        CloudWatchWatch { account, run, from_ms: made_ms - BEFORE_MS, calls: PacedCalls::new(DEFAULT_RATE), groups }
    }

    /// Looks once into each group.
    ///
    /// # Errors
    /// [`SdkCallError`] of the first call that failed.
    pub(crate) async fn look(&mut self) -> Result<(), SdkCallError> {
        for (group, seen) in &mut self.groups {
            let mut token: Option<String> = None;
            for _ in 0..MOST_PAGES {
                self.calls.wait().await;
                let call = self.account.logs.filter_log_events().log_group_name(group).start_time(self.from_ms);
                // In quotes it is one term. Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax".
                let call = call.filter_pattern(format!("\"{}\"", self.run)).set_next_token(token.take());
                let answer = call.send().await;
                let on = || self.account.log_group(group);
                let answer = match answer.map_err(|error| SdkCallError::new("logs:FilterLogEvents", on(), &error)) {
                    Ok(answer) => answer,
                    // Fluent Bit makes it with the first log.
                    Err(SdkCallError { failure: AwsFailure::NotFound(_), .. }) => break,
                    Err(error) => return Err(error),
                };
                for event in answer.events() {
                    // Both are times of AWS, whatever this machine's clock says.
                    let latency =
                        event.ingestion_time().zip(event.timestamp()).map(|(arrived, written)| arrived - written);
                    let carrier = Carrier {
                        id: event.event_id().unwrap_or_default(),
                        text: event.message().unwrap_or_default(),
                        latency_ms: latency.map(|latency| latency.max(0)),
                    };
                    seen.add(self.run, carrier);
                }
                token = answer.next_token.filter(|token| !token.is_empty());
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}
