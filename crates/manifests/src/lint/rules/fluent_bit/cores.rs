//! The two cores of Fluent Bit that were looked at, and how bad it is if one of them does not start.
//!
//! AWS chooses the router's version and does not publish it. 1.9.10 is the age of the core that EKS' router was built from; 5.1.1 is what
//! newer ones are like. What stops both is an error. What stops only one may still be in use, so it is milder: a warning for the older core,
//! which pods have most likely got, and a note for the newer one.

use crate::lint::finding::Finding;
use crate::lint::rule::Severity;

/// What was tried with both.
pub(super) const SEEN: &str = "seen with Fluent Bit 1.9.10 and 5.1.1";

/// Which cores a mistake stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoppedCores {
    Both,
    /// 1.9.10 only.
    Older,
    /// 5.1.1 only.
    Newer,
}

impl StoppedCores {
    /// From whether each one is stopped.
    pub(super) fn new(older: bool, newer: bool) -> Option<StoppedCores> {
        match (older, newer) {
            (true, true) => Some(StoppedCores::Both),
            (true, false) => Some(StoppedCores::Older),
            (false, true) => Some(StoppedCores::Newer),
            (false, false) => None,
        }
    }

    /// How bad that is.
    pub(super) fn severity(self) -> Severity {
        match self {
            StoppedCores::Both => Severity::Error,
            StoppedCores::Older => Severity::Warning,
            StoppedCores::Newer => Severity::Note,
        }
    }

    /// As bad as that is; where only one core is stopped, the message says which.
    pub(super) fn tell(self, mut finding: Finding) -> Finding {
        finding.message.push_str(match self {
            StoppedCores::Both => "",
            StoppedCores::Older => ": Fluent Bit 1.9 does not start",
            StoppedCores::Newer => ": Fluent Bit 5 does not start",
        });
        finding.severity(self.severity())
    }
}

/// What is wrong with the arguments of an option.
#[derive(Debug)]
pub(super) struct WrongArgument {
    pub(super) message: String,
    /// None if Fluent Bit starts all the same.
    pub(super) stopped: Option<StoppedCores>,
}
