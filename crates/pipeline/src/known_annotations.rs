//! What was read of pods' annotations before, so that rules are compiled once and not for every event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::autodiscovery::{ContainerLogs, logs_annotation};
use super::processing::ContainerProcessing;
use super::tags::pod::Pairs;

/// How many annotations, and how many streams, are remembered. A function that sees more forgets all and starts again.
const MAX_KNOWN: usize = 256;

/// What was read before: annotations by their bytes, and what holds for a stream. It lives as long as the settings do, so
/// rules are not compiled again for every event.
#[derive(Debug, Clone, Default)]
pub struct KnownAnnotations(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    annotations: HashMap<String, Arc<ContainerLogs>>,
    streams: HashMap<String, Arc<ContainerProcessing>>,
}

impl KnownAnnotations {
    /// What the annotations of a pod say of a container's logs.
    pub(crate) fn logs(&self, annotations: &Pairs, container: &str) -> Arc<ContainerLogs> {
        let Some(json) = annotations.get(&logs_annotation(container)) else { return Arc::default() };
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remember(&mut tables.annotations, json, || Arc::new(ContainerLogs::parse(json)))
    }

    /// Remembers what holds for a stream whose records tell of their pod.
    pub(crate) fn learn(&self, stream: &str, processing: &Arc<ContainerProcessing>) {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.streams.remove(stream);
        remember(&mut tables.streams, stream, || processing.clone());
    }

    /// What held for a stream before.
    pub(crate) fn recall(&self, stream: &str) -> Option<Arc<ContainerProcessing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).streams.get(stream).cloned()
    }
}

fn remember<V>(table: &mut HashMap<String, Arc<V>>, key: &str, make: impl FnOnce() -> Arc<V>) -> Arc<V> {
    if let Some(known) = table.get(key) {
        return known.clone();
    }
    if table.len() >= MAX_KNOWN {
        table.clear();
    }
    let made = make();
    table.insert(key.to_owned(), made.clone());
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(name: &str, value: &str) -> Pairs {
        Pairs::parse(&serde_json::json!({ name: value }).to_string())
    }

    #[test]
    fn the_annotation_is_that_of_the_container() {
        let known = KnownAnnotations::default();
        let json = r#"[{"source":"nginx"}]"#;
        assert_eq!(known.logs(&annotations("ad.datadoghq.com/web.logs", json), "web").source, "nginx");
        assert_eq!(known.logs(&annotations("ad.datadoghq.com/other.logs", json), "web").source, "");
    }

    #[test]
    fn annotations_are_compiled_once_and_the_memory_for_them_is_bounded() {
        let known = KnownAnnotations::default();
        let name = "ad.datadoghq.com/web.logs";
        let logs = |number: usize| known.logs(&annotations(name, &format!(r#"[{{"source":"s{number}"}}]"#)), "web");
        let first = logs(0);
        assert!(Arc::ptr_eq(&first, &logs(0)));
        (1..MAX_KNOWN).for_each(|number| _ = logs(number));
        assert!(Arc::ptr_eq(&first, &logs(0)));
        logs(MAX_KNOWN);
        assert!(!Arc::ptr_eq(&first, &logs(0)));
        assert!(known.0.lock().unwrap().annotations.len() <= MAX_KNOWN);
    }
}
