//! Names of groups and streams with `$(…)`, filled in from a record.
//!
//! Source: aws/amazon-cloudwatch-logs-for-fluent-bit, cloudwatch/helpers.go, `parseDataMapTags` and `parseKeysTemplate`;
//! valyala/fasttemplate at v1.2.2, template.go.

use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Map, Value};

/// A name, cut at its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameTemplate {
    /// Text and the variable behind it.
    parts: Vec<(String, String)>,
    end: String,
}

/// Why a name is not filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotFilled {
    /// The record, or the tag, has not what it asks for.
    Missing,
    Unknown(Unknown),
    /// The plugin crashes.
    Dies(&'static str),
}

/// How many parts of a tag there are; the last has the rest.
const MOST_PARTS: usize = 10;

impl NameTemplate {
    /// `None` where a variable has no end, so that the plugin does not start.
    pub(super) fn new(text: &str) -> Option<NameTemplate> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once("$(") {
            let (variable, after) = behind.split_once(')')?;
            parts.push((before.to_owned(), variable.to_owned()));
            rest = after;
        }
        Some(NameTemplate { parts, end: rest.to_owned() })
    }

    /// The name, with each byte as it may be there.
    ///
    /// # Errors
    /// Where something is missing, or not known, or the plugin crashes.
    pub(super) fn fill(&self, tag: &[u8], record: &Map, allowed: fn(u8) -> u8) -> Result<Vec<u8>, NotFilled> {
        let mut out = Vec::new();
        for (text, name) in &self.parts {
            out.extend(text.bytes());
            variable(name, tag, record, allowed, &mut out)?;
        }
        out.extend(self.end.bytes());
        out.iter_mut().for_each(|byte| *byte = allowed(*byte));
        Ok(out)
    }
}

/// What a key begins with.
const BEGIN: &str = "['";

fn variable(name: &str, tag: &[u8], record: &Map, allowed: fn(u8) -> u8, out: &mut Vec<u8>) -> Result<(), NotFilled> {
    if matches!(name, "ecs_task_id" | "ecs_cluster" | "ecs_task_arn" | "uuid") {
        return Err(NotFilled::Unknown(Unknown("a template has a variable that is filled in from elsewhere")));
    }
    let (root, keys) = name.split_at(name.find('[').unwrap_or(name.len()));
    if root == "tag" {
        // One byte is read of the number, and what is none is 0.
        let found = match keys.as_bytes().get(1) {
            None => Some(tag),
            Some(digit) => {
                let number = if digit.is_ascii_digit() { usize::from(digit - b'0') } else { 0 };
                tag.splitn(MOST_PARTS, |byte| *byte == b'.').nth(number)
            }
        };
        out.extend(found.ok_or(NotFilled::Missing)?);
        return Ok(());
    }
    let found = record.last(root.as_bytes());
    let is_taken = matches!(found, Some(Value::Text(_) | Value::Map(_)));
    if is_taken && !keys.is_empty() && !keys.starts_with(BEGIN) && allowed(b'[') != b'[' {
        // It writes what is allowed into the variable itself, which then is another one.
        return Err(NotFilled::Unknown(Unknown(
            "AWS's plugin changes a variable that is not written as it expects, so that only the first log has this name",
        )));
    }
    match found {
        Some(Value::Text(text)) => out.extend(text),
        Some(Value::Map(map)) => below(keys, map, allowed, out)?,
        _ => return Err(NotFilled::Missing),
    }
    Ok(())
}

/// Goes down by `['key']['key']`. What is between these is written as well, and so is a key that has no end. There the plugin writes what
/// is allowed in the place of the bracket itself, which is in memory that it may not change.
fn below(keys: &str, mut map: &Map, allowed: fn(u8) -> u8, out: &mut Vec<u8>) -> Result<(), NotFilled> {
    let mut rest = keys;
    while let Some((before, behind)) = rest.split_once(BEGIN) {
        out.extend(before.bytes());
        let Some((key, after)) = behind.split_once("']") else {
            if BEGIN.bytes().any(|byte| allowed(byte) != byte) {
                return Err(NotFilled::Dies(
                    "a key without an end in the name of a log group, at which AWS's plugin crashes",
                ));
            }
            out.extend(BEGIN.bytes());
            rest = behind;
            break;
        };
        match map.last(key.as_bytes()) {
            Some(Value::Text(text)) => out.extend(text),
            Some(Value::Map(inner)) => map = inner,
            _ => return Err(NotFilled::Missing),
        }
        rest = after;
    }
    out.extend(rest.bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, allowed: fn(u8) -> u8) -> Result<String, NotFilled> {
        let mut labels = Map::default();
        labels.push("app", Value::text("w:b"));
        let mut kubernetes = Map::default();
        kubernetes.push("pod_name", Value::text("web-1"));
        kubernetes.push("labels", Value::Map(labels));
        let mut record = Map::default();
        record.push("log", Value::text("a"));
        record.push("n", Value::Integer(1));
        record.push("kubernetes", Value::Map(kubernetes));
        let filled = NameTemplate::new(template).unwrap().fill(b"kube.a.b", &record, allowed);
        filled.map(|name| String::from_utf8(name).unwrap())
    }

    /// The expected are what the plugin made.
    #[test]
    fn names_are_filled_in_as_the_plugin_fills_them() {
        let dots = |byte: u8| if byte == b':' { b'.' } else { byte };
        for (template, expected) in [
            ("g", Some("g")),
            ("/x/$(tag)", Some("/x/kube.a.b")),
            ("$(tag[0])-$(tag[2])", Some("kube-b")),
            ("$(tag[12])", Some("a")),
            ("$(tag[x])$(tag[)", Some("kubekube.a.b")),
            ("$(tag[3])", None),
            ("$(kubernetes['labels']['app'])", Some("w.b")),
            ("$(kubernetes['labels'])$(kubernetes)", Some("")),
            ("$(kubernetes['pod_name']x['pod_name'])!", Some("web-1xweb-1!")),
            ("$(log['x'])", Some("a")),
            ("$(n)", None),
            ("$(kubernetes['nope'])", None),
            ("$()", None),
            ("$(kubernetes[pod_name])", Some("[pod_name]")),
            ("$(kubernetes['pod_name)", Some("['pod_name")),
        ] {
            let expected = expected.map(str::to_owned).ok_or(NotFilled::Missing);
            assert_eq!(filled(template, dots), expected, "{template}");
        }
        assert!(NameTemplate::new("a$(b").is_none());
        // Where a bracket is not allowed, it is written into memory.
        let letters = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'.' };
        assert!(matches!(filled("$(kubernetes['pod_name)", letters), Err(NotFilled::Dies(_))));
        assert!(matches!(filled("$(kubernetes[pod_name])", letters), Err(NotFilled::Unknown(_))));
        assert!(matches!(filled("$(uuid)", letters), Err(NotFilled::Unknown(_))));
    }
}
