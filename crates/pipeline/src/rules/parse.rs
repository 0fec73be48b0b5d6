//! `log_processing_rules`, as pods' annotations and `DD_LOGS_CONFIG_PROCESSING_RULES` write them.
//!
//! Reading never fails as a whole: rules that work are kept, in order, beside what is wrong with the others. A mask that
//! does not work stays in the list as [`RuleAction::BrokenMask`], so that what it was to hide is not passed on. The Agent
//! refuses the container's logs altogether.
//!
//! Source: DataDog/datadog-agent, `comp/logs/agent/config/processing_rules.go`, `ValidateProcessingRules` and
//! `CompileProcessingRules`.

use serde_json::Value;

use super::pattern::{Dialect, Pattern, PatternError, Replacement};
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

/// Reads a list of rules that is JSON already. Once compiled, all of them may take `max_bytes`; the first that does not fit is broken, and so are those
/// behind it: they are not compiled.
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

/// Compiles a rule, if there is room for it.
fn compile_within(rule: &Value, kind: &str, left: &mut Option<usize>) -> Result<Compiled, String> {
    const TOO_LARGE: &str =
        "is too large once compiled, beside the rules before it: use fewer or smaller repetitions, or fewer rules";
    if kind == "exclude_truncated" {
        return compile(rule, kind);
    }
    let room = left.ok_or(TOO_LARGE)?;
    let compiled = compile(rule, kind)?;
    let bytes = match &compiled {
        Compiled::Action(action) => action.bytes(),
        Compiled::MultiLine(pattern) => pattern.bytes(),
    };
    *left = room.checked_sub(bytes);
    if left.is_some() { Ok(compiled) } else { Err(TOO_LARGE.to_owned()) }
}

enum Compiled {
    Action(RuleAction),
    MultiLine(Pattern),
}

fn compile(rule: &Value, kind: &str) -> Result<Compiled, String> {
    let pattern = || match rule.get("pattern") {
        Some(Value::String(pattern)) if !pattern.is_empty() => Ok(pattern.as_str()),
        Some(Value::String(_)) | None => Err("has no `pattern`".to_owned()),
        Some(_) => Err("its `pattern` must be a string".to_owned()),
    };
    let failed = |error: PatternError| format!("its `pattern` does not compile: {error}");
    let go = |pattern: &str| Pattern::new(pattern, Dialect::Go).map_err(failed);
    let action = match kind {
        "exclude_at_match" => RuleAction::Exclude(go(pattern()?)?),
        "include_at_match" => RuleAction::Include(go(pattern()?)?),
        "exclude_truncated" => RuleAction::ExcludeTruncated,
        "mask_sequences" => {
            let placeholder = match rule.get("replace_placeholder") {
                None | Some(Value::Null) => "",
                Some(Value::String(placeholder)) => placeholder,
                Some(_) => return Err("its `replace_placeholder` must be a string".to_owned()),
            };
            let pattern = go(pattern()?)?;
            let replacement = Replacement::new(placeholder, &pattern, Dialect::Go)
                .map_err(|error| format!("its `replace_placeholder` cannot be used: {error}"))?;
            RuleAction::Mask(pattern, replacement)
        }
        "multi_line" => {
            return Pattern::anchored(pattern()?, Dialect::Go).map(Compiled::MultiLine).map_err(failed);
        }
        "" => return Err(format!("has no `type`: {TYPES}")),
        "remap_source" => return Err("has the type `remap_source`, which is not supported: set `source`".to_owned()),
        _ => return Err(format!("its `type` must be {TYPES}")),
    };
    Ok(Compiled::Action(action))
}
