//! How logs and counts look in a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();
const LABEL: Style = AnsiColor::Cyan.on_default();

/// How wide to print where the terminal does not say.
const WIDTH: usize = 110;

/// The terminal's width, within reason.
fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0)).clamp(60, 160)
}

/// Prints JSON for programs: no colours to look for, and in large pieces.
pub(super) fn json(value: &Value) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}

/// A table with a heading.
pub(super) fn table(out: &mut impl Write, heading: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width()).unwrap_or(u16::MAX)).set_header(heading.to_vec());
    table.add_rows(rows.iter().map(|row| row.iter().map(String::as_str).collect::<Vec<_>>()));
    writeln!(out, "{table}")
}

/// One log of Datadog's, part by part.
pub(super) fn log(out: &mut impl Write, log: &Value) -> io::Result<()> {
    let text = |name: &str| log[name].as_str().unwrap_or("–").to_owned();
    let time = log["timestamp"].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    part(out, "message", &shortened(&text("message"), 600))?;
    part(out, "time", &time.map_or_else(|| "–".to_owned(), |time| time.to_string()))?;
    part(out, "status", log["status"].as_str().unwrap_or("(its own, read by Datadog)"))?;
    part(out, "source", &text("ddsource"))?;
    part(out, "service", &text("service"))?;
    if let Some(hostname) = log["hostname"].as_str() {
        part(out, "hostname", hostname)?;
    }
    if !log["fluent_bit"].is_null() {
        part(out, "fluent_bit", &log["fluent_bit"].to_string())?;
    }
    part(out, "tags", &text("ddtags").replace(',', " "))
}

/// `1 log`, `2 logs`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A heading over what follows.
pub(super) fn title(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n{TITLE}{text}{TITLE:#}")
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
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut current = String::new();
        let mut length = 0;
        for word in line.split_inclusive(' ') {
            let word: String = word.chars().flat_map(visible).collect();
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

fn visible(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = (!character.is_control()).then_some(character);
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
    }
}
