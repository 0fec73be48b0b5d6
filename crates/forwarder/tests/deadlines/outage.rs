//! What an outage of the intake costs the function: seconds of its process, with the template's timeout.

use std::time::{Duration, Instant};

use intake::{Reply, StandIn};
use testkit::aws::{AwsBehavior, AwsStandIn};
use testkit::events::*;
use testkit::runtime_api::ForwarderProcess;

const FORWARDER: &str = env!("CARGO_BIN_EXE_forwarder");

/// `Timeout` in template.yaml.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Serves an event of one log after the other; how long each took.
fn invoke(reply: Reply, events: usize) -> Vec<f64> {
    let script = move |_: &intake::Arrival| reply.clone();
    let intake = testkit::http::runtime().block_on(StandIn::start_with("127.0.0.1:0", script)).unwrap();
    let aws = AwsStandIn::start(AwsBehavior::Healthy);
    let mut variables = aws.variables();
    variables.push(("DD_URL", intake.url()));
    variables.push(("DD_API_KEY", "k".to_owned()));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let forwarder = ForwarderProcess::start(FORWARDER, &variables);
    forwarder.wait_for_next();
    let seconds = (0..events).map(|number| {
        let event = event(&content("my-app", "a-stream", &[(now(), &format!("log {number}"))]));
        let started = Instant::now();
        let answer = forwarder.invoke(&event, TIMEOUT).unwrap();
        assert_eq!((&answer["queued"], &answer["delivered"]), (&1.into(), &0.into()));
        started.elapsed().as_secs_f64()
    });
    seconds.collect()
}

#[test]
fn an_outage_holds_the_function_for_seconds_and_then_for_tenths() {
    let _alone = crate::alone();
    let seconds = invoke(Reply::Status(503, None), 4);
    println!("503, seconds of each invocation: {seconds:.1?}");
    // Fifteen, and five more if the last request takes so long.
    assert!(seconds[0] > 10.0 && seconds[0] < 20.5, "{seconds:?}");
    // A wait of at most 0.2 s between two requests; the rest is for a machine that has much else to do.
    assert!(seconds[1..].iter().all(|seconds| *seconds < 3.0), "{seconds:?}");
    let seconds = invoke(Reply::Silence, 2);
    println!("no answer, seconds of each invocation: {seconds:.1?}");
    assert!(seconds[0] > 14.0 && seconds[0] < 20.5, "{seconds:?}");
    // As long as a request may take: it may be taken until then.
    assert!(seconds[1] > 9.5 && seconds[1] < 13.0, "{seconds:?}");
}
