//! Subscribes log groups to the forwarder, and unsubscribes them.
//!
//! ```text
//!  groups, filters, function's policy ─▶ plan, permission, account_policy (pure) ─▶ shown, confirmed ─▶ apply
//! ```
//!
//! What already exists is left as it is, so a second run changes nothing; and what is not ours is never touched. Ours is every filter
//! whose destination is the function, whoever made it: `template.yaml` makes filters too, with names that CloudFormation chooses.

pub(crate) mod account_policy;
pub(crate) mod apply;
pub(crate) mod permission;
pub(crate) mod plan;

use super::function::LATEST;

/// The default name for filters and for the account policy that `podferry subscribe` makes.
pub(crate) const FILTER_NAME: &str = "podferry";

/// Whether two ARNs name the same function, whatever the version or alias.
#[must_use]
pub(crate) fn is_same_function(one: &str, other: &str) -> bool {
    unqualified(one) == unqualified(other)
}

/// The version or alias in a function's ARN, where it names one.
#[must_use]
pub(crate) fn qualifier(arn: &str) -> Option<&str> {
    arn.splitn(8, ':').nth(7).filter(|qualifier| *qualifier != LATEST)
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, without what may follow.
fn unqualified(arn: &str) -> &str {
    let end = arn.match_indices(':').nth(6).map_or(arn.len(), |(at, _)| at);
    arn.get(..end).unwrap_or(arn)
}
