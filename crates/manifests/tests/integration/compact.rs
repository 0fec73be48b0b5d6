//! The preset `compact`: what CloudWatch Logs bills for it, by an exact model of Fluent Bit's throttle and records that a real Fluent Bit wrote; and
//! what becomes of a quiet container beside a loud one.

use std::fs;

use manifests::cluster::ClusterOptions;
use manifests::lint::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::source::SourceFile;
use manifests::logging::{self, LoggingOptions};
use manifests::preset::LoggingPreset;
use manifests::{FileContent, yaml};
use pipeline::known_metadata::KnownMetadata;
use pipeline::{PipelineSettings, Processed};
use serde_json::{Value, json};
use testkit::events::*;

const PODS: [&str; 5] = ["api-api", "checkout-app", "coredns-coredns", "report-report", "web-nginx"];

/// What CloudWatch Logs bills beside the bytes of an event's message. Source: Amazon CloudWatch Logs API reference, `PutLogEvents`.
const EVENT_BYTES: usize = 26;

/// Fluent Bit's throttle, step by step. Source: fluent/fluent-bit, plugins/filter_throttle/throttle.c and window.c, alike in 1.9.10 and 5.1.1.
struct Throttle {
    rate: f64,
    interval: u64,
    /// Second and count of each.
    panes: Vec<(u64, u64)>,
    last: Option<usize>,
    next_tick: u64,
}

impl Throttle {
    /// As the options count: `Rate` 1 at least, `Window` 2 at least or it is 5.
    fn new(rate: f64, window: usize, interval: u64) -> Throttle {
        let panes = vec![(u64::MAX, 0); if window <= 1 { 5 } else { window }];
        Throttle { rate: rate.max(1.0), interval, panes, last: None, next_tick: 0 }
    }

    /// Of a manifest that is generated.
    fn of(options: &LoggingOptions) -> Throttle {
        let text = generated(options);
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
            line.trim().trim_end_matches('s').to_owned()
        };
        Throttle::new(
            value("Rate ").parse().unwrap(),
            value("Window ").parse().unwrap(),
            value("Interval ").parse().unwrap(),
        )
    }

    fn total(&self) -> u64 {
        self.panes.iter().map(|(_, count)| count).sum()
    }

    /// Whether a record that comes at this time, in milliseconds, passes. Times do not go back.
    fn passes(&mut self, milliseconds: u64) -> bool {
        while self.next_tick <= milliseconds / 1000 {
            let next = self.last.map_or(0, |last| (last + 1) % self.panes.len());
            self.panes[next] = (self.next_tick, 0);
            self.last = Some(next);
            self.next_tick += self.interval;
        }
        #[allow(clippy::cast_precision_loss, reason = "a few records")]
        let average = self.total() as f64 / self.panes.len() as f64;
        if average >= self.rate {
            return false;
        }
        self.panes[self.last.unwrap()].1 += 1;
        true
    }
}

fn generated(options: &LoggingOptions) -> String {
    let cluster = ClusterOptions {
        cluster: Some("prod".into()),
        region: Some("eu-west-1".into()),
        preset: Some(LoggingPreset::Compact),
        ..ClusterOptions::default()
    };
    let (file, _) = logging::generate(&cluster.check().unwrap(), options).unwrap();
    let FileContent::Documents { introduction, documents } = file.content else { panic!("no documents") };
    yaml::write(&introduction, &documents)
}

#[test]
fn the_throttle_lets_through_what_its_source_says() {
    // Rate, window, interval; how many pass at once, and in an hour of ten records a second.
    for (rate, window, interval, burst, hour) in [
        (1.0, 2, 15, 2, 240),
        (1.0, 2, 60, 2, 60),
        (1.0, 1, 15, 5, 240),
        (0.1, 2, 15, 2, 240),
        (5.0, 1, 1, 25, 18_000),
        (1.5, 3, 10, 5, 600),
    ] {
        let mut throttle = Throttle::new(rate, window, interval);
        let passed: Vec<u64> = (0..36_000).map(|tenth| tenth * 100).filter(|time| throttle.passes(*time)).collect();
        let at_once = passed.iter().take_while(|time| **time < burst * 100).count();
        assert_eq!((at_once as u64, passed.len()), (burst, hour), "{rate} {window} {interval}");
    }
}

/// The messages of an event of the corpus.
fn messages(path: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/corpus/{path}.json", testkit::ROOT);
    let content: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    content["logEvents"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// A pod's records as the presets write them.
struct Records {
    lines: Vec<String>,
    metadata: String,
    standard: Vec<String>,
}

fn records(pod: &str) -> Records {
    let (metadata, lines): (Vec<String>, Vec<String>) =
        messages(&format!("once/{pod}")).into_iter().partition(|message| message.starts_with(r#"{"kubernetes":"#));
    let kept = messages(&format!("kept/{pod}"));
    // The ConfigMap of `once` had no cluster's name.
    let name = kept[0].find(r#","cluster_name":"#).unwrap();
    let metadata = format!("{}{}", metadata[0].strip_suffix('}').unwrap(), &kept[0][name..]);
    let standard: Vec<String> =
        lines.iter().map(|line| format!("{},{}", &line[..line.len() - 1], &metadata[1..])).collect();
    // The ConfigMap of `kept` left the time in its records; but for that, a standard record is a line and its metadata.
    for (kept, standard) in kept.iter().zip(&standard) {
        let time = kept.find(r#""stream":"#).unwrap();
        assert_eq!(format!("{{{}", &kept[time..]), *standard);
    }
    assert_eq!(kept.len(), lines.len());
    Records { lines, metadata, standard }
}

fn billed(messages: &[String], number: usize) -> usize {
    messages.iter().cycle().take(number).map(|message| message.len() + EVENT_BYTES).sum()
}

/// The bytes of an hour of a pod with one container, by the preset and by `standard`; lines come evenly.
fn hour(records: &Records, lines_a_minute: u64, options: &LoggingOptions) -> (usize, usize) {
    let mut throttle = Throttle::of(options);
    let lines = lines_a_minute * 60;
    let copies = (0..lines).filter(|number| throttle.passes(number * 3_600_000 / lines)).count();
    let lines = usize::try_from(lines).unwrap();
    let metadata = copies * (records.metadata.len() + EVENT_BYTES);
    (billed(&records.lines, lines) + metadata, billed(&records.standard, lines))
}

const RATES: [u64; 15] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 30, 60, 120, 600, 6_000];

#[test]
fn it_is_never_dearer_than_standard_and_soon_much_cheaper() {
    let pods = PODS.map(records);
    let share = |(own, standard): (usize, usize)| own as f64 / standard as f64;
    for rate in RATES {
        let each = pods.each_ref().map(|records| hour(records, rate, &LoggingOptions::default()));
        for (pod, bytes) in PODS.iter().zip(each) {
            assert!(share(bytes) <= 1.05, "{pod}: {} at {rate} a minute", share(bytes));
        }
        let all = share(each.into_iter().fold((0, 0), |(own, standard), bytes| (own + bytes.0, standard + bytes.1)));
        let most = match rate {
            60.. => 0.35,
            10.. => 0.6,
            _ => 1.05,
        };
        assert!(all <= most, "{all} at {rate} a minute");
    }
}

/// However often: a copy is of a line, and of each line there is one copy at most.
#[test]
fn no_interval_makes_it_dearer_than_an_event_a_line() {
    let records = records("report-report");
    for seconds in [1, 5, 15, 60, 300] {
        let options = LoggingOptions { metadata_interval: Some(seconds), ..LoggingOptions::default() };
        for rate in RATES {
            let (own, standard) = hour(&records, rate, &options);
            let lines = usize::try_from(rate * 60).unwrap();
            // Of the two records that one would be, the second has brackets of its own.
            assert!(own <= standard + lines * (EVENT_BYTES + 1), "{rate} a minute, each {seconds} s");
        }
    }
}

/// The figures of the top of `compact.rs`: lines of 288 bytes, metadata of 838.
#[test]
fn the_figures_of_the_documentation() {
    let records =
        Records { lines: vec!["x".repeat(288)], metadata: "x".repeat(838), standard: vec!["x".repeat(1_125)] };
    for (rate, expected) in [(1, 1.02), (4, 1.02), (10, 0.57), (60, 0.32), (6_000, 0.27)] {
        let (own, standard) = hour(&records, rate, &LoggingOptions::default());
        let share = own as f64 / standard as f64;
        assert!((share - expected).abs() < 0.0051, "{share} at {rate} a minute");
    }
    let five = LoggingOptions { metadata_interval: Some(12), ..LoggingOptions::default() };
    let (own, standard) = hour(&records, 10, &five);
    assert!(((own as f64 / standard as f64) - 0.65).abs() < 0.0051);
}

/// All that may be asked for, in all combinations: what is written has no finding, and is within EKS' limit.
#[test]
fn every_combination_of_options_has_no_finding() {
    let list = |is_asked: bool, name: &str| if is_asked { vec![name.to_owned()] } else { Vec::new() };
    for choice in 0..128_u32 {
        let is_asked = |bit: u32| choice & (1 << bit) != 0;
        let options = LoggingOptions {
            drop_namespaces: list(is_asked(0), "dev"),
            drop_containers: list(is_asked(1), "istio-proxy"),
            drop_patterns: list(is_asked(2), "GET /health"),
            firehose_streams: list(is_asked(3), "logs"),
            opensearch_hosts: list(is_asked(4), "search.example.com"),
            process_logs: is_asked(5),
            metadata_interval: is_asked(6).then_some(300),
        };
        let text = generated(&options);
        let characters = text.split(" of 5300 characters").next().unwrap().rsplit(' ').next().unwrap();
        assert!(characters.parse::<usize>().unwrap() < 2_500, "{characters}");
        let report = lint(&[SourceFile::new("logging.yaml", &text)], &ExpectedTarget::default(), &[]);
        let found: Vec<_> = report.findings.iter().map(|finding| (finding.rule.code, &finding.message)).collect();
        assert!(found.is_empty(), "{options:?}: {found:?}");
    }
}

/// A record of metadata of a container of one pod.
fn metadata(container: &str) -> String {
    format!(
        r#"{{"kubernetes":{{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","labels":{{"app":"web","pod-template-hash":"6d4cf56db6","tags.datadoghq.com/env":"prod","tags.datadoghq.com/service":"store","tags.datadoghq.com/version":"1.4"}},"annotations":{{"ad.datadoghq.com/tags":"{{\"team\":\"checkout\"}}"}},"host":"fargate-ip-10-0-0-1.ec2.internal","container_name":"{container}","docker_id":"{}","container_hash":"example.com/{container}@sha256:aa","container_image":"example.com/{container}:1"}},"cluster_name":"prod"}}"#,
        "b".repeat(64)
    )
}

fn process(container: &str, messages: &[String], settings: &PipelineSettings) -> Processed {
    let stream = format!(
        "fargate/m.kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_{container}-{}.log",
        if container == "loud" { "b" } else { "c" }.repeat(64)
    );
    let event = |message: &String| json!({ "id": "1", "timestamp": 1_795_754_034_000_i64, "message": message });
    let content = json!({ "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/prod/fargate", "logStream": stream,
        "subscriptionFilters": ["podferry"], "logEvents": messages.iter().map(event).collect::<Vec<_>>() });
    pipeline::process_content(&content.to_string(), ARN, settings, OWN_TIMES).unwrap()
}

/// 4,000 lines a second beside one a minute, for ten minutes: the throttle of a pod lets only the loud one's copies through, and both have the
/// pod's tags all the same.
#[test]
fn a_loud_container_starves_a_quiet_one_and_both_are_tagged() {
    let mut throttle = Throttle::of(&LoggingOptions::default());
    let (mut loud, mut quiet) = (0, 0);
    for quarter in 0..600 * 4_000_u64 {
        loud += u64::from(throttle.passes(quarter / 4));
        if quarter % (60 * 4_000) == 30 * 4_000 + 2 {
            quiet += u64::from(throttle.passes(quarter / 4));
        }
    }
    assert_eq!((loud, quiet), (40, 0));

    let settings = PipelineSettings { metadata_records: Some(KnownMetadata::default()), ..PipelineSettings::default() };
    let line = r#"{"stream":"stdout","logtag":"F","log":"hello"}"#.to_owned();
    let of_loud = process("loud", &[line.clone(), metadata("loud")], &settings);
    let of_quiet = process("quiet", std::slice::from_ref(&line), &settings);
    let (of_loud, of_quiet) = (&logs(&of_loud)[0], &logs(&of_quiet)[0]);
    for log in [of_loud, of_quiet] {
        for tag in [
            "env:prod",
            "service:store",
            "version:1.4",
            "team:checkout",
            "kube_cluster_name:prod",
            "kube_deployment:web",
            "kube_replica_set:web-6d4cf56db6",
            "eks_fargate_node:fargate-ip-10-0-0-1.ec2.internal",
        ] {
            assert!(has_tag(log, tag), "{tag}: {:?}", tags(log));
        }
        assert!(!has_tag(log, "podferry_metadata:missing"));
    }
    assert!(
        has_tag(of_quiet, "kube_container_name:quiet")
            && has_tag(of_quiet, &format!("container_id:{}", "c".repeat(64)))
    );
    // The image is the container's own: it is missing until a copy of its own passes.
    let of_image =
        |log: &Value| tags(log).iter().any(|tag| tag.starts_with("image_") || tag.starts_with("short_image"));
    assert!(of_image(of_loud) && !of_image(of_quiet), "{:?}", tags(of_quiet));
    let later = process("quiet", &[line, metadata("quiet")], &settings);
    assert!(has_tag(&logs(&later)[0], "short_image:quiet"));
}
