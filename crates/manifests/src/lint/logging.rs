//! The ConfigMap aws-logging: Fluent Bit's configuration in it, section by section, with the place of each part in the manifest.

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

/// A ConfigMap that is meant for EKS' Fluent Bit.
#[derive(Debug)]
pub(crate) struct LoggingConfigMap<'a> {
    pub(crate) object: ManifestObject<'a>,
    /// All entries of `data` that are a text and have sections, whatever their keys are.
    pub(crate) parts: Vec<LoggingPart<'a>>,
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
            let is_read = !configuration.sections.is_empty() || !configuration.problems.is_empty();
            (is_known || (is_read && entry.name != "flb_log_cw")).then_some(LoggingPart { entry, text, configuration })
        };
        Some(LoggingConfigMap {
            object,
            parts: data.into_iter().flat_map(YamlNode::entries).filter_map(part).collect(),
        })
    }

    /// All sections of this name, in whatever part, in order.
    pub(crate) fn sections<'b>(&'b self, name: &'static str) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.all().filter(move |one| one.section.name.value.eq_ignore_ascii_case(name))
    }

    /// All sections.
    pub(crate) fn all<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.parts
            .iter()
            .flat_map(|part| part.configuration.sections.iter().map(move |section| PlacedSection { part, section }))
    }

    pub(crate) fn filters<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.sections("FILTER")
    }

    pub(crate) fn outputs<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.sections("OUTPUT")
    }

    pub(crate) fn parsers<'b>(&'b self) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
        self.sections("PARSER")
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
