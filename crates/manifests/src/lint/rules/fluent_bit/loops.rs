//! `rewrite_tag` filters that feed themselves: a log with its new tag starts again at the first filter.
//!
//! Source: fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c and plugins/in_emitter/emitter.c.

use super::cores::{SEEN, StoppedCores};
use super::sample_tags::{LONGEST, made, pod_tag};
use crate::fluent_bit::parse::ReadProperty;
use crate::fluent_bit::words::listed;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use pipeline::glob;

pub(crate) static LOOP: LintRule = LintRule {
    code: "PF297",
    name: "tag-feeds-itself",
    severity: Severity::Warning,
    title: "A `rewrite_tag` filter also takes the tag that it gives",
    why: "A log with a new tag runs through all filters again, so this one takes it once more: Fluent Bit 1.9 crashes or does nothing else, newer versions stop after the first round.",
    fix: "Start the new tag with something that the filter's `Match` does not take, and give an output a `Match` for it.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c",
        "Fluent Bit manual, \"Rewrite tag\" filter",
        SEEN,
    ],
};

pub(crate) static RULES: &[&LintRule] = &[&LOOP];

/// So many steps at most, from tag to filter: EKS takes 5300 characters, which is less than a hundred filters.
const MOST_STEPS: usize = 10_000;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let filters = tagging(logging);
        let mut search = LoopSearch { filters: &filters, steps: 0, path: Vec::new(), loops: vec![None; filters.len()] };
        for filter in &filters {
            if let Some(tag) = filter.section.get("Match").and_then(pod_tag) {
                search.follow(&tag);
            }
        }
        for (filter, rule) in filters.iter().zip(search.loops) {
            let Some((rule, through)) = rule else { continue };
            let message = match through {
                0 => "the new tag matches this filter again".to_owned(),
                _ => "the new tag comes back to this filter through others".to_owned(),
            };
            let finding = Finding::new(&LOOP, filter.section.value_place(rule), message);
            let finding = finding.related(filter.section.place_of("Match"), "this takes it");
            findings.push(finding.severity(StoppedCores::Older.severity()));
        }
    }
}

/// A filter that gives tags.
struct TaggingFilter<'b, 'a> {
    section: PlacedSection<'b, 'a>,
    pattern: &'b str,
    /// Each with the tag that it gives, as written.
    rules: Vec<(&'b ReadProperty, String)>,
}

fn tagging<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Vec<TaggingFilter<'b, 'a>> {
    let filters = logging.filters().filter(|filter| filter.plugin() == "rewrite_tag");
    let filter = |section: PlacedSection<'b, 'a>| {
        let rules = section.section.properties.iter().filter(|rule| rule.name.value.eq_ignore_ascii_case("Rule"));
        let with_tag = |rule: &'b ReadProperty| Some((rule, listed(&rule.value.value, 4).get(2)?.clone()));
        TaggingFilter {
            section,
            pattern: section.get("Match").unwrap_or_default(),
            rules: rules.filter_map(with_tag).collect(),
        }
    };
    filters.map(filter).collect()
}

struct LoopSearch<'f, 'b, 'a> {
    filters: &'f [TaggingFilter<'b, 'a>],
    steps: usize,
    /// The filters that made the tag, in their order, each with the rule that did.
    path: Vec<(usize, &'b ReadProperty)>,
    /// For each filter, a rule that leads back to it, and through how many others.
    loops: Vec<Option<(&'b ReadProperty, usize)>>,
}

impl LoopSearch<'_, '_, '_> {
    /// What becomes of a log with a tag. A log is the same on each round, so a rule that fits once fits again.
    fn follow(&mut self, tag: &str) {
        if tag.len() > LONGEST {
            return;
        }
        for (number, filter) in self.filters.iter().enumerate() {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return;
            }
            if !glob::matches(filter.pattern, tag, false) {
                continue;
            }
            if let Some(before) = self.path.iter().position(|(made, _)| *made == number) {
                let through = self.path.len() - before - 1;
                for (made, rule) in self.path.get(before..).unwrap_or_default() {
                    if let Some(found) = self.loops.get_mut(*made) {
                        found.get_or_insert((*rule, through));
                    }
                }
                continue;
            }
            for (rule, new) in &filter.rules {
                self.path.push((number, *rule));
                self.follow(&made(new, tag));
                self.path.pop();
            }
        }
    }
}
