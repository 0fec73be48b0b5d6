//! Subscribing log groups to the forwarder, and taking that back.
//!
//! ```text
//!  groups, filters, function's policy ─▶ plan, permission, account_policy (pure) ─▶ shown, confirmed ─▶ apply
//! ```
//!
//! What stands already is left as it is, so a second run changes nothing; and what is not ours is never touched. Ours is a filter
//! whose destination is the function, whoever has made it: `template.yaml` makes filters, too, with names that CloudFormation
//! chooses.

pub(crate) mod account_policy;
pub(crate) mod apply;
pub(crate) mod permission;
pub(crate) mod plan;

/// The name of filters, and of the account's policy, that `podferry subscribe` makes, unless another is given.
pub(crate) const FILTER_NAME: &str = "podferry";

/// Whether two ARNs are of one function, whatever version or alias they name.
#[must_use]
pub(crate) fn is_same_function(one: &str, other: &str) -> bool {
    unqualified(one) == unqualified(other)
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, without what may follow.
fn unqualified(arn: &str) -> &str {
    let end = arn.match_indices(':').nth(6).map_or(arn.len(), |(at, _)| at);
    arn.get(..end).unwrap_or(arn)
}
