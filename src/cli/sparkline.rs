//! A row of numbers as a row of bars, one character each.

/// From the least to the most. Zero has the first, and nothing else has.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// For terminals that show no more than ASCII.
const ASCII_BARS: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// The bars, between two lines. Where there is no number there is a blank.
pub(super) fn sparkline(values: &[Option<f64>], is_utf8: bool) -> String {
    let (bars, line) = if is_utf8 { (BARS, '│') } else { (ASCII_BARS, '|') };
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| value.map_or(' ', |value| bars[height(value, most)]);
    std::iter::once(line).chain(values.iter().map(bar)).chain([line]).collect()
}

/// The height of a bar, from 0 to 7: in proportion to the largest, and at least 1 if it is not zero.
fn height(value: f64, most: f64) -> usize {
    let most_height = (BARS.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1 to 7")]
    let height = (value / most * most_height).round().clamp(1.0, most_height) as usize;
    if value > 0.0 { height } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: &[f64]) -> String {
        sparkline(&values.iter().map(|value| Some(*value)).collect::<Vec<_>>(), true)
    }

    #[test]
    fn bars_are_in_proportion_and_zero_is_told_from_little() {
        assert_eq!(shown(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), "│▁▂▃▄▅▆▇█│");
        assert_eq!(shown(&[0.0, 0.001, 1_000_000.0]), "│▁▂█│");
        assert_eq!(shown(&[0.0, 0.0]), "│▁▁│");
        assert_eq!(shown(&[5.0, 5.0]), "│██│");
        assert_eq!(shown(&[]), "││");
        assert_eq!(shown(&[f64::MAX, f64::MIN_POSITIVE]), "│█▂│");
    }

    #[test]
    fn gaps_are_blank_and_ascii_is_ascii() {
        assert_eq!(sparkline(&[Some(1.0), None, Some(0.0)], true), "│█ ▁│");
        let ascii = sparkline(&[Some(7.0), None, Some(0.0), Some(1.0)], false);
        assert_eq!(ascii, "|# _.|");
    }
}
