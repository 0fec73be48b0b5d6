//! One request to Datadog's log intake, and what its answer means.
//!
//! Source: Datadog API reference, "Send logs"; headers as DataDog/datadog-agent and DataDog/datadog-serverless-functions
//! send them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::civil::DateTime;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use pipeline::batch::Payload;

/// How much of an answer is read before the connection is used again. Only whether it begins like a page is looked at: it may
/// repeat a customer's text.
const MAX_ANSWER_BYTES: usize = 65_536;

/// How much of an answer tells whether it is a page.
/// Source: WHATWG, "MIME Sniffing", 7, the resource header.
const SNIFFED_BYTES: usize = 1_445;

/// No longer wait is taken from the intake. The logs wait in the queue then, whose own waits are no longer either
/// (`lambda::queue`); and Datadog takes logs of the last 18 hours, so a date that is far off would cost their time stamps.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What asks whether a key is accepted, and holds no log. Source: DataDog/datadog-agent, pkg/logs/client/http/destination.go,
/// `CheckConnectivity`; vectordotdev/vector takes it as a sign of life, too (src/sources/datadog_agent/logs.rs).
const NO_LOGS: &[u8] = b"{}";

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
    /// 415: the same logs, compressed otherwise, may do.
    EncodingRefused,
    /// 401, 403: the key was not accepted, or somebody in between does not like the logs.
    KeyRefused(u16),
    /// 400: the same request would get the same answer.
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
    #[error("the answer was {0}, which the intake never gives")]
    Unexpected(u16),
    /// A page instead of an acceptance.
    #[error("the answer was a page of HTML, which the intake never gives")]
    Html,
}

impl IntakeProblem {
    /// Whether somebody else than the intake seems to have answered.
    pub(crate) fn is_unexpected(self) -> bool {
        matches!(self, IntakeProblem::Unexpected(_) | IntakeProblem::Html)
    }
}

impl Intake {
    /// `url` is the whole address, path and all.
    pub fn new(client: Client, url: String) -> Intake {
        Intake { client, url }
    }

    /// Posts a payload once and waits for the answer, no longer than `timeout`.
    pub(crate) async fn post(&self, payload: &Payload, key: &SecretString, timeout: Duration) -> IntakeAnswer {
        self.send(payload.body.clone(), payload.compression.content_encoding(), key, timeout).await
    }

    /// Asks whether the key is accepted, with a request that holds no log.
    pub(crate) async fn ask(&self, key: &SecretString, timeout: Duration) -> IntakeAnswer {
        self.send(Bytes::from_static(NO_LOGS), None, key, timeout).await
    }

    async fn send(
        &self,
        body: Bytes,
        encoding: Option<&'static str>,
        key: &SecretString,
        timeout: Duration,
    ) -> IntakeAnswer {
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
            .body(body);
        if let Some(encoding) = encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        match request.send().await {
            Ok(mut response) => {
                let (head, is_whole) = drained(&mut response).await;
                if !is_whole && response.status().is_success() && is_html(response.headers()) {
                    // A page that breaks off is a page.
                    return IntakeAnswer::Retry { problem: IntakeProblem::Html, after: None };
                }
                judge(response.status(), response.headers(), &head)
            }
            // Also where the name or the connection took too long: then nothing was sent.
            Err(error) if error.is_connect() => IntakeAnswer::Retry { problem: IntakeProblem::Connection, after: None },
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

/// Reads an answer to its end, so that the connection can serve the next payload. Gives its beginning behind blanks, and whether it
/// came to its end, or far enough.
async fn drained(response: &mut Response) -> (Vec<u8>, bool) {
    let mut head = Vec::new();
    let mut read = 0;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let begun = if head.is_empty() { chunk.trim_ascii_start() } else { &chunk };
                head.extend(begun.iter().take(SNIFFED_BYTES - head.len()));
                read += chunk.len();
                if read > MAX_ANSWER_BYTES {
                    return (head, true);
                }
            }
            Ok(None) => return (head, true),
            // What breaks off was answered all the same: the status had come.
            Err(_) => return (head, false),
        }
    }
}

fn judge(status: StatusCode, headers: &HeaderMap, head: &[u8]) -> IntakeAnswer {
    let code = status.as_u16();
    let problem = match code {
        // Also with 400, as nginx has it where plain HTTP comes to its HTTPS port: the intake answers in JSON.
        200..=299 | 400 if is_page(headers, head) => IntakeProblem::Html,
        // Not only 202: others that stand behind DD_URL, such as Vector, answer 200 or 204.
        200..=299 => return IntakeAnswer::Accepted,
        400 => return IntakeAnswer::Refused(code),
        401 | 403 => return IntakeAnswer::KeyRefused(code),
        413 => return IntakeAnswer::TooLarge,
        415 => return IntakeAnswer::EncodingRefused,
        408 | 429 | 500..=599 => IntakeProblem::Status(code),
        // The intake's documented answers are those above. So another one is a proxy's or some other middlebox's, which will not
        // stand in the way for ever: nothing is known of the logs by it.
        _ => IntakeProblem::Unexpected(code),
    };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // By the peer's own clock where it says what that is: ours may be wrong.
    let now = text(DATE).and_then(http_date).unwrap_or_else(SystemTime::now);
    IntakeAnswer::Retry { problem, after: text(RETRY_AFTER).and_then(|value| retry_after(value, now)) }
}

/// Whether an answer is a page: of a captive portal, or of a firewall that refuses with 200. The type alone does not make one:
/// what people write to stand behind DD_URL says `ok`, and Flask and Express call that text/html.
fn is_page(headers: &HeaderMap, head: &[u8]) -> bool {
    // Nobody asked for an encoding, and what is encoded cannot be looked at.
    let is_encoded =
        headers.get(CONTENT_ENCODING).is_some_and(|encoding| !encoding.is_empty() && encoding != "identity");
    // Of UTF-16 every second byte is zero here.
    let plain: Vec<u8> = head.iter().copied().filter(|byte| *byte != 0).collect();
    let head = BYTE_ORDER_MARKS.iter().find_map(|mark| plain.strip_prefix(*mark)).unwrap_or(&plain).trim_ascii_start();
    let head = behind_declaration(head);
    let begins_with = |tag: &&str| {
        head.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()))
            && head.get(tag.len()).is_none_or(|next| matches!(next, b' ' | b'>' | b'\t' | b'\n' | b'\r'))
    };
    let has_tag = || head.windows(2).any(|pair| pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || pair[1] == b'!'));
    (is_html(headers) && (is_encoded || has_tag())) || PAGE_BEGINS.iter().any(begins_with)
}

fn is_html(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"].iter().any(|html| media_type.eq_ignore_ascii_case(html))
}

/// Of UTF-8, and of UTF-16 in both orders.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

/// What stands behind `<?xml … ?>`.
fn behind_declaration(head: &[u8]) -> &[u8] {
    if !head.starts_with(b"<?xml") {
        return head;
    }
    let end = head.windows(2).position(|pair| pair == b"?>").map_or(head.len(), |at| at + 2);
    head.get(end..).unwrap_or_default().trim_ascii_start()
}

/// How a page begins, in any case. Source: WHATWG, "MIME Sniffing", 7.1, of which these are the likely ones.
const PAGE_BEGINS: [&str; 9] =
    ["<!doctype html", "<html", "<head", "<body", "<script", "<style", "<title", "<meta", "<!--"];

/// Seconds, or a date; at most [`MAX_RETRY_AFTER`]. Parts of a second are rounded up: some write them. Source: RFC 9110, section 10.2.3.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let (whole, part) = value.split_once('.').unwrap_or((value, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(whole) && is_number(part) {
        // What is too large for a number is a long time.
        let seconds: u64 = whole.parse().unwrap_or(u64::MAX);
        let more = u64::from(part.bytes().any(|digit| digit != b'0'));
        return Some(Duration::from_secs(seconds.saturating_add(more)).min(MAX_RETRY_AFTER));
    }
    // A date that has passed means: now.
    let wait = http_date(value)?.duration_since(now).unwrap_or_default();
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Source: RFC 9110, section 5.6.7: the form that all have to write, and the two that all have to read. Then the first with other names
/// of the same zone, as e-mail has it and some write.
fn http_date(value: &str) -> Option<SystemTime> {
    let forms = [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
        "%a, %d %b %Y %H:%M:%S UTC",
        "%a, %d %b %Y %H:%M:%S +0000",
    ];
    // Not as a `Timestamp`: the last day of 9999, which some write for `never`, is beyond its end.
    let date = forms.iter().find_map(|form| DateTime::strptime(form, value.trim()).ok())?;
    let since = date.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from(since).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn every_status_has_its_meaning() {
        let meaning = |code| judge(StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), b"{}");
        let retried = |problem| IntakeAnswer::Retry { problem, after: None };
        for code in 100..1000 {
            let expected = match code {
                200..=299 => IntakeAnswer::Accepted,
                400 => IntakeAnswer::Refused(400),
                401 | 403 => IntakeAnswer::KeyRefused(code),
                413 => IntakeAnswer::TooLarge,
                415 => IntakeAnswer::EncodingRefused,
                408 | 429 | 500..=599 => retried(IntakeProblem::Status(code)),
                _ => retried(IntakeProblem::Unexpected(code)),
            };
            assert_eq!(meaning(code), expected);
        }
    }

    #[test]
    fn a_page_is_no_acceptance_and_anything_else_with_2xx_is() {
        let answer = |media_type, body: &[u8]| {
            let headers = headers(&[("content-type", media_type)]);
            judge(StatusCode::OK, &headers, body)
        };
        let page = IntakeAnswer::Retry { problem: IntakeProblem::Html, after: None };
        for (media_type, body) in [
            ("text/html", "<p>Please sign in"),
            ("Text/HTML; charset=utf-8", " <x>"),
            ("application/xhtml+xml", "<x/>"),
            ("application/json", "<!DOCTYPE html><html>"),
            ("", "\u{feff} \r\n\t<HTML>"),
            ("text/plain", "<html lang=\"en\">"),
            ("text/plain", "<html"),
            ("", "<!-- page --><html>"),
            ("", "<script>location='…'</script>"),
            ("text/html", "Access denied by web filter. <br>"),
            ("application/xml", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\">"),
        ] {
            assert_eq!(answer(media_type, body.as_bytes()), page, "{media_type} {body}");
        }
        for (media_type, body) in [
            ("application/json", "{}"),
            ("text/plain", "OK"),
            ("", ""),
            ("text/html", ""),
            ("text/html; charset=utf-8", "ok"),
            ("text/html", " \n"),
            ("text/plain", "<htmlx>"),
            ("application/json", "{\"x\":\"<html>\"}"),
            ("application/xml", "<?xml version=\"1.0\"?><ok/>"),
        ] {
            assert_eq!(answer(media_type, body.as_bytes()), IntakeAnswer::Accepted, "{media_type} {body}");
        }
    }

    #[test]
    fn a_page_that_cannot_be_read_is_one_and_so_is_one_with_400() {
        let page = IntakeAnswer::Retry { problem: IntakeProblem::Html, after: None };
        for encoding in ["gzip", "br"] {
            let encoded = headers(&[("content-type", "text/html"), ("content-encoding", encoding)]);
            assert_eq!(judge(StatusCode::OK, &encoded, b"\x1f\x8b"), page);
            let json = headers(&[("content-type", "application/json"), ("content-encoding", encoding)]);
            assert_eq!(judge(StatusCode::OK, &json, b"\x1f\x8b"), IntakeAnswer::Accepted);
        }
        let html = headers(&[("content-type", "text/html")]);
        assert_eq!(judge(StatusCode::BAD_REQUEST, &html, b"<html><h1>400 Bad Request</h1>"), page);
        assert_eq!(judge(StatusCode::BAD_REQUEST, &html, b"bad"), IntakeAnswer::Refused(400));
        for utf16 in [&b"\xff\xfe<\0h\0t\0m\0l\0>\0"[..], b"\xfe\xff\0<\0h\0t\0m\0l\0>"] {
            assert_eq!(judge(StatusCode::OK, &HeaderMap::new(), utf16), page);
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sunday, 06-Nov-94 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun Nov  6 08:50:37 1994", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 +0000", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 UTC", now), Some(Duration::from_secs(60)));
        for (value, seconds) in [("1.5", 2), ("60.0", 60), ("0.001", 1)] {
            assert_eq!(retry_after(value, now), Some(Duration::from_secs(seconds)), "{value}");
        }
        for value in ["", "soon", "-1", "1.", ".5", "1.5.0", "+5", "0x10", "1e3", "٣"] {
            assert_eq!(retry_after(value, now), None, "{value}");
        }
    }

    #[test]
    fn a_wait_that_is_absurd_is_capped() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("3599", 3599),
            ("3600", 3600),
            ("3601", 3600),
            ("31536000", 3600),
            ("18446744073709551616", 3600),
            ("99999999999999999999999999", 3600),
            ("Sun, 06 Nov 1994 09:49:36 GMT", 3599),
            ("Sun, 06 Nov 1994 09:49:38 GMT", 3600),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ] {
            assert_eq!(retry_after(value, now), Some(Duration::from_secs(seconds)), "{value}");
        }
    }

    #[test]
    fn a_date_is_measured_by_the_clock_of_who_sends_it() {
        let late = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")];
        let answer = judge(StatusCode::SERVICE_UNAVAILABLE, &headers(&late), b"");
        let after = Some(Duration::from_secs(60));
        assert_eq!(answer, IntakeAnswer::Retry { problem: IntakeProblem::Status(503), after });
    }
}
