//! The id of an event of CloudWatch Logs, which is the `id` of podferry's logs, and what it tells.
//!
//! An id is a number of 187 bits in 56 digits. Those above the 144th are the event's time in milliseconds since 1970. AWS does not document
//! that, and its own examples have it: in the AWS Lambda Developer Guide ("Using Lambda with CloudWatch Logs") and the Amazon CloudWatch Logs
//! User Guide ("Log group-level subscription filters"). So it only says where to look first; an event counts when its id is the same.

/// How many digits CloudWatch's ids have.
const DIGITS: usize = 56;

/// From 2001 on: what is less is no id of that kind.
const FIRST_MS: i64 = 1_000_000_000_000;

/// Whether a text can be the id of an event. Stand-ins for AWS have shorter ones.
pub(super) fn is_event_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text looks like the id that Datadog gives a log: letters, digits, `-` and `_`.
/// Source: Datadog API reference, "Search logs", `data[].id`.
pub(super) fn is_datadogs(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
    text.len() >= 20 && text.bytes().all(is_known) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The time of the event, in milliseconds since 1970, if the id is one of CloudWatch's own.
pub(super) fn time_ms(id: &str) -> Option<i64> {
    if id.len() != DIGITS || !is_event_id(id) {
        return None;
    }
    // 56 digits take no more than 187 bits: three words, the lowest first.
    let mut words = [0_u64; 3];
    for digit in id.bytes() {
        let mut carry = u128::from(digit - b'0');
        for word in &mut words {
            let wide = u128::from(*word) * 10 + carry;
            #[expect(clippy::cast_possible_truncation, reason = "the lower half; the upper one is carried")]
            let low = wide as u64;
            *word = low;
            carry = wide >> 64;
        }
    }
    let [_, _, high] = words;
    // 144 is two words and 16 bits.
    i64::try_from(high >> 16).ok().filter(|ms| *ms >= FIRST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awss_own_examples_tell_their_time() {
        for (id, ms) in [
            ("31953106606966983378809025079804211143289615424298221568", 1_432_826_855_000),
            ("34622316099697884706540976068822859012661220141643892546", 1_552_518_348_220),
        ] {
            assert_eq!(time_ms(id), Some(ms));
        }
        for id in
            ["", "7", &"9".repeat(57), &"0".repeat(56), "3195310660696698337880902507980421114328961542429822156x"]
        {
            assert_eq!(time_ms(id), None, "{id}");
        }
        assert!(time_ms(&"9".repeat(56)).is_some(), "the largest");
    }

    #[test]
    fn whose_an_id_is() {
        let of_datadog = "AwAAAYxkz4uQ0m3hOwAAABhBWXhrejR2QUFBQ0pIZ1JRV3hwZ0FBQUE";
        assert!(is_datadogs(of_datadog) && !is_event_id(of_datadog));
        let of_cloudwatch = "3".repeat(56);
        assert!(is_event_id(&of_cloudwatch) && !is_datadogs(&of_cloudwatch));
        for neither in ["", "log.json", "./x", "abc"] {
            assert!(!is_event_id(neither) && !is_datadogs(neither), "{neither}");
        }
    }
}
