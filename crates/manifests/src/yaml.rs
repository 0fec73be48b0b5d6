//! Writes documents as YAML that people read: two spaces of indentation, lists indented under their name, comments above what
//! they are about, texts of several lines as blocks.
//!
//! A string is written without quotes only where no reader, of YAML 1.1 or 1.2, could take it for anything else. Otherwise it is
//! written as JSON writes it, which is YAML too.

use crate::node::{ListItem, Map, Node};
use crate::scalar::is_text_to_all;

/// How long a line of a comment may become.
const WIDTH: usize = 110;

/// Documents, with a comment on top of the first.
pub fn write(introduction: &str, documents: &[Map]) -> String {
    let mut out = String::new();
    comment(introduction, 0, &mut out);
    for (number, document) in documents.iter().enumerate() {
        if number > 0 {
            out.push_str("---\n");
        }
        map(document, 0, &mut out);
    }
    out
}

/// One document without a comment on top.
pub fn document(document: &Map) -> String {
    write("", std::slice::from_ref(document))
}

fn indent(depth: usize, out: &mut String) {
    (0..depth).for_each(|_| out.push_str("  "));
}

fn map(map: &Map, depth: usize, out: &mut String) {
    for (number, entry) in map.entries().iter().enumerate() {
        // After the dash of a list the first name stands on the same line.
        if number > 0 || !out.ends_with("- ") {
            entry.comment.iter().for_each(|text| comment(text, depth, out));
            indent(depth, out);
        }
        out.push_str(&scalar(&entry.name));
        out.push(':');
        value(&entry.value, depth, out);
    }
}

/// What is after a colon.
fn value(node: &Node, depth: usize, out: &mut String) {
    match node {
        Node::Map(inside) if inside.is_empty() => out.push_str(" {}\n"),
        Node::List(items) if items.is_empty() => out.push_str(" []\n"),
        Node::Map(inside) => {
            out.push('\n');
            map(inside, depth + 1, out);
        }
        Node::List(items) => {
            out.push('\n');
            list(items, depth + 1, out);
        }
        Node::Text(text) if is_block(text) => block(text, depth + 1, out),
        simple => {
            out.push(' ');
            plain(simple, out);
        }
    }
}

fn list(items: &[ListItem], depth: usize, out: &mut String) {
    for ListItem { comment: text, value: item } in items {
        // A comment of a map's first name is above the dash.
        let first = match item {
            Node::Map(inside) => inside.entries().first().and_then(|entry| entry.comment.as_ref()),
            _ => None,
        };
        text.iter().chain(first).for_each(|text| comment(text, depth, out));
        indent(depth, out);
        match item {
            Node::Map(inside) if !inside.is_empty() => {
                out.push_str("- ");
                map(inside, depth + 1, out);
            }
            other => {
                out.push('-');
                value(other, depth, out);
            }
        }
    }
}

fn plain(node: &Node, out: &mut String) {
    match node {
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Number(value) => out.push_str(&value.to_string()),
        Node::Text(text) => out.push_str(&scalar(text)),
        Node::List(_) | Node::Map(_) => {}
    }
    out.push('\n');
}

/// Whether a text can be, and should be, written as a block: lines that end with a line break, and nothing that a block
/// cannot hold.
fn is_block(text: &str) -> bool {
    let is_usual = |character: char| character == '\n' || !(character.is_control() || character == '\u{feff}');
    text.contains('\n')
        && text.ends_with('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n'])
        && text.chars().all(is_usual)
        && !text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
        && text.lines().all(|line| !line.ends_with(' '))
}

fn block(text: &str, depth: usize, out: &mut String) {
    out.push_str(" |\n");
    for line in text.lines() {
        if !line.is_empty() {
            indent(depth, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A string as it is written in a line.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn is_plain(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@%+*~^$() :,".contains(&byte);
    let ends = !text.ends_with([' ', ':']) && !text.contains(": ");
    ends && text.bytes().all(is_usual) && is_text_to_all(text)
}

/// A comment, broken into lines; its own line breaks are kept.
fn comment(text: &str, depth: usize, out: &mut String) {
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && depth * 2 + 2 + line.len() + 1 + word.len() > WIDTH {
                comment_line(&line, depth, out);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        comment_line(&line, depth, out);
    }
}

fn comment_line(line: &str, depth: usize, out: &mut String) {
    indent(depth, out);
    out.push_str(if line.is_empty() { "#" } else { "# " });
    out.push_str(line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_looks_as_people_write_it() {
        let pod = Map::new()
            .with("kind", "Pod")
            .with_comment("Why.", "metadata", Map::new().with("name", "web").with("labels", Map::new()))
            .with(
                "spec",
                Map::new().with("on", true).with(
                    "containers",
                    vec![
                        ListItem {
                            comment: None,
                            value: Map::new().with("name", "a").with("args", Node::list(["x", "8"])).into(),
                        },
                        ListItem::with_comment(
                            "The other.",
                            Map::new().with_comment("First.", "name", "no").with("port", 5),
                        ),
                    ],
                ),
            )
            .with("text", "one\n\n  two\n");
        let expected = "# Top.\nkind: Pod\n# Why.\nmetadata:\n  name: web\n  labels: {}\nspec:\n  \"on\": true\n  containers:\n    \
                        - name: a\n      args:\n        - x\n        - \"8\"\n    # The other.\n    # First.\n    - name: \"no\"\n      port: 5\n\
                        text: |\n  one\n\n    two\n";
        assert_eq!(write("Top.", &[pod]), expected);
    }

    #[test]
    fn what_could_be_taken_for_something_else_has_quotes() {
        for text in [
            "",
            "yes",
            "No",
            "null",
            "~",
            "1",
            "1.5",
            "0x1f",
            "1_000",
            "2026-11-25",
            "12:30:45",
            ".5",
            "-x",
            "a: b",
            "a #b",
            "*x",
            "&x",
            "!x",
            "a:",
            "{",
            "[",
            "'",
            "\"",
            " a",
            "a ",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "é",
            "<<",
            "=",
            ".inf",
            "n",
            "Y",
            "0b11",
            ".NaN",
        ] {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
        for text in
            ["a", "/aws/eks/prod/fargate", "https://x.y:5005", "arn:aws:sqs:eu-west-1:1:q", "a b", "kube.*", "v1.2"]
        {
            assert_eq!(scalar(text), text);
        }
    }

    fn any_node() -> impl Strategy<Value = Node> {
        let text =
            prop_oneof![any::<String>(), "[a-z0-9:#\\- \n]{0,12}", "[yYnN~.0-9eE+x_-]{1,5}", "([a-z ]{1,6}\n){1,3}"];
        let leaf = prop_oneof![
            any::<bool>().prop_map(Node::Bool),
            any::<i64>().prop_map(Node::Number),
            text.prop_map(Node::Text),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let names = prop::collection::btree_map(prop_oneof!["[a-z]{1,3}", any::<String>()], inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Node::list),
                names.prop_map(|names| Node::Map(
                    names.into_iter().fold(Map::new(), |map, (name, value)| map.with_comment("why\nnot", &name, value))
                )),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn what_is_written_reads_as_it_was(node in any_node()) {
            let document = Map::new().with("x", node);
            let written = write("top", std::slice::from_ref(&document));
            let read: Value = serde_saphyr::from_str(&written).map_err(|error| TestCaseError::fail(format!("{error}\n{written}")))?;
            prop_assert_eq!(read, serde_json::to_value(&document).unwrap(), "{}", written);
        }
    }
}
