//! Numbers with their noun, for messages: the one place that knows about the plural.

/// `1 log`, `2 logs`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "log")), ["0 logs", "1 log", "2 logs"]);
    }
}
