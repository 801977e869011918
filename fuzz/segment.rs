//! A segment under a name, and whoever writes into it what nobody should.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use ringway::map::{self, MapOptions, Namespace, ReadWrite, SharedMap, View};

use super::fnv::{fnv1a_64, fnv1a_128};
use super::input::Input;

/// What everything is called.
pub(crate) const NAME: &str = "fuzzed";
/// Bytes of a map before its data.
pub(crate) const PAGE: u64 = 4096;

/// A namespace of its own, removed on drop with all it holds.
pub(crate) struct Space(PathBuf);

impl Space {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/dev/shm/ringway-fuzz-{}-{number}-", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("/dev/shm is writable");
        Self(path)
    }

    pub(crate) fn namespace(&self) -> Namespace {
        Namespace::Dir(self.0.clone())
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// The file of the map.
    pub(crate) fn file(&self) -> File {
        OpenOptions::new().read(true).write(true).open(self.path(NAME)).expect("it is there")
    }

    /// The map, which stays for as long as this is held.
    pub(crate) fn map(&self) -> SharedMap {
        self.open_map().expect("it is there")
    }

    pub(crate) fn open_map(&self) -> Result<SharedMap, map::Error> {
        MapOptions::new().namespace(self.namespace()).open(NAME)
    }
}

impl Drop for Space {
    /// # Panics
    ///
    /// If a file of it is still open, or mapped: whoever had it is gone.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        if !thread::panicking() {
            let mine = |name: &str| name.contains(&*self.0.to_string_lossy());
            let open = fs::read_dir("/proc/self/fd").expect("there is /proc");
            let mut open = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
            assert!(!open.any(|name| mine(&name.to_string_lossy())), "a descriptor stays open");
            let mapped = fs::read_to_string("/proc/self/maps").expect("there is /proc");
            assert!(!mapped.lines().any(mine), "a mapping stays");
        }
    }
}

/// Where the parts of a segment lie, by its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) kind: u32,
    pub(crate) form: u32,
    pub(crate) len: u64,
    pub(crate) capacity: u64,
    pub(crate) roster: u64,
    pub(crate) control: u64,
    pub(crate) slots: u64,
    pub(crate) stride: u64,
    /// Bytes from the start of a cell to its key; 0 if there is none.
    pub(crate) key: u64,
}

/// Of `kind`.
const SPSC: u32 = 1;
/// Of `kind`: larger ones are of cells.
const MPMC: u32 = 4;
/// Of `form`.
const STAMPED: u32 = 1;

impl Parts {
    /// `word` reads a word of the segment.
    pub(crate) fn of(word: impl Fn(u64) -> u64) -> Self {
        Self {
            kind: word(40) as u32,
            form: (word(40) >> 32) as u32,
            len: word(32),
            capacity: word(56),
            roster: word(112),
            control: word(120),
            slots: word(128),
            stride: word(64),
            key: word(168),
        }
    }

    pub(crate) fn is_ring(&self) -> bool {
        self.kind <= MPMC
    }

    /// Some word of the segment, those more often that decisions are made by.
    pub(crate) fn place(&self, input: &mut Input<'_>) -> u64 {
        let number = input.number();
        let at = match input.byte() % 8 {
            0 | 1 => self.control + number % 6 * 128 / 2,
            2 => self.control + number % 80 * 8,
            3 | 4 => self.slots + number % self.capacity * self.stride,
            5 => self.roster + number % 8 * 64,
            6 => self.roster + number % 64 * 8,
            _ => number % self.len,
        };
        at.min(self.len - 8) / 8 * 8
    }
}

/// A second mapping of a segment, and what is known of it.
pub(crate) struct Damage {
    view: View<ReadWrite>,
    pub(crate) parts: Parts,
    /// Whether a message may have been hit.
    pub(crate) hit: bool,
    /// Whether any word was.
    pub(crate) any: bool,
}

impl Damage {
    pub(crate) fn new(map: &SharedMap) -> Self {
        let view = map.view(..).read_write().accessor().expect("it may be written");
        let parts = Parts::of(|at| view.read(at).expect("within"));
        Self { view, parts, hit: false, any: false }
    }

    pub(crate) fn word(&self, at: u64) -> u64 {
        self.view.read(at).expect("within")
    }

    pub(crate) fn set(&mut self, at: u64, word: u64) {
        let slot = at.checked_sub(self.parts.slots);
        self.any = true;
        // The first word of a slot is its stamp, or the sequence of a cell, or belongs to a message.
        self.hit |= slot.is_some_and(|at| at % self.parts.stride != 0 || self.parts.stride == 128);
        self.view.write(at, &word).expect("within");
    }

    /// As `set`, of which nothing is known afterwards.
    pub(crate) fn overwrite(&self, at: u64, word: u64) {
        self.view.write(at, &word).expect("within");
    }

    /// Some word becomes another one: one that is close to what is or could be there, or any.
    pub(crate) fn strike(&mut self, input: &mut Input<'_>) {
        let at = self.parts.place(input);
        let word = self.any_word(at, input);
        self.set(at, word);
    }

    pub(crate) fn any_word(&self, at: u64, input: &mut Input<'_>) -> u64 {
        let old = self.word(at);
        let small = u64::from(input.byte());
        match input.byte() % 12 {
            0 => old.wrapping_add(small),
            1 => old.wrapping_sub(small),
            2 => old ^ 1 << (small % 64),
            3 => small,
            4 => u64::MAX - small,
            5 => (1 << 56) - 128 + small,
            // A stamp, or an intent.
            6 => small << 12 | u64::from(input.byte() % 4),
            7 => small << 12 | u64::from(input.byte() % 16) << 8 | u64::from(input.byte()),
            8 => small << 8 | u64::from(input.byte()),
            // The state of a record: it lives, has died, is buried.
            9 => old & !3 | small & 3,
            10 => self.word(self.parts.place(input)),
            _ => input.word(),
        }
    }

    /// A ring that nobody has open goes on, empty, from that position.
    pub(crate) fn begin_at(&self, position: u64) {
        let Parts { kind, form, capacity, control, slots, stride, .. } = self.parts;
        let write = |at: u64, word: u64| self.view.write(at, &word).expect("within");
        write(control, position);
        write(control + 128, position);
        for next in position..position + capacity {
            let (slot, lap) = (next % capacity, next / capacity);
            match (form, kind) {
                (STAMPED, SPSC) if lap > 0 => write(slots + slot * stride, (lap - 1) << 12 | 1),
                (STAMPED, _) => write(slots + slot * stride, lap << 12),
                _ => {}
            }
        }
    }

    /// The bytes as they are.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.parts.len as usize];
        self.view.read_exact_at(0, &mut bytes).expect("within");
        bytes
    }

    /// And as they were: whoever has left meanwhile has died.
    pub(crate) fn restore(&self, bytes: &[u8]) {
        self.view.write_all_at(0, bytes).expect("within");
    }
}

/// Makes the sums of a segment's header fit what it says.
pub(crate) fn vouch_for(file: &File) {
    let mut header = [0; 256];
    if file.read_exact_at(&mut header, PAGE).is_err() {
        return;
    }
    let word = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("8 bytes"));
    let (from, len) = (word(96), word(104).saturating_add(u64::from(word(192) as u32)));
    if len <= 1 << 17 && from <= 1 << 17 {
        let mut schema = vec![0; len as usize];
        let _ = file.read_exact_at(&mut schema, PAGE + from);
        header[136..152].copy_from_slice(&fnv1a_128(&schema).to_le_bytes());
    }
    let mut summed = header;
    summed[16..32].fill(0);
    header[24..32].copy_from_slice(&fnv1a_64(&summed).to_le_bytes());
    file.write_all_at(&header, PAGE).expect("written");
}
