//! A record on its way, and where it came from.

use super::parsers::time::Time;
use super::unknown::Unknown;
use super::value::Map;

/// A line of the input: the file's place among the files, and its own in the file, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinePlace {
    pub file: usize,
    pub line: usize,
}

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) line: LinePlace,
    /// `None` is the time of reading.
    pub(crate) time: Option<Time>,
    pub(crate) map: Map,
}

/// What a filter does to a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Nothing,
    Changed {
        map: Map,
        /// `None` if it stays; a new time may be that of reading.
        time: Option<Option<Time>>,
    },
    Dropped,
    /// It writes something that breaks the whole batch, for this reason.
    BreaksBatch(Unknown),
    /// Fluent Bit dies, of this.
    Dies(&'static str),
}

impl Effect {
    /// With another record, and the time as it is.
    pub(crate) fn map(map: Map) -> Effect {
        Effect::Changed { map, time: None }
    }
}
