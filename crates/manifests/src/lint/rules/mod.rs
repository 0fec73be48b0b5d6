//! All rules: their table, and the order in which they look. Each file has the rules about one thing: their entries first, then the
//! code that finds.
//!
//! Codes: PF0 any file, PF1 what EKS rejects, PF2 what Fluent Bit rejects or loses, PF3 the way to Datadog, PF4 sidecars, PF5 RBAC,
//! PF6 secrets, PF7 Helm and the Operator, PF8 annotations, PF9 across files.

pub(crate) mod across;
pub(crate) mod annotations;
pub(crate) mod datadog;
pub(crate) mod eks;
pub(crate) mod fluent_bit;
pub(crate) mod install;
pub(crate) mod names;
pub(crate) mod rbac;
pub(crate) mod secrets;
pub(crate) mod sidecar;
pub(crate) mod source;

use super::finding::Findings;
use super::project::Project;
use super::rule::LintRule;

/// What the rules of a file are called by, and which they are.
type RuleGroup = (&'static [&'static LintRule], fn(&Project<'_>, &mut Findings));

const GROUPS: &[RuleGroup] = &[
    (source::RULES, source::check),
    (eks::place::RULES, eks::place::check),
    (eks::data::RULES, eks::data::check),
    (eks::sections::RULES, eks::sections::check),
    (eks::indentation::RULES, eks::indentation::check),
    (eks::plugins::RULES, eks::plugins::check),
    (fluent_bit::options::RULES, fluent_bit::options::check),
    // Its findings are made by whoever reads the option.
    (fluent_bit::values::RULES, |_, _| {}),
    (fluent_bit::parser_names::RULES, fluent_bit::parser_names::check),
    (fluent_bit::parsers::RULES, fluent_bit::parsers::check),
    (fluent_bit::times::RULES, fluent_bit::times::check),
    (fluent_bit::expressions::RULES, fluent_bit::expressions::check),
    (fluent_bit::kubernetes::RULES, fluent_bit::kubernetes::check),
    (fluent_bit::cloudwatch::RULES, fluent_bit::cloudwatch::check),
    (fluent_bit::outputs::RULES, fluent_bit::outputs::check),
    (fluent_bit::names::RULES, fluent_bit::names::check),
    (fluent_bit::templates::RULES, fluent_bit::templates::check),
    (fluent_bit::comments::RULES, fluent_bit::comments::check),
    (fluent_bit::matching::RULES, fluent_bit::matching::check),
    (fluent_bit::new_tags::RULES, fluent_bit::new_tags::check),
    (fluent_bit::text_keys::RULES, fluent_bit::text_keys::check),
    (fluent_bit::filters::RULES, fluent_bit::filters::check),
    (fluent_bit::arguments::RULES, fluent_bit::arguments::check),
    (fluent_bit::grep::RULES, fluent_bit::grep::check),
    (fluent_bit::plain_names::RULES, fluent_bit::plain_names::check),
    (fluent_bit::throttle::RULES, fluent_bit::throttle::check),
    (fluent_bit::log_key::RULES, fluent_bit::log_key::check),
    (fluent_bit::loops::RULES, fluent_bit::loops::check),
    (fluent_bit::lost::RULES, fluent_bit::lost::check),
    (fluent_bit::differing::RULES, fluent_bit::differing::check),
    (datadog::metadata::RULES, datadog::metadata::check),
    (datadog::members::RULES, datadog::members::check),
    (datadog::stream::RULES, datadog::stream::check),
    (datadog::output::RULES, datadog::output::check),
    (datadog::metadata_records::RULES, datadog::metadata_records::check),
    (datadog::cost::RULES, datadog::cost::check),
    (install::values::RULES, install::values::check),
    (install::operator::RULES, install::operator::check),
    (install::injection::RULES, install::injection::check),
    (install::selectors::RULES, install::selectors::check),
    (install::env::RULES, install::env::check),
    (install::credentials::RULES, install::credentials::check),
    (install::versions::RULES, install::versions::check),
    (across::log_group::RULES, across::log_group::check),
    (across::permissions::RULES, across::permissions::check),
    (across::streams::RULES, across::streams::check),
    (across::subscriptions::RULES, across::subscriptions::check),
    (across::centralised::RULES, across::centralised::check),
    (across::metadata_setting::RULES, across::metadata_setting::check),
    (across::twice::RULES, across::twice::check),
    (across::profiles::RULES, across::profiles::check),
    (across::profile_limits::RULES, across::profile_limits::check),
    (across::clusters::RULES, across::clusters::check),
    (sidecar::identity::RULES, sidecar::identity::check),
    (sidecar::intake::RULES, sidecar::intake::check),
    (sidecar::cluster_agent::RULES, sidecar::cluster_agent::check),
    (sidecar::image::RULES, sidecar::image::check),
    (sidecar::features::RULES, sidecar::features::check),
    (sidecar::pod::RULES, sidecar::pod::check),
    (sidecar::label::RULES, sidecar::label::check),
    (names::RULES, names::check),
    (rbac::roles::RULES, rbac::roles::check),
    (rbac::bindings::RULES, rbac::bindings::check),
    (rbac::refused::RULES, rbac::refused::check),
    (secrets::RULES, secrets::check),
    (annotations::names::RULES, annotations::names::check),
    (annotations::admission::RULES, annotations::admission::check),
    (annotations::checks::RULES, annotations::checks::check),
    (annotations::logs::RULES, annotations::logs::check),
    (annotations::tags::RULES, annotations::tags::check),
];

/// All rules, by their codes.
pub fn all() -> Vec<&'static LintRule> {
    let mut all: Vec<&'static LintRule> = GROUPS.iter().flat_map(|(rules, _)| rules.iter().copied()).collect();
    all.sort_by_key(|rule| rule.code);
    all
}

/// The rule of a code or a name.
pub fn find(code: &str) -> Option<&'static LintRule> {
    all().into_iter().find(|rule| rule.code.eq_ignore_ascii_case(code) || rule.name == code)
}

pub(super) fn check(project: &Project<'_>, findings: &mut Findings) {
    GROUPS.iter().for_each(|(_, check)| check(project, findings));
}
