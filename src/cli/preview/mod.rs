//! `podferry preview`: what Datadog would get of logs that people have at hand, sending nothing.
//!
//! `captured` opens what the files hold, `live` reads a log group; from there on it is the pipeline, and what the function would send now.

mod live;
mod options;

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::block_on::block_on;
use super::captured::{self, Captured, Whence};
use super::error::CommandError;
use super::exit::Exit;
use super::input::read;
use super::named::named;
use super::notes::note;
use super::output::Output;
use super::page;
use super::show;
use super::shown_logs::{self, Detail};
use crate::aws::health::advice::quoted;
use ::page::Page;
use forwarder::settings::{Environment, Settings};
pub(super) use options::PreviewOptions;
use options::{NO_FUNCTION, Preview};
use pipeline::accepted_times::{OutOfRange, out_of_range};
use pipeline::compress::Compression;
use pipeline::counted::counted;
use pipeline::event::EventError;
use pipeline::restamp::{RestampCounts, restamp};
use pipeline::{self, LogCounts, PipelineSettings, Processed};

const HINT: &str = "nothing in it is known. Give an event of the function ({\"awslogs\":{\"data\":\"…\"}}), the output of `aws logs \
                    filter-log-events`, an export of Logs Insights or to S3, a log file of a container, or a message of podferry's queue";

/// Why the page has no record for a log.
const FROM_QUEUE: &str = "This log is from a message of podferry's queue, which holds logs as they are sent, without the records that they were made of.";

impl PreviewOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let as_json = self.aws.output() == Output::Json;
        if self.explain && !as_json {
            return Err(CommandError::refused("--explain: needs --output json"));
        }
        if self.logs.is_some() && as_json {
            return Err(CommandError::refused("--logs: cannot be used with --output json, which prints all logs"));
        }
        let now_ms = Timestamp::now().as_millisecond();
        let Preview { captured, settings, function_arn } = match self.group.clone() {
            Some(group) => block_on(live::read(&self, &group))?,
            None => self.of_files(now_ms)?,
        };
        let settings = PipelineSettings { compression: Compression::None, ..settings };
        let show = |page: Option<&Page>| {
            let now_ms = (!self.as_new).then_some(now_ms);
            let processed = process(&captured, &function_arn, &settings, now_ms, page)?;
            self.print(&processed, as_json)
        };
        if self.page.is_given() {
            return block_on(self.serve(show));
        }
        show(None)?;
        Ok(Exit::of_findings(captured.iter().map(|one| one.problems.len()).sum()))
    }

    /// Opens a page, and does what `show` does with the logs on it.
    async fn serve(&self, show: impl Fn(Option<&Page>) -> Result<(), CommandError>) -> Result<Exit, CommandError> {
        let files: Vec<String> = self.files.iter().map(|file| named(file)).collect();
        let title = match &self.group {
            Some(group) => format!("preview of log group {group}"),
            None => format!("preview of {}", files.join(", ")),
        };
        let empty = "There is no log in it. Look further back, or at another file.\npodferry preview --ui FILE\npodferry preview --ui --group NAME \
                     --since 2h";
        let Some(page) = self.page.open(&title, empty).await? else { return Ok(Exit::Done) };
        show(Some(&page))?;
        page::until_interrupted(&page).await
    }

    fn of_files(&self, now_ms: i64) -> Result<Preview, CommandError> {
        let settings = Settings::read_pipeline(&Environment)?;
        let mut all = Vec::new();
        for file in &self.files {
            let given = Whence { log_group: self.log_group.clone(), log_stream: self.log_stream.clone() };
            let path = named(file);
            let captured = captured::open(&read(file)?, &given.or_of(file), &settings, now_ms)
                .map_err(|error| CommandError::Refused(format!("{path}: {error}")))?;
            tell(&path, &captured)?;
            all.push(captured);
        }
        Ok(Preview { captured: all, settings, function_arn: NO_FUNCTION.to_owned() })
    }

    fn print(&self, processed: &Processed, as_json: bool) -> Result<(), CommandError> {
        let items = shown_logs::items(processed)?;
        if as_json && self.explain {
            let outcomes = shown_logs::outcomes_json(&processed.outcomes, &items);
            return Ok(show::json(&json!({ "counts": processed.counts, "logs": outcomes }))?);
        }
        if as_json {
            return Ok(show::json(&Value::Array(items))?);
        }
        let logs = self.logs.unwrap_or(1);
        let mut out = anstream::stdout().lock();
        summary(&mut out, processed, &items, self.as_new)?;
        shown_logs::rules(&mut out, &processed.outcomes)?;
        shown_logs::outcomes(
            &mut out,
            processed.outcomes.get(..logs).unwrap_or(&processed.outcomes),
            &items,
            Detail::Whole,
        )?;
        let all = processed.outcomes.len();
        if all > logs {
            writeln!(out, "\n{} in all; show them with --logs {all} or --output json.", counted(all, "log"))?;
        }
        Ok(())
    }
}

/// Says what a file was taken for, and what is missing in it.
fn tell(path: &str, captured: &Captured) -> Result<(), CommandError> {
    let Captured { contents, saved, objects, recognised, needs, problems } = captured;
    if contents.is_empty() && saved.is_empty() && objects.is_empty() {
        return Err(match problems.first() {
            None | Some((_, EventError::NotJson | EventError::Unknown)) => {
                CommandError::NotAnEvent { path: path.to_owned(), hint: HINT }
            }
            Some((_, error)) => CommandError::Event { path: path.to_owned(), error: *error },
        });
    }
    note!("{path}: read as {recognised}.");
    needs.iter().for_each(|missing| note!("{path}: {missing}."));
    for (number, error) in problems {
        show::error(&format!("{path}, item {number}: {error}"));
    }
    for object in objects {
        note!(
            "{path}: a failed event is in a bucket; preview it with `aws s3 cp {} - | podferry preview -`.",
            quoted(&format!("s3://{}/{}", object.bucket, object.key))
        );
    }
    Ok(())
}

/// All that was captured, one after the other; `now_ms` is the time of sending, in milliseconds since 1970. Its logs are shown on
/// `page`, where there is one.
fn process(
    captured: &[Captured],
    function_arn: &str,
    settings: &PipelineSettings,
    now_ms: Option<i64>,
    page: Option<&Page>,
) -> Result<Processed, CommandError> {
    let mut processed = Processed { control: true, ..Processed::default() };
    for content in captured.iter().flat_map(|one| &one.contents) {
        let one = pipeline::explain_content(content, function_arn, settings, now_ms)
            .map_err(|error| CommandError::Refused(error.to_string()))?;
        if let Some(page) = page {
            page::of_content(content, &one)?.iter().for_each(|log| page.add(log));
        }
        processed.control &= one.control;
        processed.add(one);
    }
    for (_, payloads) in captured.iter().flat_map(|one| &one.saved) {
        let logs = payloads.iter().map(pipeline::batch::Payload::items).sum();
        let (payloads, RestampCounts { late, early }) = match now_ms {
            Some(now_ms) => restamp(payloads.clone(), now_ms),
            None => (payloads.clone(), RestampCounts::default()),
        };
        let counts = LogCounts { events: logs, logs, late, early, ..LogCounts::default() };
        processed.control = false;
        let saved = Processed { payloads, counts, ..Processed::default() };
        if let Some(page) = page {
            shown_logs::items(&saved)?.into_iter().for_each(|item| page.add(&page::of_item(item, FROM_QUEUE)));
        }
        processed.add(saved);
    }
    processed.control &= captured.iter().any(|one| !one.contents.is_empty());
    Ok(processed)
}

fn summary(out: &mut impl Write, processed: &Processed, items: &[Value], as_new: bool) -> Result<(), CommandError> {
    if processed.control {
        return Ok(writeln!(
            out,
            "This is a control message: CloudWatch Logs checks that the function answers. It carries no logs."
        )?);
    }
    let counts = processed.counts;
    let plain: usize = processed.payloads.iter().map(|payload| payload.plain_bytes).sum();
    writeln!(
        out,
        "{} would become {} in {} of {plain} bytes before compression. Nothing was sent.\n",
        counted(counts.events, "event"),
        counted(counts.logs, "log"),
        counted(processed.payloads.len(), "request"),
    )?;
    shown_logs::counts(out, &counts)?;
    let is_too = |why: OutOfRange| {
        let now_ms = Timestamp::now().as_millisecond();
        items.iter().filter(|item| out_of_range(item["timestamp"].as_i64(), now_ms) == Some(why)).count()
    };
    for (why, counted_now, what, tag) in [
        (OutOfRange::Late, counts.late, "Too old for Datadog (18 hours)", "late:true"),
        (OutOfRange::Early, counts.early, "Too far in the future for Datadog (2 hours)", "early:true"),
    ] {
        let (found, would) =
            if as_new { (is_too(why), "Sent now, each would have") } else { (counted_now, "Each has") };
        if found > 0 {
            writeln!(
                out,
                "\n{what}: {}. {would} another time, its own in `original_timestamp`, and the tag `{tag}`.\n",
                counted(found, "log")
            )?;
        }
    }
    // Who wrote, and how much: one row a container.
    let mut containers: Vec<(String, usize)> = Vec::new();
    for item in items {
        let name = format!(
            "{}/{}/{}",
            shown_logs::tag(item, "kube_namespace"),
            shown_logs::tag(item, "pod_name"),
            shown_logs::tag(item, "kube_container_name")
        );
        match containers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => containers.push((name, 1)),
        }
    }
    let rows: Vec<Vec<String>> = containers.into_iter().map(|(name, count)| vec![name, count.to_string()]).collect();
    if !rows.is_empty() {
        show::table(out, &["namespace/pod/container", "logs"], &rows)?;
    }
    Ok(())
}
