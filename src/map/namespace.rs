//! Where names live: the directory of a namespace, and the file name that belongs to a name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directory::{Directory, Upkeep};
use super::error::Error;
use super::header::LONGEST_NAME;
use crate::fnv::fnv1a_128;

/// The set of names that a map's name is unique in.
///
/// A name is any non-empty UTF-8 string without NUL, up to 1 MiB. In the namespace's directory a name of
/// at most 100 characters from `A-Z a-z 0-9 . _ -` that does not begin with a dot is its own file name;
/// any other name has a file name of `%` and 32 hexadecimal digits.
///
/// ```
/// use ringway::map::{MapOptions, Namespace};
/// # let name = &format!("doc-namespace-{}", std::process::id());
/// let map = MapOptions::new().namespace(Namespace::User).capacity(100).create_new(name)?;
/// assert_eq!(map.namespace(), Some(&Namespace::User));
/// assert_eq!(map.path(), Some(&*Namespace::User.path().join(name)));
/// assert!(MapOptions::new().namespace(Namespace::System).open(name).is_err(), "it is not there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Namespace {
    /// `/dev/shm/ringway-<uid>`: for the processes of this user. The default. The directory (mode 0700) is
    /// made when it is needed and removed when it is empty.
    ///
    /// While it is not there any user of the machine can make something of that name, and keep this user out
    /// (never in: what belongs to another is refused). Then use another namespace, or let root remove it.
    ///
    /// Where systemd-logind has `RemoveIPC=yes`, as it has by default, all that an ordinary user owns in
    /// `/dev/shm`, in [`System`](Self::System) too, is removed when their last session ends. Processes that go
    /// on keep their maps, but nobody finds these by name any more. A daemon should run as a system user, have
    /// a [`Dir`](Self::Dir) outside `/dev/shm`, or let its user linger (`loginctl enable-linger`).
    #[default]
    User,
    /// `/dev/shm/ringway`: for all users of the machine. The directory (mode 1777) is made when it is needed
    /// and stays. Its owner could remove other users' maps: let root make it at boot where that matters.
    System,
    /// An existing directory of the caller's, which is never made, checked or removed. It must be on a file
    /// system with unnamed files and allocation, such as a tmpfs.
    ///
    /// It must be ringway's alone. Any copy of a map's file is a leftover, which a sweep deletes. And files that
    /// might be maps are opened to see, by a sweep, by [`list`](Self::list), by a creation or an opening under
    /// their very name, and by a creation for which the file system is full: closing them again drops the
    /// classic fcntl locks that this process has on them. A creation does not look at other files otherwise.
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

    pub(super) fn find_or_make(&self, patience: Duration) -> Result<Directory, Error> {
        let (path, upkeep) = self.place();
        Directory::find_or_make(&path, upkeep, patience)
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
    if is_plain(name) { name.to_owned() } else { format!("%{:032x}", fnv1a_128(name.as_bytes())) }
}

/// Whether a file of this name can be a map's: [`file_name`] gives no others.
pub(super) fn is_file_name(file: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match file.strip_prefix('%') {
        Some(hash) => hash.len() == 32 && hash.bytes().all(digit),
        None => is_plain(file),
    }
}

fn is_plain(name: &str) -> bool {
    const LONGEST: usize = 100;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

/// The full path, for messages.
pub(super) fn file_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(file_name(name))
}
