//! What becomes of logs of whose pods' metadata nothing is known, where it comes in records of its own: `PODFERRY_METADATA_WAIT` and
//! `PODFERRY_METADATA_UNKNOWN`.

use std::time::Duration;

use super::queues::{DEAD_LETTER_QUEUE_URL, QueueSettings, UNDELIVERED_QUEUE_URL};
use super::reader::VariableReader;

const WAIT: &str = "PODFERRY_METADATA_WAIT";
const UNKNOWN: &str = "PODFERRY_METADATA_UNKNOWN";

/// In seconds. A record comes four times a minute where the pod writes that often; ten minutes are enough for a Kubernetes API that does
/// not answer Fluent Bit, and short enough for people who wait for a log.
const DEFAULT_WAIT: u64 = 600;

/// In seconds: half of the age from which on `template.yaml` alarms of a message, in fewer rounds than SQS allows one. The texts are not
/// masked meanwhile.
pub(crate) const LONGEST_METADATA_WAIT: u64 = 1_800;

/// How long logs wait for metadata, and what is done then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataSettings {
    /// Zero: they do not wait.
    pub wait: Duration,
    pub then: WhenUnknown,
}

/// What is done with logs whose metadata has not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenUnknown {
    /// They are sent with what is known, and a tag says so.
    #[default]
    Ship,
    /// They go to the dead-letter queue.
    Keep,
}

impl Default for MetadataSettings {
    fn default() -> Self {
        MetadataSettings { wait: Duration::from_secs(DEFAULT_WAIT), then: WhenUnknown::Ship }
    }
}

pub(super) fn read(reader: &mut VariableReader, queues: &QueueSettings) -> MetadataSettings {
    let seconds = reader.number(WAIT, 0..=LONGEST_METADATA_WAIT).unwrap_or(DEFAULT_WAIT);
    let then = match reader.get(UNKNOWN).as_deref() {
        None | Some("ship") => WhenUnknown::Ship,
        Some("keep") => WhenUnknown::Keep,
        Some(_) => {
            reader.mistake(UNKNOWN, "must be `ship` (the default) or `keep`");
            WhenUnknown::Ship
        }
    };
    if then == WhenUnknown::Keep && (queues.undelivered.is_none() || queues.dead_letter.is_none()) {
        // A mistake in the URL of a queue is said already, and this would only add to it.
        let are_set = [UNDELIVERED_QUEUE_URL, DEAD_LETTER_QUEUE_URL].iter().all(|name| reader.get(name).is_some());
        if !are_set {
            reader.mistake(
                UNKNOWN,
                format!("`keep` needs queues to keep logs in: set {UNDELIVERED_QUEUE_URL} and {DEAD_LETTER_QUEUE_URL}, or use `ship`"),
            );
        }
    }
    MetadataSettings { wait: Duration::from_secs(seconds), then }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<MetadataSettings, String> {
        let known = [("DD_API_KEY", "k"), ("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "a")];
        let map: std::collections::HashMap<String, String> =
            known.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::read(&map).map(|settings| settings.metadata).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn a_wait_has_bounds() {
        assert_eq!(read(&[]).unwrap(), MetadataSettings { wait: Duration::from_secs(600), then: WhenUnknown::Ship });
        for (value, expected) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("1799", Some(1799)),
            ("1800", Some(1800)),
            ("1801", None),
            ("-1", None),
            ("x", None),
        ] {
            let wait = read(&[(WAIT, value)]).map(|settings| settings.wait.as_secs());
            assert_eq!(wait.clone().ok(), expected, "{value}");
            assert!(wait.is_ok() || wait.unwrap_err().contains("must be a whole number from 0 to 1800"));
        }
    }

    #[test]
    fn what_is_kept_needs_queues() {
        let url = "https://sqs.eu-west-1.amazonaws.com/1/q";
        let both = [(UNDELIVERED_QUEUE_URL, url), (DEAD_LETTER_QUEUE_URL, url), (UNKNOWN, "keep")];
        assert_eq!(read(&both).unwrap().then, WhenUnknown::Keep);
        for some in [&both[1..], &[both[0], both[2]], &both[2..]] {
            assert!(read(some).unwrap_err().contains("`keep` needs queues"), "{some:?}");
        }
        assert_eq!(read(&[(UNKNOWN, "ship")]).unwrap().then, WhenUnknown::Ship);
        assert!(read(&[(UNKNOWN, "drop")]).unwrap_err().contains("must be `ship`"));
    }
}
