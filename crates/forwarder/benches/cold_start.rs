//! `cargo bench -p forwarder --bench cold_start`: the forwarder as Lambda starts it.
//!
//! Time from the start of the process to its first request for an event, size of the binary, and peak memory for an
//! event of 10 MB (inflated), against stand-ins for the runtime API and the intake.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench ends by a panic")]

mod support;

use std::time::{Duration, Instant};

use intake::StandIn;
use testkit::runtime_api::{ForwarderProcess, forwarder_program};

const FORWARDER: &str = env!("CARGO_BIN_EXE_forwarder");
const STARTS: usize = 41;

fn main() {
    let intake = testkit::http::runtime().block_on(StandIn::start()).unwrap();
    let url = intake.url();
    let variables = [("DD_URL", url.as_str()), ("DD_API_KEY", "k")];

    let mut starts: Vec<Duration> =
        (0..STARTS).map(|_| ForwarderProcess::start(FORWARDER, &variables).wait_for_next()).collect();
    starts.sort_unstable();
    // The floor: a process that does nothing.
    let mut nothing: Vec<Duration> = (0..STARTS)
        .map(|_| {
            let started = Instant::now();
            std::process::Command::new("true").status().unwrap();
            started.elapsed()
        })
        .collect();
    nothing.sort_unstable();
    let size = std::fs::metadata(forwarder_program(FORWARDER)).unwrap().len();

    let content = support::content(6_450);
    let forwarder = ForwarderProcess::start(FORWARDER, &variables);
    forwarder.wait_for_next();
    let resting = peak(&forwarder);
    for number in 0..20 {
        let answer = forwarder.invoke(&event(&content, number), Duration::from_secs(60)).unwrap();
        assert_eq!(answer["delivered"], 6_450);
    }
    println!("size of the forwarder      {size} bytes");
    println!(
        "start to first /next       median {:.2} ms, worst of {STARTS} {:.2} ms (`true` and its end: {:.2} ms)",
        ms(starts[STARTS / 2]),
        ms(starts[STARTS - 1]),
        ms(nothing[STARTS / 2])
    );
    println!("peak memory, before events {resting} kB");
    println!("peak memory, 20 events of  {} bytes inflated: {} kB", content.len(), peak(&forwarder));
}

/// An event of this minute, each with ids of its own: what is old is sent otherwise, and what is known is not sent.
fn event(content: &str, number: usize) -> Vec<u8> {
    let minute = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M").to_string();
    let content = content.replace("2026-11-22T20:38", &minute).replace(r#""id":"00"#, &format!(r#""id":"{number:02}"#));
    support::event(&content)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// `VmHWM`: the most that was ever resident.
fn peak(forwarder: &ForwarderProcess) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", forwarder.child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.trim_start_matches("VmHWM:").trim().trim_end_matches(" kB").to_owned()
}
