//! Pages by stream. A page has events of many streams and ends anywhere: in the middle of a line that containerd split, or of a stack
//! trace. So the end of each stream is held if it may continue, and processed with the stream's next events.

use std::collections::BTreeMap;

use super::event::{EventOrigin, HistoryEvent, content};
use pipeline::event::EventError;
use pipeline::{PipelineSettings, settled};

/// How long to wait for the rest of a log, by the times of events. Pieces of a line are written at once; lines of a trace come within
/// a second (`pipeline::multi_line`).
const HOLD_MS: i64 = 5_000;

/// What is held of the streams of a group.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    held: BTreeMap<String, Vec<HistoryEvent>>,
    newest_ms: i64,
}

impl Streams {
    /// Takes a page. What can be processed now: a content for each stream, as a subscription would have given it.
    ///
    /// # Errors
    /// [`EventError`]: a content is none. Only a bug makes one.
    pub(crate) fn take(
        &mut self,
        page: Vec<HistoryEvent>,
        origin: &EventOrigin,
        settings: &PipelineSettings,
    ) -> Result<Vec<String>, EventError> {
        for event in page {
            self.newest_ms = self.newest_ms.max(event.timestamp);
            match self.held.get_mut(&event.stream) {
                Some(events) => events.push(event),
                None => _ = self.held.insert(event.stream.clone(), vec![event]),
            }
        }
        let since_ms = self.newest_ms.saturating_sub(HOLD_MS);
        let mut contents = Vec::new();
        for (stream, events) in std::mem::take(&mut self.held) {
            let whole = content(origin, &stream, &events);
            let settled = settled(&whole, settings, since_ms)?;
            match events.split_at_checked(settled) {
                None | Some((_, [])) => contents.push(whole),
                Some((now, later)) => {
                    if !now.is_empty() {
                        contents.push(content(origin, &stream, now));
                    }
                    self.held.insert(stream, later.to_vec());
                }
            }
        }
        Ok(contents)
    }

    /// What is left after the last page.
    pub(crate) fn finish(&mut self, origin: &EventOrigin) -> Vec<String> {
        let held = std::mem::take(&mut self.held);
        held.iter().map(|(stream, events)| content(origin, stream, events)).collect()
    }

    /// What is held.
    pub(crate) fn held(&self) -> impl Iterator<Item = &HistoryEvent> {
        self.held.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use pipeline::Pipeline;

    fn origin() -> EventOrigin {
        EventOrigin { owner: "111122223333".to_owned(), group: "/aws/eks/prod/fargate".to_owned() }
    }

    fn stream(pod: usize) -> String {
        let id = "c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004";
        format!("from-fluent-bit-kube.var.log.containers.web-{pod}_shop_nginx-{id}.log")
    }

    /// Messages of all logs, by stream and text: logs of stdout and stderr of one time may change places.
    fn logs(contents: &[String]) -> Vec<(String, String)> {
        let settings = PipelineSettings::default();
        let mut all = Vec::new();
        for content in contents {
            let mut pipeline = Pipeline::new("", &settings, None);
            pipeline.add(0, content).unwrap();
            for payload in pipeline.finish().payloads {
                let logs: Vec<Value> = serde_json::from_slice(&payload.plain().unwrap()).unwrap();
                let text = |log: &Value| log["message"].as_str().unwrap().to_owned();
                let pod = |log: &Value| log["aws"]["awslogs"]["logStream"].to_string();
                all.extend(logs.iter().map(|log| (pod(log), text(log))));
            }
        }
        all.sort_unstable();
        all
    }

    /// All events in pages of these lengths.
    fn paged(events: &[HistoryEvent], lengths: &[usize]) -> Vec<String> {
        let (mut streams, mut contents) = (Streams::default(), Vec::new());
        let mut lengths = lengths.iter().cycle();
        let mut left = events;
        while !left.is_empty() {
            let (page, rest) = left.split_at((*lengths.next().unwrap()).min(left.len()));
            contents.extend(streams.take(page.to_vec(), &origin(), &PipelineSettings::default()).unwrap());
            left = rest;
        }
        contents.extend(streams.finish(&origin()));
        contents
    }

    /// Lines as containerd writes them: of `pod`, `ms` after the last.
    fn event(number: usize, pod: usize, timestamp: i64, line: &str) -> HistoryEvent {
        event_at(number, pod, timestamp * 1_000, line)
    }

    fn event_at(number: usize, pod: usize, micros: i64, line: &str) -> HistoryEvent {
        let time = jiff::Timestamp::from_microsecond(micros).unwrap();
        let message = format!("{time:.9} {line}");
        HistoryEvent { id: number.to_string(), stream: stream(pod), timestamp: micros / 1_000, message }
    }

    const LINES: [&str; 9] = [
        "stdout F request served",
        "stdout P the first piece, ",
        "stdout P the second, ",
        "stdout F and the last",
        "stderr F Traceback (most recent call last):",
        "stderr F   File \"/app/main.py\", line 5, in <module>",
        "stderr F     raise ValueError(1)",
        "stderr F ValueError: 1",
        "stderr P half of ",
    ];

    /// Which of them are written together: a line, a long line, a trace, half of a line.
    const WRITTEN: [std::ops::Range<usize>; 4] = [0..1, 1..4, 4..8, 8..9];

    #[test]
    fn a_line_and_a_trace_over_the_end_of_a_page() {
        let events: Vec<HistoryEvent> =
            (0..8).map(|number| event(number, 1, 1_795_379_888_000, LINES[number])).collect();
        let whole = logs(&paged(&events, &[8]));
        assert_eq!(whole.len(), 3, "{whole:?}");
        for length in 1..8 {
            assert_eq!(logs(&paged(&events, &[length])), whole, "{length}");
        }
    }

    #[test]
    fn what_does_not_go_on_is_not_held_for_ever() {
        let (settings, mut streams) = (PipelineSettings::default(), Streams::default());
        let start = 1_795_379_888_000;
        let first = vec![event(0, 1, start, "stdout P never ended ")];
        assert!(streams.take(first, &origin(), &settings).unwrap().is_empty());
        for (late, expected) in [(HOLD_MS - 1, 0), (HOLD_MS, 0), (HOLD_MS + 1, 1)] {
            let page = vec![event(1, 2, start + late, "stdout P x")];
            assert_eq!(streams.take(page, &origin(), &settings).unwrap().len(), expected, "{late}");
        }
        assert_eq!(streams.held().count(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// However the pages are cut, the same logs come of the same events. They are written as programs write them: what is learned of the
        /// times of an event is learned of a page's, and a page of lines that came one by one would tell something else.
        #[test]
        fn pages_change_nothing(
            // Not longer than is waited for the rest of a log.
            logs_written in prop::collection::vec((0..WRITTEN.len(), 1..3_usize, 1..80_i64), 1..30),
            lengths in prop::collection::vec(1..9_usize, 1..8),
        ) {
            let (mut micros, mut events) = (1_795_379_888_000_000, Vec::new());
            for (written, pod, pause) in logs_written {
                micros += pause * 1_000;
                for line in &LINES[WRITTEN[written].clone()] {
                    micros += 20;
                    events.push(event_at(events.len(), pod, micros, line));
                }
            }
            prop_assert_eq!(logs(&paged(&events, &lengths)), logs(&paged(&events, &[events.len()])));
        }
    }
}
