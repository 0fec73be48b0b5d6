//! `grep`: keeps or drops records by expressions.
//!
//! Source: fluent/fluent-bit, plugins/filter_grep/grep.c, at v1.9.10 and v5.1.1.

use crate::fluent_bit::parse::ReadSection;
use crate::fluent_bit::words::by_spaces;
use crate::simulate::accessor::Accessor;
use crate::simulate::core::Core;
use crate::simulate::filters::options::expression;
use crate::simulate::not_started::NotStarted;
use crate::simulate::onigmo::Expression;
use crate::simulate::record::Effect;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::Map;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grep {
    rules: Vec<Rule>,
    logic: Logic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logic {
    /// The first rule that decides.
    Legacy,
    And,
    Or,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    excludes: bool,
    key: Accessor,
    expression: Expression,
}

impl Grep {
    pub(super) fn new(core: Core, section: &ReadSection) -> Result<Grep, NotStarted> {
        let logic = match section.value("Logical_Op").map(str::to_ascii_lowercase).as_deref() {
            Some(_) if core == Core::Older => return Err(NotStarted::because("grep knows no option Logical_Op")),
            Some("and") => Logic::And,
            Some("or") => Logic::Or,
            _ => Logic::Legacy,
        };
        let mut rules: Vec<Rule> = Vec::new();
        for property in &section.properties {
            let excludes = match property.name.value.to_ascii_lowercase().as_str() {
                "regex" => false,
                "exclude" => true,
                _ => continue,
            };
            if logic != Logic::Legacy && rules.first().is_some_and(|first| first.excludes != excludes) {
                return Err(NotStarted::because("grep has both Regex and Exclude beside Logical_Op"));
            }
            let words = by_spaces(&property.value.value, 1);
            let [key, pattern] = words.as_slice() else {
                return Err(NotStarted::because("a rule of grep has no expression"));
            };
            let key = if key.starts_with('$') { key.clone() } else { format!("${key}") };
            let key =
                Accessor::new(core, &key).ok_or(NotStarted::because("a rule of grep has a key that cannot be read"))?;
            rules.push(Rule { excludes, key, expression: expression(core, pattern)? });
        }
        Ok(Grep { rules, logic })
    }

    pub(super) fn effect(&self, core: Core, record: &Map) -> Result<Effect, Unknown> {
        let is_kept = match self.logic {
            Logic::Legacy => self.first_decides(core, record)?,
            logic => self.together(core, record, logic)?,
        };
        Ok(if is_kept { Effect::Nothing } else { Effect::Dropped })
    }

    fn first_decides(&self, core: Core, record: &Map) -> Result<bool, Unknown> {
        for rule in &self.rules {
            let is_there = rule.key.matched(core, record, &rule.expression)?.is_some();
            if !rule.excludes || is_there {
                return Ok(is_there != rule.excludes);
            }
        }
        Ok(true)
    }

    fn together(&self, core: Core, record: &Map, logic: Logic) -> Result<bool, Unknown> {
        let mut is_found = false;
        let mut excludes = false;
        for rule in &self.rules {
            is_found = rule.key.matched(core, record, &rule.expression)?.is_some();
            excludes = rule.excludes;
            if is_found == (logic == Logic::Or) {
                break;
            }
        }
        Ok(self.rules.is_empty() || is_found != excludes)
    }
}
