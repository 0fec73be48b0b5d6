//! Templates of Fluent Bit: texts with variables that are filled in from a record, such as a new tag or the name of a log group. Fluent
//! Bit calls them record accessors; AWS's plugin in Go has a form of its own, `$(…)`.
//!
//! Read as Fluent Bit reads them, with what it takes for a part of a variable's name and what stops it from starting.
//!
//! Source: fluent/fluent-bit, src/flb_record_accessor.c, `ra_parse_buffer`, src/record_accessor/ra.l and ra.y (1.9 and 5.1 alike);
//! aws/amazon-cloudwatch-logs-for-fluent-bit, cloudwatch/helpers.go.

use super::parse::Span;

/// A template, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordTemplate {
    pub(crate) parts: Vec<TemplatePart>,
}

/// A part of a template, and where it is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplatePart {
    pub(crate) kind: TemplatePartKind,
    pub(crate) span: Span,
}

/// What a part stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemplatePartKind {
    /// Itself.
    Text(String),
    /// The whole tag.
    Tag,
    /// What is between two dots of the tag, counted from 0.
    TagPart(usize),
    /// What a group of a rule's expression took, by its number; 0 is the whole match.
    Capture(usize),
    /// A member of the record, by its path: `kubernetes`, `pod_name`.
    Member(Vec<String>),
    /// Something that the plugin fills in from elsewhere, such as an id of its own.
    Other,
    /// Something that no record has, because it is not written as it has to be; only of the plugin in Go, which takes it all the same.
    Broken,
}

/// Why Fluent Bit does not take a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TemplateProblem {
    /// The variable, with all that Fluent Bit takes for a part of it.
    pub(crate) span: Span,
    /// What stands behind the variable and is not allowed there; `None` where the variable itself is broken.
    pub(crate) behind: Option<char>,
}

impl RecordTemplate {
    /// Reads a template of Fluent Bit itself.
    ///
    /// # Errors
    /// The first variable that Fluent Bit does not take: it does not start with one.
    pub(crate) fn parse(text: &str) -> Result<RecordTemplate, TemplateProblem> {
        let mut template = RecordTemplate::default();
        let (mut at, mut from) = (0, 0);
        while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
            let start = at + found;
            let rest = text.get(start + 1..).unwrap_or_default();
            let (kind, length) = match rest.chars().next() {
                None => break,
                Some(digit) if digit.is_ascii_digit() => {
                    (TemplatePartKind::Capture(digit.to_digit(10).unwrap_or_default() as usize), 1)
                }
                Some(_) if rest.starts_with("TAG") => tag(rest),
                Some(_) => {
                    let length = variable_length(rest);
                    let span = Span { start, end: start + 1 + length };
                    let path = member(rest.get(..length).unwrap_or_default());
                    (TemplatePartKind::Member(path.map_err(|behind| TemplateProblem { span, behind })?), length)
                }
            };
            template.text(text, from, start);
            let end = start + 1 + length;
            template.parts.push(TemplatePart { kind, span: Span { start, end } });
            (at, from) = (end, end);
        }
        template.text(text, from, text.len());
        Ok(template)
    }

    /// Reads a template of AWS's plugin in Go; `None` where a variable has no end: the plugin then does not start.
    pub(crate) fn parse_go(text: &str) -> Option<RecordTemplate> {
        let mut template = RecordTemplate::default();
        let mut from = 0;
        while let Some(start) = text.get(from..)?.find("$(").map(|found| from + found) {
            let length = text.get(start..)?.find(')')?;
            let name = text.get(start + 2..start + length)?;
            template.text(text, from, start);
            let end = start + length + 1;
            template.parts.push(TemplatePart { kind: go_variable(name), span: Span { start, end } });
            from = end;
        }
        template.text(text, from, text.len());
        Some(template)
    }

    fn text(&mut self, text: &str, start: usize, end: usize) {
        if let Some(part) = text.get(start..end).filter(|part| !part.is_empty()) {
            let kind = TemplatePartKind::Text(part.to_owned());
            self.parts.push(TemplatePart { kind, span: Span { start, end } });
        }
    }

    /// Whether anything is filled in.
    pub(crate) fn has_variable(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part.kind, TemplatePartKind::Text(_)))
    }

    /// The paths of the members that are filled in.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&[String], Span)> {
        self.parts.iter().filter_map(|part| match &part.kind {
            TemplatePartKind::Member(path) => Some((path.as_slice(), part.span)),
            _ => None,
        })
    }
}

/// `TAG`, or `TAG[4]`: what it is and how long.
fn tag(rest: &str) -> (TemplatePartKind, usize) {
    let index = rest.strip_prefix("TAG[").and_then(|inside| inside.split_once(']'));
    match index {
        // What is no number is 0.
        Some((index, _)) => (TemplatePartKind::TagPart(index.trim().parse().unwrap_or(0)), "TAG[]".len() + index.len()),
        None => (TemplatePartKind::Tag, "TAG".len()),
    }
}

/// How much of what follows a `$` belongs to the variable: up to a blank, a comma, a double quote, or a dot outside of quotes.
fn variable_length(rest: &str) -> usize {
    let mut is_quoted = false;
    for (at, letter) in rest.char_indices() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            '.' if is_quoted => {}
            '.' | ' ' | ',' | '"' => return at,
            _ => {}
        }
    }
    rest.len()
}

/// The path of `name['member'][0]`.
///
/// # Errors
/// The first character that does not belong there; `None` if something is missing at the end.
fn member(variable: &str) -> Result<Vec<String>, Option<char>> {
    let mut tokens = tokens(variable).into_iter();
    let mut path = match tokens.next() {
        Some(RecordToken::Name(name)) => vec![name.to_owned()],
        other => return Err(other.map(RecordToken::first)),
    };
    loop {
        match tokens.next() {
            None => return Ok(path),
            Some(RecordToken::Sign('[')) => {}
            Some(other) => return Err(Some(other.first())),
        }
        match tokens.next() {
            Some(RecordToken::Text(text)) => path.push(text.to_owned()),
            Some(RecordToken::Number(number)) => path.push(number.to_owned()),
            other => return Err(other.map(RecordToken::first)),
        }
        match tokens.next() {
            Some(RecordToken::Sign(']')) => {}
            other => return Err(other.map(RecordToken::first)),
        }
    }
}

/// A word of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordToken<'t> {
    Name(&'t str),
    Number(&'t str),
    Text(&'t str),
    Sign(char),
}

impl RecordToken<'_> {
    fn first(self) -> char {
        match self {
            RecordToken::Name(text) | RecordToken::Number(text) => text.chars().next().unwrap_or_default(),
            RecordToken::Text(_) => '\'',
            RecordToken::Sign(sign) => sign,
        }
    }
}

/// The words of a variable; characters that Fluent Bit does not know are passed over, as it passes over them.
fn tokens(text: &str) -> Vec<RecordToken<'_>> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(letter) = rest.chars().next() {
        let is_inside = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
        let length = match letter {
            'A'..='Z' | 'a'..='z' | '_' => rest.find(|letter| !is_inside(letter)).unwrap_or(rest.len()),
            // A number does not begin with 0, unless it is that.
            '0' => 1,
            '1'..='9' => rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len()),
            '\'' => rest.get(1..).and_then(|inside| inside.find('\'')).map_or(1, |end| end + 2),
            other => other.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        match letter {
            'A'..='Z' | 'a'..='z' | '_' => tokens.push(RecordToken::Name(word)),
            '0'..='9' => tokens.push(RecordToken::Number(word)),
            '\'' if length > 1 => tokens.push(RecordToken::Text(word.trim_matches('\''))),
            '$' | '[' | ']' | '.' | ',' | ';' => tokens.push(RecordToken::Sign(letter)),
            _ => {}
        }
        rest = after;
    }
    tokens
}

/// What is between the parentheses: `kubernetes['pod_name']`, `tag`, `tag[4]`, or one of the plugin's own.
fn go_variable(name: &str) -> TemplatePartKind {
    let (root, rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    match root {
        // Only one digit is read, and what is none is 0.
        "tag" => match rest.chars().nth(1) {
            Some(digit) => TemplatePartKind::TagPart(digit.to_digit(10).unwrap_or_default() as usize),
            None => TemplatePartKind::Tag,
        },
        "ecs_task_id" | "ecs_cluster" | "ecs_task_arn" | "uuid" => TemplatePartKind::Other,
        root => go_member(root, rest).map_or(TemplatePartKind::Broken, TemplatePartKind::Member),
    }
}

/// The path of `name['member']['member']`.
fn go_member(root: &str, mut rest: &str) -> Option<Vec<String>> {
    let mut path = vec![root.to_owned()];
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix("['")?.split_once("']")?;
        // The end of a name that begins in another.
        (!name.contains("['")).then_some(())?;
        path.push(name.to_owned());
        rest = after;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts in short: texts as they are, members by their paths.
    fn short(template: &RecordTemplate) -> String {
        let part = |part: &TemplatePart| match &part.kind {
            TemplatePartKind::Text(text) => text.clone(),
            TemplatePartKind::Tag => "<tag>".to_owned(),
            TemplatePartKind::TagPart(number) => format!("<tag {number}>"),
            TemplatePartKind::Capture(_) => "<capture>".to_owned(),
            TemplatePartKind::Member(path) => format!("<{}>", path.join("/")),
            TemplatePartKind::Other => "<other>".to_owned(),
            TemplatePartKind::Broken => "<broken>".to_owned(),
        };
        template.parts.iter().map(part).collect()
    }

    /// The expected are what the two cores did, and what their parser takes.
    #[test]
    fn variables_end_where_fluent_bit_ends_them() {
        for (text, expected) in [
            ("errors", "errors"),
            ("kube.errors.$TAG", "kube.errors.<tag>"),
            ("x-$TAG-y", "x-<tag>-y"),
            ("$TAGS", "<tag>S"),
            ("$TAG[4].x", "<tag 4>.x"),
            ("$TAG[x]", "<tag 0>"),
            ("$1$2-x.$log", "<capture><capture>-x.<log>"),
            (
                "app.$kubernetes['labels']['app.kubernetes.io/name'].log",
                "app.<kubernetes/labels/app.kubernetes.io/name>.log",
            ),
            ("$a[0]['b'],c", "<a/0/b>,c"),
            ("$pod/x", "<pod/x>"),
            ("$pod-x", "<pod-x>"),
            // Characters that no variable has are passed over.
            ("/eks/$(kubernetes['namespace_name'])", "/eks/<kubernetes/namespace_name>"),
            ("$kubernetes['pod_name']- x", "<kubernetes/pod_name> x"),
            ("$tag.x", "<tag>.x"),
            ("a$", "a$"),
            ("$", "$"),
        ] {
            assert_eq!(RecordTemplate::parse(text).map(|template| short(&template)).as_deref(), Ok(expected), "{text}");
        }
        for (text, part, behind) in [
            ("/eks/$kubernetes['ns']/app", "$kubernetes['ns']/app", Some('a')),
            ("$a['b']-$c", "$a['b']-$c", Some('$')),
            ("$kubernetes[ns].x", "$kubernetes[ns]", Some('n')),
            ("$kubernetes[\"ns\"]", "$kubernetes[", None),
            ("$['a']", "$['a']", Some('[')),
            ("x.$.y", "$", None),
            ("$a['b'", "$a['b'", None),
            ("$a['b", "$a['b", Some('b')),
        ] {
            let problem = RecordTemplate::parse(text).unwrap_err();
            assert_eq!((&text[problem.span.start..problem.span.end], problem.behind), (part, behind), "{text}");
        }
    }

    #[test]
    fn variables_of_the_plugin_in_go() {
        for (text, expected) in [
            ("/eks/$(kubernetes['namespace_name'])/x", "/eks/<kubernetes/namespace_name>/x"),
            ("$(tag)-$(tag[4])-$(uuid)", "<tag>-<tag 4>-<other>"),
            ("$(tag[x])-$(tag[)-$(tag[12])", "<tag 0>-<tag>-<tag 1>"),
            ("$kubernetes['a'] and $TAG", "$kubernetes['a'] and $TAG"),
            ("$(kubernetes['labels']['app'])", "<kubernetes/labels/app>"),
            ("/x/$(kubernetes['namespace_name]/$(kubernetes['labels']['k8s-app'])", "/x/<broken>"),
            ("$(kubernetes[namespace_name])", "<broken>"),
            ("$(kubernetes.pod_name)", "<kubernetes.pod_name>"),
        ] {
            assert_eq!(
                RecordTemplate::parse_go(text).map(|template| short(&template)).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        assert_eq!(RecordTemplate::parse_go("a$(b"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[$a-z'\\[\\]().,/ 0-9TAGé\"{}-]{0,30}") {
            for template in [RecordTemplate::parse(&text).ok(), RecordTemplate::parse_go(&text)].into_iter().flatten() {
                let mut at = 0;
                for part in &template.parts {
                    proptest::prop_assert_eq!(part.span.start, at);
                    at = part.span.end;
                }
                proptest::prop_assert_eq!(at, text.len());
            }
        }
    }
}
