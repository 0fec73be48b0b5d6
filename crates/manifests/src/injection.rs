//! The Cluster Agent and the sidecars that it injects: what there is to choose, for the Helm chart's values and for the
//! Operator's DatadogAgent alike.
//!
//! Both say the same in different words: `helm_values` and `operator` are made from one [`Injection`], and a test holds them
//! against each other.
//!
//! Source: Datadog, "Amazon EKS on AWS Fargate", "Admission Controller"; DataDog/datadog-agent,
//! `pkg/clusteragent/admission/mutate/agent_sidecar`.

use crate::agent::{
    COLLECT_ALL, NAMESPACE, PROCESSES, Resources, SECRET, SIDECAR_LABEL, USER, all_differ, check_env, check_tag, env,
};
use crate::cluster::{Cluster, Need, Refused, is_label};
use crate::node::{Map, Node};
use crate::sidecar::NativeLogs;

/// The Cluster Agent's switch for logs through the kubelet. Source: DataDog/datadog-agent, `pkg/config/setup`.
pub(crate) const KUBELET_LOGS: &str = "DD_ADMISSION_CONTROLLER_AGENT_SIDECAR_KUBELET_API_LOGGING_ENABLED";

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
        check_env(&self.env).map_err(Refused::Value)?;
        if self.env.iter().any(|(name, _)| self.own_env().any(|own| own == name)) {
            return wrong("--env: a variable is given twice; --processes and --native-logs also set some");
        }
        let native_logs = self.native_logs != NativeLogs::None;
        self.tag.as_deref().map_or(Ok(()), |tag| check_tag(tag, native_logs)).map_err(Refused::Value)
    }

    /// `selectors`: one, or none.
    fn selectors(&self) -> Option<Node> {
        let labels = |pairs: &[(String, String)]| {
            let labels = pairs.iter().fold(Map::new(), |map, (name, value)| map.with(name, value.as_str()));
            (!pairs.is_empty()).then(|| Map::new().with("matchLabels", labels))
        };
        // With a selector of namespaces only, every pod in them would get a sidecar: the label stays.
        let own = [(SIDECAR_LABEL.0.to_owned(), SIDECAR_LABEL.1.to_owned())];
        let pods = if self.pod_labels.is_empty() { own.as_slice() } else { self.pod_labels.as_slice() };
        if self.pod_labels.is_empty() && self.namespace_labels.is_empty() {
            return None;
        }
        let selector = Map::new()
            .with_some("objectSelector", labels(pods))
            .with_some("namespaceSelector", labels(&self.namespace_labels));
        Some(Node::list([selector]))
    }

    /// Variables of every sidecar that flags of their own switch on.
    fn own_env(&self) -> impl Iterator<Item = &'static str> {
        let processes = self.processes.then_some(PROCESSES);
        processes.into_iter().chain((self.native_logs == NativeLogs::All).then_some(COLLECT_ALL))
    }

    /// `profiles`: one, or none.
    fn profiles(&self) -> Option<Node> {
        let own = self.own_env().map(|name| env(name, "true"));
        let others = self.env.iter().map(|(name, value)| env(name, value));
        let env: Vec<Map> = own.chain(others).collect();
        let mut profile = Map::new().with_some("env", (!env.is_empty()).then(|| Node::list(env)));
        profile = profile.with_some("resources", self.resources.as_ref().map(Resources::map));
        if self.run_as_agent {
            profile = profile.with_comment(
                "The image only starts as this user, whatever the pod's own securityContext says.",
                "securityContext",
                Map::new().with("runAsUser", USER),
            );
        }
        (!profile.is_empty()).then(|| Node::list([profile]))
    }

    /// Variables of the Cluster Agent.
    pub(super) fn cluster_agent_env(&self) -> Option<Node> {
        (self.native_logs != NativeLogs::None).then(|| Node::list([env(KUBELET_LOGS, "true")]))
    }

    /// `agentSidecarInjection`, in which the two differ by how the image's tag is given.
    pub(super) fn sidecars(&self, image: &str, tag: Option<Node>, about_profiles: &str) -> Map {
        let mut sidecars = Map::new()
            .with("enabled", true)
            .with("provider", "fargate")
            .with("clusterAgentCommunicationEnabled", true)
            .with_some(image, tag);
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
