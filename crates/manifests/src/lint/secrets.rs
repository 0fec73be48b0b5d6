//! Values that a report must not show, though they are in the lines that it quotes: keys, tokens, passwords.

use super::node::{YamlEntry, YamlNode};
use super::project::Project;
use super::source::{Place, SourceFile, Span};

/// Names whose value is a secret, in lower case.
const NAMES: [&str; 13] = [
    "apikey",
    "api_key",
    "api-key",
    "appkey",
    "app_key",
    "app-key",
    "token",
    "password",
    "http_passwd",
    "cloud_auth",
    "secretaccesskey",
    "http_api_key",
    "clusteragenttoken",
];

/// Parts of the name of a variable whose value is a secret.
const VARIABLES: [&str; 5] = ["KEY", "TOKEN", "PASSWORD", "PASSWD", "SECRET"];

/// How names of secrets end in JSON inside of annotations, in lower case: those of checks' instances.
const QUOTED: [&str; 10] =
    ["password", "passwd", "pwd", "token", "secret", "api_key", "apikey", "access_key", "private_key", "passphrase"];

/// How many hexadecimal digits Datadog's keys have: an API key, an application key.
const KEY_LENGTHS: [usize; 2] = [32, 40];

/// All of them.
pub(crate) fn find(project: &Project<'_>) -> Vec<Place> {
    let mut found = Vec::new();
    for object in &project.objects {
        if object.kind == "Secret" {
            let data = ["data", "stringData"].into_iter().filter_map(|name| object.node.get(name));
            found.extend(data.flat_map(YamlNode::entries).filter(|entry| entry.value.text().is_some()).map(hide));
        }
        walk(object.node, &mut found);
    }
    for (number, source) in project.sources.iter().enumerate() {
        found.extend(keys(source).chain(quoted(source)).map(|span| Place { source: number, span }));
    }
    found
}

fn walk(node: YamlNode<'_>, found: &mut Vec<Place>) {
    let variable = node.get("name").and_then(YamlNode::text).map(str::to_ascii_uppercase);
    let is_secret = variable.is_some_and(|name| VARIABLES.iter().any(|part| name.contains(part)));
    for entry in node.entries() {
        let named = NAMES.contains(&entry.name.to_ascii_lowercase().as_str()) || (is_secret && entry.name == "value");
        match entry.value.text() {
            Some(_) if named => found.push(hide(entry)),
            _ if entry.value.is_alias() => {}
            _ => walk(entry.value, found),
        }
    }
    node.items().filter(|item| !item.is_alias()).for_each(|item| walk(item, found));
}

fn hide(entry: YamlEntry<'_>) -> Place {
    entry.value.value_place()
}

/// Runs of exactly as many hexadecimal digits as a key has, wherever they are.
fn keys(source: &SourceFile) -> impl Iterator<Item = Span> {
    let bytes = source.text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
            let length = bytes[start..].iter().take_while(|byte| is_word(byte)).count();
            at = start + length.max(1);
            let word = &bytes[start..start + length];
            if KEY_LENGTHS.contains(&length) && word.iter().all(u8::is_ascii_hexdigit) {
                return Some(Span { start, end: at });
            }
        }
        None
    })
}

/// Values between quotes after a name between quotes, as in JSON inside an annotation. The JSON may be broken: it is not parsed.
fn quoted(source: &SourceFile) -> impl Iterator<Item = Span> {
    let text = source.text.as_str();
    text.match_indices('"').filter_map(move |(at, _)| {
        let (name, behind) = text.get(at + 1..)?.split_once('"')?;
        let name = name.trim_end_matches('\\').to_ascii_lowercase();
        QUOTED.iter().any(|end| name.ends_with(end)).then_some(())?;
        let value = behind.trim_start().strip_prefix(':')?.trim_start().trim_start_matches('\\').strip_prefix('"')?;
        let start = text.len() - value.len();
        let length = value.find(['"', '\n']).unwrap_or(value.len());
        Some(Span { start, end: start + length })
    })
}

/// A source's text with its secrets hidden, byte for byte as long as before.
pub(crate) fn mask(source: &SourceFile, number: usize, secrets: &[Place]) -> String {
    let mut bytes = source.text.clone().into_bytes();
    for place in secrets.iter().filter(|place| place.source == number) {
        let part = bytes.get_mut(place.span.range()).unwrap_or_default();
        part.iter_mut().filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| *byte = b'*');
    }
    // Whole characters are hidden, so what is left is text.
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_annotations_are_hidden_whether_they_are_json_or_not() {
        let hidden = |text: &str| {
            let source = SourceFile::new("one.yaml", text);
            let found: Vec<Place> = quoted(&source).map(|span| Place { source: 0, span }).collect();
            mask(&source, 0, &found)
        };
        assert_eq!(hidden(r#"a: '{"Password": "x1 y", }'"#), r#"a: '{"Password": "** *", }'"#);
        assert_eq!(hidden(r#"a: "{\"token\":\"abc\"}""#), r#"a: "{\"token\":\"****"}""#);
        assert_eq!(hidden(r#"{"tokens": "abc", "secretName": "x"}"#), r#"{"tokens": "abc", "secretName": "x"}"#);
        assert_eq!(hidden("{\"password\": \"abc\n"), "{\"password\": \"***\n");
    }
}
