//! Ten times the input takes about ten times as long, whatever an application writes. A walk over the input within a walk over the input takes
//! a hundred times as long.
//!
//! Time on the processor is measured, so the bound lies between the two, and the best of some runs counts.

use std::fmt::Write as _;
use std::time::Duration;

use pipeline::{PipelineSettings, process_content};
use testkit::events::{ARN, GROUP, OWN_TIMES, content, stream};
use testkit::processor_time::spent;

/// Ten is linear, a hundred quadratic.
const MOST: f64 = 35.0;
/// How often a kind that takes too long is measured.
const ROUNDS: usize = 5;
/// What is shorter is made of noise; the sizes below take longer where the work is quadratic.
const LEAST: Duration = Duration::from_micros(300);

/// A kind of input: the messages of an event that has `n` of something.
type Grow = fn(n: usize) -> Vec<String>;

/// A line as Fluent Bit writes it without filters.
fn line(text: &str) -> String {
    serde_json::json!({ "log": format!("2026-11-22T20:38:08.236123456Z stdout F {text}") }).to_string()
}

/// A record of the CRI parser, with members behind it.
fn record(log: &str, members: &str) -> String {
    let log = serde_json::Value::from(log);
    format!(r#"{{"time":"2026-11-22T20:38:08.236123456Z","stream":"stdout","logtag":"F","log":{log}{members}}}"#)
}

fn members(n: usize, member: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut all, number| {
        let _ = write!(all, ",{}", member(number));
        all
    })
}

fn object(n: usize) -> String {
    format!("{{{}}}", members(n, |number| format!(r#""k{number}":{number}"#)).trim_start_matches(','))
}

/// A record with what the Kubernetes filter knows, as `members` of its object.
fn of_pod(members: &str) -> String {
    let pod = r#""pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx""#;
    record("x", &format!(r#","kubernetes":{{{pod}{members}}}"#))
}

/// An annotation of the filter's object with a JSON text as its value.
fn annotation(name: &str, json: &str) -> String {
    format!(r#","annotations":{{"{name}":{}}}"#, serde_json::Value::from(json))
}

/// A line of a pod whose annotation has a mask on names, and a rule that joins lines; with members behind the filter's.
fn masked(log: &str, members: &str) -> String {
    let rules = r#"[{"log_processing_rules":[
        {"type":"mask_sequences","name":"m","pattern":"J[\\p{L}]+","replace_placeholder":"*"},
        {"type":"multi_line","name":"s","pattern":"start"}
    ]}]"#;
    let pod = r#""pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx""#;
    let rules = annotation("ad.datadoghq.com/nginx.logs", rules);
    record(log, &format!(r#","kubernetes":{{{pod}{rules}}}{members}"#))
}

/// A record of a pod with a mask.
fn masked_by(text: &str, pattern: &str, placeholder: &str) -> String {
    let rule = serde_json::json!({
        "type": "mask_sequences", "name": "m", "pattern": pattern, "replace_placeholder": placeholder,
    });
    let rules = serde_json::json!([{ "log_processing_rules": [rule] }]).to_string();
    let pod = r#""pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx""#;
    let annotation = annotation("ad.datadoghq.com/nginx.logs", &rules);
    record(text, &format!(r#","kubernetes":{{{pod}{annotation}}}"#))
}

/// A record of a pod with so many masks of one pattern.
fn of_rules(n: usize, pattern: &str) -> String {
    let rule = serde_json::json!({ "type": "mask_sequences", "name": "m", "pattern": pattern });
    let rules = serde_json::json!([{ "log_processing_rules": vec![rule; n] }]).to_string();
    of_pod(&annotation("ad.datadoghq.com/nginx.logs", &rules))
}

fn list(n: usize, element: impl Fn(usize) -> String) -> String {
    format!("[{}]", members(n, element).trim_start_matches(','))
}

/// Records of as many pods as there are, in a stream that they share: a line, or a piece of one, of each.
fn of_pods(n: usize, flag: &str, text: &str) -> Vec<String> {
    let of = |number: usize| {
        let record = serde_json::json!({
            "stream": "stdout", "logtag": flag, "log": text,
            "kubernetes": { "pod_name": format!("web-{number}"), "namespace_name": "shop", "container_name": "nginx" },
        });
        record.to_string()
    };
    (0..n).map(of).collect()
}

/// In a stream that names no container; in the usual stream, [`KINDS`].
const SHARED_KINDS: [(&str, Grow); 3] = [
    ("pods that share a stream", |n| of_pods(n, "F", "x")),
    ("traces of pods that share a stream", |n| of_pods(n, "F", "java.lang.Error: x")),
    ("pieces of pods that share a stream", |n| of_pods(n, "P", "x")),
];

const KINDS: [(&str, Grow); 47] = [
    ("names of exceptions without a blank", |n| vec![line(&"xError:".repeat(n * 40)), line("  at x"), line("y")]),
    ("names of exceptions", |n| vec![line(&"xError: ".repeat(n * 40)), line("  at x"), line("y")]),
    ("causes", |n| {
        let cause = line("Caused by: java.lang.Error: x");
        std::iter::once(line("java.lang.Error: x")).chain(std::iter::repeat_n(cause, n)).collect()
    }),
    ("frames", |n| {
        let frame = line("\tat com.example.Main.run(Main.java:7)");
        std::iter::once(line("java.lang.Error: x")).chain(std::iter::repeat_n(frame, n)).collect()
    }),
    ("headers", |n| vec![line("java.lang.Error: x"); n]),
    ("lifted members of one name", |n| vec![record("x", &members(n, |_| r#""a_pod_name":1"#.to_owned()))]),
    ("lifted members", |n| vec![record("x", &members(n, |number| format!(r#""a{number}_pod_name":"b""#)))]),
    ("merged members, and the line kept", |n| {
        vec![record(&object(n * 5), &members(n * 5, |number| format!(r#""k{number}":{number}"#)))]
    }),
    ("a merge key, and the line kept", |n| {
        vec![record(&object(n * 5), &format!(r#","log_processed":{}"#, object(n * 5)))]
    }),
    ("pieces of a loose parser", |n| {
        vec![record(&"x".repeat(n * 10), &members(n, |number| format!(r#""message":"y{number}""#)))]
    }),
    ("kubernetes objects", |n| {
        vec![record("x", &members(n, |number| format!(r#""kubernetes":{{"pod_name":"b{number}"}}"#)))]
    }),
    ("braces", |n| vec![record(&"{".repeat(n * 40), ""), line(&"[{".repeat(n * 40))]),
    ("escapes", |n| vec![record(&"\"\\\n\u{1}".repeat(n * 10), "")]),
    ("pieces of a line", |n| {
        let piece = serde_json::json!({ "log": "2026-11-22T20:38:08.236123456Z stdout P x" }).to_string();
        std::iter::repeat_n(piece, n).chain([line("x")]).collect()
    }),
    ("records", |n| vec![record("x", ""); n]),
    ("records of as many pods", |n| {
        (0..n).map(|number| of_pod(&format!(r#","host":"fargate-ip-{number}""#))).collect()
    }),
    ("a long line, then as many", |n| {
        std::iter::once(line(&"ERROR xError: ".repeat(n * 10))).chain((0..n).map(|_| line("  x"))).collect()
    }),
    ("coloured lines", |n| {
        vec![line(&"\u{1b}[31mERROR\u{1b}[0m x ".repeat(n)), line(&"\r\u{1b}[".repeat(n * 10)), line("x")]
    }),
    ("a long coloured line, then as many", |n| {
        std::iter::once(line(&"\u{1b}[31mERROR\u{1b}[0m x ".repeat(n * 10)))
            .chain((0..n).map(|_| line("  x")))
            .collect()
    }),
    ("errors that wait for a trace", |n| {
        (0..n).map(|number| line(if number % 2 == 0 { "it failed" } else { "x" })).collect()
    }),
    ("brackets that are never closed", |n| (0..n).map(|number| line(&format!("  a{number} {{ ( ["))).collect()),
    ("blank lines between rules", |n| (0..n).map(|number| line(["==========", "", "x"][number % 3])).collect()),
    ("lines of one JSON object", |n| {
        let within = (0..n).map(|number| line(&format!(r#"  "k{number}": {number},"#)));
        std::iter::once(line("{")).chain(within).chain([line(r#"  "z": 1"#), line("}")]).collect()
    }),
    ("lines of JSON that never end", |n| {
        (0..n).map(|number| line(if number % 7 == 0 { "{" } else { r#"  "k": [1,"# })).collect()
    }),
    ("nesting", |n| vec![record("x", &format!(r#","a":{}1{}"#, r#"{"a":"#.repeat(n), "}".repeat(n)))]),
    ("a record cut in its members", |n| {
        let mut cut = record("x", &members(n, |number| format!(r#""kubernetes":{{"k{number}":1}}"#)));
        cut.truncate(cut.len() - 5);
        vec![cut]
    }),
    ("labels", |n| vec![of_pod(&format!(r#","labels":{}"#, object(n)))]),
    ("labels, many times", |n| vec![of_pod(&members(n, |number| format!(r#""labels":{{"k":{number}}}"#)))]),
    ("annotations", |n| vec![of_pod(&format!(r#","annotations":{}"#, object(n)))]),
    ("owners of a pod with as many labels", |n| {
        let owners = list(n, |number| format!(r#"{{"kind":"ReplicaSet","name":"web-{number}-x7k2p"}}"#));
        vec![of_pod(&format!(r#","labels":{},"ownerReferences":{owners}"#, object(n)))]
    }),
    ("tags of an annotation", |n| vec![of_pod(&annotation("ad.datadoghq.com/tags", &object(n)))]),
    ("a tag with as many values", |n| {
        let values = list(n, |number| format!(r#""v{number}""#));
        vec![of_pod(&annotation("ad.datadoghq.com/nginx.tags", &format!(r#"{{"team":{values}}}"#)))]
    }),
    ("tags for logs", |n| {
        let tags = list(n, |number| format!(r#""t:v{number}""#));
        vec![of_pod(&annotation("ad.datadoghq.com/nginx.logs", &format!(r#"[{{"tags":{tags}}}]"#)))]
    }),
    ("rules", |n| {
        let rules = list(n, |number| format!(r#"{{"type":"mask_sequences","name":"r{number}","pattern":"("}}"#));
        let json = format!(r#"[{{"log_processing_rules":{rules}}}]"#);
        vec![of_pod(&annotation("ad.datadoghq.com/nginx.logs", &json))]
    }),
    ("classes in patterns", |n| vec![of_rules(8, &r"\pL".repeat(n))]),
    ("wide classes in patterns that ignore case", |n| vec![of_rules(8, &format!("(?i){}", r"[a\D]".repeat(n)))]),
    ("matches of a mask", |n| vec![masked_by(&"1a".repeat(n * 10), r"\d", "*")]),
    ("matches of a mask, and their groups", |n| vec![masked_by(&"ab=1;".repeat(n * 5), r"(\w+)=\d", "$1=*")]),
    ("lines of a log that is masked", |n| vec![masked_by(&"user a 1 \n".repeat(n * 5), r"\d$", "*")]),
    ("a match over all lines, and its group", |n| vec![masked_by(&"a 1 \n".repeat(n * 5), r"(?s)(a.*)\d", "$1*")]),
    ("a long tag, image and host", |n| {
        let long = "é,".repeat(n * 10);
        let image = "a/".repeat(n * 10);
        vec![of_pod(&format!(
            r#","container_image":"{image}:{long}","host":"{long}","labels":{{"app.kubernetes.io/name":"{long}"}}"#
        ))]
    }),
    ("escapes under a mask", |n| vec![masked(&format!(r#"{{"a":"{}"}}"#, r"x\u00f6\n\/\ud83d".repeat(n * 10)), "")]),
    ("names that a mask hides in part in one spelling", |n| {
        vec![masked(&format!(r#"{{"a":"{}"}}"#, r"J\u00f6rg ".repeat(n * 10)), "")]
    }),
    ("spellings that have nothing in common", |n| {
        vec![masked(&format!("{}J{}", r"\u00f6".repeat(n * 10), r"\u00f6".repeat(n * 10)), "")]
    }),
    ("attributes under a mask", |n| {
        let member = |number| format!(r#""k{number}":[{number},"J\u00f6rg \"{number}\"","\ud83d"]"#);
        vec![masked("start", &members(n * 2, member))]
    }),
    ("nested attributes under a mask", |n| {
        vec![masked("start", &format!(r#","a":{}"J\u00f6rg"{}"#, "[".repeat(n * 10), "]".repeat(n * 10)))]
    }),
    ("attributes of lines that are joined", |n| {
        (0..n).map(|number| masked("x", &format!(r#","k{number}":1,"n":{number},"same":"x""#))).collect()
    }),
];

fn best(stream: &str, messages: &[String]) -> Duration {
    let content = written(stream, messages);
    (0..5).map(|_| timed(&content, messages.len())).min().unwrap_or_default()
}

fn written(stream: &str, messages: &[String]) -> String {
    let messages: Vec<(i64, &str)> = messages.iter().map(|message| (1_795_379_888_236, message.as_str())).collect();
    content(GROUP, stream, &messages).to_string()
}

fn timed(content: &str, events: usize) -> Duration {
    spent(|| {
        let processed = process_content(content, ARN, &PipelineSettings::default(), OWN_TIMES).unwrap();
        assert_eq!(processed.counts.events, events);
    })
}

/// Events of as many short logs as CloudWatch Logs never sends at once: payloads, limits and what was remembered all come into play.
const LOGS: [usize; 2] = [10_000, 100_000];

/// How many times as long ten times the input takes. Asked again where that is too long: a busy machine is not busy every time.
fn ratio(stream: &str, grow: Grow) -> (Duration, Duration, f64) {
    let (few, many) = (grow(300), grow(3000));
    let mut least = [Duration::MAX; 2];
    let mut ratio = f64::MAX;
    for _ in 0..ROUNDS {
        least = [least[0].min(best(stream, &few)), least[1].min(best(stream, &many))];
        ratio = least[1].as_secs_f64() / least[0].max(LEAST).as_secs_f64();
        if ratio <= MOST {
            break;
        }
    }
    (least[0], least[1], ratio)
}

#[test]
fn ten_times_the_input_takes_ten_times_as_long() {
    let mut wrong = Vec::new();
    let stream = stream();
    let kinds = KINDS.iter().map(|kind| (stream.as_str(), kind)).chain(SHARED_KINDS.iter().map(|kind| ("all", kind)));
    for (stream, (name, grow)) in kinds {
        let (small, large, ratio) = ratio(stream, *grow);
        println!("{name:40} {small:>12.1?} {large:>12.1?} {ratio:6.1}");
        if ratio > MOST {
            wrong.push(format!("{name}: ten times as much takes {ratio:.0} times as long ({small:?}, {large:?})"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_hundred_thousand_logs_take_ten_times_as_long_as_ten_thousand() {
    let stream = stream();
    let contents = LOGS.map(|logs| {
        let messages: Vec<String> = (0..logs).map(|number| record(&format!("GET /cart?id={number}"), "")).collect();
        written(&stream, &messages)
    });
    let mut ratio = f64::MAX;
    for _ in 0..ROUNDS {
        let [few, many] = [0, 1].map(|each| timed(&contents[each], LOGS[each]));
        ratio = ratio.min(many.as_secs_f64() / few.as_secs_f64());
        if ratio <= MOST {
            break;
        }
    }
    println!("{} logs take {ratio:.1} times as long as {}", LOGS[1], LOGS[0]);
    assert!(ratio <= MOST, "ten times as many logs take {ratio:.0} times as long");
}
