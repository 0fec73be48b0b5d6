//! `podferry inject` as a command: files and standard input, flags, what is written and what is refused.

use std::path::Path;
use std::process::{Command, Output};

use super::{Folder, PODFERRY, with_input};
use serde_json::Value;
use testkit::inject::{fixture, folder, snapshot};

/// The documents of a text.
fn read(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(PODFERRY);
    command.arg("inject").args(arguments).env_clear().current_dir(folder);
    let Output { status, stdout, stderr } = with_input(&mut command, input.as_bytes());
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn from_standard_input_to_standard_output() {
    let (code, out, said) =
        run(&folder(), &["--cluster", "prod", "--service-account", "datadog-agent"], &fixture("helm.yaml"));
    assert_eq!((code, out), (Some(0), snapshot("helm.yaml", "sidecar")));
    assert!(said.contains("standard input:12: Deployment release-shop (document 2): injected"), "{said}");
    let (code, out, said) = run(&folder(), &["--label-only", "-f", "refused.yaml", "-f", "tight.json"], "");
    assert_eq!(code, Some(1));
    let both = format!("{}---\n{}", snapshot("refused.yaml", "label"), snapshot("tight.json", "label"));
    assert_eq!(out, both);
    assert!(said.contains("refused.yaml:1: Deployment host-path (document 1): left alone: volume logs is a hostPath"));
    let (code, out, said) = run(&folder(), &["--label-only"], "a: 1 # nothing\n");
    assert_eq!(
        (code, out.as_str(), said.as_str()),
        (Some(0), "a: 1 # nothing\n", "standard input: contains nothing that creates pods\n")
    );
}

#[test]
fn labels_and_users_of_ones_own() {
    let pod = "kind: Pod\nmetadata:\n  name: a\nspec:\n  securityContext: {runAsUser: 1}\n  containers: [{name: a}]\n";
    let labels = ["--label-only", "--label", "team=a", "--label", "x.io/agent=yes", "--run-as-agent"];
    let (code, out, _) = run(&folder(), &labels, pod);
    assert_eq!(code, Some(0));
    assert_eq!(out, pod.replace("spec:", "  labels:\n    team: a\n    x.io/agent: \"yes\"\nspec:"));
    assert_eq!(run(&folder(), &labels[..1], pod).0, Some(1));
    let other = pod.replace("spec:", "  labels: {team: b}\nspec:");
    let (code, out, said) = run(&folder(), &labels, &other);
    assert!(code == Some(1) && out == other && said.contains("its label team has a different value"), "{said}");
    let options =
        ["--cluster", "c", "--run-as-agent", "--env", "DD_LOG_LEVEL=off", "--native-logs", "--image-tag", "7.71.0"];
    let (code, out, _) = run(&folder(), &options, pod);
    let container = read(&out)[0]["spec"]["containers"][1].clone();
    assert_eq!((code, &container["securityContext"]["runAsUser"]), (Some(0), &Value::from(100)));
    assert_eq!(container["image"], "gcr.io/datadoghq/agent:7.71.0");
    assert_eq!(container["env"][0]["value"], "off");
    assert_eq!(read(&out)[0]["spec"]["volumes"][1]["name"], "agent-option");
}

#[test]
fn datadogs_name_of_the_cluster_is_told_but_not_within_json() {
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n";
    let (code, out, said) = run(&folder(), &["--cluster", "Prod_EU"], pod);
    assert!(code == Some(0) && out.contains("prod_eu") && said.contains("`prod_eu`"), "{said}");
    let (_, out, said) = run(&folder(), &["--cluster", "Prod_EU", "--output", "json"], pod);
    assert!(out.contains("prod_eu") && serde_json::from_str::<Value>(&said).is_ok(), "{said}");
}

#[test]
fn flags_mean_what_they_mean_to_generate_sidecar() {
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n";
    let patch = |arguments: &[&str]| {
        let mut command = Command::new(PODFERRY);
        command.args(["generate", "sidecar", "--cluster", "c"]).args(arguments).env_clear().current_dir(folder());
        read(&String::from_utf8(command.output().unwrap().stdout).unwrap()).remove(0)["spec"]["template"].take()
    };
    let variables = |container: &Value| -> Vec<Value> { container["env"].as_array().unwrap().clone() };
    for arguments in [
        &["--cluster-agent", "dca.ops"][..],
        &["--cluster-agent=https://dca.ops:1", "--image", "r.io/agent:7.80.0", "--processes"],
        &["--cluster-agent", "--native-logs", "--cpu", "1"],
        &["--cluster-agent", "--native-logs=annotated", "--memory", "1Gi"],
    ] {
        let all = [&["--cluster", "c"], arguments].concat();
        let injected = read(&run(&folder(), &all, pod).1)[0]["spec"]["containers"][1].take();
        let by_hand = patch(arguments)["spec"]["containers"][0].take();
        for name in ["image", "resources"] {
            assert_eq!(injected[name], by_hand[name], "{arguments:?}");
        }
        let of_injected = variables(&injected);
        assert!(variables(&by_hand).iter().all(|one| of_injected.contains(one)), "{arguments:?}");
    }
}

#[test]
fn files_are_written_and_differences_shown() {
    let folder = Folder::new("inject-write");
    folder.write("podferry.yaml", "cluster: prod\nservice_account: datadog-agent\n");
    folder.write("a.yaml", fixture("statefulset.yaml"));
    let (code, diff, _) = run(folder.path(), &["--diff", "-f", "a.yaml"], "");
    assert_eq!(code, Some(0));
    assert!(diff.starts_with("--- a/a.yaml\n+++ b/a.yaml\n@@ -17,"), "{diff}");
    assert!(diff.contains("\n+            shareProcessNamespace: true\n") && !diff.contains('\u{1b}'));
    assert_eq!(folder.read("a.yaml"), fixture("statefulset.yaml"));
    let (code, out, said) = run(folder.path(), &["--write", "--output", "json", "-f", "a.yaml"], "");
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["objects"][0]["outcome"], "injected");
    assert_eq!(report["objects"][0]["kind"], "StatefulSet");
    let written = folder.read("a.yaml");
    assert_eq!(written, snapshot("statefulset.yaml", "sidecar"));
    let (code, diff, said) = run(folder.path(), &["--write", "--diff", "-f", "a.yaml"], "");
    assert_eq!((code, diff.as_str()), (Some(0), ""));
    assert!(said.contains("nothing to do: it already has the Agent, as container datadog-agent-injected"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_file_is_replaced_at_once() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let folder = Folder::new("inject-replace");
    let (file, link) = (folder.path().join("a.yaml"), folder.path().join("link.yaml"));
    std::fs::write(&file, fixture("statefulset.yaml")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("a.yaml", &link).unwrap();
    let before = std::fs::metadata(&file).unwrap();
    // Whoever has it open reads on in what was there.
    let mut open = std::fs::File::open(&file).unwrap();
    let arguments = ["--cluster", "prod", "--service-account", "datadog-agent", "--write", "-f", "link.yaml"];
    assert_eq!(run(folder.path(), &arguments, "").0, Some(0));
    let after = std::fs::metadata(&file).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), snapshot("statefulset.yaml", "sidecar"));
    assert_eq!(std::io::read_to_string(&mut open).unwrap(), fixture("statefulset.yaml"));
    assert_eq!((after.mode() & 0o7777, after.uid()), (0o640, before.uid()));
    assert!(before.ino() != after.ino() && std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(folder.names().len(), 2, "nothing is left over");
}

#[test]
fn what_cannot_be_run_writes_nothing() {
    let folder = Folder::new("inject-refused");
    folder.write("a.yaml", fixture("statefulset.yaml"));
    for (arguments, part) in [
        (&["-f", "a.yaml"][..], "missing: --cluster"),
        (&["--cluster", "prod.eu", "-f", "a.yaml"], "--cluster: must be"),
        (&["--label-only", "--write", "-f", "-"], "standard input cannot be written"),
        (&["--label-only", "-f", "-", "-f", "-"], "read once"),
        (&["--label-only", "--write", "-f", "a.yaml", "-f", "none.yaml"], "none.yaml"),
        (&["--label-only", "--write", "-f", "a.yaml", "-f", "b.yaml"], "b.yaml: this is neither YAML nor JSON"),
        (&["--label", "a=b", "-f", "a.yaml"], "--label-only"),
        (&["--cluster", "a", "--cluster-agent", "http://x", "-f", "a.yaml"], "SERVICE.NAMESPACE"),
        (&["--cluster", "a", "--env", "DD_API_KEY=x", "-f", "a.yaml"], "datadog-secret"),
        (&["--cluster", "a", "--env", "A=1", "--env", "A=2", "-f", "a.yaml"], "given twice"),
        (&["--cluster", "a", "--cpu", "much", "-f", "a.yaml"], "--cpu: must be"),
        (&["--cluster", "a", "--image-tag", "7.17.0", "-f", "a.yaml"], "7.18"),
        (&["--cluster", "a", "--native-logs", "--image", "r.io/agent:7.70.0", "-f", "a.yaml"], "7.71"),
        (&["--label-only", "--label", "a=1", "--label", "a=2", "-f", "a.yaml"], "give each once"),
        (&["--label-only", "--native-logs", "-f", "a.yaml"], "cannot be used with"),
    ] {
        folder.write("b.yaml", "a: {{ .Values.a }}: {\n");
        let (code, out, said) = run(folder.path(), arguments, "");
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert_eq!(folder.read("a.yaml"), fixture("statefulset.yaml"));
    }
}
