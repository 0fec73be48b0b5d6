//! Queues of SQS, a bucket of S3 and a secret on loopback, as far as the forwarder uses them: what was sent, what was hidden,
//! and how it went wrong. And the mapping by which Lambda hands the messages of a queue back to the function.
//!
//! Nothing but the standard library. That the real protocol is spoken is what `scripts/e2e` asks moto.

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
    /// The API key in Secrets Manager.
    secret: String,
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
        let state = State {
            mood,
            sent: Vec::new(),
            hidden: Vec::new(),
            objects: HashMap::new(),
            secret: String::new(),
            signed: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = shared.clone();
                // Or an answer that is written in pieces waits for the other side's timer.
                let _ = stream.set_nodelay(true);
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
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{}", self.address)),
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

    /// Changes the secret.
    pub fn set_secret(&self, secret: &str) {
        self.state.lock().unwrap().secret = secret.to_owned();
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
    if target == "secretsmanager.GetSecretValue" {
        return Some((200, json!({ "SecretString": state.secret }).to_string().into_bytes()));
    }
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
    let message = |(number, body): (usize, &&str)| Message { number, body: (*body).to_owned(), receive_count };
    sqs_event_of(&(1..).zip(bodies).map(message).collect::<Vec<_>>())
}

/// A message on its way through the mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub number: usize,
    pub body: String,
    pub receive_count: u32,
}

impl Message {
    fn id(&self) -> String {
        format!("m-{}", self.number)
    }
}

fn sqs_event_of(messages: &[Message]) -> Vec<u8> {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id(), "receiptHandle": format!("r-{}", message.number), "body": message.body,
                "attributes": { "ApproximateReceiveCount": message.receive_count.to_string() }, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:undelivered",
                "awsRegion": "eu-west-1",
            })
        })
        .collect();
    json!({ "Records": records }).to_string().into_bytes()
}

/// How many messages an invocation gets, and how many bytes of them: `template.yaml`, and AWS, "Lambda quotas", 6 MB.
const BATCH: (usize, usize) = (10, 6_000_000);

/// Lambda's event source mapping of a queue, without its clock: what is hidden is handed out in the next round.
#[derive(Debug, Default)]
pub struct Mapping {
    waiting: Vec<Message>,
    count: usize,
}

impl Mapping {
    /// Adds a message.
    pub fn add(&mut self, body: String) {
        self.count += 1;
        self.waiting.push(Message { number: self.count, body, receive_count: 0 });
    }

    /// Takes what is in a queue.
    pub fn fill(&mut self, aws: &Aws, queue: &str) {
        aws.take(queue).into_iter().for_each(|sent| self.add(sent.body));
    }

    /// The messages that wait.
    pub fn waiting(&self) -> &[Message] {
        &self.waiting
    }

    /// The next batch, and the event that hands it out; `None` if nothing waits.
    pub fn next(&mut self) -> Option<(Vec<Message>, Vec<u8>)> {
        let mut bytes = 0;
        let fits = |message: &&Message| {
            bytes += message.body.len();
            bytes <= BATCH.1
        };
        let count = self.waiting.iter().take(BATCH.0).take_while(fits).count();
        let mut batch: Vec<Message> = self.waiting.drain(..count).collect();
        batch.iter_mut().for_each(|message| message.receive_count += 1);
        let event = sqs_event_of(&batch);
        (!batch.is_empty()).then_some((batch, event))
    }

    /// What the function answered: the messages that it names go back, or all if it failed. How many those are.
    pub fn answered(&mut self, batch: Vec<Message>, answer: Option<&Value>) -> usize {
        let failures = answer.map(|answer| answer["batchItemFailures"].as_array().expect("no batch").as_slice());
        let stays = |message: &Message| match failures {
            Some(failures) => failures.iter().any(|failure| failure["itemIdentifier"] == message.id().as_str()),
            None => true,
        };
        let before = self.waiting.len();
        self.waiting.extend(batch.into_iter().filter(stays));
        self.waiting.len() - before
    }
}
