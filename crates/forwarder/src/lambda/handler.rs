//! One invocation: event in, answer out. Ok means that each log is delivered or saved.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::api_key::ApiKey;
use super::asking;
use super::aws::{self, AwsCallError};
use super::deadlines::{Deadlines, next_of};
use super::fates::Leftovers;
use super::invocation::{Delivered, Invocation, InvocationFailure};
use super::metadata_lookup::MetadataLookup;
use super::metrics::Telemetry;
use super::outage::Outage;
use super::own_log;
use super::queue::Queues;
use super::reading::{ReadingTerms, Shares, shares_before};
use super::saving::{Saving, Settled};
use super::unknown::{UnknownPolicy, WaitingCounts, WaitingNote};
use super::work::{Poison, Trigger, Work};
use crate::delivery::client::{ClientError, Clients};
use crate::delivery::deliver::{DeliveryReport, Terms, deliver};
use crate::delivery::intake::Intake;
use crate::delivery::key::KeyProvider;
use crate::delivery::reason::UndeliveredReason;
use crate::delivery::retry::RetryPolicy;
use crate::settings::{AwsSettings, LogLevel, MetadataSettings, Settings};
use pipeline::PipelineSettings;
use pipeline::batch::Payload;
use pipeline::event::EventError;
use pipeline::records::S3Object;

/// How large an object with a failed event may be: an asynchronous event has at most 1 MB, a batch of a stream 6 MB, and the
/// record around it is escaped JSON.
const MAX_OBJECT_BYTES: usize = 16 * 1024 * 1024;

/// Of so many events that cannot be read in one object each is kept by itself: of a whole batch of `template.yaml`'s stream, twice
/// over. Each is a call of SQS, and there are some seconds for them; more bad ones mean that something else is wrong.
const MAX_BURIED_OF_OBJECT: usize = 200;

/// Serves invocations, one after the other.
#[derive(Debug)]
pub struct Handler {
    pipeline: Arc<PipelineSettings>,
    url: String,
    /// How many requests are under way at once.
    workers: usize,
    clients: Clients,
    /// For AWS: certificates are checked whatever the settings say of the intake's.
    checking: Clients,
    keys: Arc<ApiKey>,
    queues: Arc<Queues>,
    lookup: Arc<MetadataLookup>,
    metadata: MetadataSettings,
    aws: AwsSettings,
    outage: Outage,
}

/// What is done with what cannot be read now.
#[derive(Debug, Clone, Copy)]
struct ReadingChoices {
    has_queue: bool,
    sets_unknown_aside: bool,
}

impl Handler {
    /// # Errors
    /// [`ClientError`] if TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Handler, ClientError> {
        let network = settings.delivery.network;
        let checking = Clients::new(false, network.clone())?;
        let clients =
            if settings.delivery.skip_ssl_validation { Clients::new(true, network)? } else { checking.clone() };
        let known = settings.pipeline.metadata_records.clone();
        Ok(Handler {
            pipeline: Arc::new(settings.pipeline),
            url: settings.delivery.url,
            workers: settings.delivery.workers,
            clients,
            keys: Arc::new(ApiKey::new(settings.api_key, settings.aws.clone(), checking.clone())),
            queues: Arc::new(Queues::new(settings.queues, settings.aws.clone())),
            lookup: Arc::new(MetadataLookup::new(settings.metadata_lookups, settings.aws.clone(), known)),
            metadata: settings.metadata,
            checking,
            aws: settings.aws,
            outage: Outage::default(),
        })
    }

    /// Serves one invocation, for who wants the numbers only.
    ///
    /// # Errors
    /// [`InvocationFailure`]: something of the event is neither delivered nor saved.
    pub async fn handle(&self, event: Bytes, invocation: &Invocation) -> Result<Delivered, InvocationFailure> {
        let mut telemetry = Telemetry::default();
        self.serve(event, invocation, &mut telemetry).await?;
        Ok(telemetry.delivered)
    }

    /// Serves one invocation. `telemetry` is filled also where it fails.
    ///
    /// # Errors
    /// [`InvocationFailure`]: something of the event is neither delivered nor saved.
    pub async fn serve(
        &self,
        event: Bytes,
        invocation: &Invocation,
        telemetry: &mut Telemetry,
    ) -> Result<Answer, InvocationFailure> {
        let deadlines = Deadlines::new(invocation.deadline_ms, SystemTime::now(), self.queues.exist());
        telemetry.bytes_in = event.len();
        self.lookup.begin(&invocation.function_arn);
        let fetching = self.fetch_key();
        let mut work = self.read(event, &invocation.function_arn, deadlines, fetching.is_some()).await?;
        // It ends with its invocation, or before, if there is nothing to send.
        let _fetching = fetching.filter(|_| !work.needs_no_key());
        let unfetched = self.fetch(&mut work, &invocation.function_arn, deadlines).await?;
        self.complete(&mut work, &invocation.function_arn, deadlines).await?;
        telemetry.lookups = self.lookup.tally();
        telemetry.take(&work);
        let mut payloads = std::mem::take(&mut work.processed.payloads);
        payloads.append(&mut work.transformed.direct);
        telemetry.delivered.payloads = payloads.len();
        let mut report = self.deliver(payloads, &work.trigger, deadlines.deliver).await?;
        report.undelivered.iter().for_each(|one| telemetry.shortfall.add(one));
        let unreadable = work.poison.iter().map(|poison| poison.error).chain(work.transformed.failed.iter().copied());
        unreadable.for_each(|error| telemetry.shortfall.add_unreadable(error));
        let unread: Vec<(u32, usize)> = work.unread.iter().map(|one| (one.record, one.events)).collect();
        let waiting: Vec<WaitingNote> = work.waiting.iter().map(WaitingNote::of).collect();
        let settled = self.settle(&mut work, &mut report, unfetched, deadlines.save).await?;
        for (record, events) in unread {
            telemetry.shortfall.add_unread(events, !settled.failed.contains(&record));
        }
        let WaitingCounts { queued, kept, left } = WaitingNote::count(&waiting, &settled.failed);
        telemetry.delivered.waiting = queued + left;
        telemetry.shortfall.add_unknown(queued, kept + left);
        telemetry.shortfall.keep(settled.failed.len() + work.transformed.failed.len(), &work.trigger);
        telemetry.conclude(&report, &settled);
        own_log::say(
            LogLevel::Debug,
            "requests",
            &json!({ "latencies_ms": report.tally.latencies, "retries": report.tally.retries.all() }),
        );
        self.pipeline.recent.remember(report.marks.iter().chain(&settled.marks).copied());
        let answer = conclude(work, settled, telemetry)?;
        telemetry.delivered.processing_failed = answer.processing_failed();
        Ok(answer)
    }

    /// Begins to fetch the key, where there is none yet: it comes while the event is read.
    fn fetch_key(&self) -> Option<AbortOnDrop> {
        if self.keys.begin() {
            return None;
        }
        let keys = self.keys.clone();
        // A failure shows again when the key is asked for; a control message needs none.
        Some(AbortOnDrop(tokio::spawn(async move { _ = keys.key().await })))
    }

    /// The pure part; on a thread of its own where something else goes on meanwhile.
    async fn read(
        &self,
        event: Bytes,
        function_arn: &str,
        deadlines: Deadlines,
        meanwhile: bool,
    ) -> Result<Work, InvocationFailure> {
        let choices = self.choices();
        if !meanwhile {
            return caught(&event, function_arn, &self.pipeline, deadlines.deliver, choices);
        }
        let (pipeline, function_arn) = (self.pipeline.clone(), function_arn.to_owned());
        let reading =
            tokio::task::spawn_blocking(move || caught(&event, &function_arn, &pipeline, deadlines.deliver, choices));
        reading.await.unwrap_or(Err(InvocationFailure::Panic))
    }

    /// Fetches the objects that failed events were written to. The records of those that could not be fetched.
    async fn fetch(
        &self,
        work: &mut Work,
        function_arn: &str,
        deadlines: Deadlines,
    ) -> Result<BTreeSet<u32>, InvocationFailure> {
        let mut unfetched = BTreeSet::new();
        if work.objects.is_empty() {
            return Ok(unfetched);
        }
        let client = self.checking.client()?;
        let objects = std::mem::take(&mut work.objects);
        let left = (1..=objects.len()).rev();
        let end = deadlines.fetches(Instant::now());
        for ((record, object), left) in objects.into_iter().zip(left) {
            let fetching = aws::get_object(&client, &self.aws, &object, MAX_OBJECT_BYTES);
            match timeout_at(next_of(left, end, Instant::now()), fetching).await.unwrap_or(Err(AwsCallError::NoTime)) {
                Ok(bytes) => {
                    let before = work.poison.len();
                    let shares = shares_before(deadlines.deliver);
                    work.add_object_within(record, &bytes, left, self.terms(function_arn, &shares));
                    let note = |error| Poison { record, error, body: notification(&object), is_note: true };
                    bury_by_note(&mut work.poison, before, note);
                }
                Err(AwsCallError::Service { status: 404, .. }) => {
                    let (error, body) = (EventError::Object, notification(&object));
                    work.poison.push(Poison { record, error, body, is_note: true });
                }
                Err(error) if work.trigger == Trigger::Direct => return Err(InvocationFailure::Object(error)),
                Err(_) => _ = unfetched.insert(record),
            }
        }
        match (&work.trigger, work.poison.first()) {
            (Trigger::Direct, Some(poison)) => Err(poison.error.into()),
            _ => Ok(unfetched),
        }
    }

    /// Looks up the metadata of the events that are set aside, and reads those of which it is known then. The others wait, or are read as
    /// they are.
    async fn complete(
        &self,
        work: &mut Work,
        function_arn: &str,
        deadlines: Deadlines,
    ) -> Result<(), InvocationFailure> {
        if work.unknown.is_empty() {
            return Ok(());
        }
        if let Some(known) = self.pipeline.metadata_records.as_ref().filter(|_| self.lookup.is_on()) {
            let end = deadlines.fetches(Instant::now());
            asking::ask(&self.lookup, known, &self.checking.client()?, &work.unknown, end).await;
        }
        let shares = shares_before(deadlines.deliver);
        let policy = self.unknown_policy();
        let terms = self.terms(function_arn, &shares);
        let read = catch_unwind(AssertUnwindSafe(|| work.read_unknown(&policy, terms)));
        read.map_err(|_| InvocationFailure::Panic)
    }

    fn unknown_policy(&self) -> UnknownPolicy {
        let has_queue = self.queues.undelivered().is_some();
        UnknownPolicy { settings: self.metadata, has_queue, now_ms: now_ms() }
    }

    fn choices(&self) -> ReadingChoices {
        let may_come_to_be_known = self.lookup.is_on() || self.unknown_policy().waits();
        ReadingChoices {
            has_queue: self.queues.undelivered().is_some(),
            sets_unknown_aside: self.pipeline.metadata_records.is_some() && may_come_to_be_known,
        }
    }

    fn terms<'t>(&'t self, function_arn: &'t str, shares: &'t Shares<'t>) -> ReadingTerms<'t> {
        let ReadingChoices { has_queue, sets_unknown_aside } = self.choices();
        ReadingTerms { function_arn, settings: &self.pipeline, now_ms: now_ms(), shares, has_queue, sets_unknown_aside }
    }

    async fn deliver(
        &self,
        payloads: Vec<Payload>,
        trigger: &Trigger,
        deadline: Instant,
    ) -> Result<DeliveryReport, InvocationFailure> {
        if payloads.is_empty() {
            return Ok(DeliveryReport::default());
        }
        let client: Client = self.clients.client()?;
        let intake = Intake::new(client, self.url.clone());
        let terms = Terms {
            policy: RetryPolicy::default(),
            workers: self.workers,
            // A message of SQS has its queue in any case.
            can_wait: self.queues.undelivered().is_some() || matches!(trigger, Trigger::Sqs(_)),
            was_down: self.outage.is_remembered(SystemTime::now()),
        };
        let report = deliver(payloads, &intake, &self.keys, terms, deadline).await;
        self.outage.note(report.is_down, SystemTime::now());
        Ok(report)
    }

    /// Saves what was not delivered. Nearly always there is nothing, and then no client is made for it.
    async fn settle(
        &self,
        work: &mut Work,
        report: &mut DeliveryReport,
        unfetched: BTreeSet<u32>,
        deadline: Instant,
    ) -> Result<Settled, InvocationFailure> {
        let leftovers = Leftovers {
            undelivered: std::mem::take(&mut report.undelivered),
            accepted: report.records.clone(),
            poison: std::mem::take(&mut work.poison),
            unread: std::mem::take(&mut work.unread),
            waiting: std::mem::take(&mut work.waiting),
            unfetched,
            postponed: std::mem::take(&mut work.postponed),
        };
        if leftovers.are_none() {
            return Ok(Settled::default());
        }
        let client = self.checking.client()?;
        let saving = Saving { queues: &self.queues, client: &client, trigger: &work.trigger, deadline };
        Ok(saving.settle(leftovers, &report.marks, &work.processed.duplicates, now_ms()).await)
    }
}

/// Events of an object that cannot be kept by themselves, from `first` on, are kept by a note that says where the object is.
fn bury_by_note(all: &mut Vec<Poison>, first: usize, note: impl Fn(EventError) -> Poison) {
    let are_many = all.len().saturating_sub(first) > MAX_BURIED_OF_OBJECT;
    let poison = all.split_off(first);
    let (kept, others): (Vec<Poison>, Vec<Poison>) =
        poison.into_iter().partition(|poison| !are_many && poison.fits_a_message());
    all.extend(others.first().map(|poison| note(poison.error)));
    all.extend(kept);
}

/// A task that does not outlive whoever waits for it.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn caught(
    event: &[u8],
    function_arn: &str,
    settings: &PipelineSettings,
    deadline: Instant,
    choices: ReadingChoices,
) -> Result<Work, InvocationFailure> {
    let shares = shares_before(deadline);
    let ReadingChoices { has_queue, sets_unknown_aside } = choices;
    let terms =
        ReadingTerms { function_arn, settings, now_ms: now_ms(), shares: &shares, has_queue, sets_unknown_aside };
    let run = AssertUnwindSafe(|| Work::read_within(event, terms));
    Ok(catch_unwind(run).map_err(|_| InvocationFailure::Panic)??)
}

/// The event that tells of an object, as S3 sends it.
fn notification(object: &S3Object) -> String {
    let S3Object { bucket, key, region } = object;
    let key = key.replace('%', "%25").replace('+', "%2B");
    json!({ "Records": [{ "eventSource": "aws:s3", "awsRegion": region, "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }] })
        .to_string()
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

fn conclude(work: Work, settled: Settled, telemetry: &Telemetry) -> Result<Answer, InvocationFailure> {
    let Settled { failed, left, reason, problem, .. } = settled;
    if work.trigger == Trigger::Direct && !failed.is_empty() {
        let (logs, unread) = (telemetry.delivered.counts.logs, telemetry.delivered.unread);
        return Err(match reason {
            Some(reason) => InvocationFailure::Undelivered { undelivered: left, logs, reason, saving: problem },
            None if unread > 0 => {
                InvocationFailure::Unread { unread, read: telemetry.delivered.counts.events, saving: problem }
            }
            None if telemetry.delivered.waiting > 0 => {
                InvocationFailure::Waiting { waiting: telemetry.delivered.waiting, saving: problem }
            }
            None => InvocationFailure::Panic,
        });
    }
    Ok(Answer::new(work, &failed, telemetry.delivered))
}

impl Telemetry {
    fn take(&mut self, work: &Work) {
        let (processed, transformed) = (&work.processed, &work.transformed);
        self.delivered.counts = processed.counts;
        self.delivered.counts.add(&transformed.counts);
        self.delivered.control = processed.control;
        self.delivered.delivered = transformed.handed_on;
        self.delivered.unread = work.unread.iter().map(|record| record.events).sum();
        self.shortfall.add_untold(work.untold);
        self.oldest_ms = [processed.oldest_ms, transformed.oldest_ms].into_iter().flatten().min();
        self.cluster = processed.cluster.clone().or_else(|| transformed.cluster.clone());
    }

    fn conclude(&mut self, report: &DeliveryReport, settled: &Settled) {
        self.delivered.delivered += report.accepted;
        self.delivered.queued = settled.queued;
        self.delivered.dead = settled.dead;
        self.delivered.requests = report.tally.requests;
        self.delivered.bytes = report.bytes;
        self.key_refused =
            report.tally.key_refused + usize::from(matches!(settled.reason, Some(UndeliveredReason::NoKey(_))));
        self.tally = report.tally.clone();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::super::reading::UnreadRecord;
    use super::*;

    #[tokio::test]
    async fn what_is_not_read_and_has_no_queue_stays_where_it_came_from() {
        let variables = HashMap::from([("DD_API_KEY".to_owned(), "k".to_owned())]);
        let handler = Handler::new(Settings::read(&variables).unwrap()).unwrap();
        let settled = async |trigger| {
            let unread = vec![UnreadRecord { record: 1, events: 70, rest: None }];
            let mut work = Work { trigger, unread, ..Work::default() };
            let mut telemetry = Telemetry::default();
            telemetry.take(&work);
            telemetry.delivered.counts.events = 30;
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut report = DeliveryReport::default();
            let settled = handler.settle(&mut work, &mut report, BTreeSet::new(), deadline).await.unwrap();
            assert_eq!(telemetry.delivered.unread, 70);
            conclude(work, settled, &telemetry)
        };
        // Kinesis hands it out again, from this record on.
        let answer = settled(Trigger::Kinesis(["1", "2", "3"].map(str::to_owned).into())).await.unwrap();
        assert_eq!(json!(answer), json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] }));
        // Lambda gives the event again.
        let failure = settled(Trigger::Direct).await.unwrap_err();
        assert_eq!(failure.error_type(), "LogsUnread");
        let message = failure.to_string();
        assert!(message.starts_with("70 of 100 events were not read within half of the time;"), "{message}");
        assert!(
            message.ends_with("or set PODFERRY_UNDELIVERED_QUEUE_URL, so that the rest waits in a queue"),
            "{message}"
        );
    }

    #[test]
    fn where_an_object_is_can_be_read_again() {
        use pipeline::event::{InvocationEvent, recognise};
        let object = S3Object { bucket: "b".into(), key: "a/b+c%20d e".into(), region: "eu-west-1".into() };
        assert_eq!(recognise(notification(&object).as_bytes()), Ok(InvocationEvent::S3(vec![object])));
    }
}
