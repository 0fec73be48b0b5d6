//! The words of `modify`, which its two versions part differently: the newer one knows quotes.
//!
//! An operation with three words is none that the code knows, so nothing says which it is, and it renames the first to the third. Source:
//! fluent/fluent-bit, plugins/filter_modify/modify.c, `setup`, at v1.9.10 and v5.1.1.

use super::cores::{StoppedCores, WrongArgument};
use crate::fluent_bit::template::RecordTemplate;

/// So many words, and then the rest as one more.
pub(super) const MOST: usize = 3;

/// Operations that take one word, and those that take two.
const OF_ONE: [&str; 5] = ["remove", "remove_wildcard", "remove_regex", "move_to_start", "move_to_end"];
const OF_TWO: [&str; 6] = ["set", "add", "rename", "hard_rename", "copy", "hard_copy"];

/// What a condition asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Condition {
    name: &'static str,
    /// Whether its key is an expression, for any key.
    has_any_key: bool,
    value: ConditionValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConditionValue {
    None,
    Text,
    Expression,
}

const CONDITIONS: [Condition; 10] = [
    Condition { name: "key_exists", has_any_key: false, value: ConditionValue::None },
    Condition { name: "key_does_not_exist", has_any_key: false, value: ConditionValue::None },
    Condition { name: "a_key_matches", has_any_key: true, value: ConditionValue::None },
    Condition { name: "no_key_matches", has_any_key: true, value: ConditionValue::None },
    Condition { name: "key_value_equals", has_any_key: false, value: ConditionValue::Text },
    Condition { name: "key_value_does_not_equal", has_any_key: false, value: ConditionValue::Text },
    Condition { name: "key_value_matches", has_any_key: false, value: ConditionValue::Expression },
    Condition { name: "key_value_does_not_match", has_any_key: false, value: ConditionValue::Expression },
    Condition { name: "matching_keys_have_matching_values", has_any_key: true, value: ConditionValue::Expression },
    Condition {
        name: "matching_keys_do_not_have_matching_values",
        has_any_key: true,
        value: ConditionValue::Expression,
    },
];

/// Whether an option, in lower case, changes members.
pub(super) fn is_operation(option: &str) -> bool {
    OF_ONE.contains(&option) || OF_TWO.contains(&option)
}

/// What is wrong with an operation, whose words the older core and the newer one see; the newer has none where a quote is not closed.
pub(super) fn operation(written: &str, older: &[String], newer: Option<&[String]>) -> Option<WrongArgument> {
    let of_one = OF_ONE.iter().any(|option| option.eq_ignore_ascii_case(written));
    let wanted = if of_one { 1 } else { 2 };
    let takes = match written.to_ascii_lowercase().as_str() {
        "set" | "add" => "a key and a value",
        "rename" | "hard_rename" => "the old key and the new one",
        "copy" | "hard_copy" => "a key and its copy",
        "remove_regex" => "one expression",
        "remove_wildcard" => "the start of the keys",
        _ => "one key",
    };
    let is_refused = |words: &[String]| words.len() != wanted && words.len() != MOST;
    if let Some(stopped) = StoppedCores::new(is_refused(older), newer.is_none_or(is_refused)) {
        let message = match newer {
            None => format!("`{written}` has a quote that is not closed"),
            Some(_) => format!("`{written}` takes {takes}"),
        };
        return Some(WrongArgument { message, stopped: Some(stopped) });
    }
    let renames = |words: &[String]| match words {
        [from, _, to] => Some((from.clone(), to.clone())),
        _ => None,
    };
    let message = match (renames(older), newer.and_then(renames)) {
        (Some((from, to)), Some(_)) => {
            format!("`{written}` takes {takes}: with three words it renames `{from}` to `{to}`")
        }
        (Some((from, to)), None) => {
            format!("Fluent Bit 1.9 knows no quotes here: it renames `{from}` to `{to}`")
        }
        (None, _) if newer.is_some_and(|newer| newer != older) => {
            "Fluent Bit 1.9 knows no quotes here: they become part of the text".to_owned()
        }
        _ => return None,
    };
    Some(WrongArgument { message, stopped: None })
}

/// What is wrong with a condition.
pub(super) fn condition(older: &[String], newer: Option<&[String]>) -> Option<WrongArgument> {
    let stopped = |stopped, message: &str| Some(WrongArgument { message: message.to_owned(), stopped });
    let known = |words: &[String]| {
        CONDITIONS.iter().find(|condition| words.first().is_some_and(|word| word.eq_ignore_ascii_case(condition.name)))
    };
    let is_refused = |words: &[String]| {
        let least = if known(words).is_some_and(|known| known.value == ConditionValue::Expression) { 3 } else { 1 };
        known(words).is_none() || !(least..=MOST).contains(&words.len())
    };
    let Some(condition) = known(older) else {
        return stopped(Some(StoppedCores::Both), "`Condition` begins with a condition that Fluent Bit does not know");
    };
    if let Some(cores) = StoppedCores::new(is_refused(older), newer.is_none_or(is_refused)) {
        return stopped(Some(cores), "`Condition` takes a condition, a key and, for some conditions, a value");
    }
    // Without the key's variable, the filter fails at the first record.
    let is_broken = |key: &String| !condition.has_any_key && RecordTemplate::parse(key).is_err();
    if older.get(1).is_some_and(is_broken) {
        return stopped(Some(StoppedCores::Both), "`Condition` has a key that Fluent Bit cannot read");
    }
    match older.len() {
        1 => stopped(None, "`Condition` has no key"),
        2 if condition.value == ConditionValue::Text => stopped(None, "`Condition` has no value to compare with"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fluent_bit::words::{by_spaces, by_spaces_and_quotes};

    fn of_operation(name: &str, value: &str) -> Option<Option<StoppedCores>> {
        operation(name, &by_spaces(value, MOST), by_spaces_and_quotes(value, MOST).as_deref())
            .map(|wrong| wrong.stopped)
    }

    fn of_condition(value: &str) -> Option<Option<StoppedCores>> {
        condition(&by_spaces(value, MOST), by_spaces_and_quotes(value, MOST).as_deref()).map(|wrong| wrong.stopped)
    }

    #[test]
    fn operations_that_were_tried() {
        assert_eq!(of_operation("Set", "a b"), None);
        assert_eq!(of_operation("Set", "a b c"), Some(None));
        assert_eq!(of_operation("Set", "a \"b c\""), Some(None));
        assert_eq!(of_operation("Set", "a \"\""), Some(None));
        assert_eq!(of_operation("Set", "a"), Some(Some(StoppedCores::Both)));
        assert_eq!(of_operation("Set", "a b c d"), Some(Some(StoppedCores::Both)));
        assert_eq!(of_operation("Set", "a \"b c d\""), Some(Some(StoppedCores::Older)));
        assert_eq!(of_operation("Set", "a \"b"), Some(Some(StoppedCores::Newer)));
        assert_eq!(of_operation("Remove", "a"), None);
        assert_eq!(of_operation("Remove", "a b"), Some(Some(StoppedCores::Both)));
        assert_eq!(of_operation("Remove", "\"a b\""), Some(Some(StoppedCores::Older)));
    }

    #[test]
    fn conditions_that_were_tried() {
        for fine in [
            "Key_exists log",
            "a_key_matches ^le",
            "Key_value_equals t true",
            "Key_value_matches log m|n",
            "A_key_matches a$|b$",
        ] {
            assert_eq!(of_condition(fine), None, "{fine}");
        }
        for wrong in ["Unknown_condition x", "Key_value_matches log", "Key_value_equals a b c", "Key_exists $a[b]", ""]
        {
            assert_eq!(of_condition(wrong), Some(Some(StoppedCores::Both)), "{wrong}");
        }
        for odd in ["Key_exists", "Key_value_equals level"] {
            assert_eq!(of_condition(odd), Some(None), "{odd}");
        }
    }
}
