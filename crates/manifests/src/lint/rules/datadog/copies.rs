//! Copies of lines that become records of metadata: the chain of filters that `podferry generate logging --preset compact` writes, in the form that
//! people may have given it.
//!
//! A copy has a tag of its own and runs through all filters, so whatever takes that tag changes it. What a copy has in the end decides whether it
//! is metadata to the forwarder: `kubernetes`, `cluster_name` behind it or not, and nothing else (`pipeline::metadata_records`).

use crate::fluent_bit::parse::ReadProperty;
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::rules::fluent_bit::new_tags::takes_every_line;
use crate::lint::rules::fluent_bit::{definitions, groups};
use crate::lint::tags::{NewTag, POD_TAG_PREFIX, POD_TAGS, new_tags};
use pipeline::glob;

/// So many new tags and filters are looked at: with more, a configuration is longer than the 5300 characters that EKS takes.
const MAX_TAGS: usize = 8;
const MAX_FILTERS: usize = 128;

/// The chain.
pub(crate) struct MetadataCopies<'b, 'a> {
    /// What copies the lines.
    pub(crate) tag: NewTag<'b, 'a>,
    /// What copies run through, in order.
    pub(crate) filters: Vec<PlacedSection<'b, 'a>>,
    /// What lines run through, in order.
    pub(crate) of_lines: Vec<PlacedSection<'b, 'a>>,
}

/// The first that looks like one.
pub(crate) fn find<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Option<MetadataCopies<'b, 'a>> {
    let tags = new_tags(logging).into_iter().filter(|tag| POD_TAGS.reaches(&tag.filter));
    let of = |tag: NewTag<'b, 'a>| {
        let filters: Vec<_> = logging.filters().take(MAX_FILTERS).filter(|filter| tag.form.reaches(filter)).collect();
        let of_lines = logging.filters().take(MAX_FILTERS).filter(|filter| POD_TAGS.reaches(filter)).collect();
        let copies = MetadataCopies { tag, filters, of_lines };
        copies.is_meant().then_some(copies)
    };
    tags.take(MAX_TAGS).find_map(of)
}

impl<'b, 'a> MetadataCopies<'b, 'a> {
    /// Copies without their text are good for nothing else. Where the text is left, the rest has to be there: a copy of every line, few of which
    /// get metadata.
    fn is_meant(&self) -> bool {
        let has_own = |plugin: &str| self.own().any(|filter| filter.is_of(plugin));
        if self.own().any(|filter| removes(filter, "log")) {
            return has_own("throttle") || self.filters.iter().any(|filter| filter.is_of("kubernetes"));
        }
        has_own("throttle") && has_own("kubernetes") && takes_every_line(&self.tag)
    }

    /// What copies run through and lines do not.
    pub(crate) fn own(&self) -> impl Iterator<Item = &PlacedSection<'b, 'a>> {
        self.filters.iter().filter(|filter| !self.of_lines.iter().any(|other| other.number == filter.number))
    }

    /// Whether lines lose a member again that a filter gave them.
    pub(crate) fn lines_lose(&self, member: &str) -> bool {
        self.of_lines.iter().any(|filter| removes(filter, member))
    }

    /// The members that a copy has in the end, in order; `None` where that cannot be told.
    pub(crate) fn members(&self, logging: &LoggingConfigMap<'_>) -> Option<Vec<String>> {
        let mut members = CopyMembers { names: vec!["log".to_owned()], is_parsed: false };
        let pods = format!("{POD_TAG_PREFIX}*");
        let before = self.of_lines.iter().filter(|filter| filter.number < self.tag.filter.number);
        for filter in before {
            members.pass(logging, filter, &pods)?;
        }
        let copies = self.tag.pattern();
        for filter in &self.filters {
            members.pass(logging, filter, &copies)?;
        }
        Some(members.names)
    }
}

/// Whether a filter takes a member away from every record.
pub(crate) fn removes(filter: &PlacedSection<'_, '_>, member: &str) -> bool {
    let (option, wildcard) = match filter.plugin().as_str() {
        "modify" if filter.property("Condition").is_none() => ("Remove", "Remove_wildcard"),
        "record_modifier" => ("Remove_key", ""),
        _ => return false,
    };
    filter.section.properties.iter().any(|property| {
        let (name, first) = (&property.name.value, first_word(property));
        let is_prefix = name.eq_ignore_ascii_case(wildcard) && !first.is_empty() && member.starts_with(first);
        is_prefix || (name.eq_ignore_ascii_case(option) && first == member)
    })
}

fn first_word(property: &ReadProperty) -> &str {
    property.value.value.split_whitespace().next().unwrap_or_default()
}

/// A record's members on its way.
struct CopyMembers {
    names: Vec<String>,
    is_parsed: bool,
}

impl CopyMembers {
    /// What a filter makes of them; `None` where that differs from record to record. Source: what Fluent Bit 1.9.10 and 5.1.1 were seen to do.
    fn pass(&mut self, logging: &LoggingConfigMap<'_>, filter: &PlacedSection<'_, '_>, tags: &str) -> Option<()> {
        let plugin = filter.plugin();
        if !["parser", "kubernetes", "modify", "record_modifier", "nest"].contains(&plugin.as_str()) {
            return Some(());
        }
        let takes_all = filter.get("Match").is_some_and(|pattern| glob::covers(pattern, tags));
        if !takes_all || filter.property("Match_Regex").is_some() || filter.property("Condition").is_some() {
            return None;
        }
        match plugin.as_str() {
            "parser" => self.parse(logging, filter),
            "kubernetes" => {
                self.add("kubernetes");
                Some(())
            }
            "modify" => filter.section.properties.iter().try_for_each(|property| self.modify(property)),
            "record_modifier" => filter.section.properties.iter().try_for_each(|property| self.record(property)),
            _ => None,
        }
    }

    fn parse(&mut self, logging: &LoggingConfigMap<'_>, filter: &PlacedSection<'_, '_>) -> Option<()> {
        // A line that was parsed has no prefix any more, so it fits no parser twice.
        if self.is_parsed || filter.get("Key_Name") != Some("log") {
            return self.is_parsed.then_some(());
        }
        let parsers = definitions(logging, filter);
        let [parser] = parsers.as_slice() else { return None };
        let groups = groups(parser);
        if groups.is_empty() || filter.is_on("Reserve_Data") == Some(true) {
            return None;
        }
        let time = parser.get("Time_Key").filter(|_| parser.is_on("Time_Keep") != Some(true));
        self.names = groups.into_iter().filter(|group| Some(*group) != time).map(str::to_owned).collect();
        self.is_parsed = true;
        Some(())
    }

    fn modify(&mut self, property: &ReadProperty) -> Option<()> {
        let mut words = property.value.value.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match property.name.value.to_ascii_lowercase().as_str() {
            "remove" => self.names.retain(|name| name != first),
            "remove_wildcard" => self.names.retain(|name| !name.starts_with(first)),
            "add" => self.add(first),
            "set" => self.set(first),
            "rename" | "hard_rename" if self.has(first) => {
                self.names.retain(|name| name != first && name != second);
                self.names.push(second.to_owned());
            }
            "copy" | "hard_copy" if self.has(first) => self.add(second),
            "remove_regex" | "move_to_start" | "move_to_end" => return None,
            _ => {}
        }
        Some(())
    }

    fn record(&mut self, property: &ReadProperty) -> Option<()> {
        let first = first_word(property);
        match property.name.value.to_ascii_lowercase().as_str() {
            "record" => self.set(first),
            "remove_key" => self.names.retain(|name| name != first),
            // They do nothing on the older core.
            "allowlist_key" | "whitelist_key" => return None,
            _ => {}
        }
        Some(())
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    fn add(&mut self, name: &str) {
        if !self.has(name) {
            self.names.push(name.to_owned());
        }
    }

    /// The last of equal members is written, at its place.
    fn set(&mut self, name: &str) {
        self.names.retain(|own| own != name);
        self.names.push(name.to_owned());
    }
}
