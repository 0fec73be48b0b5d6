//! Reading that stops in time: what is read then and what becomes of the rest are, together, what the whole event would have become.

use std::cell::Cell;
use std::collections::BTreeMap;

use pipeline::{LogCounts, Pipeline, PipelineSettings, RestEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::events::*;

/// More than is read before it is asked whether to stop.
const PAD: usize = 2_100;

/// The logs and counts of an event that is read until the question of this number, and what is left of it then.
fn read_until(content: &str, settings: &PipelineSettings, question: usize) -> (Vec<Value>, LogCounts, Vec<RestEvent>) {
    let asked = Cell::new(0);
    let mut pipeline = Pipeline::new(ARN, settings, OWN_TIMES);
    let should_stop = |_: usize| {
        asked.set(asked.get() + 1);
        asked.get() > question
    };
    let unread = pipeline.add_until(0, content, &should_stop).unwrap();
    let rest = unread.map_or_else(Vec::new, |unread| {
        let rest = unread.rest(1 << 20, 1 << 20).unwrap();
        assert_eq!(rest.iter().map(|event| event.events).sum::<usize>(), unread.count());
        rest
    });
    let processed = pipeline.finish();
    (logs(&processed), processed.counts, rest)
}

fn read(event: &[u8], settings: &PipelineSettings) -> (Vec<Value>, LogCounts) {
    let processed = pipeline::process(event, ARN, settings, OWN_TIMES).unwrap();
    (logs(&processed), processed.counts)
}

/// Without order between stdout and stderr, but with the order of each.
fn by_output(mut logs: Vec<Value>) -> Vec<Value> {
    logs.sort_by_key(|log| (log["status"].to_string(), log["ddtags"].to_string()));
    logs
}

/// What was written to each output of each pod, without the ends of lines.
fn texts(logs: &[Value]) -> BTreeMap<(String, String), String> {
    let mut texts: BTreeMap<(String, String), String> = BTreeMap::new();
    for log in logs {
        let text: String = log["message"].as_str().unwrap().split_whitespace().collect();
        // Further tags are those of a log's first line.
        let pod = tags(log).into_iter().find(|tag| tag.starts_with("pod_name:")).unwrap_or_default().to_owned();
        *texts.entry((log["status"].to_string(), pod)).or_default() += &text;
    }
    texts
}

/// Stops at every question and reads the rest. Returns at how many places it stopped.
///
/// The rest is an event of its own, and what logs begin with is learned within an event. So where lines are recognised, they may be
/// joined otherwise, unless `is_same` says that they are not; but none is lost, and none comes twice.
fn check(content: &str, settings: &PipelineSettings, is_same: bool) -> usize {
    let (whole, counts, rest) = read_until(content, settings, usize::MAX);
    assert!(rest.is_empty());
    for question in 0.. {
        let (mut logs, mut sum, rest) = read_until(content, settings, question);
        if rest.is_empty() {
            assert_eq!(logs, whole);
            return question;
        }
        assert_eq!(sum.events, sum.logs + sum.blank + sum.joined + sum.excluded + sum.sampled + sum.duplicate);
        for event in rest {
            let (more, counts) = read(event.body.as_bytes(), settings);
            logs.extend(more);
            sum.add(&counts);
        }
        if !is_same {
            assert_eq!(texts(&logs), texts(&whole), "stopped at question {question} of {content}");
            continue;
        }
        assert_eq!(by_output(logs), by_output(whole.clone()), "stopped at question {question} of {content}");
        // A blank line may have gone with the rest, to tell it of the pod.
        let told = sum.events - counts.events;
        assert_eq!(LogCounts { events: counts.events + told, blank: counts.blank + told, ..counts }, sum);
    }
    unreachable!()
}

const LINES: [&str; 16] = [
    "request served",
    "java.lang.IllegalStateException: x",
    "\tat com.example.Main.run(Main.java:7)",
    "Caused by: java.io.IOException: y",
    "Traceback (most recent call last):",
    "  File \"/app/main.py\", line 5, in <module>",
    "    raise ValueError(1)",
    "ValueError: 1",
    "{",
    "  \"a\": 1,",
    "}",
    "",
    "panic: x",
    "goroutine 1 [running]:",
    "main.main()",
    "\t/app/main.go:3 +0x1d",
];

/// What a pod may ask for.
const RULES: &str = r#"[{"log_processing_rules":[
    {"type":"multi_line","name":"m","pattern":"request|java|panic"},
    {"type":"exclude_at_match","name":"e","pattern":"^panic"},
    {"type":"mask_sequences","name":"s","pattern":"Main.java:7|ValueError\\D+1","replace_placeholder":"***"}]}]"#;

#[derive(Debug, Clone)]
struct Line {
    text: usize,
    stderr: bool,
    piece: bool,
    padded: bool,
    pod: usize,
    pause: bool,
    attribute: bool,
}

fn line() -> impl Strategy<Value = Line> {
    let seldom = || prop_oneof![4 => Just(false), 1 => Just(true)];
    let often = || prop_oneof![1 => Just(false), 4 => Just(true)];
    (0..LINES.len(), seldom(), seldom(), often(), 0..3_usize, seldom(), seldom()).prop_map(
        |(text, stderr, piece, padded, pod, pause, attribute)| Line {
            text,
            stderr,
            piece,
            padded,
            pod,
            pause,
            attribute,
        },
    )
}

/// An event of a container's stream, or of one that several pods share.
fn event_of(lines: &[Line], is_shared: bool, rules: &str) -> String {
    let mut time = 1_795_379_888_236;
    let messages: Vec<(i64, String)> = lines
        .iter()
        .map(|line| {
            time += if line.pause { 2_000 } else { 1 };
            let mut record = json!({
                "stream": if line.stderr { "stderr" } else { "stdout" }, "logtag": if line.piece { "P" } else { "F" },
                "log": LINES[line.text],
            });
            let name = if is_shared { format!("web-{}", line.pod) } else { "web-6d4cf56db6-x7k2p".to_owned() };
            if line.attribute {
                record["team"] = json!(line.pod);
            }
            if line.padded || is_shared {
                record["kubernetes"] = json!({
                    "pod_name": name, "namespace_name": "shop", "labels": { "app": "web" },
                    "annotations": {
                        "ad.datadoghq.com/nginx.logs": rules, "pad": "x".repeat(if line.padded { PAD } else { 1 }),
                    },
                });
            }
            (time, record.to_string())
        })
        .collect();
    let messages: Vec<(i64, &str)> = messages.iter().map(|(time, message)| (*time, message.as_str())).collect();
    content(GROUP, &if is_shared { "shared".to_owned() } else { stream() }, &messages).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn wherever_reading_stops_the_rest_makes_up_the_whole(
        lines in prop::collection::vec(line(), 1..24), is_shared in any::<bool>(), is_automatic in any::<bool>(),
        rules in prop_oneof![Just("[]"), Just(RULES)],
    ) {
        let mut settings = PipelineSettings::default();
        settings.processing.auto_multi_line = is_automatic;
        check(&event_of(&lines, is_shared, rules), &settings, !is_automatic);
    }
}

fn simple(text: usize, stderr: bool) -> Line {
    Line { text, stderr, piece: false, padded: true, pod: 0, pause: false, attribute: false }
}

#[test]
fn an_open_trace_is_not_cut_and_what_was_written_beside_it_is_not_sent_twice() {
    // A trace on stdout; on stderr, line after line meanwhile.
    let lines = [1, 0, 2, 0, 2, 0, 2, 0].iter().enumerate().map(|(at, text)| simple(*text, at % 2 == 1));
    let content = event_of(&lines.collect::<Vec<_>>(), false, "[]");
    assert_eq!(check(&content, &PipelineSettings::default(), true), 18);
    let (logs, counts, rest) = read_until(&content, &PipelineSettings::default(), 14);
    let texts: Vec<&Value> = logs.iter().map(|log| &log["message"]).collect();
    assert_eq!(texts, ["request served", "request served"]);
    assert_eq!((counts.events, rest[0].events), (2, 6));
}

#[test]
fn it_is_asked_with_how_many_logs_are_done() {
    let content = event_of(&[simple(0, false), simple(0, false), simple(11, false), simple(0, false)], false, "[]");
    let mut settings = PipelineSettings::default();
    settings.processing.auto_multi_line = false;
    let done = std::cell::RefCell::new(Vec::new());
    let mut pipeline = Pipeline::new(ARN, &settings, OWN_TIMES);
    let read = |pipeline: &mut Pipeline, content: &str| {
        let should_stop = |count: usize| {
            done.borrow_mut().push(count);
            false
        };
        assert!(pipeline.add_until(0, content, &should_stop).unwrap().is_none());
        done.take()
    };
    assert_eq!(read(&mut pipeline, &content), [0, 1, 2, 3]);
    // Of the next event none is done yet.
    let next = content.replace("\"logStream\":\"", "\"logStream\":\"another-");
    assert_eq!(read(&mut pipeline, &next), [0, 1, 2, 3]);
    // What the same event brings again, or was delivered before, is not counted.
    assert_eq!(read(&mut pipeline, &content), [0, 0, 0, 1]);
    let marks: Vec<_> = pipeline.finish().payloads[0].logs().iter().filter_map(|log| log.mark).collect();
    settings.recent.remember(marks);
    assert_eq!(read(&mut Pipeline::new(ARN, &settings, OWN_TIMES), &content), [0, 0, 0, 1]);
}

#[test]
fn little_is_read_between_two_questions_and_a_small_event_asks_one() {
    let questions = |lines: usize, length: usize| {
        let asked = Cell::new(0);
        let text = "x".repeat(length);
        let content = content("my-app", "s", &vec![(1, text.as_str()); lines]).to_string();
        let settings = PipelineSettings::default();
        let mut pipeline = Pipeline::new(ARN, &settings, OWN_TIMES);
        let should_stop = |_: usize| {
            asked.set(asked.get() + 1);
            false
        };
        pipeline.add_until(0, &content, &should_stop).unwrap();
        asked.get()
    };
    assert_eq!(questions(20, 100), 1);
    assert_eq!([2_047, 2_048, 2_049].map(|length| questions(9, length)), [5, 9, 9]);
}

#[test]
fn masks_hold_for_a_rest_whose_records_lack_the_metadata() {
    let mask = r#"[{"log_processing_rules":[{"type":"mask_sequences","name":"m","pattern":"geheim","replace_placeholder":"***"}]}]"#;
    let described = json!({
        "stream": "stdout", "logtag": "F", "log": "first", "kubernetes": {
            "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop",
            "annotations": { "ad.datadoghq.com/nginx.logs": mask, "pad": "x".repeat(PAD) },
        },
    })
    .to_string();
    let cut = format!(r#"{{"stream":"stdout","logtag":"F","log":"geheim {}"#, "x".repeat(PAD));
    let messages = [(1, described.as_str()), (1, cut.as_str()), (1, cut.as_str())];
    let content = content(GROUP, &stream(), &messages).to_string();
    assert_eq!(check(&content, &PipelineSettings::default(), true), 7);
    let (logs, _, rest) = read_until(&content, &PipelineSettings::default(), 5);
    assert_eq!((logs.len(), rest[0].events), (1, 2));
    // Another sandbox, which has never heard of the pod.
    let (logs, counts) = read(rest[0].body.as_bytes(), &PipelineSettings::default());
    assert_eq!((logs.len(), counts.blank), (2, 1));
    assert!(logs.iter().all(|log| log["message"].as_str().unwrap().starts_with("*** x")), "{logs:#?}");
}
