//! Forms of single lines that say by themselves that a log goes on, or that another one begins: additions to an error, counts
//! below a table, lines of a source, names of functions.

/// `DETAIL:  Key (mail)=(a) already exists.`, `LINE 1: select nope`, as PostgreSQL adds to an error.
pub(super) fn is_annotation(text: &str) -> bool {
    const WORDS: [&str; 6] = ["DETAIL: ", "HINT: ", "CONTEXT: ", "QUERY: ", "STATEMENT: ", "LOCATION: "];
    let is_line = || {
        text.strip_prefix("LINE ").and_then(|rest| rest.split_once(": ")).is_some_and(|(number, _)| is_number(number))
    };
    WORDS.iter().any(|word| text.starts_with(word)) || is_line()
}

/// `(2 rows)`, below a table.
pub(super) fn is_row_count(text: &str) -> bool {
    let count =
        text.strip_prefix('(').and_then(|text| text.strip_suffix(" rows)").or_else(|| text.strip_suffix(" row)")));
    count.is_some_and(is_number)
}

/// `12 let x = 1;` behind `x.rs:12:5: error`: the line of the source that is spoken of.
pub(super) fn is_excerpt(first: &str, text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    digits > 0
        && rest.starts_with([' ', '\t'])
        && first.match_indices(number).any(|(at, _)| {
            let around =
                (at.checked_sub(1).and_then(|before| first.as_bytes().get(before)), first.as_bytes().get(at + digits));
            matches!(around, (Some(b':'), Some(b':' | b' ') | None) | (Some(b'('), Some(b',' | b')')))
        })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `main.(*Server).run`, `github.com/a/b.F`.
pub(super) fn is_function(line: &str) -> bool {
    !line.contains(' ') && line.contains('.') && !line.ends_with(['.', ':', ',']) && !line.contains("://")
}

/// `Author: A. Author`: a name in one word that begins with a capital letter.
pub(super) fn is_named_value(line: &str) -> bool {
    let name = line.bytes().take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'-').count();
    line.starts_with(|first: char| first.is_ascii_uppercase()) && line.as_bytes().get(name..name + 2) == Some(b": ")
}

/// `going on with the next`: words and no names of members, places or functions.
pub(super) fn is_prose(line: &str) -> bool {
    let mut words = line.split(' ').take(2);
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    words.all(is_word) && !line.contains(": ") && !line.contains('=')
}

/// `Connected to redis`: a word with one capital letter, and a word without one or a number.
pub(super) fn is_sentence(line: &str) -> bool {
    let first = line.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = line.as_bytes().get(..first).unwrap_or_default();
    let is_word = word.first().is_some_and(u8::is_ascii_uppercase)
        && word.get(1..).is_some_and(|rest| rest.iter().all(u8::is_ascii_lowercase));
    let is_next = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    is_word && line.as_bytes().get(first) == Some(&b' ') && line.as_bytes().get(first + 1).is_some_and(is_next)
}

/// `  File "/app/x.py", line 3, in f`.
pub(super) fn is_python_frame(line: &str) -> bool {
    line.trim_ascii_start().starts_with("File \"")
}

/// Whether two lines are the same but for numbers.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let one = one.bytes().filter(|byte| !byte.is_ascii_digit());
    one.eq(other.bytes().filter(|byte| !byte.is_ascii_digit()))
}

/// Whether a line begins as the log did: then it begins another of the kind. Numbers are looked past.
pub(super) fn repeats(first: &str, line: &str) -> bool {
    let mut one = first.bytes().filter(|byte| !byte.is_ascii_digit()).take(REPEATED_WITHIN);
    let mut other = line.bytes().filter(|byte| !byte.is_ascii_digit()).take(REPEATED_WITHIN);
    let (mut has_word, mut is_in_word) = (false, false);
    loop {
        match (one.next(), other.next()) {
            // `commit 3f…` twice: the first word is the same.
            (Some(a), Some(b)) if a == b => {
                has_word |= a == b' ' && is_in_word;
                // `[GIN-debug] GET` twice, too.
                is_in_word = a.is_ascii_alphabetic() || a == b']' && is_in_word;
            }
            (Some(_), Some(_)) => return has_word,
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// How much of two lines is looked at for whether one begins as the other did.
const REPEATED_WITHIN: usize = 48;

/// Whether a line is a request as access logs have it: `"GET / HTTP/1.1" 200`; PHP-FPM leaves the version out.
pub(super) fn is_request(line: &str) -> bool {
    const METHODS: [&str; 4] = ["\"GET /", "\"POST /", "\"HEAD /", "\"PUT /"];
    let is_quoted = line.contains("\" ");
    is_quoted
        && (line.contains(" HTTP/1.") || line.contains(" HTTP/2") || METHODS.iter().any(|method| line.contains(method)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_begins_a_log() {
        for line in ["DETAIL:  Key (mail)=(a) already exists.", "LINE 12: select nope", "HINT:  x"] {
            assert!(is_annotation(line), "{line}");
        }
        assert!(is_row_count("(1 row)") && is_row_count("(12 rows)") && is_function("main.(*Server).run"));
        assert!(is_named_value("Author: A. Author") && is_python_frame("  File \"/app/x.py\", line 3"));
        for line in ["LINE up", "DETAIL", "ERROR x", "(x rows)", "done."] {
            let is_any = is_annotation(line) || is_row_count(line) || is_function(line) || is_named_value(line);
            assert!(!is_any, "{line}");
        }
    }

    #[test]
    fn an_excerpt_has_the_number_that_was_spoken_of() {
        assert!(is_excerpt("x.ts:12:3 - error TS1: y", "12 let x;") && is_excerpt("x.ts(12,3): error", "12 let x;"));
        assert!(!is_excerpt("x.ts:12:3 - error", "2 let x;") && !is_excerpt("12 items", "12 more"));
    }

    #[test]
    fn a_line_that_begins_as_the_log_did_begins_another() {
        assert!(repeats("goroutine 1 [running]:", "goroutine 18 [running]:"));
        assert!(repeats("[GIN-debug] [WARNING] x", "[GIN-debug] GET /") && !repeats("[7] a", "[8] b"));
        assert!(repeats("commit 3f", "commit ab") && repeats("order 1 of pens", "order 2 of inks"));
        assert!(!repeats("config:", "  a: 1") && !repeats("  .   ____", " /\\ / ___") && !repeats("a b", "c d"));
        assert!(is_same("x.rb:1:in `a'", "x.rb:22:in `a'") && !is_same("x.rb:1:in `a'", "x.rb:1:in `b'"));
    }
}
