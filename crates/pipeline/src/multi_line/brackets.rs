//! Brackets that a log opened at the end of a line and has not closed: it goes on.

/// How deep brackets may be open; deeper ones are not counted.
const MAX_DEPTH: u16 = 1_000;

/// Brackets that a log opened at the end of a line and has not closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Brackets {
    depth: u16,
}

impl Brackets {
    /// Whether one is open.
    pub(super) fn are_open(self) -> bool {
        self.depth > 0
    }

    /// Looks at a line that is part of the log. Only a bracket at the end of a line opens; within, they are counted.
    pub(super) fn read(&mut self, line: &str) {
        let last = line.trim_ascii_end().as_bytes().last();
        let opens = matches!(last, Some(b'{' | b'[' | b'('));
        if self.depth == 0 && !opens {
            return;
        }
        let before = self.depth;
        let mut is_quoted = false;
        for byte in line.bytes() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'{' | b'[' | b'(' => self.depth = self.depth.saturating_add(1).min(MAX_DEPTH),
                b'}' | b']' | b')' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        // An odd quote hid the one at the end.
        if opens && before == 0 {
            self.depth = self.depth.max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_open_until_they_are_closed() {
        let open = |text: &str| {
            let mut brackets = Brackets::default();
            text.split('\n').for_each(|line| brackets.read(line));
            brackets.are_open()
        };
        assert!(open("config {") && open("a [\n  {\n  }") && open("f(\n  x"));
        assert!(!open("config {}") && !open("a {\n}") && !open("[1, 2") && !open("a (b) {\n  \"}\"\n}"));
    }
}
