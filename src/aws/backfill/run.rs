//! All groups to their end. Windows of a group, and groups, are read at once; their pages are sent one after the other, those of a
//! group in the order of their times.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::checkpoint::Totals;
use super::ferry::{Ferry, Stop};
use super::reader::{Page, Reader};
use super::windows::{Window, Windows};
use crate::aws::error::CallError;

/// How far it is, for people.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Progress {
    /// From 0 to 1.
    pub(crate) part: f64,
    pub(crate) totals: Totals,
}

/// A backfill under way.
#[derive(Debug)]
pub(crate) struct Run {
    reader: Reader,
    ferry: Mutex<Ferry>,
    /// For each window that is being read.
    permits: Arc<Semaphore>,
    /// Windows of one group that are read at once.
    ahead: usize,
    progress: watch::Sender<Progress>,
}

/// A window that is being read. What it has read is lost when this is dropped.
struct Reading {
    window: Window,
    pages: mpsc::Receiver<Result<Page, CallError>>,
    task: AbortHandle,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Run {
    /// `at_once`: how many windows are read at once, at least one.
    #[must_use]
    pub(crate) fn new(reader: Reader, mut ferry: Ferry, at_once: usize) -> (Arc<Run>, watch::Receiver<Progress>) {
        let (progress, told) = watch::channel(ferry.progress());
        let groups = ferry.checkpoint().groups.len().max(1);
        let ahead = at_once.div_ceil(groups).max(1);
        let permits = Arc::new(Semaphore::new(at_once.max(1)));
        (Arc::new(Run { reader, ferry: Mutex::new(ferry), permits, ahead, progress }), told)
    }

    /// Works until all is done.
    ///
    /// # Errors
    /// The first [`Stop`] of a group.
    pub(crate) async fn work(self: &Arc<Run>) -> Result<(), Stop> {
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
                    // A page of another group may be on its way: it comes to its end, and is noted.
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

    /// The page that is being sent comes to its end first.
    pub(crate) async fn totals(&self) -> Totals {
        self.ferry.lock().await.checkpoint().totals
    }

    /// Waits for the page that is being sent, and lets none follow.
    pub(crate) async fn stop(&self) -> tokio::sync::MutexGuard<'_, Ferry> {
        self.ferry.lock().await
    }

    async fn group(self: &Arc<Run>, group: &str, mut windows: Windows) -> Result<(), Stop> {
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

    /// Begins to read a window. One page waits to be taken, and one to be put there.
    fn read(self: &Arc<Run>, group: String, window: Window) -> Reading {
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
        Reading { window, pages, task: task.abort_handle() }
    }
}

impl Ferry {
    /// How far it is, for people.
    pub(crate) fn progress(&mut self) -> Progress {
        let checkpoint = self.checkpoint();
        Progress { part: checkpoint.progress(), totals: checkpoint.totals }
    }
}
