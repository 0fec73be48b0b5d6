//! An AWS account on loopback: `moto_server`, and a front before it that lets calls fail as AWS lets them fail, stands in for what
//! moto cannot do, and counts.
//!
//! The tests of one binary share one moto, each with an account of its own (moto takes the account's number from a header, which
//! the front adds), so that they need no order and no reset. Whoever drops the last account ends moto.
//!
//! Where there is no moto, [`TestAccount::start`] says so and gives `None`, and the test is over; with `PODFERRY_REQUIRE_MOTO=1`
//! it fails instead.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use serde_json::{Value, json};

pub const REGION: &str = "eu-west-1";

// --- moto ---

/// A running moto. It ends when this is dropped, and when the test's process ends in any other way: its shell then finds its
/// input closed.
struct Moto {
    address: SocketAddr,
    shell: Child,
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Ends the server when the input ends.
const SHELL: &str = r#""$0" -H 127.0.0.1 -p 0 & server=$!; read -r end; kill "$server"; wait "$server""#;

impl Moto {
    /// The moto that the tests of this binary share.
    fn shared() -> Option<Arc<Moto>> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(moto) = shared.upgrade() {
            return Some(moto);
        }
        let moto = Arc::new(Moto::start(&moto_server()?));
        *shared = Arc::downgrade(&moto);
        Some(moto)
    }

    /// On a port that the system chooses. It is ready when it says where it runs.
    fn start(program: &Path) -> Moto {
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(SHELL)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(shell.stderr.take().unwrap());
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "moto has not started: {all}");
            if let Some((_, address)) = line.split_once("Running on http://") {
                break address.trim().parse().unwrap();
            }
            all.push_str(&line);
        };
        // It logs every request, and would stop if nobody read that.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Moto { address, shell }
    }
}

/// From `PATH`, or from the environment that `.ci/run` makes.
fn moto_server() -> Option<PathBuf> {
    let of_ci = Path::new(crate::ROOT).join("target/ci-venv/bin");
    let path = variable("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([of_ci]);
    let found = places.map(|place| place.join("moto_server")).find(|program| program.is_file());
    if found.is_none() {
        let reason = "moto_server is neither on PATH nor in target/ci-venv/bin: `pip install 'moto[server]'`";
        assert!(variable("PODFERRY_REQUIRE_MOTO").is_none_or(|value| value != "1"), "{reason}");
        eprintln!("SKIPPED: {reason}");
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "where moto is, is no setting of podferry")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

// --- an account ---

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Throttled,
    Denied,
    Expired,
    /// A status, a code and a message.
    Other(u16, &'static str, &'static str),
    /// The connection is closed without an answer.
    Closed,
}

impl Fault {
    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Fault::Throttled => (400, "ThrottlingException", "Rate exceeded"),
            Fault::Denied => (403, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized to do that"),
            Fault::Expired => (400, "ExpiredTokenException", "The security token included in the request is expired"),
            Fault::Other(status, code, message) => (status, code, message),
            Fault::Closed => (0, "", ""),
        }
    }
}

type StandIn = Box<dyn Fn(&Value) -> (u16, Value) + Send>;

#[derive(Default)]
struct Script {
    /// By action; how, and how many more times.
    faults: HashMap<String, (Fault, usize)>,
    stand_ins: HashMap<String, StandIn>,
    /// Actions and bodies, as far as they are JSON, of all calls of podferry.
    calls: Vec<(String, Value)>,
}

/// An AWS account of a test.
pub struct TestAccount {
    /// 12 digits.
    pub id: String,
    /// Where podferry reaches it.
    pub url: String,
    script: Arc<Mutex<Script>>,
    moto: Arc<Moto>,
}

impl TestAccount {
    /// An account with nothing in it; `None` where there is no moto.
    pub fn start() -> Option<TestAccount> {
        static NEXT: AtomicU64 = AtomicU64::new(111_122_220_001);
        let moto = Moto::shared()?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let front = Front { moto: moto.address, account: id.clone(), script: script.clone() };
        // The thread ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let front = front.clone();
                // A connection that breaks is a matter of who has opened it.
                thread::spawn(move || front.serve(stream));
            }
        });
        Some(TestAccount { id, url, script, moto })
    }

    /// Lets the next `times` calls of an action (`logs:PutSubscriptionFilter`) fail; `usize::MAX` is for ever.
    pub fn fault(&self, action: &str, fault: Fault, times: usize) {
        self.script.lock().unwrap().faults.insert(action.to_owned(), (fault, times));
    }

    /// Answers an action of a service instead of moto: a status, and a body, which goes out as JSON, or as CBOR where the service
    /// speaks that (moto does not: so for all of CloudWatch's metrics). A text goes out as it is, for services that speak XML.
    pub fn stand_in(&self, action: &str, answer: impl Fn(&Value) -> (u16, Value) + Send + 'static) {
        self.script.lock().unwrap().stand_ins.insert(action.to_owned(), Box::new(answer));
    }

    /// How often podferry has called an action, failed calls too.
    pub fn count(&self, action: &str) -> usize {
        self.bodies(action).len()
    }

    /// What podferry has called an action with.
    pub fn bodies(&self, action: &str) -> Vec<Value> {
        let script = self.script.lock().unwrap();
        script.calls.iter().filter(|(called, _)| called == action).map(|(_, body)| body.clone()).collect()
    }

    /// The actions that podferry has called, in order, since the last time this was asked.
    pub fn take_actions(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().calls).into_iter().map(|(action, _)| action).collect()
    }

    /// The variables that lead podferry here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// The real command (`program`), which finds this account and nothing else in its environment.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.variables()).stdin(Stdio::null());
        command
    }

    /// A call of the test itself, past the front: a service, what stands before the dot of `X-Amz-Target` and the operation.
    pub fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        self.send(service, "POST", "/", Some(target), body)
    }

    /// The same for Lambda, which has paths.
    pub fn rest(&self, service: &str, method: &str, path: &str, body: &Value) -> Value {
        self.send(service, method, path, None, body)
    }

    fn send(&self, service: &str, method: &str, path: &str, target: Option<&str>, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        // moto 5.2.5 finds no REST action for a request that says it is of the other protocol.
        let kind = if target.is_some() { "application/x-amz-json-1.1" } else { "application/json" };
        let target = target.map(|target| format!("x-amz-target: {target}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{target}content-type: {kind}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/{REGION}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\n",
            self.moto.address,
            body.len()
        );
        let answer = pass_on(self.moto.address, &self.id, &head, body.as_bytes()).unwrap();
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        assert!(status.starts_with('2'), "{method} {path} {target}: {text}");
        if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap_or_default() }
    }

    pub fn logs(&self, operation: &str, body: &Value) -> Value {
        self.call("logs", &format!("Logs_20140328.{operation}"), body)
    }

    pub fn sqs(&self, operation: &str, body: &Value) -> Value {
        self.call("sqs", &format!("AmazonSQS.{operation}"), body)
    }

    /// Makes a log group.
    pub fn group(&self, name: &str) {
        self.logs("CreateLogGroup", &json!({ "logGroupName": name }));
    }

    /// Makes a function with variables; its ARN.
    pub fn function(&self, name: &str, variables: &Value) -> String {
        let body = json!({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": self.role(),
            "Code": { "ZipFile": EMPTY_ZIP }, "Environment": { "Variables": variables },
        });
        let made = self.rest("lambda", "POST", "/2015-03-31/functions", &body);
        made["FunctionArn"].as_str().unwrap().to_owned()
    }

    /// A role for functions; its ARN.
    pub fn role(&self) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" }],
        });
        let form = [("Action", "CreateRole"), ("Version", "2010-05-08"), ("RoleName", "forwarder")];
        let form = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let trust: String = trust.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        let body = format!("{form}&AssumeRolePolicyDocument={trust}");
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/us-east-1/iam/aws4_request, SignedHeaders=host, \
             Signature=0\r\ncontent-length: {}\r\n",
            self.moto.address,
            body.len()
        );
        // A second time it is there already.
        pass_on(self.moto.address, &self.id, &head, body.as_bytes()).unwrap();
        format!("arn:aws:iam::{}:role/forwarder", self.id)
    }
}

/// Base64 of a ZIP file without files.
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

// --- the front ---

#[derive(Clone)]
struct Front {
    moto: SocketAddr,
    account: String,
    script: Arc<Mutex<Script>>,
}

struct Request {
    /// Request line and headers, without those about the connection and without the empty line at the end.
    head: String,
    body: Vec<u8>,
}

impl Front {
    /// One request; then the connection is closed, as moto's server does.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let request = read(&stream)?;
        let called = action(&request);
        let answer = self.scripted(&called, &request);
        let answer = match answer {
            Some(answer) => answer,
            None => pass_on(self.moto, &self.account, &request.head, &request.body).ok()?,
        };
        (&stream).write_all(&answer).ok()
    }

    fn scripted(&self, action: &str, request: &Request) -> Option<Vec<u8>> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let mut script = self.script.lock().unwrap();
        script.calls.push((action.to_owned(), body.clone()));
        if let Some((fault, times)) = script.faults.get_mut(action)
            && *times > 0
        {
            *times -= 1;
            return Some(refusal(*fault, request));
        }
        let (status, answer) = script.stand_ins.get(action)?(&body);
        if let Value::String(text) = &answer {
            return Some(answer_of(status, "text/xml", "", text.as_bytes()));
        }
        if header(&request.head, "smithy-protocol").is_some() {
            let mut bytes = Vec::new();
            cbor(&answer, &mut bytes);
            return Some(answer_of(status, "application/cbor", "", &bytes));
        }
        Some(answer_of(status, "application/x-amz-json-1.1", "", answer.to_string().as_bytes()))
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}

/// The whole answer of moto, which closes the connection after it.
fn pass_on(moto: SocketAddr, account: &str, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(moto)?;
    stream.write_all(format!("{head}x-moto-account-id: {account}\r\nconnection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// `logs:PutSubscriptionFilter`, as IAM would have it, from whatever protocol the service speaks.
fn action(request: &Request) -> String {
    let scope = header(&request.head, "authorization").and_then(|value| value.split('/').nth(3)).unwrap_or("sts");
    let service = if scope == "monitoring" { "cloudwatch" } else { scope };
    let body = String::from_utf8_lossy(&request.body);
    let mut line = request.head.lines().next().unwrap_or_default().split(' ');
    let (method, path) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    let of_target = header(&request.head, "x-amz-target").and_then(|target| target.rsplit('.').next());
    let of_path = path.rsplit_once("/operation/").map(|(_, operation)| operation);
    let of_form = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let operation = of_target.or(of_path).or(of_form).unwrap_or_else(|| of_rest(method, path));
    format!("{service}:{operation}")
}

/// Source: AWS Lambda API reference.
fn of_rest(method: &str, path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let after =
        path.split_once("/functions/").map_or("", |(_, rest)| rest.split_once('/').map_or("", |(_, rest)| rest));
    let is_mapping = path.contains("/event-source-mappings");
    let is_list = path.trim_end_matches('/').ends_with("/functions");
    match (method, after) {
        ("GET", _) if is_list => "ListFunctions",
        ("POST", _) if is_list => "CreateFunction",
        ("GET", _) if is_mapping => "ListEventSourceMappings",
        ("POST", _) if is_mapping => "CreateEventSourceMapping",
        ("GET", "") => "GetFunction",
        ("GET", "configuration") => "GetFunctionConfiguration",
        ("GET", "policy") => "GetPolicy",
        ("POST", "policy") => "AddPermission",
        ("DELETE", one) if one.starts_with("policy/") => "RemovePermission",
        ("POST", "invocations") => "InvokeFunction",
        ("GET", "event-invoke-config") => "GetFunctionEventInvokeConfig",
        _ => "unknown",
    }
}

/// An error in the protocol in which it was asked.
fn refusal(fault: Fault, request: &Request) -> Vec<u8> {
    let (status, code, message) = fault.parts();
    if fault == Fault::Closed {
        return Vec::new();
    }
    let json = json!({ "__type": code, "message": message, "Message": message }).to_string().into_bytes();
    let content_type = header(&request.head, "content-type").unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let text = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        );
        return answer_of(status, "text/xml", code, text.as_bytes());
    }
    if header(&request.head, "smithy-protocol").is_some() {
        let mut bytes = Vec::new();
        cbor(&json!({ "__type": code, "message": message }), &mut bytes);
        return answer_of(status, "application/cbor", code, &bytes);
    }
    answer_of(status, "application/x-amz-json-1.1", code, &json)
}

/// JSON as CBOR, with every length and number in its longest form. Source: RFC 8949, section 3.1.
fn cbor(value: &Value, out: &mut Vec<u8>) {
    let mut head = |major: u8, number: usize| {
        out.push(major << 5 | 27);
        out.extend(u64::try_from(number).unwrap().to_be_bytes());
    };
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(is_true) => out.push(0xf4 + u8::from(*is_true)),
        Value::Number(number) => {
            out.push(0xfb);
            out.extend(number.as_f64().unwrap().to_be_bytes());
        }
        Value::String(text) => {
            head(3, text.len());
            out.extend(text.as_bytes());
        }
        Value::Array(all) => {
            head(4, all.len());
            all.iter().for_each(|one| cbor(one, out));
        }
        Value::Object(all) => {
            head(5, all.len());
            for (name, one) in all {
                cbor(&name.as_str().into(), out);
                cbor(one, out);
            }
        }
    }
}

fn answer_of(status: u16, content_type: &str, code: &str, body: &[u8]) -> Vec<u8> {
    let protocol = if content_type.ends_with("cbor") { "smithy-protocol: rpc-v2-cbor\r\n" } else { "" };
    let code = if code.is_empty() { String::new() } else { format!("x-amzn-errortype: {code}\r\n") };
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\n{protocol}{code}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
