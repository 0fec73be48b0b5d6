//! The namespace `aws-observability` and the ConfigMap `aws-logging`: how EKS Fargate's Fluent Bit writes pods' logs.
//!
//! Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster"; Datadog, "Amazon EKS on AWS Fargate"; what each
//! preset makes of a line is in `docs/log-shapes.md`.

mod compact;
mod options;

use crate::cluster::{Cluster, Need};
use crate::file::GeneratedFile;
use crate::fluent_bit::{self, Section};
use crate::node::Map;
use crate::preset::LoggingPreset;
use options::check;
pub use options::{LoggingError, LoggingOptions, MAX_CHARACTERS};

/// The pods' logs; Fluent Bit's own have other tags.
const PODS: &str = "kube.*";
/// How the names of log streams begin, before the tag.
const STREAM_PREFIX: &str = "fargate/";

/// The manifest, and how many characters its data has.
///
/// # Errors
/// [`LoggingError`].
pub fn generate(cluster: &Cluster, options: &LoggingOptions) -> Result<(GeneratedFile, usize), LoggingError> {
    cluster.need(&[Need::Cluster, Need::Region])?;
    let preset = cluster.preset();
    check(preset, options)?;
    let data = Data::new(cluster, options);
    let characters = data.characters();
    if characters > MAX_CHARACTERS {
        return Err(LoggingError::TooLong(characters));
    }
    let namespace = Map::new().with("apiVersion", "v1").with("kind", "Namespace").with(
        "metadata",
        Map::new().with("name", "aws-observability").with_comment(
            "By this label EKS checks the ConfigMap when it is applied.",
            "labels",
            Map::new().with("aws-observability", "enabled"),
        ),
    );
    let config_map = Map::new()
        .with("apiVersion", "v1")
        .with("kind", "ConfigMap")
        .with("metadata", Map::new().with("name", "aws-logging").with("namespace", "aws-observability"))
        .with("data", data.map(preset));
    let mut introduction = format!(
        "How EKS Fargate's Fluent Bit writes the logs of cluster {}: preset {}, {characters} of {MAX_CHARACTERS} characters.\n\
         New pods use it; restart running pods. The pod execution role must be allowed to write to the log group: `podferry generate iam`.",
        cluster.name(),
        preset
    );
    if let Some(note) = note(cluster) {
        introduction = format!("{introduction}\nFirst, {note}.");
    }
    Ok((GeneratedFile::documents("logging.yaml", &introduction, vec![namespace, config_map]), characters))
}

/// What should be known before the manifest is used.
pub fn note(cluster: &Cluster) -> Option<&'static str> {
    (cluster.preset() == LoggingPreset::Compact).then_some(
        "set PODFERRY_METADATA_RECORDS=true for the function (the template's parameter MetadataRecords): without it, metadata records become logs",
    )
}

/// The ConfigMap's data: sections, each under its own key.
struct Data {
    flb_log_cw: bool,
    filters: Vec<Section>,
    outputs: Vec<Section>,
    parsers: Vec<Section>,
}

impl Data {
    fn new(cluster: &Cluster, options: &LoggingOptions) -> Data {
        let preset = cluster.preset();
        let parser = Section::filter("parser", PODS).with("Key_name", "log").with("Parser", "crio");
        let kubernetes = Section::filter("kubernetes", PODS);
        // What is dropped by its tag is dropped first: nothing was spent on it yet.
        let mut filters: Vec<Section> = options.drop_namespaces.iter().map(|name| drop_namespace(name)).collect();
        if preset != LoggingPreset::Seed {
            filters.push(parser);
        }
        filters.extend(options.drop_patterns.iter().map(|pattern| exclude(PODS, &format!("log {pattern}"))));
        match preset {
            LoggingPreset::Standard => filters.push(cached(with_labels(kubernetes))),
            LoggingPreset::Merged => filters.push(cached(kubernetes.with("Merge_Log", "On").with("Keep_Log", "Off"))),
            // Only the container's name is wanted here, to drop lines by it.
            LoggingPreset::Compact if !options.drop_containers.is_empty() => filters
                .push(cached(kubernetes.with("Merge_Log", "Off").with("Labels", "Off").with("Annotations", "Off"))),
            LoggingPreset::Compact | LoggingPreset::Lean | LoggingPreset::Seed => {}
        }
        filters.extend(drop_containers(&options.drop_containers));
        match preset {
            // After the Kubernetes filter: before it, the name could be an application's.
            LoggingPreset::Standard => filters.push(cluster_name(cluster, PODS)),
            LoggingPreset::Compact => {
                if !options.drop_containers.is_empty() {
                    filters.push(Section::filter("modify", PODS).with("Remove", "kubernetes"));
                }
                // What is dropped is not copied: copying comes last.
                filters.push(compact::copy(PODS));
                filters.push(compact::throttle(options.metadata_interval));
                let kubernetes = Section::filter("kubernetes", compact::COPIES);
                filters.push(cached(with_labels(compact::prefixed(kubernetes))));
                filters.extend(compact::metadata_only());
                filters.push(cluster_name(cluster, compact::COPIES));
            }
            LoggingPreset::Lean | LoggingPreset::Merged | LoggingPreset::Seed => {}
        }
        let parsers = if preset == LoggingPreset::Seed { Vec::new() } else { vec![crio()] };
        Data { flb_log_cw: options.process_logs, filters, outputs: outputs(cluster, options), parsers }
    }

    fn parts(&self) -> [(&'static str, String); 3] {
        [("filters.conf", &self.filters), ("output.conf", &self.outputs), ("parsers.conf", &self.parsers)]
            .map(|(name, sections)| (name, fluent_bit::write(sections)))
    }

    /// What EKS counts is not documented; this is all of the data's values.
    fn characters(&self) -> usize {
        let own = self.flb_log_cw.to_string().len();
        own + self.parts().iter().map(|(_, text)| text.chars().count()).sum::<usize>()
    }

    fn map(&self, preset: LoggingPreset) -> Map {
        let mut map = Map::new().with_comment(
            "Fluent Bit's own log, for troubleshooting: \"true\" writes it to <cluster>-fluent-bit-logs.",
            "flb_log_cw",
            self.flb_log_cw.to_string(),
        );
        for (name, text) in self.parts() {
            if text.is_empty() {
                continue;
            }
            map = match why(name, preset) {
                Some(why) => map.with_comment(why, name, text),
                None => map.with(name, text),
            };
        }
        map
    }
}

fn why(part: &str, preset: LoggingPreset) -> Option<&'static str> {
    match (part, preset) {
        ("filters.conf", LoggingPreset::Standard) => Some(
            "The parser removes containerd's prefix. Merge_Log Off leaves the application's line alone, so that fragments of long lines can be joined \
             and no member of a JSON log is lost to a name that Fluent Bit also uses. The cluster name comes last: before the Kubernetes filter, an \
             application could have set it.",
        ),
        ("filters.conf", LoggingPreset::Compact) => Some(
            "The parser removes containerd's prefix; lines then stay as they are. `rewrite_tag` copies each one, `throttle` lets a few of a pod's copies \
             through, and only these get the pod's metadata. Their text is removed: it is in the lines.",
        ),
        ("output.conf", LoggingPreset::Compact) => Some(
            "Lines have the tag kube.… and copies m.kube.…, so prefix and tag together are the same log stream for both: change neither prefix alone. \
             Retention only takes effect when Fluent Bit creates the group.",
        ),
        ("filters.conf", LoggingPreset::Lean) => Some(
            "The parser removes containerd's prefix. No Kubernetes filter: that saves about a kilobyte per line, but there are no labels and \
             annotations for tags and rules.",
        ),
        ("filters.conf", LoggingPreset::Merged) => Some(
            "JSON logs become members of the record, and the line itself is not kept. Fragments of long JSON lines can no longer be joined.",
        ),
        ("output.conf", LoggingPreset::Seed) => Some(
            "`Match *` also takes Fluent Bit's own log, and without retention the group keeps its events forever. Compare with the preset standard.",
        ),
        ("output.conf", _) => Some(
            "The stream name ends in pod, namespace, container and ID: no log_stream_name, no template. Retention only takes effect when Fluent Bit \
             creates the group.",
        ),
        _ => None,
    }
}

fn exclude(pattern: &str, what: &str) -> Section {
    Section::filter("grep", pattern).with("Exclude", what)
}

/// All lines of a namespace, by the tag `kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log`: none of the names can
/// hold an underscore.
fn drop_namespace(name: &str) -> Section {
    exclude(&format!("kube.*_{name}_*"), "log .*")
}

/// By the record's metadata: in the tag, `web-` could be the beginning of the container `web-admin`.
fn drop_containers(names: &[String]) -> Option<Section> {
    let names: Vec<String> = names.iter().map(|name| name.replace('.', "\\.")).collect();
    (!names.is_empty()).then(|| exclude(PODS, &format!("$kubernetes['container_name'] ^({})$", names.join("|"))))
}

/// The Kubernetes filter with all that tags and rules are made of; JSON stays text.
fn with_labels(kubernetes: Section) -> Section {
    kubernetes.with("Merge_Log", "Off").with("Labels", "On").with("Annotations", "On")
}

/// Whatever a pod's size, and asked for again after some minutes. Source: Amazon EKS User Guide, "Fargate logging".
fn cached(kubernetes: Section) -> Section {
    kubernetes.with("Buffer_Size", "0").with("Kube_Meta_Cache_TTL", "300s")
}

fn cluster_name(cluster: &Cluster, pattern: &str) -> Section {
    let record = format!("cluster_name {}", cluster.datadog_name());
    Section::filter("record_modifier", pattern).with("Record", &record)
}

/// To the cluster's log group, whose streams' names end in the tag.
fn cloudwatch(cluster: &Cluster, pattern: &str, prefix: &str) -> Section {
    Section::output("cloudwatch_logs", pattern)
        .with("region", cluster.region())
        .with("log_group_name", &cluster.log_group())
        .with("log_stream_prefix", prefix)
        .with("log_retention_days", &cluster.retention_days().to_string())
        .with("auto_create_group", "true")
}

fn outputs(cluster: &Cluster, options: &LoggingOptions) -> Vec<Section> {
    let mut outputs = match cluster.preset() {
        LoggingPreset::Seed => vec![
            Section::output("cloudwatch_logs", "*")
                .with("region", cluster.region())
                .with("log_group_name", cluster.given_log_group().unwrap_or("awslogs-https"))
                .with("log_stream_prefix", "awslogs-firelens-example")
                .with("auto_create_group", "true"),
        ],
        LoggingPreset::Compact => vec![
            cloudwatch(cluster, PODS, &format!("{STREAM_PREFIX}{}", compact::TAG_PREFIX)),
            cloudwatch(cluster, compact::COPIES, STREAM_PREFIX),
        ],
        LoggingPreset::Standard | LoggingPreset::Lean | LoggingPreset::Merged => {
            vec![cloudwatch(cluster, PODS, STREAM_PREFIX)]
        }
    };
    outputs.extend(options.firehose_streams.iter().map(|stream| {
        Section::output("kinesis_firehose", PODS).with("region", cluster.region()).with("delivery_stream", stream)
    }));
    outputs.extend(options.opensearch_hosts.iter().map(|host| {
        Section::output("es", PODS)
            .with("Host", host)
            .with("Port", "443")
            // Names of indexes are in small letters, as Datadog's are.
            .with("Index", &format!("{}-fargate", cluster.datadog_name()))
            .with("AWS_Auth", "On")
            .with("AWS_Region", cluster.region())
            .with("tls", "On")
            .with("Suppress_Type_Name", "On")
    }));
    outputs
}

/// containerd's prefix: time, stream, `P` or `F`, line.
fn crio() -> Section {
    Section::parser("crio", "Regex")
        .with("Regex", "^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$")
        .with("Time_Key", "time")
        .with("Time_Format", "%Y-%m-%dT%H:%M:%S.%L%z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;
    use crate::file::FileContent;
    use crate::fluent_bit::parse::parse;
    use crate::yaml;

    const PRESETS: [LoggingPreset; 5] = [
        LoggingPreset::Standard,
        LoggingPreset::Compact,
        LoggingPreset::Lean,
        LoggingPreset::Merged,
        LoggingPreset::Seed,
    ];

    fn cluster() -> Cluster {
        with(LoggingPreset::Standard)
    }

    fn with(preset: LoggingPreset) -> Cluster {
        let options = ClusterOptions {
            cluster: Some("prod".into()),
            region: Some("eu-west-1".into()),
            preset: Some(preset),
            ..ClusterOptions::default()
        };
        options.check().unwrap()
    }

    #[test]
    fn the_limit_of_characters_is_exact() {
        let with = |length: usize| {
            let options = LoggingOptions { drop_patterns: vec!["x".repeat(length)], ..LoggingOptions::default() };
            generate(&cluster(), &options).map(|(_, characters)| characters)
        };
        let room = MAX_CHARACTERS - with(1).unwrap() + 1;
        assert_eq!(with(room), Ok(MAX_CHARACTERS));
        assert_eq!(with(room - 1), Ok(MAX_CHARACTERS - 1));
        assert_eq!(with(room + 1), Err(LoggingError::TooLong(MAX_CHARACTERS + 1)));
    }

    #[test]
    fn every_preset_is_read_by_our_own_parser_as_it_was_meant() {
        for preset in PRESETS {
            let with_metadata = !matches!(preset, LoggingPreset::Lean | LoggingPreset::Seed);
            let options = LoggingOptions {
                drop_namespaces: vec!["dev".into()],
                drop_containers: if with_metadata { vec!["istio-proxy".into()] } else { Vec::new() },
                drop_patterns: vec!["GET /health".into()],
                firehose_streams: vec!["logs".into()],
                opensearch_hosts: vec!["search.example.com".into()],
                process_logs: true,
                metadata_interval: (preset == LoggingPreset::Compact).then_some(300),
            };
            for (_, text) in Data::new(&with(preset), &options).parts() {
                // Options that the router's core does not know, and does not start with.
                for newer in ["namespace_labels", "namespace_annotations", "owner_references"] {
                    assert!(!text.to_ascii_lowercase().contains(newer), "{newer}: {text}");
                }
                let read = parse(&text);
                assert!(read.problems.is_empty());
                assert_eq!(fluent_bit::write(&read.sections()), text);
                assert!(read.sections.iter().all(|section| !section.properties.is_empty()));
            }
        }
    }

    #[test]
    fn what_eks_would_refuse_is_refused_here() {
        let pattern =
            |pattern: &str| LoggingOptions { drop_patterns: vec![pattern.into()], ..LoggingOptions::default() };
        let name = LoggingOptions { drop_namespaces: vec!["a b".into()], ..LoggingOptions::default() };
        let container = LoggingOptions { drop_containers: vec!["a".into()], ..LoggingOptions::default() };
        assert!(generate(&cluster(), &container).is_ok());
        assert!(matches!(generate(&with(LoggingPreset::Lean), &container), Err(LoggingError::Value { .. })));
        for options in [pattern("a\nb"), pattern("${X}"), pattern(" "), name] {
            assert!(matches!(generate(&cluster(), &options), Err(LoggingError::Value { .. })), "{options:?}");
        }
        assert!(matches!(generate(&Cluster::default(), &LoggingOptions::default()), Err(LoggingError::Missing(_))));
    }

    #[test]
    fn the_interval_of_metadata_is_bounded_and_for_one_preset() {
        let with = |preset, seconds| {
            let options = LoggingOptions { metadata_interval: Some(seconds), ..LoggingOptions::default() };
            generate(&with(preset), &options).is_ok()
        };
        for (seconds, expected) in [(0, false), (1, true), (2, true), (299, true), (300, true), (301, false)] {
            assert_eq!(with(LoggingPreset::Compact, seconds), expected, "{seconds}");
        }
        assert!(!PRESETS[2..].iter().chain(&PRESETS[..1]).any(|preset| with(*preset, 15)));
    }

    /// What is dropped is not copied, and nothing but the throttle stands before what is spent on copies.
    #[test]
    fn copying_comes_after_what_drops_lines() {
        let names = |options: &LoggingOptions| {
            let data = Data::new(&with(LoggingPreset::Compact), options);
            let of = |section: &Section| {
                let value = |number: usize| section.properties[number].value.as_str();
                format!("{} {}", value(0), value(1))
            };
            data.filters.iter().map(of).collect::<Vec<_>>()
        };
        let tail =
            ["rewrite_tag kube.*", "throttle m.*", "kubernetes m.*", "grep m.*", "modify m.*", "record_modifier m.*"];
        assert_eq!(names(&LoggingOptions::default()), [&["parser kube.*"], &tail[..]].concat());
        let options = LoggingOptions {
            drop_namespaces: vec!["dev".into()],
            drop_containers: vec!["istio-proxy".into()],
            drop_patterns: vec!["GET /health".into()],
            ..LoggingOptions::default()
        };
        let head = [
            "grep kube.*_dev_*",
            "parser kube.*",
            "grep kube.*",
            // Adds the container's name, drops by it, takes it off again.
            "kubernetes kube.*",
            "grep kube.*",
            "modify kube.*",
        ];
        assert_eq!(names(&options), [&head[..], &tail[..]].concat());
    }

    /// Prefix and tag together are the name of the stream.
    #[test]
    fn lines_and_copies_meet_in_one_stream() {
        let data = Data::new(&with(LoggingPreset::Compact), &LoggingOptions::default());
        let value = |output: &Section, name: &str| {
            output.properties.iter().find(|property| property.name == name).unwrap().value.clone()
        };
        let [lines, copies] = &data.outputs[..] else { panic!("{:?}", data.outputs) };
        let (line, copy) = ("kube.var.log.containers.a_b_c-0.log", "m.kube.var.log.containers.a_b_c-0.log");
        let stream = |output: &Section, tag: &str| value(output, "log_stream_prefix") + tag;
        assert_eq!(stream(lines, line), stream(copies, copy));
        for same in ["log_group_name", "region", "log_retention_days", "auto_create_group"] {
            assert_eq!(value(lines, same), value(copies, same));
        }
        let [lines, copies] = [lines, copies].map(|output| value(output, "Match"));
        let takes = |pattern: &str, tag: &str| pipeline::glob::matches(pattern, tag, false);
        assert!(takes(&lines, line) && takes(&copies, copy) && !takes(&lines, copy) && !takes(&copies, line));
    }

    #[test]
    fn the_manifest_is_what_was_counted() {
        let (file, characters) = generate(&cluster(), &LoggingOptions::default()).unwrap();
        let FileContent::Documents { introduction, documents } = file.content else { panic!("no documents") };
        let read: Vec<serde_json::Value> =
            serde_saphyr::from_multiple(&yaml::write(&introduction, &documents)).unwrap();
        let data = read[1]["data"].as_object().unwrap();
        let counted: usize = data.values().map(|value| value.as_str().unwrap().chars().count()).sum();
        assert_eq!(counted, characters);
        assert_eq!(read[0]["metadata"]["labels"]["aws-observability"], "enabled");
    }
}
