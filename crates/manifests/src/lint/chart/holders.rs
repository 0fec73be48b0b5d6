//! Objects that hold the values of a chart, and where in them the values are.
//!
//! Source: argoproj/argo-cd, `pkg/apis/application/v1alpha1/types.go`; fluxcd/helm-controller, `api/v2/helmrelease_types.go`;
//! k3s-io/helm-controller, `pkg/apis/helm.cattle.io/v1/types.go`; crossplane-contrib/provider-helm, `apis/release/v1beta1/types.go`;
//! kubernetes-sigs/kustomize, `api/types/helmchartargs.go`; helmfile documentation, "Configuration"; Rancher Fleet documentation,
//! "fleet.yaml".

use crate::lint::node::YamlNode;
use crate::lint::object::ManifestObject;

/// The chart, as a repository or a dependency names it.
pub(super) const CHART: &str = "datadog";

/// Values that are handed to a chart.
#[derive(Debug, Clone)]
pub(super) struct HeldValues<'a> {
    /// The chart is Datadog's, by its name; if not, values tell.
    pub(super) is_datadog: bool,
    /// Its values are those that are known.
    pub(super) is_known_version: bool,
    pub(super) map: Option<YamlNode<'a>>,
    /// YAML in a text; the map wins where there are both.
    pub(super) text: Option<YamlNode<'a>>,
    /// They win over both.
    pub(super) parameters: Vec<HeldParameter<'a>>,
}

/// One value, by its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldParameter<'a> {
    /// `datadog.logs.enabled`.
    pub(super) name: YamlNode<'a>,
    pub(super) value: YamlNode<'a>,
    /// It stays a text, whatever it looks like.
    pub(super) is_text: bool,
}

/// All that an object holds.
pub(super) fn held<'a>(object: &ManifestObject<'a>) -> Vec<HeldValues<'a>> {
    let node = object.node;
    match (object.group(), object.kind) {
        ("argoproj.io", "Application") => argo(node.get("spec")),
        ("argoproj.io", "ApplicationSet") => argo(node.path(&["spec", "template", "spec"])),
        // Version 1 has the chart's name beside its repository.
        ("helm.toolkit.fluxcd.io" | "helm.fluxcd.io", "HelmRelease") => {
            let names =
                [&["spec", "chart", "spec", "chart"][..], &["spec", "chart", "name"], &["spec", "chartRef", "name"]];
            let name = names.iter().find_map(|path| node.path(path));
            let version = node.path(&["spec", "chart", "spec", "version"]).or(node.path(&["spec", "chart", "version"]));
            vec![maps(name, version, node.path(&["spec", "values"]))]
        }
        ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => vec![HeldValues {
            text: node.path(&["spec", "valuesContent"]),
            ..maps(node.path(&["spec", "chart"]), node.path(&["spec", "version"]), node.path(&["spec", "values"]))
        }],
        ("helm.crossplane.io", "Release") => {
            let provider = node.path(&["spec", "forProvider"]);
            let of = |path: &[&str]| provider.and_then(|provider| provider.path(path));
            let set = provider.into_iter().flat_map(|provider| provider.list("set"));
            vec![HeldValues {
                parameters: parameters(set),
                ..maps(of(&["chart", "name"]), of(&["chart", "version"]), of(&["values"]))
            }]
        }
        _ => without_kind(node),
    }
}

/// Files of tools, which need not have a kind: Kustomize, helmfile, Fleet.
fn without_kind<'a>(node: YamlNode<'a>) -> Vec<HeldValues<'a>> {
    let kustomize =
        node.list("helmCharts").map(|chart| maps(chart.get("name"), chart.get("version"), chart.get("valuesInline")));
    let helmfile = node.list("releases").flat_map(|release: YamlNode<'a>| {
        let (chart, version) = (release.get("chart"), release.get("version"));
        let maps = release.list("values").filter(|values| values.is_map());
        let maps = maps.map(move |values| self::maps(chart, version, Some(values)));
        let set = Some(HeldValues { parameters: parameters(release.list("set")), ..self::maps(chart, version, None) });
        maps.chain(set.filter(|held| !held.parameters.is_empty()))
    });
    let fleet = node.get("helm").map(|helm| maps(helm.get("chart"), helm.get("version"), helm.get("values")));
    kustomize.chain(helmfile).chain(fleet).collect()
}

fn maps<'a>(name: Option<YamlNode<'a>>, version: Option<YamlNode<'a>>, map: Option<YamlNode<'a>>) -> HeldValues<'a> {
    let is_datadog = name.and_then(YamlNode::text).is_some_and(is_datadog);
    let is_known_version = !is_datadog || version.and_then(YamlNode::text).is_none_or(is_known_version);
    HeldValues { is_datadog, is_known_version, map, text: None, parameters: Vec::new() }
}

/// Whether a version, or a range of them, is one with the values that are known: up to 1.39 most had other names.
///
/// Source: DataDog/helm-charts, charts/datadog/CHANGELOG.md, 2.0.0.
pub(super) fn is_known_version(version: &str) -> bool {
    let first = version.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let major = first.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
    // A star is any.
    major.parse::<u32>().map_or(true, |major| major >= 2)
}

/// The sources of an application; one or several.
fn argo(spec: Option<YamlNode<'_>>) -> Vec<HeldValues<'_>> {
    let Some(spec) = spec else { return Vec::new() };
    let sources = spec.get("source").into_iter().chain(spec.list("sources"));
    sources
        .filter_map(|source| {
            let helm = source.get("helm")?;
            Some(HeldValues {
                text: helm.get("values"),
                parameters: parameters(helm.list("parameters")),
                ..maps(source.get("chart"), source.get("targetRevision"), helm.get("valuesObject"))
            })
        })
        .collect()
}

fn parameters<'a>(list: impl Iterator<Item = YamlNode<'a>>) -> Vec<HeldParameter<'a>> {
    let one = |item: YamlNode<'a>| {
        let is_text = item.get("forceString").is_some_and(YamlNode::is_true);
        Some(HeldParameter { name: item.get("name")?, value: item.get("value")?, is_text })
    };
    list.filter_map(one).collect()
}

/// Whether a chart is Datadog's: `datadog`, `datadog/datadog`, `oci://registry/datadog`. A folder may be called anything.
fn is_datadog(name: &str) -> bool {
    let is_folder = name.starts_with(['.', '/']);
    !is_folder && name.rsplit('/').next() == Some(CHART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_other_values() {
        for version in ["3.240.0", "2.0.0", "^3", "~> 3.1", ">=2.0.0 <4.0.0", "*", "", "3.x", "v3", "HEAD"] {
            assert!(is_known_version(version), "{version}");
        }
        for version in ["1.39.9", "~1.39.6", "0.10", "^1", "v1.0"] {
            assert!(!is_known_version(version), "{version}");
        }
    }

    #[test]
    fn names_of_the_chart() {
        for name in ["datadog", "datadog/datadog", "oci://registry.example/charts/datadog"] {
            assert!(is_datadog(name), "{name}");
        }
        for name in ["datadog-operator", "./charts/datadog", "datadog/datadog-operator", "", "mydatadog"] {
            assert!(!is_datadog(name), "{name}");
        }
    }
}
