//! Who else may have a file that is mapped by its path, or by the name that it has.
//!
//! Four bytes far behind any file's end, each with a shared open-file-description lock of those for whom it
//! stands; whoever comes takes its own first and then asks for those that exclude it. Shared locks are all that a
//! description takes that can only read. The kernel drops them with the description, so also with the process.
//!
//! The bytes are asked for by this library alone. flock is left to others: .NET takes it on files that it maps.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::io::Errno;

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::settings::Share;
use super::sys;

/// Has the file.
pub(super) const USER: u64 = (1 << 62) + 0x5249_4e47;
/// May write to it.
const WRITER: u64 = USER + 1;
/// Wants nobody to write.
const READERS_ONLY: u64 = USER + 2;
/// Wants nobody to have it.
const ALONE: u64 = USER + 3;

/// Why a file cannot be shared so.
enum Refusal {
    Kind(ErrorKind),
    Os(Errno),
}

/// As [`enter`], of the file at that path.
pub(super) fn enter_at(file: &File, access: Access, share: Share, path: &Path) -> Result<(), Error> {
    enter(file, access, share).map_err(|refusal| match refusal {
        Refusal::Kind(kind) => Error::new(kind, path),
        Refusal::Os(errno) => Error::os("sharing the file", path, 0, errno),
    })
}

/// Enters the file's users for as long as its description lives; a refusal leaves them.
fn enter(file: &File, access: Access, share: Share) -> Result<(), Refusal> {
    try_enter(file, access, share).inspect_err(|_| leave(file))
}

fn try_enter(file: &File, access: Access, share: Share) -> Result<(), Refusal> {
    let writes = access.changes_the_map();
    let own = [
        (USER, true),
        (WRITER, writes),
        (READERS_ONLY, share == Share::Readers),
        (ALONE, share == Share::Exclusive),
    ];
    for (byte, _) in own.iter().filter(|(_, taken)| *taken) {
        match sys::lock_shared(file.as_fd(), *byte) {
            Ok(()) => {}
            // A file system without such locks: nobody asked to be protected.
            Err(_) if share == Share::Any => return Ok(()),
            Err(errno) => return Err(Refusal::Os(errno)),
        }
    }
    let excluded = [
        (ALONE, true, "has it for itself"),
        (READERS_ONLY, writes, "shares it with readers only"),
        (WRITER, share == Share::Readers, "may write to it"),
        (USER, share == Share::Exclusive, "has it"),
    ];
    let expected = match share {
        Share::Any => "nobody to whom this is too much",
        Share::Readers => "only readers besides",
        Share::Exclusive => "nobody besides",
    };
    for (byte, _, found) in excluded.iter().filter(|(_, matters, _)| *matters) {
        match sys::is_locked(file.as_fd(), *byte) {
            Ok(false) => {}
            Ok(true) => return Err(Refusal::Kind(ErrorKind::Busy { found, expected })),
            Err(errno) => return Err(Refusal::Os(errno)),
        }
    }
    Ok(())
}

/// Whether nobody else has the file, as far as they use this library; on an error somebody has.
pub(super) fn is_alone(file: &File) -> bool {
    sys::is_locked(file.as_fd(), USER) == Ok(false)
}

/// Leaves the file's users, so that nobody is kept out while the description is being closed.
fn leave(file: &File) {
    for byte in [USER, WRITER, READERS_ONLY, ALONE] {
        let _ = sys::unlock(file.as_fd(), byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::length::GROWING;

    #[test]
    fn the_bytes_are_those_that_processes_of_other_versions_lock() {
        let bytes = [USER, WRITER, READERS_ONLY, ALONE, GROWING];
        assert_eq!(bytes, [0, 1, 2, 3, 4].map(|at| 0x4000_0000_5249_4e47 + at));
    }
}
