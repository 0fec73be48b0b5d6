//! A herd of look-ups: hundreds of streams whose metadata comes in records of its own, and sandboxes that all begin with nothing. How many events
//! wait, for how long, and what the account's quotas make of the calls.
//!
//! A simulation, event by event, with random numbers from a seed, over the real policy of look-ups. `docs/sizing.md` has its table, and says what it
//! assumes.
//!
//! `cargo test -p forwarder --lib herd -- --nocapture` prints the table.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::lookup_policy::{CallEnd, LookupCall, LookupPolicy, LookupRefusal, Subject};
use super::simulation::{Random, is_on_the_sizing_page};

/// All times are milliseconds.
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

/// A stream brings an event every so often, give or take half of it.
const EVENT_EVERY: f64 = 10_000.0;

/// A pod's metadata is written every so often: `throttle` lets two copies through, then none for half a minute.
const METADATA_EVERY: u64 = 30 * SECOND;

/// How long it takes until CloudWatch Logs gives what was written.
const VISIBLE_AFTER: u64 = 3 * SECOND;

/// Of so many streams one writes so much that its metadata is not among its last lines.
const CHATTY: usize = 10;

/// How long an event waits, from time to time, and how often it comes back before it is sent without metadata.
const WAITS: [u64; 6] = [15 * SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND, 240 * SECOND];

/// How long a call takes that reads a stream, and one that searches the group.
const CALL: u64 = 80;
const SEARCH: u64 = 1000;

/// How many pods a page of the search tells of: two records of each.
const PODS_OF_PAGE: usize = 350;

const END: u64 = 20 * MINUTE;

#[derive(Debug, Clone, Copy)]
struct Setting {
    /// What was deployed: the function while the pods run, or the pods, too.
    with_pods: bool,
    streams: usize,
    sandboxes: usize,
    /// The account's quota of `GetLogEvents` a second; that of `FilterLogEvents` is a fifth.
    quota: f64,
    /// `PODFERRY_METADATA_LOOKUPS`.
    lookups: u32,
    /// The whole group is searched first.
    searches: bool,
}

const SETTINGS: [Setting; 9] = {
    let base = Setting { with_pods: false, streams: 500, sandboxes: 20, quota: 25.0, lookups: 60, searches: true };
    [
        Setting { lookups: 0, ..base },
        Setting { searches: false, ..base },
        base,
        Setting { lookups: 20, ..base },
        Setting { lookups: 300, ..base },
        Setting { quota: 10.0, ..base },
        Setting { with_pods: true, ..base },
        Setting { sandboxes: 100, streams: 2500, ..base },
        Setting { sandboxes: 100, streams: 2500, lookups: 20, ..base },
    ]
};

/// What a setting came to.
#[derive(Debug, Default)]
struct Figures {
    events: usize,
    waited: usize,
    untagged: usize,
    /// When no stream was unknown any more, and when nothing waited any more.
    last_unknown: u64,
    last_waiting: u64,
    longest: u64,
    calls: usize,
    throttled: usize,
    /// Calls in the busiest second.
    busiest: usize,
}

/// A quota: so many calls a second, and as many at once.
struct Quota {
    rate: f64,
    left: f64,
    at: u64,
}

impl Quota {
    fn new(rate: f64) -> Quota {
        Quota { rate, left: rate, at: 0 }
    }

    fn takes(&mut self, now: u64) -> bool {
        let gained = now.saturating_sub(self.at) as f64 / SECOND as f64 * self.rate;
        self.left = (self.left + gained).min(self.rate);
        self.at = self.at.max(now);
        let is_taken = self.left >= 1.0;
        self.left -= if is_taken { 1.0 } else { 0.0 };
        is_taken
    }
}

struct Sandbox {
    policy: LookupPolicy,
    knows: Vec<bool>,
    /// The next page of the search of the whole group.
    page: usize,
}

/// An event of a stream: when it comes, when its lines were written, and how often it waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: u64,
    stream: usize,
    oldest: u64,
    newest: u64,
    waits: usize,
}

struct Herd {
    setting: Setting,
    random: Random,
    sandboxes: Vec<Sandbox>,
    /// When each pod began.
    begun: Vec<u64>,
    quotas: [Quota; 2],
    calls_at: Vec<u64>,
    figures: Figures,
}

impl Herd {
    fn new(setting: Setting) -> Herd {
        let mut random = Random(17);
        let sandbox =
            |_| Sandbox { policy: LookupPolicy::new(setting.lookups), knows: vec![false; setting.streams], page: 0 };
        // Pods that run have been doing so for an hour; new ones come within a minute.
        let begun = |_| random.between(0.0, MINUTE as f64) as u64 + if setting.with_pods { 60 * MINUTE } else { 0 };
        Herd {
            setting,
            sandboxes: (0..setting.sandboxes).map(sandbox).collect(),
            begun: (0..setting.streams).map(begun).collect(),
            random,
            quotas: [Quota::new(setting.quota), Quota::new(setting.quota / 5.0)],
            calls_at: Vec::new(),
            figures: Figures::default(),
        }
    }

    fn run(mut self) -> Figures {
        const START: u64 = 60 * MINUTE;
        let mut events: BinaryHeap<Reverse<Event>> = BinaryHeap::new();
        for stream in 0..self.setting.streams {
            let oldest = self.begun[stream].max(START);
            let at = oldest + self.random.between(0.0, EVENT_EVERY) as u64;
            events.push(Reverse(Event { at, stream, oldest, newest: at, waits: 0 }));
        }
        while let Some(Reverse(event)) = events.pop().filter(|Reverse(event)| event.at < START + END) {
            if event.waits == 0 {
                self.figures.events += 1;
                let at = event.at + self.random.between(EVENT_EVERY * 0.5, EVENT_EVERY * 1.5) as u64;
                events.push(Reverse(Event { at, oldest: event.newest, newest: at, ..event }));
            }
            let is_known = self.serve(event);
            let since = event.at - START;
            if event.waits > 0 {
                self.figures.last_waiting = self.figures.last_waiting.max(since);
            }
            if !is_known {
                self.figures.last_unknown = self.figures.last_unknown.max(since);
                self.figures.waited += usize::from(event.waits == 0);
                match WAITS.get(event.waits) {
                    Some(wait) => events.push(Reverse(Event { at: event.at + wait, waits: event.waits + 1, ..event })),
                    None => self.figures.untagged += 1,
                }
            } else if event.waits > 0 {
                self.figures.longest = self.figures.longest.max(event.at - event.newest);
            }
        }
        self.calls_at.sort_unstable();
        let busiest = self
            .calls_at
            .iter()
            .enumerate()
            .map(|(number, at)| self.calls_at[number..].iter().take_while(|other| **other < at + SECOND).count());
        self.figures.busiest = busiest.max().unwrap_or(0);
        self.figures
    }

    /// Whether the event's metadata is known, or becomes known.
    fn serve(&mut self, event: Event) -> bool {
        let sandbox = (self.random.next() * self.sandboxes.len() as f64) as usize;
        let own = self.last_written(event.stream, event.newest).is_some_and(|written| written >= event.oldest);
        // Metadata and lines are sent separately, so that the last second's comes with the next event.
        if own
            && self.last_written(event.stream, event.newest.saturating_sub(SECOND)).is_some_and(|at| at >= event.oldest)
        {
            self.sandboxes[sandbox].knows[event.stream] = true;
        }
        if !self.sandboxes[sandbox].knows[event.stream] && self.setting.lookups > 0 {
            self.sandboxes[sandbox].knows[event.stream] = self.look_up(sandbox, event) == Ok(true);
        }
        self.sandboxes[sandbox].knows[event.stream]
    }

    /// When the stream's metadata was written last, before `time`.
    fn last_written(&self, stream: usize, time: u64) -> Option<u64> {
        let since = time.checked_sub(self.begun[stream])?;
        Some(self.begun[stream] + since / METADATA_EVERY * METADATA_EVERY)
    }

    fn look_up(&mut self, sandbox: usize, event: Event) -> Result<bool, Option<LookupRefusal>> {
        let now = Duration::from_millis(event.at);
        let policy = &mut self.sandboxes[sandbox].policy;
        // Each event is an invocation.
        policy.begin();
        let subject = policy.subject("1", "g", &event.stream.to_string());
        policy.start(subject, now)?;
        let mut at = event.at;
        let is_searched =
            self.setting.searches && policy.searches(subject, now) && self.search(sandbox, subject, &mut at);
        if is_searched && self.sandboxes[sandbox].knows[event.stream] {
            self.sandboxes[sandbox].policy.found(subject);
            return Ok(true);
        }
        let is_there = self.is_there(event.stream, event.at);
        let is_chatty = event.stream.is_multiple_of(CHATTY);
        let asked =
            [(LookupCall::Get, is_there && !is_chatty), (LookupCall::Get, is_there), (LookupCall::Filter, is_there)];
        for (call, finds) in asked {
            let policy = &mut self.sandboxes[sandbox].policy;
            at += policy.turn(call, subject, Duration::from_millis(at)).map_err(Some)?.as_millis() as u64;
            if !self.call(sandbox, call, subject, &mut at, CALL) {
                return Err(Some(LookupRefusal::Throttled));
            }
            if finds {
                self.sandboxes[sandbox].policy.found(subject);
                return Ok(true);
            }
        }
        self.sandboxes[sandbox].policy.absent(subject, Duration::from_millis(at));
        Ok(false)
    }

    /// Whether metadata of the stream can be read.
    fn is_there(&self, stream: usize, at: u64) -> bool {
        self.last_written(stream, at.saturating_sub(VISIBLE_AFTER)).is_some()
    }

    /// Searches the group one page further.
    fn search(&mut self, sandbox: usize, subject: Subject, at: &mut u64) -> bool {
        if !self.call(sandbox, LookupCall::Filter, subject, at, SEARCH) {
            return false;
        }
        let first = self.sandboxes[sandbox].page * PODS_OF_PAGE;
        let end = (first + PODS_OF_PAGE).min(self.setting.streams);
        for stream in first..end {
            self.sandboxes[sandbox].knows[stream] |= self.is_there(stream, *at);
        }
        let is_over = end == self.setting.streams;
        self.sandboxes[sandbox].page = if is_over { 0 } else { self.sandboxes[sandbox].page + 1 };
        if is_over {
            self.sandboxes[sandbox].policy.searched(subject, true, Duration::from_millis(*at));
        }
        true
    }

    /// Whether the account's quota has a call left.
    fn call(&mut self, sandbox: usize, call: LookupCall, subject: Subject, at: &mut u64, takes: u64) -> bool {
        let is_taken = self.quotas[usize::from(call == LookupCall::Filter)].takes(*at);
        self.figures.calls += 1;
        self.figures.throttled += usize::from(!is_taken);
        self.calls_at.push(*at);
        *at += takes;
        let end = if is_taken { CallEnd::Answered } else { CallEnd::Throttled };
        let random = self.random.next();
        self.sandboxes[sandbox].policy.ended(call, subject, end, Duration::from_millis(*at), random);
        is_taken
    }
}

/// A row of the table.
fn row(setting: Setting, figures: &Figures) -> String {
    let Setting { with_pods, streams, sandboxes, quota, lookups, searches } = setting;
    let Figures { events, waited, untagged, last_unknown, longest, calls, throttled, busiest, .. } = figures;
    let deployed = if with_pods { "pods and function" } else { "the function" };
    let alone = if searches { "" } else { ", streams only" };
    let share = *waited as f64 / *events as f64 * 100.0;
    format!(
        "| {deployed} | {streams} | {sandboxes} | {quota:.0} | {lookups}{alone} | {} s | {waited} | {share:.1} % | {} s | {untagged} | {calls} | {throttled} | {busiest} |",
        last_unknown.div_ceil(SECOND),
        longest.div_ceil(SECOND),
    )
}

const HEAD: &str = "| deployed | streams | sandboxes | quota | a minute | all known after | waited | of all | longest | without | calls | throttled | busiest second |";

#[test]
fn the_herd_is_what_the_sizing_page_says() {
    let all: Vec<Figures> = SETTINGS.into_iter().map(|setting| Herd::new(setting).run()).collect();
    let rows: Vec<String> = SETTINGS.into_iter().zip(&all).map(|(setting, figures)| row(setting, figures)).collect();
    is_on_the_sizing_page(HEAD, &rows);

    let [none, alone, usual, few, many, small_quota, with_pods, large, large_few] = &all[..] else {
        panic!("other settings")
    };
    let share = |figures: &Figures| figures.waited as f64 / figures.events as f64;
    // What the page concludes. Without look-ups a third of the events waits, for as long as the sandboxes live, and some are given up.
    assert!(share(none) > 0.3 && none.untagged > 0 && none.last_unknown > END - MINUTE);
    // To look each stream up takes minutes; to search the group first, seconds.
    assert!(share(alone) < 0.06 && share(usual) < 0.003 && alone.last_unknown > 10 * usual.last_unknown);
    assert!(usual.last_unknown < 20 * SECOND && usual.longest <= 15 * SECOND && usual.calls * 20 < alone.calls);
    // Nobody is left without, and the quotas stay free for others once it is over.
    assert!([usual, few, many, small_quota, with_pods, large, large_few].iter().all(|figures| figures.untagged == 0));
    assert!(usual.throttled < 30 && share(few) < 0.01 && share(small_quota) < 0.01 && share(with_pods) < 0.01);
    assert!(share(large) < 0.06 && large.last_unknown < 5 * MINUTE);
}
