//! A change of an object: what is added, and where. The same changes are made to the value and to the text; if the two do not
//! agree afterwards, nothing is changed.

use serde_json::Value;

use crate::node::Node;
use crate::tree::Tree;

/// One step from a value to a value inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathStep {
    Name(String),
    Index(usize),
}

impl PathStep {
    /// The value that the step leads to.
    pub(super) fn of<'tree>(&self, tree: &'tree Tree) -> Option<&'tree Tree> {
        match self {
            PathStep::Name(name) => tree.member(name).map(|member| &member.value),
            PathStep::Index(index) => tree.items().get(*index),
        }
    }
}

pub(crate) type ChangePath = Vec<PathStep>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// A name in an object. If it is there, then with nothing in it: null, `{}` or `[]`.
    Add { at: ChangePath, name: String, value: Node },
    /// An element at the end of a list that has some.
    Append { at: ChangePath, value: Node },
    /// Elements at the beginning of a list that has some.
    Prepend { at: ChangePath, values: Vec<Node> },
    /// Another value for a scalar.
    Set { at: ChangePath, value: Node },
}

impl Change {
    /// The object, the list or the scalar that is changed.
    pub(crate) fn at(&self) -> &[PathStep] {
        match self {
            Change::Add { at, .. }
            | Change::Append { at, .. }
            | Change::Prepend { at, .. }
            | Change::Set { at, .. } => at,
        }
    }
}

/// A path from names.
pub(crate) fn path(names: &[&str]) -> ChangePath {
    names.iter().map(|name| PathStep::Name((*name).to_owned())).collect()
}

pub(crate) fn get<'value>(value: &'value Value, path: &[PathStep]) -> Option<&'value Value> {
    path.iter().try_fold(value, |value, step| match step {
        PathStep::Name(name) => value.get(name),
        PathStep::Index(index) => value.get(index),
    })
}

fn get_mut<'value>(value: &'value mut Value, path: &[PathStep]) -> Option<&'value mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        PathStep::Name(name) => value.get_mut(name),
        PathStep::Index(index) => value.get_mut(index),
    })
}

/// Null, or without anything inside.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Makes the changes to a value; `None` if one has no place in it.
pub(crate) fn apply(changes: &[Change], mut value: Value) -> Option<Value> {
    for change in changes {
        let place = get_mut(&mut value, change.at())?;
        match change {
            Change::Add { name, value, .. } => {
                let members = place.as_object_mut()?;
                if members.get(name).is_some_and(|there| !is_empty(there)) {
                    return None;
                }
                members.insert(name.clone(), serde_json::to_value(value).ok()?);
            }
            Change::Append { value, .. } => place.as_array_mut()?.push(serde_json::to_value(value).ok()?),
            Change::Prepend { values, .. } => {
                let values: Vec<Value> = values.iter().map(serde_json::to_value).collect::<Result<_, _>>().ok()?;
                place.as_array_mut()?.splice(0..0, values);
            }
            Change::Set { value, .. } => *place = serde_json::to_value(value).ok()?,
        }
    }
    Some(value)
}
