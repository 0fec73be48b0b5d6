//! What the names of a log group and a log stream tell: which container wrote, or that it was no container at all.
//!
//! Fluent Bit names a stream after its tag, and the tag after the file that the kubelet named after the container:
//! `<prefix>kube.var.log.containers.<pod>_<namespace>_<container>-<64 characters>.log`. No application can change
//! that name, so it outranks whatever a record says of itself (`docs/decisions/0003-stream-outranks-record.md`).
//!
//! Who names a pod or writes the prefix can bring about a name that can be read in two ways. Such a name speaks for
//! nobody: one of the readings may be another's pod.

/// Who wrote a log stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamOrigin<'a> {
    /// A container, named in full by the stream.
    Container(Container<'a>),
    /// A container, but the name does not say which: it can be read in several ways, or its end was cut off.
    UnclearContainer {
        /// What a record has to agree with to tell who wrote it; `None`: no record can.
        may_be: Option<PossibleContainer<'a>>,
    },
    /// The pod's Fluent Bit itself (`flb_log_cw: "true"`).
    FluentBit {
        /// The pod it served, where the stream's name can be read in one way only.
        pod: Option<(&'a str, &'a str)>,
    },
    /// An AWS service or function: the message is not Fluent Bit's. Holds Datadog's name of the source.
    Service(&'static str),
    /// Not to be told from the names: a templated stream of Fluent Bit's, or any other log group.
    Unknown {
        /// Datadog's name of the source, should it be no container.
        guess: &'static str,
    },
}

impl StreamOrigin<'_> {
    /// Whether one container wrote the whole stream, known or not.
    pub(crate) fn is_container(&self) -> bool {
        matches!(self, StreamOrigin::Container(_) | StreamOrigin::UnclearContainer { .. })
    }
}

/// A container as its log stream names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container<'a> {
    pub(crate) pod: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) container: &'a str,
    /// The runtime's id, 64 hexadecimal digits.
    pub(crate) id: &'a str,
}

/// A container as an unclear name may mean it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PossibleContainer<'a> {
    /// The longest that it can be. What stands before a pod's name is the ConfigMap's; so whoever names a pod can make
    /// a shorter one appear within it, which may be another's, but not a longer one.
    pub(crate) pod: &'a str,
    pub(crate) namespace: &'a str,
    /// `None` where it was cut.
    pub(crate) container: Option<&'a str>,
}

/// Where the file name begins within a tag. Source: Fluent Bit, `plugins/filter_kubernetes/kube_conf.h`, the
/// default `Kube_Tag_Prefix`, and the fixed input of EKS Fargate's log router.
const FILES: &str = "var.log.containers.";

/// The longest name of a pod, a DNS subdomain; and of a namespace or a container, a DNS label.
/// Source: Kubernetes, "Object Names and IDs".
const LONGEST_SUBDOMAIN: usize = 253;
const LONGEST_LABEL: usize = 63;

/// The length of a container's id. Source: Fluent Bit, `plugins/filter_kubernetes/kube_regex.h`.
const ID_LENGTH: usize = 64;

/// The tag of Fluent Bit's own log, with which the stream's name ends where an output of the ConfigMap matches it, as `Match *` does.
/// Source: aws/aws-for-fluent-bit, issue 301.
pub const FLUENT_BIT_FILE: &str = "flblogs.var.log.fluent-bit.log";

/// How the group ends that `flb_log_cw` makes for Fluent Bit's own log: `<cluster>-fluent-bit-logs`. Its streams are named
/// `fluent-bit-<pod>-<namespace>`. Source: AWS, "Start AWS Fargate logging for your cluster", "Fluent Bit process logs".
pub const FLUENT_BIT_GROUP: &str = "-fluent-bit-logs";
pub const FLUENT_BIT_STREAM: &str = "fluent-bit-";

/// Tells who wrote the log stream.
pub fn origin<'a>(log_group: &str, log_stream: &'a str) -> StreamOrigin<'a> {
    let container = container(log_stream);
    if let Some(named @ StreamOrigin::Container(_)) = container {
        return named;
    }
    if log_stream.ends_with(FLUENT_BIT_FILE) {
        return StreamOrigin::FluentBit { pod: None };
    }
    if let Some(source) = service_of_group(log_group) {
        return StreamOrigin::Service(source);
    }
    let own = log_stream.find(FLUENT_BIT_STREAM).and_then(|at| log_stream.get(at + FLUENT_BIT_STREAM.len()..));
    // Pods may write to a group of such a name, too.
    if log_group.ends_with(FLUENT_BIT_GROUP) && container.is_none_or(|_| log_stream.starts_with(FLUENT_BIT_STREAM)) {
        return StreamOrigin::FluentBit { pod: own.and_then(fluent_bit_pod) };
    }
    // Not unknown: there a record may tell of any pod.
    container.unwrap_or_else(|| StreamOrigin::Unknown { guess: guess(log_group, log_stream) })
}

/// Reads pod, namespace, container and id out of a stream's name, from the right: the prefix may be anything. `None`
/// if the name is not made of a container's file.
///
/// Underscores are in none of the names and a dash is in no id, so all but the beginning of the pod can be read in one
/// way. A pod's name may have dots, and so hold the words `var.log.containers.` again. And the kubelet cuts a file's name
/// to 255 bytes at its end: the id, and then the container.
///
/// Source of the form: Fluent Bit, `plugins/filter_kubernetes/kube_regex.h`; of the cut: Kubernetes,
/// `pkg/kubelet/kuberuntime`, `logSymlink`.
fn container(log_stream: &str) -> Option<StreamOrigin<'_>> {
    const NOBODY: Option<StreamOrigin> = Some(StreamOrigin::UnclearContainer { may_be: None });
    log_stream.rfind(FILES)?;
    let Some(name) = log_stream.strip_suffix(".log") else { return NOBODY };
    let mut parts = name.rsplitn(3, '_');
    let (Some(last), Some(namespace), Some(head)) = (parts.next(), parts.next(), parts.next()) else { return NOBODY };
    let mut pods = pods(head);
    let Some(pod) = pods.next().filter(|_| is_label(namespace)) else { return NOBODY };
    let whole = last.rsplit_once('-').filter(|(container, id)| is_label(container) && is_id(id));
    Some(match (whole, pods.next()) {
        (Some((container, id)), None) => StreamOrigin::Container(Container { pod, namespace, container, id }),
        (whole, _) => {
            let container = whole.map(|(container, _)| container);
            StreamOrigin::UnclearContainer { may_be: Some(PossibleContainer { pod, namespace, container }) }
        }
    })
}

/// What may be the pod at the end of `head`, behind a [`FILES`] each; the longest first. Looks at no more than a pod's
/// longest name and the words before it: a name is as long as its sender likes.
fn pods(head: &str) -> impl Iterator<Item = &str> {
    let may_be_pods = |byte: &u8| is_of_name(*byte) || *byte == b'.';
    let length = head.bytes().rev().take(LONGEST_SUBDOMAIN + FILES.len()).take_while(may_be_pods).count();
    // These bytes are ASCII, so the text can be cut before them.
    let end = head.get(head.len() - length..).unwrap_or_default();
    end.match_indices(FILES).map(|(at, _)| &end[at + FILES.len()..]).filter(|pod| is_subdomain(pod))
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_id(id: &str) -> bool {
    id.len() == ID_LENGTH && id.bytes().all(|byte| is_of_name(byte) && byte != b'-')
}

/// Labels with dots between.
fn is_subdomain(name: &str) -> bool {
    name.len() <= LONGEST_SUBDOMAIN && name.split('.').all(is_part)
}

fn is_label(name: &str) -> bool {
    name.len() <= LONGEST_LABEL && is_part(name)
}

/// Lower-case letters, digits and dashes, beginning and ending with a letter or digit.
fn is_part(name: &str) -> bool {
    let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| is_of_name(byte) && byte != b'-');
    name.bytes().all(is_of_name) && is_edge(name.bytes().next()) && is_edge(name.bytes().next_back())
}

/// Splits `<pod>-<namespace>` where it can be split in one way only. Both may hold dashes, and whoever names a pod
/// `web-6d4cf56db6-x7k2p-kube`, in a namespace `system`, would speak for one in `kube-system`.
fn fluent_bit_pod(name: &str) -> Option<(&str, &str)> {
    // A namespace has no dot and is a label, so it is among the last bytes.
    let dashes = name.bytes().enumerate().rev().take(LONGEST_LABEL + 1).filter(|(_, byte)| *byte == b'-');
    let splits = dashes.filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    let mut splits = splits.filter(|(pod, namespace)| is_subdomain(pod) && is_label(namespace));
    let found = splits.next()?;
    splits.next().is_none().then_some(found)
}

/// The AWS service that a log group belongs to, in Datadog's words; `None` where its name is no service's own.
///
/// Source: DataDog/datadog-serverless-functions, `aws/logs_monitoring`, `find_cloudwatch_source` of the 3.x line; the
/// EKS control plane's group from AWS, "Send control plane logs to CloudWatch Logs".
fn service_of_group(log_group: &str) -> Option<&'static str> {
    let group = log_group.to_ascii_lowercase();
    if let Some(rest) = group.strip_prefix("/aws/eks/") {
        // Other groups of the cluster may well be Fluent Bit's, with a templated stream.
        return rest.ends_with("/cluster").then_some("eks");
    }
    if group.starts_with("/aws/rds") {
        let engines = ["mariadb", "mysql", "postgresql"];
        return Some(engines.into_iter().find(|engine| group.contains(engine)).unwrap_or("rds"));
    }
    const PREFIXES: [(&str, &str); 13] = [
        ("api-gateway", "apigateway"),
        ("/aws/api-gateway", "apigateway"),
        ("/aws/apigateway", "apigateway"),
        ("/aws/http-api", "apigateway"),
        ("/aws/vendedlogs/states", "stepfunction"),
        ("dms-tasks", "dms"),
        ("sns/", "sns"),
        ("/aws/fsx/windows", "aws.fsx"),
        ("/aws/appsync/", "appsync"),
        ("/aws/lambda", "lambda"),
        ("/aws/codebuild", "codebuild"),
        ("/aws/kinesis", "kinesis"),
        ("/aws/docdb", "docdb"),
    ];
    PREFIXES.iter().find(|(prefix, _)| group.starts_with(prefix)).map(|(_, source)| *source)
}

/// What Datadog's forwarder guesses from a part of the name: only a guess, a cluster may be named `vpc-tools`.
fn guess(log_group: &str, log_stream: &str) -> &'static str {
    const PARTS: [&str; 7] =
        ["network-firewall", "route53", "vpc", "cloudtrail", "msk", "elasticsearch", "transitgateway"];
    let group = log_group.to_ascii_lowercase();
    if log_stream.contains("_CloudTrail_") {
        return "cloudtrail";
    }
    PARTS.into_iter().find(|part| group.contains(part)).unwrap_or("cloudwatch")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "1818ae70c2215722638e1601449eb6d5857f092445e4d8247d657475f82aa3b5";

    fn unclear<'a>(pod: &'a str, namespace: &'a str, container: Option<&'a str>) -> Option<StreamOrigin<'a>> {
        Some(StreamOrigin::UnclearContainer { may_be: Some(PossibleContainer { pod, namespace, container }) })
    }

    const NOBODY: Option<StreamOrigin> = Some(StreamOrigin::UnclearContainer { may_be: None });

    #[test]
    fn any_prefix_stands_before_the_container() {
        for prefix in [
            "",
            "from-fluent-bit-",
            "awslogs-firelens-example",
            "prod/",
            "ü_",
            // Words of the form, but no name of a container behind them.
            "x_y.var.log.containers.a_b_c-",
            "var.log.containers.a_b_",
            "var.log.containers..",
            "var.log.containers.-",
            "var.log.containers.A",
        ] {
            let name = format!("{prefix}kube.var.log.containers.web-0.a_shop_my-app-{ID}.log");
            let named = Container { pod: "web-0.a", namespace: "shop", container: "my-app", id: ID };
            assert_eq!(container(&name), Some(StreamOrigin::Container(named)), "{name}");
        }
    }

    #[test]
    fn other_names_are_not_containers() {
        for name in ["", "web-56c89cfff7-tsdww.web", "2026/11/22/[$LATEST]0123456789abcdef", "var.log.containers"] {
            assert_eq!(container(name), None, "{name}");
        }
    }

    #[test]
    fn a_pod_whose_name_holds_the_words_again_is_not_the_pod_behind_them() {
        for (first, second) in [("a", "payments-0"), ("kube", "payments-0"), ("a.b-1", "c.d")] {
            let pod = format!("{first}.var.log.containers.{second}");
            let name = format!("p_kube.var.log.containers.{pod}_shop_app-{ID}.log");
            assert_eq!(container(&name), unclear(&pod, "shop", Some("app")), "{name}");
        }
        // A prefix can do the same. The longest reading is then of no pod, and no record agrees with it.
        let name = format!("var.log.containers.kube.var.log.containers.web_shop_app-{ID}.log");
        assert_eq!(container(&name), unclear("kube.var.log.containers.web", "shop", Some("app")));
        // A name that no pod has is no reading.
        for (length, is_clear) in
            [(LONGEST_SUBDOMAIN - 1, false), (LONGEST_SUBDOMAIN, false), (LONGEST_SUBDOMAIN + 1, true)]
        {
            let pod = format!("{}.var.log.containers.web", "a".repeat(length - ".var.log.containers.web".len()));
            let name = format!("kube.var.log.containers.{pod}_shop_app-{ID}.log");
            assert_eq!(matches!(container(&name), Some(StreamOrigin::Container(_))), is_clear, "{length}");
        }
    }

    #[test]
    fn a_file_name_that_the_kubelet_cut_is_unclear() {
        let pod = "p".repeat(120);
        let namespace = "n".repeat(LONGEST_LABEL);
        let whole = format!("{pod}_{namespace}_app-one-{ID}");
        let of_length = |length: usize| format!("kube.var.log.containers.{}.log", &whole[..length]);
        let start = pod.len() + 1 + namespace.len() + 1;
        // In the id, and in the container, where a dash of its own could be taken for the one before the id.
        for length in start..whole.len() {
            assert_eq!(container(&of_length(length)), unclear(&pod, &namespace, None), "{length}");
        }
        assert!(matches!(container(&of_length(whole.len())), Some(StreamOrigin::Container(_))));
        // Before the container there is nothing that a record could agree with: the namespace may be cut.
        for length in [0, 1, pod.len(), pod.len() + 1, start - 1] {
            assert_eq!(container(&of_length(length)), NOBODY, "{length}");
        }
        // As CloudWatch Logs takes no longer name than 512 characters.
        assert_eq!(container(&of_length(whole.len())[..200]), NOBODY);
        // A name of a container can end like a part of an id, never like a whole one.
        let cut = format!("kube.var.log.containers.web_shop_a-{}.log", &ID[..LONGEST_LABEL - 2]);
        assert_eq!(container(&cut), unclear("web", "shop", None));
    }

    #[test]
    fn what_is_no_name_in_kubernetes_speaks_for_nobody() {
        let long = "n".repeat(LONGEST_LABEL + 1);
        for file in [
            "web_shop-abc123.log".to_owned(),
            format!("Web_shop_app-{ID}.log"),
            format!("-web_shop_app-{ID}.log"),
            format!("web._shop_app-{ID}.log"),
            format!("we..b_shop_app-{ID}.log"),
            format!("web_sh.op_app-{ID}.log"),
            format!("web_{long}_app-{ID}.log"),
            format!("web_shop_app-{ID}.txt"),
            format!("a_web_shop_app-{ID}.log"),
        ] {
            assert_eq!(container(&format!("kube.var.log.containers.{file}")), NOBODY, "{file}");
        }
        for last in ["app", "app-abc123", "-abc", "a.b-1", &format!("{long}-{ID}"), &format!("app-{ID}0")] {
            let name = format!("kube.var.log.containers.web_shop_{last}.log");
            assert_eq!(container(&name), unclear("web", "shop", None), "{last}");
        }
    }

    #[test]
    fn an_unclear_name_is_not_unknown() {
        let name = "kube.var.log.containers.web_shop.log";
        assert_eq!(Some(origin("/eks/shop", name)), NOBODY);
        assert_eq!(Some(origin("prod-fluent-bit-logs", name)), NOBODY);
        let own = format!("fluent-bit-{name}");
        assert_eq!(origin("prod-fluent-bit-logs", &own), StreamOrigin::FluentBit { pod: None });
        assert_eq!(origin("prod-fluent-bit-logs", "else"), StreamOrigin::FluentBit { pod: None });
        assert_eq!(origin("/aws/lambda/x", name), StreamOrigin::Service("lambda"));
    }

    #[test]
    fn groups_that_are_not_from_fargate_have_their_source() {
        for (group, source) in [
            ("/aws/lambda/hello", Some("lambda")),
            ("/aws/rds/instance/x/error", Some("rds")),
            ("/aws/rds/cluster/x/postgresql", Some("postgresql")),
            ("API-Gateway-Execution-Logs_abc/dev", Some("apigateway")),
            ("/aws/eks/prod/cluster", Some("eks")),
            ("/aws/eks/prod/fargate", None),
            ("/eks/shop", None),
            ("anything", None),
        ] {
            let expected = source.map_or(StreamOrigin::Unknown { guess: "cloudwatch" }, StreamOrigin::Service);
            assert_eq!(origin(group, "a-stream"), expected, "{group}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_only_a_guess() {
        assert_eq!(origin("my-VPC-flow-logs", "eni-1"), StreamOrigin::Unknown { guess: "vpc" });
        assert_eq!(
            origin("trails", "111122223333_CloudTrail_eu-west-1"),
            StreamOrigin::Unknown { guess: "cloudtrail" }
        );
    }

    #[test]
    fn the_log_of_fluent_bit_itself_names_its_pod_where_there_is_one_reading() {
        fn pod(stream: &str) -> Option<(&str, &str)> {
            match origin("prod-fluent-bit-logs", stream) {
                StreamOrigin::FluentBit { pod } => pod,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(pod("fluent-bit-web-shop"), Some(("web", "shop")));
        assert_eq!(pod("fluent-bit-a.b-shop"), Some(("a.b", "shop")));
        // What a dash is not: in front of a dot, or of a namespace that is too long.
        assert_eq!(pod("fluent-bit-a-b.c-shop"), Some(("a-b.c", "shop")));
        let long = "n".repeat(LONGEST_LABEL);
        assert_eq!(pod(&format!("fluent-bit-a-{long}")), Some(("a", long.as_str())));
        assert_eq!(pod(&format!("fluent-bit-a-{long}n")), None);
        // Whoever may name pods in `system` would speak for one in `kube-system`.
        for two in ["web-6d4cf56db6-x7k2p-kube-system", "web-6d4cf56db6-x7k2p-shop", "api-0-shop"] {
            assert_eq!(pod(&format!("fluent-bit-{two}")), None, "{two}");
        }
        for none in ["", "web", "-web", "web-", "web-Shop", "web_shop"] {
            assert_eq!(pod(&format!("fluent-bit-{none}")), None, "{none}");
        }
        assert_eq!(pod("own-prefix-fluent-bit-web-shop"), Some(("web", "shop")));
        assert_eq!(pod("fluent-bit-fluent-bit-web-shop"), None);
    }

    #[test]
    fn the_log_of_fluent_bit_itself_is_known_wherever_it_goes() {
        for (group, stream, is_fluent_bits) in [
            ("/aws/eks/prod-eu/fargate", "from-fluent-bit-flblogs.var.log.fluent-bit.log", true),
            ("anything", "flblogs.var.log.fluent-bit.log", true),
            ("/teams/prod-eu-fluent-bit-logs", "fluent-bit-api-0-shop", true),
            ("prod-eu-fluent-bit-logs", "anything", true),
            ("/aws/eks/prod-eu/fargate", "from-fluent-bit-flblogs.var.log.fluent-bit.log.1", false),
            ("/aws/lambda/ship-fluent-bit-logs", "2026/11/22/[$LATEST]0123456789abcdef", false),
            ("fluent-bit-cloudwatch", "from-fluent-bit-web", false),
        ] {
            let found = matches!(origin(group, stream), StreamOrigin::FluentBit { .. });
            assert_eq!(found, is_fluent_bits, "{group} {stream}");
        }
    }

    proptest! {
        #[test]
        fn no_name_is_too_strange(group in any::<String>(), stream in any::<String>()) {
            let _ = origin(&group, &stream);
        }

        #[test]
        fn every_legal_container_is_found(
            prefix in "[ -~]{0,30}",
            pod in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?){0,2}",
            namespace in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
            name in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
            id in "[0-9a-f]{64}",
        ) {
            let stream = format!("{prefix}kube.var.log.containers.{pod}_{namespace}_{name}-{id}.log");
            let expected = Container { pod: &pod, namespace: &namespace, container: &name, id: &id };
            prop_assert_eq!(container(&stream), Some(StreamOrigin::Container(expected)));
        }

        /// Whatever is in the prefix and in the pod's name: it is the pod, or nobody.
        #[test]
        fn no_name_speaks_for_another_pod(
            prefix in proptest::collection::vec("var\\.log\\.containers\\.|[a-z]{1,3}[-_.]?", 0..4),
            pod in proptest::collection::vec("var\\.log\\.containers\\.|[a-z]{1,3}[-.]?", 1..4),
        ) {
            let (prefix, pod) = (prefix.concat(), format!("{}z", pod.concat()));
            prop_assume!(is_subdomain(&pod));
            let stream = format!("{prefix}kube.var.log.containers.{pod}_shop_app-{ID}.log");
            match container(&stream) {
                Some(StreamOrigin::Container(found)) => prop_assert_eq!(found.pod, pod),
                Some(StreamOrigin::UnclearContainer { may_be: Some(one) }) => {
                    prop_assert!(one.pod.ends_with(&pod), "no shorter one: {}", one.pod);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
