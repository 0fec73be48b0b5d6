//! `podferry lint` as people run it: files, folders and standard input, forms of output, exit codes, and what is written back.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use super::{Folder, PODFERRY, with_input};
use serde_json::Value;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// `podferry lint` in this folder.
fn lint(folder: &Folder, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(PODFERRY);
    with_input(command.arg("lint").args(arguments).env_clear().current_dir(folder.path()), input.as_bytes())
}

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(testkit::ROOT).join("tests/fixtures/lint").join(name)).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn standard_input_and_exit_codes() {
    let folder = Folder::new("lint-input");
    let bad = lint(&folder, &["-"], &fixture("PF132/bad.yaml"));
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        text(&bad.stdout).contains("error[PF132]: EKS does not allow the output `datadog`\n  --> <stdin>:28:14"),
        "{}",
        text(&bad.stdout)
    );
    assert!(!text(&bad.stdout).contains('\u{1b}'), "colours are for terminals");
    let good = lint(&folder, &["-"], &fixture("PF132/good.yaml"));
    assert_eq!((good.status.code(), text(&good.stderr)), (Some(0), String::new()));
    assert!(text(&good.stdout).ends_with("nothing found in 1 document of 1 file\n"), "{}", text(&good.stdout));
    // A warning is no error, unless it is asked to be one.
    let warned = fixture("PF701/bad.yaml");
    for (fail_on, code) in [("error", 0), ("warning", 1), ("note", 1), ("never", 0)] {
        assert_eq!(lint(&folder, &["-", "--fail-on", fail_on], &warned).status.code(), Some(code), "{fail_on}");
    }
    assert_eq!(
        lint(&folder, &["-", "--fail-on", "warning", "--allow", "unknown-helm-value"], &warned).status.code(),
        Some(0)
    );
}

#[test]
fn what_cannot_be_done_is_told() {
    let folder = Folder::new("lint-refused");
    folder.write("latin1.yaml", b"name: caf\xe9\n");
    let said = |arguments: &[&str]| {
        let output = lint(&folder, arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        text(&output.stderr)
    };
    assert!(said(&["missing.yaml"]).contains("missing.yaml: "));
    assert!(said(&["latin1.yaml"]).contains("not UTF-8 text: byte 9"));
    assert!(said(&["--explain", "PF999"]).contains("no rule has this code or name"));
    assert!(said(&["-", "--allow", "nothing"]).contains("no rule has this code or name"));
    assert_eq!(said(&["-"]), "error: standard input contains no documents\n");
    let blank = lint(&folder, &["-"], "# nothing\n---\n");
    assert_eq!((blank.status.code(), text(&blank.stdout)), (Some(2), String::new()), "{}", text(&blank.stderr));
    let fixed = lint(&folder, &["-", "--fix"], "a: 1\n");
    assert!(fixed.status.code() == Some(2) && text(&fixed.stderr).contains("--fix: standard input cannot be written"));
    for arguments in [&["--diff", "--fail-on", "warning"][..], &["--diff", "--output", "json"], &["--diff", "--fix"]] {
        assert!(said(arguments).contains("cannot be used with"), "{arguments:?}");
    }
    fs::remove_file(folder.path().join("latin1.yaml")).unwrap();
    assert!(said(&[]).contains("no files to check"));
}

/// What cannot be read is told, in every form, and hides nothing of the rest.
#[test]
fn a_file_that_cannot_be_read_hides_no_other() {
    let folder = Folder::new("lint-unread");
    folder.write("bad.yaml", fixture("PF801/bad.yaml").as_bytes());
    folder.write("sub/utf-16.yaml", b"\xff\xfea\0:\0 \x001\0");
    folder.write("sub/binary.json", b"\x7fELF\x02\x00");
    folder.write("latin1.yml", b"name: caf\xe9\n");
    std::os::unix::fs::symlink("nowhere", folder.path().join("dead.yaml")).unwrap();
    let fifo = Command::new("mkfifo").arg(folder.path().join("pipe.yaml")).status().unwrap();
    assert!(fifo.success());
    let unread = ["dead.yaml", "latin1.yml", "pipe.yaml", "sub/binary.json", "sub/utf-16.yaml"];
    let output = lint(&folder, &["--fail-on", "never"], "");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for (name, problem) in unread.iter().zip(["", "byte 9", "not a regular file", "not text", "UTF-16"]) {
        assert!(
            said.lines().any(|line| line.starts_with(&format!("error: {name}: ")) && line.contains(problem)),
            "{said}"
        );
    }
    let shown = text(&output.stdout);
    assert!(shown.contains("error[PF801]") && shown.ends_with("of 1 file; 5 files could not be read\n"), "{shown}");
    let json: Value = serde_json::from_slice(&lint(&folder, &["-o", "json"], "").stdout).unwrap();
    let names: Vec<&str> =
        json["unread"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert_eq!(names, unread);
    assert!(json["summary"]["errors"].as_u64() > Some(0));
    let sarif: Value = serde_json::from_slice(&lint(&folder, &["-o", "sarif"], "").stdout).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(
        (&invocation["executionSuccessful"], invocation["toolExecutionNotifications"].as_array().unwrap().len()),
        (&false.into(), 5)
    );
    let github = text(&lint(&folder, &["-o", "github"], "").stdout);
    assert!(github.starts_with("::error file=dead.yaml::The file was not checked: "), "{github}");
    // What can be fixed is fixed.
    let diff = lint(&folder, &["--diff"], "");
    assert!(diff.status.code() == Some(2) && text(&diff.stdout).contains("+++ b/bad.yaml"));
    assert_eq!(lint(&folder, &["--fix"], "").status.code(), Some(2));
    assert_ne!(fs::read_to_string(folder.path().join("bad.yaml")).unwrap(), fixture("PF801/bad.yaml"));
    // A file that is named is not waited for in vain, either.
    let named = lint(&folder, &["bad.yaml", "missing.yaml", "sub/utf-16.yaml"], "");
    assert_eq!((named.status.code(), text(&named.stderr).lines().count()), (Some(2), 2), "{}", text(&named.stderr));
    assert!(text(&named.stdout).contains("2 files could not be read"));
    let alone = lint(&folder, &["missing.yaml"], "");
    assert_eq!((alone.status.code(), text(&alone.stdout).as_str()), (Some(2), "1 file could not be read\n"));
}

/// Where nothing is known, that nothing was found says nothing.
#[test]
fn what_is_not_recognised_is_said() {
    let folder = Folder::new("lint-unrecognised");
    folder.write("main.tf", b"provider \"aws\" {\n  region = \"us-east-1\"\n}\n");
    folder.write("compose.yaml", b"services: {}\n");
    folder.write("empty.yaml", b"# Nothing yet.\n");
    let output = lint(&folder, &["main.tf"], "");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "nothing recognised in 1 file\n"));
    assert!(
        text(&output.stderr).starts_with("main.tf: nothing in it was recognised: Terraform"),
        "{}",
        text(&output.stderr)
    );
    folder.write("good.yaml", fixture("PF132/good.yaml").as_bytes());
    let named = lint(&folder, &["good.yaml", "compose.yaml", "empty.yaml"], "");
    assert!(text(&named.stdout).ends_with("nothing found in 1 document of 3 files\n"));
    assert!(text(&named.stderr).starts_with("compose.yaml: nothing in it was recognised"), "{}", text(&named.stderr));
    assert_eq!(text(&named.stderr).lines().count(), 1);
    // In a folder are files of others, too; JSON with comments is one.
    folder.write("tsconfig.json", b"{\"strict\": true // always\n, \"lib\": []}\n");
    let all = lint(&folder, &["-o", "json"], "");
    assert_eq!((text(&all.stderr).as_str(), all.status.code()), ("", Some(0)));
    let json: Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(json["unrecognised"], serde_json::json!(["compose.yaml", "empty.yaml", "tsconfig.json"]));
    let json = lint(&folder, &["tsconfig.json"], "");
    assert!(text(&json.stderr).starts_with("tsconfig.json: nothing in it was recognised"), "{}", text(&json.stderr));
    assert_eq!(json.status.code(), Some(0));
    let piped = lint(&folder, &["-"], "a: 1\n");
    assert_eq!(text(&piped.stdout), "nothing recognised in 1 file\n");
}

#[test]
fn a_change_of_meaning_is_made_when_it_is_asked_for() {
    let folder = Folder::new("lint-suggested");
    let before = fixture("kinds/router-match-everything.bad.yaml");
    folder.write("a.yaml", &before);
    let now = || fs::read_to_string(folder.path().join("a.yaml")).unwrap();
    let fixed = lint(&folder, &["--fix"], "");
    assert!(text(&fixed.stderr).contains("1 finding more can be changed by --suggested"), "{}", text(&fixed.stderr));
    assert_eq!(now(), before);
    assert!(text(&lint(&folder, &["--diff"], "").stdout).is_empty());
    assert!(text(&lint(&folder, &["--diff", "--suggested"], "").stdout).contains("+        Match kube.*"));
    assert!(text(&lint(&folder, &["--fix", "--suggested"], "").stderr).contains("fixed 1 finding"));
    assert!(now().contains("Match kube.*") && !now().contains("Match *\n"));
    let alone = lint(&folder, &["--suggested"], "");
    assert!(
        alone.status.code() == Some(2) && text(&alone.stderr).contains("only means something with --fix or --diff")
    );
}

#[test]
fn a_folder_is_looked_at_as_a_whole() {
    let folder = Folder::new("lint-folder");
    folder.write("base/logging.yaml", fixture("PF132/bad.yaml"));
    folder.write("base/namespace.yml", fixture("PF101/bad.yaml"));
    folder.write("base/other.json", "{\"scripts\": {\"build\": \"x\"}}");
    folder.write("base/notes.txt", "[OUTPUT");
    folder.write(".git/logging.yaml", fixture("PF104/bad.yaml"));
    folder.write("node_modules/x/logging.yaml", fixture("PF104/bad.yaml"));
    let output = lint(&folder, &["--output", "json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["file"].as_str().unwrap(), finding["code"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("base/logging.yaml", "PF132"), ("base/namespace.yml", "PF101")]);
    let first = &report["findings"][0];
    assert_eq!((&first["line"], &first["column"], &first["endColumn"]), (&28.into(), &14.into(), &21.into()));
    assert_eq!(report["summary"]["files"], 3);
    assert_eq!(report["summary"]["documents"], 2);
    // Given twice, it is read once.
    let output = lint(&folder, &["base/namespace.yml", "base/namespace.yml", "--output", "github"], "");
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(
        lines.starts_with("::warning file=base/namespace.yml,line=4,col=9,endColumn=26,title=PF101 namespace-label::"),
        "{lines}"
    );
}

#[test]
fn only_what_is_fixed_is_written() {
    let folder = Folder::new("lint-fix");
    let namespace = fixture("PF101/bad.yaml");
    let config_map = fixture("PF105/bad.yaml").replace("cloudwatch_logs\n", "cloudwatch_logs\r\n");
    folder.write("all.yaml", format!("# Ours.\n{namespace}---\n{config_map}"));
    folder.write("good.yaml", fixture("PF105/good.yaml"));
    let untouched = fs::metadata(folder.path().join("good.yaml")).unwrap().modified().unwrap();
    let diff = lint(&folder, &["--diff"], "");
    assert_eq!(diff.status.code(), Some(1));
    let diff = text(&diff.stdout);
    let changes: Vec<&str> = diff
        .lines()
        .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"))
        .collect();
    assert_eq!(
        changes,
        ["+    aws-observability: enabled", "-  flb_log_cw: true", "+  flb_log_cw: \"true\""],
        "{diff}"
    );
    let output = lint(&folder, &["--fix"], "");
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(0), "fixed 2 findings\n"),
        "{}",
        text(&output.stdout)
    );
    let expected = format!("# Ours.\n{namespace}---\n{config_map}")
        .replace("    team: platform", "    aws-observability: enabled\n    team: platform")
        .replace("flb_log_cw: true", "flb_log_cw: \"true\"");
    // The comment stays above the member that it stood above.
    assert_eq!(folder.read("all.yaml").replace("\r\n", "\n"), expected.replace("\r\n", "\n"));
    assert!(folder.read("all.yaml").contains("cloudwatch_logs\r\n"));
    assert_eq!(fs::metadata(folder.path().join("good.yaml")).unwrap().modified().unwrap(), untouched);
    let again = lint(&folder, &["--fix"], "");
    assert_eq!(text(&again.stderr), "fixed 0 findings\n");
}

#[test]
fn an_array_is_a_list_of_objects() {
    let folder = Folder::new("lint-array");
    let object: Value = serde_saphyr::from_str(&fixture("PF132/bad.yaml")).unwrap();
    let codes = |text: &str| {
        let report: Value = serde_json::from_slice(&lint(&folder, &["-", "--output", "json"], text).stdout).unwrap();
        let found = report["findings"].as_array().unwrap().iter();
        let codes: Vec<String> = found.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
        (codes, report["summary"]["documents"].clone())
    };
    let alone = codes(&object.to_string());
    assert_eq!(alone.0, ["PF132"]);
    assert_eq!(codes(&Value::from(vec![object]).to_string()), alone);
}

#[test]
fn json_is_fixed_as_json() {
    let folder = Folder::new("lint-json");
    let text_of = |yaml: &str| {
        let value: Value = serde_saphyr::from_str(yaml).unwrap();
        format!("{value:#}\n")
    };
    folder.write("logging.json", text_of(&fixture("PF121/bad.yaml")));
    assert_eq!(lint(&folder, &["logging.json"], "").status.code(), Some(1));
    let output = lint(&folder, &["--fix", "logging.json"], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(folder.read("logging.json"), text_of(&fixture("PF121/good.yaml")));
}

#[test]
fn keys_are_never_shown() {
    let folder = Folder::new("lint-keys");
    let manifest = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec:\n  containers:\n  - name: web\n    image: web:1\n  - name: datadog-agent\n    image: gcr.io/datadoghq/agent:7.71.0\n    env:\n    - {{name: DD_API_KEY, value: {KEY}}}\n    - {{name: DD_EKS_FARGATE, value: yes}}\n"
    );
    for format in ["text", "json", "sarif", "github"] {
        let output = lint(&folder, &["-", "--output", format], &manifest);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let said = text(&output.stdout);
        assert!(said.contains("PF4") && !said.contains(KEY), "{format}: {said}");
    }
}

#[test]
fn sarif_points_at_rules_and_places() {
    let folder = Folder::new("lint-sarif");
    folder.write("a b/löcher.yaml", fixture("PF113/bad.yaml"));
    let output = lint(&folder, &["--output", "sarif"], "");
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/l%C3%B6cher.yaml");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&13.into(), &5.into()));
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 1);
}

#[test]
fn rules_are_explained() {
    let folder = Folder::new("lint-explain");
    let by_code = lint(&folder, &["--explain", "pf132"], "");
    assert_eq!(by_code.status.code(), Some(0));
    assert_eq!(by_code.stdout, lint(&folder, &["--explain", "output-not-allowed"], "").stdout);
    assert!(text(&by_code.stdout).starts_with("PF132 (output-not-allowed), error\n"));
    let all = lint(&folder, &["--explain", "all"], "");
    let page = fs::read_to_string(Path::new(testkit::ROOT).join("docs/lint-rules.md")).unwrap();
    assert_eq!(text(&all.stdout), page);
}

/// A thousand files of the kinds that people have. The release build takes well under a second; this bound is for a debug build on a
/// machine that does other things, too.
#[test]
fn a_thousand_files_take_no_time() {
    let folder = Folder::new("lint-thousand");
    let kinds: Vec<String> = [
        "PF132/good.yaml",
        "PF132/bad.yaml",
        "PF401/good.yaml",
        "PF501/good.yaml",
        "PF701/good.yaml",
        "kinds/chart-in-argo-text.bad.yaml",
        "kinds/helm-template-that-is-yaml.bad.yaml",
        "kinds/broken-document-among-others.bad.yaml",
    ]
    .map(fixture)
    .into();
    for number in 0..1_000 {
        folder.write(&format!("{}/{number}.yaml", number % 20), &kinds[number % kinds.len()]);
    }
    let began = Instant::now();
    let output = lint(&folder, &["--output", "json", "--fail-on", "never"], "");
    let took = began.elapsed();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["files"], 1_000);
    assert!(took.as_secs() < 20, "{took:?}");
}

/// What a file has is looked up once, not once for each of its findings.
#[test]
fn many_findings_in_a_file_take_no_time() {
    let folder = Folder::new("lint-many");
    let document = |number: usize| {
        let value = if number.is_multiple_of(2) { "5" } else { "{{ .Values.x }}" };
        format!("---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a{number}\n  annotations:\n    x: {value}\n")
    };
    folder.write("many.yaml", (0..8_000).map(document).collect::<String>().as_bytes());
    for format in ["text", "json", "sarif", "github"] {
        let began = Instant::now();
        let output = lint(&folder, &["--output", format, "--fail-on", "never"], "");
        let took = began.elapsed();
        assert_eq!(text(&output.stdout).matches("PF801").count() / 4_000, 1, "{format}");
        assert!(took.as_secs() < 20, "{format}: {took:?}");
    }
}
