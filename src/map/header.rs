//! The registry page: the header at the start of every map's file.
//!
//! All numbers are little-endian. The header is written before the file has a name and never changes.
//!
//! | byte | size | field | meaning |
//! |---:|---:|---|---|
//! | 0 | 8 | `magic` | `RINGWMAP`; a file without it, or shorter than 128 bytes, is foreign. It also vouches for the locks: byte 0 is presence, flock the lifecycle mutex |
//! | 8 | 8 | `checksum` | FNV-1a-64 of the bytes 0 to `data_offset`, with this field as zero |
//! | 16 | 4 | `version` | map format version, 1 |
//! | 20 | 4 | `header_len` | 128 + `name_len` + `path_len` |
//! | 24 | 4 | `kind` | 1: a non-persisted map, whose data follow in this file; 2: a persisted map, whose data are a file of their own |
//! | 28 | 4 | `flags` | 0 |
//! | 32 | 8 | `data_offset` | first byte of the data: `header_len` rounded up to 4096 |
//! | 40 | 8 | `capacity` | bytes of data, at least 1; the file ends where they end (kind 2: at `data_offset`) |
//! | 48 | 16 | `id` | random; tells two maps that had one name after each other apart |
//! | 64 | 8 | `created_ns` | when, in nanoseconds of the real-time clock since 1970 |
//! | 72 | 4 | `creator_pid` | by which process; for people, never for decisions |
//! | 76 | 4 | `creator_mode` | with which file mode |
//! | 80 | 4 | `name_len` | bytes of the name, 1 to 1048576 |
//! | 84 | 4 | `access` | what the creator allows: 0 read-write, 1 read, 3 copy-on-write, 4 read-execute, 5 read-write-execute |
//! | 88 | 8 | `device` | kind 2: the device of the file with the data; else 0 |
//! | 96 | 8 | `inode` | kind 2: its inode; else 0 |
//! | 104 | 4 | `path_len` | kind 2: bytes of its path, 1 to 4096; else 0 |
//! | 108 | 20 | `reserved` | 0 |
//! | 128 | `name_len` | name | the full name, UTF-8, not terminated |
//! | 128 + `name_len` | `path_len` | path | kind 2: the absolute path that the file had, for people and for the next to open it |
//! | `header_len` | | padding | 0, up to `data_offset` |

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::mem::{offset_of, size_of};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use super::access::Access;
use super::error::ErrorKind;
use crate::fnv::fnv1a_64;

/// The first bytes of every map.
pub(super) const MAGIC: [u8; 8] = *b"RINGWMAP";
/// The version of the map format.
pub(super) const VERSION: u32 = 1;
/// A non-persisted map.
pub(super) const KIND_MEMORY: u32 = 1;
/// A persisted map: the data are in a file of their own.
pub(super) const KIND_FILE: u32 = 2;
/// The longest path in bytes: that of the kernel.
pub(super) const LONGEST_PATH: usize = 4096;
/// The longest name in bytes: a bound for what a header nobody vouches for may ask to be read.
pub(super) const LONGEST_NAME: usize = 1 << 20;

const PAGE: u64 = 4096;
const FIXED: usize = size_of::<Fixed>();
/// What a file without the magic is, in words.
pub(super) const NOT_A_MAP: &str = "a file that does not begin as a map does";
/// A file with fewer bytes is no map, whatever they are.
pub(super) const SHORTEST_FILE: u64 = FIXED as u64;

/// The fixed part, as it lies in the file.
#[derive(Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Fixed {
    magic: [u8; 8],
    checksum: u64,
    version: u32,
    header_len: u32,
    kind: u32,
    flags: u32,
    data_offset: u64,
    capacity: u64,
    id: [u8; 16],
    created_ns: u64,
    creator_pid: u32,
    creator_mode: u32,
    name_len: u32,
    access: u32,
    device: u64,
    inode: u64,
    path_len: u32,
    reserved: [u8; 20],
}

const _: () = {
    assert!(offset_of!(Fixed, magic) == 0);
    assert!(offset_of!(Fixed, checksum) == 8);
    assert!(offset_of!(Fixed, version) == 16);
    assert!(offset_of!(Fixed, header_len) == 20);
    assert!(offset_of!(Fixed, kind) == 24);
    assert!(offset_of!(Fixed, flags) == 28);
    assert!(offset_of!(Fixed, data_offset) == 32);
    assert!(offset_of!(Fixed, capacity) == 40);
    assert!(offset_of!(Fixed, id) == 48);
    assert!(offset_of!(Fixed, created_ns) == 64);
    assert!(offset_of!(Fixed, creator_pid) == 72);
    assert!(offset_of!(Fixed, creator_mode) == 76);
    assert!(offset_of!(Fixed, name_len) == 80);
    assert!(offset_of!(Fixed, access) == 84);
    assert!(offset_of!(Fixed, device) == 88);
    assert!(offset_of!(Fixed, inode) == 96);
    assert!(offset_of!(Fixed, path_len) == 104);
    assert!(offset_of!(Fixed, reserved) == 108);
    assert!(size_of::<Fixed>() == 128);
};

/// Where the parts of a map's file lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The first byte of the data.
    pub(super) data_offset: u64,
    /// The length of the file.
    pub(super) file_len: u64,
}

impl Plan {
    /// The plan for a name (and path) of `text_len` bytes and data that follow in the file; `None` when it would be
    /// too long to exist or be mapped.
    pub(super) fn new(text_len: usize, data_len: u64) -> Option<Plan> {
        let header_len = u64::try_from(FIXED.checked_add(text_len)?).ok()?;
        let data_offset = header_len.checked_next_multiple_of(PAGE)?;
        let file_len = data_offset.checked_add(data_len)?;
        isize::try_from(file_len).ok()?;
        Some(Plan { data_offset, file_len })
    }
}

/// A header that was written or found valid; a private copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) capacity: u64,
    pub(super) plan: Plan,
    pub(super) id: u128,
    pub(super) created_ns: u64,
    pub(super) creator_pid: u32,
    pub(super) creator_mode: u32,
    /// What the creator allows.
    pub(super) access: Access,
    /// The file with the data, where they do not follow in this one.
    pub(super) elsewhere: Option<Elsewhere>,
}

/// A file that is the data of a persisted map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) path: PathBuf,
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Elsewhere {
    fn bytes(&self) -> &[u8] {
        self.path.as_os_str().as_bytes()
    }
}

/// The number of an access in a header; one that cannot be created has none.
const ACCESSES: [(u32, Access); 5] = [
    (0, Access::ReadWrite),
    (1, Access::Read),
    (3, Access::CopyOnWrite),
    (4, Access::ReadExecute),
    (5, Access::ReadWriteExecute),
];

/// Why a file's header was not accepted.
#[derive(Debug)]
pub(super) enum Rejected {
    Kind(ErrorKind),
    Io(io::Error),
}

impl From<io::Error> for Rejected {
    fn from(error: io::Error) -> Rejected {
        Rejected::Io(error)
    }
}

fn damaged(part: &'static str, found: impl ToString, expected: impl ToString) -> Rejected {
    Rejected::Kind(ErrorKind::Damaged { part, found: found.to_string(), expected: expected.to_string() })
}

fn agree<N: PartialEq + ToString>(part: &'static str, found: N, expected: N) -> Result<(), Rejected> {
    if found == expected { Ok(()) } else { Err(damaged(part, found, expected)) }
}

fn long_enough(found: u64, expected: u64) -> Result<(), Rejected> {
    if found >= expected { Ok(()) } else { Err(Rejected::Kind(ErrorKind::Truncated { found, expected })) }
}

impl Header {
    /// The first byte of the data, as an offset within the mapping.
    pub(super) fn data_offset(&self) -> usize {
        usize::try_from(self.plan.data_offset).expect("a plan fits the address space")
    }

    /// The bytes from 0 to the data.
    pub(super) fn format(&self) -> Vec<u8> {
        let name = self.name.as_bytes();
        let path = self.elsewhere.as_ref().map_or(&[][..], Elsewhere::bytes);
        let header_len = FIXED + name.len() + path.len();
        let number = |n: usize| u32::try_from(n).expect("planned names and paths are short");
        let mut fixed = Fixed::new_zeroed();
        fixed.magic = MAGIC;
        fixed.version = VERSION;
        fixed.header_len = number(header_len);
        fixed.kind = if self.elsewhere.is_some() { KIND_FILE } else { KIND_MEMORY };
        fixed.data_offset = self.plan.data_offset;
        fixed.capacity = self.capacity;
        fixed.id = self.id.to_le_bytes();
        fixed.created_ns = self.created_ns;
        fixed.creator_pid = self.creator_pid;
        fixed.creator_mode = self.creator_mode;
        fixed.name_len = number(name.len());
        let access = ACCESSES.iter().find(|(_, access)| *access == self.access);
        fixed.access = access.expect("nobody creates a map that cannot be read").0;
        if let Some(file) = &self.elsewhere {
            (fixed.device, fixed.inode, fixed.path_len) = (file.device, file.inode, number(path.len()));
        }

        let mut area = vec![0; self.data_offset()];
        area[FIXED..FIXED + name.len()].copy_from_slice(name);
        area[FIXED + name.len()..header_len].copy_from_slice(path);
        area[..FIXED].copy_from_slice(fixed.as_bytes());
        fixed.checksum = fnv1a_64(&area);
        area[..FIXED].copy_from_slice(fixed.as_bytes());
        area
    }

    /// Whether the file begins as a map does.
    pub(super) fn is_map(file: &File) -> io::Result<bool> {
        let mut magic = [0; MAGIC.len()];
        match file.read_exact_at(&mut magic, 0) {
            Ok(()) => Ok(magic == MAGIC),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the header from the file and trusts none of it.
    pub(super) fn attach(file: &File) -> Result<Header, Rejected> {
        let file_len = file.metadata()?.len();
        if !Header::is_map(file)? {
            return Err(Rejected::Kind(ErrorKind::Foreign { found: NOT_A_MAP.to_owned() }));
        }
        long_enough(file_len, FIXED as u64)?;
        let mut bytes = [0; FIXED];
        file.read_exact_at(&mut bytes, 0)?;
        let fixed = Fixed::read_from_bytes(&bytes).expect("the buffer has the size of the type");

        if fixed.version != VERSION {
            return Err(Rejected::Kind(ErrorKind::Version { found: fixed.version, expected: VERSION }));
        }
        let name_len = fixed.name_len as usize;
        if name_len == 0 || name_len > LONGEST_NAME {
            return Err(damaged("name length", name_len, format!("1 to {LONGEST_NAME}")));
        }
        let path_len = fixed.path_len as usize;
        if path_len > LONGEST_PATH {
            return Err(damaged("path length", path_len, format!("0 to {LONGEST_PATH}")));
        }
        agree("header length", fixed.header_len as usize, FIXED + name_len + path_len)?;
        let empty = Plan::new(name_len + path_len, 0).expect("a short header has a plan");
        agree("data offset", fixed.data_offset, empty.data_offset)?;
        long_enough(file_len, fixed.data_offset)?;

        let mut area = vec![0; empty.data_offset as usize];
        file.read_exact_at(&mut area, 0)?;
        area[offset_of!(Fixed, checksum)..][..8].fill(0);
        let sum = fnv1a_64(&area);
        if sum != fixed.checksum {
            return Err(damaged("checksum", format!("{:#018x}", fixed.checksum), format!("{sum:#018x}")));
        }
        if fixed.kind != KIND_FILE {
            agree("kind", fixed.kind, KIND_MEMORY)?;
            agree("file of the data", (fixed.device, fixed.inode, fixed.path_len) == (0, 0, 0), true)?;
        }
        agree("flags", fixed.flags, 0)?;
        let access = ACCESSES.iter().find(|(number, _)| *number == fixed.access);
        let (_, access) = access.ok_or_else(|| damaged("access", fixed.access, "0, 1, 3, 4 or 5"))?;
        if fixed.reserved != [0; 20] {
            return Err(damaged("reserved part", "not zero", "zero"));
        }
        let follows = if fixed.kind == KIND_FILE { 0 } else { fixed.capacity };
        let plan = match Plan::new(name_len + path_len, follows) {
            Some(plan) if fixed.capacity > 0 => plan,
            _ => return Err(damaged("capacity", fixed.capacity, "1 to what a file can hold")),
        };
        long_enough(file_len, plan.file_len)?;
        agree("file length", file_len, plan.file_len)?;
        let (name, path) = area[FIXED..FIXED + name_len + path_len].split_at(name_len);
        let name = std::str::from_utf8(name).map_err(|_| damaged("name", "not UTF-8", "UTF-8"))?;
        let elsewhere = match (fixed.kind, path) {
            (KIND_FILE, []) => return Err(damaged("path", "empty", "1 to 4096 bytes")),
            (KIND_FILE, [first, ..]) if *first != b'/' => {
                return Err(damaged("path", "relative", "absolute"));
            }
            (KIND_FILE, path) => Some(Elsewhere {
                path: PathBuf::from(OsStr::from_bytes(path)),
                device: fixed.device,
                inode: fixed.inode,
            }),
            _ => None,
        };
        Ok(Header {
            name: name.to_owned(),
            capacity: fixed.capacity,
            plan,
            id: u128::from_le_bytes(fixed.id),
            created_ns: fixed.created_ns,
            creator_pid: fixed.creator_pid,
            creator_mode: fixed.creator_mode,
            access: *access,
            elsewhere,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{assert_fields, assert_values, fields};
    use crate::map::reclaim::PRESENCE;

    #[test]
    fn the_document_has_every_field_of_the_registry_page_at_its_byte() {
        let fields = fields!(Fixed: magic checksum version header_len kind flags data_offset capacity id
            created_ns creator_pid creator_mode name_len access device inode path_len reserved);
        assert_fields("docs/format.md", "Registry page", &fields, size_of::<Fixed>());
    }

    #[test]
    fn the_document_has_the_constants_of_the_registry_page() {
        let values = [
            ("map magic", String::from_utf8(MAGIC.to_vec()).unwrap()),
            ("map format version", VERSION.to_string()),
            ("map kind memory", KIND_MEMORY.to_string()),
            ("map kind file", KIND_FILE.to_string()),
            ("longest path", LONGEST_PATH.to_string()),
            ("longest map name", LONGEST_NAME.to_string()),
            ("page", PAGE.to_string()),
            ("lock byte of presence", PRESENCE.to_string()),
        ];
        assert_values("docs/format.md", "Constants", &values);
    }
}
