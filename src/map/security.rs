//! Who may have a map: owner, group, permission bits, and entries for further users and groups.
//!
//! The entries are a POSIX access control list, which the kernel keeps in the extended attribute
//! `system.posix_acl_access`: a version, and for each entry a tag, permission bits and an id, little-endian. The
//! list's mask is always the union of what the group and the entries have, so that each has what it says.

use std::os::fd::BorrowedFd;

use rustix::fs::{Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;

use super::error::Error;
use super::settings::MapKind;

/// Who may open a map, and for what.
///
/// The kernel asks when somebody opens the map; who has it already keeps it.
///
/// ```
/// use ringway::map::{AccessControl, MapOptions};
/// # let name = &format!("doc-access-control-{}", std::process::id());
/// let control = AccessControl { mode: 0o640, ..AccessControl::default() };
/// let map = MapOptions::new().capacity(100).security(control).create_new(name)?;
/// let control = AccessControl { mode: 0o600, ..map.access_control()? };
/// map.set_access_control(&control)?;
/// assert_eq!(map.access_control()?, control);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessControl {
    /// The user that owns it; `None` to leave that as it is: whoever creates it. To give it to somebody else takes
    /// the superuser.
    pub owner: Option<u32>,
    /// Its group; `None` to leave that as it is.
    pub group: Option<u32>,
    /// The permission bits of owner, group and others, from 0 to 0o777. Of a map in memory with a name those of the
    /// owner let it read and write.
    pub mode: u32,
    /// What further users and groups may do.
    pub acl: Vec<AclEntry>,
}

/// What a user or group may do.
///
/// ```
/// use ringway::map::{AccessControl, AclEntry, Grantee, MapOptions};
/// # let name = &format!("doc-acl-entry-{}", std::process::id());
/// let reader = AclEntry { who: Grantee::User(1000), permissions: 0o4 };
/// let control = AccessControl { acl: vec![reader], ..AccessControl::default() };
/// let map = MapOptions::new().capacity(100).security(control).create_new(name)?;
/// assert_eq!(map.access_control()?.acl, [reader]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AclEntry {
    /// The user or group.
    pub who: Grantee,
    /// Permission bits: 4 to read, 2 to write, 1 to execute.
    pub permissions: u32,
}

/// Whom an [`AclEntry`] is about.
///
/// ```
/// use ringway::map::{AclEntry, Grantee};
///
/// let user = AclEntry { who: Grantee::User(1000), permissions: 0o6 }; // reads and writes
/// let group = AclEntry { who: Grantee::Group(1000), permissions: 0o4 }; // reads
/// assert_ne!(user.who, group.who);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// The user of that id.
    User(u32),
    /// The group of that id.
    Group(u32),
}

impl Default for AccessControl {
    /// The creator alone: 0600.
    fn default() -> AccessControl {
        AccessControl { owner: None, group: None, mode: 0o600, acl: Vec::new() }
    }
}

/// What failed, and why.
pub(super) type Failure = (&'static str, Errno);

/// Without these its own user could not open a map, and could not remove it when it is a leftover.
const OWNER: u32 = 0o600;
const ATTRIBUTE: &str = "system.posix_acl_access";
const VERSION: u32 = 2;
/// The tags, in the order that the kernel demands.
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
/// The id of entries that need none.
const NOBODY: u32 = u32::MAX;
const ENTRY: usize = 8;
/// The bits of a mode that are no permissions, and not ours to change.
const SPECIAL: u32 = 0o7000;

impl AccessControl {
    /// Refuses what no map can have.
    pub(super) fn check(&self, kind: MapKind) -> Result<(), Error> {
        let (least, expected) = match kind {
            MapKind::Named => {
                (OWNER, "permission bits from 0o600 to 0o777 that let the owner read and write")
            }
            _ => (0, "permission bits from 0 to 0o777"),
        };
        if self.mode & !0o777 != 0 || self.mode & least != least {
            return Err(Error::argument("mode", format!("{:#o}", self.mode), expected));
        }
        let mut known = Vec::new();
        for entry in &self.acl {
            let twice = known.contains(&entry.who);
            let id = match entry.who {
                Grantee::User(id) | Grantee::Group(id) => id,
            };
            if entry.permissions & !0o7 != 0 || twice || id == NOBODY {
                let found = format!(
                    "{:?} with {:#o}{}",
                    entry.who,
                    entry.permissions,
                    if twice { ", twice" } else { "" }
                );
                let expected = "entries with permission bits from 0 to 7, one for each user or group";
                return Err(Error::argument("security", found, expected));
            }
            known.push(entry.who);
        }
        Ok(())
    }

    /// The attribute that says so.
    fn encode(&self) -> Vec<u8> {
        let bits = |shift: u32| (self.mode >> shift & 0o7) as u16;
        let mut entries = vec![(USER_OBJ, bits(6), NOBODY)];
        let mut named: Vec<_> = self.acl.iter().map(|entry| (entry.who, entry.permissions as u16)).collect();
        named.sort_unstable();
        let users = named.iter().filter_map(|&(who, bits)| match who {
            Grantee::User(id) => Some((USER, bits, id)),
            Grantee::Group(_) => None,
        });
        entries.extend(users);
        entries.push((GROUP_OBJ, bits(3), NOBODY));
        let groups = named.iter().filter_map(|&(who, bits)| match who {
            Grantee::Group(id) => Some((GROUP, bits, id)),
            Grantee::User(_) => None,
        });
        entries.extend(groups);
        // Without further entries the list says no more than the mode, and the kernel keeps it as that.
        if !named.is_empty() {
            let mask = named.iter().fold(bits(3), |mask, (_, bits)| mask | bits);
            entries.push((MASK, mask, NOBODY));
        }
        entries.push((OTHER, bits(0), NOBODY));
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, bits, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(bits.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    /// Takes the entries, each with what the mask leaves of it, and the group's bits from the attribute.
    fn decode(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let entry = |bytes: &[u8]| {
            let (tag, rest) = bytes.split_first_chunk::<2>()?;
            let (bits, rest) = rest.split_first_chunk::<2>()?;
            let id = rest.first_chunk::<4>()?;
            let bits = u32::from(u16::from_le_bytes(*bits)) & 0o7;
            Some((u16::from_le_bytes(*tag), bits, u32::from_le_bytes(*id)))
        };
        let bytes = bytes.strip_prefix(&VERSION.to_le_bytes()).ok_or(Errno::OPNOTSUPP)?;
        let entries: Vec<_> = bytes.chunks(ENTRY).filter_map(entry).collect();
        let mask = entries.iter().find(|(tag, ..)| *tag == MASK).map_or(0o7, |(_, bits, _)| *bits);
        for (tag, bits, id) in entries {
            let permissions = bits & mask;
            match tag {
                USER => self.acl.push(AclEntry { who: Grantee::User(id), permissions }),
                GROUP => self.acl.push(AclEntry { who: Grantee::Group(id), permissions }),
                GROUP_OBJ => self.mode = self.mode & !0o070 | permissions << 3,
                _ => {}
            }
        }
        Ok(())
    }

    /// What the page of a name has whose file has this. Nobody but its owner can write to it: it says where the file is.
    pub(super) fn for_page(&self) -> AccessControl {
        let acl = self.acl.iter().map(|entry| AclEntry { permissions: entry.permissions & !0o2, ..*entry });
        AccessControl { mode: self.mode & !0o022 | OWNER, acl: acl.collect(), ..self.clone() }
    }

    /// Makes it so for a file, or leaves that as it was.
    pub(super) fn apply(&self, fd: BorrowedFd<'_>) -> Result<(), Failure> {
        self.replace(fd, &Before::read(fd)?)
    }

    /// Makes it so for a map, and for the page of its name, or leaves both as they were.
    pub(super) fn apply_to_both(
        &self,
        file: BorrowedFd<'_>,
        before: &Before,
        page: Option<BorrowedFd<'_>>,
    ) -> Result<(), Failure> {
        let Some(page) = page else { return self.replace(file, before) };
        let page_before = Before::read(page)?;
        self.for_page().replace(page, &page_before)?;
        self.replace(file, before).inspect_err(|_| page_before.restore(page))
    }

    /// Makes it so for a file that has what it had `before`, or leaves it so. An owner that it has already is not set
    /// again: that alone would take the bits away that are no permissions.
    fn replace(&self, fd: BorrowedFd<'_>, before: &Before) -> Result<(), Failure> {
        let other = |wanted: Option<u32>, has| wanted.filter(|_| wanted != has);
        let owners = (other(self.owner, before.control.owner), other(self.group, before.control.group));
        let done = match owners {
            (None, None) => self.grant(fd),
            owners => self.hand_over(fd, owners),
        };
        done.inspect_err(|_| before.restore(fd))
    }

    /// Gives it to others. In between nobody but its owner has it: neither the old ones with the new permissions nor
    /// the new ones with the old.
    fn hand_over(&self, fd: BorrowedFd<'_>, owners: (Option<u32>, Option<u32>)) -> Result<(), Failure> {
        AccessControl { mode: self.mode & 0o700, ..AccessControl::default() }.grant(fd)?;
        change_owners(fd, owners).map_err(|errno| ("changing its owner", errno))?;
        self.grant(fd)
    }

    /// Sets mode and entries, in one step: in two, the group would have what the mask allows for a moment. Not by the
    /// mode at its making, which the umask narrows.
    fn grant(&self, fd: BorrowedFd<'_>) -> Result<(), Failure> {
        match rustix::fs::fsetxattr(fd, ATTRIBUTE, &self.encode(), XattrFlags::empty()) {
            Ok(()) => Ok(()),
            // A file system without lists has none in the way.
            Err(Errno::OPNOTSUPP) if self.acl.is_empty() => {
                let set = |status: rustix::fs::Stat| {
                    rustix::fs::fchmod(fd, Mode::from_raw_mode(status.st_mode & SPECIAL | self.mode))
                };
                rustix::fs::fstat(fd).and_then(set).map_err(|errno| ("setting its mode", errno))
            }
            Err(errno) => Err(("changing its access control list", errno)),
        }
    }

    /// What a file has.
    pub(super) fn read(fd: BorrowedFd<'_>) -> Result<AccessControl, Failure> {
        Before::read(fd).map(|before| before.control)
    }
}

/// What a file had before a change.
pub(super) struct Before {
    pub(super) control: AccessControl,
    /// All bits of its mode.
    mode: u32,
    /// Its list as the kernel has it: entries may say more than the mask leaves of them.
    list: Option<Vec<u8>>,
}

impl Before {
    pub(super) fn read(fd: BorrowedFd<'_>) -> Result<Before, Failure> {
        let fail = |errno| ("reading its access control list", errno);
        let status = rustix::fs::fstat(fd).map_err(|errno| ("inspecting the file", errno))?;
        let mut control = AccessControl {
            owner: Some(status.st_uid),
            group: Some(status.st_gid),
            mode: status.st_mode & 0o777,
            acl: Vec::new(),
        };
        let list = read_list(fd).map_err(fail)?;
        if let Some(list) = &list {
            control.decode(list).map_err(fail)?;
        }
        Ok(Before { control, mode: status.st_mode & (SPECIAL | 0o777), list })
    }

    /// Gives the file back what has changed of it, as far as it can be had again.
    fn restore(&self, fd: BorrowedFd<'_>) {
        let status = || rustix::fs::fstat(fd).ok();
        let AccessControl { owner, group, .. } = self.control;
        if status().is_some_and(|now| (Some(now.st_uid), Some(now.st_gid)) != (owner, group)) {
            let _ = change_owners(fd, (owner, group));
        }
        let changed = |now: rustix::fs::Stat| now.st_mode & (SPECIAL | 0o777) != self.mode;
        match &self.list {
            Some(list) if read_list(fd).as_ref() != Ok(&self.list) => {
                let _ = rustix::fs::fsetxattr(fd, ATTRIBUTE, list, XattrFlags::empty());
            }
            None if read_list(fd) != Ok(None) || status().is_some_and(changed) => {
                let _ = self.control.grant(fd);
            }
            _ => {}
        }
        // What a change of owner has taken.
        if status().is_some_and(changed) {
            let _ = rustix::fs::fchmod(fd, Mode::from_raw_mode(self.mode));
        }
    }
}

/// The list of a file; `None` where it has none.
fn read_list(fd: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Errno> {
    let mut bytes = vec![0; 1 << 16];
    match rustix::fs::fgetxattr(fd, ATTRIBUTE, &mut bytes) {
        Ok(len) => {
            bytes.truncate(len);
            Ok(Some(bytes))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn change_owners(fd: BorrowedFd<'_>, (owner, group): (Option<u32>, Option<u32>)) -> Result<(), Errno> {
    rustix::fs::fchown(fd, owner.map(Uid::from_raw), group.map(Gid::from_raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_the_mask_narrows_it() {
        let acl = vec![
            AclEntry { who: Grantee::User(7), permissions: 6 },
            AclEntry { who: Grantee::User(1000), permissions: 4 },
            AclEntry { who: Grantee::Group(50), permissions: 2 },
        ];
        let control = AccessControl { mode: 0o640, acl: acl.clone(), ..AccessControl::default() };
        let mut bytes = control.encode();
        // What the kernel's mode shows for the group is the mask.
        let mut decoded = AccessControl { mode: 0o660, ..AccessControl::default() };
        decoded.decode(&bytes).expect("a list");
        assert_eq!(decoded, control);

        let mask = bytes.len() - 2 * ENTRY;
        assert_eq!(bytes[mask..mask + 4], [MASK as u8, 0, 6, 0]);
        bytes[mask + 2] = 4;
        let mut narrowed = AccessControl { mode: 0o640, ..AccessControl::default() };
        narrowed.decode(&bytes).expect("a list");
        assert_eq!(narrowed.acl.iter().map(|entry| entry.permissions).collect::<Vec<_>>(), [4, 4, 0]);
    }

    #[test]
    fn a_list_without_entries_is_the_mode_and_what_is_no_list_of_ours_is_refused() {
        let bytes = AccessControl { mode: 0o640, ..AccessControl::default() }.encode();
        let tags: Vec<_> = bytes[4..].chunks(ENTRY).map(|entry| u16::from(entry[0])).collect();
        assert_eq!(tags, [USER_OBJ, GROUP_OBJ, OTHER], "no mask");
        let mut control = AccessControl::default();
        assert_eq!(control.decode(&[3, 0, 0, 0]), Err(Errno::OPNOTSUPP));
        assert_eq!(control.decode(&[2, 0]), Err(Errno::OPNOTSUPP));

        let wide = AccessControl {
            acl: vec![AclEntry { who: Grantee::User(7), permissions: 6 }],
            ..control.clone()
        };
        let mut bytes = wide.encode();
        // Bits that mean nothing, of the group and of the mask.
        for entry in [2, 3] {
            bytes[4 + entry * ENTRY + 2] |= 0xf0;
        }
        control.decode(&bytes).expect("a list");
        assert_eq!((control.mode, control.acl), (0o600, wide.acl));
    }

    #[test]
    fn what_no_map_can_have_is_refused() {
        let user = |id, permissions| AclEntry { who: Grantee::User(id), permissions };
        for acl in [vec![user(1, 8)], vec![user(1, 4), user(1, 2)], vec![user(u32::MAX, 4)]] {
            let control = AccessControl { acl, ..AccessControl::default() };
            let text = control.check(MapKind::Named).expect_err("impossible").to_string();
            assert!(text.contains("`security` is User("), "{text}");
        }
        let control = AccessControl { acl: vec![user(1, 4), user(2, 0)], ..AccessControl::default() };
        control.check(MapKind::Named).expect("it is possible");
        let unreadable = AccessControl { mode: 0o040, ..AccessControl::default() };
        unreadable.check(MapKind::File).expect("whoever made it has it open");
        unreadable.check(MapKind::Named).expect_err("its owner could not remove it");
    }
}
