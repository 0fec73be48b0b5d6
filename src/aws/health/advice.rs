//! The commands that findings suggest. They name the function, so that they work where several could be meant; and they are quoted,
//! since names in an account may hold anything and are copied into a shell.

use crate::aws::function::Function;

/// One word of a command, as a shell takes it.
#[must_use]
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Subscribes a log group.
#[must_use]
pub(crate) fn subscribe(group: &str, function: &Function) -> String {
    format!("podferry subscribe {} --function {}", quoted(group), function.qualified_name())
}

/// Puts the account's policy right: `subscribe --whole-account` leaves out the function's own log group, and adds the permission.
#[must_use]
pub(crate) fn subscribe_account(function: &Function) -> String {
    format!("podferry subscribe --whole-account --function {}", function.qualified_name())
}

/// Deletes the filters of a log group that lead to the function, whatever version or alias they name.
#[must_use]
pub(crate) fn unsubscribe(group: &str, function: &Function) -> String {
    format!("podferry unsubscribe {} --function {}", quoted(group), function.name)
}

/// Deletes one subscription filter, whoever made it.
#[must_use]
pub(crate) fn delete_filter(group: &str, filter: &str) -> String {
    format!("aws logs delete-subscription-filter --log-group-name {} --filter-name {}", quoted(group), quoted(filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (word, expected) in [
            ("/aws/eks/prod", "/aws/eks/prod"),
            ("", "''"),
            ("a b", "'a b'"),
            ("#a", "'#a'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's; reboot", r"'it'\''s; reboot'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
