//! Records as Fluent Bit holds them: MessagePack, so texts are bytes, maps keep their order, and a key may stand in a map twice.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Nil,
    Boolean(bool),
    /// A whole number, of 64 bits with or without a sign.
    Integer(i128),
    Float(f64),
    /// Any bytes; as a rule, but not always, UTF-8.
    Text(Vec<u8>),
    List(Vec<Value>),
    Map(Map),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<[u8]>) -> Value {
        Value::Text(text.as_ref().to_vec())
    }

    pub(crate) fn as_text(&self) -> Option<&[u8]> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }
}

/// A key of a map. All keys are texts but for one that `nest` makes where it has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Text(Vec<u8>),
    Nil,
}

impl Key {
    pub(crate) fn as_text(&self) -> Option<&[u8]> {
        match self {
            Key::Text(text) => Some(text),
            Key::Nil => None,
        }
    }

    pub(crate) fn is(&self, name: &[u8]) -> bool {
        self.as_text() == Some(name)
    }
}

/// A map: its members in order, equal keys included.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Map {
    pub(crate) members: Vec<(Key, Value)>,
}

impl Map {
    pub(crate) fn push(&mut self, key: impl AsRef<[u8]>, value: Value) {
        self.members.push((Key::Text(key.as_ref().to_vec()), value));
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The last of the members with this key, which is the one that record accessors find.
    /// Source: fluent/fluent-bit, src/flb_ra_key.c, `ra_key_val_id`.
    pub(crate) fn last(&self, key: &[u8]) -> Option<&Value> {
        self.members.iter().rev().find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }

    /// How many members have this key.
    pub(crate) fn count(&self, key: &[u8]) -> usize {
        self.members.iter().filter(|(name, _)| name.is(key)).count()
    }
}
