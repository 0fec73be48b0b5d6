//! Turns the events of one log stream into records, one after the other, with buffers that it reuses.

use std::borrow::Cow;
use std::ops::Range;

use super::json;
use super::lane_reader::LaneReader;
use super::lane_text::KeptTexts;
use super::log_event::{EventMessage, LogEvent};
use super::members::{RecordMember, RecordMembers};
use super::record::{LogRecord, Metadata};
use super::salvage;
use super::shape;
use super::stream::StreamOrigin;
use super::trust::Trust;

/// Turns the events of one log stream into records: by the lane where it can, else the general way.
#[derive(Debug)]
pub(crate) struct RecordReader<'a> {
    lane: LaneReader<'a>,
    general: GeneralReader<'a>,
}

/// Reads any message there is.
#[derive(Debug)]
struct GeneralReader<'a> {
    origin: StreamOrigin<'a>,
    merge_keys: &'a [String],
    /// The message without the escapes of the outer JSON.
    text: String,
    /// The same, of a message that ends in the known suffix: what stands before it.
    head: String,
    suffix: Option<Suffix>,
    /// How many suffixes in a row began with the same object.
    of_same_object: usize,
    trust: Trust,
}

/// How many suffixes of one object are looked for. One is what a stream has, and another follows when its configuration changes. Where a filter
/// sorts the members, the line stands behind the object: then each record has a suffix of its own, and looking for it takes as long as reading.
const MAX_SUFFIXES_OF_AN_OBJECT: usize = 8;

/// The end that the messages of one stream share: `,"kubernetes":{…}}`, kilobytes of it, the same to the byte.
///
/// It is unescaped and walked once. A message that ends in the same bytes needs only its head read: if the head and
/// a closing brace are a whole JSON object, the end cannot be anything else than further members of it.
#[derive(Debug)]
struct Suffix {
    escaped: String,
    text: String,
    members: Vec<(Range<usize>, Range<usize>)>,
}

impl<'a> RecordReader<'a> {
    /// A reader for a stream of `origin`; `merge_keys` are names that `Merge_Log_Key` may have been given.
    pub(crate) fn new(origin: StreamOrigin<'a>, merge_keys: &'a [String]) -> RecordReader<'a> {
        let (text, head, trust) = (String::new(), String::new(), Trust::default());
        let general = GeneralReader { origin, merge_keys, text, head, suffix: None, of_same_object: 0, trust };
        RecordReader { lane: LaneReader::new(&origin), general }
    }

    /// With the texts that were kept of its batch.
    pub(crate) fn with_texts(self, texts: &'a KeptTexts) -> RecordReader<'a> {
        RecordReader { lane: self.lane.with_texts(texts), ..self }
    }

    /// Reads one event. Never fails: what is not understood is the text as it stands.
    pub(crate) fn read<'r>(&'r mut self, event: &LogEvent<'r>) -> LogRecord<'r> {
        let mut record = match event.message {
            EventMessage::Raw(raw) => LogRecord::as_is(raw),
            EventMessage::Escaped(escaped) => self.read_message(event, escaped),
        };
        if let Some(fields) = event.extracted_fields {
            add_system_fields(fields, &mut record.metadata);
            record.suffix = None;
        }
        record
    }

    fn read_message<'r>(&'r mut self, event: &LogEvent<'r>, escaped: &'r str) -> LogRecord<'r> {
        let RecordReader { lane, general } = self;
        if let Some(read) = lane.read(event, escaped) {
            return lane.record(read);
        }
        let record = general.read(event, escaped);
        if let Some(head) = &event.head {
            lane.learn(head, escaped, &record.metadata);
        }
        record
    }
}

impl GeneralReader<'_> {
    fn read<'r>(&'r mut self, event: &LogEvent<'r>, escaped: &'r str) -> LogRecord<'r> {
        let head = self.suffix.as_ref().and_then(|suffix| escaped.strip_suffix(suffix.escaped.as_str()));
        if let Some(head) = head {
            return self.read_known(head, escaped, event);
        }
        let record = read_whole(escaped, event, self.origin, self.merge_keys, &mut self.text, &mut self.trust);
        if let Some(Cow::Borrowed(kubernetes)) = record.metadata.kubernetes {
            let is_same = self.suffix.as_ref().is_some_and(|suffix| suffix.kubernetes() == Some(kubernetes));
            self.of_same_object = if is_same { self.of_same_object + 1 } else { 0 };
            if self.of_same_object < MAX_SUFFIXES_OF_AN_OBJECT
                && let Some(suffix) = Suffix::find(escaped, kubernetes)
            {
                self.suffix = Some(suffix);
            }
        }
        record
    }

    /// Reads a message that ends in the known suffix, behind `head`.
    fn read_known<'r>(&'r mut self, head: &str, escaped: &str, event: &LogEvent) -> LogRecord<'r> {
        self.head.clear();
        json::unescape_into(head, &mut self.head);
        self.head.push('}');
        if let (Some(mut members), Some(suffix)) = (RecordMembers::read(&self.head), &self.suffix) {
            members.extend(suffix.members.iter().map(|(key, value)| RecordMember {
                key: &suffix.text[key.clone()],
                value: &suffix.text[value.clone()],
            }));
            let trust = &mut self.trust;
            if let Some(record) = shape::understand(members, &self.origin, event.timestamp, self.merge_keys, trust) {
                return record;
            }
        }
        // The head is no object by itself, or the whole is the application's own: then every byte of it counts.
        read_whole(escaped, event, self.origin, self.merge_keys, &mut self.text, &mut self.trust)
    }
}

/// The system fields that a subscription filter adds to centralised logs. Fields of these names are CloudWatch's own: what a pattern
/// extracts from a message begins with no `@`.
///
/// Source: AWS, CloudWatch Logs API reference, PutSubscriptionFilter, `emitSystemFields`.
fn add_system_fields<'r>(fields: &'r str, metadata: &mut Metadata<'r>) {
    let plain = |value: &'r str| json::unquoted(value).filter(|value| !value.is_empty() && !value.contains('\\'));
    let _ = json::each_member(fields, |name, value| match name {
        "@aws.account" => metadata.account = plain(value).map(Cow::Borrowed),
        "@aws.region" => metadata.region = plain(value).map(Cow::Borrowed),
        _ => {}
    });
}

/// Reads a message from its first byte to its last. `text` is the buffer for it.
fn read_whole<'r>(
    escaped: &str,
    event: &LogEvent,
    origin: StreamOrigin,
    merge_keys: &[String],
    text: &'r mut String,
    trust: &mut Trust,
) -> LogRecord<'r> {
    text.clear();
    json::unescape_into(escaped, text);
    let text = text.as_str();
    if matches!(origin, StreamOrigin::Service(_)) || !text.trim_start().starts_with('{') {
        return shape::plain(text, &origin);
    }
    match RecordMembers::read(text) {
        Some(members) => shape::understand(members, &origin, event.timestamp, merge_keys, trust)
            .unwrap_or_else(|| LogRecord::as_is(text)),
        None => salvage::salvage(text, &origin, event.timestamp),
    }
}

impl Suffix {
    /// Finds where the trusted `kubernetes` object, a slice of the unescaped message, begins in the escaped one.
    fn find(escaped: &str, kubernetes: &str) -> Option<Suffix> {
        let escaped = &escaped[escaped.rfind(r#",\"kubernetes\":"#)?..];
        let mut text = String::with_capacity(escaped.len());
        json::unescape_into(escaped, &mut text);
        text.replace_range(..1, "{");
        // The place may be inside of something, or the members behind it may not be whole: then there is no suffix.
        let base = text.as_ptr() as usize;
        let range = |part: &str| part.as_ptr() as usize - base..part.as_ptr() as usize - base + part.len();
        let (mut members, mut is_trusted) = (Vec::new(), false);
        json::each_member(&text, |key, value| {
            is_trusted |= members.is_empty() && value == kubernetes;
            members.push((range(key), range(value)));
        })
        .ok()?;
        is_trusted.then(|| Suffix { escaped: escaped.to_owned(), text, members })
    }

    /// The object that it begins with.
    fn kubernetes(&self) -> Option<&str> {
        self.text.get(self.members.first()?.1.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::decode;
    use crate::stream::{self, Container, PossibleContainer};

    /// A record as Fluent Bit writes it, or nearly so: mostly what the lane takes, with all that it has to leave to others mixed in.
    fn record() -> impl Strategy<Value = String> {
        let time = prop_oneof![
            4 => Just(String::new()),
            2 => Just(r#""time":"2026-11-22T10:15:30.123456789Z","#.to_owned()),
            1 => prop::sample::select(vec![
                r#""time":"2026-11-22T10:15:30+01:00","#, r#""time":"noon","#, r#""time":1,"#, r#""time":"2026-02-30T10:15:30.123456789Z","#,
            ]).prop_map(str::to_owned),
        ];
        let parsed = prop_oneof![
            6 => (prop::sample::select(vec!["stdout", "stderr"]), prop::sample::select(vec!["F", "P"]))
                .prop_map(|(output, tag)| format!(r#""stream":"{output}","logtag":"{tag}","#)),
            1 => prop::sample::select(vec![
                "", r#""stream":"stdout","#, r#""logtag":"F","stream":"stdout","#, r#""stream":"stdin","logtag":"F","#,
                r#""stream":"stdout","logtag":"P:x","#, r#""stream":"stdout", "logtag":"F","#,
            ]).prop_map(str::to_owned),
        ];
        let change = prop_oneof![
            8 => Just(None),
            1 => (any::<prop::sample::Index>(), prop::sample::select(vec!["", "\"", "\\", "{", "}", ",", " ", "\n", "é", "0"])).prop_map(Some),
        ];
        let end = prop_oneof![9 => Just("}"), 1 => prop::sample::select(vec!["", "}}", "} ", "}\n", "]"])];
        (time, parsed, body(), suffix(), end, change).prop_map(|(time, parsed, body, suffix, end, change)| {
            let mut record = format!("{{{time}{parsed}{body}{suffix}{end}");
            if let Some((place, with)) = change {
                let at = record.floor_char_boundary(place.index(record.len()));
                let end = record.ceil_char_boundary(at + 1);
                record.replace_range(at..end, with);
            }
            record
        })
    }

    fn body() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            any::<String>(),
            "[ -~]{0,24}",
            Just("2026-11-22T10:15:30.123456789Z stdout F left standing".to_owned()),
            Just("2026-11-22 10:15:30 INFO no prefix".to_owned()),
            Just("{\"level\":\"warn\",\"cluster_name\":\"x\",\"kubernetes\":{\"pod_name\":\"y\"}}".to_owned()),
            Just("\u{e080}rest".to_owned()),
        ];
        // Spelled as Fluent Bit spells it, and otherwise.
        let spelled = prop_oneof![
            4 => text.prop_map(|text| Value::from(text).to_string()),
            1 => r#"\\["\\/bfnrtu]|\\u(00e9|d83d|de00|d83d\\\\ude00|001b|E082|2028|12)|[a-zé]|\\x"#.prop_map(|text| format!("\"{text}{text}\"")),
        ];
        let name = prop_oneof![
            4 => prop::sample::select(vec!["level", "msg", "a", "b", "ts"]),
            2 => prop::sample::select(vec!["time", "message"]),
            1 => prop::sample::select(vec![
                "log", "stream", "logtag", "kubernetes", "cluster_name", "kubernetes_namespace", "log_obj", "k_pod_name", "\\u0061", "é", "",
                // The same names, spelled otherwise.
                "\\u006cog", "\\u0073tream", "\\u006bubernetes", "cluster\\u005fname", "log\\u005fobj", "mess\\u0061ge",
            ]),
        ];
        let value = prop_oneof![
            3 => spelled.clone(),
            3 => prop::sample::select(vec![
                "1", "-0.5e+3", "true", "null", "{}", "[]", r#"{"a":[1,{"b":"\"c\""}]}"#, r#""2026-11-22T10:15:30.5Z""#, r#""stdout""#, r#""F""#,
                r#"{"pod_name":"web","namespace_name":"shop"}"#,
            ]).prop_map(str::to_owned),
            1 => prop::sample::select(vec!["01", "1.", "[1 ]", "{\"a\" :1}", "nul", "", "\"\u{1}\""]).prop_map(str::to_owned),
            1 => (1_usize..40).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
        ];
        let members = prop::collection::vec((name, value), 0..5).prop_map(|all| {
            all.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect::<Vec<_>>().join(",")
        });
        prop_oneof![
            4 => spelled.prop_map(|text| format!("\"log\":{text}")),
            3 => members,
            1 => prop::sample::select(vec!["", "\"log\":1", "\"log\":{\"a\":1}", "\"log\":\"x\",\"message\":\"x\"", "\"message\":\"x\""])
                .prop_map(str::to_owned),
        ]
    }

    fn suffix() -> impl Strategy<Value = String> {
        prop_oneof![
            2 => Just(String::new()),
            6 => prop::sample::select(vec![
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop","container_name":"app"}"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"cluster_name":"prod"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"cluster_name":"prod""#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"kubernetes_namespace":{"name":"shop"},"cluster_name":"prod""#,
                r#","k_pod_name":"web","k_namespace_name":"shop","k_labels":{"a":"b"},"k_container_name":"app""#,
                r#","k_pod_name":"web","k_namespace_name":"shop","k_added":1,"kubernetes_namespace":{"name":"shop"},"cluster_name":"prod""#,
            ]).prop_map(str::to_owned),
            2 => prop::sample::select(vec![
                r#","kubernetes":{"pod_name":"api","namespace_name":"shop"}"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"cluster_name":"""#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"cluster_name":"a","cluster_name":"b""#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"added":1"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"message":"x""#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"kubernetes_namespace":1"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"}},"a":{"b":1"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"kubernetes":{"pod_name":"web","namespace_name":"shop"}"#,
                r#","kubernetes":{"pod_name":"web","namespace_name":"shop"},"kubernetes":{"pod_name":"api","namespace_name":"shop"}"#,
                r#","kubernetes":"web""#,
                r#","k_pod_name":"api","k_namespace_name":"shop""#,
                r#","k_pod_name":"web","k_namespace_name":"shop","added":1"#,
                r#","k_pod_name":"web","k_namespace_name":"shop","k_pod_name":"web""#,
                r#","k_pod_name":"web","k_namespace_name":"shop","kubernetes":{"pod_name":"web","namespace_name":"shop"}"#,
                r#","kpod_name":"web","knamespace_name":"shop","kubernetes":{"pod_name":"web","namespace_name":"shop"}"#,
                r#","k_pod_name":"web","k_namespace_name":"shop","cluster_name":"a","cluster_name":"b""#,
                r#","kubernetes_pod_name":"web","kubernetes_namespace_name":"shop","kubernetes_namespace":{"name":"shop"}"#,
                r#","k_pod_name":"web","k_namespace_name":"shop","kubernetes_namespace":1"#,
                r#","k_namespace_name":"shop","k_pod_name":"web""#,
                r#","pod_name":"web","namespace_name":"shop""#,
                r#","stream_pod_name":"web","stream_namespace_name":"shop","stream":"stderr""#,
                r#","cluster_name":"prod""#,
                r#","added":1"#,
            ]).prop_map(str::to_owned),
        ]
    }

    fn origin() -> impl Strategy<Value = StreamOrigin<'static>> {
        let id = "1818ae70c2215722638e1601449eb6d5857f092445e4d8247d657475f82aa3b5";
        prop::sample::select(vec![
            StreamOrigin::Container(Container { pod: "web", namespace: "shop", container: "app", id }),
            StreamOrigin::Container(Container { pod: "web", namespace: "shop", container: "app", id }),
            StreamOrigin::Unknown { guess: "cloudwatch" },
            StreamOrigin::UnclearContainer { may_be: None },
            StreamOrigin::UnclearContainer {
                may_be: Some(PossibleContainer { pod: "web", namespace: "shop", container: None }),
            },
            StreamOrigin::FluentBit { pod: None },
            StreamOrigin::Service("lambda"),
        ])
    }

    /// The content of an event; `is_usual` says whether it has the layout of CloudWatch Logs.
    fn content(records: &[String], is_usual: bool) -> String {
        let between = if is_usual { "," } else { ", " };
        let events: Vec<String> = (0_i64..)
            .zip(records)
            .map(|(number, record)| {
                let timestamp = 1_795_342_530_123 + number;
                format!(
                    r#"{{"id":"{number:056}"{between}"timestamp":{timestamp},"message":{}}}"#,
                    Value::from(record.as_str())
                )
            })
            .collect();
        format!(r#"{{"logGroup":"g","logStream":"s","logEvents":[{}]}}"#, events.join(","))
    }

    /// The records of an event by the lane and by the general way alone, and how many the lane read.
    fn both_ways(content: &str, origin: StreamOrigin) -> (Vec<LogRecord<'static>>, Vec<LogRecord<'static>>, usize) {
        let merge_keys = ["log_obj".to_owned()];
        let batch = decode::read(content).unwrap();
        let owned = |record: LogRecord| LogRecord {
            text: Cow::Owned(record.text.into_owned()),
            metadata: record.metadata.into_owned(),
            output: record.output,
            attributes: record.attributes,
            ..LogRecord::as_is("")
        };
        let full = |record: LogRecord| {
            let LogRecord { merged, partial, time_ms, nanoseconds, truncated, cut_rest, .. } = record;
            LogRecord { merged, partial, time_ms, nanoseconds, truncated, cut_rest, ..owned(record) }
        };
        let (with, mut without) = (RecordReader::new(origin, &merge_keys), RecordReader::new(origin, &merge_keys));
        let mut with = with.with_texts(&batch.texts);
        let mut in_lane = 0;
        let by_lane = batch.events.iter().map(|event| {
            let EventMessage::Escaped(escaped) = event.message else { panic!("not a string") };
            in_lane += usize::from(with.lane.read(event, escaped).is_some());
            full(with.read(event))
        });
        let by_lane = by_lane.collect();
        let general = batch.events.iter().map(|event| full(without.read(&LogEvent { head: None, ..*event }))).collect();
        (by_lane, general, in_lane)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_lane_reads_what_the_general_way_reads(
            records in prop::collection::vec(record(), 1..12), origin in origin(), is_usual in any::<bool>(),
        ) {
            let (by_lane, general, _) = both_ways(&content(&records, is_usual), origin);
            for ((by_lane, general), record) in by_lane.iter().zip(&general).zip(&records) {
                prop_assert_eq!(by_lane, general, "{} {:?}", record, origin);
            }
        }
    }

    #[test]
    fn the_usual_records_are_read_in_the_lane() {
        const POD: &str = r#","kubernetes":{"pod_name":"web","namespace_name":"shop","container_name":"app"}"#;
        const LIFTED: &str =
            r#","k8s_pod_name":"web","k8s_namespace_name":"shop","k8s_labels":{"app":"web"},"cluster_name":"prod""#;
        let stream =
            "kube.var.log.containers.web_shop_app-1818ae70c2215722638e1601449eb6d5857f092445e4d8247d657475f82aa3b5.log";
        let container = stream::origin("/aws/eks/prod/fargate", stream);
        let parsed = r#"{"stream":"stdout","logtag":"F","#;
        for (is_usual, record) in [
            format!(r#"{parsed}"log":"say \"é\"\n"{POD},"cluster_name":"prod"}}"#),
            format!(r#"{{"time":"2026-11-22T10:15:30.123456789Z",{}"log":"x"{POD}}}"#, &parsed[1..]),
            format!(r#"{parsed}"level":"info","time":"x","message":"y","n":[1.5e3,{{"a":null}}]{POD}}}"#),
            format!(r#"{parsed}"log":"{{\"level\":\"info\"}}"{POD},"kubernetes_namespace":{{"name":"shop"}}}}"#),
            format!(r#"{{"log":"2026-11-22T10:15:30.123456789Z stderr P x"{POD}}}"#),
            format!(r#"{parsed}"log":"say \"pod_name\""{LIFTED}}}"#),
            format!(r#"{parsed}"level":"info","a_pod_name":"y"{LIFTED}}}"#),
            format!(r#"{{"log":"2026-11-22T10:15:30.123456789Z stderr P x"{LIFTED}}}"#),
            // Longer than what is kept of a text.
            format!(r#"{parsed}"log":"{}"{POD}}}"#, r#"\"x"#.repeat(3_000)),
        ]
        .into_iter()
        .flat_map(|record| [(true, record.clone()), (false, record)])
        {
            for origin in [container, StreamOrigin::Unknown { guess: "cloudwatch" }] {
                let (by_lane, general, in_lane) = both_ways(&content(&vec![record.clone(); 5], is_usual), origin);
                assert_eq!(by_lane, general);
                // The first one shows what its suffix is, to both readers.
                assert_eq!(in_lane, 4, "{record}");
                assert!(by_lane[4].metadata.kubernetes.is_some());
            }
        }
        // Members that may be an application's are nobody's until the general way has read them.
        for suffix in
            [r#","pod_name":"web","namespace_name":"shop""#, r#","k8s_pod_name":"api","k8s_namespace_name":"shop""#]
        {
            let record = format!(r#"{parsed}"log":"x"{suffix}}}"#);
            let (by_lane, general, in_lane) = both_ways(&content(&vec![record; 5], true), container);
            assert_eq!((by_lane, in_lane), (general, 0));
        }
        // Without metadata there is nothing to learn.
        for record in
            [format!(r#"{parsed}"log":"x"}}"#), r#"{"log":"2026-11-22T10:15:30.123456789Z stdout F x"}"#.to_owned()]
        {
            let (by_lane, general, in_lane) = both_ways(&content(&vec![record; 5], true), container);
            assert_eq!((by_lane, in_lane), (general, 5));
        }
    }

    #[test]
    fn pods_that_take_turns_are_told_apart_up_to_a_number() {
        for (pods, in_lane) in [(63, 2 * 63), (64, 2 * 64), (65, 2 * 64)] {
            let record = |number: usize| {
                format!(
                    r#"{{"stream":"stdout","logtag":"F","log":"x","kubernetes":{{"pod_name":"web-{number}","namespace_name":"shop"}}}}"#
                )
            };
            let records: Vec<String> = (0..3 * pods).map(|number| record(number % pods)).collect();
            let (by_lane, general, read) =
                both_ways(&content(&records, true), StreamOrigin::Unknown { guess: "cloudwatch" });
            assert_eq!((by_lane, read), (general, in_lane), "{pods}");
        }
    }
    #[test]
    fn where_each_record_ends_otherwise_ends_are_not_looked_for_again() {
        for (records, suffixes) in [
            (MAX_SUFFIXES_OF_AN_OBJECT - 1, MAX_SUFFIXES_OF_AN_OBJECT - 1),
            (MAX_SUFFIXES_OF_AN_OBJECT, MAX_SUFFIXES_OF_AN_OBJECT),
            (MAX_SUFFIXES_OF_AN_OBJECT + 1, MAX_SUFFIXES_OF_AN_OBJECT),
            (100, MAX_SUFFIXES_OF_AN_OBJECT),
        ] {
            let sorted = |number: usize| {
                format!(
                    r#"{{"cluster_name":"prod","kubernetes":{{"pod_name":"web","namespace_name":"shop"}},"log":"x {number}","logtag":"F","stream":"stdout"}}"#
                )
            };
            let content = content(&(0..records).map(sorted).collect::<Vec<_>>(), true);
            let batch = decode::read(&content).unwrap();
            let mut reader = RecordReader::new(StreamOrigin::Unknown { guess: "cloudwatch" }, &[]);
            let mut found = std::collections::HashSet::new();
            for event in &batch.events {
                assert!(reader.read(event).metadata.kubernetes.is_some());
                found.extend(reader.general.suffix.as_ref().map(|suffix| suffix.escaped.clone()));
            }
            assert_eq!(found.len(), suffixes, "{records}");
        }
    }
}
