//! Queues of SQS and a bucket of S3 on loopback, as far as the forwarder uses them: what was sent, what was hidden, and how it
//! went wrong.
//!
//! Nothing but the standard library. That the real protocol is spoken is what `scripts/e2e` asks moto.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How the endpoint behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// 500, each time.
    Down,
    /// 403.
    Denied,
    /// Never answers.
    Silent,
    /// Takes so many messages, then is down.
    TakesOnly(usize),
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The queue's name.
    pub queue: String,
    pub body: String,
    pub delay: u64,
    pub reason: Option<String>,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    sent: Vec<Sent>,
    /// Receipt handles and seconds.
    hidden: Vec<(String, u64)>,
    objects: HashMap<String, Vec<u8>>,
    /// Authorization headers.
    signed: Vec<String>,
}

/// A running endpoint. Its thread ends with the test's process.
pub struct Aws {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Aws {
    pub fn start(mood: Mood) -> Aws {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let empty = State { mood, sent: Vec::new(), hidden: Vec::new(), objects: HashMap::new(), signed: Vec::new() };
        let state = Arc::new(Mutex::new(empty));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = shared.clone();
                thread::spawn(move || while serve(&stream, &state).is_some() {});
            }
        });
        Aws { address, state }
    }

    /// The variables that lead the forwarder here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let url = |name: &str| format!("http://{}/111122223333/{name}", self.address);
        vec![
            ("PODFERRY_UNDELIVERED_QUEUE_URL", url("undelivered")),
            ("PODFERRY_DEAD_LETTER_QUEUE_URL", url("dead")),
            ("AWS_ENDPOINT_URL_S3", format!("http://{}", self.address)),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]
    }

    pub fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        self.state.lock().unwrap().objects.insert(path.to_owned(), bytes);
    }

    /// What was sent to a queue.
    pub fn sent(&self, queue: &str) -> Vec<Sent> {
        self.state.lock().unwrap().sent.iter().filter(|sent| sent.queue == queue).cloned().collect()
    }

    /// Takes all messages out of a queue.
    pub fn take(&self, queue: &str) -> Vec<Sent> {
        let mut state = self.state.lock().unwrap();
        let (taken, kept) = std::mem::take(&mut state.sent).into_iter().partition(|sent| sent.queue == queue);
        state.sent = kept;
        taken
    }

    pub fn hidden(&self) -> Vec<(String, u64)> {
        self.state.lock().unwrap().hidden.clone()
    }

    pub fn signed(&self) -> Vec<String> {
        self.state.lock().unwrap().signed.clone()
    }
}

/// Serves one request; `None` when the connection is over.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (status, answer) = answer(&path, &headers, &body, state)?;
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len()).ok()?;
    stream.write_all(&answer).ok()
}

fn answer(path: &str, headers: &HashMap<String, String>, body: &[u8], state: &Mutex<State>) -> Option<(u16, Vec<u8>)> {
    let mood = state.lock().ok()?.mood;
    let error = |status, code: &str| Some((status, json!({ "__type": code }).to_string().into_bytes()));
    match mood {
        Mood::Silent => loop {
            thread::park_timeout(Duration::from_secs(60));
        },
        Mood::Down => return error(500, "com.amazonaws.sqs#InternalError"),
        Mood::Denied => return error(403, "com.amazonaws.sqs#AccessDeniedException"),
        Mood::Well | Mood::TakesOnly(_) => {}
    }
    let mut state = state.lock().ok()?;
    state.signed.extend(headers.get("authorization").cloned());
    let Some(target) = headers.get("x-amz-target") else {
        return match state.objects.get(path) {
            Some(object) => Some((200, object.clone())),
            None => Some((404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec())),
        };
    };
    let request: Value = serde_json::from_slice(body).ok()?;
    let queue = request["QueueUrl"].as_str()?.rsplit('/').next()?.to_owned();
    if target == "AmazonSQS.ChangeMessageVisibility" {
        let hidden = (request["ReceiptHandle"].as_str()?.to_owned(), request["VisibilityTimeout"].as_u64()?);
        state.hidden.push(hidden);
        return Some((200, Vec::new()));
    }
    if matches!(mood, Mood::TakesOnly(count) if state.sent.len() >= count) {
        return error(500, "com.amazonaws.sqs#InternalError");
    }
    let text = request["MessageBody"].as_str()?.to_owned();
    if text.len() > 1_048_576 {
        return error(400, "com.amazonaws.sqs#InvalidMessageContents");
    }
    let reason = request["MessageAttributes"]["podferry_reason"]["StringValue"].as_str().map(str::to_owned);
    let delay = request["DelaySeconds"].as_u64().filter(|delay| *delay <= 900)?;
    state.sent.push(Sent { queue, body: text, delay, reason });
    Some((200, json!({ "MessageId": "m", "MD5OfMessageBody": "x" }).to_string().into_bytes()))
}

/// The event of a queue whose messages have these bodies; each was handed out `receive_count` times.
pub fn sqs_event(bodies: &[&str], receive_count: u32) -> Vec<u8> {
    let records: Vec<Value> = (1..)
        .zip(bodies)
        .map(|(number, body)| {
            json!({
                "messageId": format!("m-{number}"), "receiptHandle": format!("r-{number}"), "body": body,
                "attributes": { "ApproximateReceiveCount": receive_count.to_string() }, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:undelivered",
                "awsRegion": "eu-west-1",
            })
        })
        .collect();
    json!({ "Records": records }).to_string().into_bytes()
}
