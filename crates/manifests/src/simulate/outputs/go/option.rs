//! What an option says to AWS's plugins in Go, which take an empty value for none.

use crate::fluent_bit::parse::ReadSection;

pub(super) fn value<'s>(section: &'s ReadSection, option: &str) -> Option<&'s str> {
    section.value(option).filter(|value| !value.is_empty())
}

pub(super) fn is_true(section: &ReadSection, option: &str) -> bool {
    value(section, option).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
