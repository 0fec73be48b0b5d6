//! The pod of `podferry doctor --canary`: what it prints, known beforehand line by line, and its manifest.
//!
//! Each line has a number, and wherever it is cut, each piece has the run and the number, so that pieces are found and counted whatever
//! wraps them on the way.
//!
//! Source: Kubernetes API reference, Pod v1; Kubernetes, "Pod Security Standards" (restricted).

use crate::agent::check_labels;
use crate::node::{Map, Node};

/// The image, unless another is given: Docker's library on AWS's public registry, which asks nobody to sign in.
pub const IMAGE: &str = "public.ecr.aws/docker/library/busybox:1.37.0";

/// The container's name, and the service by the pod's label: the same, so that the service is known with and without labels.
pub const CONTAINER: &str = "podferry-canary";

/// The label by which all canaries are found.
pub const LABEL: (&str, &str) = ("app.kubernetes.io/name", "podferry-canary");

/// From it Datadog has the service of a pod's logs.
const SERVICE_LABEL: &str = "tags.datadoghq.com/service";

/// How long a long line is at least, in bytes: more than two of the 16 KiB at which containerd cuts.
const LONG_BYTES: usize = 40_000;

/// How many long lines there are, and how many lines the stack trace has.
const LONG_LINES: u32 = 3;
const TRACE_LINES: u32 = 8;

/// How often a second lines may come, and how many short ones there may be.
pub const RATES: std::ops::RangeInclusive<i64> = 1..=100;
pub const SHORT_LINES: std::ops::RangeInclusive<i64> = 2..=2000;

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanaryLine {
    Short,
    /// The text has the mark so often.
    Long {
        marks: u32,
    },
    /// One of the stack trace.
    Trace,
}

/// What a canary prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryPlan {
    /// Tells this run from all others: see [`is_run`].
    pub run: String,
    /// How many short lines.
    pub short: u32,
    /// Lines a second.
    pub rate: u32,
}

/// Whether it is a letter and 8 to 16 letters and digits of the lower case: one word to whoever searches logs, and a part of a pod's name.
pub fn is_run(run: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (9..=17).contains(&run.len())
        && run.starts_with(|first: char| first.is_ascii_lowercase())
        && run.bytes().all(is_inside)
}

impl CanaryPlan {
    /// All lines in the order of their numbers, of which the first is 1.
    pub fn lines(&self) -> Vec<CanaryLine> {
        let first = self.short / 2;
        let short = |count: u32| (0..count).map(|_| CanaryLine::Short);
        let long = (1..=LONG_LINES).map(|number| CanaryLine::Long { marks: self.marks(first + number) });
        let trace = (0..TRACE_LINES).map(|_| CanaryLine::Trace);
        short(first).chain(long).chain(trace).chain(short(self.short - first)).collect()
    }

    /// How often the shell doubles a long line's block before it is long enough.
    fn marks(&self, number: u32) -> u32 {
        let (mut bytes, mut marks) = (format!("{} {number} long.", self.run).len(), 1);
        while bytes < LONG_BYTES {
            bytes *= 2;
            marks *= 2;
        }
        marks
    }

    /// For how many seconds it prints, without what the shell itself takes.
    pub fn seconds(&self) -> u64 {
        u64::from((self.short + LONG_LINES + TRACE_LINES).div_ceil(self.rate.max(1)))
    }

    /// The name of the pod.
    pub fn pod(&self) -> String {
        format!("podferry-canary-{}", self.run)
    }

    /// What the shell runs. Behind the last line it waits, since a pod that ends takes its Fluent Bit with it.
    fn script(&self, lives_seconds: u64) -> String {
        let CanaryPlan { run, short, rate } = self;
        let milliseconds = 1000 / (*rate).max(1);
        let pause = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        let first = short / 2;
        let rest = short - first;
        format!(
            "run={run}\nn=0\nshort() {{\n  i=0\n  while [ $i -lt $1 ]; do\n    i=$((i+1)); n=$((n+1))\n    echo \"INFO canary $run $n short\"\n    \
             sleep {pause}\n  done\n}}\nlong() {{\n  n=$((n+1)); text=\"$run $n long.\"\n  while [ ${{#text}} -lt {LONG_BYTES} ]; do \
             text=\"$text$text\"; done\n  echo \"INFO canary $text\"\n  sleep {pause}\n}}\nshort {first}\ni=0\nwhile [ $i -lt {LONG_LINES} ]; do i=$((i+1)); \
             j=$i; long; i=$j; done\nn=$((n+1))\necho \"Exception in thread \\\"main\\\" java.lang.IllegalStateException: canary $run $n \
             trace\"\ni=1\nwhile [ $i -lt {TRACE_LINES} ]; do\n  i=$((i+1)); n=$((n+1))\n  printf '\\tat \
             podferry.canary.Trace.%s_%s(Canary.java:%s)\\n' \"$run\" \"$n\" \"$i\"\ndone\nsleep {pause}\nshort {rest}\nsleep {lives_seconds}\n"
        )
    }
}

/// Where the pod runs, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryPod {
    pub namespace: String,
    pub image: String,
    /// Labels that the Fargate profile's selector asks for.
    pub labels: Vec<(String, String)>,
    /// After so many seconds the cluster ends the pod, whatever became of who started it.
    pub lives_seconds: u64,
}

impl CanaryPod {
    /// The manifest: no rights, no token, no root, nothing to write to, and little of anything.
    pub fn manifest(&self, plan: &CanaryPlan) -> Map {
        let mut labels = Map::new().with(LABEL.0, LABEL.1).with(SERVICE_LABEL, CONTAINER);
        for (name, value) in &self.labels {
            labels = labels.with(name, value.as_str());
        }
        let resources = || Map::new().with("cpu", "50m").with("memory", "32Mi");
        let container = Map::new()
            .with("name", CONTAINER)
            .with("image", self.image.as_str())
            .with(
                "command",
                Node::list(["sh", "-c"].map(str::to_owned).into_iter().chain([plan.script(self.lives_seconds)])),
            )
            .with("resources", Map::new().with("requests", resources()).with("limits", resources()))
            .with(
                "securityContext",
                Map::new()
                    .with("allowPrivilegeEscalation", false)
                    .with("readOnlyRootFilesystem", true)
                    .with("capabilities", Map::new().with("drop", Node::list(["ALL"]))),
            );
        let security = Map::new()
            .with("runAsNonRoot", true)
            .with("runAsUser", 65534)
            .with("seccompProfile", Map::new().with("type", "RuntimeDefault"));
        let spec = Map::new()
            .with("restartPolicy", "Never")
            .with("activeDeadlineSeconds", i64::try_from(self.lives_seconds).unwrap_or(i64::MAX))
            .with("terminationGracePeriodSeconds", 1)
            .with("automountServiceAccountToken", false)
            .with("enableServiceLinks", false)
            .with("securityContext", security)
            .with("containers", Node::list([container]));
        let metadata =
            Map::new().with("name", plan.pod()).with("namespace", self.namespace.as_str()).with("labels", labels);
        Map::new().with("apiVersion", "v1").with("kind", "Pod").with("metadata", metadata).with("spec", spec)
    }

    /// What is wrong with its labels, for people.
    pub fn problem(&self) -> Option<String> {
        if self.labels.iter().any(|(name, _)| name == LABEL.0 || name == SERVICE_LABEL) {
            return Some(format!("--canary-label: {} and {SERVICE_LABEL} are the canary's own", LABEL.0));
        }
        check_labels(&self.labels).err().map(|problem| problem.replace("--label", "--canary-label"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(short: u32) -> CanaryPlan {
        CanaryPlan { run: "r0123456789ab".into(), short, rate: 10 }
    }

    #[test]
    fn runs_are_one_word() {
        for (run, expected) in [
            ("r0123456789ab", true),
            ("r01234567", true),
            ("r0123456789abcdef", true),
            ("r0123456", false),
            ("r0123456789abcdef0", false),
            ("00123456789ab", false),
            ("r01234-56789a", false),
            ("R0123456789ab", false),
        ] {
            assert_eq!(is_run(run), expected, "{run}");
        }
    }

    #[test]
    fn the_plan_has_every_kind() {
        for short in [2, 3, 60, 2000] {
            let lines = plan(short).lines();
            let count = |is: fn(&CanaryLine) -> bool| lines.iter().filter(|line| is(line)).count();
            assert_eq!(count(|line| *line == CanaryLine::Short), short as usize);
            assert_eq!(count(|line| *line == CanaryLine::Trace), TRACE_LINES as usize);
            assert_eq!(count(|line| matches!(line, CanaryLine::Long { .. })), LONG_LINES as usize);
        }
        assert_eq!((plan(60).seconds(), plan(2).seconds()), (8, 2));
    }

    #[test]
    fn the_pod_can_do_nothing() {
        let pod = CanaryPod { namespace: "shop".into(), image: IMAGE.into(), labels: Vec::new(), lives_seconds: 600 };
        let pod = serde_json::to_value(pod.manifest(&plan(60))).unwrap();
        let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
        assert_eq!((&spec["automountServiceAccountToken"], &spec["restartPolicy"]), (&false.into(), &"Never".into()));
        assert_eq!(
            (&spec["securityContext"]["runAsNonRoot"], &spec["activeDeadlineSeconds"]),
            (&true.into(), &600.into())
        );
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
        assert_eq!(container["resources"]["limits"]["memory"], "32Mi");
        assert!(IMAGE.rsplit(':').next().is_some_and(|tag| tag.split('.').count() == 3), "a release, not a moving tag");
    }

    #[test]
    fn labels_of_the_profile_are_checked() {
        let with = |name: &str, value: &str| {
            let labels = vec![(name.to_owned(), value.to_owned())];
            CanaryPod { namespace: "a".into(), image: IMAGE.into(), labels, lives_seconds: 1 }.problem()
        };
        assert_eq!(with("tier", "web"), None);
        for (name, value) in [(LABEL.0, "x"), (SERVICE_LABEL, "x"), ("tier", "a b"), ("ti er", "x")] {
            assert!(with(name, value).is_some_and(|problem| problem.starts_with("--canary-label: ")), "{name}");
        }
    }
}
