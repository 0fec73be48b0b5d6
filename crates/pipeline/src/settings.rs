//! The settings of the pipeline.

use super::compress::{Compression, KeptContext};
use super::known_annotations::KnownAnnotations;
use super::known_metadata::KnownMetadata;
use super::mark_key::MarkKey;
use super::processing::ProcessingSettings;
use super::recent::{DEFAULT_REMEMBERED, Recent};
use super::rules::pattern::{RuleBudget, SearchCaches};
use super::tags::TagSettings;

/// The settings of the pipeline.
#[derive(Debug, Clone)]
pub struct PipelineSettings {
    pub tags: TagSettings,
    pub processing: ProcessingSettings,
    /// Annotations that were parsed and compiled before. They save time, and change the result only for records without their
    /// pod's metadata: see [`KnownAnnotations::recall`].
    pub known: KnownAnnotations,
    /// Pods' metadata that came in records of its own; `None`: no such records are believed. See [`super::metadata_records`].
    pub metadata_records: Option<KnownMetadata>,
    /// What searches for patterns leave for those that follow. It saves time and changes no result.
    pub search_caches: SearchCaches,
    /// How much work rules may take.
    pub rule_budget: RuleBudget,
    /// Logs that were delivered before. They are not sent again. The default's key is known: who has logs of others to keep apart gives
    /// one of their own.
    pub recent: Recent,
    pub compression: Compression,
    /// What compressors leave for those that follow. It saves time and changes no result.
    pub kept_context: KeptContext,
    /// `PODFERRY_MAX_DECOMPRESSED_BYTES`.
    pub max_decompressed_bytes: u64,
    /// Names that `Merge_Log_Key` may have in a ConfigMap.
    pub merge_keys: Vec<String>,
    /// The function's own log group: its logs are refused, because forwarding them would create more of them.
    pub own_log_group: Option<String>,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            tags: TagSettings::default(),
            processing: ProcessingSettings::default(),
            known: KnownAnnotations::default(),
            metadata_records: None,
            search_caches: SearchCaches::default(),
            rule_budget: RuleBudget::default(),
            recent: Recent::new(DEFAULT_REMEMBERED, MarkKey::known()),
            compression: Compression::default(),
            kept_context: KeptContext::default(),
            max_decompressed_bytes: DEFAULT_MAX_DECOMPRESSED_BYTES,
            merge_keys: DEFAULT_MERGE_KEYS.iter().map(|key| (*key).to_owned()).collect(),
            own_log_group: None,
        }
    }
}

/// 256 MiB: an event of 1 MB, the largest that Lambda takes asynchronously, inflates to 5–20 MB in practice.
pub const DEFAULT_MAX_DECOMPRESSED_BYTES: u64 = 256 * 1024 * 1024;

/// Names for `Merge_Log_Key` that vendors' guides use.
const DEFAULT_MERGE_KEYS: [&str; 4] = ["log_obj", "log_processed", "log_parsed", "log_json"];
