//! What the Datadog Agent's tagger would say of a container, from what a log's names and record tell.
//!
//! One function, [`identify`], of the log group, the log stream, the record's metadata and the settings. It is worked
//! out once for as long as these stay the same: an invocation carries one stream.

pub mod as_tags;
pub(crate) mod image;
pub(crate) mod owner;
pub mod pod;
pub mod tag_set;

use as_tags::AsTags;
use owner::Owner;
use pod::{Pairs, Pod};
use tag_set::{MAX_TAGS, TagOrigin, TagSet};

use super::autodiscovery::{self, ContainerLogs};
use super::record::Metadata;
use super::stream::{FLUENT_BIT_GROUP, StreamOrigin};

/// Marks that a single log may bear besides: `partial:true` and `truncated:true`.
const MAX_MARKS: usize = 2;

/// The name of the tag that names a rule, or an annotation, that could not be applied.
pub(crate) const RULE_ERROR_TAG: &str = "podferry_rule_error";

/// How the tag of the cluster begins.
const CLUSTER: &str = "kube_cluster_name:";

/// What the settings say about tags, service and source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSettings {
    /// `DD_TAGS`, split.
    pub tags: Vec<String>,
    /// `DD_ENV`: the environment of pods that name none.
    pub env: Option<String>,
    /// `DD_SERVICE`: the service of every log.
    pub service: Option<String>,
    /// `DD_SOURCE`: the source of every log.
    pub source: Option<String>,
    /// `DD_CLUSTER_NAME`.
    pub cluster_name: Option<String>,
    /// `PODFERRY_HOSTNAME=node`: send the Fargate node as `hostname`.
    pub hostname_is_node: bool,
    /// `DD_KUBERNETES_POD_LABELS_AS_TAGS`.
    pub pod_labels: AsTags,
    /// `DD_KUBERNETES_POD_ANNOTATIONS_AS_TAGS`.
    pub pod_annotations: AsTags,
    /// `DD_KUBERNETES_NAMESPACE_LABELS_AS_TAGS`.
    pub namespace_labels: AsTags,
}

/// Who wrote a log, in Datadog's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub tags: TagSet,
    pub(crate) service: String,
    pub(crate) source: String,
    /// Only where the settings ask for it: Fargate's Agent reports no host.
    pub(crate) hostname: Option<String>,
}

impl Identity {
    /// `ddtags`, with room for the marks of a log where it bears some.
    pub fn ddtags(&self, marked: bool) -> String {
        self.tags.join(if marked { MAX_TAGS - MAX_MARKS } else { MAX_TAGS })
    }
}

/// Where a log comes from: what is the same for all of an event.
#[derive(Debug, Clone, Copy)]
pub struct LogPlace<'a> {
    pub log_group: &'a str,
    pub origin: StreamOrigin<'a>,
}

/// The pod that a log is of, as far as names and record tell.
pub fn pod(place: &LogPlace, metadata: &Metadata) -> Pod {
    let mut pod = metadata.kubernetes.as_deref().map(Pod::parse).unwrap_or_default();
    match place.origin {
        StreamOrigin::Container(container) => {
            container.pod.clone_into(&mut pod.name);
            container.namespace.clone_into(&mut pod.namespace);
            container.container.clone_into(&mut pod.container);
            container.id.clone_into(&mut pod.container_id);
        }
        StreamOrigin::FluentBit { pod: Some((name, namespace)) } => {
            name.clone_into(&mut pod.name);
            namespace.clone_into(&mut pod.namespace);
        }
        _ => {}
    }
    pod
}

/// Works out tags, service, source and host; `logs` is what the pod's annotation says of the container's logs.
pub fn identify(
    place: &LogPlace,
    pod: &Pod,
    logs: &ContainerLogs,
    metadata: &Metadata,
    settings: &TagSettings,
) -> Identity {
    let mut tags = TagSet::default();
    let values = pod.template_values();
    let names = logs.named(&values);
    let annotated = autodiscovery::tags(&pod.annotations, &pod.container, &values);
    // First, so that no limit takes it: its author must see it.
    let annotation = autodiscovery::logs_annotation(&pod.container);
    let incomplete = names.incomplete.then_some(&annotation).into_iter().chain(&annotated.incomplete);
    for name in logs.errors(&annotation).chain(incomplete.map(String::as_str)) {
        tags.add(RULE_ERROR_TAG, name);
    }
    add_cluster(&mut tags, place, metadata, settings);
    tags.from(TagOrigin::Record);
    // Datadog's names for both. Source: Datadog, "AWS integration", and its Lambda forwarder.
    tags.add("aws_account", metadata.account.as_deref().unwrap_or_default());
    tags.add("region", metadata.region.as_deref().unwrap_or_default());
    add_pod(&mut tags, place, pod);
    add_owners(&mut tags, pod);
    tags.from(TagOrigin::Image);
    let image = add_image(&mut tags, pod);
    let service_tag = add_unified(&mut tags, pod, settings);
    tags.from(TagOrigin::Label);
    add_app_labels(&mut tags, &pod.labels);
    tags.from(TagOrigin::Annotation);
    for (name, value) in &annotated.tags {
        tags.add(name, value);
    }
    names.tags.iter().for_each(|tag| tags.add_tag(tag.as_ref()));
    tags.from(TagOrigin::Setting);
    settings.tags.iter().for_each(|tag| tags.add_tag(tag));
    add_as_tags(&mut tags, pod, metadata, settings);

    let image = image.unwrap_or_default();
    let (own_source, own_service) = match place.origin {
        StreamOrigin::FluentBit { .. } => ("fluent-bit", "fluent-bit"),
        StreamOrigin::Service(source) => (source, source),
        // Nothing tells of a pod: some other log group, as Datadog's forwarder names it.
        StreamOrigin::Unknown { guess } if pod.name.is_empty() => (guess, guess),
        _ => ("kubernetes", "kubernetes"),
    };
    let first = |choices: [&str; 5]| choices.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned();
    Identity {
        service: settings
            .service
            .clone()
            .unwrap_or_else(|| first([&names.service, &service_tag, &image, &pod.container, own_service])),
        source: settings
            .source
            .clone()
            .unwrap_or_else(|| first([&names.source, &image, &pod.container, own_source, ""])),
        hostname: Some(&pod.host).filter(|host| settings.hostname_is_node && !host.is_empty()).cloned(),
        tags,
    }
}

/// The cluster that settings or log group name, as a tag's value: the function's own metrics have it as a dimension, so nothing that
/// a record says may choose it. Each new value would be another set of metrics to pay for.
pub(crate) fn told_cluster(place: &LogPlace, settings: &TagSettings) -> Option<String> {
    let in_tags = settings.tags.iter().find_map(|tag| tag.strip_prefix(CLUSTER));
    let name = in_tags.or(settings.cluster_name.as_deref()).or_else(|| cluster_of_group(place))?;
    tag_set::normalise(&format!("{CLUSTER}{name}")).strip_prefix(CLUSTER).map(str::to_owned)
}

fn cluster_of_group<'a>(place: &LogPlace<'a>) -> Option<&'a str> {
    match place.origin {
        // Its own group bears the cluster's name, behind whatever path was put before it.
        StreamOrigin::FluentBit { .. } if place.log_group.ends_with(FLUENT_BIT_GROUP) => {
            place.log_group.strip_suffix(FLUENT_BIT_GROUP).and_then(|name| name.rsplit('/').next())
        }
        _ => ["/aws/eks/", "/aws/containerinsights/"]
            .into_iter()
            .find_map(|prefix| place.log_group.strip_prefix(prefix))
            .and_then(|rest| rest.split_once('/'))
            .map(|(name, _)| name),
    }
}

/// `kube_cluster_name`: from the record, else the settings, else the log group; not twice if `DD_TAGS` has it.
fn add_cluster(tags: &mut TagSet, place: &LogPlace, metadata: &Metadata, settings: &TagSettings) {
    if settings.tags.iter().any(|tag| tag.starts_with(CLUSTER)) {
        return;
    }
    let from_group = cluster_of_group(place);
    let is_kubernetes = match place.origin {
        StreamOrigin::Service(source) => source == "eks",
        StreamOrigin::Unknown { .. } => metadata.kubernetes.is_some() || from_group.is_some(),
        StreamOrigin::Container(_) | StreamOrigin::UnclearContainer { .. } | StreamOrigin::FluentBit { .. } => true,
    };
    let from_settings = settings.cluster_name.as_deref().filter(|_| is_kubernetes);
    let choices = [
        (metadata.cluster_name.as_deref(), TagOrigin::Record),
        (from_settings, TagOrigin::Setting),
        (from_group, TagOrigin::LogGroup),
    ];
    if let Some((name, origin)) = choices.into_iter().find_map(|(name, origin)| Some((name?, origin))) {
        tags.from(origin);
        tags.add("kube_cluster_name", name);
    }
}

fn add_pod(tags: &mut TagSet, place: &LogPlace, pod: &Pod) {
    let is_of_stream = matches!(place.origin, StreamOrigin::Container(_) | StreamOrigin::FluentBit { .. });
    tags.from(if is_of_stream { TagOrigin::LogStream } else { TagOrigin::Metadata });
    tags.add("kube_namespace", &pod.namespace);
    tags.add("pod_name", &pod.name);
    tags.add("kube_container_name", &pod.container);
    if !pod.container.is_empty() && !pod.name.is_empty() {
        tags.add("display_container_name", &format!("{}_{}", pod.container, pod.name));
    }
    tags.add("container_id", &pod.container_id);
    // The kubelet is the only source of containers on Fargate, and its name for one is the name in the pod.
    tags.add("container_name", &pod.container);
    tags.from(TagOrigin::Metadata);
    if pod.host.starts_with("fargate-") {
        tags.add("eks_fargate_node", &pod.host);
        tags.add("kube_distribution", "eks");
    }
}

/// Source: DataDog/datadog-agent, `workloadmeta_extract.go`, `extractTagsFromPodOwner`.
fn add_owners(tags: &mut TagSet, pod: &Pod) {
    let inferred: Vec<Owner> = if pod.owners.is_empty() && !pod.owners_known {
        owner::infer(&pod.name, pod.labels_known, |name| pod.labels.get(name)).into_iter().collect()
    } else {
        Vec::new()
    };
    tags.from(if inferred.is_empty() { TagOrigin::Owner } else { TagOrigin::PodName });
    // Looked up once: a pod may be said to have as many owners as labels.
    let has_rollout = pod.labels.get(owner::ROLLOUT_LABEL).is_some_and(|hash| !hash.is_empty());
    for owner in pod.owners.iter().chain(&inferred) {
        tags.add("kube_ownerref_kind", &owner.kind);
        tags.add("kube_ownerref_name", &owner.name);
        match owner.kind.as_str() {
            "ReplicaSet" => {
                if let Some(deployment) = owner::deployment_of(&owner.name) {
                    tags.add("kube_deployment", deployment);
                    if has_rollout {
                        tags.add("kube_argo_rollout", deployment);
                    }
                }
                tags.add("kube_replica_set", &owner.name);
            }
            "Job" => {
                tags.add("kube_job", &owner.name);
                tags.add("kube_cronjob", owner::cron_job_of(&owner.name).unwrap_or_default());
            }
            "StatefulSet" => tags.add("kube_stateful_set", &owner.name),
            "Deployment" => tags.add("kube_deployment", &owner.name),
            "DaemonSet" => tags.add("kube_daemon_set", &owner.name),
            "ReplicationController" => tags.add("kube_replication_controller", &owner.name),
            _ => {}
        }
    }
}

/// The image's tags; the short image, which also names source and service.
fn add_image(tags: &mut TagSet, pod: &Pod) -> Option<String> {
    let image = image::split(&pod.image).or_else(|| image::split(&pod.image_hash))?;
    tags.add("image_name", image.name);
    tags.add("short_image", image.short);
    // As the kubelet's collector has it: no tag and no digest mean the latest.
    let is_latest = image.tag.is_empty() && !pod.image.is_empty() && !pod.image.contains('@');
    tags.add("image_tag", if is_latest { "latest" } else { image.tag });
    // Docker's spelling of the same. Source: Kubernetes, `pkg/kubelet/container`, image ids.
    tags.add("image_id", pod.image_hash.trim_start_matches("docker-pullable://"));
    Some(image.short.to_owned())
}

/// Unified service tagging: the pod's labels and the container's are both tags. Returns the service, the container's first.
fn add_unified(tags: &mut TagSet, pod: &Pod, settings: &TagSettings) -> String {
    let mut service = String::new();
    tags.from(TagOrigin::Label);
    for name in ["env", "service", "version"] {
        let of_pod = pod.labels.get(&format!("tags.datadoghq.com/{name}"));
        let of_container = pod.labels.get(&format!("tags.datadoghq.com/{}.{name}", pod.container));
        for value in of_pod.into_iter().chain(of_container) {
            tags.add(name, value);
        }
        if name == "service" {
            service = of_container.filter(|name| !name.is_empty()).or(of_pod).unwrap_or_default().to_owned();
        }
    }
    let has_env = tags.has("env") || settings.tags.iter().any(|tag| tag.starts_with("env:"));
    if let Some(env) = settings.env.as_deref().filter(|_| !has_env) {
        tags.from(TagOrigin::Setting);
        tags.add("env", env);
    }
    service
}

/// Source: Kubernetes, "Recommended Labels"; DataDog/datadog-agent, `extractTagsFromPodLabels`.
fn add_app_labels(tags: &mut TagSet, labels: &Pairs) {
    for (label, tag) in [
        ("app.kubernetes.io/name", "kube_app_name"),
        ("app.kubernetes.io/instance", "kube_app_instance"),
        ("app.kubernetes.io/version", "kube_app_version"),
        ("app.kubernetes.io/component", "kube_app_component"),
        ("app.kubernetes.io/part-of", "kube_app_part_of"),
        ("app.kubernetes.io/managed-by", "kube_app_managed_by"),
    ] {
        tags.add(tag, labels.get(label).unwrap_or_default());
    }
}

fn add_as_tags(tags: &mut TagSet, pod: &Pod, metadata: &Metadata, settings: &TagSettings) {
    tags.from(TagOrigin::Label);
    for (name, value) in pod.labels.iter() {
        settings.pod_labels.apply(name, value, tags);
    }
    tags.from(TagOrigin::Annotation);
    for (name, value) in pod.annotations.iter() {
        settings.pod_annotations.apply(name, value, tags);
    }
    let mut labels = Pairs::default();
    let _ = crate::json::each_member(metadata.namespace.as_deref().unwrap_or("{}"), |key, value| {
        if key == "labels" {
            labels = Pairs::parse(value);
        }
    });
    tags.from(TagOrigin::NamespaceLabel);
    for (name, value) in labels.iter() {
        settings.namespace_labels.apply(name, value, tags);
    }
}
