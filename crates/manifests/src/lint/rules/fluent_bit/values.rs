//! Whether Fluent Bit can read an option's value.
//!
//! A boolean, or a word of a list, that it cannot read stops it. From a number, a size or a time it takes what its beginning says, which is 0
//! where that is no digit. AWS's plugins in Go take the default for a boolean that they cannot read, but do not start with such a format of times.

use super::cores::{SEEN, StoppedCores};
use super::is_template;
use crate::fluent_bit::go_times;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

pub(crate) static VALUE: LintRule = LintRule {
    code: "PF204",
    name: "option-value",
    severity: Severity::Error,
    title: "An option has a value that the plugin cannot read",
    why: "Fluent Bit does not start with such a boolean or word; AWS's Go plugins take the default. Of a number, the digits at its beginning are used, or 0.",
    fix: "Use a value of the type that is named.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["fluent/fluent-bit, src/flb_config_map.c", "fluent/fluent-bit, src/flb_utils.c", SEEN],
};

pub(crate) static RULES: &[&LintRule] = &[&VALUE];

/// Options that take one word of a list. Source: fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c,
/// plugins/out_es/es_conf.c, plugins/out_cloudwatch_logs/cloudwatch_logs.c and src/aws/flb_aws_compress.c.
const WORDS: [ListedWords; 4] = [
    // For `filesystem` the section [SERVICE] has to have a `storage.path`, and EKS writes that section.
    ListedWords { plugin: "rewrite_tag", option: "emitter_storage.type", both: &["memory"], newer: &[] },
    ListedWords { plugin: "es", option: "write_operation", both: &["index", "create", "update", "upsert"], newer: &[] },
    ListedWords { plugin: "kinesis_firehose", option: "compression", both: &["gzip"], newer: &["zstd", "snappy"] },
    // The older core does not know the option at all.
    ListedWords {
        plugin: "cloudwatch_logs",
        option: "log_group_class",
        both: &["STANDARD", "INFREQUENT_ACCESS"],
        newer: &[],
    },
];

struct ListedWords {
    plugin: &'static str,
    option: &'static str,
    both: &'static [&'static str],
    /// What only the newer core takes.
    newer: &'static [&'static str],
}

/// A value of one of Fluent Bit's own plugins; a `kind` is what options.tsv has.
pub(super) fn of_plugin(
    plugin: &str,
    kind: &str,
    property: &ReadProperty,
    section: PlacedSection<'_, '_>,
    findings: &mut Findings,
) {
    let value = property.value.value.as_str();
    if value.is_empty() || is_template(value) {
        return;
    }
    let is = |option: &str| option.eq_ignore_ascii_case(&property.name.value);
    if let Some(words) = WORDS.iter().find(|words| words.plugin == plugin && is(words.option)) {
        let has = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
        let is_new = has(words.newer);
        if let Some(stopped) = StoppedCores::new(!has(words.both), !has(words.both) && !is_new) {
            let wanted = words.both.iter().map(|word| format!("`{word}`")).collect::<Vec<String>>().join(" or ");
            findings.push(stopped.tell(finding(&wanted, property, section)));
        }
        return;
    }
    let Some((wanted, stopped)) = wanted(kind, value) else { return };
    let finding = finding(wanted, property, section);
    findings.push(match stopped {
        Some(stopped) => stopped.tell(finding),
        None => finding.severity(Severity::Warning),
    });
}

/// A value of one of AWS's plugins in Go. Source: aws/amazon-cloudwatch-logs-for-fluent-bit, fluent-bit-cloudwatch.go, `getBoolParam`:
/// all else is the default; aws/amazon-kinesis-firehose-for-fluent-bit, firehose/firehose.go, `NewOutputPlugin`: a format counts where there
/// is a `time_key`; plugins/plugins.go, `DataKeys`: a blank beside a comma is a part of the name.
pub(super) fn of_go(kind: &str, property: &ReadProperty, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let value = property.value.value.as_str();
    if value.is_empty() || is_template(value) {
        return;
    }
    let is = |option: &str| option.eq_ignore_ascii_case(&property.name.value);
    if kind == "bool" && !is_go_boolean(value) {
        findings.push(finding("true or false", property, section).severity(Severity::Warning));
    } else if is("time_key_format") && section.property("time_key").is_some() && go_times::parts(value).is_none() {
        let wanted = "a format of times: milliseconds are `%L`, microseconds `%f`";
        findings.push(finding(wanted, property, section));
    } else if is("data_keys") && value.split(',').any(|name| name.trim() != name) {
        let wanted = "names with a comma between them, and no blank";
        findings.push(finding(wanted, property, section).severity(Severity::Warning));
    }
}

/// A value of a parser: what is no boolean counts as one that is on. Source: fluent/fluent-bit, src/flb_parser.c.
pub(super) fn of_parser(kind: &str, property: &ReadProperty, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let value = property.value.value.as_str();
    if kind == "bool" && !value.is_empty() && !is_template(value) && !is_boolean(value) {
        findings.push(finding("On or Off", property, section).severity(Severity::Warning));
    }
}

fn finding(wanted: &str, property: &ReadProperty, section: PlacedSection<'_, '_>) -> Finding {
    let message = format!("`{}` must be {wanted}", property.name.value);
    Finding::new(&VALUE, section.value_place(property), message).fix(format!("Write {wanted}."))
}

/// What a value should be, if it is not that, and which cores it stops.
fn wanted(kind: &str, value: &str) -> Option<(&'static str, Option<StoppedCores>)> {
    Some(match kind {
        "bool" if !is_boolean(value) => ("On or Off", Some(StoppedCores::Both)),
        "int" if value.parse::<i64>().is_err() => ("a whole number", None),
        "double" if value.parse::<f64>().is_err() => ("a number", None),
        "size" if !is_size(value) => ("a size such as 32k, 5M or 0", None),
        "time" if !is_time(value) => ("a time such as 300s, 5m or 0", None),
        // The older core says that it cannot set it, and goes on. Source: fluent/fluent-bit v1.9.10, src/fluent-bit.c.
        "level" if !is_level(value) => ("off, error, warn, info, debug or trace", Some(StoppedCores::Newer)),
        "limit" if !is_size(value) && !is_boolean(value) => ("a size such as 5M, or off", Some(StoppedCores::Newer)),
        _ => return None,
    })
}

/// Source: fluent/fluent-bit, src/flb_utils.c, `flb_utils_bool`.
fn is_boolean(value: &str) -> bool {
    ["on", "off", "true", "false", "yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

fn is_go_boolean(value: &str) -> bool {
    ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Source: fluent/fluent-bit, src/flb_log.c, `flb_log_get_level_str`.
fn is_level(value: &str) -> bool {
    let levels = ["off", "error", "warn", "warning", "info", "debug", "trace"];
    levels.iter().any(|level| level.eq_ignore_ascii_case(value))
}

/// Source: fluent/fluent-bit, src/flb_utils.c, `flb_utils_size_to_bytes`.
fn is_size(value: &str) -> bool {
    let digits = value.trim_start_matches('-').trim_start_matches(|letter: char| letter.is_ascii_digit());
    let unit = digits.to_ascii_lowercase();
    value.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-')
        && ["", "b", "k", "kb", "m", "mb", "g", "gb"].contains(&unit.as_str())
        || value.eq_ignore_ascii_case("false")
}

/// Source: the same, `flb_utils_time_to_seconds`.
fn is_time(value: &str) -> bool {
    let unit =
        value.trim_start_matches('-').trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    value.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-')
        && ["", "s", "m", "h", "d"].contains(&unit.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_values() {
        assert!(["32k", "5M", "0", "1GB", "False", "66KB"].into_iter().all(is_size));
        assert!(!["k", "32 kilo", "", "3x"].into_iter().any(is_size));
        assert!(["0", "300s", "30m", "1.5h", "-1"].into_iter().all(is_time));
        assert!(!["s", "5 minutes", ""].into_iter().any(is_time));
        assert!(is_level("Warning") && !is_level("warnings"));
        assert!(is_go_boolean("True") && !is_go_boolean("On"));
    }

    #[test]
    fn only_what_fluent_bit_asks_about_stops_it() {
        let stopped = |kind, value| wanted(kind, value).map(|(_, stopped)| stopped);
        assert_eq!(stopped("bool", "1"), Some(Some(StoppedCores::Both)));
        assert_eq!(stopped("bool", "YES"), None);
        assert_eq!(stopped("double", "x"), Some(None));
        assert_eq!(stopped("level", "loud"), Some(Some(StoppedCores::Newer)));
    }
}
