//! What Fluent Bit itself rejects, so that it does not start, and what it loses silently.
//!
//! * [`options`], [`values`]: options that a plugin does not know, and values that it cannot read.
//! * [`parser_names`], [`parsers`], [`times`]: parsers that are missing, or do not read what containerd writes.
//! * [`kubernetes`]: the Kubernetes filter, and what must come before it.
//! * [`cloudwatch`], [`outputs`]: what outputs cannot do without; [`names`]: regions, log groups and streams that cannot be.
//! * [`templates`]: names that are made from records.
//! * [`matching`]: patterns that match no log; [`new_tags`]: what becomes of logs with new tags, and of those without.
//! * [`text_keys`]: filters that look into a text; [`comments`]: comments that are none.
//! * [`filters`], [`arguments`]: what filters cannot do without, and their arguments.
//! * [`expressions`]: regular expressions that do not compile.
//! * [`grep`], [`plain_names`], [`throttle`], [`log_key`], [`loops`], [`lost`], [`differing`]: what cores were seen to do, where it is not
//!   what people expect.
//!
//! Below them stands what Fluent Bit does: [`cores`] (which versions were looked at), [`words`], [`pattern`], [`loading`].

pub(crate) mod arguments;
pub(crate) mod cloudwatch;
pub(crate) mod comments;
mod cores;
pub(crate) mod differing;
pub(crate) mod expressions;
pub(crate) mod filters;
pub(crate) mod grep;
pub(crate) mod kubernetes;
mod loading;
pub(crate) mod log_key;
pub(crate) mod loops;
pub(crate) mod lost;
pub(crate) mod matching;
mod modify;
pub(crate) mod names;
pub(crate) mod new_tags;
pub(crate) mod options;
pub(crate) mod outputs;
pub(crate) mod parser_names;
pub(crate) mod parsers;
mod pattern;
mod pattern_class;
pub(crate) mod plain_names;
mod sample_tags;
pub(crate) mod templates;
pub(crate) mod text_keys;
pub(crate) mod throttle;
pub(crate) mod times;
pub(crate) mod values;

use crate::lint::logging::{LoggingConfigMap, PlacedSection};

/// What was tried with a real Fluent Bit.
const SEEN: &str = "seen with Fluent Bit 5.1.1";

/// Whether a parser may have this format. Source: fluent/fluent-bit, src/flb_parser.c, `flb_parser_create`.
fn is_format(format: &str) -> bool {
    ["regex", "json", "ltsv", "logfmt"].iter().any(|known| known.eq_ignore_ascii_case(format))
}

/// Whether another tool fills in a part of a value before Kubernetes sees it: Helm, or what has variables such as `${NAME}`.
fn is_template(value: &str) -> bool {
    ["{{", "${", "<%"].iter().any(|open| value.contains(open))
}

/// The names of a regular expression's groups; none where a parser is of another format.
pub(super) fn groups<'b>(parser: &PlacedSection<'b, '_>) -> Vec<&'b str> {
    let is_regex = parser.get("Format").is_some_and(|format| format.eq_ignore_ascii_case("regex"));
    let regex = parser.get("Regex").filter(|_| is_regex);
    regex.map(pattern::groups).unwrap_or_default()
}

/// Whether a parser reads containerd's prefix.
fn is_cri(parser: &PlacedSection<'_, '_>) -> bool {
    let groups = groups(parser);
    groups.contains(&"stream") && groups.contains(&"logtag")
}

/// Filters of the plugin `parser` that read the member `log`, in order.
fn log_parsers<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> impl Iterator<Item = PlacedSection<'b, 'a>> {
    logging.filters().filter(|filter| filter.is_of("parser") && filter.get("Key_Name") == Some("log"))
}

/// The parsers that a filter names and that are there; several are tried in their order.
pub(super) fn definitions<'b, 'a>(
    logging: &'b LoggingConfigMap<'a>,
    filter: &PlacedSection<'b, 'a>,
) -> Vec<PlacedSection<'b, 'a>> {
    let named = filter.section.properties.iter().filter(|property| property.name.value.eq_ignore_ascii_case("Parser"));
    named.filter_map(|property| logging.parsers_named(&property.value.value).next()).collect()
}
