//! The kinds of faults, what the intake does under each, and the sizes of events that they hit.

use std::time::Duration;

use intake::{Arrival, Reply};
use serde_json::Value;

/// How many logs a payload carries; and of so many payloads one is hit, where a fault is the intake's answer to a payload.
/// Five of twenty leave workers for the others.
pub(super) const PAYLOAD: usize = 1000;
pub(super) const EVERY: usize = 4;

/// The log that a firewall dislikes.
const DISLIKED: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// This status each time, with `Retry-After` if given.
    Status(u16, Option<&'static str>),
    /// This status the first time.
    Once(u16, Option<&'static str>),
    /// 413 to more than half of a payload.
    TooLarge,
    /// A page of HTML with 200, each time.
    Page,
    /// 415 to everything but gzip.
    GzipOnly,
    /// 403 to whatever holds one log.
    Disliked,
    /// 401 to every key but the one that the secret has by then.
    Rotated,
    /// 403 to the key that the secret has.
    WrongKey,
    /// The connection is reset before the request is read.
    ResetBefore,
    /// It is closed after the whole request was read, and the logs are not taken.
    ResetAfter,
    /// The same, but the logs are taken; the first time only.
    TakenThenReset,
    /// The logs are taken, and no answer comes.
    TakenThenSilence,
    /// The answer comes byte by byte, so far apart.
    Drip(Duration),
    /// This is not the intake's address.
    Address(&'static str),
    /// TLS is expected, and something else speaks.
    Tls,
    /// 503, and so says SQS.
    QueueDown,
    /// The process is killed while requests are under way.
    Killed,
    /// The logs' times are ahead, and the intake answers 202 and drops what is too far ahead, as Datadog does.
    Ahead(Duration),
}

pub(super) const FAULTS: [(&str, Fault); 30] = [
    ("202", Fault::None),
    ("200 with a page of HTML", Fault::Page),
    ("302", Fault::Status(302, None)),
    ("400", Fault::Status(400, None)),
    ("401, then the key that was rotated", Fault::Rotated),
    ("403, the key is wrong", Fault::WrongKey),
    ("403 for one log", Fault::Disliked),
    ("404", Fault::Status(404, None)),
    ("408", Fault::Status(408, None)),
    ("413 until it is split", Fault::TooLarge),
    ("415, then gzip", Fault::GzipOnly),
    ("429, `Retry-After: 1`, then 202", Fault::Once(429, Some("1"))),
    ("429, `Retry-After: 60`", Fault::Status(429, Some("60"))),
    ("429 without `Retry-After`", Fault::Status(429, None)),
    ("500", Fault::Status(500, None)),
    ("502", Fault::Status(502, None)),
    ("503", Fault::Status(503, None)),
    ("503, then 202", Fault::Once(503, None)),
    ("503, `Retry-After: 3600`", Fault::Status(503, Some("3600"))),
    ("reset before the request is read", Fault::ResetBefore),
    ("reset after the body, not taken", Fault::ResetAfter),
    ("reset after the body, taken", Fault::TakenThenReset),
    ("taken, and never answered", Fault::TakenThenSilence),
    ("slow drip, in time", Fault::Drip(Duration::from_millis(2))),
    ("slow drip, not in time", Fault::Drip(Duration::from_millis(200))),
    ("DNS: no such host", Fault::Address("http://intake.invalid")),
    ("TLS: no TLS there", Fault::Tls),
    ("503, and the queue is down", Fault::QueueDown),
    ("process killed in mid-send", Fault::Killed),
    ("the logs' clock is 9 h ahead", Fault::Ahead(Duration::from_secs(9 * 3600))),
];

/// How far ahead a log may be. Source: Datadog, "Log Date Remapper".
const MOST_AHEAD_MS: i64 = 2 * 3600 * 1000;

impl Fault {
    /// Whether the function is told of all that the intake takes: else logs may arrive twice.
    pub(super) fn is_answered(self) -> bool {
        match self {
            Fault::TakenThenReset | Fault::TakenThenSilence | Fault::Killed => false,
            Fault::Drip(wait) => wait < Duration::from_millis(100),
            _ => true,
        }
    }

    /// How far the logs' times are ahead, in milliseconds.
    pub(super) fn ahead_ms(self) -> i64 {
        match self {
            Fault::Ahead(time) => i64::try_from(time.as_millis()).unwrap(),
            _ => 0,
        }
    }

    /// What the intake does with a request that begins with this log, and did so often before.
    pub(super) fn reply(self, arrival: &Arrival, size: Size, before: usize) -> Reply {
        let is_key = |key| arrival.headers["dd-api-key"] == key;
        let is_hit = ids(&arrival.items).next().is_some_and(|first| (first / PAYLOAD).is_multiple_of(EVERY));
        match self {
            Fault::Rotated if is_key("first") => Reply::Status(401, None),
            Fault::WrongKey if is_key("first") => Reply::Status(403, None),
            Fault::Disliked if ids(&arrival.items).any(|id| id == DISLIKED) => Reply::Status(403, None),
            Fault::GzipOnly if arrival.headers.get("content-encoding").is_none_or(|name| name != "gzip") => {
                Reply::Status(415, None)
            }
            Fault::Ahead(_) if is_too_far_ahead(arrival) => Reply::Status(202, None),
            _ if !is_hit => Reply::Judge,
            Fault::Page => Reply::Page(200),
            Fault::Status(code, after) => Reply::Status(code, after.map(str::to_owned)),
            Fault::Once(code, after) if before == 0 => Reply::Status(code, after.map(str::to_owned)),
            Fault::TooLarge if arrival.items.len() * 2 > size.payload() => Reply::Status(413, None),
            Fault::ResetAfter => Reply::HangUp,
            Fault::TakenThenReset if before == 0 => Reply::Unanswered { hangs_up: true },
            Fault::TakenThenSilence => Reply::Unanswered { hangs_up: false },
            Fault::QueueDown => Reply::Status(503, None),
            Fault::Killed => Reply::Silence,
            _ => Reply::Judge,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Small,
    Large,
}

impl Size {
    pub(super) fn name(self) -> &'static str {
        match self {
            Size::Small => "5 logs",
            Size::Large => "20 payloads",
        }
    }

    pub(super) fn logs(self) -> usize {
        match self {
            Size::Small => 5,
            Size::Large => 20 * PAYLOAD,
        }
    }

    /// How many logs its payloads carry.
    pub(super) fn payload(self) -> usize {
        self.logs().min(PAYLOAD)
    }

    /// How many payloads are hit.
    pub(super) fn hit(self) -> usize {
        self.logs().div_ceil(PAYLOAD).div_ceil(EVERY)
    }

    /// What Lambda gives an invocation; the large event needs some of it before its first request, in a debug build. The
    /// longest is what a machine may need that has much else to do.
    pub(super) fn times(self) -> [Duration; 3] {
        match self {
            Size::Small => [3, 10, 30],
            Size::Large => [10, 30, 90],
        }
        .map(Duration::from_secs)
    }
}

fn is_too_far_ahead(arrival: &Arrival) -> bool {
    let most = testkit::events::now() + MOST_AHEAD_MS;
    arrival.items.iter().any(|log| log["timestamp"].as_i64().is_some_and(|time| time > most))
}

/// The numbers of logs.
pub(super) fn ids(logs: &[Value]) -> impl Iterator<Item = usize> {
    logs.iter().map(|log| log["id"].as_str().unwrap().parse().unwrap())
}
