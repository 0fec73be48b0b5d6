//! The file that lets a backfill continue after an interruption: what was asked for, how far each group was read, and what became of
//! its events. It holds ids and times of events, and none of their text.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::position::GroupPosition;

/// The version of the format. Files of other versions are left to the podferry that wrote them.
const SCHEMA: u32 = 1;

/// What was asked for. Two runs with the same query are one backfill.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackfillQuery {
    pub(crate) account: String,
    pub(crate) region: String,
    /// By name.
    pub(crate) groups: Vec<String>,
    pub(crate) stream_prefix: Option<String>,
    pub(crate) filter_pattern: Option<String>,
    /// As they were given: `2h` stays `2h`, though it means another time later.
    pub(crate) from: String,
    pub(crate) to: String,
    /// The intake's address.
    pub(crate) intake: String,
}

/// What became of the events, over all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BackfillTotals {
    /// Of CloudWatch, and how many pages they came in.
    pub(crate) events: u64,
    pub(crate) pages: u64,
    /// To be delivered.
    pub(crate) logs: u64,
    /// Left out by rules, filters, annotations or sampling.
    pub(crate) left_out: u64,
    pub(crate) blank: u64,
    /// Lines and pieces that became part of another log.
    pub(crate) joined: u64,
    /// Sent with another time, because they were too old.
    pub(crate) late: u64,
    /// The same, because they were too far in the future.
    pub(crate) early: u64,
    /// That Datadog accepted, and that it never will.
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) requests: u64,
    /// As sent, and before compression.
    pub(crate) bytes: u64,
    pub(crate) plain_bytes: u64,
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    schema: u32,
    /// Of the podferry that wrote it.
    version: String,
    pub(crate) query: BackfillQuery,
    /// What `from` and `to` meant when it began; milliseconds since 1970.
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) groups: BTreeMap<String, GroupPosition>,
    pub(crate) totals: BackfillTotals,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: std::io::Error },
    #[error(
        "{0}: not a checkpoint of this podferry. Choose another file with --checkpoint, or remove this one to start over"
    )]
    Unreadable(PathBuf),
    #[error(
        "{path}: the checkpoint belongs to another backfill: {differs} differs. Choose another file with --checkpoint, or give the same \
         arguments as before"
    )]
    Other { path: PathBuf, differs: &'static str },
    #[error(
        "{0}: another podferry is using this checkpoint. Wait until it ends, or choose another file with --checkpoint"
    )]
    Busy(PathBuf),
}

impl BackfillQuery {
    /// The name of its file; the same for the same query.
    #[must_use]
    pub(crate) fn file_name(&self) -> PathBuf {
        let mut hash = flate2::Crc::new();
        hash.update(serde_json::to_string(self).unwrap_or_default().as_bytes());
        PathBuf::from(format!("podferry-backfill-{:08x}.json", hash.sum()))
    }

    /// The first argument in which two queries differ.
    fn differs(&self, other: &BackfillQuery) -> Option<&'static str> {
        let BackfillQuery { account, region, groups, stream_prefix, filter_pattern, from, to, intake } = other;
        [
            ("the AWS account", self.account != *account),
            ("the region", self.region != *region),
            ("the choice of log groups", self.groups != *groups),
            ("--stream-prefix", self.stream_prefix != *stream_prefix),
            ("--filter-pattern", self.filter_pattern != *filter_pattern),
            ("--from", self.from != *from),
            ("--to", self.to != *to),
            ("the intake (DD_SITE, DD_URL)", self.intake != *intake),
        ]
        .into_iter()
        .find_map(|(name, differs)| differs.then_some(name))
    }
}

impl Checkpoint {
    /// Of a new backfill.
    #[must_use]
    pub(crate) fn new(query: BackfillQuery, from_ms: i64, to_ms: i64) -> Checkpoint {
        let groups = query.groups.iter().map(|group| (group.clone(), GroupPosition::beginning(from_ms))).collect();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Checkpoint { schema: SCHEMA, version, query, from_ms, to_ms, groups, totals: BackfillTotals::default() }
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        self.groups.values().all(|position| position.done)
    }

    /// How much of the time was read, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "of a progress bar")]
    pub(crate) fn progress(&self) -> f64 {
        let whole = (self.to_ms - self.from_ms).max(1);
        let part = |position: &GroupPosition| match position.done {
            true => 1.0,
            false => ((position.through_ms() - self.from_ms) as f64 / whole as f64).clamp(0.0, 1.0),
        };
        self.groups.values().map(part).sum::<f64>() / self.groups.len().max(1) as f64
    }
}

/// A checkpoint and its file, which no other process can use meanwhile.
#[derive(Debug)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
    pub(crate) checkpoint: Checkpoint,
    /// Whether it was there before.
    pub(crate) is_old: bool,
    _lock: File,
    lock_path: PathBuf,
}

impl CheckpointFile {
    /// Opens the file, or prepares a new one.
    ///
    /// # Errors
    /// [`CheckpointError`]
    pub(crate) fn open(
        path: PathBuf,
        query: BackfillQuery,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<CheckpointFile, CheckpointError> {
        let lock_path = with_suffix(&path, "lock");
        let failed = |path: &Path| {
            let path = path.to_owned();
            |error| CheckpointError::File { path, error }
        };
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).map_err(failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CheckpointError::Busy(path)),
            Err(TryLockError::Error(error)) => return Err(CheckpointError::File { path: lock_path, error }),
        }
        let old = match std::fs::read(&path) {
            Ok(bytes) => Some(read(&path, &bytes, &query)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&path)(error)),
        };
        let is_old = old.is_some();
        let checkpoint = old.unwrap_or_else(|| Checkpoint::new(query, from_ms, to_ms));
        Ok(CheckpointFile { path, checkpoint, is_old, _lock: lock, lock_path })
    }

    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file, as a whole or not at all.
    ///
    /// # Errors
    /// [`CheckpointError::File`]
    pub(crate) fn save(&self) -> Result<(), CheckpointError> {
        let beside = with_suffix(&self.path, "new");
        let put = || {
            let mut file = File::create(&beside)?;
            serde_json::to_writer(&mut file, &self.checkpoint)?;
            file.write_all(b"\n")?;
            // On the disk before it is in the old one's place: a crash leaves one of the two.
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)
        };
        put().map_err(|error| CheckpointError::File { path: self.path.clone(), error })
    }
}

impl Drop for CheckpointFile {
    fn drop(&mut self) {
        // An empty file that is left behind does no harm.
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

fn read(path: &Path, bytes: &[u8], query: &BackfillQuery) -> Result<Checkpoint, CheckpointError> {
    let unreadable = || CheckpointError::Unreadable(path.to_owned());
    let checkpoint: Checkpoint = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    if checkpoint.schema != SCHEMA || !checkpoint.groups.keys().eq(&checkpoint.query.groups) {
        return Err(unreadable());
    }
    match query.differs(&checkpoint.query) {
        Some(differs) => Err(CheckpointError::Other { path: path.to_owned(), differs }),
        None => Ok(checkpoint),
    }
}

/// `x.json` becomes `x.json.lock`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> BackfillQuery {
        BackfillQuery {
            groups: vec!["/a".to_owned(), "/b".to_owned()],
            from: "2h".to_owned(),
            ..BackfillQuery::default()
        }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("podferry-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_was_saved_is_read_and_what_differs_is_named() {
        let path = folder("checkpoint").join("c.json");
        let mut book = CheckpointFile::open(path.clone(), query(), 0, 100).unwrap();
        assert!(!book.is_old);
        book.checkpoint.totals.events = 7;
        book.checkpoint.groups.get_mut("/a").unwrap().finish_window(49);
        book.save().unwrap();
        let saved = book.checkpoint.clone();
        assert!((saved.progress() - 0.25).abs() < 1e-9);
        // The lock is this process's.
        assert!(matches!(CheckpointFile::open(path.clone(), query(), 5, 105), Err(CheckpointError::Busy(_))));
        drop(book);
        let book = CheckpointFile::open(path.clone(), query(), 5, 105).unwrap();
        assert_eq!((book.is_old, &book.checkpoint), (true, &saved), "the old times hold");
        drop(book);
        let other = BackfillQuery { filter_pattern: Some("x".to_owned()), ..query() };
        let error = CheckpointFile::open(path.clone(), other, 0, 1).unwrap_err();
        assert!(error.to_string().contains("--filter-pattern differs"), "{error}");
        for text in ["", "{}", "[]", &std::fs::read_to_string(&path).unwrap().replace("\"schema\":1", "\"schema\":2")] {
            std::fs::write(&path, text).unwrap();
            assert!(
                matches!(CheckpointFile::open(path.clone(), query(), 0, 1), Err(CheckpointError::Unreadable(_))),
                "{text}"
            );
        }
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn each_query_has_its_file() {
        let other = BackfillQuery { to: "1h".to_owned(), ..query() };
        assert_eq!(query().file_name(), query().file_name());
        assert_ne!(query().file_name(), other.file_name());
    }
}
