//! One request to Datadog's log intake, and what its answer means.
//!
//! Source: Datadog API reference, "Send logs"; headers as DataDog/datadog-agent and DataDog/datadog-serverless-functions
//! send them.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use pipeline::batch::Payload;

/// How much of an answer is read before the connection is used again. What it says is never looked at: it may repeat
/// a customer's text.
const MAX_ANSWER_BYTES: usize = 65_536;

/// The log intake.
#[derive(Debug, Clone)]
pub struct Intake {
    client: Client,
    url: String,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntakeAnswer {
    /// 2xx: the logs are Datadog's now.
    Accepted,
    /// It may pass: ask again, not before the time given.
    Retry { problem: IntakeProblem, after: Option<Duration> },
    /// 413: the same logs in smaller requests may do.
    TooLarge,
    /// 401, 403: the key was not accepted.
    KeyRefused(u16),
    /// Any other answer: the same request would get the same.
    Refused(u16),
}

/// Why a request may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum IntakeProblem {
    #[error("the intake answered {0}")]
    Status(u16),
    #[error("the intake did not answer in time")]
    Timeout,
    #[error("the intake could not be reached")]
    Connection,
    /// A status that the intake has no use for: a proxy, or whatever else stands in between, has answered.
    #[error("{0} was answered, which is no answer of the intake's")]
    Unexpected(u16),
    /// A page instead of an acceptance.
    #[error("a page of HTML was answered, which is no answer of the intake's")]
    Html,
}

impl Intake {
    /// `url` is the whole address, path and all.
    pub fn new(client: Client, url: String) -> Intake {
        Intake { client, url }
    }

    /// Posts a payload once and waits for the answer, no longer than `timeout`.
    pub(crate) async fn post(&self, payload: &Payload, key: &SecretString, timeout: Duration) -> IntakeAnswer {
        // The key was checked when it was read, so this cannot fail; if it did, the key is no key.
        let Ok(mut api_key) = HeaderValue::from_str(key.expose_secret()) else {
            return IntakeAnswer::KeyRefused(StatusCode::UNAUTHORIZED.as_u16());
        };
        api_key.set_sensitive(true);
        let mut request = self
            .client
            .post(&self.url)
            .headers(constant_headers())
            .header("DD-API-KEY", api_key)
            .timeout(timeout)
            .body(payload.body.clone());
        if let Some(encoding) = payload.compression.content_encoding() {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        match request.send().await {
            Ok(mut response) => {
                let answer = judge(response.status(), response.headers());
                let mut read = 0;
                // So that the connection can serve the next payload.
                while let Ok(Some(chunk)) = response.chunk().await {
                    read += chunk.len();
                    if read > MAX_ANSWER_BYTES {
                        break;
                    }
                }
                answer
            }
            Err(error) if error.is_timeout() => IntakeAnswer::Retry { problem: IntakeProblem::Timeout, after: None },
            Err(_) => IntakeAnswer::Retry { problem: IntakeProblem::Connection, after: None },
        }
    }
}

fn constant_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("DD-EVP-ORIGIN", HeaderValue::from_static("podferry"));
    headers.insert("DD-EVP-ORIGIN-VERSION", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    // Lets Datadog add the log group's own tags, where its AWS integration collects them.
    headers.insert("DD-STORAGE-TAG", HeaderValue::from_static("cloudwatch"));
    headers
}

fn judge(status: StatusCode, headers: &HeaderMap) -> IntakeAnswer {
    let code = status.as_u16();
    match code {
        200..=299 => IntakeAnswer::Accepted,
        401 | 403 => IntakeAnswer::KeyRefused(code),
        413 => IntakeAnswer::TooLarge,
        408 | 429 | 500..=599 => {
            let after = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, SystemTime::now()));
            IntakeAnswer::Retry { problem: IntakeProblem::Status(code), after }
        }
        _ => IntakeAnswer::Refused(code),
    }
}

/// Seconds, or a date. Source: RFC 9110, section 10.2.3.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    // A date that has passed means: now.
    Some(SystemTime::from(date).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        let meaning = |code| judge(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
        for code in [200, 202, 204, 299] {
            assert_eq!(meaning(code), IntakeAnswer::Accepted);
        }
        for code in [408, 429, 500, 502, 503, 504, 599] {
            assert_eq!(meaning(code), IntakeAnswer::Retry { problem: IntakeProblem::Status(code), after: None });
        }
        for code in [401, 403] {
            assert_eq!(meaning(code), IntakeAnswer::KeyRefused(code));
        }
        assert_eq!(meaning(413), IntakeAnswer::TooLarge);
        for code in [301, 400, 402, 404, 405, 415, 422] {
            assert_eq!(meaning(code), IntakeAnswer::Refused(code));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        for value in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(value, now), None, "{value}");
        }
    }
}
