//! Looks for a canary's lines in Datadog, by its search of logs.
//!
//! Source: Datadog API reference, "Search logs", and "Rate limits", which count such requests by the hour.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::account::{Carrier, HopAccount};
use super::clock::ClockOffset;
use super::delivered::{ExpectedTags, MissingTags, SearchPage};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The most that a page can have, and how many are read at a time. A canary has a few logs more than short lines.
const PAGE: usize = 1000;
const MOST_PAGES: usize = 5;

/// With what Datadog is asked.
#[derive(Debug, Clone)]
pub(crate) struct SearchAccess {
    /// `https://api.datadoghq.eu`
    pub(crate) url: String,
    pub(crate) api_key: SecretString,
    pub(crate) app_key: SecretString,
}

/// Why a search told nothing: a sentence without a full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SearchProblem {
    #[error(
        "Datadog refuses the keys (HTTP {0}): the application key needs the permission logs_read_data, and both must be of this site"
    )]
    Refused(u16),
    #[error("Datadog allows no more searches for now (HTTP 429)")]
    Limited,
    #[error("Datadog answered {0}")]
    Status(u16),
    #[error("Datadog could not be reached from here")]
    Unreachable,
    #[error("Datadog's answer could not be read")]
    Unreadable,
}

impl SearchProblem {
    /// Whether it will be so the next time, too.
    pub(crate) fn lasts(self) -> bool {
        matches!(self, SearchProblem::Refused(_))
    }
}

/// What was found so far.
#[derive(Debug)]
pub(crate) struct DatadogWatch<'a> {
    client: reqwest::Client,
    access: SearchAccess,
    run: &'a str,
    pod: &'a str,
    expected: ExpectedTags,
    clock: ClockOffset,
    pub(crate) account: HopAccount,
    pub(crate) missing: MissingTags,
    pub(crate) logs: usize,
}

impl<'a> DatadogWatch<'a> {
    pub(crate) fn new(
        client: reqwest::Client,
        access: SearchAccess,
        (run, pod): (&'a str, &'a str),
        expected: ExpectedTags,
        clock: ClockOffset,
    ) -> DatadogWatch<'a> {
        let (account, missing) = (HopAccount::default(), MissingTags::default());
        DatadogWatch { client, access, run, pod, expected, clock, account, missing, logs: 0 }
    }

    /// Looks once. `now_ms` is this machine's time.
    ///
    /// # Errors
    /// [`SearchProblem`]
    pub(crate) async fn look(&mut self, now_ms: i64) -> Result<(), SearchProblem> {
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let page = self.page(cursor.as_deref()).await?;
            for log in &page.data {
                // No index says when a log arrived: it is here since it was first seen.
                let latency = log.time_ms().map(|written| (self.clock.of_cluster(now_ms) - written).max(0));
                let carrier = Carrier { id: &log.id, text: log.message(), latency_ms: latency };
                if self.account.add(self.run, carrier) {
                    self.logs += 1;
                    self.missing.add(&log.missing(&self.expected));
                }
            }
            cursor = page.next();
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn page(&self, cursor: Option<&str>) -> Result<SearchPage, SearchProblem> {
        let SearchAccess { url, api_key, app_key } = &self.access;
        // By its text, and by its pod's tag: one of the two may be what went wrong.
        let query = format!("\"{}\" OR pod_name:{}", self.run, self.pod);
        let mut body = json!({ "filter": { "query": query, "from": "now-2h", "to": "now+1h", "indexes": ["*"] }, "sort": "timestamp" });
        body["page"] = json!({ "limit": PAGE });
        if let Some(cursor) = cursor {
            body["page"]["cursor"] = json!(cursor);
        }
        let request = self.client.post(format!("{}/api/v2/logs/events/search", url.trim_end_matches('/')));
        let request =
            request.header("DD-API-KEY", api_key.expose_secret()).header("DD-APPLICATION-KEY", app_key.expose_secret());
        let request = request.header("content-type", "application/json").body(body.to_string()).timeout(TIMEOUT);
        let answer = request.send().await.map_err(|_| SearchProblem::Unreachable)?;
        match answer.status().as_u16() {
            200 => {}
            status @ (401 | 403) => return Err(SearchProblem::Refused(status)),
            429 => return Err(SearchProblem::Limited),
            status => return Err(SearchProblem::Status(status)),
        }
        let bytes = answer.bytes().await.map_err(|_| SearchProblem::Unreachable)?;
        serde_json::from_slice(&bytes).map_err(|_| SearchProblem::Unreadable)
    }
}
