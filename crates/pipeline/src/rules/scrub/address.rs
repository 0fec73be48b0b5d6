//! E-mail and IP addresses.

use std::net::Ipv6Addr;

use super::runs::{
    Hit, before, behind_unicode_escape, char_before, is_accented_latin, is_word_at, is_word_before, run_end, run_start,
};

/// Ends of names that look like a domain and are none: units of systemd, files.
const NO_TOP_LEVEL: [&str; 22] = [
    "service", "socket", "timer", "mount", "target", "slice", "scope", "path", "device", "swap", "png", "jpg", "jpeg",
    "gif", "svg", "webp", "js", "css", "html", "json", "yaml", "log",
];

/// An address as it is written in practice. Source: RFC 5321, 4.1.2, dot-string and domain, without quotes and literals; RFC 6531 for
/// letters beyond ASCII.
pub(super) fn email(text: &[u8], from: usize) -> Hit {
    let mut searched = from;
    // Up to here the text belongs to an `@` that is in no address: `a@b.c@d.org`.
    let mut taken = from;
    while let Some(at) = memchr::memchr(b'@', text.get(searched..)?).map(|at| at + searched) {
        searched = at + 1;
        let mut start = local_start(text, from, at);
        start = behind_escape(text, start, at);
        start = run_end(text, start, |byte| byte == b'.' || byte == b'%' || byte == b'-');
        let domain = may_be_domain(text, at + 1);
        let behind = at + 1 + domain.len();
        let local = text.get(start..at).unwrap_or_default();
        let is_address = !local.is_empty() && local != b"git" && !local.ends_with(b".") && local.len() <= 64;
        let begins = start >= taken && before(text, start) != Some(b'@');
        let end = domain_end(text, at + 1, domain);
        if let Some(end) = end.filter(|_| is_address && begins) {
            return Some(start..end);
        }
        taken = taken.max(behind + usize::from(text.get(behind) == Some(&b'_')));
    }
    None
}

/// The alphabet that a part of an address is written in. A part is written in one: where it changes, other text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// With its accents.
    Latin,
    /// Whose words are parted by blanks, and which stands in addresses.
    GreekOrCyrillic,
    /// Any other, and scripts that are no alphabets.
    Other,
}

impl Alphabet {
    /// `None` for what is no letter. Source of the ranges: the Unicode Standard, `Blocks.txt`.
    fn of(character: char) -> Option<Alphabet> {
        match character {
            'a'..='z' | 'A'..='Z' => Some(Alphabet::Latin),
            _ if character.is_ascii() => None,
            _ if is_accented_latin(character) => Some(Alphabet::Latin),
            '\u{370}'..='\u{52f}' | '\u{1f00}'..='\u{1fff}' => Some(Alphabet::GreekOrCyrillic),
            _ if character.is_alphanumeric() => Some(Alphabet::Other),
            _ => None,
        }
    }
}

/// Where what stands before the `@` at `at` begins; not before `least`.
fn local_start(text: &[u8], least: usize, at: usize) -> usize {
    // RFC 5322 allows more in an atom; what it allows besides stands around addresses more often than in them.
    let is_usual = |character: char| character.is_ascii_alphanumeric() || "%+-_.".contains(character);
    let (mut start, mut written_in) = (at, None);
    while start > least
        && let Some(character) = char_before(text, start)
    {
        let alphabet = Alphabet::of(character);
        let goes_on = match alphabet {
            // `谢谢@mention`: without blanks, nothing says where a name begins.
            Some(Alphabet::Other) => false,
            Some(_) => written_in.is_none() || written_in == alphabet,
            None => is_usual(character),
        };
        if !goes_on {
            break;
        }
        written_in = written_in.or(alphabet);
        start -= character.len_utf8();
    }
    start
}

/// The first byte of `start..end` that is no part of an escape of JSON's: `\n`, `\u003c`.
fn behind_escape(text: &[u8], start: usize, end: usize) -> usize {
    if before(text, start) != Some(b'\\') || !text.get(start).is_some_and(u8::is_ascii) {
        return start;
    }
    let is_unicode = text.get(start) == Some(&b'u')
        && text.get(start + 1..start + 5).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    (start + if is_unicode { 5 } else { 1 }).min(end)
}

/// What stands at `from` and may be a domain. A label goes on as long as it is written in one alphabet: `example.org谢谢` ends behind `org`.
fn may_be_domain(text: &[u8], from: usize) -> &str {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' || !byte.is_ascii();
    let run = text.get(from..run_end(text, from, is_part)).and_then(|run| std::str::from_utf8(run).ok());
    let run = run.unwrap_or_default();
    let mut written_in = None;
    let ends = |character: char| {
        let alphabet = Alphabet::of(character);
        if character == '.' {
            written_in = None;
        }
        let is_another = alphabet.is_some() && written_in.is_some() && written_in != alphabet;
        written_in = written_in.or(alphabet);
        is_another || !character.is_ascii() && alphabet.is_none()
    };
    run.split(ends).next().unwrap_or_default()
}

/// Where the domain ends that `run`, which begins at `from`, is, if it is one: labels, and letters at its end.
fn domain_end(text: &[u8], from: usize, run: &str) -> Option<usize> {
    let domain = run.trim_end_matches(['.', '-']);
    let labels: Vec<&str> = domain.split('.').collect();
    let top = labels.last()?;
    let is_number = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    // `pkg@1.2.3-beta.next` is a version.
    let is_version = labels.len() > 2 && labels.iter().take(2).all(is_number);
    let is_domain = labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty() && label.len() <= 63)
        && top.chars().nth(1).is_some()
        && top.chars().all(|character| Alphabet::of(character).is_some())
        && !NO_TOP_LEVEL.contains(&top.to_ascii_lowercase().as_str())
        && !is_version;
    let end = from + domain.len();
    (is_domain && !text.get(end).is_some_and(|byte| *byte == b'_' || *byte == b'@')).then_some(end)
}

/// Four numbers up to 255. Source: RFC 3986, 3.2.2, `IPv4address`.
pub(super) fn ipv4(text: &[u8], from: usize) -> Hit {
    let mut searched = from;
    while let Some(dot) = memchr::memchr(b'.', text.get(searched..)?).map(|dot| dot + searched) {
        searched = dot + 1;
        let start = behind_unicode_escape(text, run_start(text, from, dot, |byte| byte.is_ascii_digit()));
        let Some(end) = quad_end(text, start) else {
            // Nothing else begins within these numbers.
            searched = searched.max(run_end(text, dot, |byte| byte.is_ascii_digit() || byte == b'.'));
            continue;
        };
        if begins_address(text, start) && ends_address(text, end) {
            return Some(start..end);
        }
        searched = run_end(text, end, |byte| byte.is_ascii_digit() || byte == b'.');
    }
    None
}

fn quad_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for number in 0..4 {
        if number > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let end = run_end(text, at, |byte| byte.is_ascii_digit());
        let digits = text.get(at..end)?;
        let value = digits.iter().take(4).fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        if digits.is_empty() || digits.len() > 3 || value > 255 || (digits.len() > 1 && digits[0] == b'0') {
            return None;
        }
        at = end;
    }
    Some(at)
}

fn begins_address(text: &[u8], start: usize) -> bool {
    let head = text.get(..start).unwrap_or_default();
    match head.last() {
        Some(b'.') => false,
        Some(_) if is_word_before(text, start) => false,
        // `Chrome/119.0.0.0` is a version; `//10.0.0.1` and ` /10.0.0.1` are none.
        Some(b'/') => !before(text, start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric()),
        Some(b'-') => !before(text, start - 1).is_some_and(|byte| byte.is_ascii_alphabetic()),
        _ => {
            // `version 1.2.3.4`, `"version": "1.2.3.4"`.
            let around = head.iter().rev().take(6).take_while(|byte| b" \":='".contains(byte)).count();
            let word = head.get(..head.len() - around).unwrap_or_default();
            let last = word.get(word.len().saturating_sub(7)..).unwrap_or_default();
            !last.eq_ignore_ascii_case(b"version")
        }
    }
}

fn ends_address(text: &[u8], end: usize) -> bool {
    match (text.get(end), text.get(end + 1)) {
        (Some(_), _) if is_word_at(text, end) => false,
        (Some(b'.'), Some(next)) => !next.is_ascii_alphanumeric(),
        (Some(b'-'), Some(next)) => !next.is_ascii_alphabetic(),
        _ => true,
    }
}

/// An address with colons. Source: RFC 4291, 2.2, read by the standard library; RFC 4007, 11, for the zone.
///
/// `a::b` is an address and a name in many languages: without a digit, or with a first group of one or two
/// characters, it is left alone. So are eight pairs, which are an EUI-64.
pub(super) fn ipv6(text: &[u8], from: usize) -> Hit {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let mut searched = from;
    while let Some(colon) = memchr::memchr(b':', text.get(searched..)?).map(|colon| colon + searched) {
        let mut start = behind_unicode_escape(text, run_start(text, searched, colon, is_part)).min(colon);
        let end = run_end(text, colon, is_part);
        searched = end.max(colon + 1);
        // `client: 2001:db8::1`, `addr:2001:db8::1`: what is a label's colon is none of it.
        if text.get(start) == Some(&b':') && text.get(start + 1) != Some(&b':') {
            start += 1;
        } else if is_word_before(text, start) {
            continue;
        }
        if let Some(end) = address_end(text, start, end) {
            return Some(start..end);
        }
    }
    None
}

fn address_end(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let run = std::str::from_utf8(text.get(start..end)?).ok()?;
    let run = run.trim_end_matches('.');
    let run = if run.ends_with("::") { run } else { run.trim_end_matches(':') };
    if run.len() > 45 {
        return None;
    }
    run.parse::<Ipv6Addr>().ok()?;
    let groups: Vec<&str> = run.split(':').filter(|group| !group.is_empty()).collect();
    let is_likely = if run.contains("::") {
        let first = run.split(':').next().unwrap_or_default();
        (first.is_empty() || first.len() > 2)
            && groups.iter().any(|group| group.bytes().any(|byte| byte.is_ascii_digit()))
    } else {
        groups.iter().any(|group| group.len() > 2)
    };
    let mut end = start + run.len();
    if text.get(end) == Some(&b'%') {
        let zone = run_end(text, end + 1, |byte| byte.is_ascii_alphanumeric());
        end = if zone > end + 1 { zone } else { end };
    }
    (is_likely && !is_word_at(text, end)).then_some(end)
}
