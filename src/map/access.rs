//! What a map, a view and a handle may do.

use std::fmt;
use std::ops::BitOr;

use super::error::Error;

/// What a map or a view lets its holder do.
///
/// A view never has more than its map: see [`ViewOptions::access`](super::ViewOptions::access).
///
/// ```
/// use ringway::map::{Access, MapOptions};
///
/// let map = MapOptions::new().capacity(100).access(Access::Read).anonymous()?;
/// assert!(map.view(..).access(Access::CopyOnWrite).accessor().is_ok());
/// let error = map.view(..).access(Access::ReadWrite).accessor().unwrap_err();
/// assert!(error.to_string().contains("read-write"), "{error}");
///
/// let executable: Vec<_> = Access::ALL.into_iter().filter(|access| access.can_execute()).collect();
/// assert_eq!(executable, [Access::ReadExecute, Access::ReadWriteExecute]);
/// assert!(Access::CopyOnWrite.can_read() && !Access::Write.can_read());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Access {
    /// Reading.
    Read,
    /// Writing alone. For views, and for [`create_or_open`](super::MapOptions::create_or_open) of a map that
    /// exists.
    Write,
    /// Reading and writing. The default everywhere.
    #[default]
    ReadWrite,
    /// Reading, and writing to private copies of the pages, which nobody else sees and which are lost with
    /// the view. What was not yet written to still shows the changes that others make.
    CopyOnWrite,
    /// Reading and executing.
    ReadExecute,
    /// Reading, writing and executing.
    ReadWriteExecute,
}

impl Access {
    /// All of them.
    pub const ALL: [Access; 6] = [
        Access::Read,
        Access::Write,
        Access::ReadWrite,
        Access::CopyOnWrite,
        Access::ReadExecute,
        Access::ReadWriteExecute,
    ];

    /// Whether the bytes can be read.
    pub const fn can_read(self) -> bool {
        !matches!(self, Access::Write)
    }

    /// Whether bytes can be written, be it to private copies.
    pub const fn can_write(self) -> bool {
        !matches!(self, Access::Read | Access::ReadExecute)
    }

    /// Whether the bytes can be run.
    pub const fn can_execute(self) -> bool {
        matches!(self, Access::ReadExecute | Access::ReadWriteExecute)
    }

    /// Whether others see what is written.
    pub(crate) const fn changes_the_map(self) -> bool {
        self.can_write() && !matches!(self, Access::CopyOnWrite)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::ReadWrite => "read-write",
            Access::CopyOnWrite => "copy-on-write",
            Access::ReadExecute => "read-execute",
            Access::ReadWriteExecute => "read-write-execute",
        })
    }
}

/// What a handle asks for when it opens a map by name: `Rights::READ | Rights::READ_PERMISSIONS`.
///
/// The bits are those of the Windows access masks that .NET uses.
///
/// ```
/// use ringway::map::{MapOptions, Rights};
/// # let name = &format!("doc-rights-{}", std::process::id());
/// let ours = MapOptions::new().capacity(100).create_new(name)?;
/// assert!(ours.rights().contains(Rights::READ_WRITE | Rights::DELETE));
///
/// let theirs = MapOptions::new().rights(Rights::READ | Rights::READ_PERMISSIONS).open(name)?;
/// assert_eq!(theirs.access_control()?.mode, 0o600);
/// assert!(theirs.unlink().is_err(), "it did not ask for that");
/// assert_eq!(Rights::from_bits(0x2_0004)?.to_string(), "read, read permissions");
/// assert_eq!((Rights::READ | Rights::READ_PERMISSIONS).bits(), 0x2_0004);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights(u32);

impl Rights {
    /// Copy-on-write views.
    pub const COPY_ON_WRITE: Rights = Rights(0x1);
    /// Views that write.
    pub const WRITE: Rights = Rights(0x2);
    /// Views that read.
    pub const READ: Rights = Rights(0x4);
    /// Views that read and write.
    pub const READ_WRITE: Rights = Rights(0x6);
    /// Together with others: views that execute.
    pub const EXECUTE: Rights = Rights(0x8);
    /// Views that read and execute.
    pub const READ_EXECUTE: Rights = Rights(0xc);
    /// Views that read, write and execute.
    pub const READ_WRITE_EXECUTE: Rights = Rights(0xe);
    /// [`SharedMap::unlink`](super::SharedMap::unlink).
    pub const DELETE: Rights = Rights(0x1_0000);
    /// [`SharedMap::access_control`](super::SharedMap::access_control).
    pub const READ_PERMISSIONS: Rights = Rights(0x2_0000);
    /// [`SharedMap::set_access_control`](super::SharedMap::set_access_control).
    pub const CHANGE_PERMISSIONS: Rights = Rights(0x4_0000);
    /// The same, with another owner or group.
    pub const TAKE_OWNERSHIP: Rights = Rights(0x8_0000);
    /// All of the above: what a creator has, as far as the map's [access](super::MapOptions::access) goes.
    pub const FULL_CONTROL: Rights = Rights(0xf_000f);
    /// For the superuser; there is nothing on Linux that it opens.
    pub const ACCESS_SYSTEM_SECURITY: Rights = Rights(0x100_0000);

    /// The rights with these bits.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](super::ErrorKind::InvalidArgument) for `rights`, where a bit has no meaning.
    pub fn from_bits(bits: u32) -> Result<Rights, Error> {
        let known = Rights::FULL_CONTROL.0 | Rights::ACCESS_SYSTEM_SECURITY.0;
        if bits & !known == 0 {
            return Ok(Rights(bits));
        }
        let expected = "bits of 0x10f000f, as the constants of `Rights` have them";
        Err(Error::argument("rights", format!("{bits:#x}"), expected))
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of the others are among these.
    pub const fn contains(self, others: Rights) -> bool {
        self.0 & others.0 == others.0
    }

    /// What both have.
    pub(super) const fn and(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    /// These and not the others.
    pub(super) const fn without(self, others: Rights) -> Rights {
        Rights(self.0 & !others.0)
    }

    /// What a view of this access needs.
    pub(super) const fn of(access: Access) -> Rights {
        match access {
            Access::Read => Rights::READ,
            Access::Write => Rights::WRITE,
            Access::ReadWrite => Rights::READ_WRITE,
            Access::CopyOnWrite => Rights::COPY_ON_WRITE,
            Access::ReadExecute => Rights::READ_EXECUTE,
            Access::ReadWriteExecute => Rights::READ_WRITE_EXECUTE,
        }
    }

    /// What a map allows that was made with this access. Whoever may read may also have private copies.
    pub(super) const fn granted_by(access: Access) -> Rights {
        match access {
            Access::Write => Rights::WRITE,
            Access::CopyOnWrite => Rights(Rights::READ.0 | Rights::COPY_ON_WRITE.0),
            _ => Rights(Rights::of(access).0 | Rights::COPY_ON_WRITE.0),
        }
    }

    /// The smaller of what the creator allows and what this handle asks for.
    pub(super) const fn within(self, creator: Access) -> Rights {
        let asked = if self.contains(Rights::READ) { self.0 | Rights::COPY_ON_WRITE.0 } else { self.0 };
        let views = asked & Rights::granted_by(creator).0;
        Rights(views | (self.0 & !Rights::READ_WRITE_EXECUTE.0 & !Rights::COPY_ON_WRITE.0))
    }
}

impl BitOr for Rights {
    type Output = Rights;

    fn bitor(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Rights, &str); 9] = [
            (Rights::READ, "read"),
            (Rights::WRITE, "write"),
            (Rights::COPY_ON_WRITE, "copy-on-write"),
            (Rights::EXECUTE, "execute"),
            (Rights::DELETE, "delete"),
            (Rights::READ_PERMISSIONS, "read permissions"),
            (Rights::CHANGE_PERMISSIONS, "change permissions"),
            (Rights::TAKE_OWNERSHIP, "take ownership"),
            (Rights::ACCESS_SYSTEM_SECURITY, "access system security"),
        ];
        let mut names = NAMES.iter().filter(|(right, _)| self.contains(*right)).map(|(_, name)| *name);
        f.write_str(names.next().unwrap_or("nothing"))?;
        names.try_for_each(|name| write!(f, ", {name}"))
    }
}
