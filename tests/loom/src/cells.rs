//! Cells in loom's memory: the library's protocol code, with relaxed words as values (so that a torn one can be told)
//! and a lock that stands in for the kernel's.

use std::sync::{Arc, Mutex, MutexGuard};

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread::{self, JoinHandle};
use ringway::protocol::roster::{self, Identity, Predecessor, Record};
use ringway::protocol::seqlock::{self, Cell};
use ringway::sync::model::{Crashed, crash_after, step};

use crate::fixture::KernelLock;

/// Words of a value: two can be torn.
const WORDS: usize = 2;

/// What process `process` stores as value number `version`, in every word.
fn value(version: u64, process: u64) -> u64 {
    version << 8 | process
}

/// One cell, which processes share, the kernel's lock of its role, and what its writers did, for whoever reads.
pub struct Memory {
    sequence: AtomicU64,
    slots: Vec<[AtomicU64; WORDS]>,
    record: Record,
    lock: AtomicU64,
    /// What a lock whose holder died makes visible to whoever takes it next.
    handover: Ordering,
    account: Mutex<Account>,
}

#[derive(Default)]
struct Account {
    /// After which value each writer began, in turn.
    terms: Vec<(u64, u64)>,
    /// The latest value that was published.
    published: u64,
}

impl Memory {
    pub fn new(slots: u32) -> Arc<Self> {
        Self::with_lock(slots, Ordering::Release)
    }

    /// With a kernel that hands the lock over in this way: `Relaxed` would be a broken one.
    pub fn with_lock(slots: u32, handover: Ordering) -> Arc<Self> {
        Arc::new(Self {
            sequence: AtomicU64::new(0),
            slots: (0..slots).map(|_| [(); WORDS].map(|()| AtomicU64::new(0))).collect(),
            record: Record::default(),
            lock: AtomicU64::new(0),
            handover,
            account: Mutex::default(),
        })
    }

    pub fn cell(&self) -> Cell<'_> {
        Cell { sequence: &self.sequence, slots: self.slots.len() as u32 }
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn lock(&self, process: u64) -> KernelLock<'_> {
        KernelLock::with_handover(&self.lock, process, self.handover)
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The latest value that was published, as the writers say.
    pub fn published(&self) -> u64 {
        self.account().published
    }

    fn load(&self, version: u64) -> [u64; WORDS] {
        let slot = self.cell().slot(version) as usize;
        self.slots[slot].each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    /// That these words are the value of that number: of its writer, and of no other one.
    fn check(&self, version: u64, words: [u64; WORDS]) {
        let account = self.account();
        let (_, writer) = account.terms.iter().rfind(|term| term.0 < version).expect("somebody wrote it");
        assert_eq!(words, [value(version, *writer); WORDS], "torn, or not value {version}");
    }

    /// Runs a process that dies at its `fuse`-th crash point, unless it ends before; and what the kernel does then.
    pub fn mortal<R>(&self, process: u64, fuse: u32, life: impl FnOnce() -> R) -> Result<R, Crashed> {
        let end = crash_after(Some(fuse), life);
        if let Err(at) = &end {
            if at.0 == "store.after-publish" {
                self.account().published += 1;
            }
            self.lock(process).bury();
        }
        end
    }
}

/// A writing process.
pub struct Writer {
    memory: Arc<Memory>,
    side: seqlock::Writer,
    process: u64,
    incarnation: u64,
}

impl Writer {
    pub fn attach(memory: &Arc<Memory>, process: u64) -> Option<(Self, Predecessor)> {
        let me = Identity { pid: process, since: process };
        let (incarnation, predecessor) = roster::attach(&memory.record, &memory.lock(process), me).ok()?;
        let side = seqlock::Writer::resume(&memory.cell()).expect("an undamaged cell");
        {
            let mut account = memory.account();
            assert_eq!(side.version(), account.published, "a value is taken back, or invented");
            account.terms.push((side.version(), process));
        }
        Some((Self { memory: Arc::clone(memory), side, process, incarnation }, predecessor))
    }

    /// Stores the next value, word by word.
    pub fn store(&mut self) {
        let memory = &self.memory;
        let slot = self.side.begin(&memory.cell()) as usize;
        let value = value(self.side.version() + 1, self.process);
        for word in &memory.slots[slot] {
            word.store(value, Ordering::Relaxed);
            step("model.store.after-word");
        }
        self.side.publish(&memory.cell());
        memory.account().published += 1;
    }

    /// Begins the next value, writes all of it, and does not publish it.
    pub fn abandon(&self) {
        let memory = &self.memory;
        let slot = self.side.begin(&memory.cell()) as usize;
        let value = value(self.side.version() + 1, self.process);
        memory.slots[slot].iter().for_each(|word| word.store(value, Ordering::Relaxed));
    }

    /// Loads the latest value, as before an update.
    pub fn read_back(&self) {
        let (memory, cell) = (&self.memory, self.memory.cell());
        let Some(reading) = cell.begin() else {
            assert_eq!(self.side.version(), 0, "no value");
            return;
        };
        assert_eq!(reading.version(), self.side.version(), "another one than the latest");
        let words = memory.load(reading.version());
        assert!(cell.accept(reading), "the writer is disturbed by itself");
        memory.check(reading.version(), words);
    }

    pub fn leave(self) {
        roster::detach(&self.memory.record, &self.memory.lock(self.process), self.incarnation, 9);
    }
}

/// A reading process.
pub struct Reader {
    memory: Arc<Memory>,
    seen: u64,
}

impl Reader {
    pub fn new(memory: &Arc<Memory>) -> Self {
        Self { memory: Arc::clone(memory), seen: 0 }
    }

    /// Tries once to load the latest value, which must be one, and none before those it has seen; its number. 0: there
    /// is none. `None`: the writer was too fast.
    pub fn try_load(&mut self) -> Option<u64> {
        let cell = self.memory.cell();
        let Some(reading) = cell.begin() else {
            assert_eq!(self.seen, 0, "a value is gone");
            return Some(0);
        };
        let words = self.memory.load(reading.version());
        if !cell.accept(reading) {
            return None;
        }
        self.memory.check(reading.version(), words);
        assert!(reading.version() >= self.seen, "back from {} to {}", self.seen, reading.version());
        self.seen = reading.version();
        Some(self.seen)
    }

    /// A thread in which a reader tries so many times.
    pub fn spawn(memory: &Arc<Memory>, tries: u32) -> JoinHandle<()> {
        let mut reader = Self::new(memory);
        thread::spawn(move || {
            for _ in 0..tries {
                let _ = reader.try_load();
            }
        })
    }
}

/// A cell of so many slots with as many values in it, and its writer.
pub fn filled(slots: u32, values: u32) -> (Arc<Memory>, Writer) {
    let memory = Memory::new(slots);
    let (mut writer, _) = Writer::attach(&memory, 1).expect("a free role");
    (0..values).for_each(|_| writer.store());
    (memory, writer)
}
