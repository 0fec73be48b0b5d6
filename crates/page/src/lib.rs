//! A page on loopback that shows logs as they come, for `podferry intake --ui`, `demo --ui` and `preview --ui`.
//!
//! ```text
//! ShownLog ─▶ kept (the newest, bounded) ─▶ tail (server-sent events) ─▶ assets (HTML, CSS and JavaScript in a browser)
//!                                        └▶ one log whole, when somebody opens it
//! ```
//!
//! `door` decides who may come in, `server` answers. All that a browser gets is compiled in; the page loads nothing from elsewhere.

mod assets;
mod door;
mod kept;
mod server;
mod shown;
mod tail;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use door::Door;
pub use kept::KEPT_LOGS;
use kept::Kept;
pub use server::{MAX_CONNECTIONS, MAX_TAILS};
pub use shown::{LogRecord, RecordSide, RuleHit, ShownLog, ShownTag};

/// A running page. It ends when it is dropped.
pub struct Page {
    address: SocketAddr,
    door: Arc<Door>,
    kept: Arc<Kept>,
    server: JoinHandle<()>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Page {
    /// Starts a page at an address of loopback; `title` says what is shown, for example `preview of event.json`, and `empty` what to do as
    /// long as there is no log.
    ///
    /// # Errors
    /// The address is not loopback's, the port could not be opened, or the system has no random numbers.
    pub async fn start(address: SocketAddr, title: &str, empty: &str) -> io::Result<Page> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the page would be exposed to the network"));
        }
        let door = Arc::new(Door::new()?);
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let kept = Arc::new(Kept::new(title, empty));
        let server = tokio::spawn(server::serve(listener, door.clone(), kept.clone()));
        Ok(Page { address, door, kept, server })
    }

    /// What to open in a browser. Who knows it sees the logs.
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.door.token())
    }

    /// Returns when a browser shows the page, or has shown it.
    pub async fn opened(&self) {
        self.kept.opened().await;
    }

    /// Shows a log. It forgets the oldest where there are too many ([`KEPT_LOGS`]), or where they take more than 96 MiB.
    pub fn add(&self, log: &ShownLog) {
        self.kept.add(log);
    }
}
