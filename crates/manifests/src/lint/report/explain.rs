//! The table of rules, written: one rule for `--explain`, all of them for docs/lint-rules.md.

use std::fmt::Write;

use crate::lint::rule::{LintRule, RuleEdits};
use crate::lint::rules;

/// One rule, for a terminal.
pub fn plain(rule: &LintRule) -> String {
    let mut out = format!(
        "{} ({}), {}\n\n{}.\n\nWhy: {}\nFix: {}\n",
        rule.code,
        rule.name,
        rule.severity.word(),
        rule.title,
        rule.why,
        rule.fix
    );
    match rule.edits {
        RuleEdits::None => (),
        RuleEdits::Safe => out.push_str("`podferry lint --fix` fixes it.\n"),
        RuleEdits::Suggested => {
            out.push_str("`podferry lint --fix --suggested` changes it; look at the change before you keep it.\n");
        }
    }
    if rule.is_preview {
        out.push_str("A preview: only shown with `--preview`.\n");
    }
    out.push_str("\nSources:\n");
    for source in rule.sources {
        let _ = writeln!(out, "  {source}");
    }
    out
}

/// One rule, for SARIF.
pub(crate) fn markdown(rule: &LintRule) -> String {
    let sources: Vec<String> = rule.sources.iter().map(|source| format!("* {source}")).collect();
    format!("{}.\n\n**Why:** {}\n\n**Fix:** {}\n\nSources:\n\n{}\n", rule.title, rule.why, rule.fix, sources.join("\n"))
}

/// What the codes of a hundred are about.
const CHAPTERS: [(&str, &str); 10] = [
    ("PF0", "Any file"),
    ("PF1", "What EKS rejects"),
    ("PF2", "What Fluent Bit rejects or loses"),
    ("PF3", "On the way to Datadog"),
    ("PF4", "Sidecars"),
    ("PF5", "RBAC"),
    ("PF6", "Secrets"),
    ("PF7", "Helm values and the Operator"),
    ("PF8", "Annotations and names"),
    ("PF9", "Across files"),
];

/// All rules, as a page.
pub fn page() -> String {
    let mut out = String::from(
        "# The rules of `podferry lint`\n\
         \n\
         This page is generated from the linter's own table: `podferry lint --explain all`. `podferry lint --explain PF101` prints one rule.\n\
         \n\
         An error is rejected, does not start, or loses logs or tags. A warning works, but not as most people want it. A note is worth knowing and \
         may be intended. `--fix` fixes rules with a ✎; those with a ✐ are changed by `--fix --suggested` only, because the change alters what the \
         manifest means. New rules are previews, shown with `--preview`.\n",
    );
    let all = rules::all();
    for (prefix, title) in CHAPTERS {
        let chapter: Vec<&&LintRule> = all.iter().filter(|rule| rule.code.starts_with(prefix)).collect();
        if chapter.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {title}\n\n| Code | Severity | What is found | Why it matters | What to do | Source |\n| --- | --- | --- | --- | --- | --- |\n"
        );
        for rule in chapter {
            let sources = rule.sources.iter().map(|source| cell(source)).collect::<Vec<_>>().join("; ");
            let mark = match rule.edits {
                RuleEdits::None => "",
                RuleEdits::Safe => " ✎",
                RuleEdits::Suggested => " ✐",
            };
            let preview = if rule.is_preview { "<br>preview" } else { "" };
            let _ = writeln!(
                out,
                "| <a id=\"{}\"></a>{}<br>`{}`{mark}{preview} | {} | {} | {} | {} | {sources} |",
                rule.code.to_ascii_lowercase(),
                rule.code,
                rule.name,
                rule.severity.word(),
                cell(rule.title),
                cell(rule.why),
                cell(rule.fix)
            );
        }
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
