//! Asks `kubectl`, which knows the user's clusters and how to sign in to them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::aws::doctor::cluster::Unseen;

/// How `kubectl` is called.
#[derive(Debug, Clone)]
pub(super) struct Kubectl {
    pub(crate) program: String,
    /// A context of the kubeconfig; else the current one.
    pub(crate) context: Option<String>,
    /// How long one question may take, a plugin for credentials included.
    pub(crate) timeout: Duration,
}

/// What `kubectl` gave: as text, for places in it, and as a value.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(crate) text: String,
    pub(crate) value: Value,
}

/// How much of what `kubectl` says to repeat, in characters.
const MAX_SAID: usize = 200;

impl Kubectl {
    /// `kubectl get … -o json`. One that takes too long is ended.
    pub(super) async fn get(&self, what: &[&str]) -> Result<Seen, Unseen> {
        let mut command = Command::new(&self.program);
        command.arg("get").args(what).args(["-o", "json"]);
        if let Some(context) = &self.context {
            command.args(["--context", context]);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        let program = &self.program;
        let answer = tokio::time::timeout(self.timeout, command.output()).await;
        let output = match answer {
            Err(_) => {
                let seconds = self.timeout.as_secs();
                return Err(Unseen::Failed(format!(
                    "{program} did not answer within {seconds} seconds, and was ended"
                )));
            }
            Ok(Err(error)) => {
                let why = format!(
                    "{program} could not be run: {error}; install it, name it with --kubectl, or leave the cluster out with --no-kubectl"
                );
                return Err(Unseen::Failed(why));
            }
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            return Err(refused(program, &String::from_utf8_lossy(&output.stderr)));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Seen { text, value }),
            Err(_) => Err(Unseen::Failed(format!("{program} answered what is no JSON"))),
        }
    }
}

/// Its last line says it: others before it are of plugins.
fn refused(program: &str, said: &str) -> Unseen {
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
    // Source: kubernetes/kubectl, `pkg/cmd/util/helpers.go`: `Error from server (REASON): …`.
    if line.starts_with("Error from server (NotFound)") {
        return Unseen::NotFound;
    }
    Unseen::Failed(format!("{program} failed: {}", line.chars().take(MAX_SAID).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_says() {
        assert_eq!(
            refused("k", "warning\nError from server (NotFound): namespaces \"x\" not found\n"),
            Unseen::NotFound
        );
        let failed = |text: &str| match refused("k", text) {
            Unseen::Failed(why) => why,
            Unseen::NotFound => String::new(),
        };
        assert_eq!(
            failed("The connection to the server localhost:8080 was refused\n\n"),
            "k failed: The connection to the server localhost:8080 was refused"
        );
        assert_eq!(failed(""), "k failed: nothing");
        assert_eq!(failed(&"x".repeat(MAX_SAID + 1)).len(), MAX_SAID + "k failed: ".len());
    }
}
