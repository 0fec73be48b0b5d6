//! Messages by the lane and by the general way: the same payloads, the same counts, and each knows the other's logs again.
//!
//! The input: a byte that chooses log group and log stream, a byte that chooses the settings, then the messages, parted by zero bytes. Of the
//! messages those that begin with a brace are what the lane may read; spelled as an escape, the brace means the same and the lane knows it not.
#![no_main]

mod checks;

use libfuzzer_sys::fuzz_target;
use pipeline::compress::Compression;
use pipeline::{self, PipelineSettings, Processed};

const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

/// The container of `tests/fixtures/corpus/shapes`; one that cannot be told; a stream that several share; Fluent Bit's own log; a service.
const PLACES: [(&str, &str); 5] = [
    (
        "/aws/eks/prod-eu/fargate",
        "from-fluent-bit-kube.var.log.containers.web-56c89cfff7-tsdww_shop_web-7777777777777777777777777777777777777777777777777777777777777777.log",
    ),
    ("/aws/eks/prod-eu/fargate", "kube.var.log.containers.web-56c89cfff7-tsdww_shop_we"),
    ("/aws/eks/prod-eu/fargate", "shared"),
    ("prod-eu-fluent-bit-logs", "fluent-bit-web-56c89cfff7-tsdww-shop"),
    ("/aws/lambda/hello", "2021/12/16/[$LATEST]0123456789abcdef"),
];

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

/// The content of an event; `space` is what CloudWatch does not write, `brace` how a brace at the beginning of a message is spelled.
fn content(place: (&str, &str), messages: &[String], space: &str, brace: &str) -> String {
    let event = |(number, message): (usize, &String)| {
        let message = quoted(message);
        let message = message.strip_prefix("\"{").map_or_else(|| message.clone(), |rest| format!("\"{brace}{rest}"));
        format!(r#"{{"id":{space}"{number:056}","timestamp":1639679769123,"message":{message}}}"#)
    };
    let events: Vec<String> = messages.iter().enumerate().map(event).collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":{},"logStream":{},"logEvents":[{}]}}"#,
        quoted(place.0),
        quoted(place.1),
        events.join(",")
    )
}

fn sent(processed: &Processed) -> (Vec<&[u8]>, String) {
    (processed.payloads.iter().map(|payload| &*payload.body).collect(), format!("{:?}", processed.counts))
}

fuzz_target!(|bytes: &[u8]| {
    let [choice, how, messages @ ..] = bytes else { return };
    let place = PLACES[usize::from(*choice) % PLACES.len()];
    let messages: Vec<String> =
        messages.split(|byte| *byte == 0).map(|message| String::from_utf8_lossy(message).into_owned()).collect();
    // Each message again behind all others, so that whatever suffix it has is known.
    let messages = [messages.as_slice(), messages.as_slice()].concat();
    let mut settings = PipelineSettings { compression: Compression::None, ..PipelineSettings::default() };
    settings.processing.auto_multi_line = how & 1 == 1;
    let process = |content: &str| {
        let processed = pipeline::process_content(content, ARN, &settings, None::<i64>).expect("the frame is right");
        checks::logs_of(&processed);
        processed
    };
    let by_lane = process(&content(place, &messages, "", "{"));
    for (space, brace) in [("", "\\u007b"), (" ", "{"), (" ", "\\u007b")] {
        assert_eq!(sent(&by_lane), sent(&process(&content(place, &messages, space, brace))), "{space:?} {brace}");
    }
    settings.recent.remember(by_lane.payloads.iter().flat_map(|payload| payload.logs()).filter_map(|log| log.mark));
    let again = process(&content(place, &messages, "", "\\u007b"));
    assert_eq!((again.counts.logs, again.counts.duplicate), (0, by_lane.counts.logs));
});
