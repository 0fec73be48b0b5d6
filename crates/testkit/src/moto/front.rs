//! What stands before moto for one account: it lets calls fail as AWS lets them fail, answers what moto cannot, counts, and
//! passes on the rest.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use crate::http::{self, Answer, Closed, header};

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

pub(super) type ScriptedAnswer = Box<dyn Fn(&Value) -> (u16, Value) + Send>;

#[derive(Default)]
pub(super) struct AccountScript {
    /// By action; how, and how many more times.
    pub(super) faults: HashMap<String, (Fault, usize)>,
    pub(super) scripted_answers: HashMap<String, ScriptedAnswer>,
    /// Actions and bodies, as far as they are JSON (else the queries), of all calls of podferry.
    pub(super) calls: Vec<(String, Value)>,
}

#[derive(Clone)]
pub(super) struct MotoFront {
    pub(super) moto: SocketAddr,
    pub(super) account: String,
    pub(super) script: Arc<Mutex<AccountScript>>,
}

impl MotoFront {
    /// One request; then the connection is closed, as moto's server does.
    pub(super) async fn serve(self, request: Request<Bytes>) -> Result<Answer, Closed> {
        let mut answer = match self.scripted(&action(&request), &request) {
            Some(scripted) => scripted?,
            None => pass_on(self.moto, &self.account, request).await.map_err(|_| Closed)?.map(Into::into),
        };
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(answer)
    }

    fn scripted(&self, action: &str, request: &Request<Bytes>) -> Option<Result<Answer, Closed>> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_else(|_| query(request));
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

/// What a call without a body asks for, by the names of the parameters.
fn query(request: &Request<Bytes>) -> Value {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

/// What moto answers for an account.
pub(super) async fn pass_on(
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
                match one.as_array().filter(|_| name == "Timestamps") {
                    Some(times) => write_times(times, out),
                    None => write_cbor(one, out),
                }
            }
        }
    }
}

/// Seconds since 1970, each with the tag of a time. Source: RFC 8949, section 3.4.2.
fn write_times(times: &[Value], out: &mut Vec<u8>) {
    out.push(4 << 5 | 27);
    out.extend(u64::try_from(times.len()).unwrap().to_be_bytes());
    for time in times {
        out.push(0xc1);
        write_cbor(time, out);
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
