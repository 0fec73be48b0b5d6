//! What the names of a log group and a log stream tell: which container wrote, or that it was no container at all.
//!
//! Fluent Bit names a stream after its tag, and the tag after the file that the kubelet named after the container:
//! `<prefix>kube.var.log.containers.<pod>_<namespace>_<container>-<64 characters>.log`. No application can change
//! that name, so it outranks whatever a record says of itself (`docs/decisions/0003-stream-outranks-record.md`).

/// Who wrote a log stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamOrigin<'a> {
    /// A container, named in full by the stream.
    Container(Container<'a>),
    /// The pod's Fluent Bit itself (`flb_log_cw: "true"`).
    FluentBit {
        /// The pod it served, where the stream's name tells it without doubt.
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

/// A container as its log stream names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container<'a> {
    pub(crate) pod: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) container: &'a str,
    /// The runtime's id, 64 hexadecimal digits.
    pub(crate) id: &'a str,
}

/// Where the file name begins within a tag. Source: Fluent Bit, `plugins/filter_kubernetes/kube_conf.h`, the
/// default `Kube_Tag_Prefix`, and the fixed input of EKS Fargate's log router.
const FILES: &str = "var.log.containers.";

/// Tells who wrote the log stream.
pub fn origin<'a>(log_group: &str, log_stream: &'a str) -> StreamOrigin<'a> {
    if let Some(container) = container(log_stream) {
        return StreamOrigin::Container(container);
    }
    if log_group.ends_with("-fluent-bit-logs") {
        return StreamOrigin::FluentBit { pod: log_stream.strip_prefix("fluent-bit-").and_then(fluent_bit_pod) };
    }
    service_of_group(log_group)
        .map_or_else(|| StreamOrigin::Unknown { guess: guess(log_group, log_stream) }, StreamOrigin::Service)
}

/// Reads pod, namespace, container and id out of a stream's name, from the right: the prefix may be anything.
///
/// Source of the form: Fluent Bit, `plugins/filter_kubernetes/kube_regex.h`.
pub(crate) fn container(log_stream: &str) -> Option<Container<'_>> {
    let file = &log_stream[log_stream.rfind(FILES)? + FILES.len()..];
    let (name, id) = file.strip_suffix(".log")?.rsplit_once('-')?;
    let mut parts = name.splitn(3, '_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (is_dns_name(pod) && is_dns_name(namespace) && !container.is_empty() && is_id).then_some(Container {
        pod,
        namespace,
        container,
        id,
    })
}

/// Lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit.
/// Source: Kubernetes, "Object Names and IDs", DNS subdomain names.
fn is_dns_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().all(|byte| inner(byte) || byte == b'-' || byte == b'.')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

/// Splits `<pod>-<namespace>` where both may hold dashes: only a Deployment's pod shows where it ends.
fn fluent_bit_pod(name: &str) -> Option<(&str, &str)> {
    let (pod, namespace) = name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..])).find(|(pod, _)| {
        let mut ends = pod.rsplitn(3, '-');
        let (suffix, hash) = (ends.next().unwrap_or_default(), ends.next().unwrap_or_default());
        // A generated suffix has five characters, a template's hash eight to ten, both without vowels.
        // Source: Kubernetes, `apimachinery/pkg/util/rand`, and `controller.ComputeHash`.
        ends.next().is_some() && suffix.len() == 5 && (8..=10).contains(&hash.len()) && is_safe(suffix) && is_safe(hash)
    })?;
    (!namespace.is_empty()).then_some((pod, namespace))
}

fn is_safe(text: &str) -> bool {
    text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
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

    #[test]
    fn any_prefix_stands_before_the_container() {
        for prefix in ["", "from-fluent-bit-", "awslogs-firelens-example", "prod/", "x_y.var.log.containers.a_b_c-"] {
            let name = format!("{prefix}kube.var.log.containers.web-0.a_shop_my-app-{ID}.log");
            assert_eq!(
                container(&name),
                Some(Container { pod: "web-0.a", namespace: "shop", container: "my-app", id: ID }),
                "{name}"
            );
        }
    }

    #[test]
    fn other_names_are_not_containers() {
        for name in [
            "",
            "web-56c89cfff7-tsdww.web",
            "kube.var.log.containers.web_shop_app.log",
            "kube.var.log.containers.web_shop-abc123.log",
            "kube.var.log.containers.Web_shop_app-abc123.log",
            "kube.var.log.containers.-web_shop_app-abc123.log",
            "kube.var.log.containers.web_shop_app-abc123.txt",
            "2026/11/22/[$LATEST]0123456789abcdef",
        ] {
            assert_eq!(container(name), None, "{name}");
        }
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
    fn the_log_of_fluent_bit_itself_names_its_pod_where_that_is_certain() {
        let pod = |stream| match origin("prod-fluent-bit-logs", stream) {
            StreamOrigin::FluentBit { pod } => pod,
            other => panic!("{other:?}"),
        };
        assert_eq!(pod("fluent-bit-web-6d4cf56db6-x7k2p-kube-system"), Some(("web-6d4cf56db6-x7k2p", "kube-system")));
        assert_eq!(pod("fluent-bit-api-0-shop"), None);
    }

    proptest! {
        #[test]
        fn no_name_is_too_strange(group in any::<String>(), stream in any::<String>()) {
            let _ = origin(&group, &stream);
        }

        #[test]
        fn every_legal_container_is_found(
            prefix in "[ -~]{0,30}",
            pod in "[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?",
            namespace in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
            name in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
            id in "[0-9a-f]{64}",
        ) {
            let stream = format!("{prefix}kube.var.log.containers.{pod}_{namespace}_{name}-{id}.log");
            let found = container(&stream).unwrap();
            // A pod's name could itself hold the words "var.log.containers."; no prefix can make it longer.
            prop_assert!(pod.ends_with(found.pod));
            prop_assert_eq!((found.namespace, found.container, found.id), (namespace.as_str(), name.as_str(), id.as_str()));
        }
    }
}
