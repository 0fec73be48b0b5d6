//! Formats of times that AWS's plugins in Go take.
//!
//! Source: lestrrat-go/strftime at v1.0.6, strftime.go, `compile`, and appenders.go; `%L` and `%f` as AWS's plugins add them.

/// What can stand behind a percent sign.
pub(crate) const CONVERSIONS: &str = "AaBbCcDdeFHhIjklMmnpRrSTtUuVvWwXxYyZz%Lf";

/// Whether each percent sign has a conversion behind it. The plugin does not start otherwise.
pub(crate) fn is_format(text: &str) -> bool {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '%' && !letters.next().is_some_and(|conversion| CONVERSIONS.contains(conversion)) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_that_the_library_takes() {
        assert!(["", "now", "%Y-%m-%dT%H:%M:%S.%LZ", "100%%", "%f"].into_iter().all(is_format));
        assert!(!["%s", "%S.%3N", "%9NZ", "%N", "100%", "%%%", "%é"].into_iter().any(is_format));
    }
}
