//! What a vendor's tree of settings holds, read from a table: the Helm chart's values, the fields of a DatadogAgent.
//!
//! A table has a path and a type on each line; scripts/installation_facts writes both tables from a checkout.

use std::collections::HashMap;

/// What is at a path.
#[derive(Debug, Default)]
pub(super) struct KnownPath {
    /// Its type, in the table's word.
    pub(super) kind: &'static str,
    /// The names below it.
    below: Vec<&'static str>,
}

/// All paths of a table.
#[derive(Debug)]
pub(super) struct KnownPaths(HashMap<&'static str, KnownPath>);

impl KnownPaths {
    /// Reads a table.
    pub(super) fn read(table: &'static str) -> KnownPaths {
        let mut paths: HashMap<&'static str, KnownPath> = HashMap::new();
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        for (path, kind) in lines.filter_map(|line| line.split_once('\t')) {
            paths.entry(path).or_default().kind = kind;
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            paths.entry(parent).or_default().below.push(name);
        }
        KnownPaths(paths)
    }

    pub(super) fn get(&self, path: &str) -> Option<&KnownPath> {
        self.0.get(path)
    }

    /// The only path that ends in this name.
    pub(super) fn ending_in(&self, name: &str) -> Option<&'static str> {
        let mut ends = self.0.keys().filter(|path| path.rsplit('.').next() == Some(name));
        ends.next().filter(|_| ends.next().is_none()).copied()
    }
}

impl KnownPath {
    /// Whether a name that is not in the table may stand below it.
    pub(super) fn is_open(&self) -> bool {
        self.kind == "open" || self.below.is_empty() || self.below.contains(&"*")
    }

    /// The names below it.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.below.iter().copied()
    }
}

/// The path of a name below another one.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
