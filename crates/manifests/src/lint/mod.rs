//! `podferry lint`: what EKS, Fluent Bit and Datadog would reject, or would lose silently.
//!
//! ```text
//!  Source ─▶ parsed YAML ─▶ Project (objects, across files) ─▶ rules ─▶ findings ─▶ less what is allowed ─▶ LintReport
//!                                └─ logging: Fluent Bit's configuration inside the ConfigMap, with places
//! ```
//!
//! * A rule is an entry of a table ([`rule`]) and code beside it ([`rules`]), which sees all documents ([`project`]) as values that
//!   know their places ([`node`], [`embedded`]).
//! * [`report`] writes findings for people, for programs, for SARIF and for GitHub; [`fix`] makes the changes of those that have some.
//!
//! Pure: texts in, findings out. Files are the work of `cli::lint`.

pub(crate) mod access;
pub(crate) mod allow;
pub(crate) mod chart;
pub(crate) mod cloudwatch;
pub(crate) mod embedded;
pub mod finding;
pub mod fix;
pub(crate) mod identity;
pub(crate) mod installation;
pub(crate) mod json;
pub(crate) mod kustomize;
pub(crate) mod logging;
pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod parsed;
pub(crate) mod placeholder;
pub(crate) mod pod;
pub(crate) mod policy;
pub(crate) mod positions;
pub mod project;
pub mod report;
pub mod rule;
pub mod rules;
pub(crate) mod secrets;
pub(crate) mod sidecar;
pub(crate) mod similar;
pub mod source;
pub(crate) mod subscription;
pub(crate) mod tags;
pub(crate) mod template;
pub(crate) mod template_marks;
pub(crate) mod unrendered;

use std::collections::{BTreeMap, HashSet};

use allow::Allow;
use chart::Charts;
use finding::{Finding, Findings};
use object::DocumentKind;
use project::{ExpectedTarget, Parsed, Project};
use report::LintReport;
use source::{Place, SourceFile};

/// Checks sources together.
///
/// `allowed` are codes that are not reported at all.
pub fn lint(sources: &[SourceFile], expected: &ExpectedTarget, allowed: &[String]) -> LintReport {
    let parsed: Vec<Parsed> = sources.iter().map(Parsed::new).collect();
    let anchors: Vec<_> = parsed.iter().map(Parsed::anchors).collect();
    let objects = project::objects(&parsed, &anchors);
    let charts = Charts::find(&objects, sources, &parsed);
    let chart_anchors = charts.anchors(&anchors);
    let project = Project::new(sources, (&parsed, &anchors), objects, (&charts, &chart_anchors), expected);
    let mut findings = Findings::default();
    rules::check(&project, &mut findings);
    let known = || project.objects.iter().filter(|object| object.what != DocumentKind::Other);
    let documents = known().filter(|object| object.what != DocumentKind::Chart && !object.is_within).count();
    let recognised: HashSet<usize> = known().map(|object| object.source).collect();
    let is_unrecognised = |number: &usize| !recognised.contains(number) && parsed[*number].unread.is_empty();
    let unrecognised = (0..parsed.len()).filter(is_unrecognised).collect();
    let allows: Vec<Vec<Allow>> =
        sources.iter().enumerate().map(|(number, source)| allows_of(&project, number, source)).collect();
    let (mut findings, mut facts) = findings.into_parts();
    findings.retain(|finding| *finding.rule == rules::source::UNRENDERED || !project.is_open(finding.place));
    for finding in &mut findings {
        let source = finding.place.source;
        if !finding.edits.iter().all(|edit| charts.is_editable(source, edit)) {
            finding.edits.clear();
        }
    }
    facts.retain(|fact| !project.is_open(fact.place));
    let secrets = secrets::find(&project);
    LintReport { documents, unrecognised, facts, secrets, ..without_allowed(findings, &allows, allowed) }
}

/// The comments of a source that allow something; not those in what was not checked.
fn allows_of(project: &Project<'_>, number: usize, source: &SourceFile) -> Vec<Allow> {
    let mut allows = allow::allows(source);
    allows.retain(|allow| {
        let place = Place { source: number, span: allow.span };
        !project.is_open(place) && !project.is_unread(place)
    });
    allows
}

/// Takes out what is allowed, and says which comments allow nothing.
fn without_allowed(findings: Vec<Finding>, allows: &[Vec<Allow>], allowed: &[String]) -> LintReport {
    let mut used: Vec<Vec<bool>> = allows.iter().map(|allows| vec![false; allows.len()]).collect();
    let by_line: Vec<BTreeMap<usize, Vec<usize>>> = allows.iter().map(|allows| allow::by_line(allows)).collect();
    let before = findings.len();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let source = finding.place.source;
        let comments = allows.get(source).map_or(&[][..], Vec::as_slice);
        // Those of the line that the finding is in; there may be several.
        let of_line = by_line.get(source).and_then(|lines| lines.range(..=finding.place.span.start).next_back());
        let numbers = of_line.map_or(&[][..], |(_, numbers)| numbers);
        let mut is_covered = false;
        for number in numbers.iter().filter(|number| comments[**number].covers(&finding)) {
            used[source][*number] = true;
            is_covered = true;
        }
        if !is_covered && !allowed.iter().any(|code| code.eq_ignore_ascii_case(finding.rule.code)) {
            kept.push(finding);
        }
    }
    let hidden = before - kept.len();
    for (source, (comments, used)) in allows.iter().zip(&used).enumerate() {
        for (comment, used) in comments.iter().zip(used) {
            let place = Place { source, span: comment.span };
            rules::source::check_allow(comment, rules::find(&comment.code), place, *used, &mut kept);
        }
    }
    let is_kept = |finding: &Finding| !allowed.iter().any(|code| code.eq_ignore_ascii_case(finding.rule.code));
    kept.retain(is_kept);
    kept.sort_by_key(|finding| (finding.place.source, finding.place.span.start, finding.rule.code));
    kept.dedup();
    LintReport { findings: kept, allowed: hidden, ..LintReport::default() }
}
