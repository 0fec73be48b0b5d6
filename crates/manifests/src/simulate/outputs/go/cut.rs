//! What is too long for AWS, cut as AWS's plugins in Go cut it.

/// What stands at the end of what was cut.
pub(super) const MARK: &[u8] = b"[Truncated...]";

/// Cuts data to so many bytes, with the mark.
pub(super) fn cut(data: &mut Vec<u8>, length: usize) {
    data.truncate(length.saturating_sub(MARK.len()));
    data.extend(MARK);
}
