//! A stand-in for Lambda's runtime API, and the real forwarder running against it.
//!
//! Source: AWS, "Using the Lambda runtime API for custom runtimes". Nothing but the standard library, so the test needs
//! nothing but Rust.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

/// How long to wait for the forwarder before a test is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the forwarder told the runtime.
#[derive(Debug)]
pub enum Told {
    /// It asks for the next event; the moment at which it did.
    Next(Instant),
    Response(Value),
    Error(Value),
    InitError(Value),
}

/// An event to hand out, and the time until its deadline.
type Event = (Vec<u8>, Duration);

/// The forwarder as a process. It ends when this is dropped.
pub struct Forwarder {
    pub child: Child,
    pub started: Instant,
    events: Sender<Event>,
    told: Receiver<Told>,
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Forwarder {
    /// Starts `binary` with these variables and no others.
    pub fn start(binary: &str, variables: &[(&str, &str)]) -> Forwarder {
        let (events, to_hand_out) = channel();
        let (tell, told) = channel();
        let address = serve(Arc::new(Mutex::new(to_hand_out)), tell);
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "forwarder")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("{binary}: {error}"));
        Forwarder { child, started, events, told }
    }

    /// The next thing that it tells.
    pub fn told(&self) -> Told {
        self.told.recv_timeout(PATIENCE).expect("the forwarder says nothing")
    }

    /// Waits until it asks for an event; how long that took from its start.
    pub fn wait_for_next(&self) -> Duration {
        match self.told() {
            Told::Next(at) => at.duration_since(self.started),
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
        let answer = match self.told() {
            Told::Response(answer) => Ok(answer),
            Told::Error(error) => Err(error),
            other => panic!("{other:?}"),
        };
        self.wait_for_next();
        answer
    }

    /// Throws away what it writes to its standard output: one that writes much and is not read stands still.
    pub fn discard_output(&mut self) {
        if let Some(mut stdout) = self.child.stdout.take() {
            thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        }
    }

    /// Ends it and gives all that it wrote.
    pub fn output(mut self) -> String {
        let _ = self.child.kill();
        let mut all = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut all).unwrap();
        }
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut all).unwrap();
        }
        all
    }
}

fn serve(events: Arc<Mutex<Receiver<Event>>>, tell: Sender<Told>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (events, tell) = (events.clone(), tell.clone());
            // Or an answer that is written in pieces waits for the other side's timer.
            let _ = stream.set_nodelay(true);
            // A connection ends with the forwarder, or with the test.
            thread::spawn(move || while answer(&stream, &events, &tell).is_some() {});
        }
    });
    address
}

/// Answers one request; `None` when the connection is over.
fn answer(stream: &TcpStream, events: &Mutex<Receiver<Event>>, tell: &Sender<Told>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let json = || serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut stream = stream;
    if path.ends_with("/invocation/next") {
        tell.send(Told::Next(Instant::now())).ok()?;
        let (event, time) = events.lock().ok()?.recv().ok()?;
        let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()? + time;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
             lambda-runtime-deadline-ms: {}\r\nlambda-runtime-invoked-function-arn: {}\r\n\
             lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\ncontent-length: {}\r\n\r\n",
            deadline.as_millis(),
            crate::events::ARN,
            event.len()
        )
        .ok()?;
        return stream.write_all(&event).ok();
    }
    let told = if path.ends_with("/init/error") {
        Told::InitError(json())
    } else if path.ends_with("/error") {
        Told::Error(json())
    } else {
        Told::Response(json())
    };
    stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").ok()?;
    tell.send(told).ok()
}
