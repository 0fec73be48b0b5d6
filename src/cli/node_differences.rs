//! Where rules that were written for an Agent on a node do something else here, and where a `multi_line` pattern joins everything.
//!
//! The Agent joins the lines of a log by the two characters `\n`, podferry by a line break. So `.` crosses lines there and not here, and a
//! pattern that spells out one of the two matches on one side only. Whether that matters is seen on the joined logs of a sample; without
//! one, by what the pattern is made of.
//!
//! Source: DataDog/datadog-agent, `pkg/logs/internal/decoder`, the multi-line handler, `EscapedLineFeed`.

use serde_json::Value;

use pipeline::autodiscovery::ContainerLogs;
use pipeline::counted::counted;
use pipeline::rules::pattern::{Pattern, Work};
use pipeline::rules::{ProcessingRule, RuleAction};

/// What the Agent joins lines by.
const ESCAPED_LINE_FEED: &str = "\\n";

/// A log of the sample that is joined of several lines, as no rule has changed it yet.
pub(super) struct JoinedLog {
    /// Among all logs of the sample, from 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// What to warn of: `json` is the annotation, `sample` the lines, and `joined` what became of them.
pub(super) fn warnings(json: &str, logs: &ContainerLogs, sample: &[String], joined: &[JoinedLog]) -> Vec<String> {
    // Whoever checks rules waits for what they take.
    let work = Work::unlimited();
    let mut warnings = Vec::new();
    if let Some(rule) = &logs.rules.multi_line
        && sample.len() > 1
        && !sample.iter().any(|line| rule.pattern.is_match(line, &work) == Ok(true))
    {
        warnings.push(format!(
            "rule `{}`: none of the sample's {} begins with a match of its pattern, so all of them would be one log",
            rule.name,
            counted(sample.len(), "line")
        ));
    }
    let written = patterns(json);
    for rule in &logs.rules.rules {
        let (RuleAction::Exclude(pattern) | RuleAction::Include(pattern) | RuleAction::Mask(pattern, _)) = &rule.action
        else {
            continue;
        };
        let spelling = written.iter().find(|(name, _)| *name == rule.name).and_then(|(_, text)| Spelling::of(text));
        let seen: Vec<Seen> = joined.iter().map(|log| Seen::of(rule, pattern, &log.text, &work)).collect();
        let differs = seen.iter().zip(joined).find(|(seen, _)| **seen == Seen::Differs);
        let problem = match (differs, spelling) {
            (Some((_, log)), _) => format!("does something else with log {} of the sample than on a node", log.number),
            (None, Some(_)) if logs.rules.multi_line.is_some() && !seen.contains(&Seen::Same) => {
                "may do something else with joined lines than on a node".to_owned()
            }
            _ => continue,
        };
        let advice = spelling.map_or("", Spelling::advice);
        warnings.push(format!(
            "rule `{}`: it {problem}: there the two characters `\\n` stand between lines, here a line break does{advice}",
            rule.name
        ));
    }
    warnings
}

/// The patterns of an annotation by the names of their rules.
fn patterns(json: &str) -> Vec<(String, String)> {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let first = if value.is_array() { value.get(0) } else { Some(&value) };
    let rules = first.and_then(|config| config.get("log_processing_rules")).and_then(Value::as_array);
    let text = |rule: &Value, member: &str| Some(rule.get(member)?.as_str()?.to_owned());
    let named = |rule: &Value| Some((text(rule, "name")?.trim().to_owned(), text(rule, "pattern")?));
    rules.into_iter().flatten().filter_map(named).collect()
}

/// What a rule does to one log, here and on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It matches on neither side.
    Nothing,
    Same,
    Differs,
}

impl Seen {
    fn of(rule: &ProcessingRule, pattern: &Pattern, text: &str, work: &Work) -> Seen {
        let on_node = text.replace('\n', ESCAPED_LINE_FEED);
        if !matches!(rule.action, RuleAction::Mask(..)) {
            let matches = |text: &str| pattern.is_match(text, work) == Ok(true);
            return match (matches(text), matches(&on_node)) {
                (false, false) => Seen::Nothing,
                (true, true) => Seen::Same,
                _ => Seen::Differs,
            };
        }
        // The same bytes, where a line break is one more on the node.
        let (mut counted, mut breaks) = (0, 0);
        let mut shifted = |at: usize| {
            breaks +=
                text.as_bytes().get(counted..at).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
            counted = at;
            at + breaks
        };
        let here = pattern.spans(text, work).map_while(Result::ok);
        let here: Vec<_> = here.map(|(start, end)| (shifted(start), shifted(end))).collect();
        let there: Vec<_> = pattern.spans(&on_node, work).map_while(Result::ok).collect();
        match (here.is_empty() && there.is_empty(), here == there) {
            (true, _) => Seen::Nothing,
            (false, true) => Seen::Same,
            (false, false) => Seen::Differs,
        }
    }
}

/// What of a pattern can be meant for what stands between lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// `.*` and the like, without `(?s)`.
    Dots,
    /// `\\n`: the Agent's two characters.
    TwoCharacters,
    /// `\n`: a line break.
    LineBreak,
}

impl Spelling {
    /// The first of them in a pattern. Classes count as none: a class that has no line break has no backslash either.
    fn of(pattern: &str) -> Option<Spelling> {
        let mut characters = pattern.chars().peekable();
        let (mut in_class, mut dots) = (false, None);
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some('n') if !in_class => return Some(Spelling::LineBreak),
                    Some('\\') if !in_class && characters.peek() == Some(&'n') => return Some(Spelling::TwoCharacters),
                    _ => {}
                },
                '[' if !in_class => {
                    in_class = true;
                    // A bracket that comes first is one of the class.
                    characters.next_if_eq(&'^');
                    characters.next_if_eq(&']');
                }
                ']' => in_class = false,
                '\n' if !in_class => return Some(Spelling::LineBreak),
                '.' if !in_class && matches!(characters.peek(), Some('*' | '+' | '{')) => dots = Some(Spelling::Dots),
                _ => {}
            }
        }
        dots.filter(|_| !crosses_lines(pattern))
    }

    fn advice(self) -> &'static str {
        match self {
            Spelling::Dots => {
                ", which `.` does not match: if it is to go on into the next line, write `(?s)` before it"
            }
            Spelling::TwoCharacters => ": write `\\n` for it, not `\\\\n`",
            Spelling::LineBreak => ": `\\n` in the pattern matches here only",
        }
    }
}

/// Whether a flag makes `.` match line breaks.
fn crosses_lines(pattern: &str) -> bool {
    pattern.match_indices("(?").any(|(at, mark)| {
        let flags = pattern[at + mark.len()..].split([')', ':', '-']).next().unwrap_or_default();
        flags.contains('s') && flags.bytes().all(|flag| flag.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &str, sample: &[&str], joined: &[&str]) -> Vec<String> {
        let json = format!(r#"[{{"log_processing_rules":[{rules}]}}]"#);
        let sample: Vec<String> = sample.iter().map(|line| (*line).to_owned()).collect();
        let joined = joined.iter().enumerate();
        let joined: Vec<JoinedLog> =
            joined.map(|(at, text)| JoinedLog { number: at + 1, text: (*text).to_owned() }).collect();
        warnings(&json, &ContainerLogs::parse(&json), &sample, &joined)
    }

    fn rule(kind: &str, pattern: &str) -> String {
        serde_json::json!({ "type": kind, "name": "r", "pattern": pattern, "replace_placeholder": "x" }).to_string()
    }

    const DATE: &str = r#"{"type":"multi_line","name":"date","pattern":"\\d{4}-"}"#;

    #[test]
    fn a_multi_line_pattern_that_joins_everything() {
        assert_eq!(found(DATE, &["a", "b"], &[]).len(), 1);
        assert!(found(DATE, &["a", "b"], &[])[0].contains("`date`: none of the sample's 2 lines begins with a match"));
        assert_eq!(found(DATE, &["a", "2026-11-22 b"], &[]), Vec::<String>::new());
        assert_eq!(found(DATE, &["a"], &[]), Vec::<String>::new());
        assert_eq!(found("", &["a", "b"], &[]), Vec::<String>::new());
    }

    #[test]
    fn what_a_pattern_is_made_of_is_told_without_a_sample() {
        let with_date = |pattern: &str| found(&format!("{DATE},{}", rule("exclude_at_match", pattern)), &[], &[]);
        for (pattern, advice) in [
            ("ERROR.*timeout", Some("(?s)")),
            ("a.+b", Some("(?s)")),
            ("a.{1,5}b", Some("(?s)")),
            (r"a\\nb", Some(r"write `\n`")),
            (r"a\nb", Some("here only")),
            ("(?s)ERROR.*timeout", None),
            ("(?is:ERROR.*timeout)", None),
            ("(?i)ERROR.*timeout", Some("(?s)")),
            ("(?P<s>a.*b)", Some("(?s)")),
            ("a.b", None),
            (r"a\.*b", None),
            ("a[.]*b", None),
            (r"a[]\n.*]b", None),
            ("GET /health", None),
        ] {
            let told = with_date(pattern);
            match advice {
                None => assert_eq!(told, Vec::<String>::new(), "{pattern}"),
                Some(advice) => {
                    assert_eq!(told.len(), 1, "{pattern}");
                    assert!(told[0].starts_with("rule `r`: it may do") && told[0].contains(advice), "{}", told[0]);
                }
            }
        }
        // No rule joins lines.
        assert_eq!(found(&rule("exclude_at_match", "ERROR.*timeout"), &[], &[]), Vec::<String>::new());
    }

    #[test]
    fn a_sample_shows_whether_it_matters() {
        let log = "2026- ERROR a\n  b timeout";
        for (kind, pattern, differs) in [
            ("exclude_at_match", "ERROR.*timeout", true),
            ("include_at_match", "ERROR.*timeout", true),
            ("mask_sequences", "ERROR.*timeout", true),
            ("mask_sequences", "ERROR.*", true),
            ("mask_sequences", r"a\S*", true),
            ("exclude_at_match", "ERROR.*", false),
            ("exclude_at_match", "timeout", false),
            ("mask_sequences", "b.*", false),
            ("mask_sequences", "(?s)ERROR.*", false),
        ] {
            let told = found(&format!("{DATE},{}", rule(kind, pattern)), &["2026- x"], &["c\nd", log]);
            assert_eq!(told.len(), usize::from(differs), "{kind} {pattern}: {told:?}");
            assert!(told.iter().all(|told| told.contains("log 2 of the sample")), "{told:?}");
        }
        // Lines that are joined without a rule are the same on a node.
        assert_eq!(found(&rule("exclude_at_match", "ERROR.*timeout"), &["x"], &[log]).len(), 1);
    }
}
