//! The Operator's DatadogAgent: its version, and fields that it does not have.
//!
//! Fields are held against the API where they have to do with sidecars on Fargate; of what lies deeper, nothing is said.

use crate::lint::finding::{Finding, Findings};
use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;
use crate::lint::project::Project;
use crate::lint::rule::{LintRule, RuleEdits, Severity};
use crate::lint::similar::closest;

const TYPES: &str = "DataDog/datadog-operator, api/datadoghq/v2alpha1/datadogagent_types.go";

pub(crate) static OLD_VERSION: LintRule = LintRule {
    code: "PF703",
    name: "datadogagent-version",
    severity: Severity::Error,
    title: "The Operator no longer supports this DatadogAgent version",
    why: "Since 1.8 the Operator only supports `v2alpha1`, whose fields have other names, and Kubernetes rejects objects of a removed version.",
    fix: "Rewrite it for `datadoghq.com/v2alpha1`; `podferry generate operator` writes one for Fargate.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &["Datadog, \"Migrating to version 1.0 of the Datadog Operator\"", TYPES],
};

pub(crate) static UNKNOWN_FIELD: LintRule = LintRule {
    code: "PF704",
    name: "unknown-operator-field",
    severity: Severity::Warning,
    title: "The DatadogAgent has no such field",
    why: "Kubernetes drops it, or rejects the object if fields are validated, as kubectl does.",
    fix: "Use the Operator's name for the field; `kubectl explain datadogagent.spec` lists them all. A newer Operator may have more.",
    edits: RuleEdits::None,
    is_preview: false,
    sources: &[TYPES, "Kubernetes documentation, \"Field validation\""],
};

pub(crate) static RULES: &[&LintRule] = &[&OLD_VERSION, &UNKNOWN_FIELD];

const SPEC: [&str; 3] = ["features", "global", "override"];

const FEATURES: [&str; 35] = [
    "admissionController",
    "apm",
    "appsec",
    "asm",
    "autoscaling",
    "clusterChecks",
    "controlPlaneMonitoring",
    "cspm",
    "cws",
    "dataPlane",
    "dogstatsd",
    "dynamicInstrumentation",
    "ebpfCheck",
    "eventCollection",
    "externalMetricsServer",
    "gpu",
    "helmCheck",
    "kubeStateMetricsCore",
    "kubernetesActions",
    "liveContainerCollection",
    "liveProcessCollection",
    "logCollection",
    "npm",
    "oomKill",
    "orchestratorExplorer",
    "otelAgentGateway",
    "otelCollector",
    "otlp",
    "processDiscovery",
    "prometheusScrape",
    "remoteConfiguration",
    "sbom",
    "serviceDiscovery",
    "tcpQueueLength",
    "usm",
];

const GLOBAL: [&str; 33] = [
    "checksTagCardinality",
    "clusterAgentToken",
    "clusterAgentTokenSecret",
    "clusterName",
    "commonLabels",
    "containerStrategy",
    "credentials",
    "criSocketPath",
    "csi",
    "disableNonResourceRules",
    "dockerSocketPath",
    "endpoint",
    "env",
    "fips",
    "kubelet",
    "kubernetesResourcesAnnotationsAsTags",
    "kubernetesResourcesLabelsAsTags",
    "localService",
    "logLevel",
    "namespaceAnnotationsAsTags",
    "namespaceLabelsAsTags",
    "networkPolicy",
    "nodeLabelsAsTags",
    "originDetectionUnified",
    "podAnnotationsAsTags",
    "podLabelsAsTags",
    "registry",
    "runProcessChecksInCoreAgent",
    "secretBackend",
    "site",
    "tags",
    "useFIPSAgent",
    "useVSock",
];

const CREDENTIALS: [&str; 4] = ["apiKey", "apiSecret", "appKey", "appSecret"];

const COMPONENTS: [&str; 4] = ["nodeAgent", "clusterAgent", "clusterChecksRunner", "otelAgentGateway"];

const COMPONENT: [&str; 30] = [
    "affinity",
    "annotations",
    "celWorkloadExclude",
    "containers",
    "createPodDisruptionBudget",
    "createRbac",
    "customConfigurations",
    "disabled",
    "dnsConfig",
    "dnsPolicy",
    "env",
    "envFrom",
    "extraChecksd",
    "extraConfd",
    "hostNetwork",
    "hostPID",
    "image",
    "labels",
    "name",
    "nodeSelector",
    "priorityClassName",
    "replicas",
    "runtimeClassName",
    "securityContext",
    "serviceAccountAnnotations",
    "serviceAccountName",
    "tolerations",
    "topologySpreadConstraints",
    "updateStrategy",
    "volumes",
];

const INJECTION: [&str; 8] = [
    "clusterAgentCommunicationEnabled",
    "clusterAgentTlsVerification",
    "enabled",
    "image",
    "profiles",
    "provider",
    "registry",
    "selectors",
];

const IMAGE: [&str; 5] = ["jmxEnabled", "name", "pullPolicy", "pullSecrets", "tag"];

/// Names that the Helm chart has for the same.
const OF_THE_CHART: [(&str, &str); 6] = [
    ("imageTag", "image.tag"),
    ("imageName", "image.name"),
    ("containerRegistry", "registry"),
    ("apiKeyExistingSecret", "credentials.apiSecret.secretName"),
    ("tokenExistingSecret", "clusterAgentTokenSecret.secretName"),
    ("agents", "nodeAgent"),
];

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for object in project.of_kind("DatadogAgent").filter(|object| object.group() == "datadoghq.com") {
        if object.version != "datadoghq.com/v2alpha1" {
            let place = object.node.get("apiVersion").map_or_else(|| object.place(), YamlNode::place);
            let message = format!("the Operator does not support `{}`", object.version);
            findings.push(Finding::new(&OLD_VERSION, place, message));
            continue;
        }
        fields(object, findings);
    }
}

fn fields(object: ManifestObject<'_>, findings: &mut Findings) {
    let Some(spec) = object.node.get("spec") else { return };
    hold(spec, "spec", &SPEC, findings);
    let injection = ["features", "admissionController", "agentSidecarInjection"];
    let known: [(&[&str], &[&str]); 5] = [
        (&["features"], &FEATURES),
        (&["global"], &GLOBAL),
        (&["global", "credentials"], &CREDENTIALS),
        (&["override"], &COMPONENTS),
        (&injection, &INJECTION),
    ];
    for (path, names) in known {
        if let Some(node) = spec.path(path) {
            hold(node, &path.join("."), names, findings);
        }
    }
    if let Some(image) = spec.path(&injection).and_then(|injection| injection.get("image")) {
        hold(image, "agentSidecarInjection.image", &IMAGE, findings);
    }
    for component in spec.get("override").into_iter().flat_map(YamlNode::entries) {
        if COMPONENTS.contains(&component.name) {
            hold(component.value, &format!("override.{}", component.name), &COMPONENT, findings);
        }
    }
}

fn hold(node: YamlNode<'_>, path: &str, names: &[&str], findings: &mut Findings) {
    for entry in node.entries().filter(|entry| entry.name != "<<" && !names.contains(&entry.name)) {
        let finding = Finding::new(&UNKNOWN_FIELD, entry.key, format!("`{path}` has no `{}`", entry.name));
        let of_chart = OF_THE_CHART.iter().find(|(name, _)| *name == entry.name).map(|(_, own)| *own);
        findings.push(match of_chart.or_else(|| closest(entry.name, names.iter().copied())) {
            Some(name) => finding.fix(format!("Did you mean `{name}`?")),
            None => finding,
        });
    }
}
