//! What a canary's outcome means, hop by hop, and what to do.

use std::collections::BTreeSet;

use super::super::advice::Advice;
use super::super::finding::{HealthArea, HealthFinding};
use super::account::Latency;
use super::function::ForwarderCounts;
use super::outcome::{CanaryOutcome, DatadogOutcome, HopResult, LATE_MS};
use crate::aws::error::SdkCallError;
use manifests::canary::CanaryLine;
use pipeline::counted::counted;

const AREA: HealthArea = HealthArea::Canary;

/// From so many milliseconds on a difference of clocks is worth a word.
const CLOCKS_DIFFER_MS: u64 = 5_000;

/// How many numbers or ranges of numbers are shown.
const SHOWN: usize = 5;

/// All findings.
#[must_use]
pub(crate) fn judge(outcome: &CanaryOutcome, advice: &Advice) -> Vec<HealthFinding> {
    let mut found = Vec::from_iter(printed(outcome));
    found.extend(cloudwatch(outcome, advice));
    match &outcome.datadog {
        DatadogOutcome::NotAsked(because, counts) => found.extend(not_asked(because, counts.as_ref())),
        DatadogOutcome::Failed(why) => found.push(HealthFinding::unknown(AREA, "to Datadog", why.as_str())),
        DatadogOutcome::Seen { .. } => found.extend(datadog(outcome, advice)),
    }
    if outcome.clock.0.unsigned_abs() >= CLOCKS_DIFFER_MS {
        let seconds = outcome.clock.0.unsigned_abs().div_ceil(1000);
        let way = if outcome.clock.0 > 0 { "behind" } else { "ahead of" };
        let why = format!(
            "this machine's clock is about {seconds} s {way} the cluster's; the times to Datadog are corrected by that"
        );
        found.push(HealthFinding::note(AREA, "clock", why).fix("set this machine's clock by NTP"));
    }
    found
}

fn printed(outcome: &CanaryOutcome) -> Option<HealthFinding> {
    let (all, printed) = (outcome.plan.lines().len(), outcome.printed_numbers().len());
    if outcome.printed.is_none() {
        let why = "`kubectl logs` does not say what the pod printed, so all lines are taken as printed";
        return Some(HealthFinding::note(AREA, "pod", why));
    }
    let why = format!("the pod printed {printed} of {} within {} s", counted(all, "line"), outcome.waited_seconds);
    (printed < all).then(|| HealthFinding::unknown(AREA, "pod", why).fix("give it more time: --canary-wait SECONDS"))
}

/// `5, 9–11, …`
fn numbers(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, to)) if *to + 1 == *number => *to = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let more = if ranges.len() > SHOWN { ", …" } else { "" };
    let range = |(from, to): &(u32, u32)| if from == to { from.to_string() } else { format!("{from}–{to}") };
    ranges.iter().take(SHOWN).map(range).collect::<Vec<_>>().join(", ") + more
}

fn some(of: &[u32], all: usize) -> String {
    format!("{} of {} (number {})", of.len(), counted(all, "line"), numbers(of))
}

fn times(latency: Option<Latency>) -> String {
    let seconds = |milliseconds: i64| format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100);
    let told = |Latency { p50, p95, max }| {
        format!("; half of them within {}, 95 % within {}, all within {}", seconds(p50), seconds(p95), seconds(max))
    };
    latency.map(told).unwrap_or_default()
}

fn late(result: &HopResult, what: &str) -> Option<HealthFinding> {
    let why = format!("{} took {} s or longer{}", counted(result.late, "line"), LATE_MS / 1000, times(result.latency));
    let fix = "read what Fluent Bit's own log and the forwarder's queue say above: both send again what they could not send at once";
    (result.late > 0).then(|| HealthFinding::note(AREA, what, why).fix(fix))
}

fn cloudwatch(outcome: &CanaryOutcome, advice: &Advice) -> Vec<HealthFinding> {
    const WHAT: &str = "to CloudWatch Logs";
    if let Some(error) = &outcome.unread {
        return vec![HealthFinding::of_error(AREA, WHAT, error)];
    }
    let result = outcome.cloudwatch();
    let groups = outcome.cloudwatch.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let all = result.expected.len();
    let mut found = Vec::new();
    if !result.lost.is_empty() {
        let why = format!("{} did not arrive in {groups} within {} s", some(&result.lost, all), outcome.waited_seconds);
        let fix = if result.lost.len() == all {
            "check that the ConfigMap aws-logging names one of these log groups, and what Fluent Bit's own log says above"
        } else {
            "read Fluent Bit's own log (`flb_log_cw` of the ConfigMap aws-logging turns it on), and see with `podferry simulate` which filter drops lines"
        };
        found.push(HealthFinding::wrong(AREA, WHAT, why).fix(fix));
    }
    if !result.doubled.is_empty() {
        let why = format!("{} came more than once into a log group", some(&result.doubled, all));
        let fix = "look for two outputs of the ConfigMap that write to one group (`podferry lint`); Fluent Bit also repeats what AWS did not answer in time";
        found.push(HealthFinding::wrong(AREA, WHAT, why).fix(fix));
    }
    if !result.cut.is_empty() {
        let why = format!("a part is missing of {}", some(&result.cut, all));
        found.push(
            HealthFinding::wrong(AREA, WHAT, why)
                .fix("see with `podferry simulate` what the ConfigMap makes of the pieces of long lines"),
        );
    }
    let with_lines = outcome.cloudwatch.iter().filter(|(_, account)| !account.numbers().is_empty());
    let with_lines: Vec<&str> = with_lines.map(|(group, _)| group.as_str()).collect();
    if with_lines.len() > 1 {
        let why = format!(
            "the lines are in {} log groups ({}): Datadog gets them once from each that is subscribed",
            with_lines.len(),
            with_lines.join(", ")
        );
        found.push(HealthFinding::note(AREA, WHAT, why).fix(advice.podferry("status")));
    }
    if result.lost.is_empty() && result.doubled.is_empty() && result.cut.is_empty() {
        let why = format!("{} arrived once{}", counted(all, "line"), times(result.latency));
        found.push(HealthFinding::ok(AREA, WHAT, why));
    }
    found.extend(late(&result, WHAT));
    found
}

fn datadog(outcome: &CanaryOutcome, advice: &Advice) -> Vec<HealthFinding> {
    const WHAT: &str = "to Datadog";
    let (Some(result), DatadogOutcome::Seen { account, missing, logs }) = (outcome.datadog(), &outcome.datadog) else {
        return Vec::new();
    };
    let all = result.expected.len();
    if all == 0 {
        return vec![HealthFinding::skipped(AREA, WHAT, "no line came so far")];
    }
    let mut found = Vec::new();
    if !result.lost.is_empty() {
        let why = format!("{} did not arrive within {} s", some(&result.lost, all), outcome.waited_seconds);
        let fix = format!(
            "see what waits and what was given up with `{}`; then look for rules or settings that exclude or sample logs, and in Datadog for \
             exclusion filters and the daily quota of the index",
            advice.podferry("status")
        );
        found.push(HealthFinding::wrong(AREA, WHAT, why).fix(fix));
    }
    if !result.doubled.is_empty() {
        let why = format!("{} arrived more than once", some(&result.doubled, all));
        let fix = format!(
            "look with `{}` for a second filter or forwarder; now and then a double is a request that was not answered in time: both logs then \
             have the same `id`",
            advice.podferry("status")
        );
        found.push(HealthFinding::wrong(AREA, WHAT, why).fix(fix));
    }
    if !result.cut.is_empty() {
        let why = format!("a part is missing of {}", some(&result.cut, all));
        found.push(
            HealthFinding::wrong(AREA, WHAT, why).fix(format!("see what waits with `{}`", advice.podferry("status"))),
        );
    }
    if result.lost.is_empty() && result.doubled.is_empty() && result.cut.is_empty() {
        let why =
            format!("{} arrived once, in {}{}", counted(all, "line"), counted(*logs, "log"), times(result.latency));
        found.push(HealthFinding::ok(AREA, WHAT, why));
    }
    found.extend(late(&result, WHAT));
    found.extend(joined(outcome, account, &result));
    let lacking: Vec<String> =
        missing.0.iter().map(|(tag, logs)| format!("{tag} ({})", counted(*logs, "log"))).collect();
    found.push(if lacking.is_empty() {
        HealthFinding::ok(AREA, "tags", "service, namespace, pod and container are right on every log")
    } else {
        let fix = "see with `podferry preview --group` where each tag comes from, and check DD_SERVICE and the ConfigMap's filters";
        HealthFinding::wrong(AREA, "tags", format!("not on every log: {}", lacking.join(", "))).fix(fix)
    });
    found
}

/// Long lines and the stack trace, as far as they arrived.
fn joined(outcome: &CanaryOutcome, account: &super::account::HopAccount, result: &HopResult) -> Vec<HealthFinding> {
    let has_arrived = |numbers: &BTreeSet<u32>| {
        numbers.iter().all(|number| result.expected.contains(number) && !result.lost.contains(number))
    };
    let long = outcome.of_kind(|kind| matches!(kind, CanaryLine::Long { .. }));
    let trace = outcome.of_kind(|kind| kind == CanaryLine::Trace);
    let pieces: Vec<u32> = long.iter().copied().filter(|number| account.is_in_pieces(*number)).collect();
    let is_doubled = pieces.iter().any(|number| result.doubled.contains(number));
    let mut found = Vec::new();
    if has_arrived(&long) && !is_doubled {
        found.push(if pieces.is_empty() {
            HealthFinding::ok(AREA, "long lines", format!("{} of more than 16 KiB came whole", counted(long.len(), "line")))
        } else {
            let why = format!("{} came in pieces", some(&pieces, long.len()));
            let fix = "pieces are joined within one event: see docs/log-shapes.md, and with `podferry simulate` whether the ConfigMap keeps the marks of pieces";
            HealthFinding::wrong(AREA, "long lines", why).fix(fix)
        });
    }
    if has_arrived(&trace) {
        let mixed: Vec<u32> = account.mixed(&trace).into_iter().collect();
        found.push(if !account.are_joined(&trace) {
            let why = format!("the {} of a stack trace came as several logs", counted(trace.len(), "line"));
            HealthFinding::note(AREA, "stack trace", why)
                .fix("check DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION of the function, and `multi_line` rules")
        } else if !mixed.is_empty() {
            let why = format!("other lines were joined to it or to each other (number {})", numbers(&mixed));
            HealthFinding::note(AREA, "stack trace", why)
                .fix("check DD_MULTILINE_LOG_REGEX_PATTERN and `multi_line` rules")
        } else {
            HealthFinding::ok(AREA, "stack trace", format!("its {} are one log", counted(trace.len(), "line")))
        });
    }
    found
}

fn not_asked(because: &str, counts: Option<&Result<ForwarderCounts, SdkCallError>>) -> Vec<HealthFinding> {
    let what = "to Datadog";
    let fix = "set DD_API_KEY and DD_APP_KEY (an application key with logs_read_data) to follow the lines into Datadog";
    let mut found = vec![HealthFinding::skipped(AREA, what, because).fix(fix)];
    match counts {
        None => {}
        Some(Err(error)) => found.push(HealthFinding::of_error(AREA, "forwarder's metrics", error)),
        Some(Ok(ForwarderCounts { delivered, queued, dead })) => {
            let why = format!(
                "of all pods in this time, the forwarder delivered {}, {queued} waited in the queue, and {dead} were given up; the newest minute \
                 or two may be missing",
                counted(usize::try_from(*delivered).unwrap_or(usize::MAX), "log")
            );
            let is_ok = *delivered > 0 && *dead == 0;
            found.push(if is_ok {
                HealthFinding::ok(AREA, "forwarder's metrics", why)
            } else {
                HealthFinding::note(AREA, "forwarder's metrics", why)
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{advice, call_error};
    use super::super::super::finding::HealthSeverity;
    use super::super::account::{Carrier, HopAccount};
    use super::super::clock::ClockOffset;
    use super::super::delivered::MissingTags;
    use super::*;
    use manifests::canary::CanaryPlan;

    const RUN: &str = "r0123456789ab";

    /// Ten short lines, 1 to 5 and 17 to 21; long ones are 6, 7 and 8, and the trace 9 to 16.
    fn plan() -> CanaryPlan {
        CanaryPlan { run: RUN.into(), short: 10, rate: 10 }
    }

    fn text(number: u32) -> String {
        match plan().lines()[number as usize - 1] {
            CanaryLine::Short => format!("INFO canary {RUN} {number} short"),
            CanaryLine::Long { marks } => format!("{RUN} {number} long.").repeat(marks as usize),
            CanaryLine::Trace => format!("\tat podferry.canary.Trace.{RUN}_{number}(Canary.java:1)"),
        }
    }

    fn hop(texts: &[String]) -> HopAccount {
        let mut hop = HopAccount::default();
        for (id, text) in texts.iter().enumerate() {
            hop.add(RUN, Carrier { id: &id.to_string(), text, latency_ms: Some(1200) });
        }
        hop
    }

    /// The logs of Datadog without these numbers; the trace is one.
    fn logs(without: &[u32]) -> Vec<String> {
        let mut logs: Vec<String> =
            (1..=8).chain(17..=21).filter(|number| !without.contains(number)).map(text).collect();
        logs.push((9..=16).map(text).collect::<Vec<_>>().join("\n"));
        logs
    }

    fn outcome(cloudwatch: &[u32], datadog: &[String]) -> CanaryOutcome {
        let texts: Vec<String> = cloudwatch.iter().copied().map(text).collect();
        CanaryOutcome {
            plan: plan(),
            namespace: "shop".into(),
            printed: Some(hop(&(1..=21).map(text).collect::<Vec<_>>())),
            cloudwatch: [("/a".to_owned(), hop(&texts))].into(),
            unread: None,
            datadog: DatadogOutcome::Seen {
                account: hop(datadog),
                missing: MissingTags::default(),
                logs: datadog.len(),
            },
            clock: ClockOffset::default(),
            waited_seconds: 9,
        }
    }

    fn all() -> Vec<u32> {
        (1..=21).collect()
    }

    fn found(outcome: &CanaryOutcome) -> Vec<(HealthSeverity, String)> {
        judge(outcome, &advice()).into_iter().map(|one| (one.severity, format!("{}: {}", one.what, one.why))).collect()
    }

    fn of(outcome: &CanaryOutcome, severity: HealthSeverity) -> Vec<String> {
        found(outcome).into_iter().filter(|(is, _)| *is == severity).map(|(_, text)| text).collect()
    }

    #[test]
    fn all_is_well() {
        let seen = outcome(&all(), &logs(&[]));
        assert!(seen.is_complete());
        assert!(found(&seen).iter().all(|(severity, _)| *severity == HealthSeverity::Ok), "{:#?}", found(&seen));
        let expected =
            "to CloudWatch Logs: 21 lines arrived once; half of them within 1.2 s, 95 % within 1.2 s, all within 1.2 s";
        assert_eq!(found(&seen)[0].1, expected);
        assert_eq!(seen.json()["datadog"]["trace_joined"], true);
    }

    #[test]
    fn each_hop_answers_for_what_it_got() {
        // 2 and 3 never came; 17 was lost behind CloudWatch Logs; 5 came twice to Datadog.
        let before: Vec<u32> = all().into_iter().filter(|number| ![2, 3].contains(number)).collect();
        let seen = outcome(&before, &[logs(&[2, 3, 17]), vec![text(5)]].concat());
        assert!(!seen.is_complete());
        assert_eq!(
            of(&seen, HealthSeverity::Wrong),
            [
                "to CloudWatch Logs: 2 of 21 lines (number 2–3) did not arrive in /a within 9 s",
                "to Datadog: 1 of 19 lines (number 17) did not arrive within 9 s",
                "to Datadog: 1 of 19 lines (number 5) arrived more than once",
            ]
        );
        // What came twice already is no fault of the function's.
        let seen = outcome(&[all(), vec![5]].concat(), &[logs(&[]), vec![text(5)]].concat());
        let wrong = of(&seen, HealthSeverity::Wrong);
        assert_eq!(wrong, ["to CloudWatch Logs: 1 of 21 lines (number 5) came more than once into a log group"]);
        // What is in Datadog came through CloudWatch Logs, whose search is behind.
        let seen = outcome(&before, &logs(&[]));
        assert_eq!(of(&seen, HealthSeverity::Wrong), [""; 0]);
    }

    #[test]
    fn what_was_not_printed_is_not_lost() {
        let mut seen = outcome(&[1, 2], &logs(&all())[..0]);
        seen.printed = Some(hop(&[text(1), text(2), text(3)]));
        assert_eq!(of(&seen, HealthSeverity::Unknown), ["pod: the pod printed 3 of 21 lines within 9 s"]);
        assert!(of(&seen, HealthSeverity::Wrong)[0].contains("1 of 3 lines (number 3)"));
        seen.printed = None;
        assert!(of(&seen, HealthSeverity::Wrong)[0].contains("19 of 21 lines (number 3–21)"));
    }

    #[test]
    fn pieces_traces_and_tags() {
        let cut = |text: &str| vec![text[..16_384].to_owned(), text[16_384..].to_owned()];
        let seen = outcome(&all(), &[logs(&[7]), cut(&text(7))].concat());
        assert_eq!(of(&seen, HealthSeverity::Wrong), ["long lines: 1 of 3 lines (number 7) came in pieces"]);
        let seen = outcome(&all(), &[logs(&[7]), cut(&text(7))[..1].to_vec()].concat());
        assert_eq!(of(&seen, HealthSeverity::Wrong), ["to Datadog: a part is missing of 1 of 21 lines (number 7)"]);
        let apart: Vec<String> = all().into_iter().map(text).collect();
        assert_eq!(
            of(&outcome(&all(), &apart), HealthSeverity::Note),
            ["stack trace: the 8 lines of a stack trace came as several logs"]
        );
        let mut with_more = logs(&[17]);
        let trace = with_more.pop().unwrap();
        with_more.push(format!("{trace}\n{}", text(17)));
        let note = of(&outcome(&all(), &with_more), HealthSeverity::Note);
        assert_eq!(note, ["stack trace: other lines were joined to it or to each other (number 17)"]);
        let mut seen = outcome(&all(), &logs(&[]));
        if let DatadogOutcome::Seen { missing, .. } = &mut seen.datadog {
            missing.add(&["kube_namespace:shop"]);
        }
        assert_eq!(of(&seen, HealthSeverity::Wrong), ["tags: not on every log: kube_namespace:shop (1 log)"]);
    }

    #[test]
    fn late_lines_other_groups_and_clocks_are_notes() {
        for (latency_ms, is_late) in [(LATE_MS - 1, false), (LATE_MS, true), (LATE_MS + 1, true)] {
            let mut seen = outcome(&all(), &logs(&[]));
            let mut late = HopAccount::default();
            for number in all() {
                late.add(RUN, Carrier { id: &number.to_string(), text: &text(number), latency_ms: Some(latency_ms) });
            }
            seen.cloudwatch.insert("/a".into(), late);
            assert_eq!(of(&seen, HealthSeverity::Note).len(), usize::from(is_late), "{latency_ms}");
        }
        let mut seen = outcome(&all(), &logs(&[]));
        seen.cloudwatch.insert("/b".into(), hop(&[text(1)]));
        seen.clock = ClockOffset(61_500);
        let notes = of(&seen, HealthSeverity::Note);
        assert!(notes[0].starts_with("to CloudWatch Logs: the lines are in 2 log groups (/a, /b)"), "{notes:?}");
        assert!(notes[1].starts_with("clock: this machine's clock is about 62 s behind the cluster's"), "{notes:?}");
        assert_eq!(of(&seen, HealthSeverity::Wrong), [""; 0]);
    }

    #[test]
    fn what_could_not_be_asked_is_unknown_or_said() {
        let mut seen = outcome(&all(), &logs(&[]));
        seen.unread = Some(call_error());
        seen.datadog = DatadogOutcome::Failed("x".into());
        assert_eq!(of(&seen, HealthSeverity::Unknown).len(), 2);
        for (counts, expected) in [
            (ForwarderCounts { delivered: 5, ..ForwarderCounts::default() }, HealthSeverity::Ok),
            (ForwarderCounts { delivered: 5, queued: 0, dead: 1 }, HealthSeverity::Note),
            (ForwarderCounts::default(), HealthSeverity::Note),
        ] {
            let mut seen = outcome(&all(), &[]);
            seen.datadog = DatadogOutcome::NotAsked("no key", Some(Ok(counts)));
            assert!(seen.is_complete());
            let last = found(&seen).pop().unwrap();
            assert_eq!(last.0, expected, "{last:?}");
        }
        let none = outcome(&[], &[]);
        assert_eq!(of(&none, HealthSeverity::Skipped), ["to Datadog: no line came so far"]);
        assert!(of(&none, HealthSeverity::Wrong)[0].contains("21 of 21 lines (number 1–21)"));
    }

    #[test]
    fn small_differences_of_clocks_are_not_told() {
        for (offset_ms, is_told) in
            [(4_999, false), (5_000, true), (5_001, true), (-4_999, false), (-5_000, true), (0, false)]
        {
            let seen = CanaryOutcome { clock: ClockOffset(offset_ms), ..outcome(&all(), &logs(&[])) };
            assert_eq!(of(&seen, HealthSeverity::Note).len(), usize::from(is_told), "{offset_ms}");
        }
    }

    #[test]
    fn numbers_are_few() {
        assert_eq!(numbers(&[1, 2, 3, 7, 9, 10]), "1–3, 7, 9–10");
        assert_eq!(numbers(&[1, 3, 5, 7, 9]), "1, 3, 5, 7, 9");
        assert_eq!(numbers(&[1, 3, 5, 7, 9, 11]), "1, 3, 5, 7, 9, …");
        assert_eq!(numbers(&[]), "");
    }
}
