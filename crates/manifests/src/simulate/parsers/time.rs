//! Times by a `Time_Format`.
//!
//! Source: fluent/fluent-bit, src/flb_strptime.c and src/flb_parser.c, `flb_parser_time_lookup`, `parse_subseconds` and
//! `flb_parser_create`.

use crate::simulate::core::Core;
use crate::simulate::numbers::{float, is_blank};
use crate::simulate::unknown::Unknown;

/// A time of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    pub nanoseconds: i64,
}

impl Time {
    /// As CloudWatch has it: milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.seconds.saturating_mul(1_000).saturating_add(self.nanoseconds / 1_000_000)
    }
}

/// A format, parted at its first `%L`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeFormat {
    before: Vec<u8>,
    /// What follows `%L`, if there is one.
    after: Option<Vec<u8>>,
    has_year: bool,
    has_zone: bool,
    /// What a time without a zone is ahead of UTC, in seconds.
    offset: i64,
    is_strict: bool,
}

const UNREAD: Unknown = Unknown("the Time_Format has a conversion that is not modelled");

impl TimeFormat {
    pub(super) fn new(format: &str, offset: Option<&str>, is_strict: bool) -> Result<TimeFormat, Unknown> {
        let has = |part: &str| format.contains(part);
        let offset = match offset {
            None => 0,
            Some(offset) => zone_offset(offset).ok_or(Unknown("the Time_Offset cannot be read"))?,
        };
        let (before, after) = match format.split_once("%L") {
            Some((before, after)) => (before, Some(after.as_bytes().to_vec())),
            None => (format, None),
        };
        Ok(TimeFormat {
            before: before.as_bytes().to_vec(),
            after,
            has_year: has("%Y") || has("%y") || has("%s"),
            has_zone: has("%z") || has("%Z") || has("%SZ") || has("%S.%LZ"),
            offset,
            is_strict,
        })
    }

    /// The time that a text is; `None` if it cannot be parsed.
    pub(super) fn read(&self, core: Core, text: &[u8], read_at: Time) -> Result<Option<Time>, Unknown> {
        // The older core has a buffer of 64 bytes for it; the newer one asks for more where that is too short, but not for a year that is to
        // stand before it.
        const LONGEST: usize = 63;
        const LONGEST_WITHOUT_YEAR: usize = 57;
        let is_too_long = if self.has_year {
            core == Core::Older && text.len() > LONGEST
        } else {
            text.len() > LONGEST_WITHOUT_YEAR && (core == Core::Older || text.len() <= LONGEST)
        };
        if is_too_long {
            return Ok(None);
        }
        // A zero byte ends the text.
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut start = Moment { day: 0, ..Moment::default() };
        if !self.has_year {
            // What is not said is today's.
            let (year, month, day) = date(read_at.seconds.div_euclid(DAY));
            (start.year, start.month, start.day) = (year, month, day);
        }
        let found = self.parts(start, text)?;
        match found {
            None if !self.is_strict => Err(Unknown("a time that cannot be parsed, with Time_Strict Off")),
            found => Ok(found),
        }
    }

    fn parts(&self, mut moment: Moment, text: &[u8]) -> Result<Option<Time>, Unknown> {
        // Behind the year that Fluent Bit puts before a text, blanks do not count.
        let start = if self.has_year { 0 } else { skip_blanks(text, 0) };
        let Some(mut at) = moment.read(text, start, &self.before)? else { return Ok(None) };
        let mut fraction = 0.0;
        if let Some(after) = &self.after {
            let digits = text.get(at..).unwrap_or_default();
            let digits = digits.get(..digits.len().min(9)).unwrap_or_default();
            let shown = [b"0.".as_slice(), digits].concat();
            let Some((number, length)) = float(&shown) else { return Err(UNREAD) };
            if length <= 2 {
                return Ok(None);
            }
            fraction = number;
            at += length - 2;
            if moment.read(text, at, after)?.is_none() {
                return Ok(None);
            }
        }
        let offset = if self.has_zone { moment.offset } else { self.offset };
        // Fluent Bit counts in floats, too, and cuts off what is left.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is less than a second, or some thousand with an exponent"
        )]
        let nanoseconds = (fraction * 1_000_000_000.0) as i64;
        Ok(Some(Time { seconds: moment.seconds() - offset, nanoseconds }))
    }
}

/// `+0200` and its like, in seconds.
fn zone_offset(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'Z' => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digit = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
    let hours = digit(1)? * 10 + digit(2)?;
    let start = if bytes.len() == 6 && bytes.get(3) == Some(&b':') { 4 } else { 3 };
    let minutes = digit(start)? * 10 + digit(start + 1)?;
    (hours <= 59 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The parts of a time.
#[derive(Debug, Clone, Copy)]
struct Moment {
    year: i64,
    /// From 0.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    offset: i64,
    /// Where the whole time is given in seconds.
    epoch: Option<i64>,
}

impl Default for Moment {
    fn default() -> Moment {
        Moment { year: 1900, month: 0, day: 0, hour: 0, minute: 0, second: 0, offset: 0, epoch: None }
    }
}

/// A day, in seconds.
const DAY: i64 = 86_400;

/// The date of a day since 1970: year, month from 0, day. Source: as for `Moment::seconds`.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let from_march = days + 719_468;
    let of_era = from_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + from_march.div_euclid(146_097) * 400 + i64::from(month < 2);
    (year, month, of_year - (153 * month_from_march + 2) / 5 + 1)
}

/// C's names in English, which formats read and write.
pub(crate) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Moment {
    /// Reads as a format says; where it ends, or `None` if it does not fit.
    fn read(&mut self, text: &[u8], mut at: usize, format: &[u8]) -> Result<Option<usize>, Unknown> {
        let mut letters = format.iter().copied();
        while let Some(letter) = letters.next() {
            if is_blank(letter) {
                at = skip_blanks(text, at);
                continue;
            }
            let Some(&byte) = text.get(at) else { return Ok(None) };
            if letter != b'%' {
                if letter != byte {
                    return Ok(None);
                }
                at += 1;
                continue;
            }
            let Some(conversion) = letters.next() else { return Err(UNREAD) };
            match self.convert(conversion, text, at)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn convert(&mut self, conversion: u8, text: &[u8], at: usize) -> Result<Option<usize>, Unknown> {
        let whole = match conversion {
            b'D' => "%m/%d/%y",
            b'F' => "%Y-%m-%d",
            b'R' => "%H:%M",
            b'r' => "%I:%M:%S %p",
            b'T' => "%H:%M:%S",
            _ => "",
        };
        if !whole.is_empty() {
            return self.read(text, at, whole.as_bytes());
        }
        let number = |at, least, most| conv_num(text, at, least, most);
        let (place, least, most): (&mut i64, i64, i64) = match conversion {
            b'%' => return Ok((text.get(at) == Some(&b'%')).then_some(at + 1)),
            b'e' | b'd' => (&mut self.day, 1, 31),
            b'H' | b'k' => (&mut self.hour, 0, 23),
            b'I' | b'l' => (&mut self.hour, 1, 12),
            b'M' => (&mut self.minute, 0, 59),
            b'S' => (&mut self.second, 0, 60),
            b'Y' => (&mut self.year, 0, 9999),
            b'm' => {
                let found = number(at, 1, 12);
                self.month = found.map_or(self.month, |(month, _)| month - 1);
                return Ok(found.map(|(_, next)| next));
            }
            b'y' => {
                let found = number(at, 0, 99);
                let century = |year: i64| if year <= 68 { 2000 + year } else { 1900 + year };
                self.year = found.map_or(self.year, |(year, _)| century(year));
                return Ok(found.map(|(_, next)| next));
            }
            b'a' | b'A' => return Ok(name(&DAYS, text, at).map(|(_, next)| next)),
            b'b' | b'B' | b'h' => {
                let found = name(&MONTHS, text, at);
                self.month = found.map_or(self.month, |(month, _)| month);
                return Ok(found.map(|(_, next)| next));
            }
            b'p' => return Ok(self.half_of_day(text, at)),
            b's' => {
                let found = number(at, 0, i64::MAX);
                self.epoch = found.map(|(seconds, _)| seconds);
                return Ok(found.map(|(_, next)| next));
            }
            b'z' => return self.zone(text, at),
            b'Z' => {
                let rest = text.get(at..).unwrap_or_default();
                if rest.starts_with(b"GMT") || rest.starts_with(b"UTC") {
                    self.offset = 0;
                    return Ok(Some(at + 3));
                }
                return Err(Unknown("a time with the name of a zone"));
            }
            // These are none, so that no time fits.
            b':' | b'N' | b'f' | b'L' | b'i' | b'v' | b'q' | b'Q' => return Ok(None),
            _ => return Err(UNREAD),
        };
        let at = if conversion == b'e' && text.get(at).is_some_and(|byte| is_blank(*byte)) { at + 1 } else { at };
        let found = number(at, least, most);
        *place = found.map_or(*place, |(number, _)| number);
        Ok(found.map(|(_, next)| next))
    }

    fn half_of_day(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let half = text.get(at..at + 2)?.to_ascii_uppercase();
        if self.hour > 12 {
            return None;
        }
        match half.as_slice() {
            b"AM" => self.hour %= 12,
            b"PM" => self.hour = self.hour % 12 + 12,
            _ => return None,
        }
        Some(at + 2)
    }

    fn zone(&mut self, text: &[u8], at: usize) -> Result<Option<usize>, Unknown> {
        let at = skip_blanks(text, at);
        let rest = text.get(at..).unwrap_or_default();
        for utc in ["GMT", "UT", "Z"] {
            if rest.starts_with(utc.as_bytes()) {
                self.offset = 0;
                return Ok(Some(at + utc.len()));
            }
        }
        let sign = match rest.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(letter) if letter.is_ascii_alphabetic() => return Err(Unknown("a time with the name of a zone")),
            _ => return Ok(None),
        };
        let digit = |at: usize| rest.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
        let (Some(tens), Some(ones)) = (digit(1), digit(2)) else { return Ok(None) };
        let mut seconds = (tens * 10 + ones) * 3600;
        let mut length = 3 + usize::from(rest.get(3) == Some(&b':'));
        if let Some(tens) = digit(length) {
            let Some(ones) = digit(length + 1) else { return Ok(None) };
            seconds += (tens * 10 + ones) * 60;
            length += 2;
        }
        self.offset = sign * seconds;
        Ok(Some(at + length))
    }

    /// Seconds since 1970, as if it were UTC. A day 0 is the last of the month before.
    fn seconds(&self) -> i64 {
        if let Some(epoch) = self.epoch {
            return epoch;
        }
        // Days by the calendar of 400 years, from March on. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let year = if self.month < 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((self.month + 10) % 12) + 2) / 5 + self.day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        days * DAY + self.hour * 3600 + self.minute * 60 + self.second
    }
}

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}

/// Digits as long as more could belong to a number that is allowed.
fn conv_num(text: &[u8], mut at: usize, least: i64, most: i64) -> Option<(i64, usize)> {
    let digit = |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
    let mut number: i64 = 0;
    let mut room = most;
    digit(at)?;
    while let Some(next) = digit(at) {
        number = number.checked_mul(10)?.checked_add(next)?;
        at += 1;
        room /= 10;
        if number.checked_mul(10).is_none_or(|larger| larger > most) || room == 0 {
            break;
        }
    }
    (least..=most).contains(&number).then_some((number, at))
}

/// A name in full or its first three letters.
fn name(names: &[&str], text: &[u8], at: usize) -> Option<(i64, usize)> {
    let rest = text.get(at..)?;
    let starts = |name: &str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
    for (number, name) in names.iter().enumerate() {
        for name in [name, name.get(..3)?] {
            if starts(name) {
                return Some((i64::try_from(number).ok()?, at + name.len()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27.
    const READ_AT: Time = Time { seconds: 1_795_757_828, nanoseconds: 0 };

    fn read(format: &str, text: &str) -> Option<i64> {
        let found = TimeFormat::new(format, None, true).unwrap().read(Core::Newer, text.as_bytes(), READ_AT).unwrap();
        found.map(|time| time.seconds * 1_000_000_000 + time.nanoseconds)
    }

    #[test]
    fn times_are_read_as_fluent_bit_reads_them() {
        const CRI: &str = "%Y-%m-%dT%H:%M:%S.%L%z";
        for (format, text, expected) in [
            (CRI, "2026-11-22T18:00:01.104414813Z", Some(1_795_370_401_104_414_813)),
            // A float has not room for it.
            (CRI, "2026-11-22T18:00:53.533985089Z", Some(1_795_370_453_533_985_088)),
            (CRI, "2026-11-22T20:00:39.5+02:00", Some(1_795_370_439_500_000_000)),
            (CRI, "2026-11-22T18:00:38Z", None),
            ("%Y-%m-%dT%H:%M:%S.%L", "2026-11-22T20:00:39.5+02:00", Some(1_795_377_639_500_000_000)),
            ("%Y-%m-%dT%H:%M:%S%z", "2026-11-22T18:00:38.5Z", None),
            ("%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:18:00:47 +0000", Some(1_795_370_447_000_000_000)),
            ("%s.%L", "1795370401.5", Some(1_795_370_401_500_000_000)),
            ("%Y-%m-%d %I:%M %p", "1970-01-02 12:01 AM", Some(86_460_000_000_000)),
            ("%Y-%m-%dT%H:%M:%S.%N%z", "2026-11-22T18:00:01.104414813Z", None),
            // Without a year, that of reading; without a date, that of today.
            ("%b %d %H:%M:%S", "Nov 22 18:00:01", Some(1_795_370_401_000_000_000)),
            ("%b %e %H:%M:%S.%L", "  Jan  2 00:00:00.5", Some(1_767_312_000_500_000_000)),
            ("%H:%M:%S", "00:00:01", Some(1_795_737_601_000_000_000)),
            ("%b %d %H:%M:%S", "Now 22 18:00:01", None),
            ("%y%F %T", "701970-01-01 00:00:01 and more", Some(1_000_000_000)),
        ] {
            assert_eq!(read(format, text), expected, "{format} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_time_is_read(format in "(%[a-zA-Z%]|[ :.-]){0,8}", text in "[0-9A-Za-z :.+-]{0,24}") {
            if let Ok(format) = TimeFormat::new(&format, None, true) {
                _ = format.read(Core::Older, text.as_bytes(), READ_AT);
            }
        }
    }

    #[test]
    fn a_time_has_room_up_to_a_length() {
        let has_time = |core: Core, format: &str, length: usize| {
            let text = format!("{:<length$}", "2026-11-22");
            let text = if format.contains("%Y") { text } else { format!("{:<length$}", "11-22") };
            TimeFormat::new(format, None, true).unwrap().read(core, text.as_bytes(), READ_AT).unwrap().is_some()
        };
        for (format, core, lengths) in [
            ("%Y-%m-%d", Core::Older, [(62, true), (63, true), (64, false)]),
            ("%Y-%m-%d", Core::Newer, [(63, true), (64, true), (300, true)]),
            ("%m-%d", Core::Older, [(56, true), (57, true), (58, false)]),
            ("%m-%d", Core::Newer, [(57, true), (58, false), (64, true)]),
        ] {
            for (length, expected) in lengths {
                assert_eq!(has_time(core, format, length), expected, "{format} {core:?} {length}");
            }
        }
    }
}
