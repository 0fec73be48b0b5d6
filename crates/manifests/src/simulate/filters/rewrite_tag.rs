//! `rewrite_tag`: sends a copy of a record on its way again, under another tag.
//!
//! Source: fluent/fluent-bit, plugins/filter_rewrite_tag/rewrite_tag.c.

use crate::fluent_bit::parse::ReadSection;
use crate::fluent_bit::words::listed;
use crate::simulate::accessor::Accessor;
use crate::simulate::boolean::boolean;
use crate::simulate::core::Core;
use crate::simulate::filters::options::expression;
use crate::simulate::not_started::NotStarted;
use crate::simulate::onigmo::Expression;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::Map;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RewriteTag {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    key: Accessor,
    expression: Expression,
    tag: Accessor,
    keeps: bool,
}

/// A copy under a new tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Emission {
    pub(crate) tag: Vec<u8>,
    /// Whether the record itself goes on, too.
    pub(crate) keeps: bool,
}

impl RewriteTag {
    pub(super) fn new(core: Core, section: &ReadSection) -> Result<RewriteTag, NotStarted> {
        let mut rules = Vec::new();
        for property in section.properties.iter().filter(|property| property.name.value.eq_ignore_ascii_case("Rule")) {
            let words = listed(&property.value.value, 4);
            let [key, pattern, tag, keep, ..] = words.as_slice() else {
                return Err(NotStarted::because("a Rule of rewrite_tag has too few words"));
            };
            let accessor = |text: &str| {
                Accessor::new(core, text).ok_or(NotStarted::because("a Rule of rewrite_tag cannot be read"))
            };
            rules.push(Rule {
                key: accessor(key)?,
                expression: expression(core, pattern)?,
                tag: accessor(tag)?,
                keeps: boolean(keep).unwrap_or(false),
            });
        }
        Ok(RewriteTag { rules })
    }

    /// What the first rule that fits makes of a record.
    pub(crate) fn emission(&self, core: Core, tag: &[u8], record: &Map) -> Result<Option<Emission>, Unknown> {
        for rule in &self.rules {
            let Some(found) = rule.key.find(core, record)?.and_then(|found| found.value.as_text()) else { continue };
            if let Some(taken) = rule.expression.search(found)? {
                let tag = rule.tag.fill(core, tag, record, Some((&taken, found)), false)?;
                return Ok(tag.map(|tag| Emission { tag, keeps: rule.keeps }));
            }
        }
        Ok(None)
    }
}
