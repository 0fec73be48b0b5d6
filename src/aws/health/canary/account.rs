//! The account of a canary's lines at one hop: which arrived, which twice, which not whole, and how late.
//!
//! A line is known by its mark, the run and the number, wherever in a text it stands; so it does not matter what wraps the line, or into
//! how many pieces it was cut.

use std::collections::{BTreeMap, BTreeSet};

use manifests::canary::CanaryLine;

/// The longest number that is read: more lines than a canary may have.
const MAX_DIGITS: usize = 6;

/// Something that carries lines: an event of CloudWatch Logs, a log of Datadog, a line of the container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carrier<'a> {
    /// No two of a hop have the same. One that comes again is the same one, read again.
    pub(crate) id: &'a str,
    pub(crate) text: &'a str,
    /// From the writing of the line to here, where that is known.
    pub(crate) latency_ms: Option<i64>,
}

/// What arrived at a hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HopAccount {
    known: BTreeSet<String>,
    lines: BTreeMap<u32, LineSeen>,
    /// Of carriers of several lines.
    joined: Vec<BTreeSet<u32>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct LineSeen {
    carriers: u32,
    marks: u32,
    /// Of the first one.
    latency_ms: Option<i64>,
}

/// How a line is at a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineState {
    Missing,
    /// It has arrived, but not all of it.
    Cut,
    Whole,
    Doubled,
}

impl HopAccount {
    /// Takes a carrier; whether it is a new one.
    pub(crate) fn add(&mut self, run: &str, carrier: Carrier<'_>) -> bool {
        if self.known.contains(carrier.id) {
            return false;
        }
        self.known.insert(carrier.id.to_owned());
        let marks = marks(carrier.text, run);
        if marks.len() > 1 {
            self.joined.push(marks.keys().copied().collect());
        }
        for (number, marks) in marks {
            let line = self.lines.entry(number).or_default();
            if line.carriers == 0 {
                line.latency_ms = carrier.latency_ms;
            }
            line.carriers += 1;
            line.marks += marks;
        }
        true
    }

    /// How a line is here.
    pub(crate) fn state(&self, number: u32, kind: CanaryLine) -> LineState {
        let Some(LineSeen { carriers, marks, .. }) = self.lines.get(&number) else { return LineState::Missing };
        match kind {
            CanaryLine::Long { marks: whole } if *marks > whole => LineState::Doubled,
            // Each cut may go through a mark, which is then in neither piece.
            CanaryLine::Long { marks: whole } if marks + (carriers - 1) < whole => LineState::Cut,
            CanaryLine::Long { .. } => LineState::Whole,
            CanaryLine::Short | CanaryLine::Trace if *carriers > 1 => LineState::Doubled,
            CanaryLine::Short | CanaryLine::Trace => LineState::Whole,
        }
    }

    /// Whether a line came in several carriers.
    pub(crate) fn is_in_pieces(&self, number: u32) -> bool {
        self.lines.get(&number).is_some_and(|line| line.carriers > 1)
    }

    /// Whether one carrier has all of these lines.
    pub(crate) fn are_joined(&self, numbers: &BTreeSet<u32>) -> bool {
        self.joined.iter().any(|together| numbers.is_subset(together))
    }

    /// Lines that share a carrier with another that is not of `numbers`.
    pub(crate) fn mixed(&self, numbers: &BTreeSet<u32>) -> BTreeSet<u32> {
        let with_others = |together: &&BTreeSet<u32>| !together.is_subset(numbers);
        self.joined.iter().filter(with_others).flatten().copied().filter(|number| !numbers.contains(number)).collect()
    }

    /// The numbers of all lines of which something arrived.
    pub(crate) fn numbers(&self) -> BTreeSet<u32> {
        self.lines.keys().copied().collect()
    }

    /// How late the lines were, in milliseconds, in no order.
    pub(crate) fn latencies(&self) -> Vec<i64> {
        self.lines.values().filter_map(|line| line.latency_ms).collect()
    }
}

/// How often a text has the mark of each line. A mark is the run, the number, and a blank or bracket behind it: a number that was cut off has none.
fn marks(text: &str, run: &str) -> BTreeMap<u32, u32> {
    let mut found = BTreeMap::new();
    for (place, _) in text.match_indices(run) {
        let rest = text.get(place + run.len()..).unwrap_or_default();
        let (rest, end) = match rest.as_bytes().first() {
            Some(b' ') => (rest.get(1..), b' '),
            Some(b'_') => (rest.get(1..), b'('),
            _ => continue,
        };
        let rest = rest.unwrap_or_default();
        let digits = rest.bytes().take(MAX_DIGITS + 1).take_while(u8::is_ascii_digit).count();
        if digits > MAX_DIGITS || rest.as_bytes().get(digits) != Some(&end) {
            continue;
        }
        if let Some(number) = rest.get(..digits).and_then(|digits| digits.parse().ok()) {
            *found.entry(number).or_insert(0) += 1;
        }
    }
    found
}

/// Times from the writing of a line to a hop, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Latency {
    pub(crate) p50: i64,
    pub(crate) p95: i64,
    pub(crate) max: i64,
}

impl Latency {
    /// By the nearest rank: one of the times themselves. `None` without any.
    #[must_use]
    pub(crate) fn of(mut times: Vec<i64>) -> Option<Latency> {
        times.sort_unstable();
        let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Latency { p50: rank(50)?, p95: rank(95)?, max: *times.last()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUN: &str = "r0123456789ab";
    const OTHER: &str = "rba9876543210";

    fn of(texts: &[String]) -> HopAccount {
        let mut hop = HopAccount::default();
        for (id, text) in texts.iter().enumerate() {
            hop.add(RUN, Carrier { id: &id.to_string(), text, latency_ms: Some(id as i64) });
        }
        hop
    }

    fn short(number: u32) -> String {
        format!(r#"{{"log":"INFO canary {RUN} {number} short","kubernetes":{{"pod_name":"podferry-canary-{RUN}"}}}}"#)
    }

    #[test]
    fn a_mark_is_whole_or_none() {
        let numbers = |text: &str| marks(text, RUN).into_iter().collect::<Vec<_>>();
        assert_eq!(numbers(&short(7)), [(7, 1)]);
        assert_eq!(numbers(&format!("at podferry.canary.Trace.{RUN}_12(Canary.java:2)")), [(12, 1)]);
        assert_eq!(numbers(&format!("{RUN} 5 long.{RUN} 5 long.{RUN} 6 short")), [(5, 2), (6, 1)]);
        for text in [
            // Cut within the number, the names of pod and stream, another run, a number too long.
            format!("{RUN} 5"),
            format!(r#"{RUN} 5","stream":"stdout""#),
            format!("podferry-canary-{RUN}_5shop_podferry-canary"),
            format!("podferry-canary-{RUN}\""),
            short(7).replace(RUN, OTHER),
            format!("{RUN} 1234567 short"),
            format!("{RUN}  short"),
            format!("{RUN}é 1 "),
        ] {
            assert_eq!(numbers(&text), [], "{text}");
        }
        assert_eq!(numbers(&format!("{RUN} 123456 short")), [(123_456, 1)]);
    }

    #[test]
    fn the_same_carrier_counts_once_and_another_is_a_double() {
        let mut hop = of(&[short(1)]);
        assert!(!hop.add(RUN, Carrier { id: "0", text: &short(1), latency_ms: None }));
        assert_eq!(hop.state(1, CanaryLine::Short), LineState::Whole);
        assert!(hop.add(RUN, Carrier { id: "1", text: &short(1), latency_ms: None }));
        assert_eq!(hop.state(1, CanaryLine::Short), LineState::Doubled);
        assert_eq!(hop.state(2, CanaryLine::Short), LineState::Missing);
        assert_eq!(hop.latencies(), [0], "of the first");
    }

    #[test]
    fn what_is_joined_and_what_is_mixed_in() {
        let trace = BTreeSet::from([2, 3]);
        let text = |numbers: &[u32]| numbers.iter().map(|number| format!("{RUN} {number} x\n")).collect::<String>();
        let hop = of(&[text(&[1]), text(&[2, 3])]);
        assert!(hop.are_joined(&trace) && hop.mixed(&trace).is_empty());
        assert!(!of(&[text(&[2]), text(&[3])]).are_joined(&trace));
        let hop = of(&[text(&[1, 2, 3, 4])]);
        assert!(hop.are_joined(&trace) && hop.mixed(&trace) == BTreeSet::from([1, 4]));
    }

    #[test]
    fn percentiles_are_times_that_were_seen() {
        let of = |times: Vec<i64>| Latency::of(times).map(|it| (it.p50, it.p95, it.max));
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![7]), Some((7, 7, 7)));
        assert_eq!(of((1..=100).rev().collect()), Some((50, 95, 100)));
        assert_eq!(of((1..=20).collect()), Some((10, 19, 20)));
        assert_eq!(of((1..=21).collect()), Some((11, 20, 21)));
    }

    proptest! {
        /// Whatever is lost, doubled and read again, in whatever order: the account says so.
        #[test]
        fn losses_and_doubles_are_found(
            fates in prop::collection::vec((0..3_u32, any::<bool>()), 1..40),
            order in any::<prop::sample::Index>(),
        ) {
            let mut carriers = Vec::new();
            for (number, (times, again)) in (1_u32..).zip(&fates) {
                for time in 0..*times {
                    let carrier = (format!("{number}/{time}"), short(number));
                    carriers.extend(again.then(|| carrier.clone()));
                    carriers.push(carrier);
                }
                carriers.push((format!("other/{number}"), short(number).replace(RUN, OTHER)));
            }
            let middle = order.index(carriers.len());
            carriers.rotate_left(middle);
            let mut hop = HopAccount::default();
            for (id, text) in &carriers {
                hop.add(RUN, Carrier { id, text, latency_ms: None });
            }
            for (number, (times, _)) in (1_u32..).zip(&fates) {
                let expected = [LineState::Missing, LineState::Whole, LineState::Doubled][*times as usize];
                prop_assert_eq!(hop.state(number, CanaryLine::Short), expected);
            }
        }

        /// A long line that is cut anywhere is whole; without one of its pieces it is not, and with one twice it is doubled.
        #[test]
        fn pieces_of_a_long_line(cuts in prop::collection::btree_set(400..44_000_usize, 0..4), which in any::<prop::sample::Index>()) {
            const MARKS: u32 = 2048;
            let line = format!("{RUN} 31 long.").repeat(MARKS as usize);
            // Pieces of fewer bytes are no work of containerd's.
            let mut cuts: Vec<usize> = cuts.into_iter().collect();
            cuts.dedup_by(|next, before| *next - *before < 200);
            cuts.retain(|cut| line.len() - cut >= 200);
            cuts.push(line.len());
            let (mut from, mut pieces) = (0, Vec::new());
            for cut in cuts {
                pieces.push(line[from..cut].to_owned());
                from = cut;
            }
            let kind = CanaryLine::Long { marks: MARKS };
            prop_assert_eq!(of(&pieces).state(31, kind), LineState::Whole);
            let one = which.index(pieces.len());
            let twice = [pieces.clone(), vec![pieces[one].clone()]].concat();
            prop_assert_eq!(of(&twice).state(31, kind), LineState::Doubled);
            pieces.remove(one);
            let expected = if pieces.is_empty() { LineState::Missing } else { LineState::Cut };
            prop_assert_eq!(of(&pieces).state(31, kind), expected);
        }
    }
}
