//! A sample of the lines of a log group, to try expressions on.

/// How many lines are kept to try expressions on, and how long one may be.
pub(crate) const MAX_LINES: usize = 2_000;
const MAX_LINE: usize = 4_096;

/// Every so many lines one is kept: always evenly over all that was seen.
#[derive(Debug)]
pub(crate) struct KeptLines {
    lines: Vec<String>,
    seen: usize,
    step: usize,
}

impl KeptLines {
    pub(crate) fn new() -> KeptLines {
        KeptLines { lines: Vec::new(), seen: 0, step: 1 }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// What was kept.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    pub(crate) fn see(&mut self, text: &str) {
        self.seen += 1;
        if text.len() > MAX_LINE || !self.seen.is_multiple_of(self.step) {
            return;
        }
        if self.lines.len() == MAX_LINES {
            let mut number = 0_usize;
            self.lines.retain(|_| {
                number += 1;
                number.is_multiple_of(2)
            });
            self.step *= 2;
        }
        self.lines.push(text.to_owned());
    }
}
