//! All groups to their end. Groups, and windows of a group, are read concurrently; pages are sent one after another, those of a group
//! in the order of their times.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::checkpoint::BackfillTotals;
use super::ferry::{BackfillStop, Ferry};
use super::reader::{HistoryPage, HistoryReader};
use super::windows::{Window, Windows};
use crate::aws::error::SdkCallError;

/// How far it is, for people.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct BackfillProgress {
    /// From 0 to 1.
    pub(crate) part: f64,
    pub(crate) totals: BackfillTotals,
}

/// A backfill under way.
#[derive(Debug)]
pub(crate) struct BackfillRun {
    reader: HistoryReader,
    ferry: Mutex<Ferry>,
    /// For each window that is being read.
    permits: Arc<Semaphore>,
    /// Windows of one group that are read at once.
    ahead: usize,
    progress: watch::Sender<BackfillProgress>,
}

/// A window that is being read. Dropping it discards what was read.
struct WindowReading {
    window: Window,
    pages: mpsc::Receiver<Result<HistoryPage, SdkCallError>>,
    task: AbortHandle,
}

impl Drop for WindowReading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BackfillRun {
    /// `at_once`: how many windows are read at once, at least one.
    #[must_use]
    pub(crate) fn new(
        reader: HistoryReader,
        mut ferry: Ferry,
        at_once: usize,
    ) -> (Arc<BackfillRun>, watch::Receiver<BackfillProgress>) {
        let (progress, told) = watch::channel(ferry.progress());
        let groups = ferry.checkpoint().groups.len().max(1);
        let ahead = at_once.div_ceil(groups).max(1);
        let permits = Arc::new(Semaphore::new(at_once.max(1)));
        (Arc::new(BackfillRun { reader, ferry: Mutex::new(ferry), permits, ahead, progress }), told)
    }

    /// Works until all is done.
    ///
    /// # Errors
    /// The first [`BackfillStop`] of a group.
    pub(crate) async fn work(self: &Arc<BackfillRun>) -> Result<(), BackfillStop> {
        let (groups, end_ms) = {
            let mut ferry = self.ferry.lock().await;
            let checkpoint = ferry.checkpoint();
            let open = checkpoint.groups.iter().filter(|(_, position)| !position.done);
            let open: Vec<_> = open.map(|(group, position)| (group.clone(), position.restart_ms())).collect();
            (open, checkpoint.to_ms)
        };
        let mut working = JoinSet::new();
        for (group, start_ms) in groups {
            let run = self.clone();
            working.spawn(async move { run.group(&group, Windows::new(start_ms, end_ms)).await });
        }
        while let Some(ended) = working.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(stop)) => {
                    // A page of another group may be on its way: it is finished, and noted.
                    drop(self.ferry.lock().await);
                    return Err(stop);
                }
                Err(error) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for the page that is being sent.
    pub(crate) async fn totals(&self) -> BackfillTotals {
        self.ferry.lock().await.checkpoint().totals
    }

    /// Waits for the page that is being sent, and keeps the next from being sent.
    pub(crate) async fn stop(&self) -> tokio::sync::MutexGuard<'_, Ferry> {
        self.ferry.lock().await
    }

    async fn group(self: &Arc<BackfillRun>, group: &str, mut windows: Windows) -> Result<(), BackfillStop> {
        let mut readings = VecDeque::new();
        loop {
            while readings.len() < self.ahead
                && let Some(window) = windows.next()
            {
                readings.push_back(self.read(group.to_owned(), window));
            }
            let Some(mut reading) = readings.pop_front() else { break };
            let mut pages = 0;
            while let Some(page) = reading.pages.recv().await {
                let page = page?;
                pages += 1;
                if !page.events.is_empty() {
                    let mut ferry = self.ferry.lock().await;
                    ferry.page(group, page.events).await?;
                    self.progress.send_replace(ferry.progress());
                }
            }
            windows.learn(pages);
            let mut ferry = self.ferry.lock().await;
            ferry.window(group, reading.window.end)?;
            self.progress.send_replace(ferry.progress());
        }
        let mut ferry = self.ferry.lock().await;
        ferry.finish(group).await?;
        self.progress.send_replace(ferry.progress());
        Ok(())
    }

    /// Starts to read a window. One page waits to be sent, and one to be queued.
    fn read(self: &Arc<BackfillRun>, group: String, window: Window) -> WindowReading {
        let (sender, pages) = mpsc::channel(1);
        let run = self.clone();
        let task = tokio::spawn(async move {
            let mut token = None;
            loop {
                let page = {
                    let Ok(_permit) = run.permits.acquire().await else { return };
                    run.reader.page(&group, window, token.take()).await
                };
                token = page.as_ref().ok().and_then(|page| page.token.clone());
                if sender.send(page).await.is_err() || token.is_none() {
                    return;
                }
            }
        });
        WindowReading { window, pages, task: task.abort_handle() }
    }
}

impl Ferry {
    /// How far it is, for people.
    pub(crate) fn progress(&mut self) -> BackfillProgress {
        let checkpoint = self.checkpoint();
        BackfillProgress { part: checkpoint.progress(), totals: checkpoint.totals }
    }
}
