//! An AWS account on loopback: `moto_server`, and a front before it that lets calls fail as AWS lets them fail, stands in for what
//! moto cannot do, and counts.
//!
//! The tests of one binary share one moto, each with an account of its own (moto takes the account's number from a header, which
//! the front adds), so that they need no order and no reset. Whoever drops the last account ends moto.
//!
//! Where there is no moto, [`TestAccount::start`] says so and gives `None`, and the test is over; with `PODFERRY_REQUIRE_MOTO=1`
//! it fails instead.

mod front;
mod server;

pub use front::Fault;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::http::{self, HttpServer};
use front::{AccountScript, MotoFront, pass_on};
use server::Moto;

pub const REGION: &str = "eu-west-1";

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
