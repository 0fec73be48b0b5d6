//! `podferry.yaml` in the folder of a command that calls AWS.

use super::{Folder, InAccount};
use serde_json::json;
use testkit::moto::TestAccount;

/// Writes the file.
fn write(folder: &Folder, text: &str) {
    folder.write("podferry.yaml", text);
}

/// What the command says in this folder, and its exit code.
fn run(folder: &Folder, account: &TestAccount, arguments: &[&str]) -> (Option<i32>, String) {
    let output = account.podferry_command(arguments).current_dir(folder.path()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// A group for each name, and two functions, of which one has to be chosen.
fn account(groups: &[&str]) -> Option<TestAccount> {
    let account = TestAccount::start()?;
    account.function("podferry-a", &json!({ "DD_API_KEY": "0123456789abcdef0123456789abcdef" }));
    account.function("podferry-b", &json!({}));
    groups.iter().for_each(|group| account.group(group));
    account.stand_in("logs:DescribeAccountPolicies", |_| (200, json!({ "accountPolicies": [] })));
    Some(account)
}

#[test]
fn groups_and_function_are_taken_from_it_and_flags_win() {
    let Some(account) = account(&["/eks/a", "/eks/b", "/eks/c"]) else { return };
    let folder = Folder::new("project-groups");
    write(
        &folder,
        &format!("account: '{}'\nregion: eu-west-1\nfunction: podferry-a\nlog_groups: [/eks/a, /eks/b]\n", account.id),
    );
    let (code, text) = run(&folder, &account, &["subscribe", "--dry-run"]);
    assert!(code == Some(0) && text.contains("/eks/a") && text.contains("/eks/b"), "{text}");
    assert!(text.contains("function:podferry-a") && !text.contains("/eks/c"), "{text}");
    let (code, text) = run(&folder, &account, &["subscribe", "/eks/c", "--function", "podferry-b", "--dry-run"]);
    assert!(code == Some(0) && text.contains("/eks/c") && !text.contains("/eks/a"), "{text}");
    assert!(text.contains("function:podferry-b"), "{text}");
    let (code, text) = run(&folder, &account, &["subscribe", "--prefix", "/eks/c", "--dry-run"]);
    assert!(code == Some(0) && text.contains("/eks/c") && !text.contains("/eks/a"), "{text}");
    assert_eq!(run(&folder, &account, &["subscribe", "--yes", "--quiet"]).0, Some(0));
    let (_, text) = run(&folder, &account, &["status"]);
    assert!(text.contains("/eks/a") && text.contains("/eks/b") && !text.contains("/eks/c"), "{text}");
    let (_, text) = run(&folder, &account, &["status", "--pattern", "*"]);
    assert!(text.contains("/eks/c"), "{text}");
    let (code, text) = run(&folder, &account, &["unsubscribe", "--dry-run"]);
    assert!(code == Some(0) && text.contains("3 to delete"), "{text}");
    let (_, text) = run(&folder, &account, &["doctor", "--no-kubectl"]);
    assert!(text.contains("/eks/a") && text.contains("podferry-a"), "{text}");
    let (code, text) = run(&folder, &account, &["redrive"]);
    assert!(code == Some(2) && text.contains("function podferry-a has no queue"), "{text}");
    let (code, text) = run(&folder, &account, &["backfill", "--from", "1h", "--dry-run"]);
    assert!(code == Some(0) && text.contains("2 log groups"), "{text}");
}

#[test]
fn the_clusters_log_group_is_enough() {
    let Some(account) = account(&["/eks/a", "/eks/b"]) else { return };
    let folder = Folder::new("project-group");
    write(&folder, "log_group: /eks/a\nfunction: podferry-a\n");
    let (code, text) = run(&folder, &account, &["subscribe", "--dry-run"]);
    assert!(code == Some(0) && text.contains("/eks/a") && !text.contains("/eks/b"), "{text}");
    std::fs::rename(folder.path().join("podferry.yaml"), folder.path().join("other.yaml")).unwrap();
    let (code, text) = run(&folder, &account, &["subscribe", "--dry-run", "--config", "other.yaml"]);
    assert!(code == Some(0) && text.contains("/eks/a"), "{text}");
    let (code, text) = run(&folder, &account, &["subscribe", "--dry-run"]);
    assert!(code == Some(2) && text.contains("choose log groups"), "{text}");
    let (code, text) = run(&folder, &account, &["backfill", "--from", "1h"]);
    assert!(code == Some(2) && text.contains("which log groups?"), "{text}");
}

#[test]
fn another_account_is_refused() {
    let Some(account) = account(&["/eks/a"]) else { return };
    let folder = Folder::new("project-account");
    write(&folder, "account: '999999999999'\nlog_groups: [/eks/a]\nfunction: podferry-a\n");
    for arguments in [
        &["status"][..],
        &["doctor", "--no-kubectl"],
        &["subscribe", "--yes"],
        &["unsubscribe", "--yes"],
        &["backfill", "--from", "1h", "--yes"],
        &["redrive"],
    ] {
        let (code, text) = run(&folder, &account, arguments);
        let expected =
            format!("the AWS credentials are for account {}, but podferry.yaml says account 999999999999", account.id);
        assert!(code == Some(2) && text.contains(&expected), "{arguments:?}: {text}");
    }
    assert_eq!(account.count("logs:PutSubscriptionFilter"), 0);
}

#[test]
fn a_wrong_file_is_refused_with_its_line() {
    let Some(account) = account(&[]) else { return };
    let folder = Folder::new("project-wrong");
    for (text, expected) in [
        ("region: eu-west-1\nregoin: x\n", "podferry.yaml:2: "),
        ("# mine\nregion: Europe\n", "podferry.yaml:2: region: must be an AWS region"),
        ("cluster: prod\naccount: '12'\nlog_groups: ['a b']\n", "podferry.yaml:3: log_groups: must be names or ARNs"),
    ] {
        write(&folder, text);
        for arguments in [&["status"][..], &["subscribe", "/a"], &["generate", "logging"], &["lint"]] {
            let (code, text) = run(&folder, &account, arguments);
            assert!(code == Some(2) && text.contains(expected), "{arguments:?}: {text}");
        }
    }
    // A key that had another name.
    write(&folder, "cluster: prod\nregion: eu-west-1\nprofile: lean\n");
    let (code, text) = run(&folder, &account, &["generate", "logging"]);
    assert!(code == Some(0) && text.contains("preset lean"), "{text}");
}

#[test]
fn init_writes_what_is_read() {
    let Some(account) = account(&["/eks/a"]) else { return };
    let folder = Folder::new("project-init");
    let given = ["init", "/eks/a", "--cluster", "prod", "--region", "eu-west-1", "--function", "podferry-a"];
    let (code, text) = run(&folder, &account, &given);
    assert!(code == Some(0) && text.starts_with("podferry.yaml\nNext: "), "{text}");
    let written = folder.read("podferry.yaml");
    assert!(written.contains("function: podferry-a") && written.contains("log_groups:"), "{written}");
    let (code, text) = run(&folder, &account, &["subscribe", "--dry-run"]);
    assert!(code == Some(0) && text.contains("/eks/a"), "{text}");
    let (code, text) = run(&folder, &account, &given);
    assert!(code == Some(2) && text.contains("already exists"), "{text}");
}
