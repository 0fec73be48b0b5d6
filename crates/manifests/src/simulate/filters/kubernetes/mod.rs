//! `kubernetes`: adds what is known of the pod, and merges the application's own record.
//!
//! Source: fluent/fluent-bit, plugins/filter_kubernetes, at v1.9.10 and v5.1.1.

mod annotations;
mod merge;
mod metadata;

use std::rc::Rc;

use self::annotations::{Allowed, Properties};
use self::merge::Merge;
use self::metadata::{ApiPod, PodOfTag, Wanted};
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::core::Core;
use crate::simulate::filters::options::{expression, flag};
use crate::simulate::not_started::NotStarted;
use crate::simulate::numbers::whole;
use crate::simulate::onigmo::Expression;
use crate::simulate::parsers::Parser;
use crate::simulate::parsers::time::Time;
use crate::simulate::pods::Pods;
use crate::simulate::record::Effect;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

/// What finds the pod in a tag behind the prefix. Source: plugins/filter_kubernetes/kube_regex.h, `KUBE_TAG_TO_REGEX`.
const TAG: &str = concat!(
    r"(?<pod_name>[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)",
    r"_(?<namespace_name>[^_]+)_(?<container_name>.+)-(?<docker_id>[a-z0-9]{64})\.log$"
);

/// The prefix of tags unless another is given. Source: plugins/filter_kubernetes/kube_conf.h, `FLB_KUBE_TAG_PREFIX`.
const PREFIX: &str = "kube.var.log.containers.";

/// Options that bring in things that are not modelled.
const NOT_MODELLED: [&str; 6] = [
    "Dummy_Meta",
    "Use_Kubelet",
    "Namespace_Labels",
    "Namespace_Annotations",
    "Namespace_Metadata_Only",
    "Aws_Use_Pod_Association",
];

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kubernetes {
    merge: Merge,
    merge_parser: Option<Rc<Parser>>,
    parsers: Vec<Rc<Parser>>,
    tag: Expression,
    prefix: String,
    wanted: Wanted,
    allowed: Allowed,
    uses_tag: bool,
    uses_journal: bool,
    /// How long an answer of the API may be; 0 for any length.
    buffer: i128,
}

/// What is known of the pod of a tag.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct KnownPod {
    kubernetes: Option<Map>,
    properties: Properties,
}

impl Kubernetes {
    pub(super) fn new(core: Core, section: &ReadSection, parsers: &[Rc<Parser>]) -> Result<Kubernetes, NotStarted> {
        let option = |name: &str, otherwise: bool| flag(section, name, otherwise);
        for name in NOT_MODELLED {
            if option(name, false)? {
                return Err(NotStarted::unknown("the kubernetes filter takes its metadata from elsewhere"));
            }
        }
        let find = |name: &str| parsers.iter().find(|parser| parser.name == name).map(Rc::clone);
        let pattern = match section.value("Regex_Parser") {
            None => TAG.to_owned(),
            Some(name) => find(name)
                .and_then(|parser| parser.pattern().map(str::to_owned))
                .ok_or(NotStarted::unknown("the kubernetes filter's Regex_Parser is none that reads a tag"))?,
        };
        Ok(Kubernetes {
            merge: Merge {
                is_on: option("Merge_Log", false)?,
                keeps_log: option("Keep_Log", true)?,
                under: section.value("Merge_Log_Key").map(str::to_owned),
                trims: option("Merge_Log_Trim", true)?,
            },
            // One that does not exist is passed over.
            merge_parser: section.value("Merge_Parser").and_then(find),
            parsers: parsers.to_vec(),
            tag: expression(core, &pattern)?,
            prefix: section.value("Kube_Tag_Prefix").unwrap_or(PREFIX).to_owned(),
            wanted: Wanted {
                labels: option("Labels", true)?,
                annotations: option("Annotations", true)?,
                owner_references: option("Owner_References", false)?,
            },
            allowed: Allowed {
                parser: option("K8S-Logging.Parser", false)?,
                exclude: option("K8S-Logging.Exclude", false)?,
            },
            uses_tag: option("Use_Tag_For_Meta", false)?,
            uses_journal: option("Use_Journal", false)?,
            buffer: section.value("Buffer_Size").map_or(32_000, size),
        })
    }

    /// What is known of the pod of a tag; `None` if the filter leaves its records alone.
    pub(super) fn known(&self, core: Core, tag: &[u8], pods: &Pods) -> Result<Option<KnownPod>, Unknown> {
        if self.uses_journal {
            return Ok(Some(KnownPod::default()));
        }
        let Some(behind) = tag.get(self.prefix.len()..).filter(|behind| behind.len() > 1) else { return Ok(None) };
        let Some(pod) = PodOfTag::new(&self.tag, behind)? else { return Ok(None) };
        let api = self.ask(core, &pod, pods)?;
        let kubernetes = match &api {
            _ if self.uses_tag => Some(metadata::from_tag(&pod)),
            Some(api) => Some(metadata::from_api(core, &pod, api, self.wanted)),
            None => None,
        };
        let properties = api.as_ref().filter(|_| !self.uses_tag).map(|api| {
            let has_parser = |name: &str| self.parsers.iter().any(|parser| parser.name == name);
            Properties::new(core, api, pod.container.as_deref().unwrap_or_default(), self.allowed, &has_parser)
        });
        Ok(Some(KnownPod { kubernetes, properties: properties.unwrap_or_default() }))
    }

    pub(super) fn effect(&self, core: Core, known: &KnownPod, record: &Map, read_at: Time) -> Result<Effect, Unknown> {
        if self.uses_journal {
            // It looks for the container in the record, and what has none is lost.
            let has_name = record.count(b"CONTAINER_NAME") > 0;
            return if has_name { Err(Unknown("a record of the journal")) } else { Ok(Effect::Dropped) };
        }
        let KnownPod { kubernetes, properties } = known;
        let stream = stream(record)?;
        let is_excluded = match stream {
            Some(stream) => properties.excludes.get(stream) == Some(&true),
            None => properties.excludes == [true, true],
        };
        if is_excluded {
            return Ok(Effect::Dropped);
        }
        // Where the stream is not known there is none: Fluent Bit holds the names of both against each other by their addresses.
        let asked = stream.and_then(|stream| properties.parser.get(stream)).and_then(Option::as_deref);
        let asked = asked.and_then(|name| self.parsers.iter().find(|parser| parser.name == name));
        let parser = asked.or(self.merge_parser.as_ref()).map(Rc::as_ref);
        let merged = self.merge.run(core, parser, record, read_at)?;
        if merged.is_broken {
            let reason = "a `log` that is neither text nor map breaks the records that come with it on the older core";
            return Ok(Effect::BreaksBatch(Unknown(reason)));
        }
        let mut map = merged.map;
        if let Some(kubernetes) = kubernetes {
            map.push("kubernetes", Value::Map(kubernetes.clone()));
        }
        Ok(Effect::Changed { map, time: merged.time })
    }

    /// What the API says of a pod.
    fn ask(&self, core: Core, pod: &PodOfTag, pods: &Pods) -> Result<Option<ApiPod>, Unknown> {
        let (Some(name), Some(namespace)) = (&pod.pod, &pod.namespace) else { return Ok(None) };
        let Some(json) = pods.find(namespace, name)? else { return Ok(None) };
        let length = i128::try_from(json.len()).unwrap_or(i128::MAX);
        if self.buffer > 0 && length > self.buffer && !self.uses_tag {
            return Err(Unknown("the pod's manifest may be longer than Buffer_Size"));
        }
        ApiPod::new(core, json).map(Some)
    }
}

/// Whether a record is of stdout (0) or stderr (1). The first key counts that `stream` begins with, even the empty one.
fn stream(record: &Map) -> Result<Option<usize>, Unknown> {
    let is_stream = |key: &[u8]| b"stream".starts_with(key);
    let Some((_, value)) = record.members.iter().find(|(key, _)| key.as_text().is_some_and(is_stream)) else {
        return Ok(None);
    };
    let text = value.as_text().ok_or(Unknown("a `stream` that is no text"))?;
    Ok(["stdout", "stderr"].iter().position(|stream| stream.as_bytes().starts_with(text)))
}

/// A size such as `32k`; what is none is what its beginning says. Source: src/flb_utils.c, `flb_utils_size_to_bytes`.
fn size(text: &str) -> i128 {
    let number = whole(text.as_bytes());
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit()).chars().next();
    number
        * match unit.map(|unit| unit.to_ascii_lowercase()) {
            Some('k') => 1_000,
            Some('m') => 1_000_000,
            Some('g') => 1_000_000_000,
            _ => 1,
        }
}
