//! The prefix that containerd puts before each line of a container: `<time> <stdout|stderr> <P|F> <text>`.
//!
//! Source: Kubernetes, `pkg/kubelet/kuberuntime/logs/logs.go`, `parseCRILog`, and the Datadog Agent's
//! `kubernetes` log parser, which takes a line of three parts as one with an empty text.

use jiff::Timestamp;

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
}

impl OutputStream {
    /// `stdout` and `stderr`; nothing else is an output, whatever a loose parser called one.
    pub(crate) fn parse(name: &str) -> Option<OutputStream> {
        match name {
            "stdout" => Some(OutputStream::Stdout),
            "stderr" => Some(OutputStream::Stderr),
            _ => None,
        }
    }
}

/// A line in containerd's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CriLine<'a> {
    /// The time as written, RFC 3339 with nanoseconds.
    pub(crate) time: &'a str,
    /// The same in milliseconds since 1970.
    pub(crate) time_ms: i64,
    /// What the time has beyond its milliseconds.
    pub(crate) nanoseconds: Option<u32>,
    pub(crate) output: OutputStream,
    /// A piece of a longer line: more follows.
    pub(crate) partial: bool,
    /// What the application wrote, to the byte.
    pub(crate) text: &'a str,
}

/// Takes the prefix off; `None` where there is none.
pub(crate) fn parse(line: &str) -> Option<CriLine<'_>> {
    // Cheap refusals first: most lines that are no CRI line fail here.
    if !matches!(line.as_bytes(), [b'0'..=b'9', _, _, _, b'-', ..]) {
        return None;
    }
    let mut parts = line.splitn(4, ' ');
    let (time, output, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let (output, partial) = (OutputStream::parse(output)?, partial_flag(tag)?);
    let (time_ms, nanoseconds) = moment(time)?;
    Some(CriLine { time, output, partial, time_ms, nanoseconds, text: parts.next().unwrap_or_default() })
}

/// Whether a log tag says "a piece" (`P`) or "the end" (`F`); tags may have further parts behind a colon.
pub(crate) fn partial_flag(tag: &str) -> Option<bool> {
    match tag.split(':').next() {
        Some("P") => Some(true),
        Some("F") => Some(false),
        _ => None,
    }
}

/// What [`time_ms`] and [`nanoseconds`] say of a time.
pub(crate) fn moment(time: &str) -> Option<(i64, Option<u32>)> {
    match containerds_moment(time.as_bytes()) {
        Some((milliseconds, nanoseconds)) => Some((milliseconds, Some(nanoseconds).filter(|count| *count > 0))),
        None => Some((time_ms(time)?, nanoseconds(time))),
    }
}

/// Reads the times of lines that follow one another. Most are of the second of the one before, whose date need not be worked out again.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    /// `2026-11-22T10:15:30.`, and its milliseconds since 1970.
    second: Option<[u8; 20]>,
    milliseconds: i64,
}

impl Moments {
    /// What [`moment`] says.
    pub(crate) fn read(&mut self, time: &str) -> Option<(i64, Option<u32>)> {
        let bytes = time.as_bytes();
        if let Some((second, &[a, b, c, d, e, f, g, h, i, b'Z'])) = bytes.split_first_chunk::<20>()
            && self.second == Some(*second)
            && let (Some(milliseconds), Some(nanoseconds)) = (number(&[a, b, c]), number(&[d, e, f, g, h, i]))
        {
            let nanoseconds = Some(nanoseconds).filter(|count| *count > 0);
            return Some((self.milliseconds + i64::from(milliseconds), nanoseconds));
        }
        let (milliseconds, nanoseconds) = moment(time)?;
        if let Some((second @ [.., b'.'], [_, _, _, _, _, _, _, _, _, b'Z'])) = bytes.split_first_chunk::<20>() {
            (self.second, self.milliseconds) = (Some(*second), milliseconds - milliseconds.rem_euclid(1_000));
        }
        Some((milliseconds, nanoseconds))
    }
}

/// The number that these digits are.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

/// The same of a time as containerd writes it in UTC, `2026-11-22T10:15:30.123456789Z`, of any other form nothing: each line has one, and
/// this is a tenth of the work of reading any RFC 3339 time.
fn containerds_moment(time: &[u8]) -> Option<(i64, u32)> {
    let time: &[u8; 30] = time.try_into().ok()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _, b'.', .., b'Z'] = time else {
        return None;
    };
    let number = |from: usize, to: usize| number(time.get(from..to)?);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let (milliseconds, nanoseconds) = (number(20, 23)?, number(23, 29)?);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => return None,
    };
    // A leap second and the ends of the calendar are read by who knows them.
    let is_usual = (1970..3000).contains(&year) && (1..=days_of_month).contains(&day);
    (is_usual && hour < 24 && minute < 60 && second < 60).then_some(())?;
    // Days since 1970, with years that begin in March, so that a leap day is the last of its year. 719,468 days lie between 1 March 0 and
    // 1 January 1970. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = i64::from(days) * 86_400 + i64::from(hour * 3_600 + minute * 60 + second);
    Some((seconds * 1_000 + i64::from(milliseconds), nanoseconds))
}

/// Milliseconds since 1970 of an RFC 3339 time; fractions of a millisecond are cut off, as Fluent Bit does.
pub(crate) fn time_ms(time: &str) -> Option<i64> {
    if !matches!(time.as_bytes(), [_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..]) {
        return None;
    }
    let nanoseconds = time.parse::<Timestamp>().ok()?.as_nanosecond();
    i64::try_from(nanoseconds.div_euclid(1_000_000)).ok()
}

/// The nanoseconds of an RFC 3339 time within its millisecond; `None` where it was written with milliseconds or less, or with
/// zeros behind them.
pub(crate) fn nanoseconds(time: &str) -> Option<u32> {
    let (_, fraction) = time.split_once('.')?;
    let digits = fraction.as_bytes().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fine = fraction.get(3..digits.min(9)).filter(|fine| !fine.is_empty())?;
    let value: u32 = fine.parse().ok()?;
    Some(value * 10_u32.pow(6 - u32::try_from(fine.len()).ok()?)).filter(|nanoseconds| *nanoseconds > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_prefix_comes_off_and_nothing_else() {
        let line = parse("2021-12-16T18:36:10.300999999+09:00 stderr P   two  spaces ").unwrap();
        assert_eq!(line.text, "  two  spaces ");
        assert_eq!((line.output, line.partial, line.time_ms), (OutputStream::Stderr, true, 1_639_647_370_300));
        assert_eq!(parse("2021-12-16T18:36:09.123456789Z stdout F").unwrap().text, "");
        assert_eq!(parse("2021-12-16T18:36:09.123456789Z stdout F:x y").unwrap().text, "y");
    }

    #[test]
    fn a_time_has_nanoseconds_or_it_has_none() {
        let of = |fraction: &str| nanoseconds(&format!("2021-12-16T18:36:09{fraction}Z"));
        assert_eq!([".123456789", ".1234", ".123", ".1", ""].map(of), [Some(456_789), Some(400_000), None, None, None]);
        assert_eq!([".123000001", ".1234567891234", ".123000000"].map(of), [Some(1), Some(456_789), None]);
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for line in [
            "not a cri line",
            "2021-12-16T18:36:09Z stdin F x",
            "2021-12-16T18:36:09Z stdout X x",
            "2021-12-16T18:36:09 stdout F x",
            "2021-13-16T18:36:09Z stdout F x",
            "2021-12-16 18:36:09Z stdout F",
            "2021-12-16T18:36:09Z  stdout F x",
            "",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_time_is_read_the_same_whatever_came_before_it() {
        let times = [
            "2026-11-22T10:15:30.123456789Z",
            "2026-11-22T10:15:30.999000000Z",
            "2026-11-22T10:15:30.12345678xZ",
            "2026-11-22T10:15:30.x23456789Z",
            "2026-11-22T10:15:30.123456789z",
            "2026-11-22T10:15:30.123456789",
            "2026-11-22T10:15:30.1Z",
            "2026-11-22T10:15:30Z",
            "2026-11-22T10:15:31.000000000Z",
            "2016-12-31T23:59:60.123456789Z",
            "2016-12-31T23:59:60.987654321Z",
            "2016-12-31T23:59:59.987654321Z",
            "1969-12-31T23:59:59.000000001Z",
            "1969-12-31T23:59:59.999999999Z",
            "0000-01-01T00:00:00.000000001Z",
            "2026-11-22T10:15:61.123456789Z",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{0}123456789Z",
        ];
        for before in times {
            for time in times {
                let mut moments = Moments::default();
                moments.read(before);
                for _ in 0..2 {
                    assert_eq!(moments.read(time), moment(time), "{before} {time}");
                }
            }
        }
    }

    #[test]
    fn a_moment_is_what_the_general_ways_say() {
        let general = |time: &str| time_ms(time).map(|milliseconds| (milliseconds, nanoseconds(time)));
        for date in [
            "1969-12-31",
            "1970-01-01",
            "1999-12-31",
            "2000-02-29",
            "2000-03-01",
            "2023-02-29",
            "2024-02-29",
            "2026-11-22",
            "2100-02-28",
            "2100-02-29",
            "2400-02-29",
            "2999-12-31",
            "3000-01-01",
            "9999-12-31",
            "0000-01-01",
            "2026-13-01",
            "2026-00-01",
            "2026-04-31",
            "2026-01-00",
            "2026/01/01",
            "2o26-01-01",
        ] {
            for rest in [
                "00:00:00.000000000Z",
                "23:59:59.999999999Z",
                "23:59:60.000000000Z",
                "24:00:00.000000000Z",
                "00:60:00.000000000Z",
                "10:15:30.120000000Z",
                "10:15:30.123456000Z",
                "10:15:30.123000001Z",
                "10:15:30.123456789z",
                "10:15:30.12345678Z",
                "10:15:30.1234567890Z",
                "10:15:30.12345678+Z",
                "10:15:30Z",
                "10:15:30.12+01:00:00Z",
                "+1:15:30.123456789Z",
            ] {
                let time = format!("{date}T{rest}");
                assert_eq!(moment(&time), general(&time), "{time}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_moment_is_what_the_general_ways_say(seconds in 0_i64..40_000_000_000, nanosecond in 0_i32..1_000_000_000) {
            let time = format!("{:.9}", Timestamp::new(seconds, nanosecond).unwrap());
            prop_assert_eq!(time.len(), 30);
            prop_assert_eq!(moment(&time), Some((time_ms(&time).unwrap(), nanoseconds(&time))));
            prop_assert_eq!(containerds_moment(time.as_bytes()).is_some(), seconds < 32_503_680_000);
        }

        #[test]
        fn any_text_comes_back_whole(text in any::<String>()) {
            let line = format!("2021-12-16T18:36:09.1Z stdout F {text}");
            prop_assert_eq!(parse(&line).unwrap().text, text);
        }

        #[test]
        fn any_line_is_survived(line in any::<String>()) {
            let _ = parse(&line);
        }
    }
}
