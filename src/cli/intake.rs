//! `podferry intake`: a stand-in for Datadog's intake, to point a local Lambda at.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;

use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::output::OutputFlag;
use super::show;
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
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "[ADDRESS:]PORT", value_parser = address)]
    listen: SocketAddr,
    #[command(flatten)]
    output: OutputFlag,
}

impl IntakeOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        block_on(listen(self.listen, self.output.is_json()))
    }
}

/// `127.0.0.1:8092`, `[::1]:8092`, `localhost:8092`, `:8092` or `8092`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| "give a port, such as 8092, or an address with a port, such as 127.0.0.1:8092".to_owned())
}

/// Until Ctrl-C ends the process.
async fn listen(listen: SocketAddr, as_json: bool) -> Result<Exit, CommandError> {
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
    // Not a note: with port 0 only this line has the address.
    anstream::eprintln!("Listening. Set DD_URL={} and DD_API_KEY to any value. Press Ctrl-C to stop.", stand_in.url());
    std::future::pending().await
}

/// Each log as a line of JSON, or of each request the size and the first log.
fn print(arrival: &Arrival, as_json: bool) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if as_json {
        for item in &arrival.items {
            writeln!(out, "{item}")?;
        }
        return out.flush();
    }
    let title = format!(
        "request {}: {}, {} bytes ({} compressed); the first log:",
        arrival.number + 1,
        counted(arrival.items.len(), "log"),
        arrival.plain_bytes,
        arrival.bytes
    );
    show::title(&mut out, &title)?;
    if let Some(first) = arrival.items.first() {
        show::log(&mut out, first)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_a_port_alone() {
        for text in ["8092", ":8092", "localhost:8092", "127.0.0.1:8092"] {
            assert_eq!(address(text).unwrap().to_string(), "127.0.0.1:8092", "{text}");
        }
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
        for text in ["", "65536", "-1", "127.0.0.1", "host:80", "localhost"] {
            assert!(address(text).unwrap_err().contains("such as 8092"), "{text}");
        }
    }
}
