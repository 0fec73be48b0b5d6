//! CloudWatch Logs on loopback, as far as the forwarder reads it: `GetLogEvents` and `FilterLogEvents` over streams that a test filled, and how
//! both go wrong.
//!
//! That the real protocol is spoken is what `scripts/e2e` asks moto.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::Request;
use serde_json::{Value, json};

use crate::http::{Answer, Closed, HttpServer, answer, header};

/// How the endpoint behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogsBehavior {
    Healthy,
    Throttled,
    /// 400 `AccessDeniedException` for the operation of this name.
    Denied(&'static str),
    /// 500, each time.
    Down,
    /// Never answers.
    Silent,
    /// Somebody else answers 200 with this.
    Says(&'static str),
    /// An answer of so many bytes to the operation of this name.
    Gigantic(&'static str, usize),
    /// So many pages come empty, with a token, before the ones with events.
    EmptyFirst(usize),
}

/// By log group and stream: time in milliseconds since 1970, and text.
type Streams = BTreeMap<(String, String), Vec<(i64, String)>>;

#[derive(Debug)]
struct State {
    behavior: LogsBehavior,
    streams: Streams,
    calls: Vec<(String, Value)>,
    signed: Vec<String>,
}

/// A running endpoint.
pub struct LogsStandIn {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

impl LogsStandIn {
    pub fn start(behavior: LogsBehavior) -> LogsStandIn {
        let state = State { behavior, streams: Streams::new(), calls: Vec::new(), signed: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let server = HttpServer::start(move |request| {
            let answered = shared.lock().unwrap().answer(&request);
            async move {
                match answered {
                    Some(answered) => answered.ok_or(Closed),
                    None => std::future::pending().await,
                }
            }
        });
        LogsStandIn { server, state }
    }

    /// The variables that lead the forwarder here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", self.server.url()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn set(&self, behavior: LogsBehavior) {
        self.state.lock().unwrap().behavior = behavior;
    }

    /// Adds an event to a stream, which is made if it is not there. `time` is milliseconds since 1970.
    pub fn put(&self, group: &str, stream: &str, time: i64, message: &str) {
        let mut state = self.state.lock().unwrap();
        let events = state.streams.entry((group.to_owned(), stream.to_owned())).or_default();
        events.push((time, message.to_owned()));
        events.sort_by_key(|(time, _)| *time);
    }

    /// The calls so far: operation and request.
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Authorization headers.
    pub fn signed(&self) -> Vec<String> {
        self.state.lock().unwrap().signed.clone()
    }
}

impl State {
    /// `None`: never. `Some(None)`: the request is not one of the forwarder's.
    fn answer(&mut self, request: &Request<Bytes>) -> Option<Option<Answer>> {
        let operation = header(request.headers(), "x-amz-target").strip_prefix("Logs_20140328.").unwrap_or_default();
        let Ok(body) = serde_json::from_slice::<Value>(request.body()) else { return Some(None) };
        self.signed.push(header(request.headers(), "authorization").to_owned());
        self.calls.push((operation.to_owned(), body.clone()));
        Some(match self.behavior {
            LogsBehavior::Silent => return None,
            LogsBehavior::Throttled => Some(error(400, "ThrottlingException")),
            LogsBehavior::Down => Some(error(500, "InternalFailure")),
            LogsBehavior::Denied(denied) if denied == operation => Some(error(400, "AccessDeniedException")),
            LogsBehavior::Says(text) => Some(answer(200, text)),
            LogsBehavior::Gigantic(which, bytes) if which == operation => {
                let message = "x".repeat(bytes);
                Some(page(vec![json!({ "timestamp": 0, "message": message, "logStreamName": "s" })], json!({})))
            }
            LogsBehavior::EmptyFirst(pages) => {
                let number = body["nextToken"].as_str().and_then(|token| token.strip_prefix("empty-")?.parse().ok());
                let number: usize = number.unwrap_or(0);
                if number < pages {
                    let next = format!("empty-{}", number + 1);
                    Some(page(
                        vec![],
                        json!({ "nextForwardToken": next, "nextBackwardToken": next, "nextToken": next }),
                    ))
                } else {
                    self.events(operation, &body)
                }
            }
            _ => self.events(operation, &body),
        })
    }

    fn events(&self, operation: &str, body: &Value) -> Option<Answer> {
        let (group, limit) = (body["logGroupName"].as_str()?, usize::try_from(body["limit"].as_u64()?).ok()?);
        if !(1..=10_000).contains(&limit) {
            return Some(error(400, "InvalidParameterException"));
        }
        let (start, end) = (body["startTime"].as_i64().unwrap_or(0), body["endTime"].as_i64().unwrap_or(i64::MAX));
        let within = |time: i64| (start..end).contains(&time);
        match operation {
            "GetLogEvents" => {
                let stream = body["logStreamName"].as_str()?;
                let Some(events) = self.streams.get(&(group.to_owned(), stream.to_owned())) else {
                    return Some(error(400, "ResourceNotFoundException"));
                };
                let all: Vec<&(i64, String)> = events.iter().filter(|(time, _)| within(*time)).collect();
                let skipped = if body["startFromHead"] == json!(true) { 0 } else { all.len().saturating_sub(limit) };
                let shown = all.iter().skip(skipped).take(limit);
                let shown = shown
                    .map(|(time, message)| json!({ "timestamp": time, "message": message, "ingestionTime": time }));
                Some(page(shown.collect(), json!({ "nextForwardToken": "f/end", "nextBackwardToken": "b/end" })))
            }
            "FilterLogEvents" => {
                // The one pattern that is asked for.
                (body["filterPattern"] == json!("{ ($.log NOT EXISTS) && ($.stream NOT EXISTS) }")).then_some(())?;
                let lacks = |text: Value| text.is_object() && ["log", "stream"].iter().all(|name| text[name].is_null());
                let prefix = body["logStreamNamePrefix"].as_str().unwrap_or_default();
                let streams = self.streams.iter().filter(|((of, stream), _)| of == group && stream.starts_with(prefix));
                let mut found: Vec<(i64, Value)> = Vec::new();
                for ((_, stream), events) in streams {
                    for (time, message) in events.iter().filter(|(time, _)| within(*time)) {
                        if serde_json::from_str::<Value>(message).is_ok_and(lacks) {
                            found.push((
                                *time,
                                json!({ "logStreamName": stream, "timestamp": time, "message": message }),
                            ));
                        }
                    }
                }
                found.sort_by_key(|(time, _)| *time);
                let skipped =
                    body["nextToken"].as_str().and_then(|token| token.strip_prefix("from-")?.parse().ok()).unwrap_or(0);
                let shown: Vec<Value> =
                    found.iter().map(|(_, event)| event.clone()).skip(skipped).take(limit).collect();
                let next = skipped + shown.len();
                Some(page(
                    shown,
                    if next < found.len() { json!({ "nextToken": format!("from-{next}") }) } else { json!({}) },
                ))
            }
            _ => None,
        }
    }
}

fn page(events: Vec<Value>, tokens: Value) -> Answer {
    let mut page = tokens;
    page["events"] = json!(events);
    answer(200, page.to_string())
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, json!({ "__type": code, "message": "text" }).to_string())
}
