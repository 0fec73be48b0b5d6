//! A stand-in for Lambda's runtime API, and the real forwarder running against it.
//!
//! Source: AWS, "Using the Lambda runtime API for custom runtimes".

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use hyper::Request;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::http::{self, Answer, Closed, HttpServer};

/// How long to wait for the forwarder before a test is given up.
const PATIENCE: Duration = Duration::from_secs(180);

/// A call of the forwarder to the API.
#[derive(Debug)]
pub enum RuntimeCall {
    /// It asks for the next event; the moment at which it did.
    Next(Instant),
    Response(Value),
    Error(Value),
    InitError(Value),
}

/// An event to hand out, and the time until its deadline.
type Invocation = (Vec<u8>, Duration);

/// The forwarder that the tests run: the one of the variable `PODFERRY_FORWARDER`, a path from the project's folder, or else the
/// one that Cargo has `built` for them. So the tests can run what is shipped: the release build of this package alone.
#[expect(clippy::disallowed_methods, reason = "which forwarder is tested is no setting of podferry")]
pub fn forwarder_program(built: &str) -> PathBuf {
    let chosen = std::env::var_os("PODFERRY_FORWARDER").filter(|path| !path.is_empty());
    chosen.map_or_else(|| built.into(), |path| Path::new(crate::ROOT).join(path))
}

/// The forwarder as a process. It ends when this is dropped.
pub struct ForwarderProcess {
    pub child: Child,
    pub started: Instant,
    stdout: Option<BufReader<ChildStdout>>,
    events: UnboundedSender<Invocation>,
    calls: Receiver<RuntimeCall>,
    _server: HttpServer,
}

impl Drop for ForwarderProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl ForwarderProcess {
    /// Starts [`forwarder_program`] with these variables and no others.
    pub fn start(built: &str, variables: &[(&str, &str)]) -> ForwarderProcess {
        let (events, to_hand_out) = unbounded_channel();
        let (record, calls) = channel();
        let to_hand_out = Arc::new(tokio::sync::Mutex::new(to_hand_out));
        let server = HttpServer::start(move |request| answer(request, to_hand_out.clone(), record.clone()));
        let program = forwarder_program(built);
        let mut command = Command::new(&program);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", server.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "forwarder")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let stdout = child.stdout.take().map(BufReader::new);
        ForwarderProcess { child, started, stdout, events, calls, _server: server }
    }

    /// The next call that it makes.
    pub fn next_call(&self) -> RuntimeCall {
        self.calls.recv_timeout(PATIENCE).expect("the forwarder says nothing")
    }

    /// Waits until it asks for an event; how long that took from its start.
    pub fn wait_for_next(&self) -> Duration {
        match self.next_call() {
            RuntimeCall::Next(at) => at.duration_since(self.started),
            other => panic!("{other:?}"),
        }
    }

    /// Hands an event out to a forwarder that has asked for one.
    pub fn hand_out(&self, event: &[u8], time: Duration) {
        self.events.send((event.to_vec(), time)).unwrap();
    }

    /// Hands an event out, and waits for what the forwarder says and for its next request.
    pub fn invoke(&self, event: &[u8], time: Duration) -> Result<Value, Value> {
        self.hand_out(event, time);
        let answer = match self.next_call() {
            RuntimeCall::Response(answer) => Ok(answer),
            RuntimeCall::Error(error) => Err(error),
            other => panic!("{other:?}"),
        };
        self.wait_for_next();
        answer
    }

    /// The line of metrics of an invocation that has ended; those of several come one after the other. Empty once nothing more
    /// comes.
    pub fn metrics(&mut self) -> Value {
        let lines = self.stdout.as_mut().expect("the output was thrown away").lines().map_while(Result::ok);
        let mut values = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        values.find(|value| !value["_aws"].is_null()).unwrap_or_default()
    }

    /// Throws away what it writes to its standard output: one that writes much and is not read stands still.
    pub fn discard_output(&mut self) {
        if let Some(mut stdout) = self.stdout.take() {
            thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        }
    }

    /// Ends it and gives all that it wrote.
    pub fn output(mut self) -> String {
        let _ = self.child.kill();
        let mut all = String::new();
        if let Some(mut stdout) = self.stdout.take() {
            stdout.read_to_string(&mut all).unwrap();
        }
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut all).unwrap();
        }
        all
    }
}

/// The paths of the API, and what each call is.
async fn answer(
    request: Request<Bytes>,
    events: Arc<tokio::sync::Mutex<UnboundedReceiver<Invocation>>>,
    record: Sender<RuntimeCall>,
) -> Result<Answer, Closed> {
    let path = request.uri().path();
    if path.ends_with("/invocation/next") {
        record.send(RuntimeCall::Next(Instant::now())).map_err(|_| Closed)?;
        let (event, time) = events.lock().await.recv().await.ok_or(Closed)?;
        return Ok(invocation(event, time));
    }
    let json = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    let call = if path.ends_with("/init/error") {
        RuntimeCall::InitError(json)
    } else if path.ends_with("/error") {
        RuntimeCall::Error(json)
    } else {
        RuntimeCall::Response(json)
    };
    record.send(call).map_err(|_| Closed)?;
    Ok(http::answer(202, ""))
}

fn invocation(event: Vec<u8>, time: Duration) -> Answer {
    let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + time;
    let mut answer = http::answer(200, event);
    for (name, value) in [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", &deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", crate::events::ARN),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
    ] {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}
