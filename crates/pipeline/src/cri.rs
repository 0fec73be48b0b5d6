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
    Some(CriLine {
        time,
        output: OutputStream::parse(output)?,
        partial: partial_flag(tag)?,
        time_ms: time_ms(time)?,
        nanoseconds: nanoseconds(time),
        text: parts.next().unwrap_or_default(),
    })
}

/// Whether a log tag says "a piece" (`P`) or "the end" (`F`); tags may have further parts behind a colon.
pub(crate) fn partial_flag(tag: &str) -> Option<bool> {
    match tag.split(':').next() {
        Some("P") => Some(true),
        Some("F") => Some(false),
        _ => None,
    }
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

    proptest! {
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
