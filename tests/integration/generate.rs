//! Every kind of manifest that `podferry generate` writes, by every option: the files in `tests/fixtures/generate` are what it has
//! to write.
//!
//! After an intended change: `cargo test -p podferry --test integration generate -- --ignored` writes them again, and the diff is for you to read.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{Folder, PODFERRY};

/// The fixture's name without its extension, and the arguments; `CLUSTER` stands for the options of the cluster.
const CASES: [(&str, &str); 62] = [
    ("logging", "logging CLUSTER --region eu-west-1"),
    (
        "logging-drops",
        "logging CLUSTER --region eu-west-1 --drop-namespace dev --drop-namespace kube-system --drop-container istio-proxy \
         --drop-container a.b --drop-pattern GET./health --log-group /pods --retention-days 30",
    ),
    (
        "logging-outputs",
        "logging CLUSTER --region eu-west-1 --process-logs --firehose logs --opensearch search.example.com",
    ),
    (
        "logging-lean-drops",
        "logging CLUSTER --region eu-west-1 --preset lean --drop-namespace dev --drop-pattern DEBUG",
    ),
    ("logging-compact", "logging CLUSTER --region eu-west-1 --preset compact"),
    (
        "logging-compact-all",
        "logging CLUSTER --region eu-west-1 --preset compact --metadata-interval 60 --process-logs --retention-days 30 --log-group /pods \
         --drop-namespace dev --drop-container istio-proxy --drop-pattern DEBUG --firehose logs --opensearch search.example.com",
    ),
    ("logging-seed", "logging CLUSTER --region eu-west-1 --preset seed"),
    ("iam-cloudformation", "iam AWS --as cloudformation"),
    (
        "iam-cloudformation-outputs",
        "iam AWS --as cloudformation --role pods --process-logs --firehose logs --opensearch-domain search",
    ),
    ("subscription", "subscription CLUSTER"),
    (
        "subscription-many",
        "subscription /a /b /c --filter-pattern ERROR \
         --forwarder-arn arn:aws:lambda:eu-west-1:111122223333:function:podferry",
    ),
    ("subscription-centralised", "subscription /central/eks --emit-system-fields"),
    ("iam-china", "iam --cluster prod --region cn-north-1 --account 111122223333 --as cloudformation"),
    ("rbac", "rbac --namespace shop"),
    ("rbac-service-account", "rbac --namespace shop --namespace batch --service-account datadog-agent"),
    ("rbac-subjects", "rbac --namespace shop --service-account web --subject batch/report --subject ops/default"),
    ("rbac-without-service-accounts", "rbac --namespace shop --service-account web --without-service-accounts"),
    ("secret", "secret --namespace shop --namespace batch KEYS"),
    ("secret-datadog-namespace", "secret --namespace shop --datadog-namespace monitoring KEYS"),
    ("secret-external", "secret --namespace shop --external-secret aws"),
    (
        "secret-external-store",
        "secret --namespace shop --external-secret local --store-kind secret-store --remote-key prod/datadog",
    ),
    ("sidecar", "sidecar CLUSTER"),
    ("sidecar-cluster-agent", "sidecar CLUSTER --cluster-agent --service-account web --site datadoghq.eu"),
    ("sidecar-cluster-agent-elsewhere", "sidecar CLUSTER --cluster-agent=dca.monitoring"),
    ("sidecar-dogstatsd", "sidecar CLUSTER --dogstatsd"),
    ("sidecar-apm", "sidecar CLUSTER --apm"),
    ("sidecar-sockets", "sidecar CLUSTER --sockets --container web --container worker"),
    ("sidecar-processes", "sidecar CLUSTER --processes"),
    ("sidecar-native-logs", "sidecar CLUSTER --native-logs"),
    ("sidecar-native-logs-annotated", "sidecar CLUSTER --native-logs=annotated"),
    ("sidecar-job", "sidecar CLUSTER --job"),
    ("sidecar-tags", "sidecar CLUSTER --tags team:shop --tags env:prod"),
    (
        "sidecar-image",
        "sidecar CLUSTER --image public.ecr.aws/datadog/agent --image-tag 7.78.1 --cpu 250m --memory 512Mi",
    ),
    ("helm-values", "helm-values CLUSTER"),
    ("helm-values-datadog-namespace", "helm-values CLUSTER --datadog-namespace monitoring"),
    ("helm-values-mixed", "helm-values CLUSTER --mixed --site datadoghq.eu"),
    (
        "helm-values-selector",
        "helm-values CLUSTER --selector app=redis --selector tier=cache --namespace-selector team=shop",
    ),
    ("helm-values-namespace-selector", "helm-values CLUSTER --namespace-selector team=shop"),
    (
        "helm-values-profile",
        "helm-values CLUSTER --processes --env DD_ENV=prod --env DD_APM_ENABLED=false --memory 512Mi",
    ),
    ("helm-values-run-as-agent", "helm-values CLUSTER --run-as-agent"),
    ("helm-values-read-only", "helm-values CLUSTER --read-only-root-filesystem --run-as-agent"),
    ("helm-values-cluster-agent-ca", "helm-values CLUSTER --cluster-agent-ca datadog-ca --image-tag 7.78.1"),
    ("helm-values-apm-libraries", "helm-values CLUSTER --apm-libraries --namespace-selector team=shop"),
    ("helm-values-otel-collector", "helm-values CLUSTER --image-tag 7.78.1-full --env DD_OTELCOLLECTOR_ENABLED=true"),
    ("helm-values-references", "helm-values CLUSTER --env DD_TAGS=pod:$(DD_POD_NAME)"),
    ("helm-values-native-logs", "helm-values CLUSTER --native-logs --image-tag 7.78.1"),
    ("helm-values-native-logs-annotated", "helm-values CLUSTER --native-logs=annotated --image-tag 7.78.1"),
    ("helm-values-checks", "helm-values CLUSTER --cluster-agent-replicas 2 --cluster-checks-runner=3"),
    ("helm-values-less", "helm-values CLUSTER --kube-state-metrics false --events false"),
    ("operator", "operator CLUSTER"),
    ("operator-datadog-namespace", "operator CLUSTER --datadog-namespace monitoring"),
    ("operator-mixed", "operator CLUSTER --mixed --cluster-agent-replicas 2 --cluster-checks-runner"),
    (
        "operator-verified",
        "operator CLUSTER --cluster-agent-ca datadog-ca --read-only-root-filesystem --apm-libraries=python=v3,java=v1",
    ),
    (
        "operator-profile",
        "operator CLUSTER --selector app=redis --processes --env DD_APM_ENABLED=false --cpu 300m --run-as-agent",
    ),
    (
        "operator-native-logs",
        "operator CLUSTER --native-logs --image-tag 7.78.1 --kube-state-metrics false --events false",
    ),
    ("annotations", r#"annotations --container redis --check redisdb --instance {"host":"%%host%%","port":"6379"}"#),
    (
        "annotations-init-config",
        r#"annotations --container web --check http_check --init-config {"ca":"x"} --instance {"name":"a"} --instance {"name":"b"}"#,
    ),
    ("annotations-file", "annotations --container redis --check redisdb --file INPUT/redisdb.yaml"),
    ("annotations-from-v1", "annotations --from-v1 INPUT/v1.yaml"),
    ("fargate-profile", "fargate-profile CLUSTER --region eu-west-1 --namespace shop"),
    (
        "fargate-profile-many",
        "fargate-profile CLUSTER --region eu-west-1 --fargate-only --namespace a --namespace b --namespace c --namespace d",
    ),
    (
        "fargate-profile-role",
        "fargate-profile CLUSTER --region eu-west-1 --namespace shop --name shop --label tier=web \
         --pod-execution-role arn:aws:iam::123456789012:role/pods",
    ),
];

/// What is no YAML: the file, and the arguments.
const TEXTS: [(&str, &str); 5] = [
    ("iam.json", "iam AWS"),
    ("iam.sh", "iam AWS --as commands"),
    ("iam-role.sh", "iam AWS --as commands --role pods"),
    ("monitor.txt", "monitor CLUSTER"),
    ("monitor-notify.txt", "monitor CLUSTER --notify @slack-ops --function podferry-Forwarder-1"),
];

/// The whole set, in a folder of its own.
const ALL: &str = "all AWS --namespace shop --namespace batch KEYS";

fn folder() -> PathBuf {
    Path::new(testkit::ROOT).join("tests/fixtures/generate")
}

/// Runs it in a folder without a podferry.yaml.
fn podferry(arguments: &str) -> Output {
    let arguments = arguments
        .replace("CLUSTER", "--cluster prod")
        .replace("AWS", "--cluster prod --region eu-west-1 --account 111122223333")
        .replace("KEYS", "--api-key-file INPUT/api-key.txt --token-file INPUT/token.txt")
        .replace("INPUT", &folder().join("input").display().to_string());
    let mut command = Command::new(PODFERRY);
    command.arg("generate").args(arguments.split_whitespace()).env_clear().current_dir(folder());
    command.output().unwrap()
}

fn generated(arguments: &str) -> String {
    let output = podferry(arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &str) -> String {
    let output = podferry(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_kind_and_option_is_as_it_was() {
    for (name, arguments) in CASES {
        let expected = std::fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        assert_eq!(generated(arguments), expected, "{name}: podferry generate {arguments}");
    }
    for (name, arguments) in TEXTS {
        let expected = std::fs::read_to_string(folder().join(name)).unwrap();
        assert_eq!(generated(arguments), expected, "{name}: podferry generate {arguments}");
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect();
    files.sort();
    files
}

#[test]
fn the_whole_set_is_as_it_was() {
    let out = Folder::new("generate-all");
    generated(&format!("{ALL} --out {}", out.path().display()));
    assert_eq!(files(out.path()), files(&folder().join("all")));
    // Nothing is written over, and nothing is written to standard output.
    assert!(refused(&format!("{ALL} --out {}", out.path().display())).contains("--force"));
    assert!(refused(ALL).contains("--out"));
    // Without a key the README says how to make the secret; with the Operator there is its resource.
    let out = Folder::new("generate-all-operator");
    generated(&format!("all AWS --namespace shop --operator --out {}", out.path().display()));
    let names: Vec<String> = files(out.path()).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"operator.yaml".to_owned()) && !names.contains(&"secret.yaml".to_owned()), "{names:?}");
    assert!(out.read("README.md").contains("podferry generate secret --namespace shop"));
}

/// `all` is `logs --agent`; without an Agent nothing of it is there.
#[test]
fn logs_without_an_agent_have_what_logging_needs_and_no_more() {
    let of = |kind: &str, flags: &str| {
        let out = Folder::new("generate-logs");
        generated(&format!("{kind} AWS --namespace shop {flags} --out {}", out.path().display()));
        files(out.path())
    };
    assert_eq!(of("logs", "--agent"), of("all", ""));
    let logs = of("logs", "");
    let names: Vec<&str> = logs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "README.md",
            "dashboard.json",
            "fargate-profile.yaml",
            "iam.yaml",
            "logging.yaml",
            "monitor-dead-letters.json",
            "monitor-logs-stopped.json",
            "subscription.yaml",
        ]
    );
    for word in ["helm", "sidecar", "rbac", "Cluster Agent", "monitor.json", "datadog-secret"] {
        assert!(!logs[0].1.contains(word), "{word}: {}", logs[0].1);
    }
    for flag in ["--operator", "--mixed", "--datadog-namespace x", "--external-secret x", "KEYS"] {
        let said = refused(&format!("logs AWS --namespace shop {flag} --out nowhere"));
        assert!(said.contains("--agent"), "{flag}: {said}");
    }
}

/// The blocks marked `sh`, in their order.
fn blocks(readme: &str) -> Vec<&str> {
    readme.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// The README's commands, in every form of the set.
fn runbooks() -> Vec<String> {
    let flags = ["logs", "logs --role pods", "logs --preset compact", "all", "all --operator", "all KEYS"];
    let read = |flags: &str| {
        let out = Folder::new("generate-runbook");
        generated(&format!("{flags} AWS --namespace shop --namespace batch --out {}", out.path().display()));
        out.read("README.md")
    };
    flags.into_iter().map(read).collect()
}

#[test]
fn the_runbook_makes_each_thing_before_what_needs_it() {
    for readme in runbooks() {
        let order = [
            "aws logs create-log-group",
            "put-retention-policy",
            "secretsmanager create-secret",
            "scripts/deploy",
            "podferry subscribe",
            "eksctl create",
            "--template-file iam.yaml",
            "kubectl apply -f logging.yaml",
            "rollout restart",
            "/api/v1/monitor",
            "--canary",
        ];
        let places: Vec<usize> = order.iter().map(|command| readme.find(command).expect(command)).collect();
        assert!(places.is_sorted(), "{places:?}: {readme}");
        // Each step has its commands and what shows that they worked; before the first stand the variables.
        let (steps, checks) = (readme.matches("\n## ").count() - 1, readme.matches("\nIt worked if ").count());
        assert_eq!((checks, blocks(&readme).len()), (steps, 2 * steps + 1), "{readme}");
    }
}

/// A shell takes the commands, `podferry` knows its own, and each variable is set before it is used.
#[test]
fn the_commands_of_the_runbook_are_such() {
    for readme in runbooks() {
        let script = blocks(&readme).join("\n");
        let output = super::with_input(Command::new("bash").arg("-n"), script.as_bytes());
        assert!(output.status.success(), "{}: {script}", String::from_utf8_lossy(&output.stderr));
        let lines = script.replace("\\\n", " ");
        let mut seen = 0;
        for line in lines.lines().filter(|line| line.contains("podferry ")) {
            let from = line.find("podferry ").unwrap();
            let command = line[from..].split(['|', ';']).next().unwrap();
            let arguments = command.split_whitespace().skip(1).map(|word| word.trim_matches('"'));
            let output = Command::new(PODFERRY).args(arguments).arg("--help").env_clear().output().unwrap();
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            seen += 1;
        }
        assert!(seen >= 4, "{script}");
        for name in
            ["log_group", "secret_name", "secret_arn", "stack", "podferry_folder", "datadog_api", "function", "key"]
        {
            let used = script.find(&format!("\"${name}")).unwrap_or_else(|| panic!("{name}"));
            let set = [format!("{name}="), format!("read -rs {name} ")].iter().filter_map(|it| script.find(it)).min();
            assert!(set.is_some_and(|set| set < used), "{name}: {script}");
        }
        // Interactive zsh knows no comments.
        assert!(!script.lines().any(|line| line.trim_start().starts_with('#') || line.contains(" #")), "{script}");
    }
}

/// A key gets into a file only where a flag asks for that, and no command of the README has one as an argument.
#[test]
fn no_key_is_written_that_nobody_asked_for() {
    let out = Folder::new("generate-logs-key");
    let arguments = "generate all --cluster prod --region eu-west-1 --account 111122223333 --namespace shop --out";
    let mut command = Command::new(PODFERRY);
    command.args(arguments.split(' ')).arg(out.path()).env_clear().current_dir(folder());
    let output = command.env("DD_API_KEY", "0123456789abcdef0123456789abcdef").output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("there is no secret.yaml"));
    for (name, text) in files(out.path()) {
        assert!(name != "secret.yaml" && !text.contains("0123456789abcdef"), "{name}");
    }
    for readme in runbooks() {
        assert!(!readme.contains("DD_API_KEY=") && !readme.contains("-H \"DD-"), "{readme}");
        let waits = readme.matches("read -rs ").count();
        assert!(waits >= 3, "{readme}");
        // What was pasted behind a `read` would be taken for the key.
        for line in readme.lines().filter(|line| line.contains("read -rs ")) {
            assert!(line.ends_with("&& \\"), "{line}");
        }
    }
}

/// The function has to know of the records that the preset writes; for others nothing is said of them.
#[test]
fn the_set_of_the_preset_compact_deploys_a_function_that_reads_its_metadata() {
    for (preset, expected) in [("compact", true), ("standard", false), ("lean", false)] {
        let out = Folder::new(&format!("generate-all-{preset}"));
        generated(&format!("all AWS --namespace shop --preset {preset} --out {}", out.path().display()));
        assert_eq!(
            out.read("README.md").contains(r#"LogGroupName="$log_group" Site=datadoghq.com MetadataRecords=true "#),
            expected,
            "{preset}"
        );
        assert_eq!(out.read("logging.yaml").contains("PODFERRY_METADATA_RECORDS=true"), expected, "{preset}");
        for (pattern, is_lacking) in [("ERROR", true), ("?ERROR?kubernetes", false), ("", false)] {
            let subscription = format!("subscription AWS --preset {preset} --filter-pattern={pattern}");
            let said = String::from_utf8(podferry(&subscription).stderr).unwrap();
            assert_eq!(said.contains("?ERROR ?kubernetes"), expected && is_lacking, "{subscription}: {said}");
        }
        let said = String::from_utf8(podferry(&format!("logging AWS --preset {preset}")).stderr).unwrap();
        assert_eq!(said.contains("PODFERRY_METADATA_RECORDS=true"), expected, "{said}");
    }
}

#[test]
fn no_fixture_is_left_over() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        let name = file.file_stem().unwrap().to_string_lossy();
        assert!(CASES.iter().any(|(case, _)| *case == name), "{name}");
    }
}

#[test]
#[ignore = "writes the fixtures again"]
fn regenerate() {
    for (name, arguments) in CASES {
        std::fs::write(folder().join(format!("{name}.yaml")), generated(arguments)).unwrap();
    }
    generated(&format!("{ALL} --force --out {}", folder().join("all").display()));
    for (name, arguments) in TEXTS {
        std::fs::write(folder().join(name), generated(arguments)).unwrap();
    }
}

#[test]
fn json_is_the_same_without_comments() {
    for (name, arguments) in CASES {
        let json: serde_json::Value = serde_json::from_str(&generated(&format!("{arguments} --output json"))).unwrap();
        let yaml: Vec<serde_json::Value> = serde_saphyr::from_multiple(&generated(arguments)).unwrap();
        let json = match &json {
            serde_json::Value::Array(fragments) => fragments.clone(),
            // What `kubectl apply -f -` takes.
            list if list["kind"] == "List" => {
                assert!(list["apiVersion"] == "v1" && yaml.len() > 1, "{name}");
                list["items"].as_array().unwrap().clone()
            }
            _ => vec![json],
        };
        assert_eq!(json, yaml, "{name}");
    }
    let logging: serde_json::Value =
        serde_json::from_str(&generated("logging CLUSTER --region eu-west-1 --output json")).unwrap();
    assert_eq!((&logging["kind"], &logging["items"][1]["kind"]), (&"List".into(), &"ConfigMap".into()));
}

#[test]
fn the_readme_names_the_files_that_are_there() {
    for operator in ["", "--operator"] {
        let out = Folder::new(&format!("generate-all-json{operator}"));
        generated(&format!("{ALL} {operator} --output json --out {}", out.path().display()));
        let readme = out.read("README.md");
        let of_set = readme.split_whitespace().map(|word| word.trim_start_matches('@').trim_matches(['`', ';', '.']));
        let named: Vec<&str> = of_set.filter(|word| word.ends_with(".json") || word.ends_with(".yaml")).collect();
        assert!(named.len() > 7, "{named:?}");
        for name in named {
            assert!(out.path().join(name).exists(), "{name}: {readme}");
        }
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    for (arguments, asked) in [
        ("logging", "--region"),
        ("logging AWS --preset lean --drop-container a", "--drop-container"),
        ("logging AWS --metadata-interval 15", "--metadata-interval: only the preset compact"),
        ("logging AWS --preset compact --metadata-interval 301", "--metadata-interval: must be"),
        ("iam CLUSTER --region eu-west-1", "--account"),
        ("subscription /a /a", "twice"),
        ("monitor", "--cluster"),
        ("all CLUSTER --out nowhere", "--namespace"),
        ("logging --cluster Prod --region eu", "--region: must be"),
        ("rbac", "--namespace"),
        ("secret KEYS", "--namespace"),
        ("secret --namespace shop", "DD_API_KEY"),
        ("sidecar", "--cluster"),
        ("helm-values", "--cluster"),
        ("operator", "--cluster"),
        ("annotations --container a", "--check"),
        ("annotations --container a --check b", "--instance"),
        ("fargate-profile", "--region"),
        ("sidecar CLUSTER --sockets", "--container"),
        ("sidecar CLUSTER --native-logs --image-tag 7.70.0", "7.71"),
        ("helm-values CLUSTER --native-logs --image-tag 7.70.0", "7.71"),
        ("operator CLUSTER --image-tag 7.17.0", "7.18"),
        ("helm-values CLUSTER --image-tag 7", "7.78.1"),
        ("helm-values CLUSTER --tag 7.71", "7.78.1"),
        ("helm-values CLUSTER --env DD_X=it's", "single quotes"),
        ("helm-values CLUSTER --cluster-agent-ca a --image-tag 7.77.0", "7.78"),
        ("operator CLUSTER --cluster-agent-ca A_B", "Secret"),
        ("operator CLUSTER --apm-libraries=cobol=v1", "LANGUAGE=VERSION"),
        ("operator CLUSTER --apm-libraries=python=v3,python=v2", "each once"),
        ("operator CLUSTER --apm-libraries=python", "LANGUAGE=VERSION"),
        ("helm-values CLUSTER --selector app=it's", "LABEL=VALUE"),
        ("rbac --subject web", "NAMESPACE/SERVICE-ACCOUNT"),
        ("helm-values CLUSTER --selector app=we/b", "--selector and --namespace-selector: must be LABEL=VALUE"),
        ("operator CLUSTER --namespace-selector team_=b", "--selector and --namespace-selector: must be LABEL=VALUE"),
        ("fargate-profile CLUSTER --region eu-west-1 --namespace a --label tier=we/b", "--label: must be LABEL=VALUE"),
        (
            "logging CLUSTER --region eu-west-1 --drop-namespace A_b",
            "--drop-namespace: must be the name of a namespace",
        ),
        ("annotations --from-v1 INPUT/redisdb.yaml", "check_names"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(asked), "{arguments}: {said}");
    }
}

/// AWS gets the name that EKS has, Datadog the one that it takes.
#[test]
fn a_cluster_has_the_name_that_eks_gave_it() {
    let long = format!("Shop{}", "x".repeat(96));
    for (eks, datadog) in [("Prod_EU", "prod_eu".to_owned()), (&long, format!("shop{}", "x".repeat(76)))] {
        let with = |arguments: &str| arguments.replace("NAME", &format!("--cluster {eks}"));
        let output = podferry(&with("helm-values NAME"));
        let values: serde_json::Value = serde_saphyr::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap();
        assert_eq!(values["datadog"]["clusterName"], *datadog);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("`{eks}`")) && said.contains(&format!("`{datadog}`")), "{said}");
        assert!(generated(&with("operator NAME")).contains(&format!("clusterName: {datadog}\n")));
        assert!(generated(&with("sidecar NAME")).contains(&format!("value: {datadog}\n")));
        let logging = generated(&with("logging NAME --region eu-west-1 --opensearch search.example.com"));
        assert!(logging.contains(&format!("log_group_name /aws/eks/{eks}/fargate\n")), "{logging}");
        assert!(logging.contains(&format!("Record cluster_name {datadog}\n")), "{logging}");
        assert!(logging.contains(&format!("Index {datadog}-fargate\n")), "{logging}");
        assert!(generated(&with("monitor NAME")).contains(&format!("{{kube_cluster_name:{datadog}}}")));
        let profile = generated(&with("fargate-profile NAME --region eu-west-1 --namespace shop"));
        assert!(profile.contains(&format!("  name: {eks}\n")), "{profile}");
        let policy = generated(&with("iam NAME --region eu-west-1 --account 111122223333 --process-logs"));
        assert!(policy.contains(&format!("log-group:{eks}-fluent-bit-logs:*")), "{policy}");
    }
    assert!(refused("helm-values --cluster prod.eu").contains("--cluster: must be the EKS cluster's name"));
    assert!(refused(&format!("helm-values --cluster {long}x")).contains("at most 100"));
    let out = Folder::new("generate-all-cluster-name");
    let all = ALL.replace("AWS", "--cluster 1_A --region eu-west-1 --account 111122223333");
    generated(&format!("{all} --out {}", out.path().display()));
    let readme = out.read("README.md");
    assert!(readme.contains("--stack-name eks-1-A-fargate-logging") && readme.contains("ClusterName=1_a "), "{readme}");
}

#[test]
fn more_profiles_than_eks_allows_are_told() {
    let said = |count: usize| {
        let namespaces: String = (0..count).map(|number| format!(" --namespace n{number}")).collect();
        let output = podferry(&format!("fargate-profile CLUSTER --region eu-west-1{namespaces}"));
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(said(50), "");
    assert!(said(51).contains("11 profiles, but EKS allows 10"));
}

#[test]
fn retention_is_what_cloudwatch_knows() {
    let logging = |days: u32| format!("logging CLUSTER --region eu-west-1 --retention-days {days}");
    for days in [1096, 2192, 2557, 2922, 3288] {
        assert!(generated(&logging(days)).contains(&format!("log_retention_days {days}\n")));
    }
    assert!(refused(&logging(1095)).contains("1096, 1827, 2192"));
}

#[cfg(unix)]
#[test]
fn a_secret_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("generate-secret");
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let out = folder.path().display();
    generated(&format!("secret --namespace shop KEYS --out {out}"));
    assert_eq!(mode("secret.yaml"), 0o600);
    assert!(refused(&format!("secret --namespace shop KEYS --out {out}")).contains("--force"));
    // One that others could read, and may have open, is not written into.
    std::fs::set_permissions(folder.path().join("secret.yaml"), PermissionsExt::from_mode(0o644)).unwrap();
    generated(&format!("secret --namespace shop KEYS --out {out} --force"));
    assert_eq!(mode("secret.yaml"), 0o600);
}

#[test]
fn the_key_comes_from_the_environment_and_the_token_is_new_each_time() {
    let token = |namespaces: &str| {
        let mut command = Command::new(PODFERRY);
        command.args(["generate", "secret", "--output", "json"]).args(namespaces.split(' ')).env_clear();
        let output =
            command.env("DD_API_KEY", "0123456789abcdef0123456789abcdef").current_dir(folder()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("--out"), "it says that this is secret");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let secrets = json["items"].as_array().unwrap();
        let data = &secrets[0]["stringData"];
        assert!(secrets.iter().all(|secret| secret["stringData"] == *data));
        assert_eq!(data["api-key"], "0123456789abcdef0123456789abcdef");
        data["token"].as_str().unwrap().to_owned()
    };
    let (one, other) = (token("--namespace a --namespace b"), token("--namespace a"));
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_alphanumeric()) && one != other);
}

#[test]
fn what_is_no_key_is_not_repeated() {
    let folder = Folder::new("generate-key");
    let file = folder.path().join("key");
    std::fs::write(&file, "geheim").unwrap();
    let said = refused(&format!("secret --namespace shop --api-key-file {}", file.display()));
    assert!(said.contains("not an API key") && !said.contains("geheim"), "{said}");
}
