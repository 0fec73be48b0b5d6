//! Lines and columns of many places: where the lines of each source begin is looked up once.

use super::source::{LineAndColumn, Place, SourceFile};

/// Where the lines of sources begin.
#[derive(Debug)]
pub(crate) struct Positions<'s> {
    sources: &'s [SourceFile],
    /// In bytes, by source and line.
    starts: Vec<Vec<usize>>,
}

impl<'s> Positions<'s> {
    pub(crate) fn new(sources: &'s [SourceFile]) -> Positions<'s> {
        let starts_of = |source: &SourceFile| {
            std::iter::once(0).chain(source.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        };
        Positions { sources, starts: sources.iter().map(starts_of).collect() }
    }

    /// Where a place begins and ends.
    pub(crate) fn of(&self, place: Place) -> Option<(LineAndColumn, LineAndColumn)> {
        Some((self.at(place.source, place.span.start)?, self.at(place.source, place.span.end)?))
    }

    /// The number of the line that a byte is in, from 1, and where that line begins.
    pub(crate) fn line(&self, source: usize, offset: usize) -> Option<(usize, usize)> {
        let starts = self.starts.get(source)?;
        let number = starts.partition_point(|start| *start <= offset);
        Some((number, *starts.get(number.checked_sub(1)?)?))
    }

    fn at(&self, source: usize, offset: usize) -> Option<LineAndColumn> {
        let text = &self.sources.get(source)?.text;
        let offset = if text.is_char_boundary(offset) { offset } else { text.len() };
        let (line, start) = self.line(source, offset)?;
        let before = text.get(start..offset).unwrap_or_default();
        // A byte order mark takes no column.
        Some(LineAndColumn { line, column: before.trim_start_matches('\u{feff}').chars().count() + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::source::Span;

    #[test]
    fn they_are_as_each_by_itself() {
        let sources = ["", "\u{feff}a: é\r\nb\n\n", "one", "\n"].map(|text| SourceFile::new("one.yaml", text));
        let positions = Positions::new(&sources);
        for (source, file) in sources.iter().enumerate() {
            for at in (0..file.text.len() + 3).filter(|at| file.text.is_char_boundary(*at) || *at > file.text.len()) {
                let place = Place { source, span: Span { start: at, end: at } };
                assert_eq!(positions.of(place).map(|both| both.0), Some(file.position(at)), "{:?} {at}", file.text);
            }
        }
        assert_eq!(positions.of(Place { source: 9, span: Span { start: 0, end: 0 } }), None);
    }
}
