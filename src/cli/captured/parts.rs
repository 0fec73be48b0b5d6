//! How many parts a JSON value has: in memory each takes some hundred bytes, whatever it takes in the file, so that a few megabytes of tiny
//! objects would take gigabytes. Counted without reading them.

use serde_json::value::RawValue;

/// How many commas, colons and brackets one value may have. An array of tiny objects takes 240 bytes of memory for each, so this is a gigabyte;
/// the output of `aws logs filter-log-events` has 300,000 events then.
const MOST_PARTS: usize = 4_000_000;

/// A file has a JSON value with too many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "one JSON value of it has more than {MOST_PARTS} parts, which would take gigabytes of memory. Give the part that matters, or split it into one \
     value a line, for example with `jq -c '.[]'`"
)]
pub(crate) struct TooManyParts;

/// Looks at each of the values that a text begins with.
pub(crate) fn within(text: &str) -> Result<(), TooManyParts> {
    within_most(text, MOST_PARTS)
}

fn within_most(text: &str, most: usize) -> Result<(), TooManyParts> {
    // So short a text cannot have so many, and needs no look.
    if text.len() <= most {
        return Ok(());
    }
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().map_while(Result::ok);
    for value in values {
        // Nor can a short value.
        if value.get().len() > most && parts(value.get()) > most {
            return Err(TooManyParts);
        }
    }
    Ok(())
}

fn parts(value: &str) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in value.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b',' | b':' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_and_of_one_value() {
        // An array of n numbers has n parts: its bracket, and the commas between them.
        let array = |parts: usize| format!("[{}0]", "0,".repeat(parts - 1));
        for (parts, result) in [(99, Ok(())), (100, Ok(())), (101, Err(TooManyParts))] {
            assert_eq!(within_most(&array(parts), 100), result, "{parts}");
            assert_eq!(within_most(&format!("{{}}\n{}", array(parts)), 100), result, "{parts}");
        }
        let half = array(51);
        assert_eq!(within_most(&format!("{half}\n{half}"), 100), Ok(()), "a value a line");
    }

    #[test]
    fn what_stands_in_a_text_is_no_part() {
        assert_eq!(parts(r#"{"a\"[,:{":[1,{"b":"\\"},",,"]}"#), 7);
        let long = format!("[\"{}\"]", ",:[{".repeat(100));
        assert_eq!(within_most(&long, 100), Ok(()));
        assert_eq!(within_most(&format!("[INFO] {}", "[,".repeat(100)), 100), Ok(()), "no JSON");
    }
}
