//! What the lines of a stream add up to, and what a stream without metadata of its own is taken to have.

use crate::copies::PASS_IN_MINUTE;
use crate::findings::Sums;
use crate::line::MetadataBytes;
use crate::prices::EVENT_EVERY_MS;

/// The lines of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LineSums {
    pub(crate) lines: u64,
    pub(crate) lean: u64,
    pub(crate) merged: u64,
    pub(crate) seed: u64,
    pub(crate) copies: u64,
    pub(crate) ticks: u64,
    pub(crate) logs: u64,
    pub(crate) datadog: u64,
}

impl LineSums {
    pub(crate) fn add(&mut self, more: LineSums) {
        self.lines += more.lines;
        self.lean += more.lean;
        self.merged += more.merged;
        self.seed += more.seed;
        self.copies += more.copies;
        self.ticks += more.ticks;
        self.logs += more.logs;
        self.datadog += more.datadog;
    }

    /// Where only moments were seen, windows say nothing: the pod is taken to write evenly.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, of numbers that are small and not negative"
    )]
    pub(crate) fn sampled(&mut self, seconds: f64, lines_of_pod: u64) {
        let passed = (seconds / 60.0 * PASS_IN_MINUTE as f64).min(lines_of_pod as f64);
        let part = if lines_of_pod == 0 { 0.0 } else { self.lines as f64 / lines_of_pod as f64 };
        self.copies = (passed * part).round() as u64;
        let ticks = (seconds * 1000.0 / EVENT_EVERY_MS as f64).ceil() as u64;
        self.ticks = self.lines.min(ticks.max(1));
    }
}

impl Sums {
    pub(crate) fn add_lines(&mut self, lines: &LineSums, known: Option<MetadataBytes>) {
        let mut metadata = known.unwrap_or(MetadataBytes::TYPICAL);
        // Some presets write no name of the cluster; others would.
        if metadata.cluster == 0 {
            metadata.cluster = MetadataBytes::TYPICAL.cluster;
        }
        self.lines += lines.lines;
        self.assumed_lines += if known.is_none() { lines.lines } else { 0 };
        self.lean += lines.lean;
        self.seed += lines.seed;
        self.merged += lines.merged + lines.lines * metadata.beside_line();
        self.standard += lines.lean + lines.lines * (metadata.beside_line() + metadata.cluster_member());
        self.compact += lines.lean + lines.copies * metadata.alone();
        self.copies += lines.copies;
        self.invocations += lines.ticks;
        self.logs += lines.logs;
        self.datadog += lines.datadog;
    }
}

#[derive(Debug, Default)]
pub(crate) struct MetadataMean {
    kubernetes: u64,
    cluster: u64,
    number: u64,
}

impl MetadataMean {
    pub(crate) fn add(&mut self, metadata: MetadataBytes) {
        self.kubernetes += metadata.kubernetes;
        self.cluster += metadata.cluster;
        self.number += 1;
    }

    pub(crate) fn mean(&self) -> Option<MetadataBytes> {
        let of = |sum: u64| sum.checked_div(self.number);
        Some(MetadataBytes { kubernetes: of(self.kubernetes)?, cluster: of(self.cluster)? })
    }
}
