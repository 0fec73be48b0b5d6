//! Tells what a message of Fluent Bit's own log complains of.
//!
//! Nothing of a message is repeated but words of a form that names have: an action of AWS, an ARN, a host.

use serde_json::Value;

use super::fluent_bit_words::{FluentBitTrouble, trouble};
use manifests::cluster::is_name;

/// One message, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FluentBitSign {
    pub(crate) trouble: FluentBitTrouble,
    /// What it names: `logs:CreateLogStream on arn:aws:logs:…`, a host, a call.
    pub(crate) detail: Option<String>,
    /// An explicit deny, which no policy of the role overrides.
    pub(crate) is_explicit: bool,
}

/// How much of a message is looked at, in bytes. Fluent Bit's own lines are shorter; AWS's messages in them are some hundred.
const MOST: usize = 4096;

/// What a message of the log complains of, if it does.
#[must_use]
pub(crate) fn read(message: &str) -> Option<FluentBitSign> {
    // As the output writes it, in an object; or the line alone, with `log_key log`.
    let object: Option<Value> = message.starts_with('{').then(|| serde_json::from_str(message).ok()).flatten();
    let line = object.as_ref().and_then(|object| object["log"].as_str()).unwrap_or(message);
    let line = line.get(..line.floor_char_boundary(MOST)).unwrap_or_default();
    let trouble = trouble(line)?;
    let detail = match trouble {
        FluentBitTrouble::Denied => denied(line),
        FluentBitTrouble::Network => host(line),
        FluentBitTrouble::DestinationMissing | FluentBitTrouble::Refused | FluentBitTrouble::Throttled => call(line),
        _ => None,
    };
    Some(FluentBitSign { trouble, detail, is_explicit: line.contains("explicit deny") })
}

/// The word behind `before`, as far as its characters are such, and not too long.
fn word<'a>(line: &'a str, before: &str, is_inside: fn(char) -> bool, most: usize) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    let word = &rest[..rest.find(|character| !is_inside(character)).unwrap_or(rest.len())];
    (1..=most).contains(&word.len()).then_some(word)
}

/// `logs:CreateLogStream on arn:… for role X`. Source of the form: AWS, IAM User Guide, "Troubleshoot access denied error messages".
fn denied(line: &str) -> Option<String> {
    let action = word(line, "to perform: ", |it| it.is_ascii_alphanumeric() || it == ':', 80);
    let Some(action) = action.filter(|action| action.contains(':')) else { return call(line) };
    let is_of_arn = |it: char| it.is_ascii_alphanumeric() || ":/_.#*-".contains(it);
    let resource = word(line, "on resource: ", is_of_arn, 300).filter(|resource| resource.starts_with("arn:"));
    let is_of_role = |it: char| it.is_ascii_alphanumeric() || "+=,.@_-".contains(it);
    let role = word(line, ":assumed-role/", is_of_role, 64);
    let resource = resource.map(|resource| format!(" on {}", resource.trim_end_matches('.'))).unwrap_or_default();
    Some(format!("{action}{resource}{}", role.map(|role| format!(" for role {role}")).unwrap_or_default()))
}

/// The call that AWS answered with an error: `CreateLogGroup`.
fn call(line: &str) -> Option<String> {
    let (before, _) = line.split_once(" API responded with ")?;
    let call = before.rsplit(' ').next()?;
    ((1..=40).contains(&call.len()) && call.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| call.to_owned())
}

/// The host that has no address or does not answer.
fn host(line: &str) -> Option<String> {
    let is_of_host = |it: char| it.is_ascii_alphanumeric() || it == '.' || it == '-';
    let before = if line.contains("[upstream] connection #") { " to " } else { "getaddrinfo(host='" };
    let found = [before, "failed to: ", "seconds to: ", "lookup "]
        .iter()
        .find_map(|before| word(line, before, is_of_host, 253))?;
    (found.contains('.') && is_name(found)).then(|| found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use FluentBitTrouble::*;

    type Told = Option<(FluentBitTrouble, Option<&'static str>)>;

    /// Messages as cores and the Go plugin print them, and as people show them in public.
    const SEEN: [(&str, Told); 77] = [
        // cloudwatch_logs, of both cores.
        (
            r#"[2022/01/16 00:29:27] [error] [output:cloudwatch_logs:cloudwatch_logs.0] CreateLogStream API responded with error='AccessDeniedException', message='User: arn:aws:sts::111122223333:assumed-role/eks-fargate-pods/fargate-ip-10-0-1-2.ec2.internal is not authorized to perform: logs:CreateLogStream on resource: arn:aws:logs:eu-west-1:111122223333:log-group:/eks/prod:log-stream:x because no identity-based policy allows the logs:CreateLogStream action'"#,
            Some((
                Denied,
                Some(
                    "logs:CreateLogStream on arn:aws:logs:eu-west-1:111122223333:log-group:/eks/prod:log-stream:x for role eks-fargate-pods",
                ),
            )),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] PutRetentionPolicy API responded with error='AccessDeniedException'",
            Some((Denied, Some("PutRetentionPolicy"))),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] CreateLogGroup API responded with error='InvalidParameterException', message='geheim'",
            Some((Refused, Some("CreateLogGroup"))),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] PutRetentionPolicy API responded with error='InvalidParameterException'",
            Some((Refused, Some("PutRetentionPolicy"))),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] CreateLogGroup API responded with error='LimitExceededException'",
            Some((Throttled, Some("CreateLogGroup"))),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents API responded with error='ThrottlingException', message='Rate exceeded'",
            Some((Throttled, Some("PutLogEvents"))),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] Log Group geheim not found and `auto_create_group` disabled.",
            Some((DestinationMissing, None)),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] Log stream geheim not found. Rejecting the chunk without retry.",
            Some((Lost, None)),
        ),
        ("[error] [output:cloudwatch_logs:cloudwatch_logs.0] Failed to create log group", Some((Retried, None))),
        ("[error] [output:cloudwatch_logs:cloudwatch_logs.0] Failed to create log stream", Some((Retried, None))),
        ("[error] [output:cloudwatch_logs:cloudwatch_logs.0] Failed to send log events", Some((Retried, None))),
        ("[error] [output:cloudwatch_logs:cloudwatch_logs.0] Failed to send events", Some((Retried, None))),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] Could not find log_key 'log' in record",
            Some((LogKeyMissing, None)),
        ),
        (
            "[ warn] [output:cloudwatch_logs:cloudwatch_logs.0] [size=1000001] Truncating event which is larger than max size allowed by CloudWatch",
            Some((Truncated, None)),
        ),
        ("[ warn] [output:cloudwatch_logs:cloudwatch_logs.0] Discarding massive log record", Some((Lost, None))),
        ("[ warn] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents: Raw response: geheim", Some((Server, None))),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] Recieved code 200 but response was invalid, x-amzn-RequestId header not found",
            Some((Server, None)),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] 'region' is a required field",
            Some((Configuration, None)),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] Failed to create AWS Credential Provider",
            Some((Credentials, None)),
        ),
        ("[error] [output:cloudwatch_logs:cloudwatch_logs.0] Initialization failed", Some((Configuration, None))),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents API responded with error='UnrecognizedClientException'",
            Some((Credentials, None)),
        ),
        (
            "[ info] [output:cloudwatch_logs:cloudwatch_logs.0] Log Group /eks/prod not found. Will attempt to create it.",
            None,
        ),
        (
            "[ warn] [output:cloudwatch_logs:cloudwatch_logs.0] Log Group x already exists; Fluent Bit did not create this group",
            None,
        ),
        // The engine, inputs, the network, credentials.
        (
            "[ warn] [engine] failed to flush chunk '1-1642.flb', retry in 7 seconds: task_id=0, input=tail.0 > output=cloudwatch_logs.0 (out_id=0)",
            Some((Retried, None)),
        ),
        (
            "[error] [engine] chunk '1-1642.flb' cannot be retried: task_id=0, input=tail.0 > output=cloudwatch_logs.0",
            Some((Lost, None)),
        ),
        ("[ warn] [input] tail.0 paused (mem buf overlimit)", Some((MemoryFull, None))),
        (
            "[ warn] [net] getaddrinfo(host='logs.eu-wst-1.amazonaws.com', err=4): Domain name not found",
            Some((Network, Some("logs.eu-wst-1.amazonaws.com"))),
        ),
        ("[ warn] [net] getaddrinfo(host='$(reboot)', err=4)", Some((Network, None))),
        (
            "[error] [upstream] connection #59 to logs.eu-west-1.amazonaws.com:443 timed out after 10 seconds",
            Some((Network, Some("logs.eu-west-1.amazonaws.com"))),
        ),
        (
            "[error] [net] connection #59 timeout after 10 seconds to: logs.eu-west-1.amazonaws.com:443",
            Some((Network, Some("logs.eu-west-1.amazonaws.com"))),
        ),
        ("[error] [aws_credentials] STS assume role request failed", Some((Credentials, None))),
        ("[error] [aws_credentials] Could not read web identify token file", Some((Credentials, None))),
        (
            "[ warn] [aws_credentials] No cached credentials are available and a credential refresh is already in progress. The current co-routine will retry.",
            None,
        ),
        // Filters and parsers.
        ("[ warn] [filter:kubernetes:kubernetes.0] could not get meta for POD geheim", Some((Metadata, None))),
        ("[error] [filter:kubernetes:kubernetes.0] kube api upstream connection error", Some((Metadata, None))),
        ("[error] [config] cloudwatch_logs: unknown configuration property 'retention'", Some((Configuration, None))),
        ("[error] [filter:parser:parser.0] requested parser 'geheim' not found", Some((Configuration, None))),
        ("[error] [parser] cannot parse 'geheim'", Some((Parsing, None))),
        ("[ warn] [parser:docker] invalid time format %Y for 'geheim'", Some((Parsing, None))),
        ("[error] something that nobody has seen", Some((Other, None))),
        ("[ warn] something that nobody has seen", None),
        // As people show them: aws/aws-for-fluent-bit, issues 135, 155, 161, 251, 293, 410, 605, 872; fluent/fluent-bit, issues 4553, 5246,
        // 7803; aws-ia/terraform-aws-eks-blueprints, issue 24; terraform-aws-modules/terraform-aws-eks, issue 3397.
        ("[error] [aws_credentials] Could not read shared credentials file /root/.aws/credentials", None),
        ("[ warn] [imds] failed to retrieve metadata", None),
        ("[error] [signv4] Provider returned no credentials, service=logs", Some((Credentials, None))),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] CreateLogStream API responded with error='AccessDeniedException'",
            Some((Denied, Some("CreateLogStream"))),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] CreateLogGroup API responded with error='AccessDeniedException', message='The specified KMS key does not exist or is not allowed to be used with Arn'",
            Some((KeyDenied, None)),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.2] PutLogEvents API responded with error='ThrottlingException', message='Rate exceeded for logStreamName geheim'",
            Some((Throttled, Some("PutLogEvents"))),
        ),
        (
            "[ warn] [http_client] malformed HTTP response from logs.us-west-2.amazonaws.com:443 on connection #68",
            Some((Interrupted, None)),
        ),
        ("[error] [http_client] broken connection to logs.us-east-1.amazonaws.com:443 ?", Some((Interrupted, None))),
        ("[error] [/src/fluent-bit/src/flb_http_client.c:1231 errno=32] Broken pipe", Some((Interrupted, None))),
        ("[error] [tls] error: unexpected EOF", Some((Interrupted, None))),
        ("[error] [aws_client] connection initialization error", Some((Interrupted, None))),
        ("[2022/04/05 21:34:56] [engine] caught signal (SIGSEGV)", Some((Crashed, None))),
        ("[2022/04/05 21:34:56] [engine] caught signal (SIGTERM)", None),
        ("[ warn] [http_client] cannot increase buffer: current=4096 requested=36864 max=4096", Some((Metadata, None))),
        ("[error] Could not find sequence token in response: response body is empty", Some((Server, None))),
        (
            "[error] [upstream] connection #49 to 127.0.0.1:443 timed out after 10 seconds",
            Some((Network, Some("127.0.0.1"))),
        ),
        ("[ warn] [output:es:es.0] http_do=-1 URI=/_bulk", Some((Interrupted, None))),
        ("[error] [output:es:es.0] HTTP status=403 URI=/_bulk", Some((Denied, None))),
        (
            "[ warn] [output:kinesis_firehose:kinesis_firehose.0] [size=9] Discarding record which is larger than max size allowed by Firehose, geheim",
            Some((Lost, None)),
        ),
        ("[ warn] [filter] NO match rule for grep filter instance, unloading.", Some((Configuration, None))),
        // What is lost before anything is sent.
        (
            "[ warn] [input:tail:tail.0] file=/var/log/containers/geheim.log have long lines. Skipping long lines.",
            Some((Unread, None)),
        ),
        (
            "[error] [input:tail:tail.0] file=/var/log/containers/geheim.log requires a larger buffer size, lines are too long. Skipping file.",
            Some((Unread, None)),
        ),
        (
            "[ warn] [input:tail:tail.0] purged rotated file while data ingestion is paused, consider increasing rotate_wait",
            Some((Unread, None)),
        ),
        ("[ warn] [input:tail:tail.0] multiline message truncated due to buffer limit", None),
        (
            "[error] [engine_dispatch] could not retrieve chunk content, task_id=3 reached retry-attempts limit 1/1, dropping",
            Some((Lost, None)),
        ),
        (
            "[error] [input chunk] chunk validation failed, data might be corrupted. No valid records found, the chunk will be discarded.",
            Some((Lost, None)),
        ),
        (
            "[error] [input:emitter:re_emitted] emitter cycle detected: the filter attached to this emitter matches the records it emits (tag=geheim), the emission is rejected. Adjust the filter 'Match'",
            Some((Lost, None)),
        ),
        (
            "[ warn] [input] tail.0 paused (mem buf overlimit - event of size 2000000B exceeded limit 6000000 to 5000000B)",
            Some((MemoryFull, None)),
        ),
        ("[ warn] [input] tail.0 paused (storage buf overlimit 128/128)", Some((MemoryFull, None))),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] Could not complete PutLogEvents payload",
            Some((Retried, None)),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents API responded with error='InvalidSequenceTokenException', message='The given sequenceToken is invalid'",
            Some((SharedStream, None)),
        ),
        (
            "[ warn] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents API responded with error='DataAlreadyAcceptedException'",
            Some((SharedStream, None)),
        ),
        (
            "[error] [output:cloudwatch_logs:cloudwatch_logs.0] PutLogEvents API responded with code='AccessDeniedException', message='geheim'",
            Some((Denied, Some("PutLogEvents"))),
        ),
        // The Go plugin.
        (
            r#"time="2022-01-16T00:29:27Z" level=error msg="[cloudwatch 0] timeout threshold reached: Failed to send logs for 10m0s\n""#,
            Some((Crashed, None)),
        ),
        (
            r#"time="2022-01-16T00:29:27Z" level=error msg="[cloudwatch 0] AccessDeniedException: User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: logs:PutLogEvents on resource: arn:aws:logs:eu-west-1:1:log-group:x""#,
            Some((Denied, Some("logs:PutLogEvents on arn:aws:logs:eu-west-1:1:log-group:x for role a"))),
        ),
        (
            r#"time="2022-01-16T00:29:27Z" level=warning msg="[cloudwatch 0] 3 log events were marked as too old by CloudWatch\n""#,
            Some((TimesRefused, None)),
        ),
    ];

    #[test]
    fn what_messages_complain_of() {
        for (message, expected) in SEEN {
            let wrapped = serde_json::json!({ "log": message }).to_string();
            for text in [message, wrapped.as_str()] {
                let sign = read(text);
                let told = sign.as_ref().map(|sign| (sign.trouble, sign.detail.as_deref()));
                assert_eq!(told, expected, "{text}");
                assert!(!format!("{sign:?}").contains("geheim"), "{text}");
            }
        }
    }

    #[test]
    fn details_have_the_form_of_names() {
        let denied = |resource: &str, role: &str| {
            let message = format!(
                "[error] User: arn:aws:sts::1:assumed-role/{role}/x is not authorized to perform: logs:PutLogEvents on resource: {resource} with an explicit deny"
            );
            read(&message).unwrap()
        };
        let sign = denied("arn:aws:logs:*", "role");
        assert_eq!(
            (sign.detail.as_deref(), sign.is_explicit),
            (Some("logs:PutLogEvents on arn:aws:logs:* for role role"), true)
        );
        for resource in ["$(reboot)", &format!("arn:{}", "x".repeat(300))] {
            assert_eq!(denied(resource, &"r".repeat(65)).detail.as_deref(), Some("logs:PutLogEvents"), "{resource}");
        }
        assert_eq!(denied("arn:a\u{1b}[31m", "a").detail.as_deref(), Some("logs:PutLogEvents on arn:a for role a"));
    }

    #[test]
    fn long_messages_and_half_ones() {
        let long = format!("[error] {}", "é".repeat(MOST));
        assert_eq!(read(&long).map(|sign| sign.trouble), Some(Other));
        let at = |length: usize| read(&format!("{}[error]", "x".repeat(length))).is_some();
        assert_eq!([MOST - 8, MOST - 7, MOST - 6].map(at), [true, true, false]);
        assert_eq!(read(r#"{"log":"[error] cut"#).map(|sign| sign.trouble), Some(Other));
        assert_eq!(read(r#"{"log":7}"#), None);
        assert_eq!(read(""), None);
    }
}
