//! What the pure part has to know.

use super::compress::Compression;
use super::known_annotations::KnownAnnotations;
use super::processing::ProcessingSettings;
use super::recent::Recent;
use super::tags::TagSettings;

/// The settings of the pipeline.
#[derive(Debug, Clone)]
pub struct PipelineSettings {
    pub tags: TagSettings,
    pub processing: ProcessingSettings,
    /// Annotations that were read and compiled before. It changes how long things take, not what comes of them, but for
    /// records whose pod's metadata is missing: see [`KnownAnnotations::recall`].
    pub known: KnownAnnotations,
    /// Logs that were delivered before; what is in there is left out.
    pub recent: Recent,
    pub compression: Compression,
    /// `PODFERRY_MAX_DECOMPRESSED_BYTES`.
    pub max_decompressed_bytes: u64,
    /// Names that `Merge_Log_Key` may have been given.
    pub merge_keys: Vec<String>,
    /// The function's own log group: its logs are refused, they would feed themselves.
    pub own_log_group: Option<String>,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            tags: TagSettings::default(),
            processing: ProcessingSettings::default(),
            known: KnownAnnotations::default(),
            recent: Recent::default(),
            compression: Compression::default(),
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
