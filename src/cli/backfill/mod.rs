//! `podferry backfill`: from flags to a run, with a question before it and a way to go on after it.

mod progress;
mod report;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::account::{AccountFlags, Output, confirm};
use super::exit::Exit;
use super::{CommandError, show};
use crate::aws::account::Account;
use crate::aws::backfill::checkpoint::{BackfillQuery, Checkpoint, CheckpointFile};
use crate::aws::backfill::cost::{INDEXED_PER_MILLION, INGESTED_PER_GB, Prices};
use crate::aws::backfill::ferry::{BackfillStop, DatadogDelivery, Destination, Ferry, PageProcessing};
use crate::aws::backfill::rate::{DEFAULT_RATE, Pace};
use crate::aws::backfill::reader::{HistoryFilter, HistoryReader};
use crate::aws::backfill::run::BackfillRun;
use crate::aws::backfill::{estimate, time};
use crate::aws::function::Function;
use crate::aws::groups::LogGroupSelection;
use forwarder::delivery::client::{ClientError, Clients};
use forwarder::lambda::api_key::ApiKey;
use forwarder::settings::Settings;
use pipeline::late::LATE_AFTER_MS;

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// A log group, by name; may be given several times.
    #[arg(long = "group", value_name = "NAME", required = true)]
    groups: Vec<String>,
    /// Only log streams whose names begin so.
    #[arg(long, value_name = "TEXT")]
    stream_prefix: Option<String>,
    /// Since when: a time such as 2026-11-20T08:00:00Z, or how long ago, such as 90m, 2h or 3d.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when, that time itself not included.
    #[arg(long, value_name = "TIME", default_value = "now")]
    to: String,
    /// Only events that fit this filter pattern of CloudWatch Logs.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    filter_pattern: Option<String>,
    /// Take the forwarder's settings from this function, by name or ARN [default: from this process's variables].
    #[arg(long, value_name = "NAME|ARN")]
    function: Option<String>,
    /// Send logs that are too old for Datadog, which drops what is older than 18 hours: with the time of sending, and their own
    /// time in this attribute.
    #[arg(long, value_name = "ATTRIBUTE")]
    late_as: Option<LateAs>,
    /// Where to note what was sent [default: podferry-backfill-….json in this folder, by the query].
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Where to put logs that Datadog refuses for good [default: beside the checkpoint].
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Calls of FilterLogEvents a second; the account's quota is five, for all who use it in this region.
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_RATE, value_parser = rate)]
    rate: f64,
    /// How many stretches of time are read at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    concurrency: u8,
    /// Read and count, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Begin without asking.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Dollars for a gigabyte of logs that Datadog takes in, for estimates.
    #[arg(long, value_name = "DOLLARS", default_value_t = INGESTED_PER_GB, value_parser = price)]
    price_per_gb: f64,
    /// Dollars for a million logs that Datadog indexes, for estimates.
    #[arg(long, value_name = "DOLLARS", default_value_t = INDEXED_PER_MILLION, value_parser = price)]
    price_per_million: f64,
    #[command(flatten)]
    aws: AccountFlags,
}

/// What to do with logs that are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LateAs {
    #[value(name = "original_timestamp")]
    OriginalTimestamp,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.01..=1000.0).contains(rate))
        .ok_or_else(|| "must be from 0.01 to 1000".to_owned())
}

fn price(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|price| (0.0..=1e6).contains(price))
        .ok_or_else(|| "must be dollars, such as 0.1".to_owned())
}

pub(super) async fn run(options: Options) -> Result<Exit, CommandError> {
    let now = Timestamp::now();
    let (from_ms, to_ms) = range(&options, now)?;
    refuse_late(&options, from_ms, now)?;
    let account = options.aws.open().await?;
    let function = match &options.function {
        Some(given) => Some(Function::find(&account, Some(given)).await?),
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
        late_as: options.late_as.is_some(),
    };
    if options.dry_run {
        let checkpoint = Checkpoint::new(query, from_ms, to_ms);
        anstream::eprintln!("Reading, and sending nothing: {}", report::plan(&checkpoint));
        let ferry = Ferry::new(processing, Destination::DryRun(Box::new(checkpoint.clone())));
        return work(&options, account, ferry, &checkpoint, Some(prices), Path::new("")).await;
    }
    let path = options.checkpoint.clone().unwrap_or_else(|| query.file_name());
    let book = CheckpointFile::open(path, query, from_ms, to_ms)?;
    if book.checkpoint.is_done() {
        return done_before(&options, &book);
    }
    if !agreed(&account, &options, &book, prices, now).await? {
        anstream::eprintln!("Nothing was sent.");
        return Ok(Exit::Done);
    }
    refuse_late_of(&options, &book, now)?;
    book.save()?;
    let checkpoint = book.checkpoint.clone();
    let rejected = options.rejected.clone().unwrap_or_else(|| book.path().with_extension("rejected.jsonl"));
    let delivery =
        delivery(settings, book, rejected.clone()).map_err(|error| CommandError::Internal(error.to_string()))?;
    let ferry = Ferry::new(processing, Destination::Datadog(Box::new(delivery)));
    work(&options, account, ferry, &checkpoint, None, &rejected).await
}

fn range(options: &Options, now: Timestamp) -> Result<(i64, i64), CommandError> {
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

/// Datadog takes logs of the last 18 hours, and answers 202 to older ones and drops them.
fn refuse_late(options: &Options, from_ms: i64, now: Timestamp) -> Result<(), CommandError> {
    if options.late_as.is_some() || options.dry_run || from_ms >= now.as_millisecond() - LATE_AFTER_MS {
        return Ok(());
    }
    Err(CommandError::Refused(format!(
        "--from {} reaches back to {}: Datadog takes logs of the last 18 hours, and drops older ones without a word (a quarter of an hour is \
         kept back for sending). Add `--late-as original_timestamp` to send older ones with the time of sending, with their own time in \
         the attribute `original_timestamp` and the tag `late:true`; or begin later, such as `--from 17h`. Nothing was sent",
        options.from,
        time::shown(from_ms)
    )))
}

/// A checkpoint may be of yesterday: its times hold.
fn refuse_late_of(options: &Options, book: &CheckpointFile, now: Timestamp) -> Result<(), CommandError> {
    let positions = book.checkpoint.groups.values().filter(|position| !position.done);
    let oldest_ms = positions.map(|position| position.restart_ms()).min();
    oldest_ms.map_or(Ok(()), |oldest_ms| refuse_late(options, oldest_ms, now))
}

/// The groups by name, each once; all have to be there.
async fn existing(account: &Account, options: &Options) -> Result<Vec<String>, CommandError> {
    let selection = LogGroupSelection { names: options.groups.clone(), ..LogGroupSelection::default() };
    let found = selection.find(account).await?;
    if found.missing.is_empty() {
        return Ok(found.groups.into_iter().map(|group| group.name).collect());
    }
    Err(CommandError::Refused(format!(
        "no log group of account {} in {} has the name {}. Look with `aws logs describe-log-groups`, or in another region with \
         --region. Nothing was sent",
        account.id,
        account.region,
        found.missing.join(", ")
    )))
}

/// A dry run needs no API key.
async fn settings(account: &Account, options: &Options, function: Option<&Function>) -> Result<Settings, CommandError> {
    let settings = settings::read(account, function, options.dry_run).await?;
    for warning in &settings.warnings {
        anstream::eprintln!("warning: {warning}");
    }
    Ok(settings)
}

/// The same command has come to its end before, and is not to send everything twice.
fn done_before(options: &Options, book: &CheckpointFile) -> Result<Exit, CommandError> {
    let checkpoint = &book.checkpoint;
    anstream::eprintln!(
        "All of it was sent before ({} logs): {}. To send it once more, remove {}.",
        checkpoint.totals.logs,
        report::plan(checkpoint),
        book.path().display()
    );
    if options.aws.output == Output::Json {
        show::json(&report::json(checkpoint, &checkpoint.totals, std::time::Duration::ZERO, None))?;
    }
    Ok(Exit::Done)
}

/// Says what is about to be done, and asks.
async fn agreed(
    account: &Account,
    options: &Options,
    book: &CheckpointFile,
    prices: Prices,
    now: Timestamp,
) -> Result<bool, CommandError> {
    let Checkpoint { query, from_ms, to_ms, totals, .. } = &book.checkpoint;
    anstream::eprintln!("{}", report::plan(&book.checkpoint));
    if book.is_old {
        anstream::eprintln!(
            "Going on where an earlier run was ({} events, {} logs so far), by {}.",
            totals.events,
            totals.logs,
            book.path().display()
        );
    }
    if options.yes {
        return Ok(true);
    }
    let volume = estimate::volume(account, &query.groups, *from_ms, *to_ms, now.as_millisecond()).await;
    anstream::eprintln!("{}", report::estimate(volume.map_err(|error| error.to_string()), prices));
    confirm("Send them?")
}

fn delivery(settings: Settings, book: CheckpointFile, rejected: PathBuf) -> Result<DatadogDelivery, ClientError> {
    let proxies = settings.delivery.proxies;
    let checking = Clients::new(false, proxies.clone())?;
    let clients = if settings.delivery.skip_ssl_validation { Clients::new(true, proxies)? } else { checking.clone() };
    Ok(DatadogDelivery {
        client: clients.client()?,
        url: settings.delivery.url,
        keys: Arc::new(ApiKey::new(settings.api_key, settings.aws, checking)),
        workers: settings.delivery.workers,
        book,
        rejected,
    })
}

/// Works, shows how far it is, and listens for Ctrl-C.
async fn work(
    options: &Options,
    account: Account,
    ferry: Ferry,
    checkpoint: &Checkpoint,
    dry_run: Option<Prices>,
    rejected: &Path,
) -> Result<Exit, CommandError> {
    let which =
        HistoryFilter { stream_prefix: options.stream_prefix.clone(), filter_pattern: options.filter_pattern.clone() };
    let reader = HistoryReader::new(account, which, Pace::new(options.rate));
    let (run, mut told) = BackfillRun::new(reader, ferry, usize::from(options.concurrency));
    let first = *told.borrow();
    let mut shown = progress::Shown::new(&first);
    let mut working = std::pin::pin!(run.work());
    let result = loop {
        tokio::select! {
            result = &mut working => break result,
            Ok(()) = told.changed() => {
                let at = *told.borrow_and_update();
                shown.show(&at);
            }
            Ok(()) = tokio::signal::ctrl_c() => {
                shown.finish();
                return interrupted(&run, dry_run.is_some()).await;
            }
        }
    };
    let took = shown.finish();
    result.map_err(|stop| stopped(&stop, dry_run.is_some()))?;
    let totals = run.totals().await;
    match options.aws.output {
        Output::Json => show::json(&report::json(checkpoint, &totals, took, dry_run))?,
        Output::Text => report::text(&mut anstream::stdout().lock(), &totals, took, dry_run, rejected)?,
    }
    Ok(Exit::of_findings(usize::from(totals.rejected > 0)))
}

/// The page that is on its way comes to its end, unless Ctrl-C comes again. Whoever calls this still holds the work, which ends
/// when it is dropped.
async fn interrupted(run: &BackfillRun, dry_run: bool) -> Result<Exit, CommandError> {
    if dry_run {
        anstream::eprintln!("Ended. Nothing was sent.");
        return Ok(Exit::Interrupted);
    }
    anstream::eprintln!("Ending with the page that is on its way; Ctrl-C again ends at once.");
    tokio::select! {
        _last = run.stop() => {}
        Ok(()) = tokio::signal::ctrl_c() => {}
    }
    anstream::eprintln!("Ended. {GO_ON}");
    Ok(Exit::Interrupted)
}

const GO_ON: &str = "Run the same command again: it goes on where it was.";

fn stopped(stop: &BackfillStop, dry_run: bool) -> CommandError {
    CommandError::Refused(if dry_run { stop.to_string() } else { format!("{stop}. What was sent is noted. {GO_ON}") })
}
