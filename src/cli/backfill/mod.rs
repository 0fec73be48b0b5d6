//! `podferry backfill`: from options to a run, with a question before it.

mod options;
mod progress;
mod report;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::account::confirm;
use super::account_settings;
use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::notes::note;
use super::output::Output;
use super::selection::group_name;
use super::{show, spinner};
use crate::aws::account::Account;
use crate::aws::backfill::checkpoint::{BackfillQuery, Checkpoint, CheckpointFile};
use crate::aws::backfill::cost::Prices;
use crate::aws::backfill::ferry::{DatadogDelivery, Destination, Ferry, PageProcessing};
use crate::aws::backfill::{estimate, time};
use crate::aws::function::Function;
use crate::aws::groups::LogGroupSelection;
use forwarder::delivery::client::{ClientError, Clients};
use forwarder::lambda::api_key::ApiKey;
use forwarder::settings::Settings;
pub(super) use options::BackfillOptions;
use pipeline::accepted_times::LATE_AFTER_MS;
use report::DryRun;
use work::{BackfillWork, work};

impl BackfillOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        self.fill()?;
        block_on(backfill(self))
    }
}

async fn backfill(options: BackfillOptions) -> Result<Exit, CommandError> {
    let now = Timestamp::now();
    let (from_ms, to_ms) = range(&options, now)?;
    refuse_late(&options, from_ms, now)?;
    let account = options.aws.open().await?;
    let function = match &options.function {
        Some(given) => Some(spinner::during("Looking for the function…", Function::find(&account, Some(given))).await?),
        None => None,
    };
    let groups = existing(&account, &options).await?;
    let settings = settings(&account, &options, function.as_ref()).await?;
    let query = BackfillQuery {
        account: account.id.clone(),
        region: account.region.clone(),
        groups,
        stream_prefix: options.stream_prefix.clone(),
        filter_pattern: options.filter_pattern.clone(),
        from: options.from.clone(),
        to: options.to.clone(),
        intake: settings.delivery.url.clone(),
    };
    let prices = Prices { ingested_per_gb: options.price_per_gb, indexed_per_million: options.price_per_million };
    let function_arn =
        function.map_or_else(|| account.arn("lambda", "function:podferry-backfill"), |function| function.arn);
    let processing = PageProcessing {
        settings: settings.pipeline.clone(),
        owner: account.id.clone(),
        function_arn,
        begun_ms: now.as_millisecond(),
        late_as: options.late_as.is_some(),
    };
    if options.dry_run {
        let checkpoint = Checkpoint::new(query, from_ms, to_ms);
        note!("Reading without sending: {}", report::plan(&checkpoint));
        let ferry = Ferry::new(processing, Destination::DryRun(Box::new(checkpoint.clone())));
        let is_too_old = options.late_as.is_none() && from_ms < too_old_before_ms(now);
        let dry_run = DryRun { prices, too_old_before_ms: is_too_old.then(|| too_old_before_ms(now).min(to_ms)) };
        let rejected = PathBuf::new();
        return work(BackfillWork { options, account, checkpoint, dry_run: Some(dry_run), rejected }, ferry).await;
    }
    let path = options.checkpoint.clone().unwrap_or_else(|| query.file_name());
    let book = CheckpointFile::open(path, query, from_ms, to_ms)?;
    if book.checkpoint.is_done() {
        return done_before(&options, &book);
    }
    if !agreed(&account, &options, &book, prices, now).await? {
        note!("Nothing was sent.");
        return Ok(Exit::Done);
    }
    refuse_late_of(&options, &book, now)?;
    book.save()?;
    let checkpoint = book.checkpoint.clone();
    let rejected = options.rejected.clone().unwrap_or_else(|| book.path().with_extension("rejected.jsonl"));
    let delivery =
        delivery(settings, book, rejected.clone()).map_err(|error| CommandError::Internal(error.to_string()))?;
    let ferry = Ferry::new(processing, Destination::Datadog(Box::new(delivery)));
    work(BackfillWork { options, account, checkpoint, dry_run: None, rejected }, ferry).await
}

fn range(options: &BackfillOptions, now: Timestamp) -> Result<(i64, i64), CommandError> {
    let parse = |flag: &str, text: &str| {
        time::parse(text, now).map_err(|problem| CommandError::Refused(format!("{flag} {text}: {problem}")))
    };
    let (from_ms, to_ms) = (parse("--from", &options.from)?, parse("--to", &options.to)?);
    if from_ms >= to_ms {
        let (from, to) = (time::shown(from_ms), time::shown(to_ms));
        return Err(CommandError::Refused(format!("--from ({from}) has to be before --to ({to})")));
    }
    Ok((from_ms, to_ms))
}

fn too_old_before_ms(now: Timestamp) -> i64 {
    now.as_millisecond() - LATE_AFTER_MS
}

/// Datadog takes logs of the last 18 hours, and answers 202 to older ones and drops them.
fn refuse_late(options: &BackfillOptions, from_ms: i64, now: Timestamp) -> Result<(), CommandError> {
    if options.late_as.is_some() || options.dry_run || from_ms >= too_old_before_ms(now) {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "--from {} reaches back to {}: Datadog accepts logs of the last 18 hours, and silently drops older ones (podferry reserves 15 minutes \
         of these for sending). Add `--late-as original_timestamp` to send older logs with the current time, their own time in the \
         attribute `original_timestamp`, and the tag `late:true`; or start later, such as `--from 17h`. Nothing was sent",
        options.from,
        time::shown(from_ms)
    )))
}

/// A checkpoint may be of yesterday: its times hold.
fn refuse_late_of(options: &BackfillOptions, book: &CheckpointFile, now: Timestamp) -> Result<(), CommandError> {
    let positions = book.checkpoint.groups.values().filter(|position| !position.done);
    let oldest_ms = positions.map(|position| position.restart_ms()).min();
    oldest_ms.map_or(Ok(()), |oldest_ms| refuse_late(options, oldest_ms, now))
}

/// The groups by name, each once; all have to be there.
async fn existing(account: &Account, options: &BackfillOptions) -> Result<Vec<String>, CommandError> {
    let names = options.groups.iter().map(|given| group_name(given, account)).collect::<Result<_, _>>()?;
    let selection = LogGroupSelection { names, ..LogGroupSelection::default() };
    let found = spinner::during("Looking for the log groups…", selection.find(account)).await?;
    if found.missing.is_empty() {
        return Ok(found.groups.into_iter().map(|group| group.name).collect());
    }
    Err(CommandError::Refused(format!(
        "no log group of account {} in {} is named {}. List the groups with `aws logs describe-log-groups`, or try another region with \
         --region. Nothing was sent",
        account.id,
        account.region,
        found.missing.join(", ")
    )))
}

/// A dry run needs no API key.
async fn settings(
    account: &Account,
    options: &BackfillOptions,
    function: Option<&Function>,
) -> Result<Settings, CommandError> {
    let settings = account_settings::read(account, function, options.dry_run).await?;
    for warning in &settings.warnings {
        note!("warning: {warning}");
    }
    Ok(settings)
}

/// The same command has finished before, and is not to send everything twice.
fn done_before(options: &BackfillOptions, book: &CheckpointFile) -> Result<Exit, CommandError> {
    let checkpoint = &book.checkpoint;
    note!(
        "All of it was sent before ({}): {}. To send it again, remove {}.",
        report::number_of(checkpoint.totals.logs, "log"),
        report::plan(checkpoint),
        book.path().display()
    );
    if options.aws.output() == Output::Json {
        show::json(&report::json(checkpoint, &checkpoint.totals, std::time::Duration::ZERO, None))?;
    }
    Ok(Exit::Done)
}

/// Says what is about to be done, and asks.
async fn agreed(
    account: &Account,
    options: &BackfillOptions,
    book: &CheckpointFile,
    prices: Prices,
    now: Timestamp,
) -> Result<bool, CommandError> {
    let Checkpoint { query, from_ms, to_ms, totals, .. } = &book.checkpoint;
    let mut plan = report::plan(&book.checkpoint);
    if book.is_old {
        let (events, logs) = (report::number_of(totals.events, "event"), report::number_of(totals.logs, "log"));
        plan += &format!("\nContinuing an earlier run ({events}, {logs} so far) from {}.", book.path().display());
    }
    if options.yes {
        note!("{plan}");
        return Ok(true);
    }
    // A part of the question, so --quiet does not leave it out.
    anstream::eprintln!("{plan}");
    let asking = estimate::volume(account, &query.groups, *from_ms, *to_ms, now.as_millisecond());
    let volume = spinner::during("Asking CloudWatch how much there is…", asking).await;
    anstream::eprintln!("{}", report::estimate(volume.map_err(|error| error.to_string()), prices));
    confirm("Send them?")
}

fn delivery(settings: Settings, book: CheckpointFile, rejected: PathBuf) -> Result<DatadogDelivery, ClientError> {
    let network = settings.delivery.network;
    let checking = Clients::new(false, network.clone())?;
    let clients = if settings.delivery.skip_ssl_validation { Clients::new(true, network)? } else { checking.clone() };
    Ok(DatadogDelivery {
        client: clients.client()?,
        url: settings.delivery.url,
        keys: Arc::new(ApiKey::new(settings.api_key, settings.aws, checking)),
        workers: settings.delivery.workers,
        book,
        rejected,
    })
}
