//! Fluent Bit's own log: what it complained of in the last hour, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::advice::{Advice, quoted};
use super::facts::HealthFact;
use super::finding::{HealthArea, HealthFinding, HealthSeverity};
use super::fluent_bit_message::{FluentBitSign, read};
use super::fluent_bit_words::FluentBitTrouble;
use pipeline::counted::counted;
use pipeline::stream::FLUENT_BIT_STREAM;

const AREA: HealthArea = HealthArea::FluentBit;
const WHAT: &str = "messages";

/// How many names of calls, resources or hosts are shown with a complaint.
const DETAILS: usize = 3;

/// How many pods are named with a complaint: those that complain most.
const PODS: usize = 3;
/// Of how many they are counted, so that a cluster of ten thousand takes no more memory.
const MOST_PODS: usize = 1000;

/// From so many messages an hour on a network is not well. A question to DNS that gets no answer passes, and Fluent Bit asks again; where
/// there is no way, each chunk complains, and there is one every few seconds.
const LASTING: usize = 10;

/// How to turn the log on, and leave the rest of the ConfigMap as it is.
const TURN_ON: &str = "turn it on with `kubectl patch configmap aws-logging -n aws-observability --type merge -p \
                       '{\"data\":{\"flb_log_cw\":\"true\"}}'`, allow the pod execution role the group <cluster>-fluent-bit-logs \
                       (`podferry generate iam --process-logs`), then restart the pods";

/// Where Fluent Bit's own log was found, and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct FluentBitLog {
    pub(crate) group: String,
    /// The stream, where the group has pods' logs, too.
    pub(crate) stream: Option<String>,
    pub(crate) complaints: HealthFact<Complaints>,
}

/// What the log complained of in the last hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Complaints {
    by_trouble: BTreeMap<FluentBitTrouble, Complaint>,
    /// There is more than was read.
    pub(crate) has_more: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Complaint {
    times: usize,
    /// Milliseconds since 1970.
    oldest: Option<i64>,
    newest: i64,
    /// How often each pod complained, where the stream names it.
    pods: BTreeMap<String, usize>,
    details: BTreeSet<String>,
    is_explicit: bool,
}

impl Complaints {
    /// Counts a message, by its time in milliseconds since 1970 and its log stream.
    pub(crate) fn add(&mut self, time: i64, stream: &str, message: &str) {
        let Some(FluentBitSign { trouble, detail, is_explicit }) = read(message) else { return };
        let complaint = self.by_trouble.entry(trouble).or_default();
        complaint.times += 1;
        complaint.newest = complaint.newest.max(time);
        complaint.oldest = Some(complaint.oldest.map_or(time, |oldest| oldest.min(time)));
        // Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster": POD-NAMESPACE stands behind it.
        if let Some(pod) = stream.strip_prefix(FLUENT_BIT_STREAM)
            && (complaint.pods.len() < MOST_PODS || complaint.pods.contains_key(pod))
        {
            *complaint.pods.entry(pod.to_owned()).or_default() += 1;
        }
        complaint.is_explicit |= is_explicit;
        if complaint.details.len() <= DETAILS {
            complaint.details.extend(detail);
        }
    }
}

/// What was found. `is_written` is what the ConfigMap says, if it was read; `unsearched` why some place could not be looked at.
#[must_use]
pub(crate) fn judge(
    logs: &[FluentBitLog],
    is_written: Option<bool>,
    unsearched: Vec<HealthFinding>,
    advice: &Advice,
) -> Vec<HealthFinding> {
    let mut found: Vec<HealthFinding> = logs.iter().flat_map(|log| of_log(log, advice)).collect();
    let is_searched = unsearched.is_empty();
    found.extend(unsearched);
    if found.is_empty() && is_searched {
        found.push(if is_written == Some(true) { silent() } else { not_found() });
    }
    found
}

fn not_found() -> HealthFinding {
    HealthFinding::skipped(AREA, WHAT, "not checked: it is in no log group; the ConfigMap has to turn it on")
        .fix(TURN_ON)
}

/// What keeps pods' logs away keeps its own away, too.
fn silent() -> HealthFinding {
    let why = "`flb_log_cw` is on, but no log group has Fluent Bit's own log: perhaps it may not write, or does not reach CloudWatch Logs";
    let fix = "attach the policy of `podferry generate iam --process-logs` to the pod execution role, check the route of the pods' subnets \
               (a NAT gateway, or a VPC endpoint for logs), and restart pods that started before it was turned on";
    HealthFinding::unknown(AREA, WHAT, why).fix(fix)
}

/// A group that the ConfigMap names, and that Fluent Bit would make with the first log.
#[must_use]
pub(crate) fn nothing_written(group: &str) -> HealthFinding {
    let why = "the ConfigMap aws-logging names it, and it does not exist: Fluent Bit has not written a log there yet";
    let fix = "if pods on Fargate have logged since: attach the policy of `podferry generate iam` to the pod execution role, check the route \
               of the pods' subnets (a NAT gateway, or a VPC endpoint for logs), and `auto_create_group` in the ConfigMap";
    HealthFinding::unknown(AREA, &format!("log group {group}"), why).fix(fix)
}

/// Where the ConfigMap turns it off, what is in the groups is old.
#[must_use]
pub(crate) fn not_written() -> HealthFinding {
    HealthFinding::skipped(AREA, WHAT, "not checked: `flb_log_cw` in the ConfigMap aws-logging is not \"true\"")
        .fix(TURN_ON)
}

/// Nothing was looked at.
#[must_use]
pub(crate) fn not_asked(because: &str) -> HealthFinding {
    HealthFinding::skipped(AREA, WHAT, &format!("not checked: {because}"))
}

/// A place that could not be looked at.
#[must_use]
pub(crate) fn not_searched(error: &crate::aws::error::SdkCallError) -> HealthFinding {
    let finding = HealthFinding::of_error(AREA, WHAT, error);
    HealthFinding { severity: HealthSeverity::Unknown, why: format!("not checked: {}", finding.why), ..finding }
}

fn of_log(log: &FluentBitLog, advice: &Advice) -> Vec<HealthFinding> {
    let what = format!("log group {}", log.group);
    let complaints = match &log.complaints {
        Ok(complaints) => complaints,
        Err(error) => return vec![HealthFinding { what, ..not_searched(error) }],
    };
    // What was tried again is what follows from the others.
    let has_cause = complaints.by_trouble.keys().any(|trouble| *trouble < FluentBitTrouble::Retried);
    let judged = |(trouble, complaint): (&FluentBitTrouble, &Complaint)| {
        if *trouble == FluentBitTrouble::Retried && has_cause {
            return None;
        }
        let (severity, why, fix) = told(*trouble, complaint.times, complaint.is_explicit);
        let details: Vec<&str> = complaint.details.iter().take(DETAILS).map(String::as_str).collect();
        let more = if complaint.details.len() > DETAILS { ", …" } else { "" };
        let details = if details.is_empty() { String::new() } else { format!(" ({}{more})", details.join(", ")) };
        let least = if complaints.has_more { "at least " } else { "" };
        let times = counted(complaint.times, "message");
        let (pods, at) = (complaint.pods(), complaint.at());
        let why = format!("{why}{details}: {least}{times} in the last hour{pods}{at}");
        let fix = match fix {
            "" => format!("read them: `{}`", tail(log, advice)),
            fix => fix.to_owned(),
        };
        Some(HealthFinding { severity, code: Some(trouble.code()), ..HealthFinding::note(AREA, &what, why) }.fix(fix))
    };
    let found: Vec<HealthFinding> = complaints.by_trouble.iter().filter_map(judged).collect();
    if found.is_empty() {
        let why = "Fluent Bit complained of nothing in the last hour";
        return vec![HealthFinding::ok(AREA, &what, why)];
    }
    found
}

impl Complaint {
    /// `, the last at 13:05 UTC`, or `, between 12:50 and 13:05 UTC`.
    fn at(&self) -> String {
        let minute = |time: i64| Timestamp::from_millisecond(time).ok().map(|time| time.strftime("%H:%M").to_string());
        match (self.oldest.and_then(minute), minute(self.newest)) {
            (Some(oldest), Some(newest)) if oldest != newest => format!(", between {oldest} and {newest} UTC"),
            (_, Some(newest)) => format!(", the last at {newest} UTC"),
            (_, None) => String::new(),
        }
    }

    /// `, of 5 pods (web-1-shop 7, web-2-shop 3, web-3-shop 1, …)`.
    fn pods(&self) -> String {
        if self.pods.is_empty() {
            return String::new();
        }
        let mut by_times: Vec<(&String, &usize)> = self.pods.iter().collect();
        by_times.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        let named: Vec<String> = by_times.iter().take(PODS).map(|(pod, times)| format!("{pod} {times}")).collect();
        let more = if by_times.len() > PODS { ", …" } else { "" };
        let least = if by_times.len() >= MOST_PODS { "at least " } else { "" };
        format!(", of {least}{} ({}{more})", counted(by_times.len(), "pod"), named.join(", "))
    }
}

fn tail(log: &FluentBitLog, advice: &Advice) -> String {
    let stream =
        log.stream.as_ref().map(|stream| format!(" --log-stream-names {}", quoted(stream))).unwrap_or_default();
    advice.aws(&format!("logs tail {}{stream} --since 1h --filter-pattern '\"[error]\"'", quoted(&log.group)))
}

/// How bad it is, what it means, and what to do; nothing where the messages have to say it.
fn told(trouble: FluentBitTrouble, times: usize, is_explicit: bool) -> (HealthSeverity, &'static str, &'static str) {
    use FluentBitTrouble as Is;
    use HealthSeverity::{Note, Wrong};
    match trouble {
        Is::Crashed => (
            Wrong,
            "Fluent Bit crashed, so logs are late or lost",
            "simplify the filters of the ConfigMap aws-logging (`podferry lint` knows what makes it crash), then restart the pods; if it \
             lasts, ask AWS",
        ),
        Is::KeyDenied => (
            Wrong,
            "CloudWatch Logs may not use the KMS key of a log group, so logs are lost",
            "allow the service logs.REGION.amazonaws.com to use it in the key's policy",
        ),
        Is::Denied if is_explicit => (
            Wrong,
            "AWS denies Fluent Bit a call by an explicit deny, so logs are lost",
            "change the policy that denies it: a service control policy, a permissions boundary, or that of a VPC endpoint",
        ),
        Is::Denied => (
            Wrong,
            "AWS denies Fluent Bit a call, so logs are lost",
            "attach the policy that `podferry generate iam` writes to the pod execution role of the Fargate profile",
        ),
        Is::Credentials => (
            Wrong,
            "Fluent Bit has no credentials that AWS takes, so logs are lost",
            "check that the pod execution role exists and trusts eks-fargate-pods.amazonaws.com, and that `role_arn` is not set to a role \
             that it may not assume",
        ),
        Is::Network => (
            if times >= LASTING { Wrong } else { Note },
            if times >= LASTING {
                "Fluent Bit does not reach AWS, so logs are late or lost"
            } else {
                "Fluent Bit did not reach AWS at times; it tries again"
            },
            "check `region` in the ConfigMap, the route of the pods' subnets (a NAT gateway, or a VPC endpoint for logs), their security \
             groups, and CoreDNS",
        ),
        Is::DestinationMissing => (
            Wrong,
            "the log group or stream of an output does not exist, so logs are lost",
            "create it, or set `auto_create_group true` in the ConfigMap aws-logging",
        ),
        Is::Refused => (
            Wrong,
            "AWS does not take a value of the configuration, so logs are lost",
            "check `log_group_name`, `log_stream_prefix`, the templates and `log_retention_days` with `podferry lint`, and the key \
             policy, if the group has a KMS key",
        ),
        Is::Configuration => (Wrong, "Fluent Bit does not understand its configuration", ""),
        Is::LogKeyMissing => (
            Wrong,
            "records without the key of `log_key` are lost",
            "remove `log_key` from the output, or keep the key: `Keep_Log On`, no filter that removes it",
        ),
        Is::TimesRefused => (
            Wrong,
            "CloudWatch refused logs that are too old or of the future, so they are lost",
            "check `Time_Key` and `Time_Format` of the parsers, and the retention of the log group",
        ),
        Is::Unread => (
            Wrong,
            "Fluent Bit did not read lines or the rest of a file, so they are lost",
            "log less, or spread the work over more pods: EKS reads with 45 MB of memory, lines of at most 66 KB, and leaves a rotated file after 30 s",
        ),
        Is::Lost => (Wrong, "Fluent Bit gave up logs, so they are lost", ""),
        Is::MemoryFull => (
            Wrong,
            "Fluent Bit paused reading, so logs are late, and lost if their file is rotated meanwhile",
            "log less, or spread the work over more pods; what else it complains of may be the cause",
        ),
        Is::Throttled => (
            Note,
            "AWS throttles Fluent Bit; it tries again",
            "ask for a higher quota of CloudWatch Logs (PutLogEvents, CreateLogStream), or log less",
        ),
        Is::Truncated => (Note, "Fluent Bit cut events that are larger than CloudWatch takes", "write shorter lines"),
        Is::Metadata => (
            Note,
            "the Kubernetes filter misses metadata, so logs may come without labels and annotations",
            "check that the pods reach the API server, and `Kube_URL` and `Buffer_Size` of the filter",
        ),
        Is::Parsing => (
            Note,
            "a parser does not understand lines or their times, which are sent as they are",
            "check `Regex` and `Time_Format` of the parsers with `podferry lint`",
        ),
        Is::Interrupted => (Note, "connections of Fluent Bit broke; it tries again", ""),
        Is::SharedStream => (
            Note,
            "several writers share a log stream; Fluent Bit sends again, so logs may come twice",
            "let each container have a stream: `log_stream_prefix` in the ConfigMap, and no fixed `log_stream_name`",
        ),
        Is::Server => (Note, "AWS failed to answer; Fluent Bit tries again", ""),
        Is::Retried => (Note, "Fluent Bit could not send at once; it tries again", ""),
        Is::Other => (Note, "Fluent Bit tells of errors that podferry does not know", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{NOW_MS, advice, call_error};
    use super::*;

    fn of(messages: &[&str]) -> FluentBitLog {
        let mut complaints = Complaints::default();
        for message in messages {
            complaints.add(NOW_MS, "s", message);
        }
        FluentBitLog { group: "prod-fluent-bit-logs".into(), stream: None, complaints: Ok(complaints) }
    }

    fn found(log: FluentBitLog) -> Vec<(HealthSeverity, String)> {
        judge(&[log], None, vec![], &advice()).into_iter().map(|one| (one.severity, one.why)).collect()
    }

    const DENIED: &str = "[error] User: arn:aws:sts::1:assumed-role/pods/x is not authorized to perform: logs:PutLogEvents on resource: arn:aws:logs:*";
    const FLUSH: &str = "[ warn] [engine] failed to flush chunk '1.flb', retry in 7 seconds";

    #[test]
    fn causes_are_told_and_not_what_follows() {
        let seen = found(of(&[DENIED, FLUSH, DENIED, "[ info] [engine] started"]));
        let expected = "AWS denies Fluent Bit a call, so logs are lost (logs:PutLogEvents on arn:aws:logs:* for role pods): 2 messages in the \
                        last hour, the last at 11:06 UTC";
        assert_eq!(seen, [(HealthSeverity::Wrong, expected.to_owned())]);
        assert_eq!(found(of(&[FLUSH]))[0].0, HealthSeverity::Note);
        assert_eq!(found(of(&[]))[0].0, HealthSeverity::Ok);
        // An unknown error does not explain it.
        assert_eq!(found(of(&[FLUSH, "[error] x"])).len(), 2);
    }

    #[test]
    fn a_network_that_fails_at_times_is_a_note() {
        for (times, severity) in [
            (LASTING - 1, HealthSeverity::Note),
            (LASTING, HealthSeverity::Wrong),
            (LASTING + 1, HealthSeverity::Wrong),
        ] {
            assert_eq!(
                found(of(&vec!["[ warn] [net] getaddrinfo(host='a.b', err=12)"; times]))[0].0,
                severity,
                "{times}"
            );
        }
    }

    #[test]
    fn complaints_are_counted_by_pod_and_time() {
        let mut complaints = Complaints::default();
        for (minutes, pod) in [(9, "b-shop"), (4, "a-shop"), (3, "b-shop"), (2, "c-shop"), (1, "d-shop")] {
            complaints.add(NOW_MS - minutes * 60_000, &format!("fluent-bit-{pod}"), DENIED);
        }
        let log = FluentBitLog { group: "prod-fluent-bit-logs".into(), stream: None, complaints: Ok(complaints) };
        let seen = judge(&[log], None, vec![], &advice()).remove(0);
        let expected =
            ": 5 messages in the last hour, of 4 pods (b-shop 2, a-shop 1, c-shop 1, …), between 10:57 and 11:05 UTC";
        assert!(seen.why.ends_with(expected), "{}", seen.why);
        assert_eq!(seen.code, Some("access-denied"));
        // However many there are.
        let mut complaint = Complaint::default();
        for (number, expected) in [
            (MOST_PODS - 1, "of 999 pods"),
            (MOST_PODS, "of at least 1000 pods"),
            (MOST_PODS + 1, "of at least 1000 pods"),
        ] {
            let mut complaints = Complaints::default();
            (0..number).for_each(|pod| complaints.add(NOW_MS, &format!("fluent-bit-{pod}"), DENIED));
            complaint.pods = complaints.by_trouble.into_values().next().unwrap().pods;
            assert!(complaint.pods().contains(expected), "{number}: {}", complaint.pods());
        }
    }

    #[test]
    fn details_are_few() {
        let call = |number: usize| {
            format!("[error] CreateLogGroup{number} API responded with error='InvalidParameterException'")
        };
        let all: Vec<String> = (1..=5).map(call).collect();
        for (number, is_more) in [(DETAILS, false), (DETAILS + 1, true), (5, true)] {
            let some: Vec<&str> = all.iter().take(number).map(String::as_str).collect();
            let seen = found(of(&some));
            assert_eq!((seen[0].1.matches("CreateLogGroup").count(), seen[0].1.contains('…')), (DETAILS, is_more));
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        let mut log = of(&[DENIED]);
        log.complaints.as_mut().unwrap().has_more = true;
        assert!(found(log)[0].1.contains("at least 1 message in"));
        let log = FluentBitLog { complaints: Err(call_error()), ..of(&[]) };
        let seen = found(log);
        assert_eq!(seen[0].0, HealthSeverity::Unknown);
        assert!(seen[0].1.starts_with("not checked: "), "{seen:?}");
        // Whose own log is on, and nowhere, may have no way for any log.
        for (is_written, severity) in [(None, HealthSeverity::Skipped), (Some(true), HealthSeverity::Unknown)] {
            let seen = judge(&[], is_written, vec![], &advice()).remove(0);
            assert_eq!((seen.severity, seen.fix.is_some()), (severity, true));
        }
        let seen = judge(&[], None, vec![not_searched(&call_error())], &advice());
        assert_eq!(seen.iter().map(|one| one.severity).collect::<Vec<_>>(), [HealthSeverity::Unknown]);
        assert_eq!(not_written().severity, HealthSeverity::Skipped);
    }

    #[test]
    fn the_messages_are_found_by_the_command() {
        let log = FluentBitLog { stream: Some("prod/flblogs.var.log.fluent-bit.log".into()), ..of(&["[error] x"]) };
        let fix = judge(&[log], None, vec![], &advice()).remove(0).fix.unwrap();
        assert_eq!(
            fix,
            "read them: `aws logs tail prod-fluent-bit-logs --log-stream-names prod/flblogs.var.log.fluent-bit.log --since 1h \
             --filter-pattern '\"[error]\"' --region eu-west-1`"
        );
    }
}
