//! Asks for the metadata of the events that are set aside: one stream a pod, since what one tells holds for all, and a few at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::metadata_lookup::{LookedUp, MetadataLookup};
use super::unknown::UnknownEvent;
use pipeline::known_metadata::KnownMetadata;
use pipeline::metadata_records::WantedMetadata;

/// How many look-ups are under way at once: their rate is a few a second in any case.
const WORKERS: usize = 4;

/// Looks metadata up, as far as there is time, and takes note of what was found.
pub(crate) async fn ask(
    lookup: &Arc<MetadataLookup>,
    known: &KnownMetadata,
    client: &Client,
    unknown: &[UnknownEvent],
    deadline: Instant,
) {
    let mut waiting = one_of_each_pod(unknown, known).into_iter();
    let mut underway = JoinSet::new();
    loop {
        while underway.len() < WORKERS
            // One look-up tells of many pods, if it comes to search the whole group.
            && let Some(wanted) = waiting.find(|wanted| !known.knows(wanted))
        {
            let (lookup, client) = (lookup.clone(), client.clone());
            underway.spawn(async move { (lookup.of(&client, &wanted, deadline).await, wanted) });
        }
        match underway.join_next().await {
            Some(Ok((LookedUp::Found(found), wanted))) => {
                known.teach(&wanted, &found.log_stream, &found.message);
            }
            // The events wait, then.
            Some(_) => {}
            None => return,
        }
    }
}

/// What is wanted and not known meanwhile, by another record of the same invocation perhaps; of a pod the stream with the newest event.
fn one_of_each_pod(unknown: &[UnknownEvent], known: &KnownMetadata) -> Vec<WantedMetadata> {
    let mut pods: BTreeMap<(&str, &str, &str), &WantedMetadata> = BTreeMap::new();
    for wanted in unknown.iter().map(|event| &event.wanted).filter(|wanted| !known.knows(wanted)) {
        let one = pods.entry((&wanted.owner, &wanted.log_group, &wanted.pod_prefix)).or_insert(wanted);
        if one.newest_ms < wanted.newest_ms {
            *one = wanted;
        }
    }
    pods.into_values().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::waits::Waited;
    use super::*;

    #[test]
    fn one_stream_of_each_pod_is_asked_for() {
        let event = |group: &str, pod: &str, stream: &str, newest_ms| UnknownEvent {
            record: 0,
            wanted: WantedMetadata {
                log_group: group.to_owned(),
                log_stream: stream.to_owned(),
                pod_prefix: pod.to_owned(),
                newest_ms,
                ..WantedMetadata::default()
            },
            events: 1,
            data: String::new(),
            waited: Waited::not_at_all(0),
            is_message: false,
        };
        let unknown = [
            event("g", "a", "a-1", Some(5)),
            event("g", "a", "a-2", Some(6)),
            event("g", "a", "a-3", None),
            event("h", "a", "a-1", None),
            event("g", "b", "b-1", None),
        ];
        let asked = one_of_each_pod(&unknown, &KnownMetadata::default());
        let streams: Vec<&str> = asked.iter().map(|wanted| wanted.log_stream.as_str()).collect();
        assert_eq!(streams, ["a-2", "b-1", "a-1"]);
    }
}
