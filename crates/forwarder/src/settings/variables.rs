//! Where variables, and the files that they name, come from: the process, or what a test or a command hands in.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};

/// Where variables come from.
pub trait VariableSource {
    /// The variable's value; `None` if it is not set. An empty or blank one counts as not set.
    fn get(&self, name: &str) -> Option<String>;

    /// A file that a variable names, of `most` bytes at most. By default one of this machine.
    ///
    /// # Errors
    /// [`FileProblem`]
    fn file(&self, path: &str, most: usize) -> Result<Vec<u8>, FileProblem> {
        read_file(path, most)
    }
}

/// Why a file that a variable names cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileProblem {
    Missing,
    Denied,
    /// A directory, a device, a pipe: reading it might never end.
    NoFile,
    TooLarge,
    Unreadable,
    /// It is on another machine than this: the variables are a deployed function's.
    Elsewhere,
}

/// Reads a regular file, or one that a link leads to.
fn read_file(path: &str, most: usize) -> Result<Vec<u8>, FileProblem> {
    let problem = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileProblem::Missing,
        ErrorKind::PermissionDenied => FileProblem::Denied,
        _ => FileProblem::Unreadable,
    };
    // Before it is opened: opening a pipe waits for who writes into it.
    if !std::fs::metadata(path).map_err(problem)?.is_file() {
        return Err(FileProblem::NoFile);
    }
    let mut bytes = Vec::new();
    // Not by the length that the file system tells: it may grow, and files of /proc have none.
    let one_more = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(problem)?.take(one_more).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() > most { Err(FileProblem::TooLarge) } else { Ok(bytes) }
}

/// The variables of the process.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl VariableSource for Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl VariableSource for HashMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        HashMap::get(self, name).cloned()
    }
}

impl<const N: usize> VariableSource for [(&str, &str); N] {
    fn get(&self, name: &str) -> Option<String> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        let path = std::env::temp_dir().join(format!("podferry-file-{}", std::process::id()));
        std::fs::write(&path, "1234").unwrap();
        let path = path.to_str().unwrap();
        let read = |most| read_file(path, most);
        assert_eq!((read(3), read(4), read(5)), (Err(FileProblem::TooLarge), Ok(b"1234".into()), Ok(b"1234".into())));
        std::fs::remove_file(path).unwrap();
        assert_eq!(
            (read(4), read_file(&format!("{path}/x"), 4)),
            (Err(FileProblem::Missing), Err(FileProblem::Missing))
        );
        assert_eq!(
            (read_file("/", 4), read_file("/dev/zero", 4)),
            (Err(FileProblem::NoFile), Err(FileProblem::NoFile))
        );
    }
}
