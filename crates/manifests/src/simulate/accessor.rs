//! Record accessors: what `$kubernetes['labels']['app']` finds in a record, and what a template with them becomes.
//!
//! Source: fluent/fluent-bit, src/flb_record_accessor.c and src/flb_ra_key.c, at v1.9.10 and v5.1.1.

use super::core::Core;
use super::onigmo::{Expression, Match};
use super::print;
use super::unknown::Unknown;
use super::value::{Map, Value};
use crate::fluent_bit::template::{RecordTemplate, TemplatePartKind};

/// A template with variables. Where one key is wanted, it is the first part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Accessor {
    parts: Vec<TemplatePartKind>,
}

/// What an accessor found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found<'r> {
    pub(crate) value: &'r Value,
    /// Whether it is an element of a list, which has no key.
    pub(crate) is_element: bool,
}

impl Accessor {
    /// Reads a template; `None` if Fluent Bit does not take it. To the older core a single character that is all is lost; whether one behind the last
    /// variable is, depends on the variable, and is not known but for parts of the tag. Source: src/flb_record_accessor.c, `ra_parse_buffer`.
    pub(crate) fn new(core: Core, text: &str) -> Option<Accessor> {
        let template = RecordTemplate::parse(text).ok()?;
        let mut parts: Vec<TemplatePartKind> = template.parts.into_iter().map(|part| part.kind).collect();
        let is_single = matches!(parts.last(), Some(TemplatePartKind::Text(last)) if last.len() == 1);
        match parts.len() {
            1 if is_single && core == Core::Older => parts.clear(),
            count @ 2.. if is_single && !matches!(parts.get(count - 2), Some(TemplatePartKind::TagPart(_))) => {
                parts.pop();
                parts.push(TemplatePartKind::Broken);
            }
            _ => {}
        }
        Some(Accessor { parts })
    }

    /// What stands in a record under the key that the first part names.
    ///
    /// # Errors
    /// Where it is not known.
    pub(crate) fn find<'r>(&self, core: Core, record: &'r Map) -> Result<Option<Found<'r>>, Unknown> {
        match self.parts.first() {
            // A text without `$` is a key as well.
            Some(TemplatePartKind::Text(key)) => find(core, record, std::slice::from_ref(key)),
            Some(TemplatePartKind::Member(path)) => find(core, record, path),
            _ => Ok(None),
        }
    }

    /// Whether the text under the key has a match. Anything but a text has none.
    ///
    /// # Errors
    /// Where it is not known.
    pub(crate) fn matched(&self, core: Core, record: &Map, expression: &Expression) -> Result<Option<Match>, Unknown> {
        match self.find(core, record)?.and_then(|found| found.value.as_text()) {
            Some(text) => expression.search(text),
            None => Ok(None),
        }
    }

    /// The template filled in. Where `must_have` is set, a key that is not there makes it fail.
    ///
    /// # Errors
    /// Where it is not known.
    pub(crate) fn fill(
        &self,
        core: Core,
        tag: &[u8],
        record: &Map,
        captures: Option<(&Match, &[u8])>,
        must_have: bool,
    ) -> Result<Option<Vec<u8>>, Unknown> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                TemplatePartKind::Text(text) => out.extend(text.bytes()),
                TemplatePartKind::Tag => out.extend(tag),
                TemplatePartKind::TagPart(number) => out.extend(tag_part(tag, *number)),
                TemplatePartKind::Member(path) => match find(core, record, path)?.map(|found| found.value) {
                    None | Some(Value::List(_)) if must_have => return Ok(None),
                    None | Some(Value::List(_)) => {}
                    Some(value) => shown(core, value, &mut out)?,
                },
                TemplatePartKind::Capture(number) => {
                    let Some((found, text)) = captures.filter(|(found, _)| found.groups.len() > 1) else { continue };
                    let range = found.groups.get(*number).cloned().flatten();
                    out.extend(range.and_then(|range| text.get(range)).unwrap_or_default());
                }
                TemplatePartKind::Other | TemplatePartKind::Broken => {
                    return Err(Unknown("a template has a variable that is filled in from elsewhere"));
                }
            }
        }
        Ok(Some(out))
    }
}

/// A value in a template. Source: flb_record_accessor.c, `ra_translate_keymap`.
fn shown(core: Core, value: &Value, out: &mut Vec<u8>) -> Result<(), Unknown> {
    // Its buffer for a number.
    const LONGEST: usize = 30;
    match value {
        Value::Boolean(true) => out.extend(b"true"),
        Value::Boolean(false) => out.extend(b"false"),
        Value::Nil => out.extend(b"null"),
        Value::Text(text) => out.extend(text),
        Value::Map(_) => {
            // The text ends at a zero byte, which JSON does not have.
            out.extend(print::json(core, value));
        }
        Value::Integer(number) => {
            // One of 64 bits without a sign is taken for one with a sign.
            let signed = u64::try_from(*number).map_or(*number, |number| i128::from(number.cast_signed()));
            out.extend(signed.to_string().bytes());
        }
        Value::Float(number) => {
            let text = format!("{number:.6}");
            if text.len() > LONGEST || !number.is_finite() {
                return Err(Unknown("a template has a number that is longer than Fluent Bit's buffer"));
            }
            out.extend(text.bytes());
        }
        Value::List(_) => {}
    }
    Ok(())
}

/// What is between two dots of a tag; nothing beyond the last.
fn tag_part(tag: &[u8], number: usize) -> &[u8] {
    // A dot at the very end begins no part.
    let parts = tag.strip_suffix(b".").unwrap_or(tag);
    parts.split(|byte| *byte == b'.').nth(number).unwrap_or_default()
}

/// A value by its path. Below a value that has no members, the path does not count.
fn find<'r>(core: Core, record: &'r Map, path: &[String]) -> Result<Option<Found<'r>>, Unknown> {
    let Some((first, below)) = path.split_first() else { return Ok(None) };
    let Some(root) = record.last(first.as_bytes()) else { return Ok(None) };
    if below.is_empty() || !matches!(root, Value::Map(_) | Value::List(_)) {
        return Ok(Some(Found { value: root, is_element: false }));
    }
    let mut value = root;
    let (mut has_key, mut is_element) = (false, false);
    for name in below {
        let index = name.parse::<usize>().ok();
        match (value, index) {
            (Value::List(values), Some(index)) => match values.get(index) {
                Some(element) => {
                    value = element;
                    is_element = true;
                }
                None => return Ok(None),
            },
            (Value::Map(map), Some(_)) if map.last(name.as_bytes()).is_some() => {
                return Err(Unknown("a key that is a number may be meant as a place in a list"));
            }
            (Value::Map(map), _) => match map.last(name.as_bytes()) {
                Some(member) => {
                    value = member;
                    (has_key, is_element) = (true, false);
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        }
    }
    // The older core finds nothing where all that it passed were lists.
    let is_found = has_key || core == Core::Newer;
    Ok(is_found.then_some(Found { value, is_element }))
}
