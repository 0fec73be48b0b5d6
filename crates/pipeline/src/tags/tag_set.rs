//! Tags as Datadog takes them: normalised, without repetition, at most a hundred.

use std::fmt;

/// How many tags a log may bear. Source: Datadog, "Log Management limits": a log event should not have more than 100 tags.
pub const MAX_TAGS: usize = 100;

/// How long a tag may be, in characters. Source: Datadog, "Getting started with tags", "Define tags".
pub const MAX_TAG_LENGTH: usize = 200;

/// What a tag was taken from: for people who ask why a log has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TagOrigin {
    /// Nobody but podferry: a mark such as `podferry_rule_error`.
    #[default]
    Podferry,
    LogStream,
    LogGroup,
    /// The account and region that a record names.
    Record,
    /// What Fluent Bit's Kubernetes filter wrote of the pod and its container.
    Metadata,
    Image,
    Label,
    Annotation,
    /// The pod's owners, as the metadata lists them.
    Owner,
    /// The pod's owners, as the pod's name and labels tell them.
    PodName,
    NamespaceLabel,
    Setting,
}

impl fmt::Display for TagOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            TagOrigin::Podferry => "podferry",
            TagOrigin::LogStream => "log stream",
            TagOrigin::LogGroup => "log group",
            TagOrigin::Record => "record",
            TagOrigin::Metadata => "pod metadata",
            TagOrigin::Image => "image",
            TagOrigin::Label => "pod label",
            TagOrigin::Annotation => "pod annotation",
            TagOrigin::Owner => "owner reference",
            TagOrigin::PodName => "pod name",
            TagOrigin::NamespaceLabel => "namespace label",
            TagOrigin::Setting => "setting",
        })
    }
}

/// An ordered set of tags. What comes first stays when there are too many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSet {
    tags: Vec<String>,
    /// Of each of them.
    origins: Vec<TagOrigin>,
    /// Of those that are added next.
    origin: TagOrigin,
}

impl TagSet {
    /// Says where the tags that follow are from.
    pub(crate) fn from(&mut self, origin: TagOrigin) {
        self.origin = origin;
    }

    /// Adds `name:value`, unless one of both is empty, or it is there, or the set is full.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !name.trim().is_empty() && !value.trim().is_empty() {
            self.add_tag(&format!("{}:{}", name.trim(), value.trim()));
        }
    }

    /// Adds a tag that comes whole; one without a colon is legal.
    pub(crate) fn add_tag(&mut self, tag: &str) {
        let tag = normalise(tag);
        if !tag.is_empty() && self.tags.len() < MAX_TAGS && !self.tags.contains(&tag) {
            self.tags.push(tag);
            self.origins.push(self.origin);
        }
    }

    /// Whether a tag of this name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tags.iter().any(|tag| tag.split_once(':').is_some_and(|(key, _)| key == name))
    }

    /// The tags in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    /// The tags in their order, and what each was taken from: the first that had it.
    pub(crate) fn with_origins(&self) -> impl Iterator<Item = (&str, TagOrigin)> {
        self.iter().zip(self.origins.iter().copied())
    }

    /// The first `most` tags as `ddtags` has them.
    pub(crate) fn join(&self, most: usize) -> String {
        self.tags[..self.tags.len().min(most)].join(",")
    }
}

/// A tag as Datadog would store it: lower case; letters, digits and `_-:./`, everything else an underscore; beginning
/// with a letter; not ending with a colon; at most [`MAX_TAG_LENGTH`] characters. Empty if nothing is left.
///
/// Done here, since `ddtags` is one string that commas divide: a comma in a label's annotation would make two tags.
///
/// Source: Datadog, "Getting started with tags", "Define tags".
pub(crate) fn normalise(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len().min(MAX_TAG_LENGTH));
    match tag.is_ascii() {
        true => push_ascii(tag, &mut out),
        false => push_any(tag, &mut out),
    }
    out.truncate(out.trim_end_matches(':').len());
    out
}

/// Nearly all tags: a third of the work, and an event of one log is mostly tags.
fn push_ascii(tag: &str, out: &mut String) {
    let bytes = tag.bytes().skip_while(|byte| !byte.is_ascii_alphabetic()).take(MAX_TAG_LENGTH);
    out.extend(bytes.map(|byte| match byte {
        b'_' | b'-' | b':' | b'.' | b'/' => char::from(byte),
        other if other.is_ascii_alphanumeric() => char::from(other.to_ascii_lowercase()),
        _ => '_',
    }));
}

fn push_any(tag: &str, out: &mut String) {
    let characters = tag.chars().flat_map(char::to_lowercase).map(|character| match character {
        '_' | '-' | ':' | '.' | '/' => character,
        other if other.is_alphanumeric() => other,
        _ => '_',
    });
    out.extend(characters.skip_while(|character| !character.is_alphabetic()).take(MAX_TAG_LENGTH));
}

/// Splits `DD_TAGS` as the Agent does: by commas, or by white space where there is no comma.
pub fn split_list(list: &str) -> Vec<&str> {
    let parts: Vec<&str> =
        if list.contains(',') { list.split(',').collect() } else { list.split_whitespace().collect() };
    parts.into_iter().map(str::trim).filter(|tag| !tag.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_become_what_datadog_stores() {
        for (tag, stored) in [
            ("Team:Growth Squad, EU", "team:growth_squad__eu"),
            ("version:2026.11.3", "version:2026.11.3"),
            ("image_id:repo@sha256:ab", "image_id:repo_sha256:ab"),
            ("1two:x", "two:x"),
            ("_a:b", "a:b"),
            ("größe:ü", "größe:ü"),
            ("a:", "a"),
            ("::", ""),
            ("", ""),
        ] {
            assert_eq!(normalise(tag), stored, "{tag}");
        }
        for length in [199, 200, 201] {
            assert_eq!(normalise(&"x".repeat(length)).len(), length.min(200));
        }
    }

    #[test]
    fn a_hundred_tags_and_no_more() {
        let mut tags = TagSet::default();
        for number in 0..101 {
            tags.add("n", &format!("v{number}"));
            tags.add("n", &format!("v{number}"));
        }
        assert_eq!(tags.iter().count(), 100);
        assert!(tags.iter().any(|tag| tag == "n:v99"));
        tags.add("late", "x");
        assert!(!tags.has("late"));
    }

    #[test]
    fn empty_parts_make_no_tag() {
        let mut tags = TagSet::default();
        tags.add("", "x");
        tags.add("x", " ");
        tags.add_tag("--");
        assert_eq!(tags.join(100), "");
    }

    #[test]
    fn lists_are_split_like_the_agents() {
        assert_eq!(split_list("a:b, c:d e ,,"), ["a:b", "c:d e"]);
        assert_eq!(split_list(" a:b  c:d "), ["a:b", "c:d"]);
    }

    proptest! {
        #[test]
        fn normal_tags_stay_as_they_are(tag in any::<String>()) {
            let once = normalise(&tag);
            prop_assert!(!once.contains([',', ' ', '"', '\\']));
            prop_assert!(once.chars().count() <= MAX_TAG_LENGTH);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn a_tag_of_ascii_becomes_what_any_tag_does(tag in "[ -~\\t\\n]{0,8}([ -~]{150}){0,2}[ -~]{0,60}") {
            let (mut one, mut other) = (String::new(), String::new());
            push_ascii(&tag, &mut one);
            push_any(&tag, &mut other);
            prop_assert_eq!(one, other);
        }
    }
}
