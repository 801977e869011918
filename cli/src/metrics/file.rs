//! A file that others read at any time.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Puts a file with that text in the place of what is there: whoever reads it gets all of the one or of the other. It may be
/// read by those who may read any new file. Of a symbolic link that is what it leads to. What is no file, such as a FIFO or
/// `/dev/stdout`, stays what it is, and the text is written into it.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    // What a shell has led here, perhaps a file that has something in it already: written where that ends.
    if [Path::new("/dev/stdout"), Path::new("/dev/fd/1"), Path::new("/proc/self/fd/1")].contains(&path) {
        return io::stdout().lock().write_all(text.as_bytes());
    }
    let (found, about) = (path.canonicalize(), path.metadata());
    // What has no name of its own, as one that was removed has none behind `/dev/stdout`, cannot be replaced either.
    if about.is_ok_and(|about| found.is_err() || !about.is_file()) {
        // Of a directory that is an error.
        return File::options().write(true).open(path)?.write_all(text.as_bytes());
    }
    let path = match &found {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => path,
        Err(_) => return found.map(drop),
    };
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
