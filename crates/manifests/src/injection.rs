//! The Cluster Agent and the sidecars that it injects: what there is to choose, for the Helm chart's values and for the
//! Operator's DatadogAgent alike.
//!
//! Both say the same in different words: `helm_values` and `operator` are made from one [`Injection`], and a test holds them
//! against each other.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate", "Admission Controller"; DataDog/datadog-agent,
//! `pkg/clusteragent/admission/mutate/agent_sidecar`.

use crate::agent::{
    CLUSTER_AGENT_TLS_SINCE, COLLECT_ALL, NAMESPACE, PROCESSES, Resources, SECRET, SIDECAR_LABEL, USER, all_differ,
    check_env, check_tag, env, item, version,
};
use crate::cluster::{Cluster, Need, Refused, is_label, is_name};
use crate::names::{is_label_name, is_label_value};
use crate::node::{ListItem, Map, Node};
use crate::sidecar::NativeLogs;
use crate::sidecar::mount;

/// The Cluster Agent's switch for logs through the kubelet. Source: DataDog/datadog-agent, `pkg/config/setup`.
pub(crate) const KUBELET_LOGS: &str = "DD_ADMISSION_CONTROLLER_AGENT_SIDECAR_KUBELET_API_LOGGING_ENABLED";

/// Where the Cluster Agent has the authority that signs its certificate.
const CERTIFICATES: &str = "/etc/datadog-agent/certificates";
const CERTIFICATES_VOLUME: &str = "certificates";

/// The languages that the Admission Controller has tracing libraries for. Source: DataDog/datadog-agent,
/// `pkg/clusteragent/admission/mutate/autoinstrumentation`, `supportedLanguages`.
pub(crate) const LANGUAGES: [&str; 6] = ["java", "js", "python", "dotnet", "ruby", "php"];

/// What there is to choose.
///
/// One selector and one profile, or none: with a second one the Cluster Agent turns the injection off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// The Cluster Agent's namespace.
    pub datadog_namespace: String,
    /// There are nodes beside Fargate, and the Agent runs on them as a DaemonSet.
    pub mixed: bool,
    /// Labels of the pods that get a sidecar; none: those with the label [`SIDECAR_LABEL`].
    pub pod_labels: Vec<(String, String)>,
    /// Labels of the namespaces of such pods; none: all namespaces.
    pub namespace_labels: Vec<(String, String)>,
    /// Variables of every sidecar.
    pub env: Vec<(String, String)>,
    /// What a sidecar asks for; `None`: as the Admission Controller has it.
    pub resources: Option<Resources>,
    /// Run the sidecar as the user that it is made for, whatever the pod says.
    pub run_as_agent: bool,
    /// Make the file system of the sidecar's image read-only. The Admission Controller adds volumes for what the Agent writes.
    pub read_only: bool,
    /// The Secret of type `kubernetes.io/tls`, in the Cluster Agent's namespace, that has the authority for its certificate: sidecars
    /// then verify that certificate. `None`: they take any.
    pub cluster_agent_ca: Option<String>,
    /// Inject tracing libraries into the pods that get a sidecar: languages and versions, or an empty list for all. `None`: none.
    pub libraries: Option<Vec<(String, String)>>,
    /// Collect the processes of all containers.
    pub processes: bool,
    /// Let sidecars collect the pods' logs through the kubelet.
    pub native_logs: NativeLogs,
    /// The sidecars' version; `None`: that of the chart or the Operator.
    pub tag: Option<String>,
    pub cluster_agent_replicas: i64,
    /// How many Cluster Checks Runners; 0: the Cluster Agent has none.
    pub cluster_checks_runners: i64,
    pub kube_state_metrics: bool,
    pub events: bool,
}

impl Default for Injection {
    fn default() -> Injection {
        Injection {
            datadog_namespace: NAMESPACE.to_owned(),
            mixed: false,
            pod_labels: Vec::new(),
            namespace_labels: Vec::new(),
            env: Vec::new(),
            resources: None,
            run_as_agent: false,
            read_only: false,
            cluster_agent_ca: None,
            libraries: None,
            processes: false,
            native_logs: NativeLogs::None,
            tag: None,
            cluster_agent_replicas: 1,
            cluster_checks_runners: 0,
            kube_state_metrics: true,
            events: true,
        }
    }
}

impl Injection {
    /// Whether a cluster can have this.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn check(&self, cluster: &Cluster) -> Result<(), Refused> {
        cluster.need(&[Need::Cluster])?;
        let wrong = |problem| Err(Refused::Value(problem));
        if !is_label(&self.datadog_namespace) {
            return wrong("--datadog-namespace: must be the name of a namespace");
        }
        if let Some(resources) = &self.resources {
            resources.check().map_err(Refused::Value)?;
        }
        if !(1..=20).contains(&self.cluster_agent_replicas) {
            return wrong("--cluster-agent-replicas: must be from 1 to 20");
        }
        if !(0..=100).contains(&self.cluster_checks_runners) {
            return wrong("--cluster-checks-runner: must be from 0 to 100");
        }
        let differ = |pairs: &[(String, String)]| all_differ(pairs.iter().map(|(name, _)| name.as_str()));
        if !differ(&self.pod_labels) || !differ(&self.namespace_labels) {
            return wrong("--selector and --namespace-selector: a label has one value, so give each once");
        }
        if !self
            .pod_labels
            .iter()
            .chain(&self.namespace_labels)
            .all(|(name, value)| is_label_name(name) && is_label_value(value))
        {
            return wrong("--selector and --namespace-selector: must be LABEL=VALUE as Kubernetes takes labels");
        }
        if self.cluster_agent_ca.as_deref().is_some_and(|name| !is_name(name)) {
            return wrong("--cluster-agent-ca: must be the name of a Secret");
        }
        let libraries = self.libraries.as_deref().unwrap_or_default();
        if !differ(libraries) || !libraries.iter().all(|(language, _)| LANGUAGES.contains(&language.as_str())) {
            return wrong(
                "--apm-libraries: must be LANGUAGE=VERSION, of java, js, python, dotnet, ruby and php, each once",
            );
        }
        if !libraries.iter().all(|(_, version)| check_tag(version, false).is_ok()) {
            return wrong("--apm-libraries: the version must be a tag of the library's image, such as v3 or 2.8.0");
        }
        check_env(&self.env).map_err(Refused::Value)?;
        if self.env.iter().any(|(name, _)| self.own_env().any(|own| own == name)) {
            return wrong("--env: a variable is given twice; --processes and --native-logs also set some");
        }
        let found = self.tag.as_deref().and_then(version);
        if self.cluster_agent_ca.is_some() && found.is_some_and(|found| found < CLUSTER_AGENT_TLS_SINCE) {
            return wrong("--cluster-agent-ca: needs Agent 7.78 or newer; see --image-tag");
        }
        let native_logs = self.native_logs != NativeLogs::None;
        self.tag.as_deref().map_or(Ok(()), |tag| check_tag(tag, native_logs)).map_err(Refused::Value)
    }

    /// The labels of the pods that get a sidecar. With a selector of namespaces only, every pod in them would get one: the label stays.
    fn pod_selector(&self) -> Map {
        let own = [(SIDECAR_LABEL.0.to_owned(), SIDECAR_LABEL.1.to_owned())];
        match_labels(if self.pod_labels.is_empty() { &own } else { &self.pod_labels })
    }

    fn namespace_selector(&self) -> Option<Map> {
        (!self.namespace_labels.is_empty()).then(|| match_labels(&self.namespace_labels))
    }

    /// `selectors`: one, or none.
    fn selectors(&self) -> Option<Node> {
        if self.pod_labels.is_empty() && self.namespace_labels.is_empty() {
            return None;
        }
        let selector = Map::new()
            .with("objectSelector", self.pod_selector())
            .with_some("namespaceSelector", self.namespace_selector());
        Some(Node::list([selector]))
    }

    /// `instrumentation` of the chart and of the Operator: tracing libraries for the pods that get a sidecar, which takes their traces.
    pub(super) fn instrumentation(&self) -> Option<Map> {
        let versions =
            self.libraries.as_ref()?.iter().fold(Map::new(), |map, (name, version)| map.with(name, version.as_str()));
        let target = Map::new()
            .with("name", "fargate")
            .with("podSelector", self.pod_selector())
            .with_some("namespaceSelector", self.namespace_selector())
            .with_some("ddTraceVersions", (!versions.is_empty()).then_some(versions));
        let why = "Only pods with a sidecar: no other has an Agent to send its traces to.";
        Some(Map::new().with("enabled", true).with_comment(why, "targets", Node::list([target])))
    }

    /// Variables of every sidecar that flags of their own switch on.
    fn own_env(&self) -> impl Iterator<Item = &'static str> {
        let processes = self.processes.then_some(PROCESSES);
        processes.into_iter().chain((self.native_logs == NativeLogs::All).then_some(COLLECT_ALL))
    }

    /// `profiles`: one, or none.
    fn profiles(&self) -> Option<Node> {
        let own = self.own_env().map(|name| item(env(name, "true")));
        let others = self.env.iter().map(|(name, value)| profile_variable(name, value));
        let env: Vec<ListItem> = own.chain(others).collect();
        let mut profile = Map::new().with_some("env", (!env.is_empty()).then_some(Node::List(env)));
        profile = profile.with_some("resources", self.resources.as_ref().map(Resources::map));
        let security = self.security_context();
        let why = [
            self.run_as_agent
                .then_some("The image only starts as this user, whatever the pod's own securityContext says."),
            self.read_only.then_some("The Cluster Agent adds volumes for what the Agent writes."),
        ];
        if !security.is_empty() {
            let why: Vec<&str> = why.into_iter().flatten().collect();
            profile = profile.with_comment(&why.join("\n"), "securityContext", security);
        }
        (!profile.is_empty()).then(|| Node::list([profile]))
    }

    fn security_context(&self) -> Map {
        Map::new()
            .with_some("runAsUser", self.run_as_agent.then_some(USER))
            .with_some("readOnlyRootFilesystem", self.read_only.then_some(true))
    }

    /// Variables of the Cluster Agent.
    pub(super) fn cluster_agent_env(&self) -> Option<Node> {
        let logs = (self.native_logs != NativeLogs::None).then(|| env(KUBELET_LOGS, "true"));
        let authority = self.cluster_agent_ca.iter().flat_map(|_| {
            [("CERT", "tls.crt"), ("KEY", "tls.key")].map(|(what, file)| {
                env(&format!("DD_CLUSTER_TRUST_CHAIN_CA_{what}_FILE_PATH"), &format!("{CERTIFICATES}/{file}"))
            })
        });
        let env: Vec<Map> = logs.into_iter().chain(authority).collect();
        (!env.is_empty()).then(|| Node::list(env))
    }

    /// Volumes of the Cluster Agent.
    pub(super) fn cluster_agent_volumes(&self) -> Option<Node> {
        let secret = Map::new().with("secretName", self.cluster_agent_ca.as_deref()?);
        Some(Node::list([Map::new().with("name", CERTIFICATES_VOLUME).with("secret", secret)]))
    }

    /// Where the Cluster Agent mounts them.
    pub(super) fn cluster_agent_mounts(&self) -> Option<Node> {
        let mount = mount(CERTIFICATES_VOLUME, CERTIFICATES).with("readOnly", true);
        self.cluster_agent_ca.as_ref().map(|_| Node::list([mount]))
    }

    /// `agentSidecarInjection`, in which the two differ by how the image's tag is given.
    pub(super) fn sidecars(&self, image: &str, tag: Option<Node>, about_profiles: &str) -> Map {
        let mut sidecars =
            Map::new().with("enabled", true).with("provider", "fargate").with("clusterAgentCommunicationEnabled", true);
        if self.cluster_agent_ca.is_some() {
            sidecars = sidecars.with_comment(
                "Sidecars verify the Cluster Agent, by the ConfigMap datadog-ca-cert that it writes into their namespaces.",
                "clusterAgentTlsVerification",
                Map::new().with("enabled", true).with("copyCaConfigMap", true),
            );
        }
        sidecars = sidecars.with_some(image, tag);
        if let Some(selectors) = self.selectors() {
            let why = "At most one: with a second one nothing is injected.";
            sidecars = sidecars.with_comment(why, "selectors", selectors);
        }
        match self.profiles() {
            Some(profiles) => sidecars.with_comment(about_profiles, "profiles", profiles),
            None => sidecars,
        }
    }

    /// What else there has to be, for people.
    pub(super) fn needs(&self) -> String {
        format!(
            "The namespace {} and every namespace with sidecars need the Secret {SECRET}: `podferry generate secret`. Only pods that start after this \
             get a sidecar.",
            self.datadog_namespace
        )
    }

    pub(super) fn nodes(&self) -> &'static str {
        if self.mixed { "Fargate and other nodes" } else { "Fargate only" }
    }
}

fn match_labels(pairs: &[(String, String)]) -> Map {
    let labels = pairs.iter().fold(Map::new(), |map, (name, value)| map.with(name, value.as_str()));
    Map::new().with("matchLabels", labels)
}

/// A variable of a profile. The profile is a variable of the Cluster Agent itself, in which Kubernetes resolves `$(NAME)` first, with
/// the Cluster Agent's values, and takes `$$` for `$`.
fn profile_variable(name: &str, value: &str) -> ListItem {
    if !value.contains("$(") && !value.contains("$$") {
        return item(env(name, value));
    }
    let why = "`$$`, since the Cluster Agent's own container would resolve `$` already.";
    ListItem::with_comment(why, env(name, &value.replace('$', "$$")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterOptions;

    #[test]
    fn what_cannot_work_is_refused() {
        let options = ClusterOptions { cluster: Some("prod".into()), ..ClusterOptions::default() };
        let cluster = options.check().unwrap();
        let refused = |injection: Injection| injection.check(&cluster).is_err();
        let plain = Injection::default;
        assert!(!refused(plain()) && plain().check(&Cluster::default()).is_err());
        for (replicas, bad) in [(0, true), (1, false), (20, false), (21, true)] {
            assert_eq!(refused(Injection { cluster_agent_replicas: replicas, ..plain() }), bad);
        }
        for (runners, bad) in [(-1, true), (0, false), (100, false), (101, true)] {
            assert_eq!(refused(Injection { cluster_checks_runners: runners, ..plain() }), bad);
        }
        for (name, bad) in [("DD_API_KEY", true), ("DD_HOSTNAME", true), ("DD_ENV", false)] {
            assert_eq!(refused(Injection { env: vec![(name.into(), "x".into())], ..plain() }), bad, "{name}");
        }
        for (tag, bad) in [("7.70.1", true), ("7.71.0", false), ("7", false)] {
            assert_eq!(
                refused(Injection { tag: Some(tag.into()), native_logs: NativeLogs::Annotated, ..plain() }),
                bad,
                "{tag}"
            );
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        let options = ClusterOptions { cluster: Some("prod".into()), ..ClusterOptions::default() };
        let cluster = options.check().unwrap();
        let pairs = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect::<Vec<_>>();
        let refused = |injection: Injection| injection.check(&cluster).is_err();
        for (names, bad) in [(["a", "b"], false), (["a", "a"], true)] {
            assert_eq!(refused(Injection { pod_labels: pairs(&names), ..Injection::default() }), bad);
            assert_eq!(refused(Injection { namespace_labels: pairs(&names), ..Injection::default() }), bad);
            assert_eq!(refused(Injection { env: pairs(&names), ..Injection::default() }), bad);
        }
        assert!(refused(Injection { env: pairs(&[PROCESSES]), processes: true, ..Injection::default() }));
        for (native_logs, bad) in [(NativeLogs::All, true), (NativeLogs::Annotated, false)] {
            assert_eq!(refused(Injection { env: pairs(&[COLLECT_ALL]), native_logs, ..Injection::default() }), bad);
        }
        assert!(refused(Injection { env: pairs(&["A B"]), ..Injection::default() }));
    }

    #[test]
    fn a_namespace_alone_still_needs_the_label() {
        let injection = Injection { namespace_labels: vec![("team".into(), "shop".into())], ..Injection::default() };
        let selectors = serde_json::to_value(injection.selectors().unwrap()).unwrap();
        assert_eq!(selectors[0]["objectSelector"]["matchLabels"][SIDECAR_LABEL.0], "fargate");
        assert!(Injection::default().selectors().is_none() && Injection::default().profiles().is_none());
    }
}
