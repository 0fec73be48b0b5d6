//! `podferry cost`: what log groups cost a month, from files or from samples of live groups.

mod events;
mod json;
mod options;
mod priced;
mod progress;
mod report;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::block_on::block_on;
use super::captured::{self, Whence};
use super::error::CommandError;
use super::exit::Exit;
use super::named::{is_standard_input, named};
use super::notes::note;
use super::output::Output;
use super::selection::group_name;
use super::{show, spinner};
use crate::aws::account::Account;
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::reader::{HistoryFilter, HistoryReader};
use crate::aws::backfill::{estimate, time};
use crate::aws::groups::{LogGroup, LogGroupClass, LogGroupSelection};
use crate::aws::sample::{RATE, SamplePlan, sample};
use cost::bill::{BillTerms, MonthScale};
use cost::findings::{Coverage, Findings};
use cost::line::EVENT_BYTES;
use cost::prices::{DatadogPrices, LogClass, LogPrices};
use cost::tally::{Tally, TallyEvent};
use events::{EventsError, FileEvent};
pub(super) use options::CostOptions;
use pipeline::PipelineSettings;
use pipeline::event::EventError;
use priced::GroupCost;
use progress::SampleProgress;

/// What `generate logging` sets.
const RETENTION_DAYS: i64 = 7;

/// How many log groups of files are told apart; what is of others is counted together.
const MAX_GROUPS: usize = 50;

const HINT: &str = "no events of CloudWatch Logs. Give an event of the function ({\"awslogs\":{\"data\":\"…\"}}), its decoded content, or what \
                    `aws logs filter-log-events` prints; for a log group check the name";

impl CostOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        if self.curve {
            return self.show_curve();
        }
        self.fill()?;
        let (files, groups): (Vec<String>, Vec<String>) = self.inputs.iter().cloned().partition(|input| is_file(input));
        let costs = match (files.is_empty(), groups.is_empty()) {
            (false, false) => {
                let problem = format!("{}: no such file; give either files or log groups", groups.join(", "));
                return Err(CommandError::Refused(problem));
            }
            (false, true) => self.of_files(&files)?,
            _ => block_on(self.of_groups(&groups))?,
        };
        match self.aws.output() {
            Output::Json => show::json(&json::report(&costs))?,
            Output::Text => report::report(&mut anstream::stdout().lock(), &costs, usize::from(self.top))?,
        }
        Ok(Exit::Done)
    }

    fn show_curve(&self) -> Result<Exit, CommandError> {
        match self.aws.output() {
            Output::Json => show::json(&json!({ "curve": json::curve() }))?,
            Output::Text => report::curve(&mut anstream::stdout().lock())?,
        }
        Ok(Exit::Done)
    }

    fn datadog(&self) -> Option<DatadogPrices> {
        let prices = DatadogPrices { ingested_per_gb: self.price_per_gb, indexed_per_million: self.price_per_million };
        self.datadog_ingest.then_some(prices)
    }

    fn of_files(&self, files: &[String]) -> Result<Vec<GroupCost>, CommandError> {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        for file in files {
            let path = Path::new(file);
            let other = if is_standard_input(path) { "(standard input)" } else { file };
            let mut take = |event: FileEvent| {
                let mut group = if event.group.is_empty() { other } else { event.group };
                if tallies.len() >= MAX_GROUPS && !tallies.contains_key(group) {
                    group = "(others)";
                }
                let event = TallyEvent { stream: event.stream, timestamp: event.timestamp, message: event.message };
                match tallies.get_mut(group) {
                    Some(tally) => tally.add(&event),
                    None => {
                        let mut tally = Tally::new(group, self.datadog_ingest);
                        tally.add(&event);
                        tallies.insert(group.to_owned(), tally);
                    }
                }
            };
            read_file(path, &mut take)?;
        }
        let class = if self.infrequent_access { LogClass::InfrequentAccess } else { LogClass::Standard };
        let prices = LogPrices::of(self.aws.region().unwrap_or("us-east-1"), class).with_ingestion(self.price);
        let findings: Vec<Findings> =
            tallies.into_values().map(|tally| tally.finish(Coverage::Whole { seconds: None })).collect();
        // What somebody says of the month is said of all groups together.
        let all: u64 = findings.iter().map(|one| one.total.billed).sum();
        let cost = |findings: Findings| {
            let part = cost::bill::share(findings.total.billed, all);
            let scale = MonthScale::of(&findings, self.gb_per_month.map(|gb| gb * part), None);
            let retention_days = Some(self.retention_days.unwrap_or(RETENTION_DAYS));
            let terms = BillTerms { prices: prices.clone(), retention_days, scale, datadog: self.datadog() };
            GroupCost { findings, terms }
        };
        Ok(findings.into_iter().map(cost).collect())
    }

    async fn of_groups(&self, inputs: &[String]) -> Result<Vec<GroupCost>, CommandError> {
        if self.infrequent_access {
            return Err(CommandError::refused("--infrequent-access: is for files; log groups have their class"));
        }
        let now_ms = Timestamp::now().as_millisecond();
        let from_ms = time::parse(&self.since, Timestamp::now())
            .map_err(|problem| CommandError::Refused(format!("--since {}: {problem}", self.since)))?;
        if now_ms - from_ms < 60_000 {
            return Err(CommandError::Refused(format!("--since {}: must be a minute ago or more", self.since)));
        }
        let account = self.aws.open().await.inspect_err(|_| tell_of_missing_files(inputs))?;
        let names = inputs.iter().map(|given| group_name(given, &account)).collect::<Result<_, _>>()?;
        let selection = LogGroupSelection { names, ..LogGroupSelection::default() };
        let found = spinner::during("Looking for the log groups…", selection.find(&account)).await?;
        if !found.missing.is_empty() {
            return Err(CommandError::Refused(format!(
                "{}: neither a file nor a log group of account {} in {}. List the groups with `aws logs describe-log-groups`, or try \
                 another region with --region",
                found.missing.join(", "),
                account.id,
                account.region
            )));
        }
        let reader = HistoryReader::new(account.clone(), HistoryFilter::default(), PacedCalls::new(RATE));
        if self.gb_per_month.is_some() && found.groups.len() > 1 {
            return Err(CommandError::refused("--gb-per-month: is for one log group; ask for each by itself"));
        }
        let mut costs = Vec::new();
        for group in found.groups {
            costs.push(self.of_group(&account, &reader, group, (from_ms, now_ms)).await?);
        }
        Ok(costs)
    }

    async fn of_group(
        &self,
        account: &Account,
        reader: &HistoryReader,
        group: LogGroup,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<GroupCost, CommandError> {
        let names = [group.name.clone()];
        let asking = estimate::volume(account, &names, from_ms, to_ms, to_ms);
        // Without it, what is read has to tell: the figures are coarser then, and no worse otherwise.
        let incoming = match spinner::during("Asking CloudWatch how much there is…", asking).await {
            Ok(incoming) => incoming,
            Err(error) => {
                note!("warning: {error}");
                None
            }
        };
        let mut tally = Tally::new(&group.name, self.datadog_ingest);
        let plan = SamplePlan { from_ms, to_ms, windows: self.samples };
        let mut progress = SampleProgress::new(&group.name, self.samples);
        let read = sample(reader, &group.name, plan, incoming, |events, done| {
            for event in events {
                let (stream, timestamp, message) = (event.stream.as_str(), event.timestamp, event.message.as_str());
                tally.add(&TallyEvent { stream, timestamp, message });
            }
            progress.show(done.windows, tally.billed());
        });
        let sampled = read.await?;
        progress.finish();
        if sampled.windows < self.samples {
            note!(
                "warning: {}: there is so much that {} of {} samples were read; --since with a shorter time reads it closer",
                group.name,
                sampled.windows,
                self.samples
            );
        }
        let seconds = sampled.milliseconds as f64 / 1000.0;
        let coverage =
            if sampled.is_whole { Coverage::Whole { seconds: Some(seconds) } } else { Coverage::Sampled { seconds } };
        let findings = tally.finish(coverage);
        let metric = incoming.map(|incoming| {
            let billed = incoming.bytes + incoming.events * EVENT_BYTES;
            (billed, (to_ms - from_ms) as f64 / 1000.0)
        });
        let class = match group.class {
            LogGroupClass::InfrequentAccess => LogClass::InfrequentAccess,
            LogGroupClass::Standard | LogGroupClass::Delivery => LogClass::Standard,
        };
        let prices = LogPrices::of(&account.region, class).with_ingestion(self.price);
        let scale = MonthScale::of(&findings, self.gb_per_month, metric);
        let retention_days = group.retention_days.map(i64::from);
        Ok(GroupCost { findings, terms: BillTerms { prices, retention_days, scale, datadog: self.datadog() } })
    }
}

/// Who mistyped a file's name is not helped by what is wrong with credentials.
fn tell_of_missing_files(inputs: &[String]) {
    // Names of log groups begin with a slash, too, but with no folder of this machine.
    let is_near = |input: &str| {
        let folder = Path::new(input).parent().filter(|folder| *folder != Path::new("/"));
        !input.starts_with('/') || folder.is_some_and(Path::is_dir)
    };
    for input in inputs.iter().filter(|input| !input.starts_with("arn:") && is_near(input)) {
        let what = if Path::new(input).is_dir() { "this is a folder" } else { "there is no such file" };
        note!("warning: {input}: {what}, so it is taken for a log group");
    }
}

/// Names of log groups look like paths, so what is there decides.
fn is_file(input: &str) -> bool {
    is_standard_input(Path::new(input)) || Path::new(input).is_file()
}

/// Reads documents as they come; what is none of them is opened as a whole, as `preview` does.
fn read_file(path: &Path, take: &mut dyn FnMut(FileEvent)) -> Result<(), CommandError> {
    let read = if is_standard_input(path) {
        read_any(std::io::stdin().lock(), path, take)
    } else {
        read_any(File::open(path).map_err(|error| CommandError::file(path, error))?, path, take)
    };
    read.map_err(|error| match error {
        EventsError::Read(error) => CommandError::file(path, error),
        EventsError::NotEvents => CommandError::NotAnEvent { path: named(path), hint: HINT },
        EventsError::Event(error) => CommandError::Event { path: named(path), error },
        EventsError::TooManyParts(error) => CommandError::Refused(format!("{}: {error}", named(path))),
    })
}

fn read_any(input: impl Read, path: &Path, take: &mut dyn FnMut(FileEvent)) -> Result<(), EventsError> {
    let is_begun = Cell::new(false);
    let mut input = Remembering { input, is_begun: &is_begun, bytes: Vec::new() };
    let read = events::each(&mut input, &mut |event| {
        is_begun.set(true);
        take(event);
    });
    let Err(EventsError::NotEvents) = read else { return read };
    if is_begun.get() {
        return read;
    }
    let mut bytes = std::mem::take(&mut input.bytes);
    input.input.read_to_end(&mut bytes).map_err(EventsError::Read)?;
    let now_ms = Timestamp::now().as_millisecond();
    let captured = captured::open(&bytes, &Whence::default().or_of(path), &PipelineSettings::default(), now_ms)?;
    if let Some((_, error)) = captured.problems.into_iter().next() {
        let is_unknown = matches!(error, EventError::NotJson | EventError::Unknown);
        return Err(if is_unknown { EventsError::NotEvents } else { EventsError::Event(error) });
    }
    if captured.contents.is_empty() {
        return Err(EventsError::NotEvents);
    }
    captured.contents.iter().try_for_each(|content| {
        events::each(content.as_bytes(), &mut |event| {
            let group = if event.group == captured::NO_GROUP { "" } else { event.group };
            take(FileEvent { group, ..event });
        })
    })
}

/// An input that remembers what was read of it, until the first event.
struct Remembering<'c, R> {
    input: R,
    is_begun: &'c Cell<bool>,
    bytes: Vec<u8>,
}

impl<R: Read> Read for Remembering<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(buffer)?;
        if self.is_begun.get() {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend(buffer.iter().take(length));
        }
        Ok(length)
    }
}
