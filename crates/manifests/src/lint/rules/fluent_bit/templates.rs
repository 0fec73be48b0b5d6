//! Names and tags that are made from records: whether Fluent Bit can read the template, and whether there is anything to fill in.

use super::is_template;
use crate::fluent_bit::parse::Span;
use crate::fluent_bit::template::{RecordTemplate, TemplatePartKind, TemplateProblem};
use crate::lint::cloudwatch::{CloudWatchOutput, outputs};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::tags::{self, PlacedWord};

const ACCESSOR: &str = "fluent/fluent-bit, src/flb_record_accessor.c and src/record_accessor/ra.l";
const OUTPUT: &str = "Fluent Bit manual, \"Amazon CloudWatch\" output, Log Stream and Group Name templating";

pub(crate) static VARIABLE: LintRule = LintRule {
    code: "PF255",
    name: "template-variable",
    severity: Severity::Error,
    title: "A template has a variable that Fluent Bit cannot read",
    why: "A variable ends at a dot, a comma or a blank, and takes in all before it; if Fluent Bit cannot read that, it does not start, so none of the pod's logs are written.",
    fix: "Write a variable as `$kubernetes['namespace_name']`, and put a dot after it if text follows.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[ACCESSOR, OUTPUT, "seen with Fluent Bit 1.9.10 and 5.1.1"],
};

pub(crate) static NEVER_FILLED: LintRule = LintRule {
    code: "PF257",
    name: "template-never-filled",
    severity: Severity::Warning,
    title: "A template uses metadata that no filter adds",
    why: "Where a record lacks a member, the whole template is passed over and the fixed name is used instead, for every log.",
    fix: "Add a Kubernetes filter, as `podferry generate logging` writes it, or remove the template.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[OUTPUT, ACCESSOR, "aws/amazon-cloudwatch-logs-for-fluent-bit, README.md"],
};

pub(crate) static RULES: &[&LintRule] = &[&VARIABLE, &NEVER_FILLED];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let has_metadata = tags::with_metadata(logging);
        for output in outputs(logging) {
            for option in ["log_group_template", "log_stream_template"] {
                let property = output.section.property(option).filter(|_| !output.is_in_go());
                if let Some(property) = property.filter(|property| property.comment().is_none()) {
                    let word = PlacedWord { value: property.value.value.clone(), span: property.value.span };
                    template(output.section, &word, findings);
                }
            }
            in_go(output, findings);
            in_prefix(output, findings);
            if !has_metadata {
                never_filled(output, findings);
            }
        }
        for (filter, rule) in tags::rules(logging) {
            if let Some(tag) = tags::new_tag(rule) {
                template(filter, &tag, findings);
            }
        }
    }
}

fn template(section: PlacedSection<'_, '_>, word: &PlacedWord, findings: &mut Findings) {
    if is_template(&word.value) {
        return;
    }
    let place = |span: Span| {
        let start = word.span.start;
        section.part.text.span(Span { start: start + span.start, end: start + span.end })
    };
    let read = match RecordTemplate::parse(&word.value) {
        Ok(read) => read,
        Err(TemplateProblem { span, behind }) => {
            let variable = word.value.get(span.start..span.end).unwrap_or_default();
            let message = match behind {
                Some(letter) => {
                    format!("Fluent Bit reads `{variable}` as one variable, and does not expect `{letter}` in it")
                }
                None => format!("Fluent Bit cannot read the variable `{variable}`"),
            };
            return findings.push(Finding::new(&VARIABLE, place(span), message));
        }
    };
    for (path, span) in read.members() {
        match path {
            [whole] if whole == "kubernetes" => {
                let message = "`$kubernetes` is all of the metadata, as JSON: a dot ends a variable";
                let finding = Finding::new(&VARIABLE, place(span), message);
                findings.push(finding.fix("Name the member in brackets: `$kubernetes['namespace_name']`."));
            }
            [name, ..] if name.contains('/') => {
                let (first, rest) = name.split_once('/').unwrap_or_default();
                let message = format!("`/` is part of the name here: Fluent Bit looks for a member `{name}`");
                let advice = format!("Put a dot after the variable: `${first}.{rest}`.");
                findings.push(Finding::new(&VARIABLE, place(span), message).severity(Severity::Warning).fix(advice));
            }
            _ => {}
        }
    }
}

/// Variables of AWS's plugin in Go: without a parenthesis it does not start, and what it cannot read it never fills in.
fn in_go(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    for property in ["log_group_name", "log_stream_name"].into_iter().filter_map(|name| output.section.property(name)) {
        let text = property.value.value.as_str();
        let is_group = property.name.value.eq_ignore_ascii_case("log_group_name");
        let message = match RecordTemplate::parse_go(text) {
            _ if !output.is_in_go() => continue,
            None => "a variable has no closing parenthesis",
            Some(_) if is_group && has_open_key(text) => {
                "a key of a variable has no end, at which the plugin crashes, and Fluent Bit with it"
            }
            Some(read) if read.parts.iter().any(|part| part.kind == TemplatePartKind::Broken) => {
                "a variable is not written as the plugin expects, so logs get a default name, or its brackets as they stand"
            }
            Some(_) => continue,
        };
        let finding = Finding::new(&VARIABLE, output.section.value_place(property), message);
        findings.push(finding.fix("Write a variable as `$(kubernetes['namespace_name'])`."));
    }
}

/// Whether a variable of the plugin in Go has a key that begins and does not end. In the name of a log group the plugin writes a dot for a
/// bracket there, into memory that cannot be written. Source: aws/amazon-cloudwatch-logs-for-fluent-bit, cloudwatch/helpers.go,
/// `sanitizeGroup`; valyala/fasttemplate, template.go, `ExecuteFunc`.
fn has_open_key(text: &str) -> bool {
    let mut rest = text;
    while let Some((variable, after)) = rest.split_once("$(").and_then(|(_, behind)| behind.split_once(')')) {
        let mut keys = variable;
        while let Some((_, key)) = keys.split_once("['") {
            match key.split_once("']") {
                Some((_, behind)) => keys = behind,
                None => return true,
            }
        }
        rest = after;
    }
    false
}

/// A prefix is taken as it stands, by either plugin.
fn in_prefix(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let Some(prefix) = output.section.property("log_stream_prefix") else { return };
    let text = prefix.value.value.as_str();
    if text.contains("$(") || text.contains("$kubernetes") || text.contains("$TAG") {
        let message = "nothing is filled in here: the stream's name will begin with this as it stands";
        let finding = Finding::new(&VARIABLE, output.section.value_place(prefix), message).severity(Severity::Warning);
        findings.push(finding.fix("Write a plain prefix; the tag that follows it has pod, namespace and container."));
    }
}

/// Of logs to which no filter adds metadata.
fn never_filled(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let made = [(output.group_template(), "log_group_name"), (output.stream_template(), "log_stream")];
    for (made, instead) in made.into_iter().filter_map(|(made, instead)| Some((made?, instead))) {
        let needs = |path: &[String]| path.first().is_some_and(|root| root == "kubernetes");
        if !made.template.members().any(|(path, _)| needs(path)) {
            continue;
        }
        let instead = match instead {
            _ if output.is_in_go() => "a default name of the plugin",
            "log_stream" if output.section.property("log_stream_prefix").is_some() => "`log_stream_prefix`",
            "log_stream" => "`log_stream_name`",
            _ => "`log_group_name`",
        };
        let message = format!("no filter adds `kubernetes` to these logs, so all of them go to {instead}");
        findings.push(Finding::new(&NEVER_FILLED, output.section.value_place(made.property), message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_open_where_the_plugin_finds_no_end() {
        assert!(["$(kubernetes['pod_name)", "/x/$(a['b']['c])", "$(a)$(b['c)"].into_iter().all(has_open_key));
        let closed = ["$(a['b'])", "$(a[b])", "$(tag)['x", "/x/$(a['b]/$(c['d'])", "$(a['b']x)"];
        assert!(!closed.into_iter().any(has_open_key));
    }
}
