//! Who is to blame for a 401 or 403: the key, or the logs of one payload that a firewall in between dislikes.
//!
//! A key that was accepted with other logs is not to blame. One of which nothing is known is fetched again first, since it may have
//! been rotated; then the intake is asked with a request that holds no log.

/// What is known of keys, by their numbers: a later key has a higher one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct KeyStanding {
    accepted: Option<u64>,
    refused: Option<u64>,
}

/// Who is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    Key,
    Payload,
    /// The key may have been rotated: with another it will show.
    PerhapsOldKey,
    /// The intake has to be asked.
    Unknown,
}

impl KeyStanding {
    /// The intake accepted something with this key.
    pub(super) fn accepted(&mut self, key: u64) {
        self.accepted = self.accepted.max(Some(key));
    }

    /// The intake refused this key, whatever was sent.
    pub(super) fn refused(&mut self, key: u64) {
        self.refused = self.refused.max(Some(key));
    }

    /// The key that is known to be refused, if nothing is known of a later one.
    pub(super) fn known_refusal(&self) -> Option<u64> {
        self.refused.filter(|_| self.refused > self.accepted)
    }

    /// Who is to blame where a payload was refused with a key. `is_second` if it was refused before with another.
    pub(super) fn blame(&self, key: u64, is_second: bool) -> Blame {
        // Which of the two came first is not known; either way it is not the key that this payload fails by.
        if self.accepted == Some(key) {
            Blame::Payload
        } else if self.known_refusal().is_some_and(|refused| refused >= key) {
            Blame::Key
        } else if is_second {
            Blame::Unknown
        } else {
            Blame::PerhapsOldKey
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_to_blame_only_where_nothing_is_accepted_with_it() {
        let mut standing = KeyStanding::default();
        assert_eq!((standing.blame(1, false), standing.blame(2, true)), (Blame::PerhapsOldKey, Blame::Unknown));
        standing.accepted(2);
        assert_eq!((standing.blame(2, false), standing.blame(2, true)), (Blame::Payload, Blame::Payload));
        // The old one is not to be tried again, but the new one.
        assert_eq!(standing.blame(1, false), Blame::PerhapsOldKey);
        standing.refused(3);
        assert_eq!(
            (standing.blame(3, true), standing.blame(3, false), standing.blame(4, true)),
            (Blame::Key, Blame::Key, Blame::Unknown)
        );
        assert_eq!(standing.known_refusal(), Some(3));
        standing.accepted(4);
        assert_eq!((standing.known_refusal(), standing.blame(4, true)), (None, Blame::Payload));
    }
}
