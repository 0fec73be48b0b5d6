//! What names may look like, in Kubernetes, AWS and Datadog.

/// How long a cluster's name may be for Datadog. Source: DataDog/helm-charts, `charts/datadog`, `clusterName`.
const MAX_DATADOG_CLUSTER: usize = 80;
/// How long a cluster's name may be for EKS. Source: Amazon EKS API reference, `CreateCluster`, `name`.
const MAX_EKS_CLUSTER: usize = 100;

/// How long a label's value may be. Source: Kubernetes, "Labels and Selectors".
pub(crate) const MAX_LABEL_VALUE: usize = 63;

/// A DNS label, as names of namespaces and containers are. Source: Kubernetes, "Object Names and IDs".
pub(crate) fn is_label(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(is_inside) && !name.starts_with('-') && !name.ends_with('-')
}

/// A DNS subdomain, as names of most objects are. Source: Kubernetes, "Object Names and IDs".
pub fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// A label's name, with or without a prefix. Source: Kubernetes, "Labels and Selectors", "Syntax and character set".
pub(crate) fn is_label_name(name: &str) -> bool {
    let (prefix, name) = name.rsplit_once('/').map_or((None, name), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_name) && !name.is_empty() && is_label_value(name)
}

/// A label's value. Source: the same.
pub(crate) fn is_label_value(value: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let bytes = value.as_bytes();
    bytes.len() <= MAX_LABEL_VALUE && value.bytes().all(is_inside) && is_edge(bytes.first()) && is_edge(bytes.last())
}

/// A text with letters for its stars and question marks, which selectors of Fargate profiles may have. Source: Amazon EKS User Guide,
/// "Fargate profile wildcards".
pub(crate) fn without_wildcards(text: &str) -> String {
    text.replace(['*', '?'], "x")
}

/// A cluster's name as EKS takes it. Source: Amazon EKS API reference, `CreateCluster`, `name`.
pub(crate) fn is_eks_cluster(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    begins && name.len() <= MAX_EKS_CLUSTER && name.bytes().all(is_inside)
}

/// What a cluster that EKS has under this name is called in Datadog: in small letters, without signs at its end, and cut to the length
/// that Datadog takes.
pub(crate) fn datadog_cluster(eks: &str) -> String {
    let cut: String = eks.chars().take(MAX_DATADOG_CLUSTER).collect();
    cut.trim_end_matches(['-', '_']).to_ascii_lowercase()
}

/// A cluster's name as Datadog takes it. Source: DataDog/helm-charts, `charts/datadog`, the pattern of `clusterName`.
pub(crate) fn is_datadog_cluster(name: &str) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        part.bytes().all(|byte| is_edge(byte) || byte == b'-' || byte == b'_')
            && part.bytes().next().is_some_and(is_edge)
            && part.bytes().last().is_some_and(is_edge)
    };
    name.len() <= MAX_DATADOG_CLUSTER && name.split('.').all(is_part)
}

pub(crate) fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) fn is_site(site: &str) -> bool {
    site.contains('.') && !site.starts_with("app.") && is_name(site)
}

/// Source: CloudWatch Logs API reference, CreateLogGroup, `logGroupName`.
pub(crate) fn is_log_group(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.#-".contains(&byte);
    // Names that start with `aws/` are AWS's own. Source: the same.
    (1..=512).contains(&name.len()) && name.bytes().all(is_inside) && !name.starts_with("aws/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_at_their_edges() {
        let value = |length: usize| is_label_value(&"a".repeat(length));
        assert_eq!([0, 1, 62, 63, 64].map(value), [true, true, true, true, false]);
        let key = |length: usize| is_label_name(&"a".repeat(length));
        assert_eq!([0, 1, 63, 64].map(key), [false, true, true, false]);
        for (text, ok) in
            [("a.b-c_D", true), ("-a", false), ("a.", false), ("a b", false), ("a/b", false), ("é", false)]
        {
            assert_eq!(is_label_value(text), ok, "{text}");
        }
        for (text, ok) in
            [("app.x.io/name", true), ("App/name", false), ("/name", false), ("a/", false), ("a/b/c", false)]
        {
            assert_eq!(is_label_name(text), ok, "{text}");
        }
        assert!(is_label(&without_wildcards("prod-?*")) && !is_label("prod-?*"));
    }

    #[test]
    fn names_of_eks_become_names_of_datadog() {
        for (eks, datadog) in [("prod", "prod"), ("Prod_EU-1", "prod_eu-1"), ("A-_-", "a"), ("9", "9")] {
            assert_eq!(datadog_cluster(eks), datadog);
        }
        let edge = |before: usize, after: &str| datadog_cluster(&format!("{}{after}", "A".repeat(before)));
        assert_eq!(edge(79, "B"), format!("{}b", "a".repeat(79)));
        assert_eq!(edge(80, "B"), "a".repeat(80));
        assert_eq!(edge(78, "-_BCD"), "a".repeat(78));
        for length in [1, 79, 80, 81, 100] {
            for end in ["", "-", "_", "Z"] {
                let name = format!("{}{end}", "A".repeat(length - end.len()));
                assert!(name.is_empty() || name == end || is_datadog_cluster(&datadog_cluster(&name)), "{name}");
            }
        }
    }

    #[test]
    fn names_at_their_edges() {
        let cluster = |length: usize| is_datadog_cluster(&"a".repeat(length));
        assert_eq!([79, 80, 81].map(cluster), [true, true, false]);
        let cluster = |length: usize| is_eks_cluster(&"A".repeat(length));
        assert_eq!([0, 1, 99, 100, 101].map(cluster), [false, true, true, true, false]);
        let label = |length: usize| is_label(&"a".repeat(length));
        assert_eq!([0, 1, 63, 64].map(label), [false, true, true, false]);
        let value = |length: usize| is_label_value(&"a".repeat(length));
        assert_eq!([0, 1, 63, 64].map(value), [true, true, true, false]);
        for (value, ok) in
            [("1.0", true), ("a_b-C.d", true), ("-a", false), ("a.", false), ("a/b", false), ("ä", false)]
        {
            assert_eq!(is_label_value(value), ok, "{value}");
        }
        for (name, ok) in [
            ("app", true),
            ("a.b/App_1", true),
            ("", false),
            ("a/", false),
            ("/a", false),
            ("a/b/c", false),
            ("A/b", false),
            ("a b", false),
            ("-a", false),
        ] {
            assert_eq!(is_label_name(name), ok, "{name}");
        }
        let group = |length: usize| is_log_group(&"a".repeat(length));
        assert_eq!([0, 1, 512, 513].map(group), [false, true, true, false]);
        assert!(is_log_group("/aws/eks/prod") && is_log_group("awslogs/x") && !is_log_group("aws/eks/prod"));
        for (name, ok) in [("a-b", true), ("-a", false), ("a-", false), ("a.b_c", true), ("a..b", false), ("", false)] {
            assert_eq!(is_datadog_cluster(name), ok, "{name}");
        }
        for (name, ok) in
            [("Prod_EU-1", true), ("1a-", true), ("a.b", false), ("-a", false), ("_a", false), ("é", false)]
        {
            assert_eq!(is_eks_cluster(name), ok, "{name}");
        }
    }
}
