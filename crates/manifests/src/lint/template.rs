//! Templates of CloudFormation and SAM, as rules look at them: resources, and what refers to which.
//!
//! What a function such as `!Sub` or `!If` makes is known only when the stack is made, so nothing is said of it. A reference to
//! another resource is known by its name.

use super::node::{YamlEntry, YamlNode};
use super::object::{DocumentKind, ManifestObject};
use super::project::Project;

/// A resource of a template.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource<'a> {
    pub(crate) object: ManifestObject<'a>,
    /// Its name in the template, and all of it.
    pub(crate) entry: YamlEntry<'a>,
    /// `AWS::Logs::LogGroup`.
    pub(crate) kind: &'a str,
}

/// All resources of all templates.
pub(crate) fn resources<'a>(project: &Project<'a>) -> Vec<Resource<'a>> {
    let of = |object: ManifestObject<'a>| {
        let entries = object.node.get("Resources").into_iter().flat_map(YamlNode::entries);
        entries.filter_map(move |entry| Some(Resource { object, entry, kind: entry.value.get("Type")?.text()? }))
    };
    project.of_what(DocumentKind::Template).flat_map(of).collect()
}

impl<'a> Resource<'a> {
    pub(crate) fn property(&self, name: &str) -> Option<YamlNode<'a>> {
        self.entry.value.path(&["Properties", name])
    }

    /// Whether both are in the same template.
    pub(crate) fn is_beside(&self, other: &Resource<'_>) -> bool {
        self.object.node.place() == other.object.node.place()
    }

    /// Whether it is a function of Lambda.
    pub(crate) fn is_function(&self) -> bool {
        ["AWS::Lambda::Function", "AWS::Serverless::Function"].contains(&self.kind)
    }

    /// The resource of the same template that a value refers to.
    pub(crate) fn referred<'r>(&self, value: YamlNode<'a>, all: &'r [Resource<'a>]) -> Option<&'r Resource<'a>> {
        let name = reference(value)?;
        all.iter().find(|other| self.is_beside(other) && other.entry.name == name)
    }
}

/// The name in `!Ref name`, `!GetAtt name.Arn`, or the same as maps.
pub(crate) fn reference(node: YamlNode<'_>) -> Option<&str> {
    let name = if node.is_tagged() {
        // A list after a tag is a function with arguments, or `!GetAtt [name, Arn]`.
        node.tree().text().or_else(|| node.items().next().and_then(|first| first.tree().text()))
    } else {
        let attribute = node.get("Fn::GetAtt");
        node.get("Ref").or(attribute).and_then(|name| name.text().or_else(|| name.items().next()?.text()))
    };
    name.and_then(|name| name.split('.').next())
}

/// A text that is written out.
pub(crate) fn literal(node: YamlNode<'_>) -> Option<&str> {
    node.text().filter(|text| !text.is_empty() && !text.contains("${") && !text.contains("{{resolve:"))
}

/// The region in an ARN.
pub(crate) fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty() && !region.contains(['*', '$', '<']))
}
