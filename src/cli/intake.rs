//! `podferry intake`: a stand-in for Datadog's intake, to point a local Lambda at.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use clap::Args;

use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::json_output::harmless_json;
use super::loopback;
use super::output::OutputFlag;
use super::page::{self, PageFlag};
use super::show;
use super::shown_logs;
use ::page::{Page, ShownLog};
use intake::{Arrival, Reply, StandIn};
use pipeline::counted::counted;

/// Run a local stand-in for Datadog's log intake
///
/// Prints what it receives. Use it to try the Lambda locally: set DD_URL to the address that it prints. Press Ctrl-C to stop it.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry intake
  podferry intake --listen 127.0.0.1:0 --output json | jq .message")]
pub(super) struct IntakeOptions {
    /// Loopback address and port to listen on, or the port alone; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "[ADDRESS:]PORT", value_parser = loopback::address)]
    listen: SocketAddr,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    page: PageFlag,
}

/// Why the page has no record for a log.
const NO_RECORD: &str = "`podferry intake` gets logs as they are sent, without the records that they were made of. `podferry preview --ui FILE` and `podferry \
                         demo --ui` show both.";

impl IntakeOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        block_on(self.listen())
    }
}

impl IntakeOptions {
    /// Until Ctrl-C ends the process.
    async fn listen(self) -> Result<Exit, CommandError> {
        let (address, as_json) = (loopback::only(self.listen)?.to_string(), self.output.is_json());
        // The page tells where to send logs, so it opens after the stand-in; nobody knows either before.
        let opened: Arc<OnceLock<Page>> = Arc::default();
        let page = opened.clone();
        let stand_in = StandIn::start_forgetful(&address, move |arrival| {
            // A closed pipe is found out at the next request; there is nobody to tell.
            let _ = print(arrival, as_json);
            if let Some(page) = page.get() {
                show_on(page, arrival);
            }
            Reply::Judge
        })
        .await
        .map_err(|error| CommandError::Listen { address, error })?;
        let url = stand_in.url();
        let empty = format!(
            "Nothing has arrived yet. Run the function with these variables, and give it an event.\nDD_URL={url} DD_API_KEY=any cargo lambda watch \
             --ignore-changes -A 127.0.0.1 -P 9000\ncargo lambda invoke -A 127.0.0.1 -P 9000 forwarder --data-file examples/event.json"
        );
        let page = self.page.open("what the stand-in for Datadog gets", &empty).await?;
        // Not a note: with port 0 only this line has the address.
        anstream::eprintln!(
            "Listening. Set DD_URL={} and DD_API_KEY to any value. Press Ctrl-C to stop.",
            stand_in.url()
        );
        match page {
            Some(page) => page::until_interrupted(opened.get_or_init(|| page)).await,
            None => std::future::pending().await,
        }
    }
}

/// The logs of a request; those of one that is refused, too.
fn show_on(page: &Page, arrival: &Arrival) {
    let refused = arrival.status.filter(|status| *status >= 300);
    for item in &arrival.items {
        let log = page::of_item(item.clone(), NO_RECORD);
        page.add(&ShownLog { left_out: refused.map(|status| format!("the stand-in, which answered {status}")), ..log });
    }
}

/// What to say of a request that Datadog would not take. Source: Datadog API reference, "Send logs".
fn refused(arrival: &Arrival) -> String {
    let Some(status) = arrival.status.filter(|status| *status >= 300) else { return String::new() };
    let why = match status {
        400 => "it is no JSON array, or not in the encoding that it names",
        401 => "the header DD-API-KEY is missing",
        404 => "logs go to POST /api/v2/logs",
        413 => "more than 5 MB once unpacked, 1000 logs, or 1 MB in a log",
        415 => "the encoding is none of gzip, deflate and zstd",
        _ => return format!("; refused with {status}"),
    };
    format!("; refused with {status}: {why}")
}

/// Each log as a line of JSON, or of each request the size and the first log.
fn print(arrival: &Arrival, as_json: bool) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if as_json {
        for item in &arrival.items {
            writeln!(out, "{}", harmless_json(&item.to_string()))?;
        }
        return out.flush();
    }
    let (logs, refused) = (counted(arrival.items.len(), "log"), refused(arrival));
    let size = format!("{} bytes ({} compressed)", arrival.plain_bytes, arrival.bytes);
    let first = if arrival.items.is_empty() { "" } else { "; the first log:" };
    show::title(&mut out, &format!("request {}: {logs}, {size}{refused}{first}", arrival.number + 1))?;
    if let Some(first) = arrival.items.first() {
        shown_logs::log(&mut out, first)?;
    }
    out.flush()
}
