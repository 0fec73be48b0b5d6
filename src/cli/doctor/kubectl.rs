//! Asks `kubectl`, which knows the user's clusters and how to sign in to them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::aws::health::cluster::ClusterUnknown;

/// How `kubectl` is called.
#[derive(Debug, Clone)]
pub(super) struct Kubectl {
    pub(crate) program: String,
    /// A context of the kubeconfig; else the current one.
    pub(crate) context: Option<String>,
    /// How long one call may take, including a credentials plugin.
    pub(crate) timeout: Duration,
}

/// What `kubectl` answered: as text, for places in it, and as a value.
#[derive(Debug, Clone)]
pub(super) struct KubectlAnswer {
    pub(crate) text: String,
    pub(crate) value: Value,
}

/// How much of an error of `kubectl` to repeat, in characters.
const MAX_SAID: usize = 200;

impl Kubectl {
    /// `kubectl get … -o json`. One that takes too long is stopped.
    pub(super) async fn get(&self, what: &[&str]) -> Result<KubectlAnswer, ClusterUnknown> {
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
                return Err(ClusterUnknown::Failed(format!(
                    "{program} did not answer within {seconds} seconds, and was stopped"
                )));
            }
            Ok(Err(error)) => {
                let why = format!(
                    "could not run {program}: {error}; install it, name another with --kubectl, or skip the cluster with --no-kubectl"
                );
                return Err(ClusterUnknown::Failed(why));
            }
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            return Err(refused(program, &String::from_utf8_lossy(&output.stderr)));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match serde_json::from_str(&text) {
            Ok(value) => Ok(KubectlAnswer { text, value }),
            Err(_) => Err(ClusterUnknown::Failed(format!("{program} did not answer with JSON"))),
        }
    }
}

/// The last line says why: plugins write those before it.
fn refused(program: &str, said: &str) -> ClusterUnknown {
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
    // Source: kubernetes/kubectl, `pkg/cmd/util/helpers.go`: `Error from server (REASON): …`.
    if line.starts_with("Error from server (NotFound)") {
        return ClusterUnknown::NotFound;
    }
    ClusterUnknown::Failed(format!("{program} failed: {}", line.chars().take(MAX_SAID).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_says() {
        assert_eq!(
            refused("k", "warning\nError from server (NotFound): namespaces \"x\" not found\n"),
            ClusterUnknown::NotFound
        );
        let failed = |text: &str| match refused("k", text) {
            ClusterUnknown::Failed(why) => why,
            ClusterUnknown::NotFound => String::new(),
        };
        assert_eq!(
            failed("The connection to the server localhost:8080 was refused\n\n"),
            "k failed: The connection to the server localhost:8080 was refused"
        );
        assert_eq!(failed(""), "k failed: nothing");
        assert_eq!(failed(&"x".repeat(MAX_SAID + 1)).len(), MAX_SAID + "k failed: ".len());
    }
}
