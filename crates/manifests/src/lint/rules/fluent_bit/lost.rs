//! Settings that lose every log, though Fluent Bit starts with them and says nothing.

use super::cores::SEEN;
use super::{definitions, is_cri};
use crate::fluent_bit::parse::ReadProperty;
use crate::fluent_bit::words::listed;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static ALL_LOST: LintRule = LintRule {
    code: "PF295",
    name: "all-logs-lost",
    severity: Severity::Error,
    title: "A setting loses every log",
    why: "Fluent Bit starts and reports nothing, but no log gets past this.",
    fix: "Remove the line.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[
        "fluent/fluent-bit, plugins/filter_kubernetes/kubernetes.c",
        "fluent/fluent-bit, src/flb_parser.c",
        SEEN,
    ],
};

pub(crate) static MATCH_REGEX: LintRule = LintRule {
    code: "PF293",
    name: "match-regex-start",
    severity: Severity::Error,
    title: "A `Match_Regex` matches no tag from its beginning",
    why: "The expression has to match from the tag's first character on, and tags of pods begin with kube.var.log.containers., so this section never sees a log.",
    fix: "Start the expression with `kube\\.` or with `.*`.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &["fluent/fluent-bit, src/flb_router.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&MATCH_REGEX, &ALL_LOST];

/// How the tags begin that EKS gives to pods' logs and to Fluent Bit's own. Source: Amazon EKS User Guide, "Fargate logging".
const TAGS: [&str; 2] = ["kube.var.log.containers.", "flblogs."];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let new_tags = new_tags(logging);
        for section in logging.filters().chain(logging.outputs()) {
            match_regex(section, &new_tags, findings);
        }
        for filter in logging.filters() {
            match filter.plugin().as_str() {
                "kubernetes" if filter.is_on("Use_Journal") == Some(true) => {
                    let message = "the filter then looks for what systemd's journal has, and drops everything";
                    findings.push(Finding::new(&ALL_LOST, filter.place_of("Use_Journal"), message));
                }
                "parser" => typed_line(logging, filter, findings),
                _ => {}
            }
        }
    }
}

/// `Types log:integer`: the line becomes the number at its beginning, or 0; the older core then does not come to an end where it is merged.
fn typed_line(logging: &LoggingConfigMap<'_>, filter: PlacedSection<'_, '_>, findings: &mut Findings) {
    for parser in definitions(logging, &filter).into_iter().filter(is_cri) {
        let Some(types) = parser.property("Types") else { continue };
        let mut lines = types.value.value.split_whitespace().filter_map(|of| of.split_once(':'));
        if let Some((name, kind)) = lines.find(|(name, kind)| ["log", "message"].contains(name) && *kind != "string") {
            let message = format!("`{name}` becomes of type {kind}, so the text of every line is lost");
            findings.push(Finding::new(&ALL_LOST, parser.value_place(types), message));
        }
    }
}

/// The beginnings of new tags, up to their first variable; where there is none, any tag is possible.
fn new_tags(logging: &LoggingConfigMap<'_>) -> Vec<String> {
    let filters = logging.filters().filter(|filter| filter.plugin() == "rewrite_tag");
    let properties = filters.flat_map(|filter| filter.section.properties.iter());
    let rules = properties.filter(|rule| rule.name.value.eq_ignore_ascii_case("Rule"));
    let tag = |rule: &ReadProperty| listed(&rule.value.value, 4).get(2).cloned();
    rules.filter_map(tag).map(|tag| tag.split('$').next().unwrap_or_default().to_owned()).collect()
}

fn match_regex(section: PlacedSection<'_, '_>, new_tags: &[String], findings: &mut Findings) {
    let Some(property) = section.property("Match_Regex").filter(|_| section.property("Match").is_none()) else {
        return;
    };
    let pattern = property.value.value.as_str();
    let mut tags = TAGS.into_iter().chain(new_tags.iter().map(String::as_str));
    if !tags.any(|tag| may_begin(pattern, tag)) {
        let message = format!("no tag begins with what `{pattern}` wants");
        findings.push(Finding::new(&MATCH_REGEX, section.value_place(property), message));
    }
}

/// Whether an expression may match from the beginning of a text: as far as it is plain characters and dots, they are compared; anything
/// else may be anything.
fn may_begin(pattern: &str, text: &str) -> bool {
    let pattern = pattern.trim_start_matches('^');
    if pattern.contains('|') && !pattern.contains('(') {
        return pattern.split('|').any(|one| may_begin(one, text));
    }
    let mut letters = pattern.chars().peekable();
    let mut tag = text.chars();
    while let Some(letter) = letters.next() {
        let wanted = match letter {
            '\\' => match letters.next() {
                Some(escaped) if !escaped.is_ascii_alphanumeric() => Some(escaped),
                _ => return true,
            },
            '.' => None,
            letter if "()[]{}*+?|$/".contains(letter) => return true,
            letter => Some(letter),
        };
        // A repeat changes what stands before it.
        if letters.peek().is_some_and(|next| "*+?{".contains(*next)) {
            return true;
        }
        match tag.next() {
            None => return true,
            Some(found) if wanted.is_some_and(|wanted| wanted != found) => return false,
            Some(_) => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_begin_a_tag_matches() {
        for fits in [
            ".*nginx",
            "kube",
            "^kube",
            r"kube\.var\.log\.containers\.[^_]+_shop_.*",
            "k?nginx",
            "(?:web|app)",
            "",
            "kube.va",
            "x|kube",
        ] {
            assert!(may_begin(fits, TAGS[0]), "{fits}");
        }
        for not in ["nginx", "^nginx", "kube_var", r"kube\.var\.logs", "x|nginx", "KUBE"] {
            assert!(!may_begin(not, TAGS[0]), "{not}");
        }
    }
}
