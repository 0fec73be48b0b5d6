//! What an invocation says of itself in the function's own log: one line that says what became of the event, and for each reason
//! for which something was not delivered one that says how much, why, and what to do.
//!
//! Numbers, names and advice; never a text, a key or an address.

use std::time::Duration;

use serde::Serialize;

use super::invocation::{Delivered, InvocationFailure};
use super::lookup_policy::LookupTally;
use super::metrics::Telemetry;
use super::own_log;
use crate::settings::LogLevel;

/// Says what became of an event.
pub(crate) fn say(result: Result<&Delivered, &InvocationFailure>, telemetry: &Telemetry, took: Duration) {
    #[derive(Serialize)]
    struct Fields<'a> {
        milliseconds: u64,
        #[serde(flatten)]
        delivered: &'a Delivered,
        #[serde(flatten)]
        lookups: LookupTally,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<&'static str>,
    }
    let fields = Fields {
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        delivered: &telemetry.delivered,
        lookups: telemetry.lookups,
        error_type: result.err().map(InvocationFailure::error_type),
    };
    for (name, fields) in telemetry.shortfall.reasons() {
        own_log::say(LogLevel::Warn, &telemetry.shortfall.words(name), &fields);
    }
    match result {
        Ok(Delivered { control: true, .. }) => {
            own_log::say(LogLevel::Info, "CloudWatch Logs checked the destination", &fields);
        }
        Ok(delivered) => match telemetry.shortfall.whereabouts(delivered) {
            None => own_log::say(LogLevel::Info, "delivered", &fields),
            Some(whereabouts) => {
                own_log::say(LogLevel::Warn, &format!("not everything was delivered: {whereabouts}"), &fields);
            }
        },
        Err(failure) => own_log::say(LogLevel::Error, &failure.to_string(), &fields),
    }
}
