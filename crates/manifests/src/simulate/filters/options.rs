//! Options that several filters have in common.

use crate::fluent_bit::parse::ReadSection;
use crate::simulate::boolean::boolean;
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::onigmo::{Expression, Refused};

/// A boolean option.
pub(super) fn flag(section: &ReadSection, option: &str, otherwise: bool) -> Result<bool, NotStarted> {
    match section.value(option) {
        None => Ok(otherwise),
        Some(value) => boolean(value).ok_or(NotStarted::because("an option is no boolean")),
    }
}

/// An expression that has to compile.
pub(super) fn expression(core: Core, pattern: &str) -> Result<Expression, NotStarted> {
    Expression::new(core, pattern).map_err(|refused| match refused {
        Refused::Broken => NotStarted::because("an expression does not compile"),
        Refused::Unknown(unknown) => NotStarted::Unknown(unknown),
    })
}
