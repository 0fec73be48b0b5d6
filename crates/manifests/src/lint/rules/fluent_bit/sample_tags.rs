//! Tags as they might be: one of a pod that a pattern takes, and one that a rule makes of another.

use pipeline::glob;

/// How EKS' tags begin and end; what is between is made to fit a filter. Source: Amazon EKS User Guide, "Fargate logging".
const TAG_START: &str = "kube.var.log.containers.";
const TAG_END: &str = ".log";
/// What stands for any part of a tag and for what is taken from a log.
const ANYTHING: &str = "x";

/// A tag of a pod that a pattern takes; none if it takes none.
pub(super) fn pod_tag(pattern: &str) -> Option<String> {
    let parts: Vec<&str> = pattern.split('*').collect();
    let (first, last) = (parts.first().copied()?, parts.last().copied()?);
    // What the ends have to have is there already.
    let inner =
        if parts.len() > 2 { parts.get(1..parts.len() - 1).unwrap_or_default().join(ANYTHING) } else { String::new() };
    let start = if first.starts_with(TAG_START) { first } else { TAG_START };
    let end = if last.ends_with(TAG_END) { last } else { TAG_END };
    let tag = format!("{start}{ANYTHING}{inner}{ANYTHING}{end}");
    glob::matches(pattern, &tag, false).then_some(tag)
}

/// How long a tag is made at most: longer than any file's name may be, and a rule can double a tag.
pub(super) const LONGEST: usize = 4096;

/// The tag that a rule makes of another, with something that fits nothing for what it takes from the log.
pub(super) fn made(new: &str, tag: &str) -> String {
    let mut made = String::new();
    let mut rest = new;
    while let Some((before, after)) = rest.split_once('$').filter(|_| made.len() < LONGEST) {
        made.push_str(before);
        if let Some(after) = after.strip_prefix("TAG") {
            let part = after.strip_prefix('[').and_then(|index| index.split_once(']'));
            match part.and_then(|(index, after)| Some((index.parse::<usize>().ok()?, after))) {
                Some((index, after)) => {
                    made.push_str(tag.split('.').nth(index).unwrap_or_default());
                    rest = after;
                }
                None => {
                    made.push_str(tag);
                    rest = after;
                }
            }
            continue;
        }
        made.push_str(ANYTHING);
        let mut is_quoted = false;
        let end = after.find(|letter| {
            is_quoted ^= letter == '\'';
            matches!(letter, '.' | ',' | ' ' | '"') && !is_quoted
        });
        let digit = after.starts_with(|first: char| first.is_ascii_digit());
        rest = after.get(if digit { 1 } else { end.unwrap_or(after.len()) }..).unwrap_or_default();
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_filters_take_and_give() {
        for pattern in ["kube.*", "*", "*nginx*", "kube.*_prod_*", "*.log", "kube.var.log.containers.web*"] {
            assert!(pod_tag(pattern).is_some_and(|tag| tag.starts_with(TAG_START)), "{pattern}");
        }
        assert!(pod_tag("err.*").is_none() && pod_tag("").is_none());
        let mut grown = "k".to_owned();
        (0..100).for_each(|_| grown = made("$TAG.$TAG", &grown));
        assert!(grown.len() < 10 * LONGEST, "{}", grown.len());
        assert_eq!(made("a.$TAG", "k.v"), "a.k.v");
        assert_eq!(made("$TAG[1].$0$1-$TAG", "k.v"), "v.xx-k.v");
        assert_eq!(made("ns.$kubernetes['labels']['a.b'].log", "k"), "ns.x.log");
    }
}
