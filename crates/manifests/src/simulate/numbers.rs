//! Numbers as C's `printf` writes them and its `atoll` and `strtod` read them.

/// `%.16g`: sixteen significant digits, an exponent where it is below -4 or above 15, no zeros at the end.
pub(crate) fn general(number: f64) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan".to_owned() } else { "nan".to_owned() };
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf".to_owned() } else { "inf".to_owned() };
    }
    let scientific = format!("{number:.15e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let places = usize::try_from(15 - exponent).unwrap_or_default();
        return without_zeros(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs())
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A float as Fluent Bit writes it into JSON: a whole one that 64 bits hold with one place, another by [`general`].
/// Source: fluent/fluent-bit, src/flb_pack.c, `msgpack2json`.
pub(crate) fn in_json(number: f64) -> String {
    // Beyond this, the conversion to 64 bits gives the least number that they hold.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let is_whole = number.trunc() == number && (-BEYOND..BEYOND).contains(&number);
    if is_whole { format!("{number:.1}") } else { general(number) }
}

/// The whole number at the beginning of a text, as C's `atoll` reads it: blanks, a sign, digits; 0 where there are none. Beyond 64
/// bits it is the most or the least that they hold.
pub(crate) fn whole(text: &[u8]) -> i128 {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let (is_negative, digits) = match rest.first() {
        Some(b'-') => (true, rest.get(1..).unwrap_or_default()),
        Some(b'+') => (false, rest.get(1..).unwrap_or_default()),
        _ => (false, rest),
    };
    let mut number: i128 = 0;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        number = (number * 10 + i128::from(digit - b'0')).min(1 << 65);
    }
    let number = if is_negative { -number } else { number };
    number.clamp(i128::from(i64::MIN), i128::from(i64::MAX))
}

/// The hexadecimal number at the beginning of a text, as C's `strtoull` with base 16 reads it.
pub(crate) fn hexadecimal(text: &[u8]) -> i128 {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let (is_negative, rest) = match rest.first() {
        Some(b'-') => (true, rest.get(1..).unwrap_or_default()),
        Some(b'+') => (false, rest.get(1..).unwrap_or_default()),
        _ => (false, rest),
    };
    let is_prefixed = matches!(rest, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let digits = if is_prefixed { rest.get(2..).unwrap_or_default() } else { rest };
    let mut number: u128 = 0;
    for digit in digits.iter().map_while(|byte| char::from(*byte).to_digit(16)) {
        number = (number * 16 + u128::from(digit)).min(1 << 70);
    }
    match u64::try_from(number) {
        Ok(number) if is_negative => i128::from(number.wrapping_neg()),
        Ok(number) => i128::from(number),
        Err(_) => i128::from(u64::MAX),
    }
}

/// The number at the beginning of a text, as C's `strtod` reads it, and how many bytes it has. `None` for what the model does not read:
/// hexadecimal floats, infinity and no-numbers.
pub(crate) fn float(text: &[u8]) -> Option<(f64, usize)> {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let mut at = start + usize::from(matches!(text.get(start), Some(b'-' | b'+')));
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    if matches!(text.get(at).map(u8::to_ascii_lowercase), Some(b'i' | b'n'))
        || (text.get(at) == Some(&b'0') && matches!(text.get(at + 1), Some(b'x' | b'X')))
    {
        return None;
    }
    let digits = at;
    while is_digit(at) {
        at += 1;
    }
    let mut count = at - digits;
    if text.get(at) == Some(&b'.') {
        let before = at;
        at += 1;
        while is_digit(at) {
            at += 1;
            count += 1;
        }
        if count == 0 {
            at = before;
        }
    }
    if count == 0 {
        return Some((0.0, 0));
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = at + 1 + usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        if is_digit(sign) {
            at = sign;
            while is_digit(at) {
                at += 1;
            }
        }
    }
    let number = std::str::from_utf8(text.get(start..at)?).ok()?.parse().ok()?;
    Some((number, at))
}

/// C's `isspace`.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected are what both cores wrote.
    #[test]
    fn floats_are_written_as_c_writes_them() {
        for (number, expected) in [
            (1000.0, "1000.0"),
            (1e-7, "1e-07"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (std::f64::consts::PI, "3.141592653589793"),
            (5e-324, "4.940656458412465e-324"),
            (123_456_789.123_456_79, "123456789.1234568"),
            (0.1 + 0.2, "0.3"),
            (1e21, "1e+21"),
            (1e17, "100000000000000000.0"),
            (1.844_674_407_370_955_2e19, "1.844674407370955e+19"),
            (4.35, "4.35"),
            (-9_223_372_036_854_775_808.0, "-9223372036854775808.0"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(in_json(number), expected, "{number:e}");
        }
    }

    #[test]
    fn numbers_are_read_from_the_beginning() {
        assert_eq!(whole(b"1e3"), 1);
        assert_eq!(whole(b" -12abc"), -12);
        assert_eq!(whole(b"99999999999999999999999999999999999999999999999"), i128::from(i64::MAX));
        assert_eq!(whole(b"-99999999999999999999"), i128::from(i64::MIN));
        assert_eq!(whole(b"x"), 0);
        assert_eq!(hexadecimal(b"0xfg"), 15);
        assert_eq!(hexadecimal(b"0x"), 0);
        assert_eq!(hexadecimal(b"ffffffffffffffffff"), i128::from(u64::MAX));
        assert_eq!(float(b"0.5339z"), Some((0.5339, 6)));
        assert_eq!(float(b"1e"), Some((1.0, 1)));
        assert_eq!(float(b"."), Some((0.0, 0)));
        assert_eq!(float(b"nan"), None);
    }
}
