//! What a canary showed: each line by hop, compared with what came out of the hop before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::account::{HopAccount, Latency, LineState};
use super::clock::ClockOffset;
use super::delivered::MissingTags;
use super::function::ForwarderCounts;
use crate::aws::error::SdkCallError;
use manifests::canary::{CanaryLine, CanaryPlan};

/// From so many milliseconds on a line is late. Fluent Bit writes every few seconds, CloudWatch hands over within some seconds, and a log takes
/// as long again until Datadog's search shows it.
pub(crate) const LATE_MS: i64 = 60_000;

/// All that was seen.
#[derive(Debug, Clone)]
pub(crate) struct CanaryOutcome {
    pub(crate) plan: CanaryPlan,
    pub(crate) namespace: String,
    /// What the cluster says that the container printed; `None` where it does not say it.
    pub(crate) printed: Option<HopAccount>,
    /// By log group.
    pub(crate) cloudwatch: BTreeMap<String, HopAccount>,
    /// Why the log groups could not be read to the end.
    pub(crate) unread: Option<SdkCallError>,
    pub(crate) datadog: DatadogOutcome,
    pub(crate) clock: ClockOffset,
    pub(crate) waited_seconds: u64,
}

/// What is known of Datadog.
#[derive(Debug, Clone)]
pub(crate) enum DatadogOutcome {
    /// Why not, and what the forwarder's metrics say instead.
    NotAsked(&'static str, Option<Result<ForwarderCounts, SdkCallError>>),
    Failed(String),
    Seen {
        account: HopAccount,
        missing: MissingTags,
        logs: usize,
    },
}

/// The lines at one hop, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HopResult {
    /// What came out of the hop before.
    pub(crate) expected: BTreeSet<u32>,
    pub(crate) lost: Vec<u32>,
    pub(crate) doubled: Vec<u32>,
    pub(crate) cut: Vec<u32>,
    pub(crate) late: usize,
    pub(crate) latency: Option<Latency>,
}

impl CanaryOutcome {
    fn numbered(&self) -> Vec<(u32, CanaryLine)> {
        (1..).zip(self.plan.lines()).collect()
    }

    /// The lines that were printed: what the cluster says, and what was seen anywhere.
    pub(crate) fn printed_numbers(&self) -> BTreeSet<u32> {
        let all = self.numbered().into_iter().map(|(number, _)| number);
        let Some(printed) = &self.printed else { return all.collect() };
        let mut numbers = printed.numbers();
        numbers.extend(self.cloudwatch_numbers());
        numbers.extend(self.datadog_account().map(HopAccount::numbers).unwrap_or_default());
        numbers
    }

    fn cloudwatch_numbers(&self) -> BTreeSet<u32> {
        self.cloudwatch.values().flat_map(HopAccount::numbers).collect()
    }

    /// What arrived in Datadog, where it was asked.
    pub(crate) fn datadog_account(&self) -> Option<&HopAccount> {
        match &self.datadog {
            DatadogOutcome::Seen { account, .. } => Some(account),
            DatadogOutcome::NotAsked(..) | DatadogOutcome::Failed(_) => None,
        }
    }

    /// The best that the log groups have of a line; but a double is one, whichever has it.
    fn in_cloudwatch(&self, number: u32, kind: CanaryLine) -> LineState {
        let states: Vec<LineState> = self.cloudwatch.values().map(|hop| hop.state(number, kind)).collect();
        let best =
            [LineState::Doubled, LineState::Whole, LineState::Cut].into_iter().find(|state| states.contains(state));
        best.unwrap_or(LineState::Missing)
    }

    /// From the pod to CloudWatch Logs.
    pub(crate) fn cloudwatch(&self) -> HopResult {
        // What is in Datadog came by CloudWatch Logs, though its search is behind.
        let beyond = self.datadog_account().map(HopAccount::numbers).unwrap_or_default();
        let latencies = self.cloudwatch.values().flat_map(HopAccount::latencies).collect();
        let mut result = HopResult::new(self.printed_numbers(), latencies);
        for (number, kind) in self.numbered() {
            match self.in_cloudwatch(number, kind) {
                LineState::Missing if result.expected.contains(&number) && !beyond.contains(&number) => {
                    result.lost.push(number)
                }
                LineState::Doubled => result.doubled.push(number),
                LineState::Cut => result.cut.push(number),
                LineState::Missing | LineState::Whole => {}
            }
        }
        result
    }

    /// From CloudWatch Logs to Datadog, where that was asked.
    pub(crate) fn datadog(&self) -> Option<HopResult> {
        let account = self.datadog_account()?;
        let before = self.cloudwatch();
        let expected: BTreeSet<u32> = self.cloudwatch_numbers().union(&account.numbers()).copied().collect();
        let mut result = HopResult::new(expected, account.latencies());
        for (number, kind) in self.numbered() {
            match account.state(number, kind) {
                LineState::Missing if result.expected.contains(&number) => result.lost.push(number),
                LineState::Doubled if !before.doubled.contains(&number) => result.doubled.push(number),
                LineState::Cut if !before.cut.contains(&number) => result.cut.push(number),
                LineState::Missing | LineState::Whole | LineState::Doubled | LineState::Cut => {}
            }
        }
        Some(result)
    }

    /// Whether there is nothing to wait for but doubles.
    pub(crate) fn is_complete(&self) -> bool {
        let has = |state: LineState| matches!(state, LineState::Whole | LineState::Doubled);
        self.numbered().into_iter().all(|(number, kind)| {
            has(self.in_cloudwatch(number, kind))
                && self.datadog_account().is_none_or(|account| has(account.state(number, kind)))
        })
    }

    /// The numbers of lines of a kind.
    pub(crate) fn of_kind(&self, is: fn(CanaryLine) -> bool) -> BTreeSet<u32> {
        self.numbered().into_iter().filter(|(_, kind)| is(*kind)).map(|(number, _)| number).collect()
    }

    /// For programs: members may be added.
    pub(crate) fn json(&self) -> Value {
        let datadog = match &self.datadog {
            DatadogOutcome::Seen { account, missing, logs } => {
                let mut told = self.datadog().map(|result| result.json()).unwrap_or_default();
                let trace = self.of_kind(|kind| kind == CanaryLine::Trace);
                told["logs"] = json!(logs);
                told["trace_joined"] = json!(account.are_joined(&trace));
                told["missing_tags"] = json!(missing.0);
                told
            }
            DatadogOutcome::NotAsked(..) | DatadogOutcome::Failed(_) => Value::Null,
        };
        json!({
            "run": self.plan.run, "pod": self.plan.pod(), "namespace": self.namespace, "lines": self.plan.lines().len(),
            "printed": self.printed.as_ref().map(|printed| printed.numbers().len()), "waited_seconds": self.waited_seconds,
            "clock_offset_ms": self.clock.0, "cloudwatch": self.cloudwatch().json(), "datadog": datadog,
        })
    }
}

impl HopResult {
    fn new(expected: BTreeSet<u32>, latencies: Vec<i64>) -> HopResult {
        let late = latencies.iter().filter(|latency| **latency >= LATE_MS).count();
        HopResult { expected, late, latency: Latency::of(latencies), ..HopResult::default() }
    }

    fn json(&self) -> Value {
        let latency = self.latency.map(|Latency { p50, p95, max }| json!({ "p50": p50, "p95": p95, "max": max }));
        json!({
            "expected": self.expected.len(), "arrived": self.expected.len() - self.lost.len(), "lost": self.lost, "doubled": self.doubled,
            "cut": self.cut, "late": self.late, "latency_ms": latency,
        })
    }
}
