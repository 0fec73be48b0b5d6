//! `log_processing_rules`, as pods' annotations and `DD_LOGS_CONFIG_PROCESSING_RULES` write them.
//!
//! Reading never fails as a whole: rules that work are kept, in order, beside what is wrong with the others. A mask that
//! does not work stays in the list as [`RuleAction::BrokenMask`], so that what it was to hide is not passed on. The Agent
//! refuses the container's logs altogether.
//!
//! Source: DataDog/datadog-agent, `comp/logs/agent/config/processing_rules.go`, `ValidateProcessingRules` and
//! `CompileProcessingRules`.

use serde_json::Value;

use super::pattern::{Dialect, Pattern, PatternError, Reading, Replacement};
use super::{MultiLine, ProcessingRule, RuleAction, RuleError, RuleSet};

/// How many rules a list may have. Every pod's author can write some, and all share the function's memory.
pub(crate) const MAX_RULES: usize = 64;

/// How long a rule's name may be in what we say of it.
const MAX_NAME_CHARACTERS: usize = 100;

/// What a rule's `type` can be.
pub const KINDS: [&str; 5] =
    ["exclude_at_match", "include_at_match", "mask_sequences", "multi_line", "exclude_truncated"];

/// The same, for people.
const TYPES: &str = "`exclude_at_match`, `include_at_match`, `mask_sequences`, `multi_line` or `exclude_truncated`";

/// Reads a JSON text: a list of rules.
pub fn text(json: &str) -> RuleSet {
    match serde_json::from_str(json) {
        Ok(value) => list(&value, usize::MAX),
        Err(error) => unreadable(json, format!("is not JSON: {}", json_problem(&error))),
    }
}

/// What is wrong with a JSON text, and where; nothing of the text itself.
pub(crate) fn json_problem(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Io | Category::Syntax | Category::Data => "it has a syntax error",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// A set for what cannot be read: closed, if it seems to be about masks.
pub(crate) fn unreadable(text: &str, problem: String) -> RuleSet {
    let mut set = RuleSet::default();
    set.fail(None, problem, mentions_mask(text));
    set
}

/// A mistake that belongs to no rule.
pub(crate) fn error(problem: String) -> RuleError {
    RuleError { name: None, problem }
}

/// Whether a text speaks of hiding something, however that is spelt.
fn mentions_mask(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["mask", "placeholder"].iter().any(|word| text.contains(word))
}

/// Whether a value is a rule, or holds one: what stands where no rule has an effect.
pub(crate) fn holds_rule(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(holds_rule),
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
            let is_rule = KINDS.contains(&kind) || members.contains_key("replace_placeholder");
            is_rule || members.values().any(holds_rule)
        }
        // Rules as a string in JSON.
        Value::String(text) => KINDS.iter().any(|kind| text.contains(kind)),
        _ => false,
    }
}

/// Reads a list of rules that is JSON already. Once compiled, all of them may take `max_bytes`, and reading them no more either, whether or not they work;
/// the first that does not fit is broken, and so are those behind it: they are not read.
pub(crate) fn list(value: &Value, max_bytes: usize) -> RuleSet {
    list_unless(value, max_bytes, |_| None)
}

/// The same, but for rules that `refused` says a problem of.
pub(crate) fn list_unless(value: &Value, max_bytes: usize, refused: fn(&Value) -> Option<String>) -> RuleSet {
    let mut set = RuleSet::default();
    let Some(rules) = value.as_array() else {
        set.fail(
            None,
            "must be a list of rules: `[{\"type\":…,\"name\":…,\"pattern\":…}]`",
            mentions_mask(&value.to_string()),
        );
        return set;
    };
    let mut left = Some(max_bytes);
    for (index, rule) in rules.iter().enumerate() {
        if index >= MAX_RULES {
            let rest = Value::from(rules.get(index..).unwrap_or_default());
            set.fail(None, format!("more than {MAX_RULES} rules"), mentions_mask(&rest.to_string()));
            break;
        }
        set.add(rule, index + 1, &mut left, refused);
    }
    set
}

impl RuleSet {
    fn fail(&mut self, name: Option<String>, problem: impl Into<String>, masks: bool) {
        if masks {
            let name = name.clone().unwrap_or_else(|| "mask_sequences".to_owned());
            self.rules.push(ProcessingRule { name, action: RuleAction::BrokenMask });
        }
        self.errors.push(RuleError { name, problem: problem.into() });
    }

    /// `left` is how many bytes the rule may take, unless one before it took too many.
    fn add(&mut self, rule: &Value, number: usize, left: &mut Option<usize>, refused: fn(&Value) -> Option<String>) {
        if !rule.is_object() {
            let problem = "must be an object: `{\"type\":…,\"name\":…,\"pattern\":…}`";
            return self.fail(Some(format!("rule {number}")), problem, mentions_mask(&rule.to_string()));
        }
        let text = |member: &str| rule.get(member).and_then(Value::as_str);
        let name = text("name").map(str::trim).filter(|name| !name.is_empty());
        let name = name.map(|name| name.chars().take(MAX_NAME_CHARACTERS).collect::<String>());
        let shown = name.clone().unwrap_or_else(|| format!("rule {number}"));
        // A type that is misspelt, or missing beside a placeholder, still means to hide something.
        let kind = text("type").unwrap_or_default();
        let masks = mentions_mask(kind) || rule.get("replace_placeholder").is_some();
        match refused(rule).map_or_else(|| compile_within(rule, kind, left), Err) {
            Ok(Compiled::Action(action)) => self.rules.push(ProcessingRule { name: shown.clone(), action }),
            Ok(Compiled::MultiLine(pattern)) if self.multi_line.is_none() => {
                self.multi_line = Some(MultiLine { name: shown.clone(), pattern });
            }
            Ok(Compiled::MultiLine(_)) => self.fail(Some(shown.clone()), "a second `multi_line` has no effect", false),
            Err(problem) => self.fail(Some(shown.clone()), problem, masks),
        }
        if name.is_none() {
            self.errors.push(RuleError { name: Some(shown), problem: "has no `name`".to_owned() });
        }
    }
}

/// Compiles a rule, if there is room for it. A rule that fails takes the room that reading it took.
fn compile_within(rule: &Value, kind: &str, left: &mut Option<usize>) -> Result<Compiled, String> {
    const TOO_LARGE: &str = "is too large once compiled, beside the rules before it: use fewer or smaller repetitions and classes, or fewer \
                             rules";
    if kind == "exclude_truncated" {
        return Ok(Compiled::Action(RuleAction::ExcludeTruncated));
    }
    let room = left.ok_or(TOO_LARGE)?;
    let mut reading = Reading::within(room);
    let compiled = compile(rule, kind, &mut reading);
    let bytes = match &compiled {
        Ok(Compiled::Action(action)) => action.bytes(),
        Ok(Compiled::MultiLine(pattern)) => pattern.bytes(),
        Err(_) => 0,
    };
    *left = room.checked_sub(bytes.max(reading.bytes()));
    match left {
        // What is wrong with the rule itself helps more.
        None if compiled.is_ok() => Err(TOO_LARGE.to_owned()),
        _ => compiled,
    }
}

enum Compiled {
    Action(RuleAction),
    MultiLine(Pattern),
}

fn compile(rule: &Value, kind: &str, reading: &mut Reading) -> Result<Compiled, String> {
    let pattern = || match rule.get("pattern") {
        Some(Value::String(pattern)) if !pattern.is_empty() => Ok(pattern.as_str()),
        Some(Value::String(_)) | None => Err("has no `pattern`".to_owned()),
        Some(_) => Err("its `pattern` must be a string".to_owned()),
    };
    let failed = |error: PatternError| format!("its `pattern` does not compile: {error}");
    let mut go = |pattern: &str| Pattern::read(pattern, Dialect::Go, reading).map_err(failed);
    let action = match kind {
        "exclude_at_match" => RuleAction::Exclude(go(pattern()?)?),
        "include_at_match" => RuleAction::Include(go(pattern()?)?),
        "mask_sequences" => {
            let placeholder = match rule.get("replace_placeholder") {
                None | Some(Value::Null) => "",
                Some(Value::String(placeholder)) => placeholder,
                Some(_) => return Err("its `replace_placeholder` must be a string".to_owned()),
            };
            let pattern = go(pattern()?)?;
            let replacement = Replacement::new(placeholder, &pattern, Dialect::Go).map_err(|error| {
                reading.built_in_vain();
                format!("its `replace_placeholder` cannot be used: {error}")
            })?;
            RuleAction::Mask(pattern, replacement)
        }
        "multi_line" => {
            let pattern = Pattern::read_anchored(pattern()?, Dialect::Go, reading);
            return pattern.map(Compiled::MultiLine).map_err(failed);
        }
        "" => return Err(format!("has no `type`: {TYPES}")),
        "remap_source" => return Err("has the type `remap_source`, which is not supported: set `source`".to_owned()),
        _ => return Err(format!("its `type` must be {TYPES}")),
    };
    Ok(Compiled::Action(action))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The share of an annotation.
    const SHARE: usize = 3 * 1024 * 1024;

    fn masks(pattern: &str, rules: usize) -> RuleSet {
        let rule = json!({ "type": "mask_sequences", "name": "m", "pattern": pattern, "replace_placeholder": "*" });
        list(&Value::from(vec![rule; rules]), SHARE)
    }

    /// How many rules were read, and failed by themselves: the others have no room left.
    fn read(set: &RuleSet) -> usize {
        set.errors.iter().filter(|error| !error.problem.contains("beside the rules before it")).count()
    }

    #[test]
    fn rules_that_fail_take_room_and_those_behind_are_broken_unread() {
        for (pattern, most) in [
            (r"\pL".repeat(5_400), 2),
            (format!("{}(", r"\pL".repeat(256)), 2),
            (format!("{}(", r"[\pL\pN]".repeat(100)), 2),
            (r"(\pL{1000}){1000}".to_owned(), 3),
            (format!("(?i){}(", r"[a\D]".repeat(32)), 64),
            (format!("(?i){}", r"[a\D]".repeat(3_000)), 64),
            ("(".repeat(16_000), 26),
            (format!("{}(", "a".repeat(16_000)), 26),
        ] {
            let set = masks(&pattern, 64);
            assert!(read(&set) <= most, "{} were read", read(&set));
            assert_eq!(set.errors.len(), 64);
            assert!(
                set.rules.len() == 64 && set.rules.iter().all(|rule| matches!(rule.action, RuleAction::BrokenMask))
            );
        }
    }

    #[test]
    fn rules_that_take_much_to_read_take_room_though_they_are_small_once_compiled() {
        let works = |set: &RuleSet| set.rules.iter().filter(|rule| matches!(rule.action, RuleAction::Mask(..))).count();
        assert_eq!(works(&masks(&format!("[{}]", r"\pL\pN".repeat(60)), 64)), 3);
        assert_eq!(works(&masks(&format!("(?i){}", r"[!-\x{10FFFF}]".repeat(25)), 64)), 2);
    }

    #[test]
    fn ordinary_rules_all_work_beside_some_that_fail() {
        let patterns = [
            r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}",
            r"\b(?:\d[ -]*?){13,16}\b",
            r"(?i)(?:pass|pwd|token)\s*[:=]\s*\S+",
            r"(?i)secret[\W_]+\w+",
            "(",
            r"\p{Nothing}",
            r"(?<=a)b",
            r"eyJ[\w-]+\.[\w-]+",
        ];
        let rule = |pattern: &&str| json!({ "type": "mask_sequences", "name": "m", "pattern": pattern, "replace_placeholder": "*" });
        let rules: Vec<Value> = patterns.iter().cycle().take(MAX_RULES).map(rule).collect();
        let set = list(&Value::from(rules), SHARE);
        assert_eq!((read(&set), set.errors.len(), set.rules.len()), (24, 24, 64));
    }
}
