//! The model takes any configuration and any line: it ends, says what became of each line, and does the same again.

use manifests::simulate::core::Core;
use manifests::simulate::invented::PodContainer;
use manifests::simulate::pods::Pods;
use manifests::simulate::router::LogFile;
use manifests::simulate::simulation::{ConfigurationTexts, Simulation};
use manifests::simulate::time::Time;
use proptest::prelude::*;

const PARSERS: &str = "[PARSER]\n    Name crio\n    Format regex\n    Regex ^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$\n    \
                       Time_Key time\n    Time_Format %Y-%m-%dT%H:%M:%S.%L%z\n[PARSER]\n    Name json\n    Format json\n[PARSER]\n    Name \
                       logfmt\n    Format logfmt\n[PARSER]\n    Name ltsv\n    Format ltsv\n    Types a:integer b:float c:bool d:hex\n";

/// An option of a filter, as somebody might write it.
fn option() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "log",
        "stream",
        "a",
        "$kubernetes['labels']['app']",
        "$a[0]",
        "kubernetes",
        "nope",
        "",
    ]);
    let text = prop::sample::select(vec!["x", "^(a|b)", "(", "$1.$TAG", "\"q r\"", "std", "[[:alpha:]]+", ".", "true"]);
    let name = prop::sample::select(vec![
        "Regex",
        "Exclude",
        "Set",
        "Add",
        "Rename",
        "Hard_rename",
        "Copy",
        "Hard_copy",
        "Remove",
        "Remove_wildcard",
        "Remove_regex",
        "Record",
        "Remove_key",
        "Allowlist_key",
        "Condition Key_value_matches",
        "Condition A_key_matches",
        "Wildcard",
        "Nest_under",
        "Nested_under",
        "Add_prefix",
        "Rate",
        "Window",
        "Merge_Log_Key",
        "Kube_Tag_Prefix",
    ]);
    prop_oneof![
        (name, key, text).prop_map(|(name, key, text)| format!("{name} {key} {text}")),
        prop::sample::select(vec![
            "Key_name log",
            "Key_name $log",
            "Parser crio",
            "Parser json",
            "Parser logfmt",
            "Parser ltsv",
            "Reserve_Data On",
            "Preserve_Key On",
            "Merge_Log On",
            "Keep_Log Off",
            "K8S-Logging.Parser On",
            "Operation lift",
            "Operation nest",
            "Rule $stream ^(std)(err)$ $2.$TAG[4] false",
            "Rule $log . kube.x.$TAG true",
        ])
        .prop_map(str::to_owned),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "grep",
        "parser",
        "record_modifier",
        "rewrite_tag",
        "throttle",
        "nest",
        "modify",
        "kubernetes",
    ]);
    let tags = prop::sample::select(vec!["*", "kube.*", "err.*", "*nginx*"]);
    (name, tags, prop::collection::vec(option(), 0..5)).prop_map(|(name, tags, options)| {
        let options: String = options.iter().map(|option| format!("    {option}\n")).collect();
        format!("[FILTER]\n    Name {name}\n    Match {tags}\n{options}")
    })
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let json = "(\\{\"(a|log|stream|kubernetes|)\":(1|1e3|\"x\\\\n\"|null|true|\\[1,\"b\"\\]|\\{\"b\":-0.0\\})\\}|a=b c|a:1\tb:x|plain)";
    let text = prop_oneof![
        json.prop_map(String::into_bytes),
        "[ -~é\u{1}-\u{1f}]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>().prop_filter("a line", |byte| *byte != b'\n'), 0..20),
    ];
    (text, any::<bool>()).prop_map(|(text, is_cri)| {
        let head: &[u8] = if is_cri { b"2026-11-22T18:00:01.104414813Z stdout F " } else { b"" };
        [head, &text].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_configuration_takes_any_lines(
        filters in prop::collection::vec(filter(), 0..6),
        lines in prop::collection::vec(line(), 0..8),
        log_key in prop::option::of("(log|stream|kubernetes|l)"),
    ) {
        let log_key = log_key.map(|key| format!("    log_key {key}\n")).unwrap_or_default();
        let texts = ConfigurationTexts {
            filters: filters.concat(),
            outputs: format!("[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    log_group_name g\n    log_stream_prefix s\n{log_key}"),
            parsers: PARSERS.to_owned(),
        };
        let container = PodContainer::invented();
        let file = LogFile { tag: container.tag.clone(), lines: lines.clone() };
        let pods = Pods::only([container.json.clone()]);
        let read_at = Time { seconds: 1_795_370_406, nanoseconds: 0 };
        for core in Core::BOTH {
            let Ok(simulation) = Simulation::new(core, &texts) else { continue };
            let outcome = simulation.run(std::slice::from_ref(&file), &pods, read_at);
            prop_assert_eq!(&simulation.run(std::slice::from_ref(&file), &pods, read_at), &outcome);
            for number in 0..lines.len() {
                let is_here = outcome.deliveries.iter().any(|delivery| delivery.line.line == number);
                let is_told = outcome.steps.iter().any(|step| step.line.line == number);
                prop_assert!(is_here || is_told || outcome.dies_of.is_some(), "line {number} is nowhere");
            }
        }
    }
}
