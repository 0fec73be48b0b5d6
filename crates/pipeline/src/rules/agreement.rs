//! What two masked versions of one text have both left.
//!
//! A mask may match more in one spelling of a text than in the other: in `J\u00f6rg` a `[a-z]+` ends where in `Jörg` a `\pL+` goes on.
//! Nothing that one of the two hides may be seen, so what is put together here are pieces that stand in both.

/// How many bytes have to be alike where two texts that have parted are taken to meet again.
const MEETING_BYTES: usize = 8;

/// The same where they meet soon: what is hidden in one only is mostly the rest of a word.
const NEAR_MEETING_BYTES: usize = 3;

/// How far, at first, the texts are searched for where they meet; twice as far each time that this was too short.
const FIRST_WINDOW: usize = 64;

/// The text of the pieces that `one` and `other` share, in order. Linear: where the texts part, the search for where they meet again
/// goes only about as far as what it then skips. Where they meet nowhere, the ends that they share are the last piece.
pub(super) fn left_by_both(one: &str, other: &str) -> String {
    let (mut one, mut other) = (one, other);
    let mut out = String::with_capacity(one.len().min(other.len()));
    loop {
        let shared = shared_start(one, other);
        let (piece, rest) = one.split_at(shared);
        out.push_str(piece);
        (one, other) = (rest, other.get(shared..).unwrap_or_default());
        if one.is_empty() || other.is_empty() {
            return out;
        }
        // Half of an escape would change what follows it.
        if trailing_backslashes(&out) % 2 == 1 {
            out.pop();
        }
        match meeting(one, other) {
            Some((skip_one, skip_other)) => {
                one = one.get(skip_one..).unwrap_or_default();
                other = other.get(skip_other..).unwrap_or_default();
            }
            None => {
                out.push_str(shared_end(one, other));
                return out;
            }
        }
    }
}

fn trailing_backslashes(text: &str) -> usize {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count()
}

/// How many bytes of whole characters both begin with.
fn shared_start(one: &str, other: &str) -> usize {
    let alike = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    one.floor_char_boundary(alike)
}

/// The whole characters that both end in.
fn shared_end<'t>(one: &'t str, other: &str) -> &'t str {
    let alike = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    one.get(one.ceil_char_boundary(one.len() - alike)..).unwrap_or_default()
}

/// How much of each is to be skipped until they are alike: of one of the two, the other stays.
fn meeting(one: &str, other: &str) -> Option<(usize, usize)> {
    let longest = one.len().max(other.len());
    let near = || meeting_within(one, other, FIRST_WINDOW, NEAR_MEETING_BYTES);
    meeting_within(one, other, FIRST_WINDOW, MEETING_BYTES).or_else(near).or_else(|| {
        let windows = std::iter::successors(Some(FIRST_WINDOW * 2), |window| (*window < longest).then(|| window * 2));
        windows.into_iter().find_map(|window| meeting_within(one, other, window, MEETING_BYTES))
    })
}

/// The same within the next `window` bytes of each, where `bytes` bytes have to be alike, or all that is left of one.
fn meeting_within(one: &str, other: &str, window: usize, bytes: usize) -> Option<(usize, usize)> {
    let head = |text: &str| text.ceil_char_boundary(bytes.min(text.len()));
    let find = |text: &str, head: Option<&str>| {
        memchr::memmem::find(text.as_bytes().get(..window.min(text.len()))?, head?.as_bytes())
    };
    let in_one = find(one, other.get(..head(other)));
    let in_other = find(other, one.get(..head(one)));
    match (in_one, in_other) {
        (Some(in_one), Some(in_other)) if in_other < in_one => Some((0, in_other)),
        (Some(in_one), _) => Some((in_one, 0)),
        (None, in_other) => in_other.map(|in_other| (0, in_other)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_one_of_the_two_hides_is_hidden() {
        for (one, other, wanted) in [
            (r#"{"m":"***örg"}"#, r#"{"m":"***"}"#, r#"{"m":"***"}"#),
            (
                r#"{"a":"***örg","x":5,"b":"***ürg"}"#,
                r#"{"a":"***","x":5,"b":"***"}"#,
                r#"{"a":"***","x":5,"b":"***"}"#,
            ),
            ("***örg; ***äthe; ***örn; ok", "***; ***; ***; ok", "***; ***; ***; ok"),
            ("***", r#"{"m":"Mü***öln"}"#, "***"),
            ("a one b", "a two b", "a  b"),
            ("secret", "***", ""),
            ("", "x", ""),
            ("same", "same", "same"),
            ("äö", "äü", "ä"),
            ("öx", "üx", "x"),
        ] {
            assert_eq!(left_by_both(one, other), wanted, "{one} and {other}");
            assert_eq!(left_by_both(other, one), wanted, "{other} and {one}");
        }
    }

    #[test]
    fn texts_that_part_everywhere_take_no_longer() {
        let one = "ab".repeat(500_000);
        for other in ["ac".repeat(500_000), "a".repeat(1_000_000), "abb".repeat(300_000), "cdab".repeat(250_000)] {
            left_by_both(&one, &other);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_in_it_that_one_has_not(one in "[abé]{0,40}", other in "[acé]{0,40}") {
            let left = left_by_both(&one, &other);
            prop_assert!(!left.contains(['b', 'c']));
        }

        #[test]
        fn what_is_hidden_in_either_is_hidden(
            parts in proptest::collection::vec(("[a-zé{}\":,]{0,12}", 1_usize..4), 0..8),
        ) {
            // A secret is hidden in the one version, in the other, or in both.
            let version = |bit: usize| -> String {
                let part = |(number, (text, hidden)): (usize, &(String, usize))| {
                    let secret = if hidden & bit > 0 { "***".to_owned() } else { format!("{number}471") };
                    format!("{text}{secret}")
                };
                parts.iter().enumerate().map(part).collect()
            };
            let left = left_by_both(&version(1), &version(2));
            for number in 0..parts.len() {
                prop_assert!(!left.contains(&format!("{number}471")), "{}", left);
            }
        }
    }
}
