//! Formats of times that AWS's plugins in Go take.
//!
//! Source: lestrrat-go/strftime at v1.0.6, strftime.go, `compile`, and appenders.go; `%L` and `%f` as AWS's plugins add them.

/// What can stand behind a percent sign.
const CONVERSIONS: &str = "AaBbCcDdeFHhIjklMmnpRrSTtUuVvWwXxYyZz%Lf";

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimePart {
    Text(String),
    Conversion(char),
}

/// The parts of a format. `None` where a percent sign has no conversion behind it: the plugin does not start.
pub(crate) fn parts(format: &str) -> Option<Vec<TimePart>> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some((text, behind)) = rest.split_once('%') {
        if !text.is_empty() {
            parts.push(TimePart::Text(text.to_owned()));
        }
        let mut letters = behind.chars();
        parts.push(TimePart::Conversion(letters.next().filter(|letter| CONVERSIONS.contains(*letter))?));
        rest = letters.as_str();
    }
    if !rest.is_empty() {
        parts.push(TimePart::Text(rest.to_owned()));
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_that_the_library_takes() {
        assert!(["", "now", "%Y-%m-%dT%H:%M:%S.%LZ", "100%%", "%f"].into_iter().all(|format| parts(format).is_some()));
        assert!(!["%s", "%S.%3N", "%9NZ", "%N", "100%", "%%%", "%é"].into_iter().any(|format| parts(format).is_some()));
    }
}
