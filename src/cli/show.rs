//! How text looks in a terminal: headings, parts, tables, and what is wrong. What somebody else wrote in it is made harmless.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{ContentArrangement, Table};

pub(super) use super::json_output::json;
use super::terminal::is_command;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();
const LABEL: Style = AnsiColor::Cyan.on_default();

/// Says on standard error what went wrong.
pub(super) fn error(error: &impl Display) {
    anstream::eprintln!("{ERROR}error:{} {}", ERROR.render_reset(), harmless_lines(&error.to_string()));
}

/// How narrow a terminal may be, in characters: a table needs so much.
const NARROWEST: usize = 60;

/// The terminal's width, in characters. What is piped is not wrapped: who searches in it would find half a line.
pub(super) fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(io::stdout());
    terminal.map_or(usize::MAX, |(width, _)| usize::from(width.0).max(NARROWEST))
}

/// What a terminal may not be able to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs {
    pub(super) is_utf8: bool,
    pub(super) arrow: &'static str,
    /// Where there is nothing.
    pub(super) none: &'static str,
}

impl Signs {
    pub(super) fn new(is_utf8: bool) -> Signs {
        if is_utf8 { Signs { is_utf8, arrow: "→", none: "–" } } else { Signs { is_utf8, arrow: "->", none: "-" } }
    }
}

/// A table with a heading.
pub(super) fn table(out: &mut impl Write, heading: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    table_with(out, Signs::new(true), heading, rows)
}

/// The same with the lines that the terminal can show.
pub(super) fn table_with(out: &mut impl Write, signs: Signs, heading: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(if signs.is_utf8 { UTF8_FULL_CONDENSED } else { ASCII_FULL_CONDENSED });
    if let Ok(width) = u16::try_from(width()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(heading.to_vec());
    table.add_rows(rows.iter().map(|row| row.iter().map(|cell| harmless(cell)).collect::<Vec<_>>()));
    writeln!(out, "{table}")
}

/// How wide two texts beside each other are at most, in characters: lines that are longer are hard to follow.
const BESIDE: usize = 118;

/// Two texts in columns, each under its heading, also where the width is not the terminal's.
pub(super) fn beside(out: &mut impl Write, headings: [&str; 2], left: &str, right: &str) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::DynamicFullWidth);
    table.set_width(u16::try_from(width().min(BESIDE)).unwrap_or(u16::MAX)).set_header(headings);
    let visible = |text: &str| text.split('\n').map(harmless).collect::<Vec<_>>().join("\n");
    table.add_row([visible(left), visible(right)]);
    writeln!(out, "{table}")
}

/// Something that is wrong.
pub(super) fn finding(out: &mut impl Write, problem: &str) -> io::Result<()> {
    writeln!(out, "  {ERROR}problem{ERROR:#}  {}", harmless(problem))
}

/// Something that works, and perhaps not as it was meant.
pub(super) fn warning(out: &mut impl Write, warning: &str) -> io::Result<()> {
    writeln!(out, "  {LABEL}warning{LABEL:#}  {}", harmless(warning))
}

/// Something to look at, and how much it matters: `wrong`, `unknown`, `note`.
pub(super) fn weighed(out: &mut impl Write, weight: &str, problem: &str) -> io::Result<()> {
    let style = if weight == "wrong" { ERROR } else { LABEL };
    writeln!(out, "{style}{weight:<8}{style:#} {}", harmless(problem))
}

/// What to do about it.
pub(super) fn remedy(out: &mut impl Write, signs: Signs, remedy: &str) -> io::Result<()> {
    writeln!(out, "         {} {}", signs.arrow, harmless(remedy))
}

/// A heading over what follows.
pub(super) fn title(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out)?;
    first_title(out, text)
}

/// A title with nothing above it.
pub(super) fn first_title(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", harmless(text))
}

/// A label and its value, wrapped under itself.
pub(super) fn part(out: &mut impl Write, label: &str, value: &str) -> io::Result<()> {
    const INDENT: usize = 14;
    let mut lines = wrapped(value, width().saturating_sub(INDENT)).into_iter();
    writeln!(out, "  {LABEL}{label:<11}{LABEL:#} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(out, "{:INDENT$}{line}", ""))
}

/// `text` in lines of at most `width` characters, broken at spaces where there are some. What a terminal would take
/// as a command is made visible.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut current = String::new();
        let mut length = 0;
        for word in line.split_inclusive(' ') {
            let word = harmless(word);
            let characters = word.chars().count();
            // A word that fits a line is not broken; one that fits none fills up the line that it begins in.
            if length > 0 && length + characters > width && characters <= width {
                lines.push(std::mem::take(&mut current));
                length = 0;
            }
            for character in word.chars() {
                if length >= width {
                    lines.push(std::mem::take(&mut current));
                    length = 0;
                    if character == ' ' {
                        continue;
                    }
                }
                current.push(character);
                length += 1;
            }
        }
        lines.push(current);
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// One line of somebody's text: names of rules and containers are anything.
pub(super) fn harmless(text: &str) -> String {
    text.chars().flat_map(visible).collect()
}

/// A text of ours, of one or more lines, in which there may be somebody's: the name of a function, of a file, of an object.
pub(super) fn harmless_lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

fn visible(character: char) -> impl Iterator<Item = char> {
    let escaped = is_command(character).then(|| character.escape_default());
    let plain = (!is_command(character)).then_some(character);
    escaped.into_iter().flatten().chain(plain)
}

/// The beginning of a long text, and how much there is besides.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}… ({} more bytes)", &text[..at], text.len() - at),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_and_many_words_are_broken() {
        assert_eq!(wrapped("aa bb cc", 6), ["aa bb", "cc"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("a bcdefgh i", 3), ["a b", "cde", "fgh", "i"]);
        assert_eq!(wrapped("a\nb", 9), ["a", "b"]);
    }

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(wrapped("\u{1b}[31mred", 40), ["\\u{1b}[31mred"]);
        assert_eq!(harmless("a\u{202e}b\u{9b}c\u{2066}\u{200f}é שלום"), "a\\u{202e}b\\u{9b}c\\u{2066}\\u{200f}é שלום");
        assert_eq!(harmless_lines("one\u{1b}[2J\n  two\t"), "one\\u{1b}[2J\n  two\\t");
        let mut out = Vec::new();
        table(&mut out, &["rule"], &[vec!["\u{1b}[31mred\n".to_owned()]]).unwrap();
        finding(&mut out, "\u{7}bell").unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.contains(r"\u{1b}[31mred\n") && shown.contains(r"\u{7}bell"), "{shown}");
    }
}
