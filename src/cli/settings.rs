//! `podferry settings`: the tables of variables that the documents have.

use std::io::Write;

use clap::Args;

use super::error::CommandError;
use super::exit::Exit;
use forwarder::settings;

/// Print the forwarder's environment variables as a Markdown table
#[derive(Debug, Args)]
pub(super) struct SettingsOptions {
    /// Print the settings of Datadog's own Lambda forwarder instead, and what each does here.
    #[arg(long)]
    forwarder: bool,
}

impl SettingsOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let table = if self.forwarder { settings::forwarder_markdown() } else { settings::markdown() };
        std::io::stdout().lock().write_all(table.as_bytes())?;
        Ok(Exit::Done)
    }
}
