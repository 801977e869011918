//! A file that others read at any time.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Puts a file with that text in the place of what is there: whoever reads it gets all of the one or of the other. It may be
/// read by those who may read any new file.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not the ending by which files are collected.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ringway-").suffix(".tmp").permissions(Permissions::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
