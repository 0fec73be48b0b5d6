//! `podferry intake`: a stand-in for Datadog's intake, to point a local Lambda at.

use std::io::Write;
use std::net::SocketAddr;

use super::{CommandError, show};
use intake::{Arrival, Reply, StandIn};

pub(super) async fn run(listen: SocketAddr, as_json: bool) -> Result<(), CommandError> {
    if !listen.ip().is_loopback() {
        return Err(CommandError::NotLoopback(listen));
    }
    let address = listen.to_string();
    let stand_in = StandIn::start_with(&address, move |arrival| {
        // A closed pipe is found out at the next request; there is nobody to tell.
        let _ = print(arrival, as_json);
        Reply::Judge
    })
    .await
    .map_err(|error| CommandError::Listen { address, error })?;
    anstream::eprintln!("Listening. Set DD_URL={} and DD_API_KEY to anything. Ctrl-C ends it.", stand_in.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}

fn print(arrival: &Arrival, as_json: bool) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if as_json {
        for item in &arrival.items {
            writeln!(out, "{item}")?;
        }
        return out.flush();
    }
    let title = format!(
        "request {}: {} logs, {} bytes ({} compressed); the first of them:",
        arrival.number + 1,
        arrival.items.len(),
        arrival.plain_bytes,
        arrival.bytes
    );
    show::title(&mut out, &title)?;
    if let Some(first) = arrival.items.first() {
        show::log(&mut out, first)?;
    }
    out.flush()
}
