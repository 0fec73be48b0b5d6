//! Patterns and replacements, compared with what real Go and real Python said (`scripts/patterns`).

use std::borrow::Cow;

use pipeline::rules::pattern::{Dialect, MAX_PATTERN_BYTES, Pattern, PatternError, Replacement, Work};
use proptest::prelude::*;
use serde_json::Value;

/// What is accepted or refused otherwise than by the engine that was asked, on purpose, and why.
const GO_EXCEPTIONS: [(&str, &str); 4] = [
    ("(a{100}){100}", "Go limits the product of nested repetitions; here the compiled size is limited"),
    ("(?i)*", "Go repeats what stands before the flags"),
    ("(?<user>\\w+)@", "Go takes this since 1.22"),
    ("\\x{D800}", "half a surrogate pair is no character, and in no text"),
];

/// What Python has and a linear matcher has not; its flag `a` and names of characters.
fn is_beyond(pattern: &str) -> bool {
    const CONSTRUCTS: [&str; 9] = ["(?=", "(?!", "(?<", "(?>", "(?(", "\\1", "(?P=", "(?a)", "\\N{"];
    CONSTRUCTS.iter().any(|construct| pattern.contains(construct))
        || ["*+", "++", "?+", "}+"].iter().any(|end| pattern.ends_with(end))
}

/// All cases of a file; what differs.
fn differences(file: &str, dialect: Dialect, is_exception: impl Fn(&str, bool) -> bool) -> Vec<String> {
    let path = format!("{}/tests/fixtures/patterns/{file}", testkit::ROOT);
    let file = std::fs::read_to_string(path).unwrap();
    let mut lines = file.lines();
    let texts: Vec<String> = serde_json::from_str(lines.next().unwrap()).unwrap();
    let cases: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 400);
    let mut wrong = Vec::new();
    for case in &cases {
        let (text, compiles) = (case["pattern"].as_str().unwrap(), case["compiles"] == true);
        match Pattern::new(text, dialect) {
            Ok(pattern) if compiles => {
                for said in case["said"].as_array().unwrap() {
                    let subject = &texts[said["text"].as_u64().unwrap() as usize];
                    wrong.extend(compare(&pattern, case, said, subject, dialect).map(|what| format!("{text}: {what}")));
                }
            }
            result if result.is_ok() == compiles || is_exception(text, compiles) => {}
            result => wrong.push(format!("{text}: compiles there: {compiles}; here: {:?}", result.err())),
        }
    }
    wrong
}

fn compare(pattern: &Pattern, case: &Value, said: &Value, subject: &str, dialect: Dialect) -> Option<String> {
    let expected: Vec<(usize, usize)> = serde_json::from_value(said["spans"].clone()).unwrap();
    let work = Work::unlimited();
    if pattern.is_match(subject, &work).unwrap() == expected.is_empty() {
        // Before 3.14, Python's `\\B` did not match in an empty text.
        let is_quirk = case["pattern"] == "\\B" && subject.is_empty() && dialect == Dialect::Python;
        return (!is_quirk).then(|| format!("{subject:?}: matches there: {}", !expected.is_empty()));
    }
    let has_empty = expected.iter().any(|(start, end)| start == end);
    if dialect == Dialect::Python && has_empty {
        return None;
    }
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (start, end) in pattern.spans(subject, &work).map(Result::unwrap) {
        // Go finds no empty match where a match has just ended.
        if start < end || spans.last().is_none_or(|(_, last)| *last != start) {
            spans.push((start, end));
        }
    }
    if spans != expected {
        return Some(format!("{subject:?}\n  there {expected:?}\n  here  {spans:?}"));
    }
    let replacement = Replacement::new(case["replacement"].as_str().unwrap(), pattern, dialect);
    if expected.is_empty() {
        return replacement
            .is_ok_and(|replacement| matches!(replacement.apply(pattern, subject, &work), Ok(Cow::Owned(_))))
            .then(|| "copies a text without a match".to_owned());
    }
    // Go leaves out what is empty.
    let there = said["replaced"].as_str().or((dialect == Dialect::Go).then_some(""));
    match (replacement, there) {
        (Ok(replacement), Some(there)) => {
            let here = replacement.apply(pattern, subject, &work).unwrap();
            (here != there)
                .then(|| format!("→ {}: {subject:?}\n  there {there:?}\n  here  {here:?}", case["replacement"]))
        }
        (Err(_), None) => None,
        (Ok(_), None) => Some(format!("→ {}: refused there", case["replacement"])),
        (Err(error), Some(_)) => Some(format!("→ {}: refused here: {error}", case["replacement"])),
    }
}

#[test]
fn as_go_has_it() {
    let is_exception = |pattern: &str, _| GO_EXCEPTIONS.iter().any(|(known, _)| *known == pattern);
    let wrong = differences("go.jsonl", Dialect::Go, is_exception);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn as_python_has_it() {
    let wrong = differences("python.jsonl", Dialect::Python, |pattern, compiles| compiles && is_beyond(pattern));
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_cannot_be_used_is_told_with_its_place_and_without_the_pattern() {
    for (pattern, at, word) in [
        ("geheim(", 7, "never closed"),
        ("geheim(?=x)", 7, "lookahead"),
        ("geheim(?<!x)", 7, "lookbehind"),
        ("(geheim)\\1", 9, "backreference"),
        ("geheim**", 8, "repeated"),
        ("geheim[a", 7, "never closed"),
        ("geheim\\y", 7, "`\\y`"),
        ("geheim{1001}", 7, "1000"),
        ("é(", 2, "never closed"),
    ] {
        let error = Pattern::new(pattern, Dialect::Go).unwrap_err();
        let PatternError::Syntax { at: found, problem } = &error else { panic!("{pattern}: {error}") };
        assert!(*found == at && problem.contains(word), "{pattern}: {error}");
        assert!(!error.to_string().contains("geheim"), "{error}");
        let anchored = Pattern::anchored(pattern, Dialect::Go).unwrap_err();
        assert_eq!(anchored, error, "{pattern}");
    }
    assert_eq!(
        Pattern::anchored("ab(", Dialect::Python).unwrap_err(),
        Pattern::new("ab(", Dialect::Python).unwrap_err()
    );
}

#[test]
fn size_is_limited() {
    for (length, fits) in [(MAX_PATTERN_BYTES - 1, true), (MAX_PATTERN_BYTES, true), (MAX_PATTERN_BYTES + 1, false)] {
        let pattern = Pattern::new(&"a".repeat(length), Dialect::Go);
        assert_eq!(pattern.is_ok(), fits, "{length}");
        assert!(fits || pattern.unwrap_err() == PatternError::TooLong);
    }
    assert_eq!(Pattern::new("(\\pL{1000}){1000}", Dialect::Go).unwrap_err(), PatternError::TooLarge);
    let deep = |depth: usize| Pattern::new(&("(".repeat(depth) + &")".repeat(depth)), Dialect::Go);
    assert!(deep(199).is_ok() && deep(200).is_ok() && deep(201).is_err());
}

#[test]
fn anchored_as_the_agent_anchors() {
    let at_start = |pattern: &str, text: &str, dialect| {
        Pattern::anchored(pattern, dialect).unwrap().is_match(text, &Work::unlimited()).unwrap()
    };
    assert!(at_start("b", "bc", Dialect::Go) && !at_start("b", "abc", Dialect::Go));
    // The Agent writes `^` before the pattern, so only its first alternative is bound.
    assert!(at_start("x|b", "abc", Dialect::Go) && !at_start("x|b", "abc", Dialect::Python));
}

proptest! {
    #[test]
    fn no_pattern_panics_and_what_does_not_match_stays(
        pattern in "([a-c\\\\\\[\\](){}*+?|^$.,:<>=!\\-0-3PQEdwsbpié]){0,16}|\\PC{0,12}",
        replacement in "[a$\\\\{}<>g1]{0,6}",
        text in "[a-c0-3 é\\n]{0,24}",
        dialect in prop_oneof![Just(Dialect::Go), Just(Dialect::Python)],
    ) {
        let Ok(pattern) = Pattern::new(&pattern, dialect) else { return Ok(()) };
        let Ok(replacement) = Replacement::new(&replacement, &pattern, dialect) else { return Ok(()) };
        let work = Work::unlimited();
        let replaced = replacement.apply(&pattern, &text, &work).unwrap();
        if pattern.is_match(&text, &work).unwrap() {
            let spans: Vec<_> = pattern.spans(&text, &work).map(Result::unwrap).collect();
            let (first, _) = spans[0];
            let last = spans.iter().map(|(_, end)| *end).max().unwrap();
            prop_assert!(replaced.starts_with(&text[..first]) && replaced.ends_with(&text[last..]));
        } else {
            prop_assert!(matches!(replaced, Cow::Borrowed(same) if same == text));
        }
    }
}
