//! Times as C's `strftime` writes them, in UTC and in English, as Fluent Bit asks for them.

use crate::simulate::parsers::time::{DAYS, MONTHS, date};
use crate::simulate::unknown::Unknown;

/// Longer than any of Fluent Bit's buffers for this is not tried; the shortest has 255 bytes and holds other things, too.
const LONGEST: usize = 120;

/// A moment of UTC in its parts.
struct Moment {
    year: i64,
    /// From 0, as the days.
    month: i64,
    day: i64,
    day_of_year: i64,
    weekday: i64,
    second_of_day: i64,
    seconds: i64,
}

impl Moment {
    fn new(seconds: i64) -> Moment {
        const DAY: i64 = 86_400;
        let days = seconds.div_euclid(DAY);
        let (year, month, day) = date(days);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let days_before = usize::try_from(month).ok().and_then(|month| before.get(month)).copied().unwrap_or_default();
        Moment {
            year,
            month,
            day,
            day_of_year: days_before + day - 1 + i64::from(is_leap && month > 1),
            weekday: (days + 4).rem_euclid(7),
            second_of_day: seconds.rem_euclid(DAY),
            seconds,
        }
    }

    fn conversion(&self, letter: char) -> Option<String> {
        let (hour, minute, second) = (self.second_of_day / 3600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        let name = |names: &[&'static str], place: i64| {
            usize::try_from(place).ok().and_then(|place| names.get(place).copied())
        };
        let short = |name: Option<&'static str>| Some(name?.get(..3)?.to_owned());
        let whole = |format: &str| {
            format.chars().try_fold(String::new(), |out, letter| {
                Some(if letter.is_ascii_alphabetic() {
                    out + &self.conversion(letter)?
                } else {
                    out + &letter.to_string()
                })
            })
        };
        Some(match letter {
            'Y' => self.year.to_string(),
            'C' => format!("{:02}", self.year.div_euclid(100)),
            'y' => format!("{:02}", self.year.rem_euclid(100)),
            'm' => format!("{:02}", self.month + 1),
            'd' => format!("{:02}", self.day),
            'e' => format!("{:2}", self.day),
            'j' => format!("{:03}", self.day_of_year + 1),
            'H' => format!("{hour:02}"),
            'k' => format!("{hour:2}"),
            'I' => format!("{twelve:02}"),
            'l' => format!("{twelve:2}"),
            'M' => format!("{minute:02}"),
            'S' => format!("{second:02}"),
            'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'P' => if hour < 12 { "am" } else { "pm" }.to_owned(),
            'u' => (if self.weekday == 0 { 7 } else { self.weekday }).to_string(),
            'w' => self.weekday.to_string(),
            'A' => name(&DAYS, self.weekday)?.to_owned(),
            'a' => short(name(&DAYS, self.weekday))?,
            'B' => name(&MONTHS, self.month)?.to_owned(),
            'b' | 'h' => short(name(&MONTHS, self.month))?,
            's' => self.seconds.to_string(),
            'z' => "+0000".to_owned(),
            'Z' => "GMT".to_owned(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            'F' => whole("Y-m-d")?,
            'T' => whole("H:M:S")?,
            'R' => whole("H:M")?,
            'D' => whole("m/d/y")?,
            'U' => format!("{:02}", (self.day_of_year + 7 - self.weekday) / 7),
            'W' => format!("{:02}", (self.day_of_year + 7 - (self.weekday + 6) % 7) / 7),
            _ => return None,
        })
    }
}

/// A time, seconds since 1970, by a format.
///
/// # Errors
/// Where the format has a conversion that is not modelled, or what comes out may be longer than Fluent Bit has room for.
pub(super) fn strftime(format: &str, seconds: i64) -> Result<String, Unknown> {
    const NOT_MODELLED: Unknown = Unknown("a format of times has a conversion that is not modelled");
    let moment = Moment::new(seconds);
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let conversion = letters.next().ok_or(NOT_MODELLED)?;
        out += &moment.conversion(conversion).ok_or(NOT_MODELLED)?;
    }
    if out.len() > LONGEST {
        Err(Unknown("a time or name is longer than Fluent Bit may have room for"))
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_c_writes_them() {
        for (format, seconds, expected) in [
            ("%Y.%m.%d", 1_795_370_401, "2026.11.22"),
            ("%Y-%m-%dT%H:%M:%S", 1_795_370_401, "2026-11-22T18:00:01"),
            ("%a %e %b %y %I:%M %p %j %U %W %u %s%%", 0, "Thu  1 Jan 70 12:00 AM 001 00 00 4 0%"),
            ("%A %B %D %R %T %F", 951_782_400, "Tuesday February 02/29/00 00:00 00:00:00 2000-02-29"),
            ("%j %W %U", 978_220_800, "366 52 53"),
            ("%Y-%m-%d", -1, "1969-12-31"),
            ("x", 5, "x"),
        ] {
            assert_eq!(strftime(format, seconds).as_deref(), Ok(expected), "{format}");
        }
        assert!(
            strftime("%Q", 0).is_err() && strftime("%", 0).is_err() && strftime(&"x".repeat(LONGEST + 1), 0).is_err()
        );
        assert!(strftime(&"x".repeat(LONGEST), 0).is_ok());
    }
}
