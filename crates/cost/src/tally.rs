//! Counts the events of one log group, in bounded memory: who wrote them, what they would be under each preset, and what they look like.
//!
//! Streams, pods and patterns are many; each table has a limit, and what is beyond it is counted with others: totals stay exact, and only who or
//! which is lost.

use std::collections::HashMap;

use pipeline::record_parts::{self, RecordParts, StreamWriter};

use crate::copies::{PASS_IN_WINDOW, WINDOW_MS};
use crate::findings::{Coverage, Findings, Noisy, RowFindings, Slice, Sums, is_of_pod};
use crate::kept_lines::KeptLines;
use crate::line::{EVENT_BYTES, LineBytes, MetadataBytes};
use crate::line_sums::{LineSums, MetadataMean};
use crate::noise::{Noise, NoiseFinder};
use crate::pattern;
use crate::prices::{EVENT_EVERY_MS, EVENT_MAX_BYTES};
use crate::shipping::Shipping;

/// How many streams are told apart at a time. Each takes about half a kilobyte.
const MAX_STREAMS: usize = 50_000;

/// How many containers are told apart.
const MAX_ROWS: usize = 2_000;

/// How many patterns are kept, of all containers together; each takes about a quarter of a kilobyte.
const MAX_PATTERNS: usize = 20_000;

/// How many windows of the throttle are remembered at a time.
const MAX_WINDOWS: usize = 500_000;

pub use crate::shipping::TallyEvent;

/// What was counted.
#[derive(Debug)]
pub struct Tally {
    group: String,
    /// Works out what Datadog gets, where somebody wants to know: it costs time.
    shipping: Option<Shipping>,
    noise: NoiseFinder,
    streams: HashMap<String, Stream>,
    /// By `<namespace>/<pod>`.
    pods: HashMap<String, u32>,
    /// How many copies passed in a window of a pod.
    windows: HashMap<(u32, i64), u64>,
    rows: Vec<Row>,
    row_of: HashMap<StreamWriter, usize>,
    patterns: usize,
    lines: KeptLines,
    /// Of one stream or more, the first record's `log` has containerd's prefix.
    has_prefix: bool,
    /// The metadata of all pods together, for those that have none.
    metadata: MetadataMean,
    settled: Vec<Settled>,
    first_ms: i64,
    last_ms: i64,
}

/// The container that a stream is of. It can turn out to be another's, once labels tell the pod's owner.
#[derive(Debug, Default)]
struct Row {
    writer: StreamWriter,
    /// The row that this one became a part of.
    merged_into: Option<usize>,
    events: u64,
    billed: u64,
    metadata_events: u64,
    noise: [Slice; Noise::ALL.len()],
    patterns: HashMap<String, Slice>,
    rest: Slice,
}

#[derive(Debug, Default)]
struct Stream {
    row: usize,
    pod: u32,
    metadata: Option<MetadataBytes>,
    is_owner_known: bool,
    sums: LineSums,
    tick: Option<i64>,
    tick_bytes: u64,
}

/// A stream that was counted to its end, as far as it is known by then.
#[derive(Debug)]
struct Settled {
    row: usize,
    pod: u32,
    metadata: Option<MetadataBytes>,
    sums: LineSums,
}

impl Tally {
    /// For a log group. `with_datadog` also works out what Datadog gets.
    pub fn new(group: &str, with_datadog: bool) -> Tally {
        Tally {
            group: group.to_owned(),
            shipping: with_datadog.then(|| Shipping::new(group)),
            noise: NoiseFinder::default(),
            streams: HashMap::new(),
            pods: HashMap::new(),
            windows: HashMap::new(),
            rows: Vec::new(),
            row_of: HashMap::new(),
            patterns: 0,
            lines: KeptLines::new(),
            has_prefix: false,
            metadata: MetadataMean::default(),
            settled: Vec::new(),
            first_ms: i64::MAX,
            last_ms: i64::MIN,
        }
    }

    /// How many bytes were counted, as billed.
    pub fn billed(&self) -> u64 {
        self.rows.iter().map(|row| row.billed).sum()
    }

    /// Counts an event.
    pub fn add(&mut self, event: &TallyEvent) {
        let billed = event.message.len() as u64 + EVENT_BYTES;
        let parts = record_parts::parts(&self.group, event.stream, Some(event.timestamp), event.message);
        if event.timestamp > 0 {
            self.first_ms = self.first_ms.min(event.timestamp);
            self.last_ms = self.last_ms.max(event.timestamp);
        }
        if !self.streams.contains_key(event.stream) {
            self.begin(event, &parts);
        }
        self.learn(event.stream, &parts);
        let Some(stream) = self.streams.get_mut(event.stream) else { return };
        stream.row = living(&self.rows, stream.row);
        // One event of the function for each ten seconds in which the stream has something.
        let tick = event.timestamp.div_euclid(EVENT_EVERY_MS);
        stream.tick_bytes = if stream.tick == Some(tick) { stream.tick_bytes + billed } else { billed };
        if stream.tick != Some(tick) || stream.tick_bytes > EVENT_MAX_BYTES {
            stream.tick_bytes = billed;
            stream.sums.ticks += 1;
        }
        stream.tick = Some(tick);
        let row = stream.row;
        if !parts.is_metadata {
            let (pod, line) = (stream.pod, LineBytes::of(&parts));
            stream.sums.lines += 1;
            stream.sums.lean += line.lean;
            stream.sums.merged += line.merged;
            stream.sums.seed += line.seed;
            stream.sums.copies += u64::from(passes(&mut self.windows, pod, event.timestamp));
        }
        self.count(row, billed, &parts);
        if self.shipping.as_mut().is_some_and(|shipping| shipping.add(event)) {
            self.ship();
        }
    }

    /// Adds what Datadog gets of the events that wait.
    fn ship(&mut self) {
        let Some(shipping) = &mut self.shipping else { return };
        for (name, logs, bytes) in shipping.ship() {
            if let Some(stream) = self.streams.get_mut(&name) {
                stream.sums.logs += logs;
                stream.sums.datadog += bytes;
            }
        }
    }

    fn count(&mut self, row: usize, billed: u64, parts: &RecordParts) {
        let noise = if parts.is_metadata { None } else { self.noise.find(&parts.text) };
        let Some(row) = self.rows.get_mut(row) else { return };
        row.events += 1;
        row.billed += billed;
        if parts.is_metadata {
            row.metadata_events += 1;
            row.rest.add(billed);
            return;
        }
        if let Some(slice) = noise.and_then(|noise| row.noise.get_mut(noise as usize)) {
            slice.add(billed);
        }
        let pattern = pattern::of(&parts.text);
        if !row.patterns.contains_key(&pattern) {
            self.patterns += 1;
        }
        row.patterns.entry(pattern).or_default().add(billed);
        self.lines.see(&parts.text);
        if self.patterns > MAX_PATTERNS {
            self.forget_patterns();
        }
    }

    /// Half of the patterns, those with the fewest bytes, become a part of the rest.
    fn forget_patterns(&mut self) {
        let mut sizes: Vec<u64> =
            self.rows.iter().flat_map(|row| row.patterns.values()).map(|slice| slice.billed).collect();
        let middle = sizes.len() / 2;
        let (_, limit, _) = sizes.select_nth_unstable(middle);
        let limit = *limit;
        for row in &mut self.rows {
            let rest = &mut row.rest;
            row.patterns.retain(|_, slice| {
                let stays = slice.billed > limit;
                if !stays {
                    rest.merge(*slice);
                }
                stays
            });
        }
        self.patterns = self.rows.iter().map(|row| row.patterns.len()).sum();
    }

    /// A stream's first event.
    fn begin(&mut self, event: &TallyEvent, parts: &RecordParts) {
        if self.streams.len() >= MAX_STREAMS {
            self.settle();
        }
        let writer = record_parts::writer(&self.group, event.stream, parts.kubernetes.as_deref());
        let name = format!("{}/{}", writer.namespace, if writer.pod.is_empty() { event.stream } else { &writer.pod });
        self.has_prefix |= record_parts::has_prefix(event.message);
        let row = self.row(writer);
        let number = u32::try_from(self.pods.len()).unwrap_or(u32::MAX);
        let pod = *self.pods.entry(name).or_insert(number);
        let stream = Stream { row, pod, ..Stream::default() };
        self.streams.insert(event.stream.to_owned(), stream);
    }

    /// Takes from an event what it tells of its pod.
    fn learn(&mut self, name: &str, parts: &RecordParts) {
        let Some(kubernetes) = &parts.kubernetes else { return };
        let metadata = MetadataBytes::of(parts);
        let Some(stream) = self.streams.get_mut(name) else { return };
        if stream.metadata != metadata {
            self.metadata.add(metadata.unwrap_or_default());
        }
        stream.metadata = metadata;
        if stream.is_owner_known {
            return;
        }
        stream.is_owner_known = true;
        let (old, new) = (living(&self.rows, stream.row), record_parts::writer(&self.group, name, Some(kubernetes)));
        let new = self.row(new);
        if let Some(stream) = self.streams.get_mut(name) {
            stream.row = new;
        }
        let is_of_pod_alone = self.rows.get(old).is_some_and(|row| row.writer.owner == row.writer.pod);
        if old != new && is_of_pod_alone {
            self.merge(old, new);
        }
    }

    /// The row of a container; the pod counts where nothing else is known to have made it.
    fn row(&mut self, writer: StreamWriter) -> usize {
        let is_alone = writer.owner == writer.pod;
        let pod = if is_alone { writer.pod.clone() } else { String::new() };
        let mut key = StreamWriter { pod, ..writer };
        if let Some(row) = self.row_of.get(&key) {
            return living(&self.rows, *row);
        }
        if self.rows.len() >= MAX_ROWS {
            key = StreamWriter { owner: "(others)".to_owned(), ..StreamWriter::default() };
            if let Some(row) = self.row_of.get(&key) {
                return *row;
            }
        }
        self.rows.push(Row { writer: key.clone(), ..Row::default() });
        self.row_of.insert(key, self.rows.len() - 1);
        self.rows.len() - 1
    }

    fn merge(&mut self, from: usize, into: usize) {
        let Some(old) = self.rows.get_mut(from) else { return };
        let writer = old.writer.clone();
        let old = std::mem::replace(old, Row { writer, merged_into: Some(into), ..Row::default() });
        let Some(row) = self.rows.get_mut(into) else { return };
        row.events += old.events;
        row.billed += old.billed;
        row.metadata_events += old.metadata_events;
        row.rest.merge(old.rest);
        row.noise.iter_mut().zip(old.noise).for_each(|(slice, more)| slice.merge(more));
        for (pattern, slice) in old.patterns {
            row.patterns.entry(pattern).or_default().merge(slice);
        }
    }

    /// Ends all streams: what comes of them later counts as others'.
    fn settle(&mut self) {
        self.ship();
        for (_, stream) in self.streams.drain() {
            let Stream { row, pod, metadata, sums, .. } = stream;
            self.settled.push(Settled { row: living(&self.rows, row), pod, metadata, sums });
        }
        // What cannot be told apart any more is one.
        let known = |one: &Settled| (one.row, one.metadata.map(|bytes| (bytes.kubernetes, bytes.cluster)));
        if self.settled.len() > MAX_STREAMS {
            self.settled.sort_unstable_by_key(known);
            self.settled.dedup_by(|one, kept| {
                let is_same = known(one) == known(kept);
                if is_same {
                    kept.sums.add(one.sums);
                }
                is_same
            });
        }
    }

    /// What was counted, in figures.
    pub fn finish(mut self, coverage: Coverage) -> Findings {
        self.settle();
        let mut of_pods: HashMap<u32, (MetadataBytes, u64)> = HashMap::new();
        for one in &self.settled {
            let pod = of_pods.entry(one.pod).or_default();
            pod.0 = one.metadata.unwrap_or(pod.0);
            pod.1 += one.sums.lines;
        }
        let mut sums: Vec<Sums> = self.rows.iter().map(|_| Sums::default()).collect();
        let mean = self.metadata.mean();
        for one in &mut self.settled {
            let sibling = of_pods.get(&one.pod).map(|(metadata, _)| *metadata).filter(|known| known.kubernetes > 0);
            let known = one.metadata.or(sibling).or(mean);
            if let Coverage::Sampled { seconds } = coverage {
                let lines = of_pods.get(&one.pod).map_or(one.sums.lines, |(_, lines)| *lines);
                one.sums.sampled(seconds, lines);
            }
            if let Some(sum) = sums.get_mut(living(&self.rows, one.row)) {
                sum.add_lines(&one.sums, known);
            }
        }
        let rows = self.rows.into_iter().zip(sums).filter(|(row, _)| row.events > 0);
        let rows = rows.map(|(row, sums)| row.finish(sums));
        let span_ms = self.last_ms.saturating_sub(self.first_ms).max(0);
        let findings = Findings::new(self.group, rows.collect(), coverage, span_ms, self.lines.into_lines());
        Findings { has_prefix: self.has_prefix, ..findings }
    }
}

impl Row {
    fn finish(self, mut sums: Sums) -> RowFindings {
        sums.events = self.events;
        sums.billed = self.billed;
        sums.metadata_events = self.metadata_events;
        if !is_of_pod(&self.writer) {
            sums.is_nobodys_preset();
        }
        let noise = Noise::ALL.into_iter().zip(self.noise).filter(|(_, slice)| slice.events > 0);
        let noise = noise.map(|(noise, slice)| Noisy { noise, slice }).collect();
        RowFindings::new(self.writer, sums, self.patterns, self.rest, noise)
    }
}

/// The row that a row is a part of now.
fn living(rows: &[Row], mut row: usize) -> usize {
    while let Some(into) = rows.get(row).and_then(|row| row.merged_into) {
        row = into;
    }
    row
}

/// Whether the throttle lets the copy of a line pass.
fn passes(windows: &mut HashMap<(u32, i64), u64>, pod: u32, timestamp: i64) -> bool {
    if windows.len() >= MAX_WINDOWS {
        windows.clear();
    }
    let passed = windows.entry((pod, timestamp.div_euclid(WINDOW_MS))).or_default();
    *passed += 1;
    *passed <= PASS_IN_WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept_lines::MAX_LINES;
    use crate::line::Preset;

    const ID: &str = "c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004";

    fn stream(pod: &str) -> String {
        format!("fargate/m.kube.var.log.containers.{pod}_shop_nginx-{ID}.log")
    }

    fn lean(text: &str) -> String {
        serde_json::json!({ "stream": "stdout", "logtag": "F", "log": text }).to_string()
    }

    fn count(events: &[(&str, i64, &str)]) -> Findings {
        let mut tally = Tally::new("/g", false);
        for (stream, timestamp, message) in events {
            tally.add(&TallyEvent { stream, timestamp: *timestamp, message });
        }
        tally.finish(Coverage::Whole { seconds: None })
    }

    #[test]
    fn two_copies_pass_in_a_window_of_a_pod() {
        let message = lean("x");
        let one = stream("web-6d4cf56db6-x7k2p");
        let other = one.replace("nginx", "sidecar");
        let copies = |events: &[(&str, i64)]| {
            let events: Vec<(&str, i64, &str)> = events.iter().map(|(name, at)| (*name, *at, &*message)).collect();
            count(&events).total.copies
        };
        assert_eq!(copies(&[(&one, 0)]), 1);
        assert_eq!(copies(&[(&one, 0), (&one, 29_999)]), 2);
        assert_eq!(copies(&[(&one, 0), (&one, 1), (&one, 29_999)]), 2);
        assert_eq!(copies(&[(&one, 0), (&one, 1), (&one, 30_000)]), 3);
        // One throttle for the pod.
        assert_eq!(copies(&[(&one, 0), (&one, 1), (&other, 2)]), 2);
    }

    #[test]
    fn labels_that_come_later_tell_the_owner_of_all() {
        let name = stream("api-0");
        let metadata = r#"{"kubernetes":{"pod_name":"api-0","namespace_name":"shop","container_name":"nginx","labels":{"apps.kubernetes.io/pod-index":"0"}}}"#;
        let line = lean("x");
        let found = count(&[(&name, 0, &line), (&name, 1, metadata), (&name, 2, &line)]);
        assert_eq!(found.rows.len(), 1);
        let row = &found.rows[0];
        assert_eq!((row.writer.owner_kind.as_str(), row.sums.events, row.sums.lines), ("StatefulSet", 3, 2));
        assert_eq!((row.sums.metadata_events, row.sums.assumed_lines), (1, 0));
        assert_eq!(row.sums.billed, 2 * line.len() as u64 + metadata.len() as u64 + 3 * EVENT_BYTES);
    }

    /// No ConfigMap of EKS has a say in what a function logs.
    #[test]
    fn what_is_no_pods_is_the_same_under_each_preset() {
        let mut tally = Tally::new("/aws/lambda/x", false);
        for _ in 0..10 {
            tally.add(&TallyEvent { stream: "2026/11/22/[$LATEST]0", timestamp: 0, message: "REPORT RequestId: 1" });
        }
        let found = tally.finish(Coverage::Whole { seconds: None });
        assert!(Preset::ALL.into_iter().all(|preset| found.total.under(preset) == found.total.billed));
        assert_eq!((found.rows[0].is_of_pod(), found.total.assumed_lines), (false, 0));
    }

    #[test]
    fn times_that_are_not_known_are_not_1970() {
        let line = lean("x");
        let name = stream("web-6d4cf56db6-x7k2p");
        let found = count(&[(&name, 0, &line), (&name, 1_795_000_000_000, &line), (&name, 1_795_000_060_000, &line)]);
        assert_eq!((found.span_ms, count(&[(&name, 0, &line)]).span_ms), (60_000, 0));
    }

    #[test]
    fn pods_of_a_deployment_are_one_row() {
        let (one, other) = (stream("web-6d4cf56db6-x7k2p"), stream("web-6d4cf56db6-bbbbb"));
        let line = lean("x");
        let found = count(&[(&one, 0, &line), (&other, 0, &line)]);
        assert_eq!((found.rows.len(), found.rows[0].sums.lines, found.rows[0].sums.assumed_lines), (1, 2, 2));
    }

    #[test]
    fn many_patterns_take_bounded_memory_and_no_byte_is_lost() {
        let mut tally = Tally::new("/g", false);
        let name = stream("web-6d4cf56db6-x7k2p");
        let letters = |number: u64| -> String {
            number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
        };
        let mut billed = 0;
        for number in 0..60_000 {
            let message =
                if number % 3 == 0 { lean("the same again") } else { lean(&format!("word {}", letters(number))) };
            billed += message.len() as u64 + EVENT_BYTES;
            tally.add(&TallyEvent { stream: &name, timestamp: 0, message: &message });
        }
        assert!(tally.patterns <= MAX_PATTERNS && tally.lines.len() <= MAX_LINES);
        assert_eq!(tally.billed(), billed);
        let found = tally.finish(Coverage::Whole { seconds: None });
        let row = &found.rows[0];
        assert_eq!(row.patterns[0].pattern, "the same again");
        assert_eq!(row.patterns[0].slice.events, 20_000);
        assert_eq!(row.patterns.iter().map(|one| one.slice.billed).sum::<u64>() + row.rest.billed, billed);
    }

    #[test]
    fn where_only_moments_are_seen_a_pod_writes_evenly() {
        let mut tally = Tally::new("/g", false);
        let (often, rarely) = (stream("web-6d4cf56db6-x7k2p"), stream("web-6d4cf56db6-bbbbb"));
        let line = lean("x");
        for at in 0..600 {
            tally.add(&TallyEvent { stream: &often, timestamp: at * 100, message: &line });
        }
        tally.add(&TallyEvent { stream: &rarely, timestamp: 0, message: &line });
        let found = tally.finish(Coverage::Sampled { seconds: 60.0 });
        assert_eq!((found.total.copies, found.total.invocations), (4 + 1, 6 + 1));
    }
}
