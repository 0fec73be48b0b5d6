//! A record in its parts, and who wrote it: for whoever counts bytes, and ships nothing.

use std::borrow::Cow;

use super::cri::{self, OutputStream};
use super::json;
use super::log_event::{EventMessage, LogEvent};
use super::record::Metadata;
use super::record_reader::RecordReader;
use super::stream::{self, StreamOrigin};
use super::tags::owner::{self, Owner};
use super::tags::{self, LogPlace};

/// What the application wrote, and what Fluent Bit wrote around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordParts {
    /// The line as the application wrote it, or its JSON object where a filter had parsed it.
    pub text: String,
    pub is_stderr: bool,
    /// A piece of a longer line.
    pub is_piece: bool,
    /// The `kubernetes` object, raw JSON.
    pub kubernetes: Option<String>,
    /// `cluster_name`, put there by a `record_modifier`.
    pub cluster_name: Option<String>,
    /// Nothing but the metadata of its stream (see `metadata_records`): no line.
    pub is_metadata: bool,
}

/// Who wrote a stream, in the words of a bill.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamWriter {
    /// Empty where nothing tells it.
    pub namespace: String,
    pub pod: String,
    /// What made the pod, as far as it is known: `Deployment`, `CronJob`, `StatefulSet`. Empty for a pod that nothing made.
    pub owner_kind: String,
    /// Its name; of a pod that nothing made, the pod's; of what is no pod, the log group's.
    pub owner: String,
    pub container: String,
}

/// The container of Fluent Bit's own log, which is no name of a container.
pub const FLUENT_BIT: &str = "(fluent-bit)";

/// Takes a message of a stream apart. Never fails: what is not understood is the text as it stands.
pub fn parts(log_group: &str, log_stream: &str, timestamp: Option<i64>, message: &str) -> RecordParts {
    if let Some(parts) = metadata_alone(message) {
        return parts;
    }
    let quoted = serde_json::Value::from(message).to_string();
    let escaped = json::unquoted(&quoted).unwrap_or_default();
    let event =
        LogEvent { id: "", timestamp, message: EventMessage::Escaped(escaped), extracted_fields: None, head: None };
    let mut reader = RecordReader::new(stream::origin(log_group, log_stream), &[]);
    let record = reader.read(&event);
    RecordParts {
        text: record.text.into_owned(),
        is_stderr: record.output == Some(OutputStream::Stderr),
        is_piece: record.partial,
        kubernetes: record.metadata.kubernetes.map(Cow::into_owned),
        cluster_name: record.metadata.cluster_name.map(Cow::into_owned),
        is_metadata: false,
    }
}

/// Whether the member `log` of a record has containerd's prefix: no parser of Fluent Bit removed it, or it was kept beside the text. A filter on
/// `log` sees it before the line.
pub fn has_prefix(message: &str) -> bool {
    let mut has_prefix = false;
    let read = json::each_member(message, |key, value| {
        has_prefix |= key == "log" && json::string(value).is_some_and(|log| cri::parse(&log).is_some());
    });
    read.is_ok() && has_prefix
}

/// `{"kubernetes":{…}}`, with `cluster_name` behind it, and nothing else.
fn metadata_alone(message: &str) -> Option<RecordParts> {
    message.starts_with(r#"{"kubernetes":{"#).then_some(())?;
    let (mut kubernetes, mut cluster_name, mut is_alone) = (None, None, true);
    json::each_member(message, |key, value| match key {
        "kubernetes" => kubernetes = Some(value.to_owned()),
        "cluster_name" => cluster_name = json::string(value),
        _ => is_alone = false,
    })
    .ok()?;
    let is_stderr = false;
    let parts =
        RecordParts { text: String::new(), is_stderr, is_piece: false, kubernetes, cluster_name, is_metadata: true };
    is_alone.then_some(parts)
}

/// Who wrote a stream: by its name and, where they are known, by the pod's labels and owner references.
pub fn writer(log_group: &str, log_stream: &str, kubernetes: Option<&str>) -> StreamWriter {
    let origin = stream::origin(log_group, log_stream);
    let metadata = Metadata { kubernetes: kubernetes.map(Cow::Borrowed), ..Metadata::default() };
    let pod = tags::pod(&LogPlace { log_group, origin }, &metadata);
    let container = match origin {
        StreamOrigin::FluentBit { .. } => FLUENT_BIT.to_owned(),
        _ => pod.container.clone(),
    };
    let (owner_kind, owner) = match pod.owners.first() {
        Some(owner) => top_owner(owner),
        None if pod.owners_known || pod.name.is_empty() => (String::new(), String::new()),
        None => owner::infer(&pod.name, pod.labels_known, |name| pod.labels.get(name))
            .map(|owner| top_owner(&owner))
            .unwrap_or_default(),
    };
    let named = [owner, pod.name.clone(), log_group.to_owned()].into_iter().find(|name| !name.is_empty());
    StreamWriter { namespace: pod.namespace, pod: pod.name, owner_kind, owner: named.unwrap_or_default(), container }
}

/// What made the owner itself: people know the Deployment, not its ReplicaSets.
fn top_owner(owner: &Owner) -> (String, String) {
    let above = match owner.kind.as_str() {
        "ReplicaSet" => owner::deployment_of(&owner.name).map(|name| ("Deployment", name)),
        "Job" => owner::cron_job_of(&owner.name).map(|name| ("CronJob", name)),
        _ => None,
    };
    let (kind, name) = above.unwrap_or((&owner.kind, &owner.name));
    (kind.to_owned(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004";

    fn stream_of(pod: &str) -> String {
        format!("fargate/kube.var.log.containers.{pod}_shop_nginx-{ID}.log")
    }

    #[test]
    fn each_shape_has_the_same_text() {
        let stream = stream_of("web-6d4cf56db6-x7k2p");
        let kubernetes =
            r#"{"pod_name":"web-6d4cf56db6-x7k2p","namespace_name":"shop","container_name":"nginx","labels":{}}"#;
        for message in [
            r#"{"log":"2026-11-22T20:37:50.251537818Z stderr F a \"b\""}"#.to_owned(),
            r#"{"stream":"stderr","logtag":"F","log":"a \"b\""}"#.to_owned(),
            format!(
                r#"{{"stream":"stderr","logtag":"F","log":"a \"b\"","kubernetes":{kubernetes},"cluster_name":"p"}}"#
            ),
        ] {
            let parts = parts("/g", &stream, None, &message);
            assert_eq!(
                (parts.text.as_str(), parts.is_stderr, parts.is_metadata),
                ("a \"b\"", true, false),
                "{message}"
            );
        }
        assert_eq!(parts("/g", &stream, None, "bare").text, "bare");
    }

    #[test]
    fn the_prefix_is_seen_where_a_filter_sees_it() {
        for (message, expected) in [
            (r#"{"log":"2026-11-22T20:37:50.251537818Z stderr F a"}"#, true),
            (r#"{"message":"a","log":"2026-11-22T20:37:50.251537818Z stderr F a"}"#, true),
            (r#"{"log":"2026-11-22T20:37:50.251537818Z stderr F a","kubernetes":{"pod_name":"a"}}"#, true),
            (r#"{"stream":"stdout","logtag":"F","log":"2026-11-22T20:37:50Z a"}"#, false),
            (r#"{"stream":"stdout","logtag":"F"}"#, false),
            ("2026-11-22T20:37:50.251537818Z stderr F a", false),
        ] {
            assert_eq!(has_prefix(message), expected, "{message}");
        }
    }

    #[test]
    fn a_record_of_metadata_is_no_line() {
        let message = r#"{"kubernetes":{"pod_name":"a"},"cluster_name":"p"}"#;
        let found = parts("/g", &stream_of("a"), None, message);
        assert_eq!((found.is_metadata, found.kubernetes.as_deref()), (true, Some(r#"{"pod_name":"a"}"#)));
        let with_text = r#"{"kubernetes":{"pod_name":"a"},"log":"x"}"#;
        assert!(!parts("/g", &stream_of("a"), None, with_text).is_metadata);
    }

    #[test]
    fn owners_are_those_that_people_know() {
        let of = |pod: &str, kubernetes: Option<&str>| {
            let found = writer("/g", &stream_of(pod), kubernetes);
            format!("{} {}", found.owner_kind, found.owner)
        };
        assert_eq!(of("web-6d4cf56db6-x7k2p", None), "Deployment web");
        assert_eq!(of("report-29384160-4kq8z", None), "CronJob report");
        assert_eq!(of("api-0", Some(r#"{"labels":{"apps.kubernetes.io/pod-index":"0"}}"#)), "StatefulSet api");
        assert_eq!(of("alone", Some(r#"{"labels":{}}"#)), " alone");
        let owned = r#"{"ownerReferences":[{"kind":"ReplicaSet","name":"shop-6d4cf56db6"}]}"#;
        assert_eq!(of("alone", Some(owned)), "Deployment shop");
        assert_eq!(writer("/aws/lambda/x", "2026/11/22/[$LATEST]0", None).owner, "/aws/lambda/x");
    }
}
