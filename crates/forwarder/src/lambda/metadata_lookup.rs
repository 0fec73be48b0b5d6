//! Looks the metadata of a log stream up in CloudWatch Logs, where the records that tell it were in events that this sandbox has not seen.
//!
//! A sandbox that begins knows nothing of any pod. So first the last seconds of the whole log group are searched, a page a time, for what tells
//! most of its pods at once. What is not among that is looked for where it is, until something is found: in the stream around the time of its
//! lines, where the newest record is; at its head, where a pod that writes much has one; in the other streams of its pod, since one `throttle`
//! serves them all. `lookup_policy` says when a call may be made.
//!
//! What is found is believed as little as what is in an event: where a line beside it is no parser's, nothing is (decision 0003).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::log_reader::{LogReader, LogRequest, now};
use super::lookup_policy::{LookupCall, LookupPolicy, LookupRefusal, LookupTally, Subject};
use crate::settings::AwsSettings;
use pipeline::known_metadata::KnownMetadata;
use pipeline::metadata_records::WantedMetadata;

/// How long the look-up of a stream may take.
const LONGEST: Duration = Duration::from_secs(5);

/// How many lines of a stream are read at once: some 100 KB.
const LINES: u64 = 200;

/// How many pages may be asked for, where they come empty. Source: Amazon CloudWatch Logs API reference, FilterLogEvents: an empty page does not
/// mean that there are no others.
const PAGES: usize = 3;

/// How many records of metadata are asked for at once: of a record with everything that a pod can have there are some 700 in the megabyte of a page.
const RECORDS: u64 = 700;

/// How far before its lines the records of a stream are looked for. They come every half minute, or as rarely as `generate logging` was told.
const BEFORE_MS: i64 = 5 * 60_000;

/// How far behind them: Fluent Bit sends records of metadata and lines separately.
const BEHIND_MS: i64 = 60_000;

/// Events of one stream come together if their times are near: no more of it is read, whatever the times are.
const WIDEST_MS: i64 = 15 * 60_000;

/// Of a whole group, what was written in the last seconds: each pod that writes has written metadata in that time.
const OF_GROUP_MS: i64 = 45_000;

/// A search of a group that is older begins again: what it would find is, too.
const SEARCH_ENDS: Duration = Duration::from_secs(300);

/// How many groups are searched at a time. A function has some few.
const SEARCHES: usize = 20;

/// Matches JSON that has neither `log` nor `stream`: metadata, and no line of a parser, be it blank. What that finds beside metadata is no parser's,
/// and says that the group is written to in another way. Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax", `NOT EXISTS`.
const PATTERN: &str = "{ ($.log NOT EXISTS) && ($.stream NOT EXISTS) }";

/// What a look-up gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookedUp {
    Found(FoundMessage),
    /// There is none, or none yet.
    Absent,
    Unavailable(LookupRefusal),
}

/// A record of metadata, as CloudWatch gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundMessage {
    /// The stream that was asked for, or another one of its pod.
    pub(crate) log_stream: String,
    pub(crate) message: String,
}

/// Looks metadata up, and remembers for as long as the sandbox lives how that went.
#[derive(Debug)]
pub(crate) struct MetadataLookup {
    reader: LogReader,
    is_on: bool,
    /// What was found of others than who was asked for goes there.
    known: Option<KnownMetadata>,
    /// The function's. Empty, where nobody says.
    account: Mutex<String>,
    searches: Mutex<HashMap<Subject, GroupSearch>>,
    longest: Duration,
}

/// A search of a log group that is not at its end.
#[derive(Debug, Clone)]
struct GroupSearch {
    begun: Duration,
    token: Option<String>,
}

impl MetadataLookup {
    /// At most so many calls of `GetLogEvents` a minute; 0: none, as without credentials.
    pub(crate) fn new(calls_a_minute: u32, aws: AwsSettings, known: Option<KnownMetadata>) -> MetadataLookup {
        let reader = LogReader::new(LookupPolicy::new(calls_a_minute), aws);
        let is_on = calls_a_minute > 0 && reader.has_credentials();
        let (account, searches) = (Mutex::default(), Mutex::default());
        MetadataLookup { reader, is_on, known, account, searches, longest: LONGEST }
    }

    /// Whether there is anything to ask for.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Begins an invocation of the function with this ARN.
    pub(crate) fn begin(&self, function_arn: &str) {
        self.reader.policy().begin();
        let account = function_arn.split(':').nth(4).unwrap_or_default();
        account.clone_into(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What the look-ups of the invocation came to.
    pub(crate) fn tally(&self) -> LookupTally {
        self.reader.policy().tally()
    }

    /// Looks the metadata up that is wanted. It is over by the deadline, and after some seconds in any case.
    pub(crate) async fn of(&self, client: &Client, wanted: &WantedMetadata, deadline: Instant) -> LookedUp {
        if !self.is_on {
            return LookedUp::Unavailable(LookupRefusal::Off);
        }
        if self.is_foreign(wanted) {
            return LookedUp::Unavailable(LookupRefusal::Foreign);
        }
        let subject = self.reader.policy().subject(&wanted.owner, &wanted.log_group, &wanted.log_stream);
        if let Err(refusal) = self.reader.policy().start(subject, now()) {
            return refusal.map_or(LookedUp::Absent, LookedUp::Unavailable);
        }
        let deadline = deadline.min(Instant::now() + self.longest);
        match (Search { lookup: self, client, wanted, subject, deadline }).run().await {
            Ok(Some(found)) => {
                self.reader.policy().found(subject);
                LookedUp::Found(found)
            }
            Ok(None) => {
                self.reader.policy().absent(subject, now());
                LookedUp::Absent
            }
            Err(refusal) => LookedUp::Unavailable(refusal),
        }
    }

    /// Whether the log group is another account's: here is another one of that name, or none.
    fn is_foreign(&self, wanted: &WantedMetadata) -> bool {
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        !account.is_empty() && *account != wanted.owner
    }

    fn searches(&self) -> MutexGuard<'_, HashMap<Subject, GroupSearch>> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl MetadataLookup {
    pub(super) fn reader(&mut self) -> &mut LogReader {
        &mut self.reader
    }

    pub(super) fn set_longest(&mut self, longest: Duration) {
        self.longest = longest;
    }
}

/// The search for the metadata of one stream.
struct Search<'a> {
    lookup: &'a MetadataLookup,
    client: &'a Client,
    wanted: &'a WantedMetadata,
    subject: Subject,
    deadline: Instant,
}

/// What a page of events tells.
enum Told {
    Metadata(FoundMessage),
    Nothing,
    /// It is larger than what is read.
    Unread,
    /// Not all is a parser's: the records may be an application's own.
    Doubtful,
}

/// An event of a page of `FilterLogEvents`.
struct FoundEvent<'p> {
    log_stream: &'p str,
    message: &'p str,
    time: i64,
}

impl Search<'_> {
    async fn run(&self) -> Result<Option<FoundMessage>, LookupRefusal> {
        if let Some(found) = self.of_group().await {
            return Ok(Some(found));
        }
        let window = self.window();
        let near = window.map(|(start, end)| json!({ "startTime": start, "endTime": end, "startFromHead": false }));
        for part in near.into_iter().chain([json!({ "startFromHead": true })]) {
            match self.lines(&self.wanted.log_stream, part).await? {
                Told::Metadata(found) => return Ok(Some(found)),
                Told::Doubtful => return Ok(None),
                Told::Nothing | Told::Unread => {}
            }
        }
        let Some(window) = window else { return Ok(None) };
        match self.of_pod(window).await {
            // The stream itself has none: it is not read again at once because another search comes first.
            Err(LookupRefusal::Busy | LookupRefusal::BackingOff) => Ok(None),
            found => found,
        }
    }

    /// From when to when the stream is read, in milliseconds since 1970.
    fn window(&self) -> Option<(i64, i64)> {
        let (oldest, newest) = (self.wanted.oldest_ms?, self.wanted.newest_ms?);
        let start = oldest.min(newest).max(newest.saturating_sub(WIDEST_MS)).saturating_sub(BEFORE_MS).max(0);
        let end = newest.saturating_add(BEHIND_MS);
        (start < end).then_some((start, end))
    }

    /// Searches the group one page further, if it is time. What fails there is no reason not to look at the stream itself.
    async fn of_group(&self) -> Option<FoundMessage> {
        let (lookup, now) = (self.lookup, now());
        lookup.reader.policy().searches(self.subject, now).then_some(())?;
        let group = self.subject.of_group();
        let goes_on = |search: &GroupSearch| now.checked_sub(search.begun).is_some_and(|age| age < SEARCH_ENDS);
        let search = lookup.searches().remove(&group).filter(goes_on);
        let GroupSearch { begun, token } = search.unwrap_or(GroupSearch { begun: now, token: None });
        let end = i64::try_from(begun.as_millis()).unwrap_or(i64::MAX);
        let mut request = json!({
            "logGroupName": self.wanted.log_group, "filterPattern": PATTERN, "limit": RECORDS,
            "startTime": end.saturating_sub(OF_GROUP_MS).max(0), "endTime": end,
        });
        if let Some(token) = token {
            request["nextToken"] = json!(token);
        }
        let page = lookup.reader.read_now(self.request(LookupCall::Filter, &request)).await.ok()?;
        let Some(page) = page else {
            // It will be too large the next time, too.
            lookup.reader.policy().searched(self.subject, false, now);
            return None;
        };
        let (found, is_doubtful) = self.of_page(&page);
        match next_token(&page).filter(|_| !is_doubtful) {
            Some(token) => {
                let mut searches = lookup.searches();
                if searches.len() >= SEARCHES {
                    searches.clear();
                }
                searches.insert(group, GroupSearch { begun, token: Some(token.to_owned()) });
            }
            None => lookup.reader.policy().searched(self.subject, !is_doubtful, now),
        }
        found
    }

    /// Takes what a page of the group tells of anybody, unless there is a line that is no parser's in a container's stream. Then the group is written
    /// to with another ConfigMap, too, and a record of metadata may be an application's own.
    fn of_page(&self, page: &Value) -> (Option<FoundMessage>, bool) {
        let WantedMetadata { owner, log_group, .. } = self.wanted;
        let found = found_events(page).filter_map(|event| {
            let of = WantedMetadata::of_stream(owner, log_group, event.log_stream)?;
            Some((event, of))
        });
        let found: Vec<(FoundEvent, WantedMetadata)> = found.collect();
        if found.iter().any(|(event, _)| !WantedMetadata::is_of_preset(event.message)) {
            return (None, true);
        }
        // The newest first: what is known is kept.
        found.iter().rev().for_each(|(event, of)| self.learn(event, of));
        let wanted = found.iter().rfind(|(event, _)| self.is_answered_by(event));
        (wanted.map(|(event, _)| event.found()), false)
    }

    /// Takes note of what a stream told, and when: it may be one of an earlier pod of the same name.
    fn learn(&self, event: &FoundEvent, of: &WantedMetadata) {
        if let Some(known) = &self.lookup.known {
            let of = WantedMetadata { newest_ms: Some(event.time), ..of.clone() };
            known.teach(&of, event.log_stream, event.message);
        }
    }

    /// Whether an event that was taken note of tells what is wanted, of the same pod and not of one before it.
    fn is_answered_by(&self, event: &FoundEvent) -> bool {
        self.wanted.is_told_by(event.log_stream, event.message)
            && self.lookup.known.as_ref().is_none_or(|known| known.knows(self.wanted))
    }

    /// Reads a part of a stream: the first page that has lines.
    async fn lines(&self, log_stream: &str, part: Value) -> Result<Told, LookupRefusal> {
        let mut request = part;
        request["logGroupName"] = json!(self.wanted.log_group);
        request["logStreamName"] = json!(log_stream);
        request["limit"] = json!(LINES);
        let is_forward = request["startFromHead"] == json!(true);
        let next = if is_forward { "nextForwardToken" } else { "nextBackwardToken" };
        for _ in 0..PAGES {
            let page = self.lookup.reader.read(self.request(LookupCall::Get, &request)).await?;
            let Some(page) = page else { return Ok(Told::Unread) };
            let messages: Vec<&str> =
                events(&page).map(|event| event["message"].as_str().unwrap_or_default()).collect();
            if !messages.iter().all(|message| WantedMetadata::is_of_preset(message)) {
                return Ok(Told::Doubtful);
            }
            let told = messages.iter().rfind(|message| self.wanted.is_told_by(log_stream, message));
            if let Some(message) = told {
                return Ok(Told::Metadata(FoundEvent { log_stream, message, time: 0 }.found()));
            }
            let token = page[next].as_str().filter(|token| !token.is_empty()).map(|token| json!(token));
            match token {
                // The end of a stream is told by the same token again.
                Some(token) if messages.is_empty() && request["nextToken"] != token => request["nextToken"] = token,
                _ => break,
            }
        }
        Ok(Told::Nothing)
    }

    /// Searches all streams of the pod.
    async fn of_pod(&self, (start, end): (i64, i64)) -> Result<Option<FoundMessage>, LookupRefusal> {
        let mut request = json!({
            "logGroupName": self.wanted.log_group, "logStreamNamePrefix": self.wanted.pod_prefix, "filterPattern": PATTERN,
            "startTime": start, "endTime": end, "limit": RECORDS,
        });
        for _ in 0..PAGES {
            let page = self.lookup.reader.read(self.request(LookupCall::Filter, &request)).await?;
            let Some(page) = page else { return Ok(None) };
            if !found_events(&page).all(|event| WantedMetadata::is_of_preset(event.message)) {
                return Ok(None);
            }
            let told = found_events(&page).rfind(|event| self.wanted.is_told_by(event.log_stream, event.message));
            if let Some(event) = told {
                // What stands beside it has to be seen, too.
                let at =
                    json!({ "startTime": event.time, "endTime": event.time.saturating_add(1), "startFromHead": true });
                let beside = self.lines(event.log_stream, at).await?;
                if !matches!(beside, Told::Metadata(_) | Told::Nothing) {
                    return Ok(None);
                }
                let of = WantedMetadata::of_stream(&self.wanted.owner, &self.wanted.log_group, event.log_stream);
                of.iter().for_each(|of| self.learn(&event, of));
                return Ok(self.is_answered_by(&event).then(|| event.found()));
            }
            match next_token(&page) {
                Some(token) => request["nextToken"] = json!(token),
                None => break,
            }
        }
        Ok(None)
    }

    fn request<'r>(&'r self, call: LookupCall, request: &'r Value) -> LogRequest<'r> {
        let Search { client, wanted, subject, deadline, .. } = *self;
        LogRequest { client, subject, log_group: &wanted.log_group, call, request, deadline }
    }
}

impl FoundEvent<'_> {
    fn found(&self) -> FoundMessage {
        FoundMessage { log_stream: self.log_stream.to_owned(), message: self.message.to_owned() }
    }
}

fn events(page: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    page["events"].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// Events of several streams.
fn found_events(page: &Value) -> impl DoubleEndedIterator<Item = FoundEvent<'_>> {
    events(page).filter_map(|event| {
        let (log_stream, message) = (event["logStreamName"].as_str()?, event["message"].as_str()?);
        Some(FoundEvent { log_stream, message, time: event["timestamp"].as_i64()? })
    })
}

fn next_token(page: &Value) -> Option<&str> {
    page["nextToken"].as_str().filter(|token| !token.is_empty())
}
