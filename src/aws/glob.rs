//! Patterns with `*` and `?`, as people write them for log groups and as IAM writes them for ARNs.

/// Whether a pattern fits the whole of a text: `*` is any number of characters, also none and also slashes, `?` is one.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // After the last `*`, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, seen));
                at += 1;
            }
            Some(one) if *one == '?' || Some(one) == text.get(seen) => {
                at += 1;
                seen += 1;
            }
            _ => match &mut star {
                Some((after, taken)) => {
                    *taken += 1;
                    (at, seen) = (*after, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

/// What every text that fits begins with.
#[must_use]
pub fn literal_prefix(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("/aws/eks/*/fargate", "/aws/eks/prod/eu/fargate", true),
            ("/aws/eks/*/fargate", "/aws/eks/fargate", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a", "aba", true),
            ("**", "x", true),
            ("ä?", "äö", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert_eq!(literal_prefix("/aws/*/x"), "/aws/");
        assert_eq!(literal_prefix("?"), "");
    }
}
