//! Numbers of payment cards.
//!
//! A number is one if its first digits are a network's, it has that network's length, and its last digit is right. Of
//! random numbers of sixteen digits, one in some forty is such: see `docs/scrubbers.md`.

use super::runs::{Hit, before, behind_unicode_escape, is_word_at, is_word_before, run_end};

/// Ways to group the digits; none is a way, too.
const GROUPS: [&[usize]; 5] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];

/// The digits of a card's number, at most nineteen. Source: ISO/IEC 7812-1.
struct Digits {
    digits: [u8; 19],
    length: usize,
}

/// Finds a card's number.
pub(super) fn credit_card(text: &[u8], from: usize) -> Hit {
    let mut at = from;
    loop {
        let digits = text.get(at..)?.iter().position(u8::is_ascii_digit)?;
        let start = behind_unicode_escape(text, at + digits);
        let run = run_end(text, start, |byte| byte.is_ascii_digit());
        let end = plain_end(text, start, run).or_else(|| grouped_end(text, start, run));
        if let Some(end) = end.filter(|_| begins_number(text, start)) {
            return Some(start..end);
        }
        at = run;
    }
}

/// A number in one piece.
fn plain_end(text: &[u8], start: usize, run: usize) -> Option<usize> {
    let digits = Digits::read(text.get(start..run)?)?;
    (digits.is_card() && ends_number(text, run)).then_some(run)
}

/// A number in groups, parted by single blanks or hyphens.
fn grouped_end(text: &[u8], start: usize, run: usize) -> Option<usize> {
    let separator = *text.get(run).filter(|byte| matches!(byte, b' ' | b'-'))?;
    if run - start != 4 {
        return None;
    }
    GROUPS.iter().find_map(|groups| {
        let mut digits = Vec::with_capacity(19);
        let mut at = start;
        for (index, length) in groups.iter().enumerate() {
            if index > 0 {
                text.get(at).filter(|byte| **byte == separator)?;
                at += 1;
            }
            let group = text.get(at..at + length)?;
            digits.extend(group.iter().filter(|byte| byte.is_ascii_digit()));
            at += length;
        }
        let all: usize = groups.iter().sum();
        let digits = Digits::read(&digits).filter(|digits| digits.length == all)?;
        (digits.is_card() && ends_number(text, at)).then_some(at)
    })
}

fn begins_number(text: &[u8], start: usize) -> bool {
    match before(text, start) {
        Some(_) if is_word_before(text, start) => false,
        Some(b'.' | b'-' | b'+' | b'/' | b'%') => false,
        // `0001 4111 1111 1111 1111` is a longer number.
        Some(b' ') => {
            let head = text.get(..start - 1).unwrap_or_default();
            head.iter().rev().take(5).take_while(|byte| byte.is_ascii_digit()).count() != 4
        }
        _ => true,
    }
}

fn ends_number(text: &[u8], end: usize) -> bool {
    match (text.get(end), text.get(end + 1)) {
        (Some(_), _) if is_word_at(text, end) => false,
        (Some(b'.'), Some(next)) => !next.is_ascii_digit(),
        (Some(b'-'), Some(next)) => !next.is_ascii_alphanumeric(),
        _ => true,
    }
}

impl Digits {
    fn read(text: &[u8]) -> Option<Digits> {
        let mut digits = [0; 19];
        if !(13..=19).contains(&text.len()) {
            return None;
        }
        for (digit, byte) in digits.iter_mut().zip(text) {
            *digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        }
        Some(Digits { digits, length: text.len() })
    }

    fn is_card(&self) -> bool {
        self.is_of_a_network() && self.is_right()
    }

    /// The first `count` digits as a number.
    fn prefix(&self, count: usize) -> u32 {
        self.digits.iter().take(count).fold(0, |number, digit| number * 10 + u32::from(*digit))
    }

    /// Source: the networks' ranges of issuer identification numbers, as published.
    fn is_of_a_network(&self) -> bool {
        let (two, three, four) = (self.prefix(2), self.prefix(3), self.prefix(4));
        match self.length {
            13 => two / 10 == 4,
            14 => (300..=305).contains(&three) || matches!(two, 36 | 38 | 39),
            15 => matches!(two, 34 | 37),
            16 => {
                two / 10 == 4
                    || (51..=55).contains(&two)
                    || (2221..=2720).contains(&four)
                    || (3528..=3589).contains(&four)
                    || four == 6011
                    || (644..=649).contains(&three)
                    || matches!(two, 65 | 62)
                    || is_maestro(four)
            }
            17 | 18 => two == 62 || is_maestro(four),
            19 => two / 10 == 4 || two == 62 || two == 65 || four == 6011 || is_maestro(four),
            _ => false,
        }
    }

    /// The check digit. Source: ISO/IEC 7812-1, annex B, Luhn's formula.
    fn is_right(&self) -> bool {
        let digits = self.digits.iter().take(self.length).rev();
        let sum: u32 = digits
            .enumerate()
            .map(|(index, digit)| match (index % 2, u32::from(*digit) * 2) {
                (0, double) => double / 2,
                (_, double) => double / 10 + double % 10,
            })
            .sum();
        sum.is_multiple_of(10)
    }
}

fn is_maestro(four: u32) -> bool {
    matches!(four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761 | 6762 | 6763)
}
