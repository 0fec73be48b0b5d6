//! A pod's labels, annotations, image and owners, and the settings that make tags of them: what `ddtags` they become.
//!
//! The input: lines, parted by zero bytes. The first character of each says what it is, and a `=` parts name and value:
//! `l` a label, `a` an annotation, `n` a label of the namespace, `o` an owner (kind and name), `i` the image, `h` the image
//! as pulled, `c` the cluster, `d` `DD_TAGS`, `x`, `y` and `z` the settings for labels, annotations and labels of the
//! namespace, `k` the whole `kubernetes` object in place of what the others make. Some value is repeated up to the limits
//! where a line begins with `*`.
//!
//! Whatever they hold: tags are within the limits, none holds a comma or what JSON escapes, the first ones stay when there
//! are too many, the same input makes the same tags, and a log of such a pod bears just these.
#![no_main]

mod checks;

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use pipeline::autodiscovery::{ContainerLogs, logs_annotation};
use pipeline::compress::Compression;
use pipeline::record::Metadata;
use pipeline::stream;
use pipeline::tags::as_tags::AsTags;
use pipeline::tags::tag_set::{MAX_TAG_LENGTH, MAX_TAGS, split_list};
use pipeline::tags::{LogPlace, TagSettings, identify, pod};
use pipeline::{self, PipelineSettings};
use serde_json::{Map, Value, json};

/// All logs keep their own times: the target `message` has others.
const OWN_TIMES: Option<i64> = None;

const GROUP: &str = "/aws/eks/prod-eu/fargate";
const STREAM: &str = "kube.var.log.containers.web-56c89cfff7-tsdww_shop_web-7777777777777777777777777777777777777777777777777777777777777777.log";

/// What the input asks for.
#[derive(Default)]
struct Asked {
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    namespace_labels: Map<String, Value>,
    owners: Vec<Value>,
    image: String,
    image_hash: String,
    cluster: Option<String>,
    settings: TagSettings,
    kubernetes: Option<String>,
}

impl Asked {
    fn read(text: &str) -> Asked {
        let mut asked = Asked::default();
        for line in text.split('\0') {
            let (line, times) = line.strip_prefix('*').map_or((line, 1), |line| (line, MAX_TAGS + 1));
            let mut characters = line.chars();
            let Some(kind) = characters.next() else { continue };
            for number in 0..times {
                asked.take(kind, characters.as_str(), number);
            }
        }
        asked
    }

    fn take(&mut self, kind: char, rest: &str, number: usize) {
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        let name = if number == 0 { name.to_owned() } else { format!("{name}{number}") };
        let as_tags = || AsTags::parse(rest).unwrap_or_default();
        match kind {
            'l' => _ = self.labels.insert(name, value.into()),
            'a' => _ = self.annotations.insert(name, value.into()),
            'n' => _ = self.namespace_labels.insert(name, value.into()),
            'o' => self.owners.push(json!({ "kind": name, "name": value })),
            'i' => rest.clone_into(&mut self.image),
            'h' => rest.clone_into(&mut self.image_hash),
            'c' => self.cluster = Some(rest.to_owned()),
            'd' => self.settings.tags = split_list(rest).into_iter().map(str::to_owned).collect(),
            'x' => self.settings.pod_labels = as_tags(),
            'y' => self.settings.pod_annotations = as_tags(),
            'z' => self.settings.namespace_labels = as_tags(),
            'k' => self.kubernetes = Some(rest.to_owned()),
            _ => {}
        }
    }

    fn kubernetes(&self) -> String {
        self.kubernetes.clone().unwrap_or_else(|| {
            json!({
                "pod_name": "web-56c89cfff7-tsdww", "namespace_name": "shop", "container_name": "web",
                "labels": self.labels, "annotations": self.annotations, "ownerReferences": self.owners,
                "container_image": self.image, "container_hash": self.image_hash,
            })
            .to_string()
        })
    }
}

fn check(tags: &[&str]) {
    assert!(tags.len() <= MAX_TAGS, "{} tags", tags.len());
    for tag in tags {
        assert!((1..=MAX_TAG_LENGTH).contains(&tag.chars().count()), "{tag:?} is too long, or empty");
        assert!(
            !tag.chars().any(|one| matches!(one, ',' | '"' | '\\') || one.is_control() || one.is_whitespace()),
            "{tag:?}"
        );
        assert_eq!(tags.iter().filter(|other| *other == tag).count(), 1, "{tag:?} is there twice");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let asked = Asked::read(&text);
    let kubernetes = asked.kubernetes();
    let namespace = json!({ "name": "shop", "labels": asked.namespace_labels }).to_string();
    let metadata = Metadata {
        kubernetes: Some(Cow::Borrowed(&kubernetes)),
        namespace: Some(Cow::Borrowed(&namespace)),
        cluster_name: asked.cluster.as_deref().map(Cow::Borrowed),
        ..Metadata::default()
    };
    let place = LogPlace { log_group: GROUP, origin: stream::origin(GROUP, STREAM) };
    let identity = || {
        let pod = pod(&place, &metadata);
        let logs = pod.annotations.get(&logs_annotation(&pod.container)).map(ContainerLogs::parse).unwrap_or_default();
        identify(&place, &pod, &logs, &metadata, &asked.settings)
    };
    let once = identity();
    assert_eq!(once, identity());
    let tags: Vec<&str> = once.tags.iter().collect();
    check(&tags);
    for tag in ["kube_namespace:shop", "pod_name:web-56c89cfff7-tsdww", "kube_container_name:web"] {
        // Unless a hundred mistakes in the annotation come first.
        assert!(tags.contains(&tag) || tags.iter().filter(|tag| tag.starts_with("podferry_rule_error:")).count() > 90);
    }
    for marked in [false, true] {
        let ddtags = once.ddtags(marked);
        let most = if marked { MAX_TAGS - 2 } else { MAX_TAGS };
        assert_eq!(ddtags.split(',').collect::<Vec<_>>(), tags[..tags.len().min(most)]);
    }

    // Through the whole pipeline, where what is no JSON object is no `kubernetes` object either.
    let is_object = serde_json::from_str::<Value>(&kubernetes).is_ok_and(|value| value.is_object());
    if !is_object {
        return;
    }
    let message = format!(r#"{{"log":"x","stream":"stdout","logtag":"F","kubernetes":{kubernetes}}}"#);
    let mut settings = PipelineSettings {
        tags: asked.settings.clone(),
        compression: Compression::None,
        ..PipelineSettings::default()
    };
    settings.processing.auto_multi_line = false;
    let content = json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": GROUP, "logStream": STREAM,
        "logEvents": [{ "id": "1", "timestamp": 1, "message": message }],
    });
    let processed = pipeline::process_content(&content.to_string(), "", &settings, OWN_TIMES).expect("it is an event");
    for log in checks::logs_of(&processed) {
        let log: Value = serde_json::from_str(log.get()).expect("JSON");
        let ddtags = log["ddtags"].as_str().unwrap_or_default();
        check(&ddtags.split(',').collect::<Vec<_>>());
        if asked.kubernetes.is_none() && asked.namespace_labels.is_empty() && asked.cluster.is_none() {
            assert_eq!(ddtags, once.ddtags(false));
        }
    }
});
