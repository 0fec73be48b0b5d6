//! Times that parsers read: whether they read one at all, and whether the format fits what containerd writes.
//!
//! `%L` is read before the rest: what stands before it, then digits, then what stands behind it. What is left of the text after the format
//! is not looked at. Source: fluent/fluent-bit, src/flb_parser.c, `flb_parser_time_lookup`, and src/flb_strptime.c.

use super::cores::SEEN;
use super::{groups, is_cri};
use crate::lint::finding::{Finding, Findings};
use crate::lint::logging::PlacedSection;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};

const GUIDE: &str = "Amazon EKS User Guide, \"Start AWS Fargate logging for your cluster\"";
const CODE: &str = "fluent/fluent-bit, src/flb_strptime.c";

pub(crate) static NOT_READ: LintRule = LintRule {
    code: "PF217",
    name: "time-not-read",
    severity: Severity::Warning,
    title: "A parser does not read the time",
    why: "Logs then carry the time at which Fluent Bit read them: too late, and out of order.",
    fix: "Add a group with the name in `Time_Key`, and a `Time_Format`.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Fluent Bit manual, \"Configuring parser\"", SEEN],
};

pub(crate) static FORMAT: LintRule = LintRule {
    code: "PF218",
    name: "time-format",
    severity: Severity::Warning,
    title: "The time format does not read all of the times that containerd writes",
    why: "If the time cannot be parsed, Fluent Bit uses the time at which it read the line; without `%L` it drops the fraction of a second, and without `%z` it takes any time for UTC.",
    fix: "Write `Time_Format %Y-%m-%dT%H:%M:%S.%L%z`.",
    edits: RuleEdits::Safe,
    is_preview: false,
    sources: &[SEEN, CODE, GUIDE],
};

pub(crate) static CONVERSION: LintRule = LintRule {
    code: "PF298",
    name: "time-format-unknown",
    severity: Severity::Warning,
    title: "A time format has something that Fluent Bit does not know",
    why: "No time fits such a format, so logs carry the time at which Fluent Bit read them.",
    fix: "Write `%L` for the fraction of a second and `%z` for the time zone, and no quotes.",
    edits: RuleEdits::None,
    is_preview: true,
    sources: &[SEEN, CODE],
};

pub(crate) static RULES: &[&LintRule] = &[&NOT_READ, &FORMAT, &CONVERSION];

/// The format that reads what containerd writes.
const CONTAINERD: &str = "%Y-%m-%dT%H:%M:%S.%L%z";
/// A time as containerd writes it, up to the zone.
const WRITTEN: &str = "2026-01-31T12:34:56.123456789";

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for parser in project.logging.iter().flat_map(|logging| logging.parsers()) {
        not_read(parser, findings);
        if is_cri(&parser) {
            containerd(parser, findings);
        } else {
            unknown(parser, findings);
        }
    }
}

fn not_read(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    let groups = groups(&parser);
    let key = parser.get("Time_Key");
    match (key, parser.get("Time_Format")) {
        (None, None) if is_cri(&parser) => {
            let message = "containerd's time is not read: `Time_Key` and `Time_Format` are missing";
            let finding = Finding::new(&NOT_READ, parser.place_of("Name"), message);
            findings.push(finding.fix(format!("Add `Time_Key time` and `Time_Format {CONTAINERD}`.")));
        }
        (Some(key), None) => {
            let message = format!("`Time_Key {key}` has no matching `Time_Format`");
            findings.push(Finding::new(&NOT_READ, parser.place_of("Time_Key"), message));
        }
        (key, Some(_)) if !groups.is_empty() && !groups.contains(&key.unwrap_or("time")) => {
            let message = format!("the expression has no group `{}` for the time", key.unwrap_or("time"));
            let place = parser.place_of(if key.is_some() { "Time_Key" } else { "Time_Format" });
            let finding = Finding::new(&NOT_READ, place, message);
            findings.push(finding.related(parser.place_of("Regex"), "its groups are here"));
        }
        _ => {}
    }
}

fn containerd(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    let Some(property) = parser.property("Time_Format").filter(|format| !format.value.value.is_empty()) else { return };
    let read = |zone: &str| read(&property.value.value, &format!("{WRITTEN}{zone}"));
    let (message, severity) = match (read("Z"), read("+01:00")) {
        (None, _) => (
            "the format does not match containerd's times, such as `2026-01-31T12:34:56.123456789Z`",
            Severity::Warning,
        ),
        (_, None) => ("the format only accepts a literal `Z`, but containerd may write `+01:00`", Severity::Warning),
        (Some(time), _) if !time.has_fraction => ("the format drops the fraction of a second", Severity::Warning),
        // Fargate's nodes have UTC.
        (Some(time), _) if !time.has_zone => ("the format takes any time for UTC", Severity::Note),
        _ => return,
    };
    let edit = parser.part.text.replace(property.value.span, CONTAINERD);
    findings.push(Finding::new(&FORMAT, parser.value_place(property), message).severity(severity).edits(edit));
}

/// Conversions that Fluent Bit knows. `%E` and `%O` before another letter are passed over. Source: fluent/fluent-bit, src/flb_strptime.c.
const CONVERSIONS: &str = "%cDFRrTXxAaBbhCedkHlIjMmpSsUWwugGVYyZznt";

fn unknown(parser: PlacedSection<'_, '_>, findings: &mut Findings) {
    let Some(property) = parser.property("Time_Format") else { return };
    let format = property.value.value.as_str();
    let message = match unknown_conversion(format) {
        Some(conversion) => format!("Fluent Bit does not know `{conversion}` in a time"),
        None if format.starts_with(['"', '\'']) => "the quotes are part of the format".to_owned(),
        None => return,
    };
    findings.push(Finding::new(&CONVERSION, parser.value_place(property), message));
}

/// A conversion that no time fits. Only the first `%L` is taken for the fraction of a second.
fn unknown_conversion(format: &str) -> Option<String> {
    let format = format.replacen("%L", "", 1);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            continue;
        }
        let mut letter = letters.next()?;
        while matches!(letter, 'E' | 'O') {
            letter = letters.next()?;
        }
        if !CONVERSIONS.contains(letter) {
            return Some(format!("%{letter}"));
        }
    }
    None
}

/// What was read of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ReadTime {
    has_fraction: bool,
    has_zone: bool,
}

/// Reads a time as the older core does, if the format has nothing but what containerd's times may fit.
fn read(format: &str, text: &str) -> Option<ReadTime> {
    let (before, after) = format.split_once("%L").map_or((format, None), |(before, after)| (before, Some(after)));
    let mut time = ReadTime { has_fraction: false, has_zone: false };
    let mut rest = text;
    convert(before, &mut rest, &mut time)?;
    if let Some(after) = after {
        // Nine digits at most.
        let digits = rest.bytes().take(9).take_while(u8::is_ascii_digit).count();
        rest = rest.get(digits..).filter(|_| digits > 0)?;
        time.has_fraction = true;
        convert(after, &mut rest, &mut time)?;
    }
    Some(time)
}

fn convert(format: &str, rest: &mut &str, time: &mut ReadTime) -> Option<()> {
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter.is_ascii_whitespace() {
            *rest = rest.trim_start();
            continue;
        }
        if letter != '%' {
            *rest = rest.strip_prefix(letter)?;
            continue;
        }
        match letters.next()? {
            '%' => *rest = rest.strip_prefix('%')?,
            'Y' => number(rest, 4)?,
            'm' | 'd' | 'e' | 'H' | 'k' | 'M' | 'S' => number(rest, 2)?,
            'F' => convert("%Y-%m-%d", rest, time)?,
            'T' => convert("%H:%M:%S", rest, time)?,
            'R' => convert("%H:%M", rest, time)?,
            'n' | 't' => *rest = rest.trim_start(),
            'z' => {
                *rest = rest.trim_start();
                *rest = match rest.strip_prefix('Z') {
                    Some(rest) => rest,
                    // Hours and minutes, with or without a colon.
                    None => rest
                        .strip_prefix(['+', '-'])?
                        .trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ':'),
                };
                time.has_zone = true;
            }
            _ => return None,
        }
    }
    Some(())
}

/// So many digits at most.
fn number(rest: &mut &str, most: usize) -> Option<()> {
    let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    *rest = rest.get(digits..).filter(|_| digits > 0)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats that were tried with both cores, on the times of containerd: whether the fraction and the zone are read.
    #[test]
    fn formats_that_were_tried() {
        let both = |format| (read(format, &format!("{WRITTEN}Z")), read(format, &format!("{WRITTEN}+02:00")));
        let time = |has_fraction, has_zone| Some(ReadTime { has_fraction, has_zone });
        for format in ["%Y-%m-%dT%H:%M:%S.%L%z", "%FT%T.%L%z", "%Y-%m-%dT%H:%M:%S.%L %z"] {
            assert_eq!(both(format), (time(true, true), time(true, true)), "{format}");
        }
        assert_eq!(both("%Y-%m-%dT%H:%M:%S.%LZ"), (time(true, false), None));
        assert_eq!(both("%Y-%m-%dT%H:%M:%S.%L"), (time(true, false), time(true, false)));
        assert_eq!(both("%Y-%m-%dT%H:%M:%S"), (time(false, false), time(false, false)));
        for format in
            ["%Y-%m-%dT%H:%M:%S%z", "%s.%L", "%Y-%m-%d %H:%M:%S.%L%z", "%Y-%m-%dT%H:%M:%S.%N%z", "\"%FT%T\"", ""]
        {
            assert!(both(format).0.is_none() || format.is_empty(), "{format}");
        }
    }

    #[test]
    fn conversions() {
        for format in ["%d/%b/%Y:%H:%M:%S %z", "%s.%L", "%Ey%Od%%", "%"] {
            assert_eq!(unknown_conversion(format), None, "{format}");
        }
        for (format, found) in [("%T.%N", "%N"), ("%T.%f", "%f"), ("%T%:z", "%:"), ("%L%L", "%L"), ("%Q", "%Q")] {
            assert_eq!(unknown_conversion(format).as_deref(), Some(found), "{format}");
        }
    }
}
