//! Asks `kubectl`, which knows the user's clusters and how to sign in to them.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::aws::health::agent_secrets::{KEYS_TEMPLATE, SecretKeys};
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

/// What it printed, and how it ended.
struct Printed {
    out: String,
    /// The end of it.
    error: String,
    status: ExitStatus,
}

/// How long an answer may be, in bytes: ten thousand pods of 20 KB, which is much for one.
const MAX_ANSWER: usize = 200 * 1024 * 1024;

/// How much of what is written to the standard error is kept, in bytes: the last line says why.
const MAX_ERROR: usize = 16 * 1024;

/// How long the standard error may stay open after the end.
const GRACE: Duration = Duration::from_millis(100);

/// How much of an error of `kubectl` to repeat, in characters.
const MAX_SAID: usize = 200;

impl Kubectl {
    /// `kubectl get … -o json`. One that takes too long is stopped.
    pub(super) async fn get(&self, what: &[&str]) -> Result<KubectlAnswer, ClusterUnknown> {
        let text = self.get_text(what).await?;
        match serde_json::from_str(&text) {
            Ok(value) => Ok(KubectlAnswer { text, value }),
            Err(_) => Err(ClusterUnknown::Failed(format!("{} did not answer with JSON", self.program))),
        }
    }

    /// The same, to be read as something else.
    pub(super) async fn get_text(&self, what: &[&str]) -> Result<String, ClusterUnknown> {
        self.answer(&[&["get"], what, &["-o", "json"]].concat()).await
    }

    /// The names of a Secret's keys. The values stay in `kubectl`.
    pub(super) async fn secret_keys(&self, namespace: &str, secret: &str) -> Result<SecretKeys, ClusterUnknown> {
        let printed = self.answer(&["get", "secret", secret, "-n", namespace, "-o", KEYS_TEMPLATE]).await?;
        let whole = SecretKeys::read(printed.trim_end());
        whole.ok_or_else(|| ClusterUnknown::Failed(format!("{} did not answer with names of keys", self.program)))
    }

    /// The client's and the cluster's version, as JSON.
    pub(super) async fn version(&self) -> Result<String, ClusterUnknown> {
        self.answer(&["version", "-o", "json"]).await
    }

    /// Whether a user may get a part of a node: `proxy`, `metrics`, ….
    pub(super) async fn can_get_of_node(&self, user: &str, subresource: &str) -> Result<bool, ClusterUnknown> {
        // Not `nodes/proxy`: that would be the node of the name `proxy`. Source: kubernetes/kubectl, `pkg/cmd/auth/cani.go`.
        let part = format!("--subresource={subresource}");
        let printed = self.run(&["auth", "can-i", "get", "nodes", &part, "--as", user]).await?;
        // For a no it ends as for a failure, but says so: `no`, or `no - why`.
        match printed.out.split_whitespace().next() {
            Some("yes") if printed.status.success() => Ok(true),
            Some("no") => Ok(false),
            _ => Err(refused(&self.program, &printed.error)),
        }
    }

    /// Makes what a manifest describes; the object as the cluster has it then.
    pub(super) async fn apply(&self, manifest: &str, namespace: &str) -> Result<Value, ClusterUnknown> {
        let printed = self.run_with(&["apply", "-n", namespace, "-o", "json", "-f", "-"], Some(manifest)).await?;
        if !printed.status.success() {
            return Err(refused(&self.program, &printed.error));
        }
        serde_json::from_str(&printed.out)
            .map_err(|_| ClusterUnknown::Failed(format!("{} did not answer with JSON", self.program)))
    }

    /// Deletes a pod, or finds that it is not there.
    pub(super) async fn delete_pod(&self, namespace: &str, pod: &str) -> Result<(), ClusterUnknown> {
        let gone = ["delete", "pod", pod, "-n", namespace, "--ignore-not-found", "--wait=false"];
        self.answer(&gone).await.map(|_| ())
    }

    /// What a container has printed, as far as the kubelet still has it.
    pub(super) async fn logs(&self, namespace: &str, pod: &str, container: &str) -> Result<String, ClusterUnknown> {
        self.answer(&["logs", pod, "-n", namespace, "-c", container]).await
    }

    async fn answer(&self, arguments: &[&str]) -> Result<String, ClusterUnknown> {
        let printed = self.run(arguments).await?;
        if printed.status.success() { Ok(printed.out) } else { Err(refused(&self.program, &printed.error)) }
    }

    async fn run(&self, arguments: &[&str]) -> Result<Printed, ClusterUnknown> {
        self.run_with(arguments, None).await
    }

    /// With a text on its standard input.
    async fn run_with(&self, arguments: &[&str], input: Option<&str>) -> Result<Printed, ClusterUnknown> {
        let program = &self.program;
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(context) = &self.context {
            command.args(["--context", context]);
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            ClusterUnknown::Lost(format!(
                "could not run {program}: {error}; install it, name another with --kubectl, or skip the cluster with --no-kubectl"
            ))
        })?;
        let (out, error, stdin) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
        let mut last = Vec::new();
        let ended = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // One that does not read it says why. Dropped, it is closed. A manifest fits into the pipe, so nobody waits for the other.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            let reading = keep_last(error, MAX_ERROR, &mut last);
            tokio::pin!(reading);
            let answering = async {
                let out = up_to(out, MAX_ANSWER).await;
                // One that says too much is stopped when it is dropped.
                Ok(match out {
                    Some(out) => Some((out, child.wait().await?)),
                    None => None,
                })
            };
            tokio::pin!(answering);
            let answer: std::io::Result<Option<(String, ExitStatus)>> = tokio::select! {
                answer = &mut answering => answer,
                () = &mut reading => return answering.await,
            };
            // A browser that a plugin has started may hold the standard error for hours.
            let _ = tokio::time::timeout(GRACE, reading).await;
            answer
        };
        let ended = tokio::time::timeout(self.timeout, ended).await;
        match ended {
            Err(_) => {
                let seconds = self.timeout.as_secs();
                let why = format!("{program} did not answer within {seconds} seconds, and was stopped");
                Err(ClusterUnknown::Lost(why))
            }
            Ok(Ok(Some((out, status)))) => {
                Ok(Printed { out, error: String::from_utf8_lossy(&last).into_owned(), status })
            }
            Ok(Ok(None)) => {
                let most = MAX_ANSWER / 1024 / 1024;
                Err(ClusterUnknown::Failed(format!("{program} answered with more than {most} MiB, and was stopped")))
            }
            Ok(Err(error)) => Err(ClusterUnknown::Failed(format!("could not read from {program}: {error}"))),
        }
    }
}

/// All of it; `None` where it is longer, or breaks.
async fn up_to(from: Option<impl AsyncRead + Unpin>, most: usize) -> Option<String> {
    let mut bytes = Vec::new();
    from?.take(most as u64 + 1).read_to_end(&mut bytes).await.ok()?;
    if bytes.len() > most {
        return None;
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Keeps the end of it, however much there is: who writes must not have to wait.
async fn keep_last(from: Option<impl AsyncRead + Unpin>, most: usize, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; most];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        kept.drain(..kept.len().saturating_sub(most));
    }
}

/// The last line says why: plugins write those before it.
fn refused(program: &str, said: &str) -> ClusterUnknown {
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
    let why = format!("{program} failed: {}", line.chars().take(MAX_SAID).collect::<String>());
    // Source: kubernetes/kubectl, `pkg/cmd/util/helpers.go`: `Error from server (REASON): …`.
    match line.strip_prefix("Error from server (").and_then(|rest| rest.split_once(')')) {
        Some(("NotFound", _)) => ClusterUnknown::NotFound,
        Some(("Forbidden", _)) => ClusterUnknown::Forbidden(why),
        _ => ClusterUnknown::Failed(why),
    }
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
        let forbidden = "Error from server (Forbidden): pods is forbidden: User \"me\" cannot list";
        assert_eq!(refused("k", forbidden), ClusterUnknown::Forbidden(format!("k failed: {forbidden}")));
        let failed = |text: &str| match refused("k", text) {
            ClusterUnknown::Failed(why) => why,
            other => format!("{other:?}"),
        };
        assert_eq!(
            failed("The connection to the server localhost:8080 was refused\n\n"),
            "k failed: The connection to the server localhost:8080 was refused"
        );
        assert_eq!(failed(""), "k failed: nothing");
        assert_eq!(failed(&"x".repeat(MAX_SAID + 1)).len(), MAX_SAID + "k failed: ".len());
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_kept() {
        for (length, is_kept) in [(0, true), (7, true), (8, true), (9, false)] {
            let text = "x".repeat(length);
            assert_eq!(up_to(Some(text.as_bytes()), 8).await.is_some(), is_kept, "{length}");
            let end = "ab".repeat(length);
            let mut kept = Vec::new();
            keep_last(Some(end.as_bytes()), 8, &mut kept).await;
            assert_eq!(kept, end.as_bytes()[end.len().saturating_sub(8)..]);
        }
    }
}
