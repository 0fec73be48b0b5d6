//! Which names CloudWatch Logs takes for a log group and for a log stream.
//!
//! Source: Amazon CloudWatch Logs API Reference, "CreateLogGroup" and "CreateLogStream".

/// How many characters a name may have.
pub(crate) const MAX_NAME: usize = 512;
/// Names of log groups that begin with this are AWS's own.
pub(crate) const RESERVED: &str = "aws/";

/// Whether the name of a log group may have this character.
pub(crate) fn is_of_group(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-/.#".contains(letter)
}

/// Whether the name of a log stream may have this character.
pub(crate) fn is_of_stream(letter: char) -> bool {
    !":*".contains(letter)
}

/// Whether a log group may be named so.
pub(crate) fn is_group(name: &str) -> bool {
    has_length(name) && name.chars().all(is_of_group) && !name.starts_with(RESERVED)
}

/// Whether a log stream may be named so.
pub(crate) fn is_stream(name: &str) -> bool {
    has_length(name) && name.chars().all(is_of_stream)
}

fn has_length(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cloudwatch_takes() {
        assert!(["/aws/eks/prod_1/fargate-a.b#c", "a"].into_iter().all(is_group));
        assert!(!["", "a b", "a$(tag)", "a:b", "aws/eks", "é"].into_iter().any(is_group));
        assert!(["fargate/kube.var.log", "$(tag)", "é b"].into_iter().all(is_stream));
        assert!(!["", "a:b", "a*"].into_iter().any(is_stream));
        for (length, fits) in [(MAX_NAME - 1, true), (MAX_NAME, true), (MAX_NAME + 1, false)] {
            assert_eq!((is_group(&"a".repeat(length)), is_stream(&"é".repeat(length))), (fits, fits));
        }
    }
}
