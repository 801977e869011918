//! Where names live: the directory of a namespace, and the file name that belongs to a name.

use std::path::{Path, PathBuf};

use super::directory::{Directory, Upkeep};
use super::error::Error;
use super::header::LONGEST_NAME;
use crate::fnv::fnv1a_128;

/// The set of names that a map's name is unique in.
///
/// A name is any non-empty UTF-8 string without NUL, up to 1 MiB. In the namespace's directory a name of
/// at most 100 characters from `A-Z a-z 0-9 . _ -` that does not begin with a dot is its own file name;
/// any other name has a file name of `%` and 32 hexadecimal digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Namespace {
    /// `/dev/shm/ringway-<uid>`: for the processes of this user. The default. The directory (mode 0700) is
    /// made when it is needed and removed when it is empty.
    #[default]
    User,
    /// `/dev/shm/ringway`: for all users of the machine. The directory (mode 1777) is made when it is needed
    /// and stays. Its owner could remove other users' maps: let root make it at boot where that matters.
    System,
    /// An existing directory of the caller's, which is never made, checked or removed. It must be on a file
    /// system with unnamed files and allocation, such as a tmpfs.
    Dir(PathBuf),
}

/// The file system that named maps live on.
fn shared_memory() -> PathBuf {
    #[cfg(test)]
    if let Some(base) = std::env::var_os(crate::testing::SHARED_MEMORY) {
        return PathBuf::from(base);
    }
    PathBuf::from("/dev/shm")
}

impl Namespace {
    /// The directory of the namespace.
    pub fn path(&self) -> PathBuf {
        self.place().0
    }

    fn place(&self) -> (PathBuf, Upkeep) {
        match self {
            Namespace::User => {
                let uid = rustix::process::geteuid().as_raw();
                (shared_memory().join(format!("ringway-{uid}")), Upkeep::Own)
            }
            Namespace::System => (shared_memory().join("ringway"), Upkeep::Shared),
            Namespace::Dir(path) => (path.clone(), Upkeep::Given),
        }
    }

    pub(super) fn find(&self) -> Result<Option<Directory>, Error> {
        let (path, upkeep) = self.place();
        Directory::find(&path, upkeep)
    }

    pub(super) fn find_or_make(&self) -> Result<Directory, Error> {
        let (path, upkeep) = self.place();
        Directory::find_or_make(&path, upkeep)
    }
}

/// Refuses what is not a name.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let expected = "1 to 1048576 bytes of UTF-8 without NUL";
    let refuse = |found: String| Err(Error::argument("name", found, expected).for_map(name));
    match name {
        "" => refuse("empty".to_owned()),
        _ if name.len() > LONGEST_NAME => refuse(format!("{} bytes long", name.len())),
        _ if name.contains('\0') => refuse("a string with a NUL character".to_owned()),
        _ => Ok(()),
    }
}

/// The file name that belongs to a name. No name that reads well begins with `%`, as every hashed one does.
pub(super) fn file_name(name: &str) -> String {
    const LONGEST: usize = 100;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.len() <= LONGEST && !name.starts_with('.') && name.bytes().all(plain) {
        name.to_owned()
    } else {
        format!("%{:032x}", fnv1a_128(name.as_bytes()))
    }
}

/// The full path, for messages.
pub(super) fn file_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(file_name(name))
}
