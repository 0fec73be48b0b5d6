//! Each command of podferry in the advice of a finding is one that podferry takes, and each command acts on the account and region that
//! were looked at. (`tests/integration/advice.rs` runs some.)

use clap::Parser;
use serde_json::{Value, json};

use super::super::Arguments;
use crate::aws::function::{Deployed, Function};
use crate::aws::groups::{LogGroupClass, SubscriptionFilter};
use crate::aws::health::advice::{Advice, GivenFlags};
use crate::aws::health::agent_secrets;
use crate::aws::health::cluster::{self, ClusterUnknown};
use crate::aws::health::examples::{
    FUNCTION, account_policy, call_error, function, good, log_group, queue, subscription,
};
use crate::aws::health::facts::{HealthFacts, LastHour};
use crate::aws::health::finding::{HealthFinding, HealthSeverity};
use crate::aws::health::fluent_bit_log::{self, Complaints, FluentBitLog};
use crate::aws::health::judge::judge;
use crate::aws::health::key::{self, KeyValidation};
use crate::aws::health::kubelet_rights::{self, KubeletRights};
use crate::aws::health::pod_list::{self, FARGATE_LABEL};
use crate::aws::health::{sidecars, test_event};
use crate::aws::queues::QueueRole;
use crate::aws::subscribe::permission::FunctionPolicy;
use forwarder::settings::ApiKeySource;
use manifests::lint::project::ExpectedTarget;

/// Whether the whole advice is one command.
fn is_command(fix: &str) -> bool {
    ["podferry ", "aws ", "kubectl "].iter().any(|program| fix.starts_with(program))
}

/// Commands are a whole advice, or stand in backticks in a sentence.
fn commands(fix: &str) -> Vec<&str> {
    if is_command(fix) {
        vec![fix]
    } else {
        fix.split('`').skip(1).step_by(2).filter(|part| is_command(part)).collect()
    }
}

/// Everything was given.
fn advice() -> Advice {
    let some = |text: &str| Some(text.to_owned());
    let given = GivenFlags {
        region: some("eu-west-1"),
        profile: some("my prod"),
        endpoint_url: some("http://127.0.0.1:1"),
        config: some("other.yaml"),
    };
    Advice::new("eu-west-1", &given)
}

/// Whether a command acts on what was looked at.
fn acts_there(command: &str) -> bool {
    // The cluster is that of kubectl; `generate` calls nobody.
    let is_of_account = !command.starts_with("kubectl ") && !command.starts_with("podferry generate ");
    let flags = " --region eu-west-1 --profile 'my prod' --endpoint-url http://127.0.0.1:1";
    let end = if command.starts_with("podferry ") { " --config other.yaml" } else { "" };
    !is_of_account || command.contains(&format!("{flags}{end}"))
}

/// The words of a command, as a shell takes it apart.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        let word = words.last_mut().unwrap();
        match character {
            '\'' => is_quoted = !is_quoted,
            _ if is_quoted => word.push(character),
            '\\' => word.extend(characters.next()),
            ' ' => words.push(String::new()),
            other => word.push(other),
        }
    }
    words
}

/// How many commands of podferry the advice of the findings has.
fn taken(found: &[HealthFinding]) -> usize {
    let mut number = 0;
    for fix in found.iter().filter_map(|one| one.fix.as_deref()) {
        for command in commands(fix) {
            assert!(acts_there(command), "{command}");
            if !command.starts_with("podferry ") {
                continue;
            }
            let command = command.split(" | ").next().unwrap();
            if let Err(error) = Arguments::try_parse_from(words(command)) {
                panic!("{command}: {error}");
            }
            number += 1;
        }
        // Outside of backticks no command stands in the middle of a sentence.
        let sentence = if is_command(fix) { "" } else { fix };
        let outside: String = sentence.split('`').step_by(2).collect();
        assert!(!["podferry ", "aws logs ", "aws lambda "].iter().any(|it| outside.contains(it)), "{fix}");
    }
    number
}

fn after(change: impl Fn(&mut HealthFacts)) -> Vec<HealthFinding> {
    let mut facts = good();
    change(&mut facts);
    judge(&facts, &advice())
}

fn filters(facts: &mut HealthFacts) -> &mut Vec<SubscriptionFilter> {
    facts.log_groups.groups[0].filters.as_mut().unwrap()
}

fn elsewhere(name: &str) -> SubscriptionFilter {
    SubscriptionFilter { destination: "arn:aws:kinesis:eu-west-1:1:stream/x".into(), ..subscription(name, "") }
}

#[test]
fn the_advice_of_every_case_is_taken() {
    type Change<'a> = &'a dyn Fn(&mut HealthFacts);
    let cases: [(Change, usize); 20] = [
        (&|_| {}, 0),
        // Log groups.
        (&|facts| filters(facts).clear(), 1),
        (&|facts| *filters(facts) = vec![elsewhere("podferry")], 1),
        (&|facts| *filters(facts) = vec![elsewhere("a"), elsewhere("b")], 1),
        (&|facts| filters(facts).push(subscription("b", "")), 0),
        (&|facts| facts.log_groups.groups.push(log_group("/own")), 1),
        (&|facts| facts.log_groups.account_policy = account_policy(&["/a"]), 1),
        (&|facts| facts.log_groups.account_policy = account_policy(&["/own"]), 1),
        (&|facts| facts.log_groups.permission = Ok(FunctionPolicy::default()), 1),
        (&|facts| facts.log_groups.missing.push("/b".into()), 0),
        (&|facts| facts.log_groups.groups.clear(), 1),
        (
            &|facts| {
                facts.log_groups.groups.clear();
                facts.log_groups.unsubscribed.push("/aws/eks/x".into());
            },
            1,
        ),
        (
            &|facts| {
                filters(facts).clear();
                facts.log_groups.groups[0].group.class = LogGroupClass::Delivery;
                facts.log_groups.groups[0].group.retention_days = None;
                facts.log_groups.groups[0].newest = Ok(None);
            },
            0,
        ),
        (&|facts| facts.log_groups.groups[0].filters = Err(call_error()), 0),
        // Queues.
        (&|facts| facts.queues.queues[1] = queue(QueueRole::DeadLetter, 1, 0), 1),
        (&|facts| facts.queues.queues[1] = queue(QueueRole::FailedEvents, 1, 0), 1),
        (&|facts| facts.queues.mappings = Ok(vec![]), 0),
        (&|facts| facts.queues.queues.clear(), 0),
        // The last hour, and the function.
        (
            &|facts| {
                facts.activity.last_hour = Ok(LastHour { invocations: 1, errors: 1, throttles: 1 });
                facts.function = Function { timeout_seconds: 3, ..function(&[]) };
                facts.function.deployed = Deployed { runtime: Some("python3.13".into()), ..Deployed::default() };
            },
            0,
        ),
        (
            &|facts| {
                facts.activity.last_hour = Ok(LastHour::default());
                let newest = facts.log_groups.groups[0].newest.as_mut().unwrap().as_mut().unwrap();
                newest.ingestion = Some(facts.activity.now_ms - 20 * 60 * 1000);
            },
            1,
        ),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let found = after(change);
        assert_eq!(taken(&found), expected, "case {number}: {found:#?}");
        // An alias has to come through.
        let found = after(|facts| {
            change(facts);
            facts.function.qualifier = Some("live".to_owned());
            let filters = facts.log_groups.groups.iter_mut().filter_map(|fact| fact.filters.as_mut().ok()).flatten();
            filters.filter(|one| one.destination == FUNCTION).for_each(|one| one.destination.push_str(":live"));
        });
        assert_eq!(taken(&found), expected, "case {number}: {found:#?}");
    }
}

#[test]
fn the_advice_of_what_only_the_doctor_sees_is_taken() {
    let missing = ClusterUnknown::NotFound;
    let mut found = vec![cluster::namespace(Err(&missing)), cluster::namespace(Ok(&json!({})))];
    found.extend(cluster::config_map(Err(&missing), &ExpectedTarget::default()));
    found.extend(key::in_plain_text(&ApiKeySource::Plain("k".into())));
    let validations = [KeyValidation::Answered(403), KeyValidation::Answered(500), KeyValidation::Unreachable];
    found.extend(
        validations.into_iter().chain([KeyValidation::NoSite]).map(|one| key::validated("host", one, &advice())),
    );
    for (failed, answer) in [
        (true, json!({ "errorType": "ApiKeyUnavailable" })),
        (false, json!({ "events": 1, "queued": 1 })),
        (false, json!({ "events": 1, "excluded": 1 })),
        (false, json!({ "events": 1 })),
        (false, Value::Null),
    ] {
        found.push(test_event::judge(failed, &answer, "mark", &function(&[]), &advice()));
    }
    assert!(found.iter().all(|one| one.severity != HealthSeverity::Ok && one.fix.is_some()), "{found:#?}");
    assert_eq!(taken(&found), 3, "twice `generate logging`, and `doctor`");
}

#[test]
fn the_advice_about_agents_and_fluent_bit_is_taken() {
    let agent = json!({
        "metadata": { "name": "a", "namespace": "shop", "labels": { FARGATE_LABEL: "fp" } },
        "spec": { "containers": [{ "name": "datadog-agent", "env": [
            { "name": "DD_API_KEY", "valueFrom": { "secretKeyRef": { "name": "datadog-secret", "key": "api-key" } } },
        ] }] },
        "status": { "containerStatuses": [
            { "name": "datadog-agent", "state": { "waiting": { "reason": "CrashLoopBackOff" } } },
        ] },
    });
    let pods = pod_list::read(&json!({ "items": [agent] }).to_string()).unwrap();
    let mut found = sidecars::judge(&pods);
    let secrets: Vec<_> =
        agent_secrets::needed(&pods).into_iter().map(|one| (one, Err(ClusterUnknown::NotFound))).collect();
    found.extend(agent_secrets::judge(&secrets, 0));
    let none = KubeletRights { metrics: false, stats: false, proxy: false, pods: false };
    let accounts: Vec<_> = kubelet_rights::accounts(&pods).into_iter().map(|one| (one, Ok(none))).collect();
    found.extend(kubelet_rights::judge(&accounts, None, 0));
    assert_eq!(taken(&found), 2, "`generate secret` and `generate rbac`: {found:#?}");
    let mut complaints = Complaints::default();
    for message in ["[error] AccessDenied", "[error] no kind", "[ warn] failed to flush chunk"] {
        complaints.add(0, "s", message);
    }
    let log = FluentBitLog { group: "a b".into(), stream: Some("$x".into()), complaints: Ok(complaints) };
    let mut found = fluent_bit_log::judge(&[log], None, Vec::new(), &advice());
    assert!(
        found.iter().any(|one| one.fix.as_ref().is_some_and(|fix| fix.contains("tail 'a b' --log-stream-names '$x'")))
    );
    found.push(fluent_bit_log::not_written());
    assert!(found.iter().all(|one| one.fix.is_some()), "{found:#?}");
    assert_eq!(taken(&found), 2, "twice `generate iam`: {found:#?}");
}
