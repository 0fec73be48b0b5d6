//! Blocks that tell by their shape where they go on: texts that are framed, fenced, quoted or ruled.
//!
//! Nothing here knows a program. A line is looked at by itself and beside the one before it.

/// The block that a log is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    None,
    /// `-----BEGIN X-----` up to `-----END X-----`.
    Armour,
    /// Between two rules, as `==========`.
    Ruled {
        with: u8,
        length: usize,
    },
    /// Rows between `|`, and rules of `+---+`.
    Table,
    /// Lines that all begin with this and a blank: `> `, `# `, `! `.
    Quoted {
        with: u8,
    },
    /// Lines that all begin with `==12== `, as valgrind's.
    Numbered {
        length: usize,
        hash: u32,
        /// The last line had nothing behind it.
        is_empty: bool,
    },
    /// Columns between `|`, below a head and a rule of `---+---`.
    Columns {
        columns: usize,
        has_rule: bool,
    },
    /// `1078 | code` and the lines below it, up to a caret, and what it points at: `error: …`.
    Excerpt {
        number: u32,
        has_caret: bool,
    },
    /// `[#|2026-11-27T…|INFO|…` up to `|#]`, as GlassFish and Payara write. Whatever stands between.
    Record,
    /// `  ---` up to `  ...`, as the test protocol TAP has details.
    Document {
        indentation: usize,
    },
    /// `name: value` and `name:`, as YAML has them.
    Keys {
        is_nested: bool,
    },
    /// Signs more than letters: letters drawn of them, or a frame.
    Drawn,
    /// SQL over lines.
    Statement,
    /// Lines of one length without a blank, as base64 is wrapped.
    Wrapped {
        length: usize,
    },
    /// `diff --git …`.
    Diff,
    /// Lines of markup.
    Markup,
    /// `______ title ______`, a blank line, and what follows, up to the next title.
    Titled {
        with: u8,
        has_begun: bool,
    },
    /// The head of an HTTP message: `Name: value`.
    Fields,
}

impl Block {
    /// The block that begins with this line.
    pub(super) fn begin(line: &str) -> Block {
        let Some(&first) = line.as_bytes().first() else { return Block::None };
        match first {
            b'-' if line.starts_with("-----BEGIN ") => Block::Armour,
            b'-' | b'=' | b'*' | b'#' | b'_' | b'~' if opens_report(line) => {
                Block::Ruled { with: first, length: line.len() }
            }
            b'-' | b'=' | b'*' | b'#' | b'_' | b'~' if is_title(line) => {
                Block::Titled { with: first, has_begun: false }
            }
            b'+' | b'|' if is_row(line) => Block::Table,
            b'=' if numbered(line).is_some() => {
                let length = numbered(line).unwrap_or_default();
                Block::Numbered { length, hash: hash(line.get(..length).unwrap_or_default()), is_empty: false }
            }
            b'>' | b'#' | b'!' | b';' if matches!(line.as_bytes().get(1), None | Some(b' ')) => {
                Block::Quoted { with: first }
            }
            b'-' if line.trim_ascii_end() == "---" => Block::Keys { is_nested: true },
            b'[' if opens_record(line) => Block::Record,
            b'0'..=b'9' if numbered_code(line).is_some() => {
                Block::Excerpt { number: numbered_code(line).unwrap_or_default(), has_caret: false }
            }
            b'A'..=b'Z' | b'a'..=b'z' if is_statement(line) => Block::Statement,
            b'<' if is_markup(line) => Block::Markup,
            b'd' if line.starts_with("diff --git ") => Block::Diff,
            b'H' if line.starts_with("HTTP/1.") || line.starts_with("HTTP/2 ") => Block::Fields,
            0xe2 if is_row(line) => Block::Table,
            _ if is_wrapped(line) => Block::Wrapped { length: line.len() },
            _ if is_key(line) => Block::Keys { is_nested: false },
            _ if line.contains(" | ") => Block::Columns { columns: columns(line), has_rule: false },
            _ if is_drawn(line) => Block::Drawn,
            _ => Block::None,
        }
    }

    /// Whether its lines are looked at one by one, the indented ones, too.
    pub(super) fn counts_indented(self) -> bool {
        matches!(self, Block::Titled { .. } | Block::Excerpt { .. } | Block::Record | Block::Document { .. })
    }

    /// Whether the next line belongs to it even if it has a head.
    pub(super) fn takes_heads(self, line: &str) -> bool {
        match self {
            Block::Excerpt { has_caret, .. } => has_caret,
            Block::Record => !line.starts_with("[#|"),
            _ => false,
        }
    }

    /// Whether this line is the next one of the block, and the block behind it.
    pub(super) fn next(self, line: &str, is_behind_blank: bool) -> Option<Block> {
        let first = line.as_bytes().first().copied();
        match self {
            Block::None => None,
            Block::Armour => Some(if line.starts_with("-----END ") { Block::None } else { self }),
            Block::Ruled { with, length } => {
                let is_end = line.len() == length && is_rule(line) && first == Some(with);
                // Behind a blank line a rule begins what comes next.
                if is_rule(line) && is_behind_blank {
                    return None;
                }
                let is_over = is_end || line.starts_with("==") && line.trim_ascii_end().ends_with("==ABORTING");
                Some(if is_over { Block::None } else { self })
            }
            Block::Titled { with, has_begun } => {
                let has_begun = has_begun || is_behind_blank;
                (has_begun && !is_title(line)).then_some(Block::Titled { with, has_begun })
            }
            Block::Table => is_row(line).then_some(self),
            Block::Quoted { with } => {
                (first == Some(with) && matches!(line.as_bytes().get(1), None | Some(b' '))).then_some(self)
            }
            Block::Numbered { length, hash: begin, is_empty } => {
                let is_same =
                    numbered(line) == Some(length) && line.get(..length).is_some_and(|head| hash(head) == begin);
                let text = line.get(length..).unwrap_or_default();
                // Behind an empty one the next report begins, at the margin.
                let is_next = !is_empty || text.starts_with("  ") || text.trim_ascii().is_empty();
                (is_same && is_next).then_some(Block::Numbered {
                    length,
                    hash: begin,
                    is_empty: text.trim_ascii().is_empty(),
                })
            }
            Block::Columns { columns: count, has_rule } => {
                let is_rule = !has_rule
                    && line.contains('-')
                    && line.bytes().all(|byte| matches!(byte, b'-' | b'+' | b'|' | b' '));
                let is_count = line.starts_with('(') && line.trim_ascii_end().ends_with([')']) && line.contains(" row");
                match () {
                    () if is_rule => Some(Block::Columns { columns: count, has_rule: true }),
                    () if has_rule && is_count => Some(Block::None),
                    () => (has_rule && columns(line) == count).then_some(self),
                }
            }
            Block::Excerpt { has_caret: true, .. } => Some(Block::None),
            Block::Excerpt { number, .. } => match numbered_code(line) {
                Some(next) => {
                    (next == number.saturating_add(1)).then_some(Block::Excerpt { number: next, has_caret: false })
                }
                None => (line.trim_ascii() == "^").then_some(Block::Excerpt { number, has_caret: true }),
            },
            Block::Document { indentation } => {
                let is_inside = line.bytes().take_while(|byte| *byte == b' ').count() >= indentation;
                is_inside.then_some(if line.trim_ascii() == "..." { Block::None } else { self })
            }
            Block::Record => Some(if line.trim_ascii_end().ends_with("|#]") { Block::None } else { self }),
            Block::Keys { is_nested } => {
                let is_item = line.starts_with("- ");
                let is_next = is_nested && (is_key(line) || is_item) || is_item && !is_behind_blank;
                is_next.then_some(Block::Keys { is_nested: true })
            }
            Block::Drawn => is_drawn(line).then_some(self),
            Block::Statement => {
                let is_next = is_clause(line) || line.starts_with(')');
                is_next.then_some(if line.trim_ascii_end().ends_with(';') { Block::None } else { self })
            }
            Block::Wrapped { length } if line.len() == length => is_wrapped(line).then_some(self),
            Block::Wrapped { length } => {
                (line.len() < length && !line.is_empty() && line.bytes().all(is_base64)).then_some(Block::None)
            }
            Block::Diff => {
                const INNER: [&str; 9] = [
                    "index ",
                    "--- ",
                    "+++ ",
                    "@@ ",
                    "new file ",
                    "deleted ",
                    "similarity ",
                    "rename ",
                    "Binary files ",
                ];
                let is_hunk = matches!(first, Some(b' ' | b'+' | b'-' | b'\\'));
                (is_hunk || INNER.iter().any(|begin| line.starts_with(begin))).then_some(self)
            }
            Block::Markup => is_markup(line).then_some(self),
            Block::Fields => is_field(line).then_some(self),
        }
    }
}

/// A rule that begins a report: of heavy signs, or as wide as a page. A short line of `-` stands below the head of a table.
fn opens_report(line: &str) -> bool {
    is_rule(line) && (line.starts_with(['=', '*', '#']) || line.len() >= 40)
}

/// Whether a line begins a section of a report, behind a blank one.
pub(super) fn begins_section(line: &str) -> bool {
    is_rule(line) || is_title(line)
}

/// Ten or more of the same character.
fn is_rule(line: &str) -> bool {
    let bytes = line.trim_ascii_end().as_bytes();
    bytes.len() >= 10 && bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// A title between two rules, as wide as a terminal: test runners print such.
fn is_title(line: &str) -> bool {
    let bytes = line.trim_ascii_end().as_bytes();
    let Some(&with) = bytes.first() else { return false };
    let is_sign = matches!(with, b'-' | b'=' | b'*' | b'#' | b'_' | b'~');
    let left = bytes.iter().take_while(|byte| **byte == with).count();
    let right = bytes.iter().rev().take_while(|byte| **byte == with).count();
    is_sign && bytes.len() >= 60 && left >= 5 && right >= 5 && left < bytes.len()
}

/// A row of a table, or the rule between two.
fn is_row(line: &str) -> bool {
    let line = line.trim_ascii_end();
    let is_between = |with: char| line.len() > 2 && line.starts_with(with) && line.ends_with(with);
    is_between('|')
        || is_between('+') && line.bytes().all(|byte| matches!(byte, b'+' | b'-' | b'='))
        || line.starts_with(is_of_box) && line.ends_with(is_of_box) && line.chars().nth(1).is_some()
}

/// Unicode, block "Box Drawing".
fn is_of_box(character: char) -> bool {
    matches!(character, '\u{2500}'..='\u{257f}')
}

/// How long the beginning `==12==` of a line is.
fn numbered(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("==")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let is_end = matches!(rest.as_bytes().get(digits..), Some([b'=', b'='] | [b'=', b'=', b' ', ..]));
    (digits > 0 && is_end).then_some(digits + 4)
}

/// `[#|…`, and no end of it.
pub(super) fn opens_record(line: &str) -> bool {
    line.starts_with("[#|") && !line.trim_ascii_end().ends_with("|#]")
}

/// The number in `1078 | code`.
fn numbered_code(line: &str) -> Option<u32> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = line.split_at(digits);
    let is_code = rest == " |" || rest.starts_with(" | ");
    number.parse().ok().filter(|_| is_code)
}

/// FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn columns(line: &str) -> usize {
    memchr::memchr_iter(b'|', line.as_bytes()).count()
}

/// `name:` or `name: value`, where the name is one word in small letters.
fn is_key(line: &str) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let length = line.bytes().take_while(is_name).count();
    line.starts_with(|first: char| first.is_ascii_lowercase())
        && line.as_bytes().get(length) == Some(&b':')
        && matches!(line.as_bytes().get(length + 1), None | Some(b' '))
}

/// More signs than letters and digits, and enough of them.
fn is_drawn(line: &str) -> bool {
    if line.trim_ascii_start().starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return false;
    }
    let (mut letters, mut signs) = (0, 0);
    for character in line.chars().take(120).filter(|character| !character.is_whitespace()) {
        if character.is_alphanumeric() { letters += 1 } else { signs += 1 }
    }
    signs >= 8 && signs > letters * 2
}

/// The beginning of an SQL statement that does not end on its line.
fn is_statement(line: &str) -> bool {
    is_sql(line) && !line.trim_ascii_end().ends_with(';')
}

/// Whether a line begins as a statement of SQL does.
pub(super) fn is_sql(line: &str) -> bool {
    const VERBS: [&str; 8] = ["select", "insert", "update", "delete", "create", "alter", "with", "explain"];
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(word))
}

/// A line within an SQL statement.
pub(super) fn is_clause(line: &str) -> bool {
    const CLAUSES: [&str; 19] = [
        "from",
        "where",
        "and",
        "or",
        "set",
        "values",
        "order",
        "group",
        "having",
        "limit",
        "offset",
        "join",
        "left",
        "right",
        "inner",
        "on",
        "union",
        "returning",
        "cross",
    ];
    let word = line.split([' ', '\t', '(', ';']).next().unwrap_or_default();
    CLAUSES.iter().any(|clause| clause.eq_ignore_ascii_case(word))
}

/// Wrapped base64: MIME wraps at 76, PEM at 64.
fn is_wrapped(line: &str) -> bool {
    matches!(line.len(), 60..=80) && line.bytes().all(is_base64)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// `<!DOCTYPE html>`, `<?xml …`, `<html>`, `</html>`.
fn is_markup(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.first() == Some(&b'<')
        && bytes.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'!' | b'?' | b'/'))
        && line.trim_ascii_end().ends_with('>')
}

/// `Content-Type: text/html`.
fn is_field(line: &str) -> bool {
    let name = line.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-').count();
    name > 0 && line.as_bytes().get(name) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the lines belong to the block of the first; a blank line is passed over.
    fn taken(text: &str) -> usize {
        let mut lines = text.split('\n');
        let (mut block, mut is_behind_blank) = (Block::begin(lines.next().unwrap()), false);
        let mut taken = 1;
        for line in lines {
            if line.is_empty() {
                is_behind_blank = true;
                continue;
            }
            match block.next(line, is_behind_blank) {
                Some(next) => (block, taken, is_behind_blank) = (next, taken + 1, false),
                None => break,
            }
        }
        taken
    }

    #[test]
    fn blocks_go_on_to_their_end() {
        let base64 = "MIIDFzCCAf+gAwIBAgIUa+lLNL+dfXaOy3LQG8+a/3A09dAwDQYJKoZIhvcNAQEL";
        for (text, lines) in [
            (format!("-----BEGIN X-----\n{base64}\nx=\n-----END X-----\nnext"), 4),
            (format!("{base64}\n{base64}\nx=\nnext"), 3),
            ("==========\nWARNING\n==========\nnext".to_owned(), 3),
            ("==========\nFAIL: a\n\n==========\nFAIL: b".to_owned(), 2),
            ("+---+\n| a |\n+---+\nnext".to_owned(), 3),
            ("┌───┐\n│ a │\n└───┘\nnext".to_owned(), 3),
            ("# a\n# b\n#\nnext".to_owned(), 3),
            ("==12== a\n==12==  b\n==12== \n==12== c".to_owned(), 3),
            ("==12== a\n==13== b".to_owned(), 1),
            ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\nnext".to_owned(), 6),
            ("<!DOCTYPE html>\n<html>\n</html>\nnext".to_owned(), 3),
            ("HTTP/1.1 200 OK\nServer: x\nContent-Length: 3\nnext line".to_owned(), 3),
            ("id | name\n---+-----\n1 | a\n(1 row)\nnext".to_owned(), 4),
            ("1 | a\n2 |\n3 | b\n      ^\nerror: x\nnext".to_owned(), 5),
            ("1 | a\n3 | b".to_owned(), 1),
            ("[#|2026|INFO|\nx\n|#]\nnext".to_owned(), 3),
            ("[#|2026|INFO|x|#]\nnext".to_owned(), 1),
            ("---\na: 1\nb:\n- x\nnext line".to_owned(), 4),
            ("SELECT id\nFROM orders\nWHERE id = 7;\nAND not this".to_owned(), 3),
            ("worker: a\nworker: b".to_owned(), 1),
            ("a\nb".to_owned(), 1),
        ] {
            assert_eq!(taken(&text), lines, "{text}");
        }
    }

    #[test]
    fn a_titled_section_needs_a_blank_line() {
        let title = format!("{}  test  {}", "_".repeat(40), "_".repeat(40));
        assert_eq!(taken(&format!("{title}\n\na\nb\n{title}")), 3);
        assert_eq!(taken(&format!("{title}\na\nb")), 1);
    }
}
