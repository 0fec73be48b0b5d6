//! `cargo bench -p bench`: the whole pure path beside its floor.
//!
//! The floor is what no forwarder can do without: base64 and inflate of the same input, compression of the same output,
//! with the same libraries. Both run alternately in one process, so a noisy machine is noisy for both; the ratio of the
//! medians is what counts.
//!
//! It is built from the crates and features of the function alone, by the profile of the release build: `Cargo.toml` of this crate says how.
//!
//! Then the same event under rules, each beside no rules at all, taken in turns too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench ends by a panic")]

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::MultiGzDecoder;
use forwarder::settings::Settings;
use pipeline::compress::{Compression, Compressor};
use pipeline::{PipelineSettings, decode, process};

/// When the event is processed: just after its logs were written.
const NOW_MS: i64 = 1_795_379_898_000;

const RECORDS: u64 = 8_000;
const ROUNDS: usize = 41;

fn main() {
    let content = bench::content(RECORDS);
    let event = bench::event(&content);
    let settings = PipelineSettings::default();
    let data =
        serde_json::from_slice::<serde_json::Value>(&event).unwrap()["awslogs"]["data"].as_str().unwrap().to_owned();
    let processed = process(&event, "arn", &settings, NOW_MS).unwrap();
    assert_eq!(processed.counts.logs as u64, RECORDS);
    let plains: Vec<Vec<u8>> = processed.payloads.iter().map(|payload| payload.plain().unwrap()).collect();
    let plain_bytes: usize = plains.iter().map(Vec::len).sum();
    let sent_bytes: usize = processed.payloads.iter().map(|payload| payload.body.len()).sum();

    let allocations = allocation_counter::measure(|| _ = black_box(process(&event, "arn", &settings, NOW_MS)));
    let [mut whole, mut floor, mut inflate, mut read] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        whole.push(timed(|| _ = black_box(process(black_box(&event), "arn", &settings, NOW_MS))));
        floor.push(timed(|| {
            black_box(inflated(&data));
            let mut compressor = Compressor::new(Compression::default());
            plains.iter().for_each(|plain| _ = black_box(compressor.compress(plain)));
        }));
        inflate.push(timed(|| _ = black_box(inflated(&data))));
        read.push(timed(|| _ = black_box(decode::read(black_box(&content)))));
    }
    let [whole, floor, inflate, read] = [whole, floor, inflate, read].map(median);
    let per_log = |time: Duration| time.as_secs_f64() * 1e6 / RECORDS as f64;
    println!("event        {RECORDS} records, {} bytes, inflated {} bytes", event.len(), content.len());
    println!("output       {} payloads, {plain_bytes} bytes, compressed {sent_bytes} bytes", plains.len());
    println!("whole path   {:>8.2} ms  {:.2} µs a log", whole.as_secs_f64() * 1e3, per_log(whole));
    println!(
        "floor        {:>8.2} ms  {:.2} µs a log (inflate {:.2} ms)",
        floor.as_secs_f64() * 1e3,
        per_log(floor),
        inflate.as_secs_f64() * 1e3
    );
    println!(
        "of that read {:>8.2} ms  {:.2} µs a log (the frame of CloudWatch's JSON)",
        read.as_secs_f64() * 1e3,
        per_log(read)
    );
    println!("ratio        {:>8.2}", whole.as_secs_f64() / floor.as_secs_f64());
    println!(
        "allocations  {:>8.2} a log, {} in all, at most {} bytes at once",
        allocations.count_total as f64 / RECORDS as f64,
        allocations.count_total,
        allocations.bytes_max
    );

    rules(&event);

    println!("\ncompression of the same output, beside zstd 1:");
    let mut base = None;
    for (name, compression) in
        [("zstd 1", Compression::Zstd(1)), ("zstd 3", Compression::Zstd(3)), ("gzip 6", Compression::Gzip(6))]
    {
        let mut compressor = Compressor::new(compression);
        let mut bytes = 0;
        let time = median(
            (0..7)
                .map(|_| timed(|| bytes = plains.iter().map(|plain| compressor.compress(plain).0.len()).sum()))
                .collect(),
        );
        let base = *base.get_or_insert(time);
        println!(
            "{name}       {:>8.2} ms  {:.2} times  {bytes} bytes",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / base.as_secs_f64()
        );
    }
}

/// What rules cost, beside none.
fn rules(event: &[u8]) {
    const MASK: &str =
        r#"{"type":"mask_sequences","name":"token","pattern":"token=[A-Za-z0-9]+","replace_placeholder":"token=***"}"#;
    const FOUR: &str = r#"{"type":"exclude_at_match","name":"health","pattern":"GET /health"},
        {"type":"exclude_at_match","name":"debug","pattern":"\\bDEBUG\\b"},
        {"type":"mask_sequences","name":"address","pattern":"(\\d{1,3}\\.\\d{1,3})\\.\\d{1,3}\\.\\d{1,3}","replace_placeholder":"$1.x.x"},
        {"type":"mask_sequences","name":"card","pattern":"\\b4\\d{3}(-?\\d{4}){3}\\b","replace_placeholder":"[card]"}"#;
    let off = ("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "false");
    let with = |name: &str, value: &str| {
        let variables = HashMap::from([off, (name, value)].map(|(name, value)| (name.to_owned(), value.to_owned())));
        Settings::read_pipeline(&variables).unwrap()
    };
    let rules = "DD_LOGS_CONFIG_PROCESSING_RULES";
    let variants = [
        ("no rules", Settings::read_pipeline(&[off]).unwrap()),
        ("auto multi-line (the default)", PipelineSettings::default()),
        ("one mask", with(rules, &format!("[{MASK}]"))),
        ("five rules", with(rules, &format!("[{MASK},{FOUR}]"))),
        ("all scrubbers", with("PODFERRY_REDACT", "email,ipv4,ipv6,credit_card,aws_access_key,jwt,bearer")),
        ("a tenth, sampled", with("PODFERRY_SAMPLE", r#"{"rate":0.1}"#)),
    ];
    let mut times = variants.each_ref().map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (times, (_, settings)) in times.iter_mut().zip(&variants) {
            times.push(timed(|| _ = black_box(process(black_box(event), "arn", settings, NOW_MS))));
        }
    }
    println!("\nrules, beside none:");
    let times = times.map(median);
    for ((name, settings), time) in variants.iter().zip(times) {
        let counts = process(event, "arn", settings, NOW_MS).unwrap().counts;
        println!(
            "{name:<30} {:>8.2} ms  {:.3} times  {:.2} µs a log  {} logs, {} masked, {} excluded, {} sampled",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / times[0].as_secs_f64(),
            time.as_secs_f64() * 1e6 / RECORDS as f64,
            counts.logs,
            counts.masked,
            counts.excluded,
            counts.sampled
        );
    }
}

fn inflated(data: &str) -> Vec<u8> {
    let compressed = STANDARD.decode(data).unwrap();
    let hint = u32::from_le_bytes(*compressed.last_chunk().unwrap()) as usize;
    let mut out = vec![0; hint];
    MultiGzDecoder::new(compressed.as_slice()).read_exact(&mut out).unwrap();
    out
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
