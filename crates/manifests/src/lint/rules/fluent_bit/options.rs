//! Options of plugins and of parsers: whether they are known, in the version that EKS runs, and how often they may be set.
//!
//! `options.tsv` has what each plugin knows; whether it can read a value is asked in [`values`].

use std::collections::HashMap;
use std::sync::LazyLock;

use super::cores::{SEEN, StoppedCores};
use super::values;
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

pub(crate) static TWICE: LintRule = LintRule {
    code: "PF205",
    name: "option-twice",
    severity: Severity::Error,
    title: "An option that takes one value is set twice",
    why: "Fluent Bit counts a plugin's own options and does not start; of options that all plugins have, it ignores one.",
    fix: "Keep one of them.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[MAP, SEEN],
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

pub(crate) static RULES: &[&LintRule] = &[&UNKNOWN, &NEWER, &OTHER_PLUGIN, &TWICE, &OF_PARSER];

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
    ("format", "str"),
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

/// What stands for all plugins of a kind.
const EVERYWHERE: &str = "*";

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

/// A plugin, and what it takes.
#[derive(Clone, Copy)]
struct KnownPlugin<'p> {
    kind: &'static str,
    name: &'p str,
    own: &'p PluginOptions,
    everywhere: &'p PluginOptions,
}

impl KnownPlugin<'_> {
    /// Fluent Bit knows nothing of the options of plugins in Go, so it rejects none.
    fn is_go(&self) -> bool {
        self.own.values().any(|known| known.is_go)
    }
}

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
            Some((_, kind)) => values::of_parser(kind, property, section, findings),
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
    let name = section.plugin();
    // A plugin that EKS does not allow is another rule's.
    let (Some(own), Some(everywhere)) = (PLUGINS.get(&(kind, name.as_str())), PLUGINS.get(&(kind, EVERYWHERE))) else {
        return;
    };
    let plugin = KnownPlugin { kind, name: &name, own, everywhere };
    let mut seen: HashMap<String, &ReadProperty> = HashMap::new();
    for property in &section.section.properties {
        let name = property.name.value.to_ascii_lowercase();
        if let Some(first) = seen.insert(name.clone(), property) {
            twice(plugin, &name, first, property, section, findings);
        }
        match own.get(name.as_str()).or_else(|| everywhere.get(name.as_str())) {
            Some(known) => {
                if !known.is_old {
                    newer(plugin, property, section, findings);
                }
                match known.is_go {
                    true => values::of_go(known.kind, property, section, findings),
                    false => values::of_plugin(plugin.name, known.kind, property, section, findings),
                }
            }
            None => unknown(plugin, property, section, findings),
        }
    }
}

/// Options of all plugins are read one after the other, and so do those in Go read theirs. Others are counted first, by the older core as
/// they are written, by the newer in any case. Source: fluent/fluent-bit, src/flb_config_map.c, `property_count`.
fn twice(
    plugin: KnownPlugin<'_>,
    name: &str,
    first: &ReadProperty,
    second: &ReadProperty,
    section: PlacedSection<'_, '_>,
    findings: &mut Findings,
) {
    let may_repeat = |(of, names): &(&str, &[&str])| *of == plugin.name && names.contains(&name);
    if plugin.name == "modify" && !plugin.everywhere.contains_key(name) || REPEATED.iter().any(may_repeat) {
        return;
    }
    let message = format!("`{}` is set twice in one section", second.name.value);
    let finding = Finding::new(&TWICE, section.name_place(second), message);
    let finding = finding.related(section.name_place(first), "the first is here");
    findings.push(if plugin.everywhere.contains_key(name) || plugin.is_go() {
        finding.severity(Severity::Warning)
    } else {
        let is_alike = first.name.value == second.name.value;
        (if is_alike { StoppedCores::Both } else { StoppedCores::Newer }).tell(finding)
    });
}

fn newer(plugin: KnownPlugin<'_>, property: &ReadProperty, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let message = format!("`{}` of `{}` is newer than the Fluent Bit that EKS runs", property.name.value, plugin.name);
    findings.push(Finding::new(&NEWER, section.name_place(property), message));
}

fn unknown(plugin: KnownPlugin<'_>, property: &ReadProperty, section: PlacedSection<'_, '_>, findings: &mut Findings) {
    let (written, name) = (&property.name.value, property.name.value.to_ascii_lowercase());
    let place = section.name_place(property);
    // What is only ignored stops nothing.
    let severity = if plugin.is_go() { Severity::Warning } else { Severity::Error };
    let knows =
        |other: &&str| PLUGINS.get(&(plugin.kind, *other)).is_some_and(|options| options.contains_key(name.as_str()));
    let mut alike =
        ALIKE.iter().filter(|plugins| plugins.contains(&plugin.name)).flat_map(|plugins| plugins.iter().copied());
    if let Some(other) = alike.find(knows) {
        let message = format!("`{written}` is an option of `{other}`, not of `{}`", plugin.name);
        return findings.push(Finding::new(&OTHER_PLUGIN, place, message).severity(severity));
    }
    let meant = similar::closest(&name, plugin.own.keys().chain(plugin.everywhere.keys()).copied());
    let effect = if plugin.is_go() { " and ignores it" } else { "" };
    let message = format!("`{}` has no option `{written}`{effect}", plugin.name);
    let finding = Finding::new(&UNKNOWN, place, message).severity(severity);
    findings.push(match meant {
        Some(meant) => finding.fix(format!("Did you mean `{meant}`?")),
        None => finding,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        assert_eq!(PLUGINS.len(), 16);
        assert!(PLUGINS[&("output", "cloudwatch")]["auto_create_group"].is_go);
        assert!(!PLUGINS[&("output", "cloudwatch_logs")]["auto_create_group"].is_go);
        assert!(PLUGINS[&("output", "cloudwatch_logs")]["log_retention_days"].is_old);
        assert!(!PLUGINS[&("filter", "kubernetes")]["owner_references"].is_old);
        assert!(!PLUGINS[&("output", EVERYWHERE)]["tls.min_version"].is_old);
        // The plugin's code reads them, but its table comes first, and does not have them.
        assert!(!PLUGINS[&("filter", "modify")].contains_key("add_if_not_present"));
        assert!(!PLUGINS[&("filter", "nest")].contains_key("prefix_with"));
    }
}
