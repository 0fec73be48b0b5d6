//! One page to Datadog: through the function's own pipeline and delivery, and then into the checkpoint. One page after another, so
//! that an interruption at any moment leaves at most one page whose outcome is unknown.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::time::Instant;

use super::checkpoint::{BackfillTotals, Checkpoint, CheckpointError, CheckpointFile};
use super::event::{EventOrigin, HistoryEvent};
use super::position::SentEvents;
use super::streams::Streams;
use forwarder::delivery::deliver::{DeliveryReport, Terms, deliver};
use forwarder::delivery::intake::Intake;
use forwarder::delivery::reason::{Outlook, UndeliveredReason};
use forwarder::delivery::retry::RetryPolicy;
use forwarder::delivery::undelivered::{self, SaveNote};
use forwarder::lambda::api_key::ApiKey;
use pipeline::accepted_times::LATE_AFTER_MS;
use pipeline::batch::Payload;
use pipeline::counted::counted;
use pipeline::event::EventError;
use pipeline::{LogCounts, Pipeline, PipelineSettings, Processed};

/// How long to retry a page before giving up. Nobody waits for an answer, and an outage of a few minutes is no reason to stop.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why a backfill stopped. What was sent before is in the checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackfillStop {
    #[error("{undelivered} of {} in a page could not be delivered: {reason}", counted(*.logs, "log"))]
    Undelivered { undelivered: usize, logs: usize, reason: UndeliveredReason },
    #[error(
        "{} {}: it accepts logs of the last 18 hours, and silently drops older ones. Add `--late-as original_timestamp` to send them with \
         the time of sending",
        counted(*.logs, "log"),
        if *.were { "in the range have times of their own that are too old for Datadog" } else { "became too old for Datadog during the backfill" }
    )]
    TooOld {
        logs: usize,
        /// Whether they were too old when the backfill began.
        were: bool,
    },
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("{path}: {error}")]
    Rejected { path: PathBuf, error: std::io::Error },
    #[error("a bug in podferry: it could not read a page ({0}); please report it")]
    Page(#[from] EventError),
    #[error(transparent)]
    Call(#[from] crate::aws::error::SdkCallError),
}

/// How pages are processed.
#[derive(Debug)]
pub(crate) struct PageProcessing {
    pub(crate) settings: PipelineSettings,
    /// The account's id.
    pub(crate) owner: String,
    /// The forwarder's ARN, which each log carries.
    pub(crate) function_arn: String,
    /// When the backfill began, in milliseconds since 1970.
    pub(crate) begun_ms: i64,
    /// Whether logs that are too old are sent with the time of sending.
    pub(crate) late_as: bool,
}

/// Where logs go to.
#[derive(Debug)]
pub(crate) enum Destination {
    /// They are only counted.
    DryRun(Box<Checkpoint>),
    Datadog(Box<DatadogDelivery>),
}

/// How to reach Datadog, and where to note what it has.
#[derive(Debug)]
pub(crate) struct DatadogDelivery {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) keys: Arc<ApiKey>,
    pub(crate) workers: usize,
    pub(crate) book: CheckpointFile,
    /// Where to keep logs that Datadog rejects for good.
    pub(crate) rejected: PathBuf,
}

/// Sends pages.
#[derive(Debug)]
pub(crate) struct Ferry {
    processing: PageProcessing,
    destination: Destination,
    streams: BTreeMap<String, Streams>,
    known: BTreeMap<String, SentEvents>,
}

impl Ferry {
    #[must_use]
    pub(crate) fn new(processing: PageProcessing, mut destination: Destination) -> Ferry {
        let groups = &mut destination.checkpoint().groups;
        let known = groups.iter_mut().map(|(group, position)| (group.clone(), position.resume())).collect();
        Ferry { processing, destination, streams: BTreeMap::new(), known }
    }

    /// How far it is.
    pub(crate) fn checkpoint(&mut self) -> &mut Checkpoint {
        self.destination.checkpoint()
    }

    /// Sends a page of a group.
    ///
    /// # Errors
    /// [`BackfillStop`]
    pub(crate) async fn page(&mut self, group: &str, events: Vec<HistoryEvent>) -> Result<(), BackfillStop> {
        let known = self.known.get(group);
        let fresh: Vec<HistoryEvent> =
            events.into_iter().filter(|event| !known.is_some_and(|known| known.was_sent(event))).collect();
        let keys: Vec<(i64, String)> = fresh.iter().map(|event| (event.timestamp, event.id.clone())).collect();
        let origin = self.origin(group);
        let streams = self.streams.entry(group.to_owned()).or_default();
        let contents = streams.take(fresh, &origin, &self.processing.settings)?;
        let mut totals = self.send(&contents).await?;
        totals.pages += 1;
        let checkpoint = self.destination.checkpoint();
        checkpoint.totals.add(&totals);
        if let (Some(position), Some(streams)) = (checkpoint.groups.get_mut(group), self.streams.get(group)) {
            position.advance(&keys, streams.held());
        }
        self.destination.save()
    }

    /// All pages of a group up to `end_ms` were sent.
    ///
    /// # Errors
    /// [`BackfillStop::Checkpoint`]
    pub(crate) fn window(&mut self, group: &str, end_ms: i64) -> Result<(), BackfillStop> {
        if let Some(position) = self.destination.checkpoint().groups.get_mut(group) {
            position.finish_window(end_ms);
        }
        self.destination.save()
    }

    /// All pages of a group were sent: sends what was held.
    ///
    /// # Errors
    /// [`BackfillStop`]
    pub(crate) async fn finish(&mut self, group: &str) -> Result<(), BackfillStop> {
        let origin = self.origin(group);
        let contents = self.streams.remove(group).unwrap_or_default().finish(&origin);
        let totals = self.send(&contents).await?;
        let checkpoint = self.destination.checkpoint();
        checkpoint.totals.add(&totals);
        if let Some(position) = checkpoint.groups.get_mut(group) {
            position.advance(&[], std::iter::empty());
            position.done = true;
        }
        self.destination.save()
    }

    fn origin(&self, group: &str) -> EventOrigin {
        EventOrigin { owner: self.processing.owner.clone(), group: group.to_owned() }
    }

    async fn send(&mut self, contents: &[String]) -> Result<BackfillTotals, BackfillStop> {
        let PageProcessing { settings, function_arn, begun_ms, late_as, .. } = &self.processing;
        let mut pipeline = Pipeline::new(function_arn, settings, jiff::Timestamp::now().as_millisecond());
        for content in contents {
            pipeline.add(0, content)?;
        }
        let Processed { payloads, counts, oldest_ms, .. } = pipeline.finish();
        let mut totals = BackfillTotals::of(&counts);
        totals.plain_bytes = payloads.iter().map(|payload| payload.plain_bytes as u64).sum();
        (totals.late, totals.early) = (counts.late as u64, counts.early as u64);
        let Destination::Datadog(delivery) = &mut self.destination else { return Ok(totals) };
        if payloads.is_empty() {
            return Ok(totals);
        }
        if counts.late > 0 && !late_as {
            let were = oldest_ms.is_some_and(|oldest_ms| oldest_ms < begun_ms.saturating_sub(LATE_AFTER_MS));
            return Err(BackfillStop::TooOld { logs: counts.late, were });
        }
        let report = delivery.deliver(payloads).await;
        delivery.settle(report, &mut totals)?;
        Ok(totals)
    }
}

impl DatadogDelivery {
    async fn deliver(&self, payloads: Vec<Payload>) -> DeliveryReport {
        let intake = Intake::new(self.client.clone(), self.url.clone());
        let deadline = Instant::now() + PATIENCE;
        // A key that could not be fetched is fetched again with each page.
        self.keys.begin();
        // There is no queue here: a page waits in its log group.
        let terms = Terms { policy: RetryPolicy::default(), workers: self.workers, can_wait: false, was_down: false };
        deliver(payloads, &intake, &self.keys, terms, deadline).await
    }

    /// Counts what was delivered, keeps what never will be, and stops if something may be delivered later.
    fn settle(&self, report: DeliveryReport, totals: &mut BackfillTotals) -> Result<(), BackfillStop> {
        totals.accepted = report.accepted as u64;
        totals.requests = report.tally.requests as u64;
        totals.bytes = report.bytes as u64;
        // What a firewall forbids alone would stop each run at the same page.
        let is_rejected = |reason: &UndeliveredReason| {
            reason.outlook() == Outlook::Never || matches!(reason, UndeliveredReason::Forbidden(_))
        };
        let (never, later): (Vec<_>, Vec<_>) = report.undelivered.into_iter().partition(|one| is_rejected(&one.reason));
        if let Some(first) = later.first() {
            let undelivered = later.iter().map(|one| one.payload.items()).sum::<usize>();
            let logs = undelivered + report.accepted + never.iter().map(|one| one.payload.items()).sum::<usize>();
            return Err(BackfillStop::Undelivered { undelivered, logs, reason: first.reason.clone() });
        }
        for one in never {
            totals.rejected += one.payload.items() as u64;
            let note = SaveNote::new(&one.reason.name(), one.payload.attempts.saturating_add(1));
            let messages = undelivered::messages(&one.payload, &note);
            let bodies: String = messages.iter().map(|message| format!("{}\n", message.body)).collect();
            append(&self.rejected, &bodies)
                .map_err(|error| BackfillStop::Rejected { path: self.rejected.clone(), error })?;
        }
        Ok(())
    }
}

/// Readable by the owner only: it is the text of logs.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl Destination {
    fn checkpoint(&mut self) -> &mut Checkpoint {
        match self {
            Destination::DryRun(checkpoint) => checkpoint,
            Destination::Datadog(delivery) => &mut delivery.book.checkpoint,
        }
    }

    fn save(&self) -> Result<(), BackfillStop> {
        match self {
            Destination::DryRun(_) => Ok(()),
            Destination::Datadog(delivery) => Ok(delivery.book.save()?),
        }
    }
}

impl BackfillTotals {
    fn of(counts: &LogCounts) -> BackfillTotals {
        BackfillTotals {
            events: counts.events as u64,
            logs: counts.logs as u64,
            left_out: (counts.excluded + counts.sampled + counts.duplicate) as u64,
            blank: counts.blank as u64,
            joined: counts.joined as u64,
            ..BackfillTotals::default()
        }
    }

    fn add(&mut self, other: &BackfillTotals) {
        let BackfillTotals {
            events,
            pages,
            logs,
            left_out,
            blank,
            joined,
            late,
            early,
            accepted,
            rejected,
            requests,
            bytes,
            plain_bytes,
        } = other;
        self.events += events;
        self.pages += pages;
        self.logs += logs;
        self.left_out += left_out;
        self.blank += blank;
        self.joined += joined;
        self.late += late;
        self.early += early;
        self.accepted += accepted;
        self.rejected += rejected;
        self.requests += requests;
        self.bytes += bytes;
        self.plain_bytes += plain_bytes;
    }
}
