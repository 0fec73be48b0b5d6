//! A live log group for `podferry preview`: the last minutes of it, read within bounds, with a function's settings.

use jiff::Timestamp;

use super::options::{NO_FUNCTION, Preview, PreviewOptions};
use crate::aws::account::Account;
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::rate::DEFAULT_RATE;
use crate::aws::backfill::reader::{HistoryFilter, HistoryReader};
use crate::aws::backfill::time;
use crate::aws::backfill::windows::Window;
use crate::aws::function::Function;
use crate::cli::account_settings;
use crate::cli::captured::{LiveEvent, of_live};
use crate::cli::error::CommandError;
use crate::cli::notes::note;
use crate::cli::selection::group_name;
use crate::cli::spinner;

/// How many pages are read: a page may be empty, and a group may have nothing else.
const MAX_PAGES: usize = 40;

/// Reads the group, oldest events first.
///
/// # Errors
/// [`CommandError`]: the account, the group or the function cannot be read, or the group has no events.
pub(super) async fn read(options: &PreviewOptions, group: &str) -> Result<Preview, CommandError> {
    let mut aws = options.aws.clone();
    let file = aws.read_file()?;
    let now = Timestamp::now();
    let since_ms = time::parse(&options.since, now)
        .map_err(|problem| CommandError::Refused(format!("--since {}: {problem}", options.since)))?;
    let account = aws.open().await?;
    let group = group_name(group, &account)?;
    let function = match options.function.as_ref().or(file.function.as_ref()) {
        Some(given) => Some(spinner::during("Looking for the function…", Function::find(&account, Some(given))).await?),
        None => None,
    };
    let settings = account_settings::read(&account, function.as_ref(), true).await?.pipeline;
    let window = Window { start: since_ms, end: now.as_millisecond() };
    let events = spinner::during("Reading the log group…", events(&account, &group, window, options.limit)).await?;
    if events.is_empty() {
        return Err(CommandError::Refused(format!(
            "log group {group} has no events since {}: read further back with --since, or see with `podferry doctor` why none come",
            time::shown(since_ms)
        )));
    }
    if events.len() >= options.limit {
        note!("These are the first {} events since {}; read more with --limit.", options.limit, time::shown(since_ms));
    }
    let function_arn = function.map_or_else(|| NO_FUNCTION.to_owned(), |function| function.arn);
    Ok(Preview { captured: vec![of_live(&account.id, &group, events)], settings, function_arn })
}

async fn events(account: &Account, group: &str, window: Window, limit: usize) -> Result<Vec<LiveEvent>, CommandError> {
    let reader = HistoryReader::new(account.clone(), HistoryFilter::default(), PacedCalls::new(DEFAULT_RATE));
    let (mut events, mut token) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = reader.page(group, window, token).await?;
        events.extend(page.events.into_iter().map(|event| LiveEvent {
            stream: event.stream,
            id: event.id,
            timestamp_ms: event.timestamp,
            message: event.message,
        }));
        token = page.token;
        if token.is_none() || events.len() >= limit {
            break;
        }
    }
    events.truncate(limit);
    Ok(events)
}
