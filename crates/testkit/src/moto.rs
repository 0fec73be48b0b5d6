//! An AWS account on loopback: `moto_server`, and a front before it that lets calls fail as AWS lets them fail, stands in for what
//! moto cannot do, and counts.
//!
//! The tests of one binary share one moto, each with an account of its own (moto takes the account's number from a header, which
//! the front adds), so that they need no order and no reset. Whoever drops the last account ends moto.
//!
//! Where there is no moto, [`TestAccount::start`] says so and gives `None`, and the test is over; with `PODFERRY_REQUIRE_MOTO=1`
//! it fails instead.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use crate::http::{self, Answer, Closed, HttpServer, header};

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

type ScriptedAnswer = Box<dyn Fn(&Value) -> (u16, Value) + Send>;

#[derive(Default)]
struct AccountScript {
    /// By action; how, and how many more times.
    faults: HashMap<String, (Fault, usize)>,
    scripted_answers: HashMap<String, ScriptedAnswer>,
    /// Actions and bodies, as far as they are JSON, of all calls of podferry.
    calls: Vec<(String, Value)>,
}

/// An AWS account of a test.
pub struct TestAccount {
    /// 12 digits.
    pub id: String,
    /// Where podferry reaches it.
    pub url: String,
    script: Arc<Mutex<AccountScript>>,
    _server: HttpServer,
    moto: Arc<Moto>,
}

impl TestAccount {
    /// An account with nothing in it; `None` where there is no moto.
    pub fn start() -> Option<TestAccount> {
        static NEXT: AtomicU64 = AtomicU64::new(111_122_220_001);
        let moto = Moto::shared()?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let script = Arc::new(Mutex::new(AccountScript::default()));
        let front = MotoFront { moto: moto.address, account: id.clone(), script: script.clone() };
        let server = HttpServer::start(move |request| front.clone().serve(request));
        Some(TestAccount { id, url: server.url(), script, _server: server, moto })
    }

    /// Lets the next `times` calls of an action (`logs:PutSubscriptionFilter`) fail; `usize::MAX` is for ever.
    pub fn fault(&self, action: &str, fault: Fault, times: usize) {
        self.script.lock().unwrap().faults.insert(action.to_owned(), (fault, times));
    }

    /// Answers an action of a service instead of moto: a status, and a body, which goes out as JSON, or as CBOR where the service
    /// speaks that (moto does not: so for all of CloudWatch's metrics). A text goes out as it is, for services that speak XML.
    pub fn stand_in(&self, action: &str, answer: impl Fn(&Value) -> (u16, Value) + Send + 'static) {
        self.script.lock().unwrap().scripted_answers.insert(action.to_owned(), Box::new(answer));
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
        let mut request = self.request(service, REGION, method, path, kind, body);
        if let Some(target) = target {
            request.headers_mut().insert("x-amz-target", target.parse().unwrap());
        }
        let answer = self.answered(request);
        let text = String::from_utf8_lossy(answer.body());
        assert!(answer.status().is_success(), "{method} {path} {target:?}: {} {text}", answer.status());
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or_default() }
    }

    /// A request as if it were signed, which moto does not check: it only reads the service and the region.
    fn request(
        &self,
        service: &str,
        region: &str,
        method: &str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Request<Bytes> {
        let scope = format!("AKIDEXAMPLE/20250101/{region}/{service}/aws4_request");
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.moto.address.to_string())
            .header(CONTENT_TYPE, content_type)
            .header(AUTHORIZATION, format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
            .body(body.into())
            .unwrap()
    }

    fn answered(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (moto, account) = (self.moto.address, self.id.clone());
        let (sender, receiver) = std::sync::mpsc::channel();
        http::runtime().spawn(async move { sender.send(pass_on(moto, &account, request).await) });
        receiver.recv().unwrap().unwrap()
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
        let trust: String = trust.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        let body = format!("Action=CreateRole&Version=2010-05-08&RoleName=forwarder&AssumeRolePolicyDocument={trust}");
        // A second time it is there already.
        self.answered(self.request("iam", "us-east-1", "POST", "/", "application/x-www-form-urlencoded", body));
        format!("arn:aws:iam::{}:role/forwarder", self.id)
    }
}

/// Base64 of a ZIP file without files.
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

// --- the front ---

#[derive(Clone)]
struct MotoFront {
    moto: SocketAddr,
    account: String,
    script: Arc<Mutex<AccountScript>>,
}

impl MotoFront {
    /// One request; then the connection is closed, as moto's server does.
    async fn serve(self, request: Request<Bytes>) -> Result<Answer, Closed> {
        let mut answer = match self.scripted(&action(&request), &request) {
            Some(scripted) => scripted?,
            None => pass_on(self.moto, &self.account, request).await.map_err(|_| Closed)?.map(Into::into),
        };
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(answer)
    }

    fn scripted(&self, action: &str, request: &Request<Bytes>) -> Option<Result<Answer, Closed>> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let mut script = self.script.lock().unwrap();
        script.calls.push((action.to_owned(), body.clone()));
        if let Some((fault, times)) = script.faults.get_mut(action)
            && *times > 0
        {
            *times -= 1;
            return Some(refusal(*fault, request.headers()));
        }
        let (status, answer) = script.scripted_answers.get(action)?(&body);
        if let Value::String(text) = &answer {
            return Some(Ok(answer_of(status, "text/xml", "", text.clone())));
        }
        if speaks_cbor(request.headers()) {
            return Some(Ok(answer_of(status, "application/cbor", "", cbor(&answer))));
        }
        Some(Ok(answer_of(status, "application/x-amz-json-1.1", "", answer.to_string())))
    }
}

/// What moto answers for an account.
async fn pass_on(
    moto: SocketAddr,
    account: &str,
    mut request: Request<Bytes>,
) -> Result<Response<Bytes>, http::SendError> {
    let headers = request.headers_mut();
    // The body is whole: how it came does not matter any more.
    headers.remove(TRANSFER_ENCODING);
    headers.insert("x-moto-account-id", account.parse()?);
    let mut answer = http::send(moto, request).await?;
    // The server says itself how the answer comes.
    for name in [TRANSFER_ENCODING, CONTENT_LENGTH] {
        answer.headers_mut().remove(name);
    }
    Ok(answer)
}

/// `logs:PutSubscriptionFilter`, as IAM would have it, from whatever protocol the service speaks.
fn action(request: &Request<Bytes>) -> String {
    let scope = header(request.headers(), "authorization").split('/').nth(3).unwrap_or("sts");
    let service = if scope == "monitoring" { "cloudwatch" } else { scope };
    let body = String::from_utf8_lossy(request.body());
    let path = request.uri().path();
    let of_target = header(request.headers(), "x-amz-target").rsplit('.').next().filter(|name| !name.is_empty());
    let of_path = path.rsplit_once("/operation/").map(|(_, operation)| operation);
    let of_form = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let operation = of_target.or(of_path).or(of_form).unwrap_or_else(|| of_rest(request.method().as_str(), path));
    format!("{service}:{operation}")
}

/// Source: AWS Lambda API reference.
fn of_rest(method: &str, path: &str) -> &'static str {
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
fn refusal(fault: Fault, headers: &HeaderMap) -> Result<Answer, Closed> {
    if fault == Fault::Closed {
        return Err(Closed);
    }
    let (status, code, message) = fault.parts();
    if header(headers, "content-type").starts_with("application/x-www-form-urlencoded") {
        let text = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        );
        return Ok(answer_of(status, "text/xml", code, text));
    }
    if speaks_cbor(headers) {
        let body = cbor(&json!({ "__type": code, "message": message }));
        return Ok(answer_of(status, "application/cbor", code, body));
    }
    let body = json!({ "__type": code, "message": message, "Message": message }).to_string();
    Ok(answer_of(status, "application/x-amz-json-1.1", code, body))
}

/// Source: Smithy, "Smithy RPC v2 CBOR protocol".
fn speaks_cbor(headers: &HeaderMap) -> bool {
    headers.contains_key("smithy-protocol")
}

/// JSON as CBOR, with every length and number in its longest form. Source: RFC 8949, section 3.1.
fn cbor(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_cbor(value, &mut out);
    out
}

fn write_cbor(value: &Value, out: &mut Vec<u8>) {
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
            all.iter().for_each(|one| write_cbor(one, out));
        }
        Value::Object(all) => {
            head(5, all.len());
            for (name, one) in all {
                write_cbor(&name.as_str().into(), out);
                write_cbor(one, out);
            }
        }
    }
}

fn answer_of(status: u16, content_type: &'static str, code: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = http::answer(status, body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if content_type.ends_with("cbor") {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    if !code.is_empty() {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    answer
}
