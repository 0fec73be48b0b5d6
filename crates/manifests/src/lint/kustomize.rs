//! Which files Kustomize puts together, as far as its own files are among the sources: what it makes of a namespace is known only then.
//!
//! Source: Kubernetes documentation, "Declarative Management of Kubernetes Objects Using Kustomize"; kubernetes-sigs/kustomize,
//! `api/internal/konfig/builtinpluginconsts/namespace.go`.

use std::collections::HashMap;

use super::node::YamlNode;
use super::project::Project;
use super::source::SourceFile;

/// What Kustomize calls its own files.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Its lists of files and folders.
const LISTS: [&str; 3] = ["resources", "bases", "components"];

/// What becomes of the namespaces in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Namespacing {
    /// They are what is written.
    Kept,
    /// Kustomize takes the file; what is made of that is not known.
    Unknown,
    /// Kustomize writes another one.
    Replaced,
}

/// All of Kustomize's files.
#[derive(Debug, Default)]
pub(crate) struct Kustomizations {
    /// By the name of a file or a folder that is taken.
    taken: HashMap<String, Namespacing>,
}

impl Kustomizations {
    pub(crate) fn new(project: &Project<'_>) -> Kustomizations {
        let mut found = Kustomizations::default();
        for object in &project.objects {
            let (folder, file) = parted(&project.source(object.node.place()).name);
            if !FILES.contains(&file) {
                continue;
            }
            let has_namespace = object.node.get("namespace").is_some_and(|namespace| !namespace.is_null());
            let what = if has_namespace { Namespacing::Replaced } else { Namespacing::Unknown };
            let listed = LISTS.iter().flat_map(|list| object.node.list(list)).filter_map(YamlNode::text);
            let names = listed.filter_map(|name| joined(folder, name)).chain([folder.to_owned()]);
            for name in names {
                let before = found.taken.entry(name).or_insert(what);
                *before = what.max(*before);
            }
        }
        found
    }

    /// What becomes of the namespaces in a source.
    pub(crate) fn of(&self, source: &SourceFile) -> Namespacing {
        let own = self.taken.get(&source.name);
        let folder = self.taken.get(parted(&source.name).0);
        own.into_iter().chain(folder).copied().max().unwrap_or(Namespacing::Kept)
    }
}

/// A file's folder and its own name.
fn parted(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

/// A name in a folder, without `.` and `..`; `None` for what is not below the folder that all are in.
fn joined(folder: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|_| !folder.is_empty()).collect();
    for part in name.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::chart::Charts;
    use crate::lint::node::anchors;
    use crate::lint::project::{ExpectedTarget, Parsed, objects};

    #[test]
    fn files_that_are_taken() {
        let sources = [
            SourceFile::new("base/kustomization.yaml", "resources: [ns.yaml, ../shared/account.yaml]"),
            SourceFile::new("base/ns.yaml", "{apiVersion: v1, kind: Namespace}"),
            SourceFile::new("prod/kustomization.yml", "namespace: prod\nresources: [./role.yaml, ../web/]"),
            SourceFile::new("web/kustomization.yaml", "namespace:\nresources: [ns.yaml]"),
        ];
        let parsed: Vec<Parsed> = sources.iter().map(Parsed::new).collect();
        let anchors: Vec<Vec<_>> =
            parsed.iter().map(|one| one.documents.iter().map(anchors).collect::<Vec<_>>()).collect();
        let (expected, charts) = (ExpectedTarget::default(), Charts::default());
        let objects = objects(&parsed, &anchors);
        let project = Project::new(&sources, (&parsed, &anchors), objects, (&charts, &[]), &expected);
        let found = Kustomizations::new(&project);
        for (name, what) in [
            ("base/ns.yaml", Namespacing::Unknown),
            ("base/other.yaml", Namespacing::Unknown),
            ("shared/account.yaml", Namespacing::Unknown),
            ("shared/other.yaml", Namespacing::Kept),
            ("prod/role.yaml", Namespacing::Replaced),
            ("web/ns.yaml", Namespacing::Replaced),
            ("ns.yaml", Namespacing::Kept),
        ] {
            assert_eq!(found.of(&SourceFile::new(name, "")), what, "{name}");
        }
    }

    #[test]
    fn names_are_joined() {
        for (folder, name, whole) in [
            ("apps/web", "ns.yaml", Some("apps/web/ns.yaml")),
            ("apps/web", "./ns.yaml", Some("apps/web/ns.yaml")),
            ("apps/web", "../../base/", Some("base")),
            ("apps/web", "../../../base", None),
            ("", "base/ns.yaml", Some("base/ns.yaml")),
            ("/apps", "ns.yaml", Some("/apps/ns.yaml")),
        ] {
            assert_eq!(joined(folder, name).as_deref(), whole, "{folder} {name}");
        }
        assert_eq!(parted("kustomization.yaml"), ("", "kustomization.yaml"));
    }
}
