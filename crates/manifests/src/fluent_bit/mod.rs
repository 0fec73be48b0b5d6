//! Fluent Bit's classic configuration: its parts as values, written and read.
//!
//! `podferry generate logging` writes it, and what is written is read again by the same model; `parse` keeps the place of each
//! part, for messages; `template` reads values with variables, `throttle` has the arithmetic of the filter of that name, `go_times` the
//! formats of times of AWS's plugins in Go, and `cloudwatch_names` what CloudWatch Logs takes for a name.
//!
//! Source: Fluent Bit manual, "Classic mode", "Format and schema"; fluent/fluent-bit, `src/config_format/flb_cf_fluentbit.c`.

pub(crate) mod cloudwatch_names;
pub(crate) mod go_times;
pub mod parse;
pub(crate) mod template;
pub(crate) mod throttle;
pub(crate) mod words;

use std::fmt;

/// A section: `[FILTER]` and its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// As it stands between the brackets.
    pub(crate) name: String,
    pub(crate) properties: Vec<Property>,
}

/// A property of a section. Its name has any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Section {
    /// `[FILTER]` with `Name` and `Match`.
    pub(crate) fn filter(plugin: &str, pattern: &str) -> Section {
        Section::new("FILTER").with("Name", plugin).with("Match", pattern)
    }

    /// `[OUTPUT]` with `Name` and `Match`.
    pub(crate) fn output(plugin: &str, pattern: &str) -> Section {
        Section::new("OUTPUT").with("Name", plugin).with("Match", pattern)
    }

    /// `[PARSER]` with `Name` and `Format`.
    pub(crate) fn parser(name: &str, format: &str) -> Section {
        Section::new("PARSER").with("Name", name).with("Format", format)
    }

    fn new(name: &str) -> Section {
        Section { name: name.to_owned(), properties: Vec::new() }
    }

    /// Adds a property.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Section {
        self.properties.push(Property { name: name.to_owned(), value: value.to_owned() });
        self
    }
}

/// Four spaces a level: EKS users report that other indentations fail (aws/containers-roadmap#1197).
impl fmt::Display for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        writeln!(formatter, "[{}]", self.name)?;
        self.properties.iter().try_for_each(|property| writeln!(formatter, "    {} {}", property.name, property.value))
    }
}

/// Sections as one text.
pub(crate) fn write(sections: &[Section]) -> String {
    sections.iter().map(ToString::to_string).collect()
}
