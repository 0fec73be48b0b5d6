//! Another content for a file that is there: all of it, or the file stays as it was.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

/// Writes a new file beside the old one, with its permissions, and puts it in its place. A symbolic link stays one.
pub(super) fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    // One that may not be written into is not to be replaced either, though the folder might allow it.
    let mut old = OpenOptions::new().write(true).open(&path)?;
    let metadata = old.metadata()?;
    if !metadata.is_file() {
        // A pipe or a device has nothing to be replaced.
        return old.write_all(content);
    }
    let name = path.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.podferry-{}", std::process::id()));
    let mut new = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let mut put = || {
        // Only root can give a file to its owner, and only root could take it away by this.
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let _ = std::os::unix::fs::fchown(&new, Some(metadata.uid()), Some(metadata.gid()));
        }
        new.set_permissions(metadata.permissions())?;
        new.write_all(content)?;
        // On the disk before it is in the old one's place: a crash leaves one of the two.
        new.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    put().inspect_err(|_| {
        // What it failed of is the error to tell.
        let _ = std::fs::remove_file(&beside);
    })
}
