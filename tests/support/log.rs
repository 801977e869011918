//! What a process that is killed leaves behind of what it has done. The peer in C of the tests writes the same.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What one process has done, in a file that outlives it: where it took over, and where it had got to.
pub(crate) struct Log(File);

impl Log {
    pub(crate) fn path(dir: &Path, role: &str, number: usize) -> PathBuf {
        dir.join(format!("{role}-{number}"))
    }

    /// Written once the role is held, before any message is passed.
    pub(crate) fn start(path: &Path, position: u64) -> Log {
        let unnamed = path.with_extension("new");
        let log = Log(File::create(&unnamed).expect("the directory is there"));
        let both = [position.to_le_bytes(), position.to_le_bytes()].concat();
        log.0.write_all_at(&both, 0).expect("there is room");
        std::fs::rename(&unnamed, path).expect("the name is free");
        log
    }

    /// Eight bytes of one page: a process that is killed has written all of them or none.
    pub(crate) fn at(&self, position: u64) {
        self.0.write_all_at(&position.to_le_bytes(), 8).expect("there is room");
    }

    /// Start and end, if the process got as far as to have a log.
    pub(crate) fn read(path: &Path) -> Option<(u64, u64)> {
        let bytes = std::fs::read(path).ok()?;
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Some((word(0), word(8)))
    }
}
