//! Any bytes as an event of the function, and the same bytes as the content that an event wraps.
//!
//! Nothing may panic or reserve memory beyond the cap, and an event that is refused must be refused with one of the known
//! errors. The second way is the one on which the fuzzer gets past base64 and gzip, which it cannot guess.
#![no_main]

mod checks;

use libfuzzer_sys::fuzz_target;
use pipeline::event::EventError;
use pipeline::{self, PipelineSettings};

/// All logs keep their own times: the target `message` has others.
const OWN_TIMES: Option<i64> = None;

const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

/// Small, so that the cap is met too.
const MAX_DECOMPRESSED_BYTES: u64 = 16 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let settings = PipelineSettings { max_decompressed_bytes: MAX_DECOMPRESSED_BYTES, ..PipelineSettings::default() };
    if let Ok(processed) = pipeline::process(bytes, ARN, &settings, OWN_TIMES) {
        checks::logs_of(&processed);
    }
    match pipeline::process(&checks::wrapped(bytes), ARN, &settings, OWN_TIMES) {
        Ok(processed) => {
            assert!(bytes.len() as u64 <= MAX_DECOMPRESSED_BYTES);
            checks::logs_of(&processed);
        }
        Err(EventError::TooLarge { limit }) => assert!(bytes.len() as u64 > limit),
        Err(EventError::Content | EventError::TooMany { .. }) => {}
        Err(other) => panic!("what is whole was refused: {other:?}"),
    }
});
