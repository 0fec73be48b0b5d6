//! The budget of work that the rules of one event have, and the memory that their searches use.
//!
//! Work is counted in steps, never in time: the same event has the same outcome on every machine, however busy, and whatever came before it.
//! There are two accounts. A search is *granted* if the most that it could cost, by the pattern's [`super::weight::Weight`] and the length of the text,
//! can still be paid: that is arithmetic, and enough for nearly every log. Where it is not, the search is *counted*: a matcher of our own walks the
//! text, pays for what it does while it does it, and stops where nothing is left.
//!
//! Each log has both accounts, and so has each event: no log takes the time of the function, nor do many.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use regex_automata::meta;

use super::counted::CountedCache;

/// Bytes that searches may hold between them, by default: half of what is remembered of annotations.
const DEFAULT_CACHE_BYTES: usize = 8 * 1024 * 1024;

/// The budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent;

/// What identifies a compiled pattern within the process: the key of its caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PatternId(u64);

impl PatternId {
    pub(super) fn new() -> PatternId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        PatternId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Caches by pattern, and how many bytes each takes.
type Caches<C> = BTreeMap<PatternId, (Box<C>, usize)>;

/// The caches of searches, kept from event to event. They save time and change nothing.
#[derive(Debug, Clone)]
pub struct SearchCaches {
    kept: Arc<Mutex<Caches<meta::Cache>>>,
    max_bytes: usize,
}

impl SearchCaches {
    /// Caches that take at most about `max_bytes`: where they grow beyond that, all are dropped.
    pub fn of_bytes(max_bytes: usize) -> SearchCaches {
        SearchCaches { kept: Arc::default(), max_bytes }
    }
}

impl Default for SearchCaches {
    fn default() -> Self {
        SearchCaches::of_bytes(DEFAULT_CACHE_BYTES)
    }
}

/// How many steps an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// For each log.
    pub log: u64,
    /// For all logs of an event together, and besides for each byte of its content.
    pub event: u64,
    pub byte: u64,
}

/// The accounts of an event. No setting: so that rules have the same outcome in every function, and in `podferry preview`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleBudget {
    /// A step takes 2 to 8 ns on the machine that `docs/performance.md` names, so a log takes its rules 2 s at the very most, with what is counted.
    pub granted: Steps,
    /// A rule as people publish them, for cards, mails, addresses or tokens, takes 1 to 3 steps a byte: there is room for 64 of them on a log of 1 MB.
    pub counted: Steps,
}

impl Default for RuleBudget {
    fn default() -> Self {
        RuleBudget {
            granted: Steps { log: 64_000_000, event: 100_000_000, byte: 50 },
            counted: Steps { log: 256_000_000, event: 256_000_000, byte: 100 },
        }
    }
}

/// Some steps, of which some are left.
#[derive(Debug)]
struct Account {
    log: Cell<u64>,
    event: Cell<u64>,
    per_log: u64,
}

impl Account {
    fn new(per_log: u64, event: u64) -> Account {
        Account { log: Cell::new(per_log), event: Cell::new(event), per_log }
    }

    fn left(&self) -> u64 {
        self.log.get().min(self.event.get())
    }

    /// Takes what is there, at most.
    fn take(&self, steps: u64) {
        self.log.set(self.log.get().saturating_sub(steps));
        self.event.set(self.event.get().saturating_sub(steps));
    }
}

/// The budget of one event, and its caches.
#[derive(Debug)]
pub struct Work {
    granted: Account,
    counted: Account,
    caches: RefCell<Caches<meta::Cache>>,
    /// Those of counted searches are never kept beyond an event: what a search costs depends on them.
    counted_caches: RefCell<Caches<CountedCache>>,
    cache_bytes: Cell<usize>,
    counted_cache_bytes: Cell<usize>,
    /// Lines that were not joined, as a `multi_line` rule had no budget left.
    unjoined: Cell<usize>,
    shared: SearchCaches,
}

impl Work {
    /// The budget of an event whose inflated content has `bytes`.
    pub(crate) fn of_event(bytes: usize, budget: &RuleBudget, shared: &SearchCaches) -> Work {
        let account =
            |steps: Steps| Account::new(steps.log, steps.event.saturating_add(steps.byte.saturating_mul(bytes as u64)));
        Work::new(account(budget.granted), account(budget.counted), shared)
    }

    /// A budget that nothing spends.
    pub fn unlimited() -> Work {
        let all = || Account::new(u64::MAX, u64::MAX);
        Work::new(all(), all(), &SearchCaches::default())
    }

    /// A budget that grants no search and lets `counted` steps be counted.
    #[cfg(test)]
    pub(crate) fn counting(counted: u64) -> Work {
        Work::new(Account::new(0, 0), Account::new(counted, counted), &SearchCaches::default())
    }

    /// The steps that were counted, of so many.
    #[cfg(test)]
    pub(crate) fn counted_of(&self, all: u64) -> u64 {
        all - self.counted.left()
    }

    fn new(granted: Account, counted: Account, shared: &SearchCaches) -> Work {
        let caches = shared.kept.try_lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
        let bytes = caches.values().map(|(_, bytes)| bytes).sum();
        Work {
            granted,
            counted,
            caches: RefCell::new(caches),
            counted_caches: RefCell::default(),
            cache_bytes: Cell::new(bytes),
            counted_cache_bytes: Cell::new(0),
            unjoined: Cell::new(0),
            shared: shared.clone(),
        }
    }

    /// Gives the next log its share.
    pub(crate) fn begin_log(&self) {
        for account in [&self.granted, &self.counted] {
            account.log.set(account.per_log);
        }
    }

    pub(crate) fn count_unjoined(&self) {
        self.unjoined.set(self.unjoined.get() + 1);
    }

    /// How many lines a `multi_line` rule could not look at.
    pub(crate) fn unjoined(&self) -> usize {
        self.unjoined.get()
    }

    /// Whether a search that may take up to `steps` is granted. Then it is paid for.
    pub(super) fn grants(&self, steps: u64) -> bool {
        let is_granted = steps <= self.granted.left();
        if is_granted {
            self.granted.take(steps);
        }
        is_granted
    }

    /// Runs something that counts its own steps down from those that are left.
    ///
    /// # Errors
    /// Those of `run`.
    pub(super) fn count<R, E>(&self, run: impl FnOnce(&mut u64) -> Result<R, E>) -> Result<R, E> {
        let before = self.counted.left();
        let mut left = before;
        let result = run(&mut left);
        self.counted.take(before - left);
        result
    }

    /// Takes steps from the counted account.
    ///
    /// # Errors
    /// [`Spent`]: it has not as many.
    pub(super) fn spend(&self, steps: u64) -> Result<(), Spent> {
        self.count(|left| {
            let enough = *left >= steps;
            *left = left.saturating_sub(steps);
            if enough { Ok(()) } else { Err(Spent) }
        })
    }

    /// Runs a search with the pattern's cache.
    pub(super) fn with_cache<R>(
        &self,
        id: PatternId,
        make: impl FnOnce() -> meta::Cache,
        search: impl FnOnce(&mut meta::Cache) -> R,
    ) -> R {
        let max_bytes = self.shared.max_bytes;
        with_cache(&self.caches, &self.cache_bytes, max_bytes, id, make, meta::Cache::memory_usage, search)
    }

    /// The same for a counted search.
    pub(super) fn with_counted_cache<R>(
        &self,
        id: PatternId,
        make: impl FnOnce() -> CountedCache,
        search: impl FnOnce(&mut CountedCache) -> R,
    ) -> R {
        // Not the setting: what a counted search costs may not depend on the function's memory.
        let (caches, bytes) = (&self.counted_caches, &self.counted_cache_bytes);
        with_cache(caches, bytes, COUNTED_CACHE_BYTES, id, make, CountedCache::memory_usage, search)
    }
}

/// Bytes that the caches of counted searches may hold between them.
const COUNTED_CACHE_BYTES: usize = 4 * 1024 * 1024;

fn with_cache<C, R>(
    caches: &RefCell<Caches<C>>,
    all_bytes: &Cell<usize>,
    max_bytes: usize,
    id: PatternId,
    make: impl FnOnce() -> C,
    memory_usage: impl FnOnce(&C) -> usize,
    search: impl FnOnce(&mut C) -> R,
) -> R {
    let (mut cache, before) = caches.borrow_mut().remove(&id).unwrap_or_else(|| (Box::new(make()), 0));
    let result = search(&mut cache);
    let bytes = memory_usage(&cache);
    let total = all_bytes.get().saturating_sub(before) + bytes;
    if total > max_bytes {
        // All of them: so none can keep the others out for good.
        caches.borrow_mut().clear();
        all_bytes.set(0);
    } else {
        caches.borrow_mut().insert(id, (cache, bytes));
        all_bytes.set(total);
    }
    result
}

impl Drop for Work {
    fn drop(&mut self) {
        // Another event of the same time may have brought its own back.
        *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner) = self.caches.take();
    }
}
