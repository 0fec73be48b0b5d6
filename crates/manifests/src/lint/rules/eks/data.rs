//! The data of the ConfigMap: its keys, what kind of values they have, and how long all is together.

use super::GUIDE;
use crate::lint::finding::{Finding, Findings, FixEdit};
use crate::lint::logging::{LoggingConfigMap, PARTS};
use crate::lint::node::{Scalar, YamlEntry, YamlNode};
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::source::SourceFile;
use crate::logging::MAX_CHARACTERS;

/// Turns Fluent Bit's own log on.
const SWITCH: &str = "flb_log_cw";

/// Names that people give the keys, and what EKS calls them.
const MISNAMED: [(&str, &str); 9] = [
    ("outputs.conf", "output.conf"),
    ("output-conf", "output.conf"),
    ("out.conf", "output.conf"),
    ("filter.conf", "filters.conf"),
    ("filters-conf", "filters.conf"),
    ("parser.conf", "parsers.conf"),
    ("parsers-conf", "parsers.conf"),
    ("flb-log-cw", SWITCH),
    ("flb_log_cloudwatch", SWITCH),
];

pub(crate) static UNKNOWN_KEY: LintRule = LintRule {
    code: "PF104",
    name: "unknown-data-key",
    severity: Severity::Error,
    title: "The ConfigMap has a key that EKS does not know",
    why: "EKS reads `filters.conf`, `output.conf`, `parsers.conf` and `flb_log_cw`; other keys have no effect.",
    fix: "Use one of these keys, or remove this one.",
    edits: RuleEdits::Suggested,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static NOT_TEXT: LintRule = LintRule {
    code: "PF105",
    name: "data-not-text",
    severity: Severity::Error,
    title: "A ConfigMap value is not a string",
    why: "Kubernetes only allows strings in a ConfigMap and rejects the whole object.",
    fix: "Put the value in quotes.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &["Kubernetes API reference, \"ConfigMap\""],
};

pub(crate) static SWITCH_VALUE: LintRule = LintRule {
    code: "PF106",
    name: "process-log-switch",
    severity: Severity::Warning,
    title: "`flb_log_cw` is neither \"true\" nor \"false\"",
    why: "Fluent Bit writes its own log, which says why logs do not arrive, only if the value is \"true\".",
    fix: "Write `flb_log_cw: \"true\"` or `flb_log_cw: \"false\"`.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static TOO_LONG: LintRule = LintRule {
    code: "PF107",
    name: "too-long",
    severity: Severity::Error,
    title: "The configuration is longer than 5300 characters",
    why: "EKS allows 5300 characters; with more, it disables logging for all new pods.",
    fix: "Remove comments and options that are set to their defaults, and merge patterns.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static LONG_MANIFEST: LintRule = LintRule {
    code: "PF108",
    name: "long-manifest",
    severity: Severity::Warning,
    title: "The manifest is longer than 5300 characters, though its data is shorter",
    why: "EKS allows 5300 characters but does not document what it counts.",
    fix: "To be safe, shorten the manifest: remove comments and annotations.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE],
};

pub(crate) static BINARY: LintRule = LintRule {
    code: "PF109",
    name: "binary-data",
    severity: Severity::Error,
    title: "The configuration is under `binaryData`",
    why: "EKS only reads keys under `data`; `binaryData` has no effect.",
    fix: "Move it to `data`, as text.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[GUIDE, "Kubernetes API reference, \"ConfigMap\""],
};

pub(crate) static RULES: &[&LintRule] = &[&UNKNOWN_KEY, &NOT_TEXT, &SWITCH_VALUE, &TOO_LONG, &LONG_MANIFEST, &BINARY];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let source = project.source(logging.object.place());
        let node = logging.object.node;
        if let Some(binary) = node.entry("binaryData") {
            let message = "EKS does not read `binaryData`";
            findings.push(Finding::new(&BINARY, binary.key, message));
        }
        for entry in node.get("data").into_iter().flat_map(YamlNode::entries) {
            key(logging, entry, findings);
            value(entry, source, findings);
        }
        length(logging, source, findings);
    }
}

fn key(logging: &LoggingConfigMap<'_>, entry: YamlEntry<'_>, findings: &mut Findings) {
    let known = || PARTS.iter().map(|(key, _)| *key).chain([SWITCH]);
    if known().any(|key| key == entry.name) || entry.name == "<<" {
        return;
    }
    let lower = entry.name.to_ascii_lowercase();
    let misnamed = MISNAMED.iter().find(|(wrong, _)| *wrong == lower).map(|(_, right)| *right);
    let meant = misnamed.or_else(|| crate::lint::similar::closest(entry.name, known()));
    let message = format!("EKS does not know the key `{}`", entry.name);
    let mut finding = Finding::new(&UNKNOWN_KEY, entry.key, message);
    if let Some(meant) = meant {
        finding = finding.fix(format!("Rename it to `{meant}`."));
        let is_free = logging.object.node.path(&["data", meant]).is_none();
        // A name without any sign that YAML knows goes wherever another one stood, and between its quotes.
        let quotes = usize::from(entry.key.span.end - entry.key.span.start == entry.name.len() + 2);
        let mut span = entry.key.span;
        (span.start, span.end) = (span.start + quotes, span.end - quotes);
        let is_as_written = span.end - span.start == entry.name.len();
        finding = finding.edits((is_free && is_as_written).then(|| FixEdit { span, text: meant.to_owned() }));
    }
    findings.push(finding);
}

fn value(entry: YamlEntry<'_>, source: &SourceFile, findings: &mut Findings) {
    if entry.value.is_tagged() {
        return;
    }
    let text = match entry.value.scalar() {
        Some(Scalar::Text(text)) => text,
        other => {
            let what = match other {
                Some(Scalar::Boolean(_)) => "a boolean",
                Some(Scalar::Number(_)) => "a number",
                Some(Scalar::Null) => "empty",
                _ if entry.value.is_list() => "a list",
                _ => "a map",
            };
            let message = format!("the value of `{}` is {what}, but must be a string", entry.name);
            let scalar = other.filter(|scalar| *scalar != Scalar::Null);
            let edit = scalar.and_then(|_| entry.value.quote(source));
            let place = if other == Some(Scalar::Null) { entry.key } else { entry.value.place() };
            return findings.push(Finding::new(&NOT_TEXT, place, message).edits(edit));
        }
    };
    if entry.name == SWITCH && !["true", "false"].contains(&text) {
        let message = "`flb_log_cw` must be \"true\" or \"false\"";
        let right = ["true", "false"].into_iter().find(|right| right.eq_ignore_ascii_case(text.trim()));
        let edit = right.and_then(|right| entry.value.rewrite(right, source));
        findings.push(Finding::new(&SWITCH_VALUE, entry.value.place(), message).edits(edit));
    }
}

fn length(logging: &LoggingConfigMap<'_>, source: &SourceFile, findings: &mut Findings) {
    let Some(data) = logging.object.node.entry("data") else { return };
    let count = |entry: &YamlEntry<'_>| entry.value.text().map_or(0, |text| text.chars().count());
    let all: usize = data.value.entries().map(|entry| count(&entry)).sum();
    if all > MAX_CHARACTERS {
        let message = format!("the data has {all} characters; EKS allows {MAX_CHARACTERS}");
        let mut finding = Finding::new(&TOO_LONG, data.key, message);
        for entry in data.value.entries().filter(|entry| count(entry) > 0) {
            finding = finding.related(entry.key, format!("{} characters", count(&entry)));
        }
        return findings.push(finding);
    }
    let whole = source.slice(logging.object.node.place().span).chars().count();
    if whole > MAX_CHARACTERS {
        let message = format!(
            "the manifest has {whole} characters, {all} of them data; EKS allows {MAX_CHARACTERS} and does not document what it counts"
        );
        findings.push(Finding::new(&LONG_MANIFEST, logging.object.place(), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::lint;
    use crate::lint::project::ExpectedTarget;
    use crate::lint::source::SourceFile;

    /// The codes that a ConfigMap with data of so many characters gives, if its comment has so many more.
    fn codes(data: usize, comment: usize) -> Vec<&'static str> {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-logging, namespace: aws-observability}}\ndata:\n  # {}\n  parsers.conf: |\n    {}\n",
            "c".repeat(comment),
            "#".repeat(data - 1)
        );
        let report = lint(&[SourceFile::new("one.yaml", &text)], &ExpectedTarget::default(), &[]);
        let codes = report.findings.iter().map(|finding| finding.rule.code);
        codes.filter(|code| ["PF107", "PF108"].contains(code)).collect()
    }

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(codes(5299, 0), ["PF108"]);
        assert_eq!(codes(5300, 0), ["PF108"]);
        assert_eq!(codes(5301, 0), ["PF107"]);
        assert_eq!(codes(5000, 0), Vec::<&str>::new());
        assert_eq!(codes(5000, 300), ["PF108"]);
    }
}
