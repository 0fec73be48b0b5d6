//! Whether Fluent Bit starts with a ConfigMap: what lint found says so.

use super::core::Core;
use crate::lint::finding::Finding;
use crate::lint::lint;
use crate::lint::project::ExpectedTarget;
use crate::lint::rule::Severity;
use crate::lint::source::SourceFile;

/// Rules whose errors say that Fluent Bit does not start; what they say less strongly stops one core, or none.
pub const DOES_NOT_START: [&str; 18] = [
    // The configuration cannot be read.
    "PF114", "PF117", "PF118", "PF123", // A plugin does not take its options.
    "PF201", "PF202", "PF203", "PF204", "PF205", "PF281", "PF282",
    // A parser, an expression, or what names them.
    "PF211", "PF215", "PF216", // An output lacks what it needs.
    "PF241", "PF242", "PF243", "PF261",
];

/// Rules whose errors say that EKS takes nothing of the ConfigMap, so that no Fluent Bit gets to see it.
pub const REFUSED_BY_EKS: [&str; 8] = ["PF111", "PF112", "PF113", "PF115", "PF116", "PF121", "PF131", "PF132"];

/// What an error says of something with which Fluent Bit runs until a record meets it; the model knows whether one does.
const DIES_LATER: &str = "dies at the first record";

/// The rule that says that an option is newer than the older core.
const NEWER_OPTION: &str = "PF202";

/// Why nothing runs with a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// EKS does not take it.
    ByEks(String),
    /// Fluent Bit does not start.
    ByFluentBit(String),
}

impl Stopped {
    /// What is wrong, as lint says it.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Stopped::ByEks(reason) | Stopped::ByFluentBit(reason) => reason,
        }
    }
}

/// Why nothing runs with the ConfigMap in a manifest; `None` if it does, as far as lint knows.
#[must_use]
pub fn stopped(core: Core, manifest: &SourceFile) -> Option<Stopped> {
    let says = match core {
        Core::Older => "Fluent Bit 1.9 does not start",
        Core::Newer => "Fluent Bit 5 does not start",
    };
    let stops = |finding: Finding| {
        let code = finding.rule.code;
        let is_error = finding.severity == Severity::Error && !finding.message.contains(DIES_LATER);
        let is_of_core = finding.message.contains(says) || (core == Core::Older && code == NEWER_OPTION);
        if DOES_NOT_START.contains(&code) && (is_error || is_of_core) {
            return Some(Stopped::ByFluentBit(finding.message));
        }
        (REFUSED_BY_EKS.contains(&code) && is_error).then_some(Stopped::ByEks(finding.message))
    };
    let findings = lint(std::slice::from_ref(manifest), &ExpectedTarget::default(), &[]).findings;
    let mut found: Vec<Stopped> = findings.into_iter().filter_map(stops).collect();
    found.sort_by_key(|stopped| matches!(stopped, Stopped::ByEks(_)));
    found.into_iter().next()
}
