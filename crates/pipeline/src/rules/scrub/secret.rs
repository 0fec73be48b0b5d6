//! Keys and tokens.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem;
use regex::bytes::Regex;

use super::runs::{Hit, before, is_behind_escape, is_word_at, is_word_before, run_end};

/// How long an access key id is.
const KEY_ID_LENGTH: usize = 20;

/// An access key id. Source: AWS, IAM identifiers, "Unique identifiers": `AKIA` an access key, `ASIA` a temporary one.
pub(super) fn access_key_id(text: &[u8], from: usize) -> Hit {
    let is_key = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_around = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'/');
    let mut searched = from;
    // Both end in these two.
    while let Some(at) = memmem::find(text.get(searched..)?, b"IA").map(|at| at + searched) {
        searched = at + 1;
        let Some(start) = at.checked_sub(2).filter(|start| *start >= from) else { continue };
        let end = start + KEY_ID_LENGTH;
        let id = text.get(start..end)?;
        let is_id = (id.starts_with(b"AKIA") || id.starts_with(b"ASIA")) && id.iter().all(|byte| is_key(*byte));
        // `=` and `/` stand before ids in URLs; inside of base64 there is more than an id.
        let begins =
            is_behind_escape(text, start) || before(text, start).is_none_or(|byte| !is_around(byte) || byte == b'/');
        let ends = text.get(end).is_none_or(|byte| !is_around(*byte) || *byte == b'/');
        if is_id && begins && ends {
            return Some(start..end);
        }
    }
    None
}

static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // It compiles: a test holds it.
    Regex::new(
        r#"(?i-u)(?:secret[_-]?access[_-]?key|aws[_-]?secret[_-]?key|session[_-]?token|security[_-]?token)[\\"']{0,3}[ \t]{0,4}(?:[:=]|：|＝)[ \t]{0,4}[\\"']{0,3}([A-Za-z0-9/+]{40}|[A-Za-z0-9/+]{100,}={0,2})(?:[^A-Za-z0-9/+=]|$)"#,
    )
    .ok()
});

/// Whether there can be a secret behind its name: asked once, before the names are looked for.
pub(super) fn may_hold_labelled(text: &[u8]) -> bool {
    [&b"ecret"[..], b"ECRET", b"oken", b"OKEN"].iter().any(|part| memmem::find(text, part).is_some())
}

/// A secret access key or a session token behind its name. Source: AWS CLI and SDK settings, and STS, for the names.
pub(super) fn labelled_secret(text: &[u8], from: usize) -> Hit {
    let rest = text.get(from..)?;
    let secret = LABELLED.as_ref()?.captures(rest)?.get(1)?;
    Some(from + secret.start()..from + secret.end())
}

/// A token of three parts, or five where it is encrypted. Source: RFC 7519; RFC 7515 and RFC 7516 for the parts.
pub(super) fn jwt(text: &[u8], from: usize) -> Hit {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let mut searched = from;
    // The header is an object, so its base64 begins like this.
    while let Some(start) = memmem::find(text.get(searched..)?, b"eyJ").map(|at| at + searched) {
        let first = run_end(text, start, is_part);
        searched = first;
        if !is_behind_escape(text, start) && before(text, start).is_some_and(is_part) {
            continue;
        }
        let mut parts = vec![(start, first)];
        while parts.len() < 5
            && let Some((_, end)) = parts.last().copied()
            && text.get(end) == Some(&b'.')
        {
            parts.push((end + 1, run_end(text, end + 1, is_part)));
        }
        let is_header = text.get(start..first).is_some_and(is_header);
        let has_claims = parts.get(1).is_some_and(|(start, end)| end - start >= 4);
        // An unsecured token ends in its second dot.
        let end = match parts.as_slice() {
            [_, _, _, (_, fourth), (_, fifth)] if fifth > fourth => *fifth,
            [_, _, (_, end), ..] => *end,
            _ => continue,
        };
        if is_header && has_claims {
            return Some(start..end);
        }
    }
    None
}

/// Whether a part is the base64 of the beginning of an object.
fn is_header(part: &[u8]) -> bool {
    // Whole groups of four are whole bytes.
    let whole = part.len().min(400) / 4 * 4;
    let decoded = part.get(..whole).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    decoded.starts_with(b"{\"") && decoded.contains(&b':')
}

/// The token behind the word `Bearer`. Source: RFC 6750, 2.1.
///
/// The word is prose, too. What follows is a token if it is eight characters or more and holds a digit, or is longer
/// than words are.
pub(super) fn bearer(text: &[u8], from: usize) -> Hit {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let mut searched = from;
    while let Some(at) = memchr::memchr2(b'b', b'B', text.get(searched..)?).map(|at| at + searched) {
        searched = at + 1;
        let word = text.get(at..at + 6).unwrap_or_default();
        if !word.eq_ignore_ascii_case(b"bearer") || is_word_before(text, at) {
            continue;
        }
        let blanks = run_end(text, at + 6, |byte| byte == b' ' || byte == b'\t');
        let start = if text.get(blanks..).is_some_and(|rest| rest.starts_with(b"%20")) { blanks + 3 } else { blanks };
        if start == at + 6 {
            continue;
        }
        let end = run_end(text, run_end(text, start, is_token), |byte| byte == b'=');
        let token = text.get(start..end).unwrap_or_default();
        let end = if token.ends_with(b".") { end - 1 } else { end };
        let has_digit = token.iter().any(u8::is_ascii_digit);
        // `name=value` is none.
        if !is_word_at(text, end) && token.len() >= 8 && (has_digit || token.len() >= 24) {
            return Some(start..end);
        }
        searched = end.max(at + 6);
    }
    None
}
