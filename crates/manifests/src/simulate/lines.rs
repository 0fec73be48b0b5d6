//! Lines as people have them, made into those of a container's log file.

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineForm {
    /// As containerd writes them: time, stream, `F` or `P`, text.
    Cri,
    /// With a time before each, as `kubectl logs --timestamps` prints them.
    Timestamped,
    /// As the application wrote them.
    Bare,
}

impl LineForm {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LineForm::Cri => "lines of a container's log file",
            LineForm::Timestamped => "lines with a time before each",
            LineForm::Bare => "bare lines",
        }
    }
}

/// How many bytes of a line containerd writes in one piece. Source: containerd, `max_container_log_line_size`, whose default is 16 KiB.
const PIECE: usize = 16 * 1024;

/// Parts a text into lines as containerd has them in its file. What has no time of its own gets `written_at`, a time as RFC 3339 has it; what is
/// longer than a piece becomes several.
#[must_use]
pub fn container_lines(text: &[u8], written_at: &str) -> (Vec<Vec<u8>>, LineForm) {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines: Vec<&[u8]> = match text {
        [] => Vec::new(),
        text => text.split(|byte| *byte == b'\n').collect(),
    };
    // Some may be damaged, so the greater part tells.
    let is_most = |is: fn(&[u8]) -> bool| lines.iter().filter(|line| is(line)).count() * 2 > lines.len();
    if is_most(is_cri) {
        return (lines.into_iter().map(<[u8]>::to_vec).collect(), LineForm::Cri);
    }
    if is_most(|line| timestamped(line).is_some()) {
        let each = lines.iter().flat_map(|line| match timestamped(line) {
            Some((time, text)) => pieces(time, text),
            None => pieces(written_at, line),
        });
        return (each.collect(), LineForm::Timestamped);
    }
    (lines.iter().flat_map(|line| pieces(written_at, line)).collect(), LineForm::Bare)
}

fn is_cri(line: &[u8]) -> bool {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let time = words.next().is_some_and(is_time);
    let stream = matches!(words.next(), Some(b"stdout" | b"stderr"));
    time && stream && matches!(words.next(), Some(b"F" | b"P"))
}

/// The time before a line, and the line.
fn timestamped(line: &[u8]) -> Option<(&str, &[u8])> {
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let time = line.get(..end).filter(|time| is_time(time))?;
    Some((std::str::from_utf8(time).ok()?, line.get(end + 1..).unwrap_or_default()))
}

/// Whether a word looks like a time as RFC 3339 has it: `2026-11-22T18:00:01.104414813Z`.
fn is_time(word: &[u8]) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    word.len() > shape.len()
        && word.iter().zip(shape).all(fits)
        && word.iter().skip(shape.len()).all(|byte| byte.is_ascii_digit() || b".Z+-:".contains(byte))
}

/// A line of the application as containerd writes it to stdout.
fn pieces(time: &str, line: &[u8]) -> Vec<Vec<u8>> {
    if line.is_empty() {
        return vec![format!("{time} stdout F ").into_bytes()];
    }
    let last = line.len().div_ceil(PIECE) - 1;
    let piece = |(number, text): (usize, &[u8])| {
        let flag = if number == last { 'F' } else { 'P' };
        [format!("{time} stdout {flag} ").as_bytes(), text].concat()
    };
    line.chunks(PIECE).enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<String>, LineForm) {
        let (lines, form) = container_lines(text.as_bytes(), "2026-01-01T00:00:00Z");
        (lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect(), form)
    }

    #[test]
    fn lines_are_told_apart_by_their_heads() {
        let cri = "2026-11-22T18:00:01.1Z stdout F a\n2026-11-22T18:00:01Z stderr P b\nbroken\n";
        assert_eq!(lines(cri).1, LineForm::Cri);
        assert_eq!(lines(cri).0.len(), 3);
        assert_eq!(
            lines("2026-11-22T18:00:01.1Z a b\n2026-11-22T18:00:02+01:00 \n"),
            (
                vec![
                    "2026-11-22T18:00:01.1Z stdout F a b".to_owned(),
                    "2026-11-22T18:00:02+01:00 stdout F ".to_owned()
                ],
                LineForm::Timestamped
            )
        );
        assert_eq!(
            lines("a\n\n2026-11-22 b"),
            (
                vec![
                    "2026-01-01T00:00:00Z stdout F a".to_owned(),
                    "2026-01-01T00:00:00Z stdout F ".to_owned(),
                    "2026-01-01T00:00:00Z stdout F 2026-11-22 b".to_owned()
                ],
                LineForm::Bare
            )
        );
        assert!(lines("").0.is_empty());
    }

    #[test]
    fn a_line_is_cut_at_16_kib() {
        for (length, flags) in
            [(PIECE - 1, "F"), (PIECE, "F"), (PIECE + 1, "PF"), (2 * PIECE, "PF"), (2 * PIECE + 1, "PPF")]
        {
            let (lines, _) = lines(&"x".repeat(length));
            let found: String = lines.iter().map(|line| &line[28..29]).collect();
            assert_eq!(found, flags, "{length}");
        }
    }
}
