//! Which parsers a core gets out of `parsers.conf`, and what one that it cannot read costs.
//!
//! The older core stops reading at the first such parser and starts without it and without all that follow; a filter that then has none
//! of its parsers stops it after all. The newer one does not start. Source: fluent/fluent-bit, src/flb_parser.c, at v1.9.10 and v5.1.1.

use std::collections::HashSet;

use super::cores::StoppedCores;
use super::{is_format, pattern};
use crate::fluent_bit::parse::ReadSection;
use crate::lint::logging::{LoggingConfigMap, PlacedSection};

/// What the cores get.
#[derive(Debug)]
pub(super) struct ParserLoading<'b> {
    unread: Vec<&'b ReadSection>,
    /// Whether a filter has none of its parsers in the older core.
    is_missed: bool,
}

impl<'b> ParserLoading<'b> {
    pub(super) fn new(logging: &'b LoggingConfigMap<'_>) -> ParserLoading<'b> {
        let (mut names, mut read, mut unread) = (HashSet::new(), HashSet::new(), Vec::new());
        for parser in logging.parsers() {
            let name = parser.get("Name").unwrap_or_default();
            let is_new = names.insert(name);
            if !is_new || !is_readable(&parser) {
                unread.push(parser.section);
            } else if unread.is_empty() {
                read.insert(name);
            }
        }
        let mut filters = logging.filters();
        let is_missed = filters.any(|filter| {
            // That none of them is there at all is another rule's.
            let named = needed(&filter);
            named.iter().any(|name| names.contains(name)) && !named.iter().any(|name| read.contains(name))
        });
        ParserLoading { unread, is_missed }
    }

    /// Which cores do not start because of a parser.
    pub(super) fn stopped(&self, parser: &PlacedSection<'_, '_>) -> Option<StoppedCores> {
        let is_unread = self.unread.iter().any(|unread| std::ptr::eq(*unread, parser.section));
        StoppedCores::new(is_unread && self.is_missed, is_unread)
    }
}

/// The parsers that a filter names, one of which it has to have.
pub(super) fn needed<'b>(filter: &PlacedSection<'b, '_>) -> Vec<&'b str> {
    let option = match filter.plugin().as_str() {
        "parser" => "Parser",
        "kubernetes" => "Regex_Parser",
        _ => return Vec::new(),
    };
    let properties = filter.section.properties.iter();
    let named = properties.filter(|property| property.name.value.eq_ignore_ascii_case(option));
    named.map(|property| property.value.value.as_str()).collect()
}

fn is_readable(parser: &PlacedSection<'_, '_>) -> bool {
    let get = |name: &str| parser.get(name).filter(|value| !value.is_empty());
    let Some(format) = get("Format").filter(|format| is_format(format)) else { return false };
    let has_regex = || get("Regex").is_some_and(|regex| pattern::broken(regex).is_none());
    let is_offset = get("Time_Format").is_none() || get("Time_Offset").is_none_or(is_time_offset);
    get("Name").is_some() && is_offset && (!format.eq_ignore_ascii_case("regex") || has_regex())
}

/// `Z`, or a sign, hours and minutes. Source: fluent/fluent-bit, src/flb_parser.c, `flb_parser_tzone_offset`.
pub(super) fn is_time_offset(offset: &str) -> bool {
    let Some(digits) = offset.strip_prefix(['+', '-']) else { return offset.starts_with('Z') };
    let digits = digits.replacen(':', "", usize::from(digits.len() == 5));
    let digits: Vec<u32> = digits.chars().take(4).filter_map(|digit| digit.to_digit(10)).collect();
    matches!(digits.as_slice(), [hour, _, minute, _] if *hour < 6 && *minute < 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_offsets() {
        assert!(["Z", "+0000", "-0130", "+05:30", "+5959"].into_iter().all(is_time_offset));
        assert!(!["", "UTC", "0100", "+1", "+0160", "+01:60", "+6000", "+aa00"].into_iter().any(is_time_offset));
    }
}
