//! Options of plugins and of parsers: whether they are known, in the version that EKS runs, and whether their values can be read.
//!
//! `options.tsv` has what each plugin knows.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::is_format;
use crate::fluent_bit::parse::ReadProperty;
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar;

const MAP: &str = "fluent/fluent-bit, src/flb_config_map.c";
const PARSERS: &str = "Fluent Bit manual, \"Configuring parser\"";

pub(crate) static UNKNOWN: LintRule = LintRule {
    code: "PF201",
    name: "unknown-option",
    severity: Severity::Error,
    title: "The plugin has no such option",
    why: "Fluent Bit does not start with an unknown option, so none of the pod's logs are written; AWS's Go plugins ignore it.",
    fix: "Remove the line, or use the plugin's name for the option.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MAP],
};

pub(crate) static NEWER: LintRule = LintRule {
    code: "PF202",
    name: "newer-option",
    severity: Severity::Warning,
    title: "The option needs a newer Fluent Bit than EKS runs",
    why: "The EKS router is based on Fluent Bit 1.9, and you cannot choose its version: with an unknown option it does not start.",
    fix: "Remove the line, or try it with a single pod first.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MAP, "aws/aws-for-fluent-bit, CHANGELOG.md"],
};

pub(crate) static OTHER_PLUGIN: LintRule = LintRule {
    code: "PF203",
    name: "option-of-other-plugin",
    severity: Severity::Error,
    title: "The option belongs to another plugin",
    why: "AWS has Go plugins alongside Fluent Bit's own; each rejects or ignores options that only the other knows.",
    fix: "Use this plugin's option, or the other plugin.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MAP, "aws/amazon-cloudwatch-logs-for-fluent-bit, README.md"],
};

pub(crate) static VALUE: LintRule = LintRule {
    code: "PF204",
    name: "option-value",
    severity: Severity::Error,
    title: "An option has a value of the wrong type",
    why: "Fluent Bit does not start, or silently uses 0 or the default.",
    fix: "Use a value of the type that is named.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MAP],
};

pub(crate) static TWICE: LintRule = LintRule {
    code: "PF205",
    name: "option-twice",
    severity: Severity::Error,
    title: "An option that takes one value is set twice",
    why: "Fluent Bit rejects it and does not start, or silently uses the last value.",
    fix: "Keep one of them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MAP],
};

pub(crate) static OF_PARSER: LintRule = LintRule {
    code: "PF206",
    name: "unknown-parser-option",
    severity: Severity::Warning,
    title: "Parsers have no such option",
    why: "Fluent Bit ignores it silently, so the parser does not do what you intended.",
    fix: "Remove the line, or use the correct option name.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[PARSERS, "fluent/fluent-bit, src/flb_parser.c"],
};

pub(crate) static RULES: &[&LintRule] = &[&UNKNOWN, &NEWER, &OTHER_PLUGIN, &VALUE, &TWICE, &OF_PARSER];

/// What every filter and output takes. Source: fluent/fluent-bit, src/flb_filter.c and src/flb_output.c, `*_set_property`.
const EVERYWHERE: [&str; 5] = ["name", "match", "match_regex", "alias", "log_level"];
/// What they all take in newer versions only. Source: the same.
const EVERYWHERE_NEWER: [&str; 1] = ["log_suppress_interval"];
/// What every output takes besides.
const OUTPUTS: [&str; 5] = ["retry_limit", "workers", "host", "port", "storage.total_limit_size"];
/// How options begin that every output takes.
const OUTPUT_GROUPS: [&str; 3] = ["tls", "net.", "storage."];

/// Plugins that are taken for each other: for the same in two languages, or for streams of either kind. Source: Amazon EKS User
/// Guide, "Start AWS Fargate logging for your cluster".
const ALIKE: [&[&str]; 2] = [&["cloudwatch_logs", "cloudwatch"], &["kinesis_firehose", "firehose", "kinesis"]];

/// Options that may be set as often as one likes. Source: the tables of the plugins, `FLB_CONFIG_MAP_MULT`.
const REPEATED: [(&str, &[&str]); 5] = [
    ("grep", &["regex", "exclude"]),
    ("parser", &["parser"]),
    ("record_modifier", &["record", "remove_key", "allowlist_key", "whitelist_key"]),
    ("rewrite_tag", &["rule"]),
    ("nest", &["wildcard"]),
];

/// What every parser takes, and the kinds of its values. Source: as the rule has it.
const OF_PARSERS: [(&str, &str); 14] = [
    ("name", "str"),
    ("format", "format"),
    ("regex", "str"),
    ("time_key", "str"),
    ("time_format", "str"),
    ("time_keep", "bool"),
    ("time_offset", "str"),
    ("time_strict", "bool"),
    ("time_system_timezone", "bool"),
    ("types", "str"),
    ("decode_field", "str"),
    ("decode_field_as", "str"),
    ("skip_empty_values", "bool"),
    ("logfmt_no_bare_keys", "bool"),
];

/// What is known of an option.
#[derive(Debug, Clone, Copy)]
struct PluginOption {
    kind: &'static str,
    is_old: bool,
    /// Of one of AWS's plugins in Go, which read their options themselves.
    is_go: bool,
}

type PluginOptions = HashMap<&'static str, PluginOption>;

/// By kind and name of the plugin.
static PLUGINS: LazyLock<HashMap<(&'static str, &'static str), PluginOptions>> = LazyLock::new(|| {
    let mut plugins: HashMap<_, PluginOptions> = HashMap::new();
    for line in include_str!("options.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_default();
        let (kind, plugin, option, of, versions) = (cell(), cell(), cell(), cell(), cell());
        let known = PluginOption { kind: of, is_old: versions != "5.1", is_go: versions == "go" };
        plugins.entry((kind, plugin)).or_default().insert(option, known);
    }
    plugins
});

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        logging.filters().for_each(|section| section_of("filter", section, findings));
        logging.outputs().for_each(|section| section_of("output", section, findings));
        logging.parsers().for_each(|section| parser(section, findings));
    }
}

fn parser(section: PlacedSection<'_, '_>, findings: &mut Findings) {
    for property in &section.section.properties {
        let written = property.name.value.as_str();
        match OF_PARSERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(written)) {
            Some((_, kind)) => value(PluginOption { kind, is_old: true, is_go: false }, property, section, findings),
            None => {
                let message = format!("parsers have no option `{written}`");
                let finding = Finding::new(&OF_PARSER, section.name_place(property), message);
                findings.push(match similar::closest(written, OF_PARSERS.iter().map(|(name, _)| *name)) {
                    Some(meant) => finding.fix(format!("Did you mean `{meant}`?")),
                    None => finding,
                });
            }
        }
    }
}

fn section_of(kind: &'static str, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let plugin = section.plugin();
    // A plugin that EKS does not allow is another rule's.
    let Some(options) = PLUGINS.get(&(kind, plugin.as_str())) else { return };
    let mut seen: HashMap<String, &ReadProperty> = HashMap::new();
    for property in &section.section.properties {
        let name = property.name.value.to_ascii_lowercase();
        let may_repeat =
            plugin == "modify" || REPEATED.iter().any(|(of, names)| *of == plugin && names.contains(&name.as_str()));
        if let Some(first) = seen.insert(name.clone(), property).filter(|_| !may_repeat) {
            let message = format!("`{}` is set twice in one section", property.name.value);
            let finding = Finding::new(&TWICE, section.name_place(property), message);
            findings.push(finding.related(section.name_place(first), "the first is here"));
        }
        match options.get(name.as_str()) {
            Some(known) => {
                if !known.is_old {
                    newer(&plugin, property, section, findings);
                }
                value(*known, property, section, findings);
            }
            None if is_everywhere(kind, &name) => {}
            None if EVERYWHERE_NEWER.contains(&name.as_str()) => newer(&plugin, property, section, findings),
            None => unknown(kind, &plugin, options, property, section, findings),
        }
    }
}

fn is_everywhere(kind: &str, name: &str) -> bool {
    EVERYWHERE.contains(&name)
        || (kind == "output" && (OUTPUTS.contains(&name) || OUTPUT_GROUPS.iter().any(|group| name.starts_with(group))))
}

fn newer(plugin: &str, property: &ReadProperty, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let message = format!("`{}` of `{plugin}` is newer than the Fluent Bit that EKS runs", property.name.value);
    findings.push(Finding::new(&NEWER, section.name_place(property), message));
}

fn unknown(
    kind: &'static str,
    plugin: &str,
    options: &PluginOptions,
    property: &ReadProperty,
    section: PlacedSection<'_, '_>,
    findings: &mut Findings,
) {
    let (written, name) = (&property.name.value, property.name.value.to_ascii_lowercase());
    let place = section.name_place(property);
    let knows = |other: &&str| PLUGINS.get(&(kind, *other)).is_some_and(|options| options.contains_key(name.as_str()));
    let mut alike =
        ALIKE.iter().filter(|plugins| plugins.contains(&plugin)).flat_map(|plugins| plugins.iter().copied());
    if let Some(other) = alike.find(knows) {
        let message = format!("`{written}` is an option of `{other}`, not of `{plugin}`");
        return findings.push(Finding::new(&OTHER_PLUGIN, place, message));
    }
    let everywhere = EVERYWHERE.iter().chain(if kind == "output" { &OUTPUTS[..] } else { &[] }).copied();
    let meant = similar::closest(&name, options.keys().copied().chain(everywhere));
    // Fluent Bit knows nothing of the options of plugins in Go, so it rejects none.
    let is_go = options.values().any(|known| known.is_go);
    let effect = if is_go { " and ignores it" } else { "" };
    let finding = Finding::new(&UNKNOWN, place, format!("`{plugin}` has no option `{written}`{effect}"));
    findings.push(match meant {
        Some(meant) => finding.fix(format!("Did you mean `{meant}`?")),
        None => finding,
    });
}

fn value(known: PluginOption, property: &ReadProperty, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let value = property.value.value.as_str();
    if value.is_empty() {
        return;
    }
    let wanted = match known.kind {
        // Source: aws/amazon-cloudwatch-logs-for-fluent-bit, fluent-bit-cloudwatch.go, `getBoolParam`: all else is the default.
        "bool" if known.is_go && !is_go_boolean(value) => "true or false",
        "bool" if !is_boolean(value) => "On or Off",
        "int" if value.parse::<i64>().is_err() => "a whole number",
        "double" if value.parse::<f64>().is_err() => "a number",
        "size" if !is_size(value) => "a size such as 32k, 5M or 0",
        "time" if !is_time(value) => "a time such as 300s, 5m or 0",
        "format" if !is_format(value) => "regex, json, ltsv or logfmt",
        _ => return,
    };
    let message = format!("`{}` must be {wanted}", property.name.value);
    findings.push(Finding::new(&VALUE, section.value_place(property), message).fix(format!("Write {wanted}.")));
}

/// Source: fluent/fluent-bit, src/flb_utils.c, `flb_utils_bool`.
fn is_boolean(value: &str) -> bool {
    ["on", "off", "true", "false", "yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

fn is_go_boolean(value: &str) -> bool {
    ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Source: the same, `flb_utils_size_to_bytes`.
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
    }

    #[test]
    fn plugins_in_go_take_fewer_words() {
        assert!(is_go_boolean("True") && !is_go_boolean("On"));
        assert!(PLUGINS[&("output", "cloudwatch")]["auto_create_group"].is_go);
        assert!(!PLUGINS[&("output", "cloudwatch_logs")]["auto_create_group"].is_go);
    }

    #[test]
    fn the_table_is_read() {
        assert_eq!(PLUGINS.len(), 14);
        assert!(PLUGINS[&("output", "cloudwatch_logs")]["log_retention_days"].is_old);
        assert!(!PLUGINS[&("filter", "kubernetes")]["owner_references"].is_old);
    }
}
