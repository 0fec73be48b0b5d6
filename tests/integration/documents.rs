//! The commands in README.md and in docs/, run or at least read by the real command.
//!
//! A block marked `sh` is a script of the document's. Of README.md each command is run as it stands, in a folder with the files that it
//! names; what cannot be run here says why in [`why_not_run`], and a command that the test does not know fails with advice. A block
//! marked `text` right behind such a block is what its last command prints: `…` in it stands for anything. Of all documents, each command
//! of podferry is parsed: a flag that does not exist any more is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;
use testkit::moto::TestAccount;

use super::backfill::put;
use super::{Folder, PODFERRY};

/// A fenced block: its mark, its text, and the line that it begins in.
struct Block {
    mark: String,
    text: String,
    line: usize,
    /// Nothing but blank lines stand between it and the one before.
    is_right_behind: bool,
}

fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut open, mut is_right_behind): (Vec<Block>, Option<Block>, bool) = (Vec::new(), None, false);
    for (number, line) in (1..).zip(document.lines()) {
        let fence = line.trim_start().strip_prefix("```");
        match (open.take(), fence) {
            (Some(block), Some(_)) => {
                blocks.push(block);
                is_right_behind = true;
            }
            (Some(mut block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, Some(mark)) => {
                open = Some(Block { mark: mark.trim().to_owned(), text: String::new(), line: number, is_right_behind });
            }
            (None, None) => is_right_behind &= line.trim().is_empty(),
        }
    }
    blocks
}

/// The commands of a script, one a line that is not continued, without comments.
fn commands(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let lines = joined.lines().map(|line| without_comment(line).split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect()
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, '#') if before.is_whitespace() => return &line[..at],
            _ => {}
        }
        before = character;
    }
    line
}

/// The parts of a pipe or a list, each as words; variables before the program are left out.
fn parts(command: &str) -> Vec<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, '|' | ';' | '&') => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let words = |part: &String| {
        let is_variable = |word: &&str| {
            word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            })
        };
        part.split_whitespace().skip_while(is_variable).map(str::to_owned).collect::<Vec<_>>()
    };
    parts.iter().map(words).filter(|words| !words.is_empty()).collect()
}

/// The arguments of podferry, where a part is podferry.
fn of_podferry(words: &[String]) -> Option<&[String]> {
    match words {
        [program, rest @ ..] if program == "podferry" => Some(rest),
        [cargo, run, dashes, rest @ ..] if cargo == "cargo" && run == "run" && dashes == "--" => Some(rest),
        _ => None,
    }
}

/// How a command of README.md is treated.
#[derive(Debug, PartialEq, Eq)]
enum Treatment {
    Run,
    /// Against an account on loopback.
    RunInAccount,
    /// Only parsed, or not looked at where it is not podferry: with the reason.
    NotRun(&'static str),
    Unknown,
}

/// Programs of others that README.md may name, and why they are not run.
const OTHERS: [(&str, &str); 20] = [
    ("read", "asks for a secret"),
    ("aws", "calls AWS"),
    ("sam", "deploys"),
    ("scripts/deploy", "deploys: scripts/e2e does that"),
    ("scripts/build", "builds the function: .ci/run does that"),
    ("terraform", "deploys: .ci/run validates the module"),
    ("kubectl", "calls a cluster"),
    ("helm", "calls a cluster"),
    ("docker", "needs a daemon"),
    ("curl", "downloads"),
    ("brew", "installs"),
    ("pip", "installs"),
    ("pipx", "installs"),
    ("git", "downloads"),
    ("cd", "is where the test is already"),
    ("export", "sets what an account needs"),
    ("tar", "unpacks what was downloaded"),
    ("gh", "calls GitHub"),
    ("cosign", "verifies what was downloaded"),
    ("sha256sum", "verifies what was downloaded"),
];

/// Commands that change something in an account, which have tests of their own.
const CHANGING: [&str; 4] = ["subscribe", "unsubscribe", "backfill", "redrive"];
const READING: [&str; 4] = ["status", "doctor", "cost", "explain"];

fn why_not_run(arguments: &[String]) -> Treatment {
    let has = |flag: &str| arguments.iter().any(|one| one == flag || one.starts_with(&format!("{flag}=")));
    let name = arguments.first().map(String::as_str).unwrap_or_default();
    match name {
        _ if has("--ui") || has("--serve") => Treatment::NotRun("serves until Ctrl-C"),
        "intake" => Treatment::NotRun("serves until Ctrl-C: tests/integration/cli.rs ends it"),
        "init" => Treatment::NotRun("asks: tests/integration/project.rs answers"),
        name if CHANGING.contains(&name) => {
            Treatment::NotRun("changes an account: tests/integration has a module for it")
        }
        "explain" if has("--events") => Treatment::Run,
        name if READING.contains(&name) || has("--group") => Treatment::RunInAccount,
        _ => Treatment::Run,
    }
}

/// What becomes of a command as a whole: of its parts, the one that is least run decides.
fn treatment(command: &str) -> Treatment {
    let mut whole = Treatment::Run;
    for words in parts(command) {
        let is_of_kubectl =
            words.first().is_some_and(|word| word == "kubectl") && words.get(1).is_some_and(|word| word == "logs");
        let part = match (of_podferry(&words), words.first().map(String::as_str).unwrap_or_default()) {
            (Some(arguments), _) => why_not_run(arguments),
            // What a pod has written, or a filter behind podferry.
            (None, _) if is_of_kubectl => Treatment::Run,
            (None, "cat" | "head" | "jq" | "printf" | "echo") => Treatment::Run,
            (None, "cargo") => Treatment::NotRun("builds, tests or installs: this is the test"),
            (None, program) => {
                let known = OTHERS.iter().find(|(known, _)| *known == program);
                known.map_or(Treatment::Unknown, |(_, why)| Treatment::NotRun(why))
            }
        };
        whole = match (whole, part) {
            (Treatment::Unknown, _) | (_, Treatment::Unknown) => Treatment::Unknown,
            (Treatment::NotRun(why), _) | (_, Treatment::NotRun(why)) => Treatment::NotRun(why),
            (Treatment::RunInAccount, _) | (_, Treatment::RunInAccount) => Treatment::RunInAccount,
            _ => Treatment::Run,
        };
    }
    whole
}

/// A folder as somebody has it who cloned the repository and has a few files: what commands write lands in it, not in the repository.
fn workplace() -> Folder {
    let folder = Folder::new("documents");
    let root = Path::new(testkit::ROOT);
    for name in ["examples", "fluentbit", "docs", "terraform", "template.yaml"] {
        std::os::unix::fs::symlink(root.join(name), folder.path().join(name)).unwrap();
    }
    let copy = |from: &str, to: &str| _ = fs::copy(root.join(from), folder.path().join(to)).unwrap();
    copy("examples/event.json", "FILE");
    copy("examples/event.json", "event.json");
    copy("fluentbit/seed.yaml", "aws-logging.yaml");
    copy("fluentbit/standard.yaml", "aws-logging.new.yaml");
    folder.write(
        "DEPLOYMENT.yaml",
        "kind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      annotations:\n        ad.datadoghq.com/web.logs: \
         '[{\"source\":\"java\",\"log_processing_rules\":[{\"type\":\"exclude_at_match\",\"name\":\"health\",\"pattern\":\"GET /health\"}]}]'\n    \
         spec: {containers: [{name: web}]}\n",
    );
    folder.write("SAMPLE.log", "started\nGET /health 200\n");
    // The programs that README.md calls: Cargo runs podferry, and kubectl has the logs of a pod.
    let podferry = format!("exec '{PODFERRY}'");
    program(&folder, "podferry", &format!("{podferry} \"$@\""));
    program(&folder, "cargo", &format!("[ \"$1 $2\" = 'run --' ] && shift 2 && {podferry} \"$@\""));
    program(&folder, "kubectl", "echo '2026-11-27T09:15:02.114000001Z started'");
    folder
}

fn program(folder: &Folder, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    folder.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(folder.path().join("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a script in the folder, with no more than these variables.
fn bash(folder: &Folder, path: &str, script: &str, variables: &[(&str, String)]) -> Output {
    let mut command = Command::new("/bin/bash");
    command.args(["-o", "pipefail", "-c", script]).env_clear().env("PATH", path).env("HOME", folder.path());
    command.envs(variables.iter().map(|(name, value)| (*name, value))).current_dir(folder.path());
    command.stdin(Stdio::null()).output().unwrap()
}

/// An account that has what README.md names: a log group with a pod's logs, and a function.
fn account() -> Option<TestAccount> {
    const GROUP: &str = "/aws/eks/prod/fargate";
    let account = TestAccount::start()?;
    account.group(GROUP);
    let stream = format!("fargate/kube.var.log.containers.web-0_shop_web-{}.log", "a".repeat(64));
    let event =
        json!({ "timestamp": jiff::Timestamp::now().as_millisecond() - 60_000, "message": "{\"log\":\"started\"}" });
    put(&account, GROUP, &stream, &[event]);
    account.function("podferry", &json!({ "DD_API_KEY": "key" }));
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    super::status::metrics(&account, [1.0, 0.0, 0.0], &[]);
    Some(account)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether the lines are there in their order: `…` stands for anything, a line of it alone for any lines.
fn shows(printed: &str, shown: &str) -> bool {
    let mut printed = printed.lines();
    let wanted = shown.lines().map(str::trim_end).filter(|line| !line.is_empty() && *line != "…");
    wanted.into_iter().all(|line| printed.any(|candidate| fits(candidate.trim_end(), line)))
}

fn fits(line: &str, wanted: &str) -> bool {
    let mut pieces = wanted.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut is_open = false;
    for piece in pieces {
        is_open = piece.is_empty();
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    is_open || rest.is_empty()
}

#[test]
fn the_readmes_commands_do_what_it_shows() {
    let readme = fs::read_to_string(Path::new(testkit::ROOT).join("README.md")).unwrap();
    let folder = workplace();
    let path = format!("{}:/usr/bin:/bin", folder.file("bin"));
    let (mut account_of_test, mut run, mut wrong) = (None, 0, Vec::new());
    let mut last: Option<String> = None;
    for block in blocks(&readme) {
        if block.mark != "sh" {
            let is_output = block.mark == "text" && block.is_right_behind;
            if let Some(printed) = last.take().filter(|printed| is_output && !shows(printed, &block.text)) {
                let line = block.line;
                wrong.push(format!("README.md:{line} shows what its command does not print, which is:\n{printed}"));
            }
            continue;
        }
        for command in commands(&block.text) {
            let line = block.line;
            last = None;
            let variables = match treatment(&command) {
                Treatment::NotRun(_) => continue,
                Treatment::Unknown => {
                    wrong.push(format!(
                        "README.md:{line}: this test does not know how to run `{command}`. If it can be run from a clone, teach `treatment` \
                         its program, and `workplace` its files; if it cannot, add its program to OTHERS, with the reason"
                    ));
                    continue;
                }
                Treatment::Run => Vec::new(),
                Treatment::RunInAccount => match account_of_test.get_or_insert_with(account) {
                    Some(account) => account.variables(),
                    None => continue,
                },
            };
            let output = bash(&folder, &path, &command, &variables);
            let printed = said(&output);
            // 1: it was done, and something was found, as `lint` does.
            if !matches!(output.status.code(), Some(0 | 1)) {
                wrong.push(format!("README.md:{line}: `{command}` ends with {}:\n{printed}", output.status));
            }
            run += 1;
            last = Some(printed);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(run > 0, "README.md has no command that could be run");
}

/// What can be tried without an account is run; of what reads an account, `status`, which needs no cluster beside it.
#[test]
fn what_operating_tells_to_type_works() {
    let document = fs::read_to_string(Path::new(testkit::ROOT).join("docs/operating.md")).unwrap();
    let folder = workplace();
    let path = format!("{}:/usr/bin:/bin", folder.file("bin"));
    let preview = bash(&folder, &path, "podferry preview event.json --as-new --output json --quiet", &[]);
    folder.write("log.json", preview.stdout);
    let account = account();
    let mut run = Vec::new();
    for block in blocks(&document).into_iter().filter(|block| block.mark == "sh") {
        for command in commands(&block.text) {
            let variables = match (treatment(&command), &account) {
                (Treatment::Run, _) => Vec::new(),
                (Treatment::RunInAccount, Some(account)) if command.starts_with("podferry status") => {
                    account.variables()
                }
                _ => continue,
            };
            let output = bash(&folder, &path, &command, &variables);
            let (line, printed) = (block.line, said(&output));
            let is_done = matches!(output.status.code(), Some(0 | 1));
            assert!(is_done, "docs/operating.md:{line}: `{command}` ends with {}:\n{printed}", output.status);
            run.push(command);
        }
    }
    assert!(run.iter().any(|command| command.starts_with("podferry explain log.json --events")), "{run:?}");
    assert!(run.iter().any(|command| command.starts_with("podferry logs decode")), "{run:?}");
}

/// The documents of the repository, and README.md.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(testkit::ROOT);
    let in_folder = |folder: PathBuf| {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>()
    };
    let folders = ["", "docs", "docs/decisions", "examples", "terraform"].map(|folder| root.join(folder));
    folders.into_iter().flat_map(in_folder).filter(|path| !path.ends_with("CHANGELOG.md")).collect()
}

/// Stand for what the reader fills in, in numbers and choices, which are parsed.
const PLACEHOLDERS: [(&str, &str); 1] = [("NUMBER", "1")];

#[test]
fn every_command_in_the_documents_can_be_parsed() {
    let folder = Folder::new("documents-parsed");
    // With `--help` behind its arguments a command parses them, prints what it is for, and does nothing.
    let script = format!(
        "'{PODFERRY}' \"$@\" --help > /dev/null 2> '{0}/said' || {{ echo \"podferry $*\" >> '{0}/failed'; /bin/cat '{0}/said' >> '{0}/failed'; }}",
        folder.path().display()
    );
    program(&folder, "podferry", &script);
    program(&folder, "cargo", &format!("[ \"$1 $2\" = 'run --' ] || exit 0; shift 2; {script}"));
    // Nothing but these two is there: all other programs do nothing.
    let none = "command_not_found_handle() { :; }\n";
    let mut wrong = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in blocks(&text).into_iter().filter(|block| block.mark == "sh" || block.mark == "bash") {
            if !block.text.contains("podferry ") && !block.text.contains("cargo run") {
                continue;
            }
            let script = PLACEHOLDERS.iter().fold(block.text.clone(), |text, (from, to)| text.replace(from, to));
            let _ = fs::remove_file(folder.file("failed"));
            bash(&folder, &folder.file("bin"), &format!("{none}{script}"), &[]);
            if let Ok(failed) = fs::read_to_string(folder.file("failed")) {
                wrong.push(format!("{}:{}: {failed}", document.display(), block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "commands that podferry refuses:\n{}", wrong.join("\n"));
}

#[test]
fn a_command_is_told_by_its_parts() {
    let of = |command: &str| treatment(command);
    assert_eq!(of("cargo run -- demo"), Treatment::Run);
    assert_eq!(of("kubectl logs POD --timestamps | podferry simulate a.yaml -"), Treatment::Run);
    assert_eq!(of("podferry preview --group /g --since 10m"), Treatment::RunInAccount);
    assert!(matches!(of("DD_URL=http://x podferry intake"), Treatment::NotRun(_)));
    assert!(matches!(of("podferry generate all | kubectl apply -f -"), Treatment::NotRun(_)));
    assert_eq!(of("frobnicate | podferry preview -"), Treatment::Unknown);
    assert_eq!(commands("a \\\n  b  # c\n\n# d\ne '# f'\n"), ["a b", "e '# f'"]);
    let shown = blocks("```sh\na\n```\n\n```text\nb\n```\nc\n```text\nd\n```\n");
    assert_eq!(shown.iter().map(|block| block.is_right_behind).collect::<Vec<_>>(), [false, true, false]);
    assert!(shows("a 12 b\nx\nc\n", "a … b\n…\nc\n") && !shows("a\n", "b\n") && !shows("c\na\n", "a\nc\n"));
    assert!(fits("abc", "a…") && fits("abc", "…c") && !fits("abc", "a…d") && !fits("abcd", "a…c"));
}
