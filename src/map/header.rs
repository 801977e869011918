//! The registry page: the header at the start of every map's file.
//!
//! All numbers are little-endian. The header is written before the file has a name and never changes.
//!
//! | byte | size | field | meaning |
//! |---:|---:|---|---|
//! | 0 | 8 | `magic` | `RINGWMAP`; a file without it, or shorter than 128 bytes, is foreign. It also vouches for the locks: byte 0 is presence, flock the lifecycle mutex |
//! | 8 | 8 | `checksum` | FNV-1a-64 of the bytes 0 to `data_offset`, with this field as zero |
//! | 16 | 4 | `version` | map format version, 1 |
//! | 20 | 4 | `header_len` | 128 + `name_len` |
//! | 24 | 4 | `kind` | 1: a non-persisted map, whose data follow in this file |
//! | 28 | 4 | `flags` | 0 |
//! | 32 | 8 | `data_offset` | first byte of the data: `header_len` rounded up to 4096 |
//! | 40 | 8 | `capacity` | bytes of data, at least 1; the file ends where they end |
//! | 48 | 16 | `id` | random; tells two maps that had one name after each other apart |
//! | 64 | 8 | `created_ns` | when, in nanoseconds of the real-time clock since 1970 |
//! | 72 | 4 | `creator_pid` | by which process; for people, never for decisions |
//! | 76 | 4 | `creator_mode` | with which file mode |
//! | 80 | 4 | `name_len` | bytes of the name, 1 to 1048576 |
//! | 84 | 44 | `reserved` | 0 |
//! | 128 | `name_len` | name | the full name, UTF-8, not terminated |
//! | 128 + `name_len` | | padding | 0, up to `data_offset` |

use std::fs::File;
use std::io;
use std::mem::{offset_of, size_of};
use std::os::unix::fs::FileExt;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use super::error::ErrorKind;
use crate::fnv::fnv1a_64;

/// The first bytes of every map.
pub(super) const MAGIC: [u8; 8] = *b"RINGWMAP";
/// The version of the map format.
pub(super) const VERSION: u32 = 1;
/// A non-persisted map.
pub(super) const KIND_MEMORY: u32 = 1;
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
    reserved: [u8; 44],
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
    assert!(offset_of!(Fixed, reserved) == 84);
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
    /// The plan for a name of `name_len` bytes; `None` when the file would be too long to exist or be mapped.
    pub(super) fn new(name_len: usize, capacity: u64) -> Option<Plan> {
        let header_len = u64::try_from(FIXED.checked_add(name_len)?).ok()?;
        let data_offset = header_len.checked_next_multiple_of(PAGE)?;
        let file_len = data_offset.checked_add(capacity)?;
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
}

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
        let number = |n: usize| u32::try_from(n).expect("a planned name is at most LONGEST_NAME bytes");
        let mut fixed = Fixed::new_zeroed();
        fixed.magic = MAGIC;
        fixed.version = VERSION;
        fixed.header_len = number(FIXED + name.len());
        fixed.kind = KIND_MEMORY;
        fixed.data_offset = self.plan.data_offset;
        fixed.capacity = self.capacity;
        fixed.id = self.id.to_le_bytes();
        fixed.created_ns = self.created_ns;
        fixed.creator_pid = self.creator_pid;
        fixed.creator_mode = self.creator_mode;
        fixed.name_len = number(name.len());

        let mut area = vec![0; self.data_offset()];
        area[FIXED..FIXED + name.len()].copy_from_slice(name);
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
        agree("header length", fixed.header_len as usize, FIXED + name_len)?;
        let empty = Plan::new(name_len, 0).expect("a short header has a plan");
        agree("data offset", fixed.data_offset, empty.data_offset)?;
        long_enough(file_len, fixed.data_offset)?;

        let mut area = vec![0; empty.data_offset as usize];
        file.read_exact_at(&mut area, 0)?;
        area[offset_of!(Fixed, checksum)..][..8].fill(0);
        let sum = fnv1a_64(&area);
        if sum != fixed.checksum {
            return Err(damaged("checksum", format!("{:#018x}", fixed.checksum), format!("{sum:#018x}")));
        }
        agree("kind", fixed.kind, KIND_MEMORY)?;
        agree("flags", fixed.flags, 0)?;
        if fixed.reserved != [0; 44] {
            return Err(damaged("reserved part", "not zero", "zero"));
        }
        let plan = match Plan::new(name_len, fixed.capacity) {
            Some(plan) if fixed.capacity > 0 => plan,
            _ => return Err(damaged("capacity", fixed.capacity, "1 to what a file can hold")),
        };
        long_enough(file_len, plan.file_len)?;
        agree("file length", file_len, plan.file_len)?;
        let name = &area[FIXED..FIXED + name_len];
        let name = std::str::from_utf8(name).map_err(|_| damaged("name", "not UTF-8", "UTF-8"))?;
        Ok(Header {
            name: name.to_owned(),
            capacity: fixed.capacity,
            plan,
            id: u128::from_le_bytes(fixed.id),
            created_ns: fixed.created_ns,
            creator_pid: fixed.creator_pid,
            creator_mode: fixed.creator_mode,
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
            created_ns creator_pid creator_mode name_len reserved);
        assert_fields("docs/format.md", "Registry page", &fields, size_of::<Fixed>());
    }

    #[test]
    fn the_document_has_the_constants_of_the_registry_page() {
        let values = [
            ("map magic", String::from_utf8(MAGIC.to_vec()).unwrap()),
            ("map format version", VERSION.to_string()),
            ("map kind memory", KIND_MEMORY.to_string()),
            ("longest map name", LONGEST_NAME.to_string()),
            ("page", PAGE.to_string()),
            ("lock byte of presence", PRESENCE.to_string()),
        ];
        assert_values("docs/format.md", "Constants", &values);
    }
}
