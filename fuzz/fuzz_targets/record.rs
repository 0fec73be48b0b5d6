//! Any messages in a log stream of a realistic name, from the content of an event to payloads.
//!
//! The input: a byte that chooses log group, log stream and time; a byte that chooses how much; then the messages, parted
//! by zero bytes. Besides what `checks` says of every result, different ways must lead to the same logs:
//!
//! * the events in CloudWatch's own layout, which has a parser of its own, and in another layout, which has not;
//! * the messages in one event, where one may be read with what is known from the one before, and each in its own;
//! * logs that are written late, and logs that are written on time and then restamped.
#![no_main]

mod checks;

use libfuzzer_sys::fuzz_target;
use pipeline::accepted_times::out_of_range;
use pipeline::compress::Compression;
use pipeline::restamp::restamp;
use pipeline::tags::TagSettings;
use pipeline::tags::as_tags::AsTags;
use pipeline::{self, PipelineSettings};
use serde_json::value::RawValue;

/// All logs keep their own times.
const OWN_TIMES: Option<i64> = None;

/// When all of [`TIMES`] but the last are too old for Datadog.
const LATE_MS: i64 = 1_795_376_524_133;

const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

/// The container of `tests/fixtures/corpus/shapes`; a template; Fluent Bit's own log; a service; any other group.
const PLACES: [(&str, &str); 5] = [
    (
        "/aws/eks/prod-eu/fargate",
        "from-fluent-bit-kube.var.log.containers.web-56c89cfff7-tsdww_shop_web-7777777777777777777777777777777777777777777777777777777777777777.log",
    ),
    ("/aws/eks/prod-eu/fargate", "web-56c89cfff7-tsdww.web"),
    ("prod-eu-fluent-bit-logs", "fluent-bit-web-56c89cfff7-tsdww-shop"),
    ("/aws/lambda/hello", "2021/12/16/[$LATEST]0123456789abcdef"),
    ("my-app", "one"),
];

/// One is the time of the records in `tests/fixtures/corpus/shapes`.
const TIMES: [i64; 3] = [1_639_679_769_123, 1, 1_795_376_524_133];

/// What the second byte may ask for: limits are met only by much.
enum Amount {
    AsItIs,
    Repeated,
    Stretched,
}

fn settings() -> PipelineSettings {
    let all = AsTags::parse(r#"{"*":"x_%%label%%"}"#).expect("a rule");
    let mut settings = PipelineSettings {
        tags: TagSettings {
            pod_labels: all.clone(),
            pod_annotations: all.clone(),
            namespace_labels: all,
            hostname_is_node: true,
            ..TagSettings::default()
        },
        compression: Compression::None,
        ..PipelineSettings::default()
    };
    // One event or several: lines are joined only within one. The target `rules` has that.
    settings.processing.auto_multi_line = false;
    settings
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

/// The content of an event; `first` is the id of its first message, `space` what CloudWatch does not write.
fn content(place: (&str, &str), first: usize, messages: &[String], time: i64, space: &str) -> String {
    let event = |(number, message): (usize, &String)| {
        format!(r#"{{"id":{space}"{}","timestamp":{time},"message":{}}}"#, first + number, quoted(message))
    };
    let events: Vec<String> = messages.iter().enumerate().map(event).collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":{},"logStream":{},"logEvents":[{}]}}"#,
        quoted(place.0),
        quoted(place.1),
        events.join(",")
    )
}

fn texts(logs: &[Box<RawValue>]) -> Vec<&str> {
    logs.iter().map(|log| log.get()).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let [choice, amount, messages @ ..] = bytes else { return };
    let place = PLACES[usize::from(*choice) % PLACES.len()];
    let time = TIMES[usize::from(*choice) / PLACES.len() % TIMES.len()];
    // Slow, so only two values in 256 ask for it.
    let amount = match amount {
        1 => Amount::Repeated,
        2 => Amount::Stretched,
        _ => Amount::AsItIs,
    };
    let mut messages: Vec<String> =
        messages.split(|byte| *byte == 0).map(|message| String::from_utf8_lossy(message).into_owned()).collect();
    match amount {
        Amount::AsItIs => {}
        Amount::Repeated => messages = messages.iter().cycle().take(2100).cloned().collect(),
        // More than a log may hold, once, and inside of a JSON string.
        Amount::Stretched => {
            if let Some(message) = messages.iter_mut().find(|message| message.contains('~')) {
                *message = message.replacen('~', &"é\\\"".repeat(260_000), 1);
            }
        }
    }

    let settings = settings();
    let process =
        |content: &str| pipeline::process_content(content, ARN, &settings, OWN_TIMES).expect("the frame is right");
    let processed = process(&content(place, 0, &messages, time, ""));
    let logs = checks::logs_of(&processed);
    assert_eq!(processed.counts.events, messages.len());
    if !matches!(amount, Amount::AsItIs) {
        return;
    }

    // A log that is written late is what restamping makes of one that was on time, unless its event's time serves.
    let late = pipeline::process_content(&content(place, 0, &messages, time, ""), ARN, &settings, LATE_MS);
    let late = late.expect("the frame is right");
    let (restamped, late_logs) = restamp(processed.payloads.clone(), LATE_MS);
    assert_eq!((late.counts.late, late.counts.early), (late_logs.late, late_logs.early));
    if out_of_range(Some(time), LATE_MS).is_some() {
        assert_eq!(late.payloads, restamped);
    }

    let other_layout = process(&content(place, 0, &messages, time, " "));
    assert_eq!((processed.counts, texts(&logs)), (other_layout.counts, texts(&checks::logs_of(&other_layout))));

    if processed.counts.joined == 0 && processed.counts.partial == 0 {
        let mut alone = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            let content = content(place, number, std::slice::from_ref(message), time, "");
            alone.extend(checks::logs_of(&process(&content)));
        }
        assert_eq!(texts(&logs), texts(&alone));
    }
});
