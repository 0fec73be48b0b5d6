//! The flag `--ui`, and what it does: opens the page, says where it is, and keeps it until Ctrl-C.

use std::net::SocketAddr;

use clap::Args;

use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::loopback;
use page::Page;

#[derive(Debug, Clone, Args)]
pub(crate) struct PageFlag {
    /// Show the logs on a page for a browser on this machine, until Ctrl-C. Its address is printed; port 0 picks a free one [default: 0].
    #[arg(
        long,
        value_name = "[ADDRESS:]PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1:0",
        value_parser = loopback::address
    )]
    ui: Option<SocketAddr>,
}

impl PageFlag {
    /// Whether there is to be a page.
    pub(crate) fn is_given(&self) -> bool {
        self.ui.is_some()
    }

    /// Opens the page, where it is asked for. `title` says what is shown, `empty` what to do as long as that is nothing: a sentence, and
    /// below it commands, one a line.
    ///
    /// # Errors
    /// The address is not loopback's, or its port is taken.
    pub(crate) async fn open(&self, title: &str, empty: &str) -> Result<Option<Page>, CommandError> {
        let Some(address) = self.ui else { return Ok(None) };
        let page = Page::start(loopback::only(address)?, title, empty).await;
        let failed =
            |error| CommandError::Refused(format!("{address}: {error}. Choose another port with --ui=PORT, or none"));
        page.map(Some).map_err(failed)
    }
}

/// Says where the page is, and keeps it until Ctrl-C.
pub(crate) async fn until_interrupted(page: &Page) -> Result<Exit, CommandError> {
    // Not a note: only this line has the address, and whoever has it sees the logs. Nothing follows it, so that a terminal ends the link there.
    anstream::eprintln!("The page, until you press Ctrl-C: {}", page.url());
    tokio::signal::ctrl_c().await?;
    Ok(Exit::Interrupted)
}
