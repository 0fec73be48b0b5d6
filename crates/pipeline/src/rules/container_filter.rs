//! Which containers' logs are taken at all: `DD_CONTAINER_INCLUDE_LOGS`, `DD_CONTAINER_EXCLUDE_LOGS`, and the pod's own
//! annotations `ad.datadoghq.com/…exclude`.
//!
//! Source: Datadog, "Container Discovery Management"; DataDog/datadog-agent, `pkg/util/containers/filter.go`. Include wins
//! over exclude; the annotations win over both.

use super::RuleError;
use super::pattern::{Dialect, Pattern, Work};
use crate::tags::image;
use crate::tags::pod::{Pairs, Pod};

/// The two lists.
#[derive(Debug, Clone, Default)]
pub struct ContainerFilter {
    pub include: FilterList,
    pub exclude: FilterList,
}

/// One list: a container that any of them matches is on it.
#[derive(Debug, Clone, Default)]
pub struct FilterList(Vec<ContainerPattern>);

#[derive(Debug, Clone)]
struct ContainerPattern {
    subject: Subject,
    pattern: Pattern,
    /// As it was written.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Name,
    Image,
    Namespace,
}

impl FilterList {
    /// Reads `name:^web$ image:nginx kube_namespace:^dev-`: separated by spaces, or a JSON array of strings.
    ///
    /// # Errors
    /// What is wrong with each that cannot be used.
    pub fn parse(list: &str) -> Result<FilterList, Vec<RuleError>> {
        let parts: Vec<String> = match serde_json::from_str(list) {
            Ok(parts) => parts,
            Err(_) => list.split_whitespace().map(str::to_owned).collect(),
        };
        let (filters, errors): (Vec<_>, Vec<_>) =
            parts.into_iter().enumerate().map(|(index, part)| filter(part, index + 1)).partition(Result::is_ok);
        if errors.is_empty() {
            return Ok(FilterList(filters.into_iter().flatten().collect()));
        }
        Err(errors.into_iter().filter_map(Result::err).collect())
    }

    fn find(&self, pod: &Pod, work: &Work) -> Option<&ContainerPattern> {
        self.0.iter().find(|filter| filter.matches(pod, work))
    }
}

fn filter(text: String, number: usize) -> Result<ContainerPattern, RuleError> {
    let fail = |problem: String| RuleError { name: None, problem: format!("filter {number} {problem}") };
    let (subject, pattern) = text.split_once(':').unwrap_or_default();
    let subject = match subject {
        "name" => Subject::Name,
        "image" => Subject::Image,
        "kube_namespace" => Subject::Namespace,
        _ => return Err(fail("must begin with `name:`, `image:` or `kube_namespace:`".to_owned())),
    };
    let pattern = Pattern::new(pattern, Dialect::Go).map_err(|error| fail(format!("does not compile: {error}")))?;
    Ok(ContainerPattern { subject, pattern, text })
}

impl ContainerPattern {
    fn matches(&self, pod: &Pod, work: &Work) -> bool {
        let is_match = |name: &str| !name.is_empty() && self.pattern.is_match_in_name(name, work);
        match self.subject {
            Subject::Name => is_match(&pod.container),
            Subject::Namespace => is_match(&pod.namespace),
            // As the Agent's `preprocessImageFilter`: what ends in `$` need not name the tag.
            Subject::Image => {
                is_match(&pod.image) || image::split(&pod.image).is_some_and(|image| is_match(image.name))
            }
        }
    }
}

impl ContainerFilter {
    /// Why the logs of a container are left out, if they are: the annotation or the filter.
    pub(crate) fn excluded(&self, pod: &Pod, work: &Work) -> Option<String> {
        let by_annotation = excluding_annotation(&pod.annotations, &pod.container);
        by_annotation.or_else(|| {
            let exclude = self.exclude.find(pod, work)?;
            let is_included = self.include.find(pod, work).is_some();
            (!is_included).then(|| format!("DD_CONTAINER_EXCLUDE_LOGS {}", exclude.text))
        })
    }
}

/// The annotation that turns the logs of a container off, if one does.
fn excluding_annotation(annotations: &Pairs, container: &str) -> Option<String> {
    let of_container = |name: &str| format!("ad.datadoghq.com/{container}.{name}");
    let names = [
        "ad.datadoghq.com/exclude".to_owned(),
        "ad.datadoghq.com/logs_exclude".to_owned(),
        of_container("exclude"),
        of_container("logs_exclude"),
    ];
    names.into_iter().find(|name| annotations.get(name).is_some_and(is_true))
}

/// As Go's `strconv.ParseBool` has it.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, image: &str, namespace: &str) -> Pod {
        Pod { container: name.into(), image: image.into(), namespace: namespace.into(), ..Pod::default() }
    }

    fn excluded(include: &str, exclude: &str, pod: &Pod) -> bool {
        let list = |text| FilterList::parse(text).unwrap();
        ContainerFilter { include: list(include), exclude: list(exclude) }.excluded(pod, &Work::unlimited()).is_some()
    }

    #[test]
    fn include_wins() {
        let web = pod("web", "ghcr.io/shop/web:1.2", "dev");
        assert!(!excluded("", "", &web));
        for exclude in ["name:web", "kube_namespace:^dev$", "image:shop/web", "name:x image:.*", r#"["name:^w"]"#] {
            assert!(excluded("", exclude, &web), "{exclude}");
            assert!(!excluded("name:^web$", exclude, &web), "{exclude}");
        }
        for exclude in ["name:^eb", "kube_namespace:^de$", "image:^nginx", "name:WEB"] {
            assert!(!excluded("", exclude, &web), "{exclude}");
        }
    }

    #[test]
    fn an_image_with_a_dollar_needs_no_tag() {
        for image in ["ghcr.io/shop/web:1.2", "ghcr.io/shop/web", "ghcr.io/shop/web@sha256:00"] {
            assert!(excluded("", "image:shop/web$", &pod("a", image, "b")), "{image}");
        }
        assert!(!excluded("", "image:shop/we$", &pod("a", "ghcr.io/shop/web:1.2", "b")));
    }

    #[test]
    fn what_is_not_known_is_not_excluded() {
        assert!(!excluded("", "image:.* name:.* kube_namespace:.*", &Pod::default()));
    }

    #[test]
    fn annotations_beat_everything() {
        for name in ["exclude", "logs_exclude", "web.exclude", "web.logs_exclude"] {
            let annotations = |value: &str| {
                let json = serde_json::json!({ format!("ad.datadoghq.com/{name}"): value }).to_string();
                Pod { annotations: Pairs::parse(&json), ..pod("web", "", "") }
            };
            assert!(excluded("name:web", "", &annotations("true")), "{name}");
            assert!(!excluded("", "", &annotations("false")), "{name}");
            let other = Pod { container: "other".into(), ..annotations("true") };
            assert_eq!(excluded("", "", &other), !name.starts_with("web."), "{name}");
        }
    }

    #[test]
    fn all_mistakes_are_told() {
        let errors = FilterList::parse("name:ok web image:( kube_namespace:dev").unwrap_err();
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 2);
        assert!(shown[0].starts_with("filter 2 must begin with") && shown[1].starts_with("filter 3 does not compile"));
    }
}
