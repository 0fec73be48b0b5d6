//! Puts replacements in place of matches, and hides in a text of several lines what each line alone would hide.
//!
//! Matches are looked for in the text as it was written, at four levels: in each line without the blanks at its ends, in each line, in the whole text
//! without the blanks at its ends, and in the whole. All of them are replaced; where two overlap, both are hidden, and of those that begin together
//! the longest stands for the others. What a replacement puts back (`$1`) cannot bring back what a line hides. So no match is looked for in what a
//! replacement wrote, and a mask is never applied twice.
//!
//! The levels are walked side by side and what comes of them is written straight out: nothing is gathered.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::compiled::{Matches, Pattern};
use super::replacement::{Replacement, ReplacementPiece};
use super::work::{Spent, Work};

/// How much longer than the text its masked form may be. Far more than a log may have at the intake.
const MAX_GROWTH: usize = 4 * 1024 * 1024;

/// Steps for each byte by which a text grows: what follows has to read it again, and a log is sent.
const STEPS_PER_GROWN_BYTE: u64 = 16;

/// How many bytes a search for one byte takes in a step.
const BYTES_PER_STEP: usize = 32;

impl Replacement {
    /// Replaces every match in a text. Borrowed where there is none.
    ///
    /// # Errors
    /// [`Spent`]: there is no budget left, or the text becomes too long.
    pub fn apply<'t>(&self, pattern: &Pattern, text: &'t str, work: &Work) -> Result<Cow<'t, str>, Spent> {
        Mask { pattern, replacement: self, text, work }.written(vec![Source::new(Level::Whole, 0..text.len(), text)])
    }

    /// The same for a mask: what matches in a line by itself is replaced, too, with the blanks at its ends or without. A
    /// pattern with `$` would find its secret in a line that comes alone, and pass it on in the middle of lines that were
    /// joined, or before a `\r`; the Agent takes blanks off before its rules apply.
    ///
    /// # Errors
    /// [`Spent`].
    pub(crate) fn mask<'t>(&self, pattern: &Pattern, text: &'t str, work: &Work) -> Result<Cow<'t, str>, Spent> {
        let has_lines = memchr(b'\n', text.as_bytes()).is_some();
        if !has_lines && text.trim().len() == text.len() {
            return self.apply(pattern, text, work);
        }
        // A text of one line is that line.
        let levels: &[Level] = if has_lines { &Level::ALL } else { &[Level::TrimmedLine, Level::Line] };
        let sources = levels.iter().map(|level| Source::new(*level, 0..text.len(), text)).collect();
        Mask { pattern, replacement: self, text, work }.written(sources)
    }
}

/// In which part of the text a match is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    TrimmedLine,
    Line,
    TrimmedWhole,
    Whole,
}

impl Level {
    const ALL: [Level; 4] = [Level::TrimmedLine, Level::Line, Level::TrimmedWhole, Level::Whole];

    fn is_trimmed(self) -> bool {
        matches!(self, Level::TrimmedLine | Level::TrimmedWhole)
    }

    /// Those that hide what this one's groups may not bring back in `part`, where the match `found` is. Asked for each match, so it
    /// looks at no more than that.
    fn below(self, part: &Part, found: &str) -> &'static [Level] {
        match self {
            Level::TrimmedLine => &[],
            Level::Line if part.blanks == 0 => &[],
            Level::Line => &[Level::TrimmedLine],
            // Within one line the match is the line's, too.
            Level::TrimmedWhole | Level::Whole if memchr(b'\n', found.as_bytes()).is_none() => &[],
            Level::TrimmedWhole | Level::Whole => &[Level::TrimmedLine, Level::Line],
        }
    }
}

/// A part of the text in which matches are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    range: Range<usize>,
    /// How many bytes of blanks are at its ends.
    blanks: usize,
}

/// A match, by its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    level: Level,
    /// The part in which it was found.
    part: Part,
    found: Range<usize>,
}

/// The matches of one level, in order.
struct Source {
    level: Level,
    /// Where the next part begins, as long as there is one, and where all of them end.
    rest: Option<usize>,
    until: usize,
    part: Option<Part>,
    matches: Matches,
    /// The next one, if it was asked for.
    next: Option<Option<Edit>>,
}

impl Source {
    /// Of the lines that `range` touches, or of all of it.
    fn new(level: Level, range: Range<usize>, text: &str) -> Source {
        let bytes = text.as_bytes();
        let is_of_lines = level <= Level::Line;
        let before = bytes.get(..range.start).filter(|_| is_of_lines).unwrap_or_default();
        let after = bytes.get(range.end..).filter(|_| is_of_lines).unwrap_or_default();
        let from = memrchr(b'\n', before).map_or(if is_of_lines { 0 } else { range.start }, |at| at + 1);
        let until = range.end + if is_of_lines { memchr(b'\n', after).unwrap_or(after.len()) } else { 0 };
        Source { level, rest: Some(from), until, part: None, matches: Matches::default(), next: None }
    }

    /// The next part that is another one than at the level beside it.
    fn next_part(&mut self, text: &str) -> Option<Part> {
        while let Some(start) = self.rest {
            let whole = text.get(start..self.until)?;
            let length = match self.level {
                Level::TrimmedLine | Level::Line => memchr(b'\n', whole.as_bytes()),
                Level::TrimmedWhole | Level::Whole => None,
            };
            self.rest = length.map(|length| start + length + 1);
            let part = whole.get(..length.unwrap_or(whole.len()))?;
            let trimmed = part.trim();
            let blanks = part.len() - trimmed.len();
            if !self.level.is_trimmed() {
                return Some(Part { range: start..start + part.len(), blanks });
            }
            if blanks > 0 {
                let start = start + part.len() - part.trim_start().len();
                return Some(Part { range: start..start + trimmed.len(), blanks });
            }
        }
        None
    }

    fn search(&mut self, mask: &Mask) -> Result<Option<Edit>, Spent> {
        loop {
            let part = match self.part.clone() {
                Some(part) => part,
                None => match self.next_part(mask.text) {
                    Some(part) => part,
                    None => return Ok(None),
                },
            };
            let text = mask.text.get(part.range.clone()).unwrap_or_default();
            if let Some((start, end)) = self.matches.next(mask.pattern, text, mask.work)? {
                let found = part.range.start + start..part.range.start + end;
                self.part = Some(part.clone());
                return Ok(Some(Edit { level: self.level, part, found }));
            }
            self.part = None;
            self.matches = Matches::default();
        }
    }

    fn peek(&mut self, mask: &Mask) -> Result<Option<&Edit>, Spent> {
        if self.next.is_none() {
            self.next = Some(self.search(mask)?);
        }
        Ok(self.next.as_ref().and_then(Option::as_ref))
    }
}

/// The next match of all; of those that begin together the longest, and of equals that of the first source.
fn next_of(sources: &mut [Source], mask: &Mask) -> Result<Option<Edit>, Spent> {
    let mut first: Option<(usize, usize, usize)> = None;
    for (index, source) in sources.iter_mut().enumerate() {
        let Some(edit) = source.peek(mask)? else { continue };
        let (start, end) = (edit.found.start, edit.found.end);
        if first.is_none_or(|(least, most, _)| start < least || start == least && end > most) {
            first = Some((start, end, index));
        }
    }
    Ok(first.and_then(|(_, _, index)| sources.get_mut(index)?.next.take().flatten()))
}

/// What is written so far; it may not become longer than `most` bytes.
struct Written {
    text: String,
    most: usize,
}

impl Written {
    fn push(&mut self, text: &str) -> Result<(), Spent> {
        if text.len() > self.most - self.text.len() {
            return Err(Spent);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// A mask at work on a text.
#[derive(Clone, Copy)]
struct Mask<'m, 't> {
    pattern: &'m Pattern,
    replacement: &'m Replacement,
    text: &'t str,
    work: &'m Work,
}

impl<'t> Mask<'_, 't> {
    fn written(self, mut sources: Vec<Source>) -> Result<Cow<'t, str>, Spent> {
        let Mask { text, work, .. } = self;
        let Some(first) = next_of(&mut sources, &self)? else { return Ok(Cow::Borrowed(text)) };
        let mut out = Written { text: String::with_capacity(text.len()), most: text.len().saturating_add(MAX_GROWTH) };
        self.write(0..text.len(), Some(first), &mut sources, &mut out)?;
        work.spend(STEPS_PER_GROWN_BYTE.saturating_mul(out.text.len().saturating_sub(text.len()) as u64))?;
        Ok(Cow::Owned(out.text))
    }

    /// Writes a range of the text with the matches of all sources replaced; `next` is the first of them.
    fn write(
        &self,
        range: Range<usize>,
        mut next: Option<Edit>,
        sources: &mut [Source],
        out: &mut Written,
    ) -> Result<(), Spent> {
        let mut copied = range.start;
        let mut last = None;
        while let Some(edit) = next {
            if edit.found.start >= range.end && range.end < self.text.len() {
                break;
            }
            let is_hidden = edit.found.start < copied && edit.found.end <= copied;
            if !is_hidden && last.as_ref() != Some(&edit.found) {
                out.push(self.text.get(copied..edit.found.start).unwrap_or_default())?;
                self.replace(&edit, &range, out)?;
                copied = edit.found.end;
                last = Some(edit.found);
            }
            next = next_of(sources, self)?;
        }
        out.push(self.text.get(copied..range.end).unwrap_or_default())
    }

    /// Writes what stands for a match. Where it goes beyond the range, that is a group of another match, and only the match's own groups are
    /// written, as far as they are in the range: its text would stand beside the other's.
    fn replace(&self, edit: &Edit, range: &Range<usize>, out: &mut Written) -> Result<(), Spent> {
        let Edit { level, part, found } = edit;
        let pieces = self.replacement.pieces();
        self.work.spend(pieces.len() as u64)?;
        let is_whole = range.start <= found.start && found.end <= range.end;
        let part_text = self.text.get(part.range.clone()).unwrap_or_default();
        let part_start = part.range.start;
        let groups = self.replacement.groups(part_text, found.start - part_start..found.end - part_start, self.work)?;
        let below = level.below(part, self.text.get(found.clone()).unwrap_or_default());
        for piece in pieces {
            match piece {
                ReplacementPiece::Text(text) if is_whole => out.push(text)?,
                ReplacementPiece::Text(_) => {}
                ReplacementPiece::Group(number) => {
                    let Some(group) = groups.get(*number).cloned().flatten() else { continue };
                    let start = (part_start + group.start).max(range.start);
                    let end = (part_start + group.end).min(range.end);
                    if start >= end {
                        continue;
                    }
                    if !below.is_empty() {
                        // The ends of the line are looked for, and its blanks passed over.
                        self.work.spend((part.blanks + part_text.len() / BYTES_PER_STEP) as u64)?;
                    }
                    let mut sources: Vec<Source> =
                        below.iter().map(|level| Source::new(*level, start..end, self.text)).collect();
                    let first = next_of(&mut sources, self)?;
                    self.write(start..end, first, &mut sources, out)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::pattern::{Dialect, RuleBudget, SearchCaches};

    fn masked(pattern: &str, placeholder: &str, text: &str) -> String {
        let pattern = Pattern::new(pattern, Dialect::Go).unwrap();
        let replacement = Replacement::new(placeholder, &pattern, Dialect::Go).unwrap();
        replacement.mask(&pattern, text, &Work::unlimited()).unwrap().into_owned()
    }

    #[test]
    fn a_group_brings_back_nothing_that_a_line_hides() {
        let greedy = "(user=[^|]*) pass=\\S+";
        for (pattern, placeholder, text, left) in [
            (greedy, "$1 pass=***", "user=a pass=S1\nuser=b pass=S2", "user=a pass=***\nuser=b pass=***"),
            (greedy, "$1 pass=***", "user=a pass=S1\nx\nuser=b pass=S2 y", "user=a pass=***\nx\nuser=b pass=*** y"),
            (greedy, "$1 pass=***", "user=a pass=S1\r\nuser=b pass=S2\r", "user=a pass=***\r\nuser=b pass=***\r"),
            // The match of a line reaches beyond the group.
            (r"(?s)(a.*\n.)2|\d+", "$1#", "a\n123", "a\n##"),
        ] {
            assert_eq!(masked(pattern, placeholder, text), left, "{text:?}");
        }
    }

    #[test]
    fn what_the_whole_hides_is_hidden_though_a_line_matches() {
        for (pattern, text, left) in [
            ("(?s)BEGIN.*", "x BEGIN KEY\nabc\ndef", "x #"),
            ("key:\\n\\w+!|\\d", "key:\nabc1!", "#"),
            ("token=\\S+(\\s+\\S+)*", "token=a\nb c\nd", "#"),
            ("x", "x\nxx\n", "#\n##\n"),
            ("x$", "x \nx\r\nax", "# \n#\r\na#"),
        ] {
            assert_eq!(masked(pattern, "#", text), left, "{text:?}");
        }
    }

    #[test]
    fn no_mask_is_applied_to_what_it_wrote() {
        assert_eq!(masked("x", "xx", " x\nx y\n x "), " xx\nxx y\n xx ");
        assert_eq!(masked("a\\nb|ab", "ab", "a\nb\nab"), "ab\nab");
    }

    #[test]
    fn blanks_at_the_ends_of_a_line_are_looked_at_once_or_are_charged() {
        let text = format!("{}x", " ".repeat(200_000));
        let work = |placeholder| {
            let pattern = Pattern::new("( )", Dialect::Go).unwrap();
            let replacement = Replacement::new(placeholder, &pattern, Dialect::Go).unwrap();
            let work = Work::of_event(text.len(), &RuleBudget::default(), &SearchCaches::default());
            replacement.mask(&pattern, &text, &work).map(|masked| masked.len())
        };
        assert_eq!(work("-"), Ok(text.len()));
        assert_eq!(work("$1"), Err(Spent));
    }

    #[test]
    fn a_text_may_grow_by_so_much_and_no_more() {
        let pattern = Pattern::new("(?s).+", Dialect::Go).unwrap();
        let text = "x".repeat(100);
        for (length, fits) in [(MAX_GROWTH + 99, true), (MAX_GROWTH + 100, true), (MAX_GROWTH + 101, false)] {
            let replacement = Replacement::new(&"y".repeat(length), &pattern, Dialect::Go).unwrap();
            let masked = replacement.mask(&pattern, &text, &Work::unlimited());
            assert_eq!(masked.map(|masked| masked.len()), if fits { Ok(length) } else { Err(Spent) });
        }
        let replacement = Replacement::new("$0$0", &pattern, Dialect::Go).unwrap();
        let grown = |steps| replacement.apply(&pattern, &text, &Work::counting(steps)).is_ok();
        assert!(grown(u64::MAX) && !grown(STEPS_PER_GROWN_BYTE * 100));
    }

    /// What the levels hide together, gathered.
    fn gathered(pattern: &Pattern, placeholder: &str, text: &str) -> String {
        let work = Work::unlimited();
        let mut parts = vec![(0, text), (text.len() - text.trim_start().len(), text.trim())];
        let mut offset = 0;
        for line in text.split('\n') {
            parts.push((offset, line));
            parts.push((offset + line.len() - line.trim_start().len(), line.trim()));
            offset += line.len() + 1;
        }
        let spans = |(offset, part): (usize, &str)| -> Vec<(usize, usize)> {
            pattern.spans(part, &work).map(Result::unwrap).map(|(start, end)| (offset + start, offset + end)).collect()
        };
        let mut edits: Vec<(usize, usize)> = parts.into_iter().flat_map(spans).collect();
        edits.sort_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
        edits.dedup();
        let (mut out, mut copied) = (String::new(), 0);
        for (start, end) in edits {
            if start < copied && end <= copied {
                continue;
            }
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(placeholder);
            copied = end;
        }
        out + &text[copied..]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn a_mask_hides_what_any_line_and_the_whole_hide(
            pattern in r"([a-c]|\\w|\\b|\^|\$|\.|[a-c][*+?]|\[\^a\]\*|\(a\|bc\)|\||\\s|\\n|\(\?s\)|\(\?m\)){1,7}",
            text in "[a-c \\n\r]{0,24}",
        ) {
            let Ok(compiled) = Pattern::new(&pattern, Dialect::Go) else { return Ok(()) };
            let replacement = Replacement::new("#", &compiled, Dialect::Go).unwrap();
            for work in [Work::unlimited(), Work::counting(u64::MAX)] {
                let masked = replacement.mask(&compiled, &text, &work).unwrap().into_owned();
                prop_assert_eq!(&masked, &gathered(&compiled, "#", &text));
                if text.trim() == text && !text.contains('\n') {
                    prop_assert_eq!(masked, replacement.apply(&compiled, &text, &work).unwrap().into_owned());
                }
            }
        }

        #[test]
        fn no_group_of_any_match_brings_back_a_secret(text in "([ax|=]{0,3}(a=S[0-9])?[ax| ]{0,3}\n?){0,5}", space in prop_oneof![Just("[^ ]"), Just("[^|]"), Just("(?s:.)")]) {
            // Each line alone hides every secret, so must the whole.
            let pattern = format!("({space}*)=S\\d|S\\d");
            let masked = masked(&pattern, "$1=*", &text);
            let bare = text.lines().any(|line| super::tests::masked(&pattern, "$1=*", line).contains('S'));
            prop_assert!(bare || !masked.contains('S'), "{masked:?}");
        }
    }
}
