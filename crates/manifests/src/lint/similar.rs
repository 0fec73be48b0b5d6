//! Names that look alike, for "did you mean".

/// How many characters may differ, for a name of usual length.
const MAX_DISTANCE: usize = 2;

/// The name that is most like a text, whatever their case: at most two characters differ, and fewer than half of them.
pub(crate) fn closest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let text = text.to_ascii_lowercase();
    let with_distance = names.into_iter().map(|name| (strsim::levenshtein(&text, &name.to_ascii_lowercase()), name));
    let is_near = |(distance, name): &(usize, &str)| *distance <= MAX_DISTANCE && distance * 2 < name.len();
    with_distance.filter(is_near).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near() {
        let names = || ["instances", "init_config", "logs", "objectSelector"];
        assert_eq!(closest("instance", names()), Some("instances"));
        assert_eq!(closest("Log", names()), Some("logs"));
        assert_eq!(closest("objectselektor", names()), Some("objectSelector"));
        assert_eq!(closest("lo", names()), None);
        assert_eq!(closest("metrics", names()), None);
    }
}
