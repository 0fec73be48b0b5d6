//! Names that look alike, for "did you mean".

/// How many letters may differ, for one that is as long as most names are.
const MAX_DISTANCE: usize = 2;

/// The name that is most like a text: of those in which at most two letters differ, and fewer than half of them.
pub(crate) fn closest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let with_distance = names.into_iter().map(|name| (distance(&text.to_ascii_lowercase(), name), name));
    let is_near = |(distance, name): &(usize, &str)| *distance <= MAX_DISTANCE && distance * 2 < name.len();
    with_distance.filter(is_near).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or changed: Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.bytes().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        for (at, own) in other.bytes().enumerate() {
            let above = row.get(at + 1).copied().unwrap_or_default();
            let changed = diagonal + usize::from(own != letter);
            diagonal = above;
            if let Some(cell) = row.get_mut(at) {
                *cell = left;
            }
            left = changed.min(left + 1).min(above + 1);
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("web", "wbe", 2), ("log", "logs", 1)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn only_what_is_near() {
        let names = || ["instances", "init_config", "logs"];
        assert_eq!(closest("instance", names()), Some("instances"));
        assert_eq!(closest("Log", names()), Some("logs"));
        assert_eq!(closest("lo", names()), None);
        assert_eq!(closest("metrics", names()), None);
    }
}
