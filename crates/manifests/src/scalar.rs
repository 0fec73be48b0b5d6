//! What a value without quotes is to those who read YAML: one table for what is written and for what is checked.
//!
//! Kubernetes reads YAML 1.1 as go-yaml v2 does: `y` and `off` are booleans, `1_000` and `0b11` are numbers, but dates and `1:20` are
//! text. Others read more or less than that, so what is written has quotes wherever any of them would see something else than text.
//!
//! Source: kubernetes-sigs/yaml and yaml/go-yaml, branch v2, `resolve.go`; seen with kubectl 1.32.

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    Null,
    Boolean(bool),
    /// Also what is none in JSON, which kubectl refuses: `.inf` and `.nan`.
    Number(&'a str),
    Text(&'a str),
}

/// Words that are no text.
const WORDS: [(&[&str], Scalar<'static>); 4] = [
    (&["", "~", "null", "Null", "NULL"], Scalar::Null),
    (&["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], Scalar::Boolean(true)),
    (&["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], Scalar::Boolean(false)),
    (
        &[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"],
        Scalar::Number(""),
    ),
];

/// What Kubernetes takes a value without quotes for.
pub(crate) fn plain(text: &str) -> Scalar<'_> {
    let word = WORDS.iter().find(|(words, _)| words.contains(&text)).map(|(_, scalar)| *scalar);
    match word {
        Some(Scalar::Number(_)) => Scalar::Number(text),
        Some(scalar) => scalar,
        None if is_number(text) => Scalar::Number(text),
        None => Scalar::Text(text),
    }
}

/// Whether every reader of YAML, 1.1 or 1.2, takes a value without quotes for text. Numbers, dates and times of all of them begin with a
/// digit, a sign or a point.
pub(crate) fn is_text_to_all(text: &str) -> bool {
    let begins = match text.as_bytes() {
        [b'.', second, ..] => second.is_ascii_alphabetic(),
        [first, ..] => first.is_ascii_alphabetic() || matches!(first, b'/' | b'_'),
        [] => false,
    };
    let is_word = WORDS.iter().any(|(words, _)| words.iter().any(|word| word.eq_ignore_ascii_case(text)));
    begins && !is_word
}

fn is_number(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'.') => has_inner_underscores(text) && is_float(&text.replace('_', "")),
        Some(first) if first.is_ascii_digit() || matches!(first, b'+' | b'-') => {
            let digits = text.replace('_', "");
            is_integer(&digits) || is_float(&digits) || is_signed_binary(&digits)
        }
        _ => false,
    }
}

/// Whether each underscore is between two digits, as Go has it.
fn has_inner_underscores(text: &str) -> bool {
    let is_digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
    text.match_indices('_').all(|(at, _)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)))
}

/// With a sign, and the base in front, if it is not ten. Source: Go, `strconv.ParseInt` and `ParseUint` with the base 0.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    let in_base = |base: u32, digits: &str| {
        let largest = if is_negative {
            1 << 63
        } else if text.starts_with('+') {
            (1 << 63) - 1
        } else {
            u64::MAX
        };
        digits.starts_with(|first: char| first.is_digit(base))
            && u64::from_str_radix(digits, base).is_ok_and(|value| value <= largest)
    };
    let prefixed = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix));
    if let Some(hexadecimal) = prefixed(["0x", "0X"]) {
        return in_base(16, hexadecimal);
    }
    if let Some(binary) = prefixed(["0b", "0B"]) {
        return in_base(2, binary);
    }
    if let Some(octal) = prefixed(["0o", "0O"]) {
        return in_base(8, octal);
    }
    // What has a zero in front and is not octal is a number of base ten all the same: `is_float` takes it.
    in_base(10, digits)
}

/// What is too large is text.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(one, two)| (one, Some(two)));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    is_mantissa && is_exponent && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `0b` with a sign behind it, which only go-yaml takes.
fn is_signed_binary(text: &str) -> bool {
    text.strip_prefix("0b").is_some_and(|digits| i64::from_str_radix(digits, 2).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line was asked of kubectl 1.32: what `annotate --local -o json` makes of such a value in a custom resource.
    #[test]
    fn what_kubectl_takes_values_for() {
        for yes in ["y", "Y", "yes", "Yes", "YES", "True", "on", "ON"] {
            assert_eq!(plain(yes), Scalar::Boolean(true), "{yes}");
        }
        for no in ["n", "N", "no", "off", "Off", "FALSE"] {
            assert_eq!(plain(no), Scalar::Boolean(false), "{no}");
        }
        for null in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(plain(null), Scalar::Null, "{null}");
        }
        for number in [
            "0",
            "00",
            "08",
            "09",
            "017",
            "0_8",
            "1_000",
            "1__0",
            "1_",
            "1_000.5",
            "1_0.5",
            "1._5",
            "1.",
            ".5",
            ".5_0",
            ".1e5",
            "+.5",
            "-.5",
            "08.5",
            "+1",
            "-1",
            "-_1",
            "0b11",
            "0B11",
            "-0b11",
            "+0b11",
            "0b-11",
            "0o17",
            "0O17",
            "-0o17",
            "0x1F",
            "0X1F",
            "-0x1f",
            "0x_1f",
            "1e3",
            "1E5",
            "12e03",
            "1e308",
            "1e-400",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999",
            "0xffffffffffffffff",
            "12345678901234567890123e5",
            ".inf",
            "-.Inf",
            "+.INF",
            ".NaN",
            ".nan",
        ] {
            assert_eq!(plain(number), Scalar::Number(number));
        }
        for text in [
            "2026-11-25",
            "2026-1-2",
            "2001-12-14t21:59:43.10-05:00",
            "2001-12-14 21:59:43.10 -5",
            "1:20",
            "190:20:30",
            "oN",
            "nULL",
            "tRUE",
            "=",
            "<<",
            "0x",
            "0b",
            "0b2",
            "_1",
            "._5",
            "._",
            ".",
            "...",
            "+",
            "--1",
            "1e",
            "1e+",
            "1e400",
            "123e4567",
            "0xzz",
            "0x1p4",
            "0x1.8p1",
            "0xfffffffffffffffff",
            "-0xffffffffffffffff",
            "0.0.1",
            "1.2.3",
            "1d5",
            "1,000",
            "1 000",
            "Infinity",
            "inf",
            "+inf",
            "nan",
            "NaN",
            ".iNf",
            "-.nan",
            "true ",
            "1.5s",
        ] {
            assert_eq!(plain(text), Scalar::Text(text));
        }
    }

    #[test]
    fn what_is_written_is_text_to_all() {
        for text in [
            "Y",
            "No",
            "oN",
            "nULL",
            "~",
            "",
            ".inf",
            ".iNF",
            "+.inf",
            "1",
            "1:20",
            "2026-11-25",
            "0x1",
            "-1",
            "=",
            "<<",
            ".5",
        ] {
            assert!(!is_text_to_all(text), "{text}");
        }
        for text in ["yess", "nope", "_1", "/a", ".a", "x1", "e5"] {
            assert!(is_text_to_all(text) && plain(text) == Scalar::Text(text), "{text}");
        }
    }
}
