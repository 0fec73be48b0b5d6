//! Times as lestrrat's `strftime` writes them.
//!
//! Source: lestrrat-go/strftime at v1.0.6, strftime.go, `compile`, and appenders.go; `%L` and `%f` as AWS's plugins add them.

use crate::fluent_bit::go_times::{TimePart, parts};
use crate::simulate::not_started::NotStarted;
use crate::simulate::outputs::strftime::strftime;
use crate::simulate::parsers::time::Time;
use crate::simulate::unknown::Unknown;

/// A format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeFormat {
    parts: Vec<TimePart>,
}

impl TimeFormat {
    /// # Errors
    /// Where a conversion is none, or none follows the percent sign: the plugin does not start.
    pub(super) fn new(format: &str) -> Result<TimeFormat, NotStarted> {
        let parts = parts(format)
            .ok_or(NotStarted::because("a format of times has a conversion that AWS's plugins do not know"))?;
        Ok(TimeFormat { parts })
    }

    /// A time in UTC.
    ///
    /// # Errors
    /// Where it is not known how it is written.
    pub(super) fn write(&self, time: Time) -> Result<String, Unknown> {
        const NOT_MODELLED: Unknown = Unknown("a format of times has a conversion that is not modelled");
        let whole = |format: &str| strftime(format, time.seconds);
        let mut out = String::new();
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                TimePart::Text(text) => {
                    let before = at.checked_sub(1).and_then(|before| self.parts.get(before));
                    if is_taken_for_more(before, text, self.parts.get(at + 1)) {
                        return Err(Unknown("Go takes a text beside a conversion for a part of it"));
                    }
                    out += text;
                }
                TimePart::Conversion('L') => out += &format!("{:03}", time.nanoseconds / 1_000_000),
                TimePart::Conversion('f') => out += &format!("{:06}", time.nanoseconds / 1_000),
                TimePart::Conversion('Z') => out += "UTC",
                TimePart::Conversion('c') => out += &whole("%a %b %e %H:%M:%S %Y")?,
                TimePart::Conversion('v') => out += &whole("%e-%b-%Y")?,
                TimePart::Conversion('x') => out += &whole("%m/%d/%y")?,
                TimePart::Conversion('X') => out += &whole("%H:%M:%S")?,
                // Weeks are counted otherwise than in C.
                TimePart::Conversion('r' | 'U' | 'V' | 'W') => return Err(NOT_MODELLED),
                TimePart::Conversion(letter) => out += &whole(&format!("%{letter}"))?,
            }
        }
        Ok(out)
    }
}

/// Texts without digits become one layout with what is beside them; some letters mean more together. Source: Go, src/time/format.go,
/// `nextStdChunk`.
fn is_taken_for_more(before: Option<&TimePart>, text: &str, after: Option<&TimePart>) -> bool {
    let is_name = matches!(before, Some(TimePart::Conversion('a' | 'b' | 'h')));
    let is_day = matches!(after, Some(TimePart::Conversion('e' | 'v')));
    (is_name && text.starts_with(|letter: char| letter.is_ascii_lowercase())) || (is_day && text.ends_with('_'))
}
