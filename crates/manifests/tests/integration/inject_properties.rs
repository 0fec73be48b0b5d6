//! `inject` on manifests in whatever style: random order, indentation, braces, quotes, comments and blank lines. And on anything else.

use super::webhook::*;
use manifests::inject::{InjectOutcome, inject};
use proptest::prelude::*;

/// YAML to be written.
#[derive(Debug, Clone)]
enum Node {
    /// As it stands in a line.
    Plain(String),
    /// The lines of a block of text.
    Text(&'static str, Vec<&'static str>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Makes choices from a list of numbers. When they run out, it is always the first.
struct Choices<'a> {
    rest: std::slice::Iter<'a, u8>,
    /// Something that is there may have to be replaced.
    replaces: bool,
}

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        usize::from(*self.rest.next().unwrap_or(&0)) % count
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn map(&mut self, mut members: Vec<(&str, Node)>) -> Node {
        for last in (1..members.len()).rev() {
            members.swap(last, last - self.below(last + 1));
        }
        Node::Map(members.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }

    fn text(&mut self) -> Node {
        match self.below(6) {
            0 => Node::Text("|", vec!["set -e", "", "  # no comment", "exec a"]),
            1 => Node::Text(">-", vec!["one", "two: three", ""]),
            2 => Node::Text("|+", vec!["a", "", ""]),
            3 => Node::Plain("'it''s: # no comment'".to_owned()),
            4 => Node::Plain("\"a { b [ \\\" \"".to_owned()),
            _ => Node::Plain("a-b".to_owned()),
        }
    }

    /// A list that may be missing, empty or null.
    fn list(
        &mut self,
        name: &'static str,
        members: &mut Vec<(&'static str, Node)>,
        one: impl Fn(&mut Self, usize) -> Node,
    ) {
        let empty = self.one_of(&["", "null", "[]", "~", "[ ]"]);
        match self.below(4) {
            0 => {}
            1 => {
                self.replaces = true;
                members.push((name, Node::Plain(empty.to_owned())));
            }
            more => {
                let items = (1..more).map(|number| one(self, number)).collect();
                members.push((name, Node::List(items)));
            }
        }
    }

    fn container(&mut self, name: &str) -> Node {
        let mut members = vec![("name", plain(name)), ("image", plain("\"registry.example.com/a:1\""))];
        self.list("env", &mut members, |choices, number| {
            if number == 1 && choices.below(4) == 3 {
                choices.replaces = true;
                let value = choices.one_of(&["old", "'old'", "\"old\"", "", "\"\""]);
                return choices.map(vec![("name", plain("DD_TRACE_AGENT_URL")), ("value", plain(value))]);
            }
            let value = choices.text();
            choices.map(vec![("name", plain(&format!("X{number}"))), ("value", value)])
        });
        self.list("volumeMounts", &mut members, |choices, number| {
            choices.map(vec![("name", plain("v")), ("mountPath", plain(&format!("/v{number}")))])
        });
        self.list("args", &mut members, |choices, _| choices.text());
        self.list("ports", &mut members, |choices, _| choices.map(vec![("containerPort", plain("80"))]));
        if self.below(3) == 1 {
            let size = self.map(vec![("cpu", plain("100m")), ("memory", plain("64Mi"))]);
            members.push(("resources", Node::Map(vec![("limits".to_owned(), size)])));
        }
        self.map(members)
    }

    fn template(&mut self) -> Vec<(&'static str, Node)> {
        let count = 1 + self.below(2);
        let containers = (0..count).map(|number| self.container(&format!("c{number}"))).collect();
        let mut members = vec![("containers", Node::List(containers))];
        self.list("initContainers", &mut members, |choices, number| choices.container(&format!("i{number}")));
        self.list("volumes", &mut members, |choices, number| {
            let name = plain(&format!("v{number}"));
            choices.map(vec![("name", name), ("emptyDir", plain("{}"))])
        });
        if self.below(3) == 1 {
            members.push(("serviceAccountName", plain("own")));
        }
        if self.below(4) == 1 {
            let value = self.one_of(&["false", "true", ""]);
            self.replaces = true;
            members.push(("shareProcessNamespace", plain(value)));
        }
        if self.below(3) == 1 {
            members.push(("nodeSelector", Node::Map(vec![("a/b".to_owned(), self.text())])));
        }
        let spec = self.map(members);
        let mut members = vec![("spec", spec)];
        match self.below(4) {
            1 => {
                self.replaces = true;
                members.push(("metadata", plain(self.one_of(&["", "{}"]))));
            }
            2 => {
                self.replaces = true;
                members.push(("metadata", Node::Map(vec![("labels".to_owned(), plain("{}"))])));
            }
            3 => {
                let labels = self.map(vec![("app", plain("a")), ("x", plain("'1'"))]);
                members.push(("metadata", Node::Map(vec![("labels".to_owned(), labels)])));
            }
            _ => {}
        }
        members
    }

    fn object(&mut self, number: usize) -> Node {
        let name = ("name".to_owned(), plain(&format!("o{number}")));
        let metadata = ("metadata", Node::Map(vec![name.clone()]));
        let template = self.template();
        match self.below(5) {
            0 => {
                let template = self.map(template);
                let spec = self.map(vec![("template", template), ("replicas", plain("2"))]);
                self.map(vec![
                    ("apiVersion", plain("apps/v1")),
                    ("kind", plain("Deployment")),
                    metadata,
                    ("spec", spec),
                ])
            }
            1 => {
                let job = self.map(template);
                let job = self.map(vec![("template", job), ("backoffLimit", plain("0"))]);
                let job = Node::Map(vec![("spec".to_owned(), job)]);
                let spec = self.map(vec![("jobTemplate", job), ("schedule", plain("'* * * * *'"))]);
                self.map(vec![("apiVersion", plain("batch/v1")), ("kind", plain("CronJob")), metadata, ("spec", spec)])
            }
            2 => {
                let mut template = template;
                match template.iter_mut().find(|(name, _)| *name == "metadata") {
                    Some((_, Node::Map(members))) => members.push(name),
                    Some((_, metadata)) => *metadata = Node::Map(vec![name]),
                    None => template.push(metadata),
                }
                template.extend([("apiVersion", plain("v1")), ("kind", plain("Pod"))]);
                self.map(template)
            }
            3 => {
                let data = self.text();
                self.map(vec![("apiVersion", plain("v1")), ("kind", plain("ConfigMap")), metadata, ("data", data)])
            }
            _ => {
                let template = self.map(template);
                let spec = Node::Map(vec![("template".to_owned(), template)]);
                self.map(vec![("apiVersion", plain("batch/v1")), ("kind", plain("Job")), metadata, ("spec", spec)])
            }
        }
    }

    fn end_of_line(&mut self, out: &mut String) {
        out.push_str(self.one_of(&["", "", "", " # why", "  ", " # a: [ {"]));
        out.push('\n');
        let columns = self.below(12);
        out.push_str(&match self.below(8) {
            6 => "\n".to_owned(),
            7 => format!("{}# - comment: {{\n", " ".repeat(columns)),
            _ => String::new(),
        });
    }

    /// A value behind a colon or a dash, what is in it at `indent` or further.
    fn value(&mut self, node: &Node, column: usize, is_in_map: bool, out: &mut String) {
        match node {
            Node::Plain(text) => {
                out.push_str(if text.is_empty() { "" } else { " " });
                out.push_str(text);
                self.end_of_line(out);
            }
            Node::Text(style, lines) => {
                let indent = " ".repeat(column + 1 + self.below(4));
                out.push_str(&format!(" {style}\n"));
                for line in lines {
                    out.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") });
                }
            }
            node if self.below(6) == 5 => {
                out.push(' ');
                let break_at = (self.below(2) == 1).then_some(column + 2);
                self.flow(node, break_at, out);
                self.end_of_line(out);
            }
            Node::Map(_) if is_in_map => {
                self.end_of_line(out);
                let step = 1 + self.below(5);
                self.block(node, column + step, false, out);
            }
            Node::List(_) => {
                self.end_of_line(out);
                let dash = if is_in_map { self.below(5) } else { 1 + self.below(3) };
                self.block(node, column + dash, false, out);
            }
            Node::Map(_) => {
                let gap = 1 + self.below(3);
                if self.below(6) == 5 {
                    self.end_of_line(out);
                    self.block(node, column + 1 + gap, false, out);
                } else {
                    out.push_str(&" ".repeat(gap));
                    self.block(node, column + 1 + gap, true, out);
                }
            }
        }
    }

    /// Lines that begin at a column. The first may have begun already.
    fn block(&mut self, node: &Node, column: usize, mut begun: bool, out: &mut String) {
        let mut begin = |out: &mut String| {
            if !std::mem::take(&mut begun) {
                out.push_str(&" ".repeat(column));
            }
        };
        match node {
            Node::Map(members) => {
                for (name, value) in members {
                    begin(out);
                    out.push_str(&format!("{name}:"));
                    self.value(value, column, true, out);
                }
            }
            Node::List(items) => {
                for item in items {
                    begin(out);
                    out.push('-');
                    self.value(item, column, false, out);
                }
            }
            Node::Plain(_) | Node::Text(..) => {}
        }
    }

    fn flow(&mut self, node: &Node, break_at: Option<usize>, out: &mut String) {
        let inside = break_at.map(|column| column + 2);
        let separate = |out: &mut String, is_first: bool, to: Option<usize>| {
            out.push_str(if is_first { "" } else { "," });
            out.push_str(
                &to.map_or_else(|| if is_first { "" } else { " " }.to_owned(), |to| format!("\n{}", " ".repeat(to))),
            );
        };
        match node {
            Node::Plain(text) => out.push_str(if text.is_empty() { "null" } else { text }),
            Node::Text(..) => out.push_str("\"a, b\""),
            Node::Map(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    separate(out, number == 0, inside);
                    out.push_str(&format!("{name}: "));
                    self.flow(value, inside.filter(|_| number % 2 == 0), out);
                }
                out.push_str(self.one_of(&["", "", ","]));
                separate(out, true, break_at);
                out.push('}');
            }
            Node::List(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    separate(out, number == 0, inside);
                    self.flow(item, inside, out);
                }
                separate(out, true, break_at);
                out.push(']');
            }
        }
    }
}

fn plain(text: &str) -> Node {
    Node::Plain(text.to_owned())
}

/// A text of one to three documents, and whether something in it may have to be replaced.
fn manifests(choices: &[u8]) -> (String, bool) {
    let mut choices = Choices { rest: choices.iter(), replaces: false };
    let mut text = choices.one_of(&["", "---\n", "# top\n", "# top\n---\n"]).to_owned();
    for number in 0..=choices.below(3) {
        text.push_str(if number > 0 {
            choices.one_of(&["---\n", "---   # next\n", "---\n# Source: a.yaml\n"])
        } else {
            ""
        });
        let object = choices.object(number);
        choices.block(&object, 0, false, &mut text);
    }
    if choices.below(4) == 3 {
        text.truncate(text.trim_end().len());
    }
    if choices.below(4) == 3 {
        text = text.replace('\n', "\r\n");
    }
    (text, choices.replaces)
}

/// Whether nothing but insertions were made.
fn is_inside(before: &str, after: &str) -> bool {
    let mut rest = after.chars();
    before.chars().all(|character| rest.any(|other| other == character))
}

fn any_choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_the_style(choices in any_choices()) {
        let (text, replaces) = manifests(&choices);
        for out in [holds(&text, &sidecar(), with_sidecar), holds(&text, &label(), with_label)] {
            for object in &out.objects {
                prop_assert!(matches!(object.outcome, InjectOutcome::Changed(_)), "{:?}\n{}", object, text);
            }
            prop_assert!(replaces || is_inside(&text, &out.text), "{}\n{}", text, out.text);
        }
    }

    #[test]
    fn no_text_is_made_worse(choices in any_choices(), cuts in prop::collection::vec((any::<prop::sample::Index>(), "[ \n\r\t:#\\-\\[\\]{}&*!|>'\"a?,<é]{0,3}", 0..3usize), 1..4)) {
        let (mut text, _) = manifests(&choices);
        for (at, put, remove) in cuts {
            let mut characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len() + 1);
            characters.splice(at..(at + remove).min(characters.len()), put.chars());
            text = characters.into_iter().collect();
        }
        for want in [sidecar(), label()] {
            let Ok(out) = inject(&text, &want) else { continue };
            let again = inject(&out.text, &want);
            prop_assert_eq!(again.map(|again| again.text), Ok(out.text.clone()), "{}", text);
            let before: Result<Vec<serde_json::Value>, _> = serde_saphyr::from_multiple(&text);
            let after: Result<Vec<serde_json::Value>, _> = serde_saphyr::from_multiple(&out.text);
            prop_assert_eq!(before.map(|all| all.len()).ok(), after.map(|all| all.len()).ok(), "{}\n{}", text, out.text);
        }
    }

    #[test]
    fn any_text_at_all(text in prop_oneof![any::<String>(), "[ \n\r\t:#\\-\\[\\]{}&*!|>'\"a?,<%\u{feff}]{0,60}"]) {
        for text in [text.clone(), format!("kind: Pod\nspec:\n  containers:\n  - {text}"), format!("kind: Pod\nspec: {{containers: [{{{text}")] {
            for want in [sidecar(), label()] {
                let Ok(out) = inject(&text, &want) else { continue };
                if changed(&out).is_empty() {
                    prop_assert_eq!(&out.text, &text);
                }
            }
        }
    }
}
