//! One log group: what was found in it, and what is paid for it.

use cost::bill::BillTerms;
use cost::findings::Findings;

/// The lines of a log group, and what is paid for them.
pub(super) struct GroupCost {
    pub(super) findings: Findings,
    pub(super) terms: BillTerms,
}
