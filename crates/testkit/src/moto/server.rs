//! The process of moto: found, started once for a test binary, and ended.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Once, Weak};
use std::thread;

/// A running moto. It ends when this is dropped, and when the test's process ends in any other way: its shell then finds its
/// input closed.
pub(super) struct Moto {
    pub(super) address: SocketAddr,
    shell: Child,
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Ends the server when the input ends.
const SHELL: &str = r#""$0" -H 127.0.0.1 -p 0 & server=$!; read -r end; kill "$server"; wait "$server""#;

impl Moto {
    /// The moto that the tests of this binary share.
    pub(super) fn shared() -> Option<Arc<Moto>> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(moto) = shared.upgrade() {
            return Some(moto);
        }
        let moto = Arc::new(Moto::start(&moto_server()?));
        *shared = Arc::downgrade(&moto);
        Some(moto)
    }

    /// On a port that the system chooses. It is ready when it says where it runs.
    fn start(program: &Path) -> Moto {
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(SHELL)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(shell.stderr.take().unwrap());
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "moto has not started: {all}");
            if let Some((_, address)) = line.split_once("Running on http://") {
                break address.trim().parse().unwrap();
            }
            all.push_str(&line);
        };
        // It logs every request, and would stop if nobody read that.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Moto { address, shell }
    }
}

/// From `PATH`, or from the environment that `.ci/run` makes.
fn moto_server() -> Option<PathBuf> {
    let of_ci = Path::new(crate::ROOT).join("target/ci-venv/bin");
    let path = variable("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([of_ci]);
    let found = places.map(|place| place.join("moto_server")).find(|program| program.is_file());
    if found.is_none() {
        let reason = "moto_server is neither on PATH nor in target/ci-venv/bin: `pip install 'moto[server]'`";
        assert!(variable("PODFERRY_REQUIRE_MOTO").is_none_or(|value| value != "1"), "{reason}");
        static SAID: Once = Once::new();
        // Not by `eprintln!`: the test passes, and of those Cargo shows no output.
        SAID.call_once(|| _ = writeln!(std::io::stderr(), "SKIPPED, all tests against moto: {reason}"));
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "where moto is, is no setting of podferry")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
