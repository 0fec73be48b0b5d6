//! A document as a tree: names in order, values, and comments that say why.
//!
//! Not `serde_json::Value`, which knows neither an order of names nor comments.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Bool(bool),
    Number(i64),
    /// A string. One of several lines is written as a block.
    Text(String),
    List(Vec<ListItem>),
    Map(Map),
}

/// An element of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListItem {
    pub(crate) comment: Option<String>,
    pub(crate) value: Node,
}

/// Names with values, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map(Vec<MapEntry>);

/// One name of a [`Map`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapEntry {
    pub(crate) name: String,
    /// Stands above the name.
    pub(crate) comment: Option<String>,
    pub(crate) value: Node,
}

impl Map {
    pub fn new() -> Map {
        Map::default()
    }

    /// Adds a name. It must not be there yet.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Node>) -> Map {
        self.0.push(MapEntry { name: name.to_owned(), comment: None, value: value.into() });
        self
    }

    /// Adds a name with a comment above it.
    #[must_use]
    pub(crate) fn with_comment(mut self, comment: &str, name: &str, value: impl Into<Node>) -> Map {
        self.0.push(MapEntry { name: name.to_owned(), comment: Some(comment.to_owned()), value: value.into() });
        self
    }

    /// Adds a name if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Node>>) -> Map {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn entries(&self) -> &[MapEntry] {
        &self.0
    }

    /// The value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Node {
    /// A list of values.
    pub fn list<N: Into<Node>>(values: impl IntoIterator<Item = N>) -> Node {
        Node::List(values.into_iter().map(|value| ListItem { comment: None, value: value.into() }).collect())
    }
}

impl ListItem {
    /// An element with a comment above it.
    pub(crate) fn with_comment(comment: &str, value: impl Into<Node>) -> ListItem {
        ListItem { comment: Some(comment.to_owned()), value: value.into() }
    }
}

impl From<Map> for Node {
    fn from(map: Map) -> Node {
        Node::Map(map)
    }
}

impl From<Vec<ListItem>> for Node {
    fn from(items: Vec<ListItem>) -> Node {
        Node::List(items)
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Node {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Node {
        Node::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Node {
        Node::Bool(value)
    }
}

impl From<i64> for Node {
    fn from(value: i64) -> Node {
        Node::Number(value)
    }
}

impl From<i32> for Node {
    fn from(value: i32) -> Node {
        Node::Number(value.into())
    }
}

/// In order, without the comments: for `--format json`.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(value) => serializer.serialize_i64(*value),
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&item.value))?;
                list.end()
            }
            Node::Map(map) => map.serialize(serializer),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|entry| map.serialize_entry(&entry.name, &entry.value))?;
        map.end()
    }
}
