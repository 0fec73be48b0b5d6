//! Queues of SQS, a bucket of S3 and a secret on loopback, as far as the forwarder uses them: what was sent, what was hidden,
//! and how it went wrong.
//!
//! That the real protocol is spoken is what `scripts/e2e` asks moto.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::Request;
use serde_json::{Value, json};

use crate::http::{Answer, Closed, HttpServer, answer, header};

/// How the endpoint behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsBehavior {
    Healthy,
    /// 500, each time.
    Down,
    /// 403.
    Denied,
    /// Never answers.
    Silent,
    /// Takes so many messages, then is down.
    TakesOnly(usize),
    /// Somebody else answers 200 with this, and takes no message.
    SaysOnly(&'static str),
    /// Takes no message for the queue of this name.
    TakesNoneFor(&'static str),
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentMessage {
    /// The queue's name.
    pub queue: String,
    pub body: String,
    pub delay: u64,
    pub reason: Option<String>,
}

#[derive(Debug)]
struct AwsState {
    behavior: AwsBehavior,
    sent: Vec<SentMessage>,
    /// Receipt handles and seconds.
    hidden: Vec<(String, u64)>,
    objects: HashMap<String, Vec<u8>>,
    /// The API key in Secrets Manager.
    secret: String,
    /// Authorization headers.
    signed: Vec<String>,
}

/// A running endpoint.
pub struct AwsStandIn {
    server: HttpServer,
    state: Arc<Mutex<AwsState>>,
}

impl AwsStandIn {
    pub fn start(behavior: AwsBehavior) -> AwsStandIn {
        let state = AwsState {
            behavior,
            sent: Vec::new(),
            hidden: Vec::new(),
            objects: HashMap::new(),
            secret: String::new(),
            signed: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let server = HttpServer::start(move |request| {
            let state = shared.clone();
            async move {
                let behavior = state.lock().unwrap().behavior;
                match behavior {
                    AwsBehavior::Silent => std::future::pending().await,
                    AwsBehavior::Down => Ok(error(500, "com.amazonaws.sqs#InternalError")),
                    AwsBehavior::Denied => Ok(error(403, "com.amazonaws.sqs#AccessDeniedException")),
                    AwsBehavior::TakesOnly(count) => state.lock().unwrap().answer(&request, count).ok_or(Closed),
                    AwsBehavior::Healthy | AwsBehavior::SaysOnly(_) | AwsBehavior::TakesNoneFor(_) => {
                        state.lock().unwrap().answer(&request, usize::MAX).ok_or(Closed)
                    }
                }
            }
        });
        AwsStandIn { server, state }
    }

    /// The variables that lead the forwarder here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let url = |name: &str| format!("{}/111122223333/{name}", self.server.url());
        vec![
            ("PODFERRY_UNDELIVERED_QUEUE_URL", url("undelivered")),
            ("PODFERRY_DEAD_LETTER_QUEUE_URL", url("dead")),
            ("AWS_ENDPOINT_URL_S3", self.server.url()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.server.url()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]
    }

    pub fn set(&self, behavior: AwsBehavior) {
        self.state.lock().unwrap().behavior = behavior;
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        self.state.lock().unwrap().objects.insert(path.to_owned(), bytes);
    }

    /// Changes the secret.
    pub fn set_secret(&self, secret: &str) {
        self.state.lock().unwrap().secret = secret.to_owned();
    }

    /// What was sent to a queue.
    pub fn sent(&self, queue: &str) -> Vec<SentMessage> {
        self.state.lock().unwrap().sent.iter().filter(|sent| sent.queue == queue).cloned().collect()
    }

    /// Takes all messages out of a queue.
    pub fn take(&self, queue: &str) -> Vec<SentMessage> {
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

impl AwsState {
    /// Answers while fewer than `most` messages were sent; nothing where the request is not one of the forwarder's.
    fn answer(&mut self, request: &Request<Bytes>, most: usize) -> Option<Answer> {
        self.signed.extend(Some(header(request.headers(), "authorization").to_owned()).filter(|text| !text.is_empty()));
        match header(request.headers(), "x-amz-target") {
            "" => Some(match self.objects.get(request.uri().path()) {
                Some(object) => answer(200, object.clone()),
                None => answer(404, "<Error><Code>NoSuchKey</Code></Error>"),
            }),
            "secretsmanager.GetSecretValue" => Some(answer(200, json!({ "SecretString": self.secret }).to_string())),
            "AmazonSQS.ChangeMessageVisibility" => self.hide(&serde_json::from_slice(request.body()).ok()?),
            _ if self.sent.len() >= most => Some(error(500, "com.amazonaws.sqs#InternalError")),
            _ => self.send(&serde_json::from_slice(request.body()).ok()?),
        }
    }

    fn hide(&mut self, request: &Value) -> Option<Answer> {
        self.hidden.push((request["ReceiptHandle"].as_str()?.to_owned(), request["VisibilityTimeout"].as_u64()?));
        Some(answer(200, ""))
    }

    fn send(&mut self, request: &Value) -> Option<Answer> {
        let queue = request["QueueUrl"].as_str()?.rsplit('/').next()?.to_owned();
        if matches!(self.behavior, AwsBehavior::TakesNoneFor(name) if name == queue) {
            return Some(error(403, "com.amazonaws.sqs#AccessDeniedException"));
        }
        if let AwsBehavior::SaysOnly(answered) = self.behavior {
            return Some(answer(200, answered));
        }
        let body = request["MessageBody"].as_str()?.to_owned();
        if body.len() > 1_048_576 {
            return Some(error(400, "com.amazonaws.sqs#InvalidMessageContents"));
        }
        let reason = request["MessageAttributes"]["podferry_reason"]["StringValue"].as_str().map(str::to_owned);
        let delay = request["DelaySeconds"].as_u64().filter(|delay| *delay <= 900)?;
        self.sent.push(SentMessage { queue, body, delay, reason });
        Some(answer(200, json!({ "MessageId": "m", "MD5OfMessageBody": "x" }).to_string()))
    }
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, json!({ "__type": code }).to_string())
}
