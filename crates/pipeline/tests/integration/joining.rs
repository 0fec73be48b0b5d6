//! How lines are joined, whatever they are: nothing is lost, order is kept, outputs and pods keep apart, and the times of the lines
//! have their say. What real programs wrote is in `programs` and `traces`.

use pipeline::PipelineSettings;
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::events::*;

const BASE_MS: i64 = 1_795_379_888_236;

/// Lines with the microseconds that lie before each, on stdout, through the pure part; the messages.
fn joined(lines: &[(i64, &str)]) -> Vec<String> {
    let mut microseconds = BASE_MS * 1_000 + 7;
    let records: Vec<(i64, String)> = lines
        .iter()
        .map(|(before, line)| {
            microseconds += before;
            let time = jiff::Timestamp::from_microsecond(microseconds).unwrap();
            (microseconds / 1_000, json!({ "log": format!("{time:.9} stdout F {line}") }).to_string())
        })
        .collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|(time, record)| (*time, record.as_str())).collect();
    let (logs, _) = forward_from(GROUP, &stream(), &messages, &PipelineSettings::default());
    logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
}

const TRACE: [&str; 3] = ["Traceback (most recent call last):", "  File \"/app/x.py\", line 3, in f", "KeyError: 'k'"];

/// A log, and a trace so many microseconds behind it: how many logs.
fn with_trace(log: &str, gap: i64) -> usize {
    joined(&[(0, "2026-11-22 19:30:01 INFO up"), (9_000, log), (gap, TRACE[0]), (1, TRACE[1]), (1, TRACE[2])]).len() - 1
}

#[test]
fn a_trace_belongs_to_the_error_that_was_written_with_it() {
    let gaps = [1, 60, 300, 301, 6_000, 81_000, 701_000];
    assert_eq!(gaps.map(|gap| with_trace("2026-11-22 19:30:02 ERROR failed", gap)), [1, 1, 1, 2, 2, 2, 2]);
    // A log that speaks of no failure has no trace.
    assert_eq!([1, 60, 6_000].map(|gap| with_trace("2026-11-22 19:30:02 INFO job 1 took 3 s", gap)), [2, 2, 2]);
    // One that speaks of it without saying so by its level has it, where both were written at once.
    assert_eq!([1, 60, 61].map(|gap| with_trace("2026-11-22 19:30:02 INFO job 1 failed", gap)), [1, 1, 2]);
    // An object is whole.
    assert_eq!(with_trace(r#"{"level":"error","message":"failed"}"#, 1), 2);
}

#[test]
fn what_has_no_head_goes_on_within_one_write() {
    let of = |gap: i64| {
        joined(&[(0, "2026-11-22 19:30:01 WARN two"), (gap, "lines"), (20_000, "2026-11-22 19:30:02 INFO next")]).len()
    };
    assert_eq!([1, 60, 61, 5_000].map(of), [2, 2, 3, 3]);
    // Where logs have no heads, unrelated lines stay apart, however close they are.
    assert_eq!(joined(&[(0, "cache miss for key 7"), (1, "GET /orders/7 200"), (1, "GET /orders/8 200")]).len(), 3);
}

/// What somebody prints right behind a line that has a head looks like the next line of a message. It is one only where heads are
/// a logger's and logs begin with them.
#[test]
fn what_is_printed_behind_one_head_is_a_log_of_its_own() {
    let of = |lines: &[&str]| joined(&lines.iter().map(|line| (9, *line)).collect::<Vec<_>>()).len();
    // A word and a colon may be anybody's, a time that came once is perhaps a logger's.
    assert_eq!(of(&["Warning: no TTL", "Connected to redis"]), 2);
    assert_eq!(of(&["Warning: no TTL", "connected"]), 2);
    assert_eq!(of(&["2026-11-22 19:30:01 INFO up", "Connected to redis"]), 2);
    assert_eq!(of(&["2026-11-22 19:30:01 WARN no answer", "for 3 s"]), 1);
    assert_eq!(of(&["2026-11-22 19:30:01 WARN config:", "Kind of pod"]), 1);
    // Three writes that begin so are a logger's.
    let write = [(9_000, "warn: slow"), (1, "for 3 s")];
    assert_eq!([1, 2, 3].map(|writes| joined(&write.repeat(writes)).len()), [2, 4, 3]);
    // What was indented has ended.
    assert_eq!(of(&["2026-11-22 19:30:01 INFO up", "2026-11-22 19:30:01 INFO cart", "  pens: 7", "going on"]), 3);
    assert_eq!(of(&["2026-11-22 19:30:01 INFO up", "2026-11-22 19:30:01 INFO cart", "  pens: 7", "sum: 8"]), 2);
}

/// The more writes begin without a head, the less says a head that is missing.
#[test]
fn where_a_program_prints_by_itself_too_a_line_without_a_head_stays_apart() {
    let of = |printed: usize| {
        let mut lines = vec![(9_000, "2026-11-22 19:30:01 INFO up"); 8];
        lines.extend(vec![(9_000, "printed"); printed]);
        lines.extend([(9_000, "2026-11-22 19:30:02 WARN two"), (1, "lines")]);
        joined(&lines).len() - 8 - printed
    };
    assert_eq!([0, 3, 4, 9].map(of), [1, 1, 2, 2]);
    // A runtime's report and a server's lines are nobody's print.
    for other in ["panic: x", "GET /health 200 0.4 ms - 2"] {
        let mut lines = vec![(9_000, "2026-11-22 19:30:01 INFO up"), (9_000, other), (9_000, other)];
        lines.extend([(9_000, "2026-11-22 19:30:02 WARN two"), (1, "lines")]);
        assert_eq!(joined(&lines).len(), 4, "{other}");
    }
}

#[test]
fn an_object_alone_below_a_head_belongs_to_it_where_nothing_speaks_against_it() {
    let of = |head: &str, gap: i64, printed: usize| {
        let mut lines =
            vec![(9_000, "2026-11-22 19:30:01 INFO up"), (9_000, head), (gap, "{"), (1, "  id: 7"), (1, "}")];
        lines.extend(vec![(9_000, "printed"); printed]);
        joined(&lines).len() - 1 - printed
    };
    assert_eq!([1, 60, 61].map(|gap| of("2026-11-22 19:30:01 INFO update", gap, 0)), [1, 1, 2]);
    assert_eq!(of("2026-11-22 19:30:01 INFO update", 1, 2), 2);
    assert_eq!(of("2026-11-22 19:30:01 INFO update:", 1, 2), 1);
    // An object on one line behind a head that came once may be a health check's.
    assert_eq!(joined(&[(0, "2026-11-22 19:30:01 ERROR not stored"), (9, r#"{"path":"/health","ms":1}"#)]).len(), 2);
    // One that says when it was is a log.
    let object = r#"{"time":"2026-11-22T19:30:01Z","uri":"/orders"}"#;
    let lines = [(9_000, "2026-11-22 19:30:01 INFO up"), (9_000, "2026-11-22 19:30:01 WARN not stored"), (1, object)];
    assert_eq!(joined(&lines).len(), 3);
}

/// An exclude rule for health checks would take the error along that such a line was joined to.
#[test]
fn a_line_with_a_head_that_can_be_nothing_else_begins_a_log_however_close_it_is() {
    for certain in [
        "10.0.0.4 - - [27/Nov/2026:10:15:30 +0000] \"GET /health HTTP/1.1\" 200 50",
        "[GIN] 2026/11/27 - 10:15:30 | 200 | 1.2ms | 10.0.0.4 | GET \"/health\"",
        "10.0.0.4 -  27/Nov/2026:10:15:30 +0000 \"GET /health.php\" 200",
        "I1127 10:15:30.123456       1 main.go:12] GET /health",
        "[2026-11-27 10:15:30 +0000] [7] [INFO] GET /health",
        "INFO:     10.0.0.4:513 - \"GET /health HTTP/1.1\" 200 OK",
        "level=info msg=\"GET /health\"",
        "[warn] GET /health",
        r#"{"level":"info","msg":"GET /health"}"#,
        "10:15:30.123 [main] INFO GET /health",
        "GET /health 200 0.4 ms - 2",
    ] {
        // Once, and in each of four requests: it never begins a write.
        for requests in [1, 4] {
            let mut lines = Vec::new();
            for _ in 0..requests {
                lines.extend([(900_000, "2026-11-27 10:15:30 ERROR not paid"), (9, certain)]);
            }
            lines.push((700_000, "2026-11-27 10:15:31 INFO next"));
            assert_eq!(joined(&lines).len(), lines.len(), "{certain}");
        }
    }
}

/// Behind a margin that all lines have, only what the program wrote tells.
#[test]
fn lines_behind_a_margin_are_joined_as_without_it() {
    for margin in ["[cart-7c9-x server] ", "[pod/cart-7/server] ", "cart-1  | ", "04:43:02 web.1    | ", "cart[12]: "] {
        let behind = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| format!("{margin}{line}")).collect();
            joined(&lines.iter().map(|line| (9, line.as_str())).collect::<Vec<_>>()).len()
        };
        assert_eq!(behind(&["served", "served", "not served"]), 3, "{margin}");
        assert_eq!(behind(&["up", TRACE[0], TRACE[1], TRACE[2], "next"]), 3, "{margin}");
        assert_eq!(
            behind(&["java.lang.Error: x", "\tat a.B.c(B.java:1)", "java.lang.Error: x", "\tat a.B.c(B.java:1)"]),
            2
        );
        // The line of another.
        let first = format!("{margin}{}", TRACE[0]);
        for other in ["[mail] x", "mail-1  | x", "04:43:02 worker.1 | x", "mail[7]: x"] {
            let frame = format!("{margin}{}", TRACE[1]);
            assert_eq!(joined(&[(0, &first), (1, other), (1, &frame)]).len(), 3, "{margin} {other}");
        }
    }
}

/// gin's lines have a tag and, some of them, a level behind it.
#[test]
fn lines_with_a_tag_stay_apart_also_where_one_has_a_level() {
    let lines = [
        "[GIN-debug] [WARNING] Running in debug",
        " - using env:\tGIN_MODE",
        "[GIN-debug] GET    /",
        "[GIN-debug] GET    /bad",
    ];
    assert_eq!(joined(&lines.map(|line| (1, line))).len(), 3);
}

/// Behind a log that says by its level that all is well, words alone are rather printed than more of it.
#[test]
fn words_behind_a_harmless_log_are_a_log_of_their_own() {
    let of = |log: &str, next: &str| joined(&[(0, "2026-11-22 19:30:01 INFO up"), (9_000, log), (1, next)]).len() - 1;
    assert_eq!(of("2026-11-22 19:30:02 INFO running sync", "syncing"), 2);
    assert_eq!(of("2026-11-22 19:30:02 INFO running sync:", "syncing"), 1);
    assert_eq!(of("2026-11-22 19:30:02 INFO running sync", "id=7 n=3"), 1);
    assert_eq!(of("2026-11-22 19:30:02 WARN not in sync", "syncing"), 1);
    // A word with which lines began that were printed after a pause.
    let lines = [
        (0, "2026-11-22 19:30:01 INFO up"),
        (9_000, "asked /"),
        (9_000, "2026-11-22 19:30:01 INFO up"),
        (9_000, "2026-11-22 19:30:01 WARN slow"),
        (1, "asked /bad"),
    ];
    assert_eq!(joined(&lines).len(), 5);
}

#[test]
fn a_colour_that_is_left_on_goes_on() {
    let of = |first: &str, next: &str| joined(&[(0, first), (1, next), (9_000, "x")]).len() - 1;
    assert_eq!(of("\u{1b}[31mretry", "in 3 s\u{1b}[0m"), 1);
    assert_eq!(of("\u{1b}[31mretry\u{1b}[0m", "in 3 s"), 2);
    assert_eq!(of("\u{1b}[31mretry", "\u{1b}[32min 3 s"), 2);
}

#[test]
fn what_a_worker_of_php_fpm_says_is_joined_behind_its_head() {
    let said = |text: &str| format!("[27-Nov-2026 10:24:31] WARNING: [pool www] child 40 said into stderr: \"{text}\"");
    let lines =
        ["PHP Fatal error:  Uncaught Error: x in /srv/a.php:3", "Stack trace:", "#0 /srv/b.php(4): f()", "#1 {main}"]
            .map(said);
    let mut all: Vec<(i64, &str)> = vec![(0, "[27-Nov-2026 10:24:29] NOTICE: ready")];
    all.extend(lines.iter().map(|line| (9, line.as_str())));
    assert_eq!(joined(&all).len(), 2);
    // Two notices are two logs.
    let lines = ["NOTICE: a", "NOTICE: b"].map(said);
    assert_eq!(joined(&lines.each_ref().map(|line| (9, line.as_str()))).len(), 2);
}

#[test]
fn a_throttled_container_pauses_within_a_log() {
    let frame = "\tat com.example.Main.run(Main.java:7)";
    let of = |gap: i64| {
        joined(&[(0, "java.lang.IllegalStateException: x"), (1, frame), (gap, frame), (20_000, "next")]).len()
    };
    assert_eq!([1, 99_000, 999_000, 1_002_000].map(of), [2, 2, 2, 3]);
    let of = |gap: i64| joined(&[(0, "config {"), (1, "  a: 1,"), (gap, "  b: 2"), (1, "}"), (20_000, "next")]).len();
    assert_eq!([1, 99_000, 152_000].map(of), [2, 2, 4]);
}

#[test]
fn times_of_somebody_who_reads_line_by_line_say_nothing() {
    let pauses = [0, 20_000, 35_000, 40_000, 38_000];
    let log = ["2026-11-22 19:30:02 ERROR failed", TRACE[0], TRACE[1], "    x()", TRACE[2]];
    let lines: Vec<(i64, &str)> =
        [log, log].concat().into_iter().zip(pauses.into_iter().cycle()).map(|(line, pause)| (pause, line)).collect();
    assert_eq!(joined(&lines).len(), 2);
}

#[test]
fn a_clock_that_stands_still_says_nothing() {
    let lines: Vec<(i64, &str)> = ["2026-11-22 19:30:01 WARN two", "lines", "2026-11-22 19:30:02 INFO next"]
        .iter()
        .map(|line| (0, *line))
        .collect();
    assert_eq!(joined(&lines).len(), 3);
}

#[test]
fn the_beginning_of_an_event_is_learned_from_and_the_rest_teaches_on() {
    // More lines than are held back, of which only the last ones have heads.
    let mut lines: Vec<(i64, &str)> = vec![(5_000, "plain"); 200];
    lines.extend([(5_000, "2026-11-22 19:30:01 WARN two"), (1, "lines")]);
    assert_eq!(joined(&lines).len(), 202, "the writes of this output begin without heads, mostly");
    let mut lines = vec![(5_000, "2026-11-22 19:30:01 INFO x"); 200];
    lines.extend([(5_000, "2026-11-22 19:30:01 WARN two"), (1, "lines")]);
    assert_eq!(joined(&lines).len(), 201);
}

fn rule(pattern: &str, pauses: &[i64]) -> Vec<Value> {
    let config =
        json!([{ "log_processing_rules": [{ "type": "multi_line", "name": "r", "pattern": pattern }] }]).to_string();
    let mut time = BASE_MS;
    let records: Vec<(i64, String)> = std::iter::once(&0)
        .chain(pauses)
        .map(|pause| {
            time += pause;
            let annotations = json!({ "ad.datadoghq.com/nginx.logs": config });
            let kubernetes =
                json!({ "pod_name": "web-6d4cf56db6-x7k2p", "namespace_name": "shop", "annotations": annotations });
            (time, json!({ "stream": "stdout", "logtag": "F", "log": "tick", "kubernetes": kubernetes }).to_string())
        })
        .collect();
    let messages: Vec<(i64, &str)> = records.iter().map(|(time, record)| (*time, record.as_str())).collect();
    forward_from(GROUP, &stream(), &messages, &PipelineSettings::default()).0
}

#[test]
fn a_rule_joins_no_lines_that_are_further_apart_than_a_second() {
    assert_eq!([999, 1_000, 1_001, 60_000].map(|pause| rule("never", &[pause]).len()), [1, 1, 2, 2]);
    assert_eq!(rule("never", &[60_000, 10, 60_000, 10]).len(), 3);
    assert_eq!(rule("tick", &[10, 10]).len(), 3);
}

const LINES: [&str; 40] = [
    "request served",
    "2026-11-22 19:30:01 INFO up",
    "2026-11-22 19:30:02 ERROR failed",
    "INFO: up",
    "[main] WARN x - y",
    "java.lang.IllegalStateException: x",
    "\tat com.example.Main.run(Main.java:7)",
    "Caused by: java.io.IOException: y",
    "\t... 12 more",
    "Traceback (most recent call last):",
    "  File \"/app/main.py\", line 5, in <module>",
    "    raise ValueError(1)",
    "             ^^^^^^^^^^",
    "ValueError: 1",
    "During handling of the above exception, another exception occurred:",
    "{",
    "  \"a\": [1,",
    "  \"b\": {",
    "}",
    "]",
    "",
    "   ",
    "panic: x",
    "goroutine 1 [running]:",
    "main.main()",
    "\t/app/main.go:3 +0x1d",
    "==========",
    "-----BEGIN X-----",
    "-----END X-----",
    "# a",
    "+---+",
    "| a |",
    "thread 'main' panicked at src/main.rs:1:2:",
    "stack backtrace:",
    "#0 /app/x.php(3): f()",
    "config (",
    "\u{1b}[31mERROR\u{1b}[0m x\r",
    "\rdone",
    "SELECT 1",
    "key:",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes: no text is lost or comes twice, the lines of an output keep their order, no log has lines of two outputs or
    /// of two pods, every event is counted, and the same event makes the same logs.
    #[test]
    fn nothing_is_lost_and_nothing_is_mixed(
        lines in prop::collection::vec(
            (0..LINES.len(), prop_oneof![Just(0_i64), Just(1), Just(50), Just(700), Just(5_000), Just(120_000), Just(2_000_000)], 0..2_usize, 0..2_usize),
            1..200,
        ),
        is_fine in any::<bool>(),
    ) {
        let mut microseconds = BASE_MS * 1_000;
        let records: Vec<(i64, String)> = lines.iter().enumerate().map(|(number, (text, gap, output, pod))| {
            microseconds += gap;
            let time = jiff::Timestamp::from_microsecond(microseconds).unwrap();
            let time = if is_fine { format!("{time:.9}") } else { format!("{time:.3}") };
            // Behind the text, where it does not change what the line looks like; who wrote it is in the mark.
            let mark = if LINES[*text].trim().is_empty() { String::new() } else { format!(" #{number}.{output}{pod}") };
            let record = json!({
                "time": time, "stream": (["stdout", "stderr"][*output]), "logtag": "F", "log": format!("{}{mark}", LINES[*text]),
                "kubernetes": { "pod_name": format!("web-{pod}"), "namespace_name": "shop", "container_name": "nginx" },
            });
            (microseconds / 1_000, record.to_string())
        }).collect();
        let messages: Vec<(i64, &str)> = records.iter().map(|(time, record)| (*time, record.as_str())).collect();
        let (logs, counts) = forward_from(GROUP, "shared", &messages, &PipelineSettings::default());
        let texts: Vec<String> = logs.iter().map(|log| match &log["message"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }).collect();
        prop_assert_eq!(counts.events, lines.len());
        prop_assert_eq!(counts.logs + counts.blank + counts.joined, lines.len());
        let mark = |text: &str| -> Vec<(usize, String)> {
            text.split('\n').filter_map(|line| line.trim_end().rsplit_once('#')).filter_map(|(_, mark)| {
                let (number, writer) = mark.split_once('.')?;
                Some((number.parse().ok()?, writer.to_owned()))
            }).collect()
        };
        let mut seen: Vec<usize> = Vec::new();
        for text in &texts {
            let marks = mark(text);
            prop_assert!(marks.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 == two[1].1), "{}", text);
            seen.extend(marks.iter().map(|(number, _)| *number));
        }
        seen.sort_unstable();
        let all: Vec<usize> = lines.iter().enumerate().filter(|(_, line)| !LINES[line.0].trim().is_empty()).map(|(number, _)| number).collect();
        prop_assert_eq!(seen, all);
        prop_assert_eq!(&logs, &forward_from(GROUP, "shared", &messages, &PipelineSettings::default()).0);
    }
}
