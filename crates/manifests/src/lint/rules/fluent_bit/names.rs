//! Names in AWS that outputs write to: the region, the log group, the log stream. Whether there can be such a thing.

use super::is_template;
use crate::fluent_bit::cloudwatch_names::{MAX_NAME, RESERVED, is_of_group, is_of_stream};
use crate::fluent_bit::parse::{ReadProperty, Span};
use crate::fluent_bit::template::{RecordTemplate, TemplatePartKind};
use crate::lint::cloudwatch::{CloudWatchOutput, outputs};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar;
use crate::lint::tags::{NewTag, new_tags};
use pipeline::partition::is_region;

const GROUPS: &str = "Amazon CloudWatch Logs API Reference, \"CreateLogGroup\"";
const STREAMS: &str = "Amazon CloudWatch Logs API Reference, \"CreateLogStream\"";
const CODE: &str = "fluent/fluent-bit, plugins/out_cloudwatch_logs/cloudwatch_api.c";
const IN_GO: &str = "aws/amazon-cloudwatch-logs-for-fluent-bit, cloudwatch/helpers.go";

pub(crate) static REGION: LintRule = LintRule {
    code: "PF252",
    name: "unknown-region",
    severity: Severity::Error,
    title: "An output's region is not one of AWS's",
    why: "Fluent Bit sends logs to an address that is made from the region, and there is none of this name, so none of the pod's logs arrive.",
    fix: "Write the cluster's region as AWS does, such as `eu-west-1`.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &[
        "botocore, botocore/data/partitions.json",
        "fluent/fluent-bit, src/aws/flb_aws_util.c, `flb_aws_endpoint`",
    ],
};

pub(crate) static GROUP: LintRule = LintRule {
    code: "PF253",
    name: "log-group-name",
    severity: Severity::Error,
    title: "CloudWatch Logs does not allow this name for a log group",
    why: "The group cannot be created, so every write fails and the logs are lost; AWS's Go plugin writes a dot for each such character.",
    fix: "Use letters, digits and `_ - / . #`, at most 512 of them, such as /aws/eks/<cluster>/fargate with the cluster's name.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &[GROUPS, CODE, IN_GO],
};

pub(crate) static STREAM: LintRule = LintRule {
    code: "PF254",
    name: "log-stream-name",
    severity: Severity::Error,
    title: "CloudWatch Logs does not allow this name for a log stream",
    why: "The stream cannot be created, so every write fails and the logs are lost.",
    fix: "Use a name without `:` and `*`, and without quotes and backslashes, which Fluent Bit 1.9 does not escape; at most 512 characters.",
    edits: RuleEdits::Safe,
    is_preview: true,
    sources: &[STREAMS, CODE, "seen with Fluent Bit 1.9.10"],
};

pub(crate) static RULES: &[&LintRule] = &[&REGION, &GROUP, &STREAM];

/// Outputs that send to a region, and what they call it. Source: fluent/fluent-bit, plugins/out_es/es.c; the READMEs of AWS's plugins.
const REGIONAL: [(&str, &str); 6] = [
    ("cloudwatch_logs", "region"),
    ("cloudwatch", "region"),
    ("kinesis_firehose", "region"),
    ("firehose", "region"),
    ("kinesis", "region"),
    ("es", "AWS_Region"),
];

/// For "did you mean". Source: botocore, botocore/data/partitions.json.
const REGIONS: [&str; 22] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-gov-west-1",
    "us-gov-east-1",
    "ca-central-1",
    "sa-east-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "cn-north-1",
    "cn-northwest-1",
    "eusc-de-east-1",
];

/// The shortest tag of a pod: `kube.var.log.containers.`, names of one letter, and an id of 64.
const MIN_TAG: usize = "kube.var.log.containers.p_n_c-.log".len() + 64;

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        logging.outputs().for_each(|section| region(section, findings));
        let mut new = new_tags(logging);
        new.retain(|tag| wrong_in_tag(tag).is_some());
        for output in outputs(logging) {
            group(output, findings);
            stream(output, &new, findings);
        }
    }
}

/// What has a comment behind it, or is filled in by another tool first, is not judged here.
fn known<'b>(section: PlacedSection<'b, '_>, name: &str) -> Option<&'b ReadProperty> {
    let is_known = |value: &str| !value.is_empty() && !is_template(value);
    section.property(name).filter(|property| is_known(&property.value.value) && property.comment().is_none())
}

/// What is between quotes, and where.
fn unquoted(property: &ReadProperty) -> Option<(&str, Span)> {
    let (text, span) = (property.value.value.as_str(), property.value.span);
    let inside = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
    Some((inside, Span { start: span.start + 1, end: span.end - 1 }))
}

const QUOTED: &str = "Remove the quotes: Fluent Bit takes them for a part of the value.";

fn region(section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let plugin = section.plugin();
    let Some((_, option)) = REGIONAL.iter().find(|(name, _)| *name == plugin) else { return };
    let Some(property) = known(section, option) else { return };
    let text = property.value.value.as_str();
    // Behind an endpoint of its own there may be something that only looks like AWS, and `es` only signs for a region if it signs.
    let is_unused = section.is_of("es") && section.is_on("AWS_Auth") != Some(true);
    if is_region(text) || is_unused || section.property("endpoint").is_some() {
        return;
    }
    let finding = Finding::new(&REGION, section.value_place(property), format!("`{text}` is not a region of AWS"));
    let replace = |meant: &str| section.part.text.replace(property.value.span, meant);
    let lower = text.to_ascii_lowercase();
    findings.push(match unquoted(property).filter(|(inside, _)| is_region(inside)) {
        Some((inside, _)) => finding.fix(QUOTED).edits(replace(inside)),
        None if is_region(&lower) => finding.fix(format!("Write `{lower}`.")).edits(replace(&lower)),
        None => match similar::closest(text, REGIONS) {
            Some(meant) => finding.fix(format!("Did you mean `{meant}`?")),
            None => finding,
        },
    });
}

fn group(output: CloudWatchOutput<'_, '_>, findings: &mut Findings) {
    let section = output.section;
    // In the name of the plugin in Go only what is not a variable is as written, and it makes dots of what is not allowed.
    let is_made =
        |name: &str| output.group_template().is_some_and(|made| made.property.name.value.eq_ignore_ascii_case(name));
    let is_read = |text: &str| !output.is_in_go() || RecordTemplate::parse_go(text).is_some();
    let name = known(section, "log_group_name").filter(|_| !is_made("log_group_name"));
    // A variable of the shell is another rule's; what is around it stays.
    let around = section.get("log_group_name").filter(|text| text.contains("${") && !output.is_in_go());
    let around = around.map(without_variables);
    if let Some(advice) = around.filter(|text| !is_template(text)).and_then(|text| literal(output, &text)) {
        let message = "the name has `$`, and CloudWatch Logs refuses it";
        findings.push(Finding::new(&GROUP, section.place_of("log_group_name"), message).fix(advice));
    }
    // A variable without an end is another rule's.
    if let Some(property) = name.filter(|name| is_read(&name.value.value)) {
        let text = property.value.value.as_str();
        let wrong = text.chars().find(|letter| !is_of_group(*letter));
        let place = section.value_place(property);
        if let Some(inside) = unquoted(property).filter(|(inside, _)| inside.chars().all(is_of_group)) {
            let edit = section.part.text.replace(property.value.span, inside.0);
            findings.push(Finding::new(&GROUP, place, "the quotes are part of the name").fix(QUOTED).edits(edit));
        } else if let Some(wrong) = wrong {
            let effect = if output.is_in_go() {
                "the group is named with dots in their place"
            } else {
                "CloudWatch Logs refuses it"
            };
            let message = format!("the name has `{wrong}`, and {effect}");
            let finding = Finding::new(&GROUP, place, message);
            findings.push(match literal(output, text) {
                Some(advice) => finding.fix(advice),
                None => finding,
            });
        } else if text.starts_with(RESERVED) {
            let edit = section.part.text.replace(property.value.span, &format!("/{text}"));
            let message = "names that start with `aws/` are AWS's own";
            findings.push(Finding::new(&GROUP, place, message).fix(format!("Write `/{text}`.")).edits(edit));
        } else if text.len() > MAX_NAME {
            let message = format!("the name has {} characters; CloudWatch Logs allows {MAX_NAME}", text.len());
            findings.push(Finding::new(&GROUP, place, message));
        }
    }
    let Some(made) = output.group_template() else { return };
    let texts = made.template.parts.iter().filter_map(|part| match &part.kind {
        TemplatePartKind::Text(text) => Some((text, part.span)),
        _ => None,
    });
    let start = made.property.value.span.start;
    for (text, span) in texts.filter(|(text, _)| !is_template(text)) {
        if let Some(wrong) = text.chars().find(|letter| !is_of_group(*letter)) {
            let place = section.part.text.span(Span { start: start + span.start, end: start + span.end });
            findings.push(Finding::new(&GROUP, place, format!("the name will have `{wrong}`")));
            return;
        }
    }
    let starts = |text: &str| text.starts_with(RESERVED);
    if made
        .template
        .parts
        .first()
        .is_some_and(|part| matches!(&part.kind, TemplatePartKind::Text(text) if starts(text)))
    {
        let message = "names that start with `aws/` are AWS's own";
        findings.push(Finding::new(&GROUP, section.value_place(made.property), message).fix("Start it with `/aws/`."));
    }
}

/// A text without `${…}`.
fn without_variables(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('}').map_or("", |(_, after)| after))
}

/// What to do about a variable that the plugin does not know here, or that another tool was to fill in.
fn literal(output: CloudWatchOutput<'_, '_>, text: &str) -> Option<String> {
    if !text.contains('$') {
        return None;
    }
    let is_of_go = RecordTemplate::parse_go(text).is_some_and(|template| template.has_variable());
    Some(match is_of_go && !output.is_in_go() {
        true => "Only AWS's Go plugin, `cloudwatch`, fills in `$(…)`. Write a name without variables; in `cloudwatch_logs`, `log_group_template` has them."
            .to_owned(),
        false => "Write the name itself: a `$` is a letter like others here. If a tool fills it in, check what it makes.".to_owned(),
    })
}

fn stream(output: CloudWatchOutput<'_, '_>, new: &[NewTag<'_, '_>], findings: &mut Findings) {
    let section = output.section;
    let mut is_told = false;
    for (option, most) in [("log_stream_prefix", MAX_NAME - MIN_TAG), ("log_stream_name", MAX_NAME)] {
        let Some(property) = known(section, option) else { continue };
        let text = property.value.value.as_str();
        // The plugin in Go escapes what it writes; and in a name, but not in a prefix, it makes dots of what is not allowed.
        let is_wrong = |letter: &char| match output.is_in_go() {
            true => option == "log_stream_prefix" && ":*".contains(*letter),
            false => ":*\"\\".contains(*letter),
        };
        let place = section.value_place(property);
        if let Some(wrong) = text.chars().find(is_wrong) {
            is_told = true;
            let inside = unquoted(property).filter(|(inside, _)| !inside.chars().any(|letter| is_wrong(&letter)));
            let finding = match inside {
                Some((inside, _)) => {
                    let edit = section.part.text.replace(property.value.span, inside);
                    Finding::new(&STREAM, place, "the quotes are part of the name").fix(QUOTED).edits(edit)
                }
                None => Finding::new(&STREAM, place, format!("the name has `{wrong}`")),
            };
            findings.push(finding);
        } else if text.chars().count() > most {
            let message = format!("with {} characters here, the name is longer than {MAX_NAME}", text.chars().count());
            findings.push(Finding::new(&STREAM, place, message));
        }
    }
    // The prefix is followed by the tag.
    if section.property("log_stream_prefix").is_none() || output.stream_template().is_some() || is_told {
        return;
    }
    for tag in new.iter().filter(|tag| tag.form.reaches(&section)) {
        if let Some(wrong) = wrong_in_tag(tag) {
            let message = format!("the tag, and so the log stream's name, has `{wrong}`");
            let finding = Finding::new(&STREAM, tag.filter.value_place(tag.rule), message);
            findings.push(finding.related(section.place_of("log_stream_prefix"), "the tag follows this"));
        }
    }
}

/// What a new tag has that no stream's name may have.
fn wrong_in_tag(tag: &NewTag<'_, '_>) -> Option<char> {
    tag.title().chars().find(|letter| !is_of_stream(*letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::lint;
    use crate::lint::project::ExpectedTarget;
    use crate::lint::source::SourceFile;

    fn codes(output: &str) -> Vec<&'static str> {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-logging, namespace: aws-observability}}\ndata:\n  output.conf: |\n    [OUTPUT]\n        Name cloudwatch_logs\n        Match kube.*\n{output}"
        );
        let report = lint(&[SourceFile::new("one.yaml", &text)], &ExpectedTarget::default(), &[]);
        let codes = report.findings.iter().map(|finding| finding.rule.code);
        codes.filter(|code| ["PF252", "PF253", "PF254"].contains(code)).collect()
    }

    #[test]
    fn lengths_at_their_limits() {
        for (length, expected) in [(511, 0), (512, 0), (513, 1)] {
            assert_eq!(codes(&format!("        log_group_name {}\n", "a".repeat(length))).len(), expected, "{length}");
            assert_eq!(codes(&format!("        log_stream_name {}\n", "a".repeat(length))).len(), expected, "{length}");
        }
        assert_eq!(MIN_TAG, 98);
        for (length, expected) in [(413, 0), (414, 0), (415, 1)] {
            assert_eq!(
                codes(&format!("        log_stream_prefix {}\n", "a".repeat(length))).len(),
                expected,
                "{length}"
            );
        }
    }
}
