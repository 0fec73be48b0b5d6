//! Patterns with `*` for any text, as Fluent Bit's `Match` has them, ARNs in policies, selectors of Fargate profiles, and people who name log
//! groups. In some `?` is any one letter.

/// Whether a pattern takes a text; `?` is any one letter where `has_question_mark`.
pub fn matches(pattern: &str, text: &str, has_question_mark: bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on after the last star, should it have to take one letter more.
    let mut retry = None;
    while let Some(letter) = text.clone().next() {
        let wanted = pattern.clone().next();
        if wanted == Some('*') {
            pattern.next();
            retry = Some((pattern.clone(), text.clone()));
        } else if wanted == Some(letter) || (has_question_mark && wanted == Some('?')) {
            pattern.next();
            text.next();
        } else if let Some((after_star, taken)) = &mut retry {
            taken.next();
            (pattern, text) = (after_star.clone(), taken.clone());
        } else {
            return false;
        }
    }
    pattern.all(|rest| rest == '*')
}

/// What every text begins with that a pattern with stars and question marks takes.
pub fn literal_prefix(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

/// Whether all that `narrow` takes is taken by `wide`, too. `false` where that is not seen at once.
pub fn covers(wide: &str, narrow: &str) -> bool {
    // A star of the narrow one is a letter like others, which only a star takes.
    matches(wide, narrow, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("kube.*", "kube.var.log", true),
            ("kube.*_shop_*", "kube.web_shop_app", true),
            ("kube.*_shop_*", "kube.web_shopping_app", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbxc", false),
            ("a?c", "a?c", true),
            ("a?c", "abc", false),
            ("/aws/eks/*/fargate", "/aws/eks/prod/eu/fargate", true),
            ("/aws/eks/*/fargate", "/aws/eks/fargate", false),
            ("a*b*c", "aXbXbcd", false),
            ("**", "x", true),
            ("a*a", "a", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(matches(pattern, text, false), expected, "{pattern} {text}");
        }
        assert!(matches("a?c", "abc", true) && !matches("a?c", "ac", true) && matches("ä?", "äö", true));
        assert_eq!((literal_prefix("/aws/*/x"), literal_prefix("?")), ("/aws/", ""));
        assert!(covers("*", "kube.*") && covers("kube.*", "kube.*_shop_*") && !covers("kube.*_shop_*", "kube.*"));
    }
}
