//! Patterns of `Match`: which logs they take.
//!
//! Source: fluent/fluent-bit, src/flb_router.c, `router_match`: `*` stands for any text, and all else for itself.

use super::words;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{Logging, Section};
use crate::lint::project::Project;
use crate::lint::rule::{Rule, Severity};

const ROUTER: &str = "fluent/fluent-bit, src/flb_router.c";
const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";

/// The tags that EKS' input gives: `<pod>_<namespace>_<container>-<id>` stands for the star.
const TAGS: &str = "kube.var.log.containers.*.log";

/// The tag of Fluent Bit's own log, where `flb_log_cw` is on. Seen in streams that people show: aws-ia/terraform-aws-eks-blueprints,
/// `examples/fargate-serverless/README.md`.
const OWN_TAG: &str = "flblogs.var.log.fluent-bit.log";

pub static NOTHING: Rule = Rule {
    code: "PF271",
    name: "match-of-nothing",
    severity: Severity::Error,
    title: "A pattern of `Match` fits no log",
    why: "EKS tags the logs of pods kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log, so what has this pattern never sees one.",
    fix: "Write `Match kube.*`.",
    is_automatic: false,
    sources: &[GUIDE, ROUTER],
};

pub static EVERYTHING: Rule = Rule {
    code: "PF272",
    name: "match-of-everything",
    severity: Severity::Warning,
    title: "An output takes everything, by `Match *`",
    why: "With the logs of pods it takes what Fluent Bit says of itself, which then looks like logs of a pod.",
    fix: "Write `Match kube.*`.",
    is_automatic: true,
    sources: &[ROUTER, GUIDE],
};

pub static NO_OUTPUT: Rule = Rule {
    code: "PF273",
    name: "new-tag-without-output",
    severity: Severity::Error,
    title: "A new tag fits no output",
    why: "The filter `rewrite_tag` gives logs this tag, and no output takes it, so they are lost.",
    fix: "Give an output a `Match` that fits the tag, or let the tag begin with `kube.`.",
    is_automatic: false,
    sources: &["Fluent Bit manual, \"Rewrite tag\" filter", ROUTER],
};

pub static RULES: &[&Rule] = &[&NOTHING, &EVERYTHING, &NO_OUTPUT];

pub fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let new: Vec<String> = new_tags(logging).map(|(_, tag)| tag).collect();
        for section in logging.filters().chain(logging.outputs()) {
            pattern(section, &new, findings);
        }
        for (filter, tag) in new_tags(logging) {
            let fits = |output: Section<'_, '_>| output.get("Match").is_none_or(|pattern| meet(pattern, &tag));
            if !logging.outputs().any(fits) {
                let message = format!("no output takes the tag `{}`", tag.replace('*', "…"));
                findings.push(Finding::new(&NO_OUTPUT, filter.place_of("Rule"), message));
            }
        }
    }
}

fn pattern(section: Section<'_, '_>, new: &[String], findings: &mut Findings) {
    let Some(property) = section.property("Match").filter(|property| !property.value.value.is_empty()) else { return };
    let pattern = property.value.value.as_str();
    let place = section.value_place(property);
    if pattern == "*" {
        if section.section.name.value.eq_ignore_ascii_case("OUTPUT") {
            let edit = section.part.text.replace(property.value.span, "kube.*");
            findings.push(Finding::new(&EVERYTHING, place, "this output takes everything").edits(edit));
        }
    } else if !meet(pattern, TAGS) && !meet(pattern, OWN_TAG) && !new.iter().any(|tag| meet(pattern, tag)) {
        findings.push(Finding::new(&NOTHING, place, format!("no log has a tag that fits `{pattern}`")));
    }
}

/// The tags that filters give anew; what they take from the record is a star.
fn new_tags<'b, 'a>(logging: &'b Logging<'a>) -> impl Iterator<Item = (Section<'b, 'a>, String)> {
    let filters = logging.filters().filter(|filter| filter.plugin() == "rewrite_tag");
    filters.filter_map(|filter| {
        let rule = filter.property("Rule").filter(|rule| words(rule) == 4)?;
        let tag = rule.value.value.split_whitespace().rev().nth(1)?;
        let mut parts = tag.split('$');
        let mut made = parts.next()?.to_owned();
        for part in parts {
            // A variable ends where something stands that no name has.
            let end = part.find(['.', ',', '-']).unwrap_or(part.len());
            made.push('*');
            made.push_str(part.get(end..).unwrap_or_default());
        }
        Some((filter, made))
    })
}

/// Whether some text fits two patterns.
fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether the rests from here can meet, from the end.
    let mut below = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            let (left, right) = (one.get(at), other.get(to));
            row[to] = match (left, right) {
                (None, None) => true,
                (Some('*'), _) if below[to] => true,
                (Some('*'), Some(_)) => row[to + 1],
                (_, Some('*')) if row[to + 1] => true,
                (Some(_), Some('*')) => below[to],
                (Some(left), Some(right)) => left == right && below[to + 1],
                _ => false,
            };
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet() {
        for fits in [
            "kube.*",
            "*",
            "kube.*_kube-system_*",
            "*.log",
            "kube.var.log.containers.web*",
            "kube.var.log.containers.*.log",
            "k*g",
        ] {
            assert!(meet(fits, TAGS) && meet(TAGS, fits), "{fits}");
        }
        assert!(meet("flblogs.*", OWN_TAG));
        for not in ["app.*", "kube", "kube.*.txt", "kubernetes.*", "", "KUBE.*"] {
            assert!(!meet(not, TAGS) && !meet(TAGS, not), "{not}");
        }
    }
}
