//! Remembers pods' annotations, so that rules are compiled once and not for every event.
//!
//! What is remembered is bounded by its bytes: anyone who can write a pod can write annotations, and all share the function's memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::autodiscovery::{ContainerLogs, logs_annotation};
use super::processing::ContainerProcessing;
use super::rules::RuleSet;
use super::tags::pod::Pairs;

/// How many bytes are remembered by default: a sixteenth of the 256 MB that the template gives the function.
const DEFAULT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What an entry takes beside its texts: its values' fixed parts, and its place in a table.
const ENTRY_BYTES: usize = 512;

/// Annotations by their text, and the processing of each stream. Lives as long as the settings do; clones share it.
#[derive(Debug, Clone)]
pub struct KnownAnnotations {
    tables: Arc<Mutex<Tables>>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Tables {
    annotations: HashMap<String, Entry<ContainerLogs>>,
    streams: HashMap<String, Entry<ContainerProcessing>>,
    /// How many entries hold these rules, by their address: those of a stream are mostly those of an annotation.
    holders: HashMap<usize, usize>,
    /// All entries, and all rules once.
    bytes: usize,
    /// Counts up with every use.
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    /// Without its rules.
    bytes: usize,
    /// The last use.
    used: u64,
}

/// What can be remembered.
trait Remembered {
    /// Without its rules.
    fn text_bytes(&self) -> usize;
    fn rules(&self) -> &Arc<RuleSet>;
}

impl Remembered for ContainerLogs {
    fn text_bytes(&self) -> usize {
        self.text_bytes()
    }

    fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }
}

impl Remembered for ContainerProcessing {
    fn text_bytes(&self) -> usize {
        self.text_bytes()
    }

    fn rules(&self) -> &Arc<RuleSet> {
        self.chain.own()
    }
}

impl Default for KnownAnnotations {
    fn default() -> Self {
        KnownAnnotations::of_bytes(DEFAULT_MAX_BYTES)
    }
}

impl KnownAnnotations {
    /// Remembers at most `max_bytes`; what was not used for the longest time is forgotten first.
    pub fn of_bytes(max_bytes: usize) -> KnownAnnotations {
        KnownAnnotations { tables: Arc::default(), max_bytes }
    }

    /// Returns what a pod's annotations say about a container's logs.
    pub(crate) fn logs(&self, annotations: &Pairs, container: &str) -> Arc<ContainerLogs> {
        let Some(json) = annotations.get(&logs_annotation(container)) else { return Arc::default() };
        let mut tables = self.lock();
        if let Some(known) = tables.annotation(json) {
            return known;
        }
        let made = Arc::new(ContainerLogs::parse(json));
        let entry = tables.entry(json, &made);
        tables.annotations.insert(json.to_owned(), entry);
        tables.shrink(self.max_bytes);
        made
    }

    /// Remembers the processing of a stream whose records have their pod's metadata.
    pub(crate) fn learn(&self, stream: &str, processing: &Arc<ContainerProcessing>) {
        let mut tables = self.lock();
        if let Some(before) = tables.streams.remove(stream) {
            tables.release(&before);
        }
        let entry = tables.entry(stream, processing);
        tables.streams.insert(stream.to_owned(), entry);
        tables.shrink(self.max_bytes);
    }

    /// Returns the processing remembered for a stream.
    pub(crate) fn recall(&self, stream: &str) -> Option<Arc<ContainerProcessing>> {
        let mut tables = self.lock();
        let used = tables.next_use();
        let entry = tables.streams.get_mut(stream)?;
        entry.used = used;
        Some(entry.value.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn annotation(&mut self, json: &str) -> Option<Arc<ContainerLogs>> {
        let used = self.next_use();
        let entry = self.annotations.get_mut(json)?;
        entry.used = used;
        Some(entry.value.clone())
    }

    /// An entry for a table; it counts from here on.
    fn entry<V: Remembered>(&mut self, key: &str, value: &Arc<V>) -> Entry<V> {
        let bytes = key.len() + value.text_bytes() + ENTRY_BYTES;
        let holders = self.holders.entry(address(value.rules())).or_default();
        *holders += 1;
        self.bytes += bytes + if *holders == 1 { value.rules().bytes() } else { 0 };
        Entry { value: value.clone(), bytes, used: self.next_use() }
    }

    /// Takes an entry off the count.
    fn release<V: Remembered>(&mut self, entry: &Entry<V>) {
        let rules = entry.value.rules();
        self.bytes -= entry.bytes;
        if let Some(holders) = self.holders.get_mut(&address(rules)) {
            *holders -= 1;
            if *holders == 0 {
                self.holders.remove(&address(rules));
                self.bytes -= rules.bytes();
            }
        }
    }

    /// Forgets what was not used for the longest time, if there is too much; then some more, so that this need not be done each time.
    fn shrink(&mut self, max_bytes: usize) {
        if self.bytes <= max_bytes {
            return;
        }
        let annotations = self.annotations.iter().map(|(key, entry)| (entry.used, true, key.clone()));
        let streams = self.streams.iter().map(|(key, entry)| (entry.used, false, key.clone()));
        let mut all: Vec<(u64, bool, String)> = annotations.chain(streams).collect();
        all.sort_unstable_by_key(|(used, ..)| *used);
        for (_, is_annotation, key) in all {
            if self.bytes <= max_bytes / 4 * 3 {
                break;
            }
            if is_annotation {
                let entry = self.annotations.remove(&key);
                entry.iter().for_each(|entry| self.release(entry));
            } else {
                let entry = self.streams.remove(&key);
                entry.iter().for_each(|entry| self.release(entry));
            }
        }
    }
}

fn address(rules: &Arc<RuleSet>) -> usize {
    Arc::as_ptr(rules) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "ad.datadoghq.com/web.logs";

    fn annotations(name: &str, value: &str) -> Pairs {
        Pairs::parse(&serde_json::json!({ name: value }).to_string())
    }

    fn logs(known: &KnownAnnotations, json: &str) -> Arc<ContainerLogs> {
        known.logs(&annotations(NAME, json), "web")
    }

    /// An annotation whose rules are large once compiled.
    fn large(name: &str, rules: usize) -> String {
        let rule = |number| serde_json::json!({ "type": "mask_sequences", "name": format!("{name}{number}"), "pattern": format!(r"(\pL|\d){{1,9}}Q{number}") });
        serde_json::json!([{ "log_processing_rules": (0..rules).map(rule).collect::<Vec<_>>() }]).to_string()
    }

    #[test]
    fn the_annotation_is_that_of_the_container() {
        let known = KnownAnnotations::default();
        let json = r#"[{"source":"nginx"}]"#;
        assert_eq!(known.logs(&annotations(NAME, json), "web").source, "nginx");
        assert_eq!(known.logs(&annotations("ad.datadoghq.com/other.logs", json), "web").source, "");
    }

    #[test]
    fn what_fits_is_compiled_once_and_what_was_not_used_for_the_longest_time_is_forgotten() {
        let (one, two, three) = (large("a", 2), large("b", 2), large("c", 2));
        let bytes = |json: &str| {
            let known = KnownAnnotations::default();
            logs(&known, json);
            known.lock().bytes
        };
        assert!(bytes(&one) > 100_000, "{}", bytes(&one));
        for (room, fits) in [(bytes(&one) + bytes(&two), true), (bytes(&one) + bytes(&two) - 1, false)] {
            let known = KnownAnnotations::of_bytes(room);
            let (first, second) = (logs(&known, &one), logs(&known, &two));
            for _ in 0..3 {
                assert!(Arc::ptr_eq(&second, &logs(&known, &two)));
                assert_eq!(Arc::ptr_eq(&first, &logs(&known, &one)), fits);
                if !fits {
                    break;
                }
            }
        }
        let known = KnownAnnotations::of_bytes(bytes(&one) * 7 / 2);
        let (first, second) = (logs(&known, &one), logs(&known, &two));
        logs(&known, &three);
        logs(&known, &one);
        // The second was not used for the longest time.
        logs(&known, &large("d", 2));
        assert!(Arc::ptr_eq(&first, &logs(&known, &one)) && !Arc::ptr_eq(&second, &logs(&known, &two)));
    }

    #[test]
    fn many_long_annotations_take_no_more_than_they_may() {
        let known = KnownAnnotations::of_bytes(1_000_000);
        for number in 0..300 {
            logs(&known, &format!(r#"[{{"source":"s{number}","tags":["{}"]}}]"#, "x".repeat(100_000)));
            let tables = known.lock();
            assert!(tables.bytes <= 1_000_000 && tables.annotations.len() <= 4, "{}", tables.bytes);
        }
        // One that is too large for all is read, and not remembered.
        assert_eq!(logs(&known, &format!(r#"[{{"source":"x","tags":["{}"]}}]"#, "x".repeat(2_000_000))).source, "x");
        assert_eq!(known.lock().bytes, 0);
    }

    #[test]
    fn streams_and_annotations_share_their_rules() {
        use crate::processing::ProcessingSettings;
        use crate::rules::pattern::Work;
        use crate::tags::pod::Pod;
        let known = KnownAnnotations::default();
        let logs = logs(&known, &large("a", 2));
        let before = known.lock().bytes;
        let settings = ProcessingSettings::default();
        let processing = Arc::new(ContainerProcessing::new(&Pod::default(), &logs, &settings, &Work::unlimited()));
        for number in 0..10 {
            known.learn(&format!("stream {}", number % 5), &processing);
        }
        assert!(known.lock().bytes < before + 5 * 2 * ENTRY_BYTES);
        assert!(Arc::ptr_eq(&known.recall("stream 4").unwrap(), &processing) && known.recall("stream 5").is_none());
        known.lock().shrink(0);
        let tables = known.lock();
        assert_eq!((tables.bytes, tables.holders.len(), tables.streams.len()), (0, 0, 0));
    }
}
