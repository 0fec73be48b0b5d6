//! Every environment variable, read once into one documented value.
//!
//! Reading and checking happen here and nowhere else (`clippy.toml` forbids the rest). All mistakes are reported
//! together, each with its variable and what is allowed; a mistake fails the start of the function, loudly.
//!
//! Variables come from a [`VariableSource`], so tests hand in a map and nobody sets process variables.

mod api_key;
mod endpoint;
mod forwarder_table;
mod metadata;
mod network;
mod own_log;
mod processing;
mod queues;
mod reader;
mod table;
mod variables;

pub use api_key::{ApiKeySource, AwsSettings, application_key, plain_api_key};
pub use endpoint::{DeliverySettings, may_take_keys};
pub use forwarder_table::{FORWARDER_SETTINGS, ForwarderSetting, SettingEffect, forwarder_markdown};
#[cfg(test)]
pub(crate) use metadata::LONGEST_METADATA_WAIT;
pub use metadata::{MetadataSettings, WhenUnknown};
pub use network::{Network, Proxies};
pub(crate) use own_log::{LogLevel, OwnLogSettings};
pub use queues::{DEAD_LETTER_QUEUE_URL, QueueSettings, SqsQueue, UNDELIVERED_QUEUE_URL};
pub use reader::{Mistake, Mistakes};
pub use table::{ForwarderVariable, markdown, variables};
pub use variables::{Environment, FileProblem, VariableSource};

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use pipeline::compress::Compression;
use pipeline::known_annotations::KnownAnnotations;
use pipeline::known_metadata::KnownMetadata;
use pipeline::mark_key::MarkKey;
use pipeline::recent::{DEFAULT_REMEMBERED, Recent};
use pipeline::rules::pattern::SearchCaches;
use pipeline::tags::TagSettings;
use pipeline::tags::tag_set;
use pipeline::{DEFAULT_MAX_DECOMPRESSED_BYTES, PipelineSettings};

use reader::VariableReader;

/// All settings of the forwarder.
#[derive(Debug, Clone)]
pub struct Settings {
    pub pipeline: PipelineSettings,
    pub delivery: DeliverySettings,
    pub api_key: ApiKeySource,
    pub aws: AwsSettings,
    pub queues: QueueSettings,
    pub metadata: MetadataSettings,
    /// How many calls a minute a sandbox may make to look pods' metadata up: 0 where metadata does not come in records of its own.
    pub metadata_lookups: u32,
    pub(crate) own_log: OwnLogSettings,
    /// What is legal but looks wrong; to be said once at the start.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All [`Mistakes`] together.
    pub fn read(source: &dyn VariableSource) -> Result<Settings, Mistakes> {
        let mut reader = VariableReader::new(source);
        let pipeline = pipeline(&mut reader);
        let delivery = endpoint::read(&mut reader);
        let api_key = api_key::read_source(&mut reader);
        let aws = api_key::read_aws(&mut reader, &api_key);
        let queues = queues::read(&mut reader, &aws);
        let metadata = metadata::read(&mut reader, &queues);
        let metadata_lookups = metadata_lookups(&mut reader, &pipeline);
        let own_log = own_log::read(&mut reader);
        refuse_several_requests(&mut reader);
        forwarder_table::warn(&mut reader);
        match api_key {
            Some(api_key) if reader.mistakes.is_empty() => {
                let warnings = reader.warnings;
                Ok(Settings { pipeline, delivery, api_key, aws, queues, metadata, metadata_lookups, own_log, warnings })
            }
            _ => Err(Mistakes(reader.mistakes)),
        }
    }

    /// Reads only how to reach anything: for commands that call AWS. Where `PODFERRY_CA_BUNDLE` is not set, `AWS_CA_BUNDLE` counts.
    ///
    /// # Errors
    /// All [`Mistakes`] together.
    pub fn read_network(source: &dyn VariableSource) -> Result<Network, Mistakes> {
        let mut reader = VariableReader::new(source);
        let network = network::read_for_command(&mut reader);
        if reader.mistakes.is_empty() { Ok(network) } else { Err(Mistakes(reader.mistakes)) }
    }

    /// Whether whoever reads the command's output sees more than ASCII. Source: POSIX, "Locale environment variables": the first
    /// that is set counts.
    pub fn is_utf8(source: &dyn VariableSource) -> bool {
        let reader = VariableReader::new(source);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| reader.get(name)).unwrap_or_default();
        locale.to_ascii_uppercase().replace('-', "").ends_with("UTF8")
    }

    /// Reads only what decides how a log looks; needs no API key. For `podferry preview`.
    ///
    /// # Errors
    /// All [`Mistakes`] together.
    pub fn read_pipeline(source: &dyn VariableSource) -> Result<PipelineSettings, Mistakes> {
        let mut reader = VariableReader::new(source);
        let pipeline = pipeline(&mut reader);
        if reader.mistakes.is_empty() { Ok(pipeline) } else { Err(Mistakes(reader.mistakes)) }
    }
}

/// Lambda Managed Instances can give a sandbox several requests at once. One place holds the body of the event that is served, and every
/// limit on memory is a share of all the memory that there is: two requests would mix their logs, or end each other.
///
/// Source: AWS, "Lambda Managed Instances runtimes"; the variable is set by Lambda.
fn refuse_several_requests(reader: &mut VariableReader) {
    const NAME: &str = "AWS_LAMBDA_MAX_CONCURRENCY";
    if reader.get(NAME).is_some_and(|value| !value.parse::<u64>().is_ok_and(|requests| requests <= 1)) {
        reader.mistake(
            NAME,
            "must not be more than 1: the function serves one request at a time, because the event that is served has one place in memory \
             and its limits assume all of the memory. Set the function's PerExecutionEnvironmentMaxConcurrency to 1, or run it without \
             Lambda Managed Instances",
        );
    }
}

fn pipeline(reader: &mut VariableReader) -> PipelineSettings {
    let defaults = PipelineSettings::default();
    let compression = compression(reader);
    let hostname_is_node = match reader.get("PODFERRY_HOSTNAME").as_deref() {
        None | Some("none") => false,
        Some("node") => true,
        Some(_) => {
            reader
                .mistake("PODFERRY_HOSTNAME", "must be `node` (send the Fargate node's name), or `none` (the default)");
            false
        }
    };
    let mut merge_keys = defaults.merge_keys;
    merge_keys.extend(reader.get("PODFERRY_MERGE_LOG_KEY"));
    PipelineSettings {
        processing: processing::read(reader),
        known: share_of_memory(reader, 16).map_or(defaults.known, KnownAnnotations::of_bytes),
        metadata_records: reader
            .flag("PODFERRY_METADATA_RECORDS")
            .then(|| share_of_memory(reader, 64).map_or_else(KnownMetadata::default, KnownMetadata::of_bytes)),
        search_caches: share_of_memory(reader, 32).map_or(defaults.search_caches, SearchCaches::of_bytes),
        recent: Recent::new(
            reader.number("PODFERRY_REMEMBERED_LOGS", 0..=10_000_000).map_or(DEFAULT_REMEMBERED, |most| most as usize),
            mark_key(),
        ),
        rule_budget: defaults.rule_budget,
        compression,
        kept_context: defaults.kept_context,
        max_decompressed_bytes: reader
            .number("PODFERRY_MAX_DECOMPRESSED_BYTES", 1..=u64::from(u32::MAX))
            .unwrap_or_else(|| max_decompressed_bytes(reader)),
        merge_keys,
        own_log_group: reader.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        tags: TagSettings {
            tags: reader.get("DD_TAGS").map(|list| owned(tag_set::split_list(&list))).unwrap_or_default(),
            env: reader.get("DD_ENV"),
            service: reader.get("DD_SERVICE"),
            source: reader.get("DD_SOURCE"),
            cluster_name: reader.get("DD_CLUSTER_NAME"),
            hostname_is_node,
            pod_labels: reader.as_tags("DD_KUBERNETES_POD_LABELS_AS_TAGS"),
            pod_annotations: reader.as_tags("DD_KUBERNETES_POD_ANNOTATIONS_AS_TAGS"),
            namespace_labels: reader.as_tags("DD_KUBERNETES_NAMESPACE_LABELS_AS_TAGS"),
        },
    }
}

/// A key for the marks of this process. The standard library seeds its hash maps by the operating system's random numbers; a keyed hash of
/// 1, 2, 3, … is as good as they are.
fn mark_key() -> MarkKey {
    let seeded = RandomState::new();
    let mut number = 0_u64;
    MarkKey::from_random(|| {
        number += 1;
        seeded.hash_one(number)
    })
}

/// How many calls of `GetLogEvents` a sandbox may make a minute, unless `PODFERRY_METADATA_LOOKUPS` says it: one a second, of the 25 that the account
/// has (`docs/sizing.md`, "Metadata in separate records").
const METADATA_LOOKUPS: u64 = 60;

fn metadata_lookups(reader: &mut VariableReader, pipeline: &PipelineSettings) -> u32 {
    let calls = reader.number("PODFERRY_METADATA_LOOKUPS", 0..=600).unwrap_or(METADATA_LOOKUPS);
    let calls = Some(calls).filter(|_| pipeline.metadata_records.is_some());
    calls.and_then(|calls| u32::try_from(calls).ok()).unwrap_or(0)
}

/// A quarter of the function's memory, which Lambda tells in MB: an event takes up to two and a half times its size, and
/// there is the function itself. Elsewhere, and where there is more memory, 256 MiB.
fn max_decompressed_bytes(reader: &VariableReader) -> u64 {
    let quarter = share_of_memory(reader, 4).unwrap_or(usize::MAX);
    (quarter as u64).min(DEFAULT_MAX_DECOMPRESSED_BYTES)
}

/// The function's memory through `parts`, in bytes, where Lambda tells it.
fn share_of_memory(reader: &VariableReader, parts: usize) -> Option<usize> {
    let megabytes = reader.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|value| value.parse::<usize>().ok());
    megabytes.filter(|megabytes| *megabytes > 0).map(|megabytes| megabytes.saturating_mul(1024 * 1024 / parts))
}

/// `DD_COMPRESSION`; and of Datadog's forwarder `DD_USE_COMPRESSION` and `DD_COMPRESSION_LEVEL`.
fn compression(reader: &mut VariableReader) -> Compression {
    let level = reader.number("DD_COMPRESSION_LEVEL", 0..=9).and_then(|level| u32::try_from(level).ok());
    let compression = match reader.get("DD_COMPRESSION").as_deref().map(str::to_ascii_lowercase).as_deref() {
        // zstd has no level without compression; its 0 means another one.
        None | Some("zstd") => level.map_or(Compression::default(), |level| Compression::Zstd(level.max(1) as i32)),
        Some("gzip") => Compression::Gzip(level.unwrap_or(6)),
        Some("none") => Compression::None,
        Some(_) => {
            reader.mistake("DD_COMPRESSION", "must be `zstd` (the default), `gzip` or `none`");
            Compression::default()
        }
    };
    if reader.flag_or("DD_USE_COMPRESSION", true) { compression } else { Compression::None }
}

fn owned(list: Vec<&str>) -> Vec<String> {
    list.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_a_key_that_nobody_knows() {
        let first = |settings: &PipelineSettings| settings.recent.marks_within("x").next();
        let settings = [&PipelineSettings::default(), &Settings::read_pipeline(&[]).unwrap()].map(first);
        assert_ne!(settings[0], settings[1]);
        assert_ne!(settings[1], first(&Settings::read_pipeline(&[]).unwrap()));
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let mistakes = Settings::read(&[
            ("DD_COMPRESSION", "brotli"),
            ("DD_PORT", "seventy"),
            ("PODFERRY_MAX_DECOMPRESSED_BYTES", "0"),
            ("DD_KUBERNETES_POD_LABELS_AS_TAGS", "app"),
            ("DD_NO_SSL", "maybe"),
            ("PODFERRY_HOSTNAME", "pod"),
        ])
        .unwrap_err();
        let mut variables: Vec<_> = mistakes.0.iter().map(|mistake| mistake.variable).collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            [
                "DD_API_KEY",
                "DD_COMPRESSION",
                "DD_KUBERNETES_POD_LABELS_AS_TAGS",
                "DD_NO_SSL",
                "DD_PORT",
                "PODFERRY_HOSTNAME",
                "PODFERRY_MAX_DECOMPRESSED_BYTES",
            ]
        );
        assert!(mistakes.to_string().starts_with("7 settings cannot be used:\n  "));
    }

    #[test]
    fn a_mistake_never_repeats_a_value() {
        let secret = "kenn-wort-geheim";
        let pairs = [
            ("DD_COMPRESSION", secret),
            ("DD_PORT", secret),
            ("DD_URL", "http://a b/kenn-wort-geheim"),
            ("DD_KMS_API_KEY", "kenn-wort-geheim!"),
        ];
        let mistakes = Settings::read(&pairs).unwrap_err();
        assert_eq!(mistakes.0.len(), 6, "{mistakes}");
        assert!(!mistakes.to_string().contains(secret));
    }

    #[test]
    fn one_request_at_a_time() {
        let refused = |value| match Settings::read(&[("DD_API_KEY", "k"), ("AWS_LAMBDA_MAX_CONCURRENCY", value)]) {
            Ok(_) => false,
            Err(mistakes) => {
                assert!(
                    mistakes.to_string().contains("AWS_LAMBDA_MAX_CONCURRENCY: must not be more than 1"),
                    "{mistakes}"
                );
                true
            }
        };
        for value in ["", "0", "1"] {
            assert!(!refused(value), "{value}");
        }
        for value in ["2", "64", "18446744073709551616", "many"] {
            assert!(refused(value), "{value}");
        }
        // The command reads events on whatever machine.
        assert!(Settings::read_pipeline(&[("AWS_LAMBDA_MAX_CONCURRENCY", "2")]).is_ok());
    }

    #[test]
    fn the_first_locale_counts() {
        assert!(Settings::is_utf8(&[("LANG", "de_DE.UTF-8")]) && Settings::is_utf8(&[("LC_ALL", "C.utf8")]));
        assert!(!Settings::is_utf8(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
        assert!(!Settings::is_utf8(&[("LANG", "")]));
    }

    #[test]
    fn blank_is_not_set() {
        let settings = Settings::read(&[("DD_API_KEY", " k "), ("DD_COMPRESSION", ""), ("DD_TAGS", "  ")]).unwrap();
        assert_eq!(settings.pipeline.compression, Compression::default());
        assert!(settings.pipeline.tags.tags.is_empty());
    }
}
