//! Which heads begin logs in a stream, learned from the lines of the event alone.
//!
//! A program's writes begin where time has passed. A class of heads that stands at the beginning of writes begins logs; what
//! only looks like a head, a date within a message say, does not. The same event always teaches the same.

use super::head::{Head, HeadKind};

/// More classes than this are nobody's format; further ones are not learned.
const MAX_CLASSES: usize = 16;

/// How many writes must begin with a word and a colon before it is taken for a logger's.
const WORD_LEADS: u32 = 3;

/// How many of the writes of an output begin with heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Custom {
    /// Less than half.
    Rare,
    /// Half, or more: the program prints by itself, too.
    Mixed,
    /// Three of four, or more.
    Usual,
}

/// As many first words of printed lines are kept.
const MAX_PRINTED: usize = 32;

/// What has been seen of one output.
#[derive(Debug, Default)]
pub(super) struct Heads {
    classes: Vec<SeenClass>,
    /// Lines at which a write began, and those of them that had a head.
    writes: u32,
    headed: u32,
    /// First words of lines without a head at which a write began, hashed.
    printed: Vec<u32>,
}

#[derive(Debug)]
struct SeenClass {
    kind: HeadKind,
    class: u32,
    count: u32,
    /// How many of them began a write.
    led: u32,
}

impl Heads {
    /// Learns from one line that is not blank and not indented.
    pub(super) fn learn(&mut self, head: Option<Head>, begins_write: bool) {
        if begins_write {
            self.writes = self.writes.saturating_add(1);
            self.headed = self.headed.saturating_add(u32::from(head.is_some()));
        }
        let Some(head) = head else { return };
        let led = u32::from(begins_write);
        let has_room = self.classes.len() < MAX_CLASSES;
        match self.classes.iter_mut().find(|seen| seen.kind == head.kind && seen.class == head.class) {
            Some(seen) => {
                seen.count = seen.count.saturating_add(1);
                seen.led = seen.led.saturating_add(led);
            }
            None if has_room => {
                self.classes.push(SeenClass { kind: head.kind, class: head.class, count: 1, led });
            }
            None => {}
        }
    }

    /// Learns how a line begins that has no head and began a write.
    pub(super) fn learn_printed(&mut self, line: &str) {
        if let Some(word) = first_word(line)
            && self.printed.len() < MAX_PRINTED
            && !self.printed.contains(&word)
        {
            self.printed.push(word);
        }
    }

    /// Whether lines that begin with the same word began writes of their own: then this one is printed, too.
    pub(super) fn is_printed(&self, line: &str) -> bool {
        first_word(line).is_some_and(|word| self.printed.contains(&word))
    }

    /// Whether a head of this class begins a log here.
    pub(super) fn begin_with(&self, head: Head) -> bool {
        let seen = self.classes.iter().find(|seen| seen.kind == head.kind && seen.class == head.class);
        let is_plain = matches!(head.kind, HeadKind::Time | HeadKind::Json);
        seen.is_some_and(|seen| seen.led > 0 || seen.count > 1 && is_plain)
    }

    /// How many of the writes of this output begin with heads.
    pub(super) fn custom(&self) -> Custom {
        let (headed, others) = (u64::from(self.headed), u64::from(self.writes.saturating_sub(self.headed)));
        match () {
            () if headed == 0 || others > headed => Custom::Rare,
            () if others * 3 > headed => Custom::Mixed,
            () => Custom::Usual,
        }
    }

    /// Whether heads of this class have been seen often enough to be a logger's, not one that somebody printed.
    pub(super) fn is_of_logger(&self, head: Head) -> bool {
        self.classes.iter().find(|seen| seen.kind == head.kind && seen.class == head.class).is_some_and(|seen| {
            match head.kind {
                HeadKind::Word => seen.led >= WORD_LEADS,
                _ => seen.count > 1,
            }
        })
    }
}

/// A hash of the word that a line begins with.
fn first_word(line: &str) -> Option<u32> {
    let length = line.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = line.get(..length).filter(|word| !word.is_empty())?;
    Some(word.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(class: u32) -> Head {
        Head { kind: HeadKind::Time, class, is_bare: false }
    }

    #[test]
    fn what_begins_writes_begins_logs() {
        let mut heads = Heads::default();
        heads.learn(Some(time(1)), true);
        heads.learn(Some(time(2)), false);
        assert!(heads.begin_with(time(1)) && !heads.begin_with(time(2)) && !heads.begin_with(time(3)));
        // Twice cannot be a date in a message, mostly.
        heads.learn(Some(time(2)), false);
        assert!(heads.begin_with(time(2)));
    }

    #[test]
    fn heads_are_usual_where_three_of_four_writes_have_one() {
        let usual = |headed: u32, others: u32| {
            let mut heads = Heads::default();
            (0..headed).for_each(|_| heads.learn(Some(time(1)), true));
            (0..others).for_each(|_| heads.learn(None, true));
            heads.custom()
        };
        use Custom::{Mixed, Rare, Usual};
        assert_eq!(
            [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (3, 1), (2, 1), (5, 5), (5, 6)]
                .map(|(headed, others)| usual(headed, others)),
            [Rare, Rare, Usual, Mixed, Rare, Usual, Mixed, Mixed, Rare]
        );
    }

    #[test]
    fn the_number_of_classes_is_bounded() {
        let mut heads = Heads::default();
        (0..100).for_each(|class| heads.learn(Some(time(class)), true));
        assert_eq!([0, 15, 16].map(|class| heads.begin_with(time(class))), [true, true, false]);
    }
}
