//! `modify`: sets, renames, copies and removes keys, under conditions.
//!
//! Source: fluent/fluent-bit, plugins/filter_modify/modify.c, at v1.9.10 and v5.1.1.

use super::beginning::{Beginning, beginning};
use crate::fluent_bit::parse::ReadSection;
use crate::fluent_bit::words::{by_spaces, by_spaces_and_quotes};
use crate::simulate::accessor::Accessor;
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::onigmo::{Expression, Refused};
use crate::simulate::record::Effect;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Key, Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Modify {
    conditions: Vec<Condition>,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Exists(Option<Accessor>),
    DoesNotExist(Option<Accessor>),
    AKeyMatches(Pattern),
    NoKeyMatches(Pattern),
    ValueEquals { key: Option<Accessor>, text: Vec<u8>, must: bool },
    ValueMatches { key: Option<Accessor>, pattern: Pattern, must: bool },
    Matching { keys: Pattern, values: Pattern, must: bool },
}

/// An expression that may not compile; Fluent Bit starts all the same, and dies as soon as it looks for it.
type Pattern = Result<Expression, NoAnswer>;

/// Why a search has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoAnswer {
    Dies,
    Unknown(Unknown),
}

impl From<Unknown> for NoAnswer {
    fn from(unknown: Unknown) -> NoAnswer {
        NoAnswer::Unknown(unknown)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Operation {
    Set(String, String),
    Add(String, String),
    Rename { from: String, to: String, is_hard: bool },
    Copy { from: String, to: String, is_hard: bool },
    Remove(String),
    RemoveWildcard(String),
    RemoveRegex(Pattern),
    Unknown,
}

fn pattern(core: Core, text: &str) -> Pattern {
    Expression::new(core, text).map_err(|refused| match refused {
        Refused::Broken => NoAnswer::Dies,
        Refused::Unknown(unknown) => NoAnswer::Unknown(unknown),
    })
}

impl Modify {
    pub(super) fn new(core: Core, section: &ReadSection) -> Result<Modify, NotStarted> {
        let mut filter = Modify { conditions: Vec::new(), operations: Vec::new() };
        for property in &section.properties {
            let name = property.name.value.to_ascii_lowercase();
            if ["name", "match", "match_regex", "alias", "log_level"].contains(&name.as_str()) {
                continue;
            }
            // Three words, and the rest.
            const MOST: usize = 3;
            let value = property.value.value.as_str();
            let words = match core {
                Core::Older => by_spaces(value, MOST),
                Core::Newer => by_spaces_and_quotes(value, MOST)
                    .ok_or(NotStarted::because("an option of modify has a quote that is not closed"))?,
            };
            if words.is_empty() || words.len() > MOST {
                return Err(NotStarted::because("an option of modify has too many words, or none"));
            }
            if name == "condition" {
                filter.conditions.push(condition(core, &words)?);
            } else {
                filter.operations.push(operation(core, &name, &words)?);
            }
        }
        Ok(filter)
    }

    pub(super) fn effect(&self, core: Core, record: &Map) -> Result<Effect, Unknown> {
        match self.answer(core, record) {
            Ok(effect) => Ok(effect),
            Err(NoAnswer::Dies) => Ok(Effect::Dies("a broken expression of modify, at the first record that it meets")),
            Err(NoAnswer::Unknown(unknown)) => Err(unknown),
        }
    }

    /// All conditions are looked at, also behind one that does not hold.
    fn all_hold(&self, core: Core, record: &Map) -> Result<bool, NoAnswer> {
        let (mut all, mut unknown) = (true, None);
        for condition in &self.conditions {
            match condition.holds(core, record) {
                Ok(holds) => all &= holds,
                Err(NoAnswer::Unknown(reason)) => unknown = Some(reason),
                Err(NoAnswer::Dies) => return Err(NoAnswer::Dies),
            }
        }
        unknown.filter(|_| all).map_or(Ok(all), |reason| Err(reason.into()))
    }

    fn answer(&self, core: Core, record: &Map) -> Result<Effect, NoAnswer> {
        if !self.all_hold(core, record)? {
            return Ok(Effect::Nothing);
        }
        let mut map = record.clone();
        let (mut is_modified, mut is_broken) = (false, false);
        for operation in &self.operations {
            if operation.breaks(&map) {
                is_broken = true;
            } else if let Some(next) = operation.apply(&map)? {
                map = next;
                is_modified = true;
            }
        }
        if is_broken && is_modified {
            return Err(Unknown("modify copies a key onto itself, which breaks what its other operations made").into());
        }
        Ok(if is_modified { Effect::map(map) } else { Effect::Nothing })
    }
}

fn condition(core: Core, words: &[String]) -> Result<Condition, NotStarted> {
    let word = |at: usize| words.get(at).map(String::as_str);
    let kind = word(0).unwrap_or_default().to_ascii_lowercase();
    let Some(first) = word(1) else {
        return Err(NotStarted::unknown("a condition of modify has no key"));
    };
    let key = || Accessor::new(core, first);
    let second = word(2).filter(|second| !second.is_empty());
    let missing = NotStarted::because("a condition of modify has no expression");
    let text = || second.unwrap_or_default().as_bytes().to_vec();
    Ok(match kind.as_str() {
        "key_exists" => Condition::Exists(key()),
        "key_does_not_exist" => Condition::DoesNotExist(key()),
        "a_key_matches" => Condition::AKeyMatches(pattern(core, first)),
        "no_key_matches" => Condition::NoKeyMatches(pattern(core, first)),
        "key_value_equals" => Condition::ValueEquals { key: key(), text: text(), must: true },
        "key_value_does_not_equal" => Condition::ValueEquals { key: key(), text: text(), must: false },
        "key_value_matches" => {
            Condition::ValueMatches { key: key(), pattern: pattern(core, second.ok_or(missing)?), must: true }
        }
        "key_value_does_not_match" => {
            Condition::ValueMatches { key: key(), pattern: pattern(core, second.ok_or(missing)?), must: false }
        }
        "matching_keys_have_matching_values" => Condition::Matching {
            keys: pattern(core, first),
            values: pattern(core, second.ok_or(missing)?),
            must: true,
        },
        "matching_keys_do_not_have_matching_values" => Condition::Matching {
            keys: pattern(core, first),
            values: pattern(core, second.ok_or(missing)?),
            must: false,
        },
        _ => return Err(NotStarted::because("modify has a condition that does not exist")),
    })
}

fn operation(core: Core, name: &str, words: &[String]) -> Result<Operation, NotStarted> {
    let wrong = NotStarted::because("an operation of modify has the wrong number of words, or does not exist");
    let (first, last) = match words {
        [only] => {
            return Ok(match name {
                "remove" => Operation::Remove(only.clone()),
                "remove_wildcard" => Operation::RemoveWildcard(only.clone()),
                "remove_regex" => Operation::RemoveRegex(pattern(core, only)),
                _ => return Err(wrong),
            });
        }
        [first, last] => (first.clone(), last.clone()),
        // With three words the older core notes no operation: it does what happens to stand in memory.
        [_, _, _] if core == Core::Older => return Ok(Operation::Unknown),
        // In the newer one, the first of all operations stands for none.
        [first, _, last] => return Ok(Operation::Rename { from: first.clone(), to: last.clone(), is_hard: false }),
        _ => return Err(wrong),
    };
    Ok(match name {
        "rename" => Operation::Rename { from: first, to: last, is_hard: false },
        "hard_rename" => Operation::Rename { from: first, to: last, is_hard: true },
        "add" | "add_if_not_present" => Operation::Add(first, last),
        "set" => Operation::Set(first, last),
        "copy" => Operation::Copy { from: first, to: last, is_hard: false },
        "hard_copy" => Operation::Copy { from: first, to: last, is_hard: true },
        _ => return Err(wrong),
    })
}

fn is_like(pattern: &Pattern, text: Option<&[u8]>) -> Result<bool, NoAnswer> {
    match text {
        Some(text) => Ok(pattern.as_ref().map_err(|no_answer| *no_answer)?.is_in(text)?),
        None => Ok(false),
    }
}

/// What of a value is searched: the newer core has words for true and false, too.
fn searched(core: Core, value: &Value) -> Option<&[u8]> {
    match (core, value) {
        (Core::Newer, Value::Boolean(true)) => Some(b"true"),
        (Core::Newer, Value::Boolean(false)) => Some(b"false"),
        _ => value.as_text(),
    }
}

/// What stands under a key, unless it is an element of a list.
fn member<'r>(core: Core, key: &Option<Accessor>, record: &'r Map) -> Result<Option<&'r Value>, Unknown> {
    let key = key.as_ref().ok_or(Unknown("a condition of modify has a key that Fluent Bit cannot read"))?;
    Ok(key.find(core, record)?.filter(|found| !found.is_element).map(|found| found.value))
}

impl Condition {
    fn holds(&self, core: Core, record: &Map) -> Result<bool, NoAnswer> {
        let any_key = |pattern: &Pattern| -> Result<bool, NoAnswer> {
            for (key, _) in &record.members {
                if is_like(pattern, key.as_text())? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok(match self {
            Condition::Exists(key) => member(core, key, record)?.is_some(),
            Condition::DoesNotExist(key) => member(core, key, record)?.is_none(),
            Condition::AKeyMatches(pattern) => any_key(pattern)?,
            Condition::NoKeyMatches(pattern) => !any_key(pattern)?,
            Condition::ValueEquals { key, text, must } => match member(core, key, record)? {
                Some(value) => (value.as_text() == Some(text)) == *must,
                None => false,
            },
            Condition::ValueMatches { key, pattern, must } => match member(core, key, record)? {
                Some(value) => is_like(pattern, searched(core, value))? == *must,
                None => false,
            },
            Condition::Matching { keys, values, must } => {
                let mut all = true;
                for (key, value) in &record.members {
                    if is_like(keys, key.as_text())? && !is_like(values, searched(core, value))? {
                        all = false;
                        break;
                    }
                }
                all == *must
            }
        })
    }
}

impl Operation {
    /// Whether it writes a map of which a member is missing, which is given up: a key is copied onto itself.
    fn breaks(&self, record: &Map) -> bool {
        let Operation::Copy { from, to, is_hard: true } = self else { return false };
        from == to && record.count(from.as_bytes()) == 1
    }

    /// The record after it; `None` if it does not apply.
    fn apply(&self, record: &Map) -> Result<Option<Map>, NoAnswer> {
        let is = |key: &Key, name: &str| key.is(name.as_bytes());
        let count = |name: &str| record.count(name.as_bytes());
        let without = |remove: &dyn Fn(&Key) -> bool| {
            let members: Vec<_> = record.members.iter().filter(|(key, _)| !remove(key)).cloned().collect();
            (members.len() != record.len()).then_some(Map { members })
        };
        Ok(match self {
            Operation::Unknown => {
                let reason = "an operation of modify has three words, of which the older core makes anything";
                return Err(Unknown(reason).into());
            }
            Operation::Set(key, text) => {
                let mut map = without(&|name| is(name, key)).unwrap_or_else(|| record.clone());
                map.push(key, Value::text(text));
                Some(map)
            }
            Operation::Add(key, text) => (count(key) == 0).then(|| {
                let mut map = record.clone();
                map.push(key, Value::text(text));
                map
            }),
            Operation::Remove(key) => without(&|name| is(name, key)),
            Operation::RemoveWildcard(prefix) => {
                let of = |(key, value): &(Key, Value)| beginning(key, value, prefix.as_bytes());
                if record.members.iter().any(|member| of(member) == Beginning::Overruns) {
                    let reason = "modify removes by the beginning of keys, and compares more than a key has";
                    return Err(Unknown(reason).into());
                }
                let members: Vec<_> =
                    record.members.iter().filter(|member| of(member) == Beginning::No).cloned().collect();
                (members.len() != record.len()).then_some(Map { members })
            }
            Operation::RemoveRegex(pattern) => {
                let mut members = Vec::new();
                for member in &record.members {
                    if !is_like(pattern, member.0.as_text())? {
                        members.push(member.clone());
                    }
                }
                (members.len() != record.len()).then_some(Map { members })
            }
            Operation::Rename { from, to, is_hard } => {
                if count(from) == 0 || (count(to) > 0 && !is_hard) {
                    return Ok(None);
                }
                let kept = record.members.iter().filter(|(key, _)| !is(key, to));
                let renamed = |(key, value): &(Key, Value)| {
                    let key = if is(key, from) { Key::Text(to.as_bytes().to_vec()) } else { key.clone() };
                    (key, value.clone())
                };
                Some(Map { members: kept.map(renamed).collect() })
            }
            Operation::Copy { from, to, is_hard } => {
                let most = usize::from(*is_hard);
                if count(from) != 1 || count(to) > most {
                    return Ok(None);
                }
                let mut members = Vec::new();
                for (key, value) in record.members.iter().filter(|(key, _)| !is(key, to)) {
                    members.push((key.clone(), value.clone()));
                    if is(key, from) {
                        members.push((Key::Text(to.as_bytes().to_vec()), value.clone()));
                    }
                }
                Some(Map { members })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fluent_bit::parse::parse;
    use crate::simulate::print::json_map;

    /// What the filter makes of `{"log":"x","a":"y"}`.
    fn modified(core: Core, operations: &str) -> Result<String, Unknown> {
        let configuration = parse(&format!("[FILTER]\n    Name modify\n{operations}"));
        let filter = Modify::new(core, &configuration.sections[0]).unwrap();
        let mut map = Map::default();
        map.push("log", Value::text("x"));
        map.push("a", Value::text("y"));
        let effect = filter.effect(core, &map)?;
        let map = if let Effect::Changed { map, .. } = effect { map } else { map };
        Ok(String::from_utf8(json_map(core, &map)).unwrap())
    }

    /// A real 1.9.10 and 5.1.1 left the record as it was, and said that it was no map.
    #[test]
    fn a_key_that_is_copied_onto_itself_breaks_what_else_is_done() {
        for core in Core::BOTH {
            assert_eq!(modified(core, "    Hard_copy log log\n").unwrap(), r#"{"log":"x","a":"y"}"#);
            assert!(modified(core, "    Hard_copy log log\n    Set b c\n").is_err());
            assert!(modified(core, "    Set b c\n    Hard_copy log log\n").is_err());
            assert_eq!(modified(core, "    Copy log log\n    Remove a\n").unwrap(), r#"{"log":"x"}"#);
        }
    }

    /// A real 1.9.10 and 5.1.1 ran with these until a record came that the expression was to be found in.
    #[test]
    fn an_expression_that_does_not_compile_kills_at_the_first_record_that_it_meets() {
        let effect = |core: Core, text: &str| {
            let configuration = parse(&format!("[FILTER]\n    Name modify\n    {text}\n    Set b c\n"));
            let mut map = Map::default();
            map.push("log", Value::text("x"));
            map.push("n", Value::Boolean(true));
            Modify::new(core, &configuration.sections[0]).unwrap().effect(core, &map).unwrap()
        };
        let dies = |core, text| matches!(effect(core, text), Effect::Dies(_));
        for core in Core::BOTH {
            assert!(dies(core, "Condition A_key_matches [^a-z "));
            assert!(dies(core, "Condition Key_value_does_not_match log (x"));
            assert!(dies(core, "Condition Matching_keys_have_matching_values log (x"));
            assert!(dies(core, "Remove_regex (x"));
            // Conditions behind one that does not hold are looked at, too.
            assert!(dies(core, "Condition Key_exists nope\n    Condition A_key_matches (x"));
            // What is not there is not searched, nor are the values of other keys.
            assert!(!dies(core, "Condition Key_value_matches nope (x"));
            assert!(!dies(core, "Condition Matching_keys_have_matching_values nope (x"));
        }
        // The older core searches texts only.
        assert!(!dies(Core::Older, "Condition Key_value_matches n (x"));
        assert!(dies(Core::Newer, "Condition Key_value_matches n (x"));
    }

    /// A real 5.1.1 set the key, a real 1.9.10 did not.
    #[test]
    fn the_newer_core_searches_true_and_false() {
        for (core, is_set) in [(Core::Older, false), (Core::Newer, true)] {
            for condition in ["Key_value_matches n ^true$", "Matching_keys_have_matching_values ^n$ ^t"] {
                let text = format!("[FILTER]\n    Name modify\n    Condition {condition}\n    Set b c\n");
                let configuration = parse(&text);
                let mut map = Map::default();
                map.push("n", Value::Boolean(true));
                let effect = Modify::new(core, &configuration.sections[0]).unwrap().effect(core, &map).unwrap();
                assert_eq!(matches!(effect, Effect::Changed { .. }), is_set, "{core:?} {condition}");
            }
        }
    }

    /// What stood in memory decided in 1.9.10: the same operation renamed in one run and did nothing in another.
    #[test]
    fn three_words_are_no_operation() {
        assert!(modified(Core::Older, "    Set log \"a b\"\n").is_err());
        assert_eq!(modified(Core::Newer, "    Set log \"a b\"\n").unwrap(), r#"{"a":"y","log":"a b"}"#);
        assert_eq!(modified(Core::Newer, "    Set log a b\n").unwrap(), r#"{"b":"x","a":"y"}"#);
    }
}
