//! Whether a key or token is one, or asks for one: documentation and examples are full of the latter.

/// How few different characters a text has that nobody was given as a key.
const FEW: usize = 3;

/// Whether a text stands where a key or token will be.
pub(crate) fn is_placeholder_of_key(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "changeme",
        "change-me",
        "change_me",
        "replace",
        "placeholder",
        "your",
        "todo",
        "example",
        "dummy",
        "fake",
        "insert",
        "my-custom",
        "xxxx",
        "get-",
        "api-key",
        "api_key",
        "apikey",
        "app_key",
    ];
    let text = text.trim().to_ascii_lowercase();
    let is_bracketed = text.starts_with('<') && text.ends_with('>');
    let mut different: Vec<char> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    is_bracketed || different.len() <= FEW || WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_a_key() {
        for text in [
            "",
            "00000000000000000000000000000000",
            "xxx",
            "xxxxxxxx-xxxx",
            "get-your-own",
            "YOUR_DATADOG_API_KEY_HERE",
            "DATADOG_API_KEY_PLACEHOLDER",
            "my-custom-cluster-agent-token-32chars",
            "<DATADOG_API_KEY>",
            "CHANGEME",
            "...",
            "***",
        ] {
            assert!(is_placeholder_of_key(text), "{text}");
        }
        for text in [
            "0123456789abcdef0123456789abcdef",
            "d41d8cd98f00b204e9800998ecf8427e",
            "ThirtyTwoLettersOrMoreOfAToken12",
            "s3cr3t-t0ken",
        ] {
            assert!(!is_placeholder_of_key(text), "{text}");
        }
    }
}
