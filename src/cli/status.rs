//! `podferry status`: the forwarder's health as tables, with what is wrong below them, or as JSON.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};

use super::account::AccountFlags;
use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::output::Output;
use super::selection::{FunctionFlag, GROUPS_OR_SUBSCRIBED, SelectionFlags};
use super::show::Signs;
use super::sparkline::sparkline;
use super::subscribe::said;
use super::{show, spinner};
use crate::aws::account::Account;
use crate::aws::error::SdkCallError;
use crate::aws::groups::{FoundLogGroups, SubscriptionFilter};
use crate::aws::health::facts::{HealthFact, HealthFacts, LogGroupFact, QueueFact};
use crate::aws::health::finding::{HealthFinding, HealthSeverity};
use crate::aws::health::judge::judge;
use crate::aws::health::last_day::{self, HOUR_SECONDS, HourlyValues, LastDay};
use crate::aws::health::read;
use crate::aws::queues::{QueueDepth, QueueRole};
use crate::aws::subscribe::is_same_function;
use forwarder::settings::{Environment, Settings};
use pipeline::counted::counted;

/// Show the forwarder's health
///
/// Shows log groups, filters, queues and errors, the last 24 hours, what is wrong, and what to do about it. Shows all log groups that are subscribed to the
/// function, unless you or podferry.yaml name some. Marks what it cannot read, and continues. Changes nothing.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("groups", |groups| groups.help(GROUPS_OR_SUBSCRIBED)))]
#[command(after_long_help = "Examples:
  podferry status
  podferry status --prefix /aws/eks/ --output json

Exit codes:
  0  nothing is wrong
  1  something is wrong, or could not be read
  2  nothing could be read")]
pub(super) struct StatusOptions {
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    function: FunctionFlag,
    #[command(flatten)]
    aws: AccountFlags,
}

impl StatusOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        let file = self.aws.read_file()?;
        self.selection.fill(&file);
        self.function.fill(&file);
        block_on(status(self))
    }
}

async fn status(options: StatusOptions) -> Result<Exit, CommandError> {
    let account = options.aws.open().await?;
    let selection = options.selection.selection(&account)?;
    let function = options.function.find(&account).await?;
    let found = selection.find(&account).await;
    if !selection.is_empty() && found == Ok(FoundLogGroups::default()) {
        return Err(CommandError::Refused(super::subscribe::nothing_found(&account, &options.selection)));
    }
    let reading = read::all(&account, function, found, selection.is_empty());
    let facts = spinner::during("Reading groups, queues and metrics…", reading).await;
    let reading = last_day::read(&account, &facts.function, &facts.queues.queues);
    let day = spinner::during("Reading the metrics of the last 24 hours…", reading).await;
    let found = of_concern(judge(&facts, &options.aws.advice(&account)));
    match options.aws.output() {
        Output::Text => {
            let signs = Signs::new(Settings::is_utf8(&Environment));
            show_all(&mut anstream::stdout(), signs, &account, &facts, &day, &found)?;
        }
        Output::Json => show::json(&json_of(&account, &facts, &day, &found))?,
    }
    Ok(Exit::of_findings(found.iter().filter(|one| one.severity.is_problem()).count()))
}

/// What is not in order, the worst first.
fn of_concern(mut found: Vec<HealthFinding>) -> Vec<HealthFinding> {
    let order = |severity| match severity {
        HealthSeverity::Wrong => Some(0),
        HealthSeverity::Unknown => Some(1),
        HealthSeverity::Note => Some(2),
        HealthSeverity::Ok | HealthSeverity::Skipped => None,
    };
    found.retain(|one| order(one.severity).is_some());
    found.sort_by_key(|one| order(one.severity));
    found
}

/// What a cell has where its value could not be read.
const UNKNOWN: &str = "unknown";

fn show_all(
    out: &mut impl Write,
    signs: Signs,
    account: &Account,
    facts: &HealthFacts,
    day: &HealthFact<LastDay>,
    found: &[HealthFinding],
) -> io::Result<()> {
    writeln!(out, "function {}\naccount {}, region {}", facts.function.arn, account.id, account.region)?;
    let hour = match &facts.activity.last_hour {
        Ok(hour) => {
            let invocations = counted(hour.invocations, "invocation");
            format!("{invocations}, {} failed, {} throttled", hour.errors, hour.throttles)
        }
        Err(_) => UNKNOWN.to_owned(),
    };
    writeln!(out, "last hour: {hour}")?;
    last_24_hours(out, signs, day)?;
    if let Ok(Some(policy)) = &facts.log_groups.account_policy {
        let left_out = if policy.left_out.is_empty() { "none".to_owned() } else { policy.left_out.join(", ") };
        writeln!(out, "account policy {}: all log groups, {}; except: {left_out}", policy.name, said(&policy.pattern))?;
    }
    if let Ok(Some(destination)) = &facts.queues.failed_events {
        writeln!(out, "events that Lambda gives up on go to {destination}")?;
    }
    if !facts.log_groups.groups.is_empty() {
        let rows: Vec<Vec<String>> =
            facts.log_groups.groups.iter().map(|group| group_cells(signs, facts, group)).collect();
        let filter = format!("filter {} destination", signs.arrow);
        show::table_with(out, signs, &["log group", &filter, "retention", "stored", "last event"], &rows)?;
    }
    if !facts.queues.queues.is_empty() {
        let rows: Vec<Vec<String>> = facts.queues.queues.iter().map(|queue| queue_cells(signs, queue)).collect();
        show::table_with(out, signs, &["queue", "holds", "visible", "delayed", "oldest"], &rows)?;
    }
    for finding in found {
        show::weighed(out, finding.severity.word(), &format!("{}: {}", finding.what, finding.why))?;
        if let Some(fix) = &finding.fix {
            show::remedy(out, signs, fix)?;
        }
    }
    if !found.iter().any(|one| one.severity.is_problem()) {
        writeln!(out, "nothing is wrong")?;
    }
    Ok(())
}

/// A row of bars each, and the number that matters: what was delivered in all, and the most that a queue held.
fn last_24_hours(out: &mut impl Write, signs: Signs, day: &HealthFact<LastDay>) -> io::Result<()> {
    let Ok(day) = day else { return writeln!(out, "last 24 hours: {UNKNOWN}") };
    let rows = [&day.delivered, &day.waiting, &day.dead];
    if rows.iter().all(|row| row.iter().all(Option::is_none)) {
        return writeln!(out, "last 24 hours: no metrics");
    }
    writeln!(out, "last 24 hours, a bar an hour up to now; blank where CloudWatch has no data")?;
    let in_queue = |row: &HourlyValues| {
        let most = row.iter().flatten().copied().fold(0.0, f64::max);
        format!("{} at most", counted(whole(most), "message"))
    };
    let delivered = day.delivered.iter().flatten().sum();
    for (name, row, told) in [
        ("delivered", &day.delivered, counted(whole(delivered), "log")),
        ("waiting", &day.waiting, in_queue(&day.waiting)),
        ("dead", &day.dead, in_queue(&day.dead)),
    ] {
        let told = if row.iter().all(Option::is_none) { "no data" } else { &told };
        writeln!(out, "  {name:<9} {} {told}", sparkline(row, signs.is_utf8))?;
    }
    Ok(())
}

/// CloudWatch gives floating-point numbers, for counts too.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is no less than 0, and `as` saturates")]
fn whole(value: f64) -> usize {
    value.max(0.0) as usize
}

fn group_cells(signs: Signs, facts: &HealthFacts, group: &LogGroupFact) -> Vec<String> {
    let retention = group.group.retention_days.map_or_else(|| "forever".to_owned(), |days| format!("{days} d"));
    let filters = match &group.filters {
        Ok(filters) if filters.is_empty() => signs.none.to_owned(),
        Ok(filters) => filters.iter().map(|filter| filter_cell(signs, facts, filter)).collect::<Vec<_>>().join("; "),
        Err(_) => UNKNOWN.to_owned(),
    };
    let last = cell(&group.newest, |newest| match newest.and_then(|newest| newest.event) {
        Some(time) => ago(facts.activity.now_ms, time),
        None => "never".to_owned(),
    });
    vec![group.group.name.clone(), filters, retention, bytes(group.group.stored_bytes), last]
}

fn filter_cell(signs: Signs, facts: &HealthFacts, filter: &SubscriptionFilter) -> String {
    // The function itself is named at the top.
    let is_here = is_same_function(&filter.destination, &facts.function.arn);
    let destination =
        if is_here { "the function" } else { filter.destination.splitn(6, ':').last().unwrap_or_default() };
    let pattern = if filter.pattern.is_empty() { String::new() } else { format!(" ({})", said(&filter.pattern)) };
    format!("{} {} {destination}{pattern}", filter.name, signs.arrow)
}

fn queue_cells(signs: Signs, fact: &QueueFact) -> Vec<String> {
    let holds = role(fact.queue.role).to_owned();
    let visible = cell(&fact.attributes, |attributes| attributes.depth.visible.to_string());
    let delayed =
        cell(&fact.attributes, |attributes| (attributes.depth.in_flight + attributes.depth.delayed).to_string());
    let oldest = match (&fact.attributes, &fact.oldest_seconds) {
        (Ok(attributes), _) if attributes.depth.all() == 0 => signs.none.to_owned(),
        (_, oldest) => cell(oldest, |age| age.map_or_else(|| signs.none.to_owned(), duration)),
    };
    vec![fact.queue.name.clone(), holds, visible, delayed, oldest]
}

fn role(role: QueueRole) -> &'static str {
    match role {
        QueueRole::Undelivered => "undelivered logs",
        QueueRole::DeadLetter => "dead letters",
        QueueRole::FailedEvents => "events that Lambda gave up on",
    }
}

fn cell<T>(read: &HealthFact<T>, shown: impl Fn(&T) -> String) -> String {
    read.as_ref().map_or_else(|_| UNKNOWN.to_owned(), shown)
}

/// `3 min ago`, from milliseconds.
fn ago(now: i64, time: i64) -> String {
    let seconds = u64::try_from((now - time) / 1000).unwrap_or_default();
    format!("{} ago", duration(seconds))
}

/// One number and its unit.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// As CloudWatch's prices count: by thousands.
fn bytes(number: i64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let mut rest = number as f64;
    for larger in units {
        if rest < 1000.0 {
            break;
        }
        rest /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{number} B") } else { format!("{rest:.1} {unit}") }
}

fn json_of(account: &Account, facts: &HealthFacts, day: &HealthFact<LastDay>, found: &[HealthFinding]) -> Value {
    let group = |group: &LogGroupFact| {
        let filters = group.filters.as_ref().map(|filters| {
            let one = |filter: &SubscriptionFilter| json!({ "name": filter.name, "pattern": filter.pattern, "destination": filter.destination });
            Value::from_iter(filters.iter().map(one))
        });
        let newest = group.newest.as_ref().map(|newest| {
            json!({ "event": newest.and_then(|one| one.event), "ingestion": newest.and_then(|one| one.ingestion) })
        });
        json!({
            "name": group.group.name, "retention_days": group.group.retention_days, "stored_bytes": group.group.stored_bytes,
            "filters": value(filters), "newest_ms": value(newest),
        })
    };
    let queue = |queue: &QueueFact| {
        let depth = queue.attributes.as_ref().map(|attributes| {
            let QueueDepth { visible, in_flight, delayed } = attributes.depth;
            json!({ "visible": visible, "hidden": in_flight, "delayed": delayed })
        });
        json!({
            "name": queue.queue.name, "url": queue.queue.url, "holds": role(queue.queue.role), "messages": value(depth),
            "oldest_seconds": value(queue.oldest_seconds.as_ref().map(|age| json!(age))),
        })
    };
    let hour = facts.activity.last_hour.as_ref();
    let hour =
        hour.map(|hour| json!({ "invocations": hour.invocations, "errors": hour.errors, "throttles": hour.throttles }));
    let day = day.as_ref().map(|LastDay { start_seconds, delivered, waiting, dead }| {
        json!({
            "start_ms": start_seconds * 1000, "period_seconds": HOUR_SECONDS, "delivered": delivered, "waiting": waiting, "dead": dead,
        })
    });
    let policy = facts.log_groups.account_policy.as_ref().map(|policy| match policy {
        Some(policy) => json!({ "name": policy.name, "pattern": policy.pattern, "left_out": policy.left_out }),
        None => Value::Null,
    });
    json!({
        "account": account.id, "region": account.region, "function": facts.function.arn, "last_hour": value(hour),
        "last_day": value(day),
        "account_policy": value(policy), "failed_events": value(facts.queues.failed_events.as_ref().map(|arn| json!(arn))),
        "log_groups": value(facts.log_groups.found.as_ref().map(|()| facts.log_groups.groups.iter().map(group).collect())),
        "queues": facts.queues.queues.iter().map(queue).collect::<Vec<_>>(),
        "findings": found,
    })
}

/// What was read; or why not, in place of it.
fn value(read: Result<Value, &SdkCallError>) -> Value {
    read.unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (number, shown) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5_000_000_000_000_000, "5000.0 TB")]
        {
            assert_eq!(bytes(number), shown);
        }
        for (seconds, shown) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
        assert_eq!(ago(1000, 5000), "0 s ago");
    }
}
