//! Which files `podferry lint` reads, and why it cannot read one. A file that cannot be read keeps none of the others from being checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::input;
use super::named::is_standard_input;
use manifests::lint::report::UnreadFile;
use manifests::lint::source::SourceFile;

/// Ends of names of files that are read in folders.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Folders that hold what others wrote.
const OTHERS: [&str; 3] = ["node_modules", "target", "vendor"];

/// How many bytes of a file are read at most. A cluster takes 1.5 MB for an object (etcd's limit of a request); this is a rendered chart of
/// hundreds of them, and a device that never ends is not waited for.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A file to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LintedFile {
    pub(super) path: PathBuf,
    /// It was named itself, not found in a folder.
    pub(super) is_named: bool,
}

/// What there is to check.
#[derive(Debug, Default)]
pub(super) struct LintedFiles {
    /// Those that were read, each once, those of a folder in the order of their names.
    pub(super) files: Vec<LintedFile>,
    /// What is in them.
    pub(super) sources: Vec<SourceFile>,
    pub(super) unread: Vec<UnreadFile>,
}

impl LintedFile {
    pub(super) fn is_standard_input(&self) -> bool {
        is_standard_input(&self.path)
    }

    pub(super) fn name(&self) -> String {
        if self.is_standard_input() { "<stdin>".to_owned() } else { shown(&self.path) }
    }

    fn read(&self) -> Result<SourceFile, String> {
        let bytes = if self.is_standard_input() {
            input::standard_input().map_err(|error| error.to_string())?
        } else {
            bounded(&self.path)?
        };
        Ok(SourceFile { name: self.name(), text: text(bytes)? })
    }
}

impl LintedFiles {
    /// Reads files, and those of folders.
    pub(super) fn read(paths: &[PathBuf]) -> LintedFiles {
        let (mut all, mut found) = (LintedFiles::default(), Vec::new());
        for path in paths {
            if path.is_dir() {
                all.walk(path, &mut found);
            } else {
                found.push(LintedFile { path: path.clone(), is_named: true });
            }
        }
        let mut seen = BTreeSet::new();
        for file in found {
            if !seen.insert(file.name()) {
                continue;
            }
            match file.read() {
                Ok(source) => {
                    all.files.push(file);
                    all.sources.push(source);
                }
                Err(problem) => all.unread.push(UnreadFile { name: file.name(), problem }),
            }
        }
        all.unread.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// The files of a folder and of those in it; hidden ones, those that others wrote, and links to folders are left out.
    fn walk(&mut self, folder: &Path, found: &mut Vec<LintedFile>) {
        let entries =
            std::fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()).map_err(|error| {
                self.unread.push(UnreadFile { name: shown(folder), problem: error.to_string() });
            });
        let mut entries = entries.unwrap_or_default();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !OTHERS.contains(&name.as_ref()) {
                    self.walk(&path, found);
                }
                continue;
            }
            let is_read =
                path.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end.eq_ignore_ascii_case(known)));
            if !is_read {
                continue;
            }
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => found.push(LintedFile { path, is_named: false }),
                Ok(metadata) if metadata.is_dir() => {}
                // Reading a pipe would wait for somebody to write.
                Ok(_) => self.unread.push(UnreadFile { name: shown(&path), problem: "not a regular file".to_owned() }),
                Err(error) => self.unread.push(UnreadFile { name: shown(&path), problem: error.to_string() }),
            }
        }
    }
}

/// A path as it is named in findings: `./` says nothing.
fn shown(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).display().to_string()
}

fn bounded(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("larger than {} MiB", MAX_FILE / 1024 / 1024));
    }
    Ok(bytes)
}

/// The text that bytes are.
fn text(bytes: Vec<u8>) -> Result<String, String> {
    // A byte order mark, or what every manifest begins with: a letter of ASCII, and its other half.
    let is_half = |first: u8, second: u8| (first == 0) != (second == 0);
    let is_utf16 = match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => is_half(*first, *second),
        _ => false,
    };
    if is_utf16 {
        return Err("UTF-16 text: save it as UTF-8".to_owned());
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("not text: byte {at} is zero"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("not UTF-8 text: byte {at} is invalid")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_text() {
        let utf16 = |mark: &[u8]| {
            let letters = "a: é\n".encode_utf16().flat_map(u16::to_le_bytes);
            text(mark.iter().copied().chain(letters).collect())
        };
        assert!(utf16(&[0xff, 0xfe]).is_err_and(|problem| problem.contains("UTF-16")));
        assert!(utf16(&[]).is_err_and(|problem| problem.contains("UTF-16")));
        assert_eq!(text(b"a: \xe9".to_vec()), Err("not UTF-8 text: byte 3 is invalid".to_owned()));
        assert_eq!(text(b"PK\x03\x04\0".to_vec()), Err("not text: byte 4 is zero".to_owned()));
        assert_eq!(text("\u{feff}a: é".into()), Ok("\u{feff}a: é".to_owned()));
        assert_eq!(text(Vec::new()), Ok(String::new()));
        assert_eq!(text(vec![b'a']), Ok("a".to_owned()));
    }
}
