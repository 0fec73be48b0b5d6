//! The ConfigMap aws-logging: Fluent Bit's configuration in it, section by section, with the place of each part in the manifest.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::embedded::Embedded;
use super::node::{YamlEntry, YamlNode};
use super::object::ManifestObject;
use super::source::{Place, SourceFile, Span};
use crate::fluent_bit::parse::{Configuration, ReadProperty, ReadSection, parse};

/// Where EKS looks. Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster".
pub(crate) const NAMESPACE: &str = "aws-observability";
/// The ConfigMap that it takes there.
pub(crate) const CONFIG_MAP: &str = "aws-logging";

/// The keys of the ConfigMap that hold a configuration, and the section that belongs there.
pub(crate) const PARTS: [(&str, &str); 3] =
    [("filters.conf", "FILTER"), ("output.conf", "OUTPUT"), ("parsers.conf", "PARSER")];

/// Sections that Fluent Bit knows. Source: fluent/fluent-bit, `src/config_format/flb_config_format.c`, `get_section_type`.
const SECTIONS: [&str; 13] = [
    "FILTER",
    "FILTERS",
    "OUTPUT",
    "OUTPUTS",
    "PARSER",
    "INPUT",
    "INPUTS",
    "SERVICE",
    "CUSTOM",
    "MULTILINE_PARSER",
    "STREAM_PROCESSOR",
    "PLUGINS",
    "UPSTREAM_SERVERS",
];

/// A ConfigMap that is meant for EKS' Fluent Bit.
#[derive(Debug)]
pub(crate) struct LoggingConfigMap<'a> {
    pub(crate) object: ManifestObject<'a>,
    /// All entries of `data` that hold a configuration, by their keys or because they begin like one.
    pub(crate) parts: Vec<LoggingPart<'a>>,
    /// Where the sections of each kind of [`PARTS`] are, in order: part, section, and number among all.
    of_kind: [Vec<[usize; 3]>; 3],
    /// Which parsers have a name, by their places among the parsers.
    parser_names: HashMap<String, Vec<usize>>,
    /// Which filters logs run through on their way to CloudWatch Logs, by [`PlacedSection::number`]; worked out once, by `tags`.
    pub(super) filters_on_way: OnceCell<HashMap<usize, FilterWay>>,
}

/// Which of the logs that arrive in CloudWatch Logs run through a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterWay {
    /// Copies only, beside which the lines themselves arrive, too.
    Copies,
    Lines,
}

/// An entry of `data`, read.
#[derive(Debug)]
pub(crate) struct LoggingPart<'a> {
    pub(crate) entry: YamlEntry<'a>,
    pub(crate) text: Embedded<'a>,
    pub(crate) configuration: Configuration,
}

/// A section, and the part that it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacedSection<'b, 'a> {
    pub(crate) part: &'b LoggingPart<'a>,
    pub(crate) section: &'b ReadSection,
    /// Its place among all sections of the ConfigMap.
    pub(crate) number: usize,
}

/// Whether a text is Fluent Bit's configuration, whatever its key is: JSON and lists of YAML have brackets, too.
fn begins_with_section(text: &str) -> bool {
    let is_content = |line: &&str| !line.is_empty() && !line.starts_with(['#', '@']);
    let first = text.lines().map(str::trim).find(is_content).unwrap_or_default();
    let name = first.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::trim);
    name.is_some_and(|name| SECTIONS.iter().any(|section| section.eq_ignore_ascii_case(name)))
}

impl<'a> LoggingConfigMap<'a> {
    /// The ConfigMap, if an object is one: by its name, or by its namespace and a key.
    pub(crate) fn new(object: ManifestObject<'a>, sources: &'a [SourceFile]) -> Option<LoggingConfigMap<'a>> {
        let data = object.node.get("data");
        // Every namespace has a ConfigMap with the cluster's root certificate, too.
        let has_part = || data.is_some_and(|data| PARTS.iter().any(|(key, _)| data.get(key).is_some()));
        let is_meant = object.name() == Some(CONFIG_MAP) || (object.namespace() == Some(NAMESPACE) && has_part());
        if object.kind != "ConfigMap" || !is_meant {
            return None;
        }
        let source = sources.get(object.source)?;
        let part = |entry: YamlEntry<'a>| {
            let text = Embedded::new(entry.value, source)?;
            let configuration = parse(text.text);
            let is_known = PARTS.iter().any(|(key, _)| *key == entry.name);
            (is_known || begins_with_section(text.text)).then_some(LoggingPart { entry, text, configuration })
        };
        let mut logging = LoggingConfigMap {
            object,
            parts: data.into_iter().flat_map(YamlNode::entries).filter_map(part).collect(),
            of_kind: Default::default(),
            parser_names: HashMap::new(),
            filters_on_way: OnceCell::new(),
        };
        logging.count();
        Some(logging)
    }

    /// Works out where the sections of each kind are.
    fn count(&mut self) {
        let mut number = 0;
        for (part, read) in self.parts.iter().enumerate() {
            for (at, section) in read.configuration.sections.iter().enumerate() {
                let mut kinds = PARTS.iter().zip(&mut self.of_kind);
                let own = kinds.find(|((_, kind), _)| kind.eq_ignore_ascii_case(&section.name.value));
                own.into_iter().for_each(|(_, sections)| sections.push([part, at, number]));
                number += 1;
            }
        }
        let name = |(index, parser): (usize, PlacedSection<'_, '_>)| Some((parser.get("Name")?.to_owned(), index));
        let names: Vec<(String, usize)> = self.parsers().enumerate().filter_map(name).collect();
        for (name, index) in names {
            self.parser_names.entry(name).or_default().push(index);
        }
    }

    /// Whether Fluent Bit writes its own log, too. It does not unless it is told. Source: Amazon EKS User Guide, "Fargate logging".
    pub(crate) fn writes_own_log(&self) -> bool {
        self.object.node.path(&["data", "flb_log_cw"]).and_then(YamlNode::text) == Some("true")
    }

    /// All sections of one of [`PARTS`], in whatever part, in order.
    fn of_kind<'b>(&'b self, kind: usize) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        let places = self.of_kind.get(kind).into_iter().flatten();
        places.filter_map(|place| self.placed(*place))
    }

    fn placed<'b>(&'b self, [part, section, number]: [usize; 3]) -> Option<PlacedSection<'b, 'a>> {
        let part = self.parts.get(part)?;
        Some(PlacedSection { part, section: part.configuration.sections.get(section)?, number })
    }

    /// The parsers of a name, in order; only the first is used.
    pub(crate) fn parsers_named<'b>(&'b self, name: &str) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        let indexes = self.parser_names.get(name).into_iter().flatten();
        indexes.filter_map(|index| self.placed(*self.of_kind.get(2)?.get(*index)?))
    }

    /// All sections.
    pub(crate) fn all<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        let sections =
            self.parts.iter().flat_map(|part| part.configuration.sections.iter().map(move |section| (part, section)));
        sections.enumerate().map(|(number, (part, section))| PlacedSection { part, section, number })
    }

    pub(crate) fn filters<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.of_kind(0)
    }

    pub(crate) fn outputs<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.of_kind(1)
    }

    pub(crate) fn parsers<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.of_kind(2)
    }
}

impl<'b, 'a> PlacedSection<'b, 'a> {
    /// A property by its name, in any case; the last, as Fluent Bit takes it.
    pub(crate) fn property(&self, name: &str) -> Option<&'b ReadProperty> {
        self.section.properties.iter().rev().find(|property| property.name.value.eq_ignore_ascii_case(name))
    }

    /// Its value.
    pub(crate) fn get(&self, name: &str) -> Option<&'b str> {
        self.property(name).map(|property| property.value.value.as_str())
    }

    /// Whether a value says yes. Source: fluent/fluent-bit, `src/flb_utils.c`, `flb_utils_bool`.
    pub(crate) fn is_on(&self, name: &str) -> Option<bool> {
        let is = |words: [&str; 3], value: &str| words.iter().any(|word| word.eq_ignore_ascii_case(value));
        let value = self.get(name)?;
        if is(["on", "true", "yes"], value) {
            return Some(true);
        }
        is(["off", "false", "no"], value).then_some(false)
    }

    /// The plugin, in lower case: the value of `Name`.
    pub(crate) fn plugin(&self) -> String {
        self.get("Name").unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether it is of a plugin, whose name is given in lower case.
    pub(crate) fn is_of(&self, plugin: &str) -> bool {
        self.get("Name").is_some_and(|name| name.eq_ignore_ascii_case(plugin))
    }

    /// The section's name, with its brackets.
    pub(crate) fn place(&self) -> Place {
        let name = self.section.name.span;
        self.part.text.span(Span { start: name.start.saturating_sub(1), end: name.end + 1 })
    }

    /// A property's name.
    pub(crate) fn name_place(&self, property: &ReadProperty) -> Place {
        self.part.text.span(property.name.span)
    }

    /// A property's value; its name where it has none.
    pub(crate) fn value_place(&self, property: &ReadProperty) -> Place {
        let span = if property.value.value.is_empty() { property.name.span } else { property.value.span };
        self.part.text.span(span)
    }

    /// The value of the property of this name, or the section if it has none.
    pub(crate) fn place_of(&self, name: &str) -> Place {
        self.property(name).map_or_else(|| self.place(), |property| self.value_place(property))
    }
}

#[cfg(test)]
mod tests {
    use super::begins_with_section;

    #[test]
    fn what_is_fluent_bits_under_any_key() {
        for (text, is) in [
            ("[FILTER]\n  Name grep\n", true),
            ("\n# old\n@SET a=b\n  [ output ]\r\n", true),
            ("[\n  {\"a\": 1}\n]", false),
            ("[[\"a\"], [1]]", false),
            ("[\"FILTER\"]", false),
            ("{\"a\":\n[FILTER]\n}", false),
            ("[FILTER] is for filters", false),
            ("steps: [a, b]\n", false),
            ("true", false),
            ("", false),
        ] {
            assert_eq!(begins_with_section(text), is, "{text}");
        }
    }
}
