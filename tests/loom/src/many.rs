//! A ring with shared sides in loom's memory: the library's protocol code, with loom's cells as payload and locks
//! that stand in for the kernel's.

use std::ptr::NonNull;
use std::sync::Mutex;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use ringway::protocol::Strided;
use ringway::protocol::lone::LoneReceiver;
use ringway::protocol::repair::{self, Dropped};
use ringway::protocol::ring::{Control, Cursor, Form, OnReceiverDeath, Ring, Rules};
use ringway::protocol::roster::{self, Identity, Locks, Presence, Record, Side};
use ringway::protocol::shared::SharedReceiver;
use ringway::protocol::stamp::free;
use ringway::protocol::table;
use ringway::sync::model::{Crashed, crash_after};

use crate::account::Account;
use crate::ends::Receiver;
use crate::fixture::KernelLock;

/// Several senders and receivers.
pub const MPMC: Rules =
    Rules { shared_senders: true, shared_receivers: true, on_receiver_death: OnReceiverDeath::Redeliver };
/// Several of both, and what a dead receiver claimed is dropped.
pub const DISCARD: Rules = Rules { on_receiver_death: OnReceiverDeath::Discard, ..MPMC };
/// Several senders, one receiver.
pub const MPSC: Rules = Rules { shared_receivers: false, ..MPMC };
/// One sender, several receivers.
pub const SPMC: Rules = Rules { shared_senders: false, ..MPMC };

/// The memory that all processes share, the kernel's locks, and what everybody did, for the final account.
pub struct Many {
    control: Control,
    stamps: Vec<AtomicU64>,
    payload: Vec<UnsafeCell<u64>>,
    senders: Vec<Record>,
    receivers: Vec<Record>,
    sender_locks: Vec<AtomicU64>,
    receiver_locks: Vec<AtomicU64>,
    rules: Rules,
    account: Mutex<Account>,
}

impl Many {
    /// With so many records on each side.
    pub fn new(capacity: u32, (senders, receivers): (usize, usize), rules: Rules) -> Arc<Self> {
        let words = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        let records = |count: usize| (0..count).map(|_| Record::default()).collect::<Vec<_>>();
        Arc::new(Self {
            control: Control::default(),
            stamps: words(capacity as usize),
            payload: (0..capacity).map(|_| UnsafeCell::new(u64::MAX)).collect(),
            senders: records(senders),
            receivers: records(receivers),
            sender_locks: words(senders),
            receiver_locks: words(receivers),
            rules,
            account: Mutex::default(),
        })
    }

    pub fn ring(&self) -> Ring<'_> {
        let base =
            NonNull::new(self.stamps.as_ptr().cast_mut().cast::<u8>()).expect("a slice has an address");
        // SAFETY: a slice of atomics, which the borrow of `self` keeps alive.
        let stamps = unsafe { Strided::new(base, size_of::<AtomicU64>(), self.stamps.len() as u32) };
        Ring {
            control: &self.control,
            stamps,
            capacity: self.payload.len() as u32,
            form: Form::Stamped,
            senders: &self.senders,
            receivers: &self.receivers,
            rules: self.rules,
        }
    }

    pub fn locks(&self, process: u64) -> Descriptions<'_> {
        Descriptions { many: self, process }
    }

    pub fn payload(&self, slot: u32) -> &UnsafeCell<u64> {
        &self.payload[slot as usize]
    }

    pub fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Runs a process that dies at its `fuse`-th crash point, unless it is at its end before.
    pub fn mortal<R>(&self, process: u64, fuse: Option<u32>, life: impl FnOnce() -> R) -> Result<R, Crashed> {
        let end = crash_after(fuse, life);
        if end.is_err() {
            // What it had just given back when it died; until it is buried nobody else does.
            let ring = self.ring();
            let held = self.account().held_by(process);
            for held in held {
                let cursor = Cursor::at(held.position, ring.capacity);
                let stamp = ring.stamps.get(cursor.slot()).load(Ordering::Relaxed);
                if stamp >= free(cursor.lap() + 1) {
                    self.account().give_back(held);
                }
            }
            self.account().lose();
            self.bury(process);
        }
        end
    }

    /// What the kernel does for a process that died.
    pub fn bury(&self, process: u64) {
        let words = self.sender_locks.iter().chain(&self.receiver_locks);
        words.for_each(|word| KernelLock::new(word, process).bury());
    }

    /// Looks after the dead, as somebody who takes no part.
    pub fn sweep(&self, process: u64) -> bool {
        repair::sweep(&self.ring(), None, &self.locks(process), 9)
    }

    /// Proves the deaths there are, and repairs nothing.
    pub fn certify(&self) {
        let (ring, locks) = (self.ring(), self.locks(30));
        for index in 0..ring.receivers.len() as u32 {
            roster::probe(&ring.receivers[index as usize], &locks.lock(Side::Receiving, index), 9);
        }
    }

    /// How many messages were published, if nobody is publishing now.
    pub fn published(&self) -> u64 {
        let ring = self.ring();
        let position = |position: u64| Cursor::at(position, ring.capacity);
        (0..)
            .find(|at| {
                let stamp = ring.stamps.get(position(*at).slot()).load(Ordering::Acquire);
                stamp <= free(position(*at).lap())
            })
            .expect("an end")
    }

    /// How many reads there were.
    pub fn reads(&self) -> usize {
        self.account().reads().len()
    }

    /// How many messages were dropped.
    pub fn dropped(&self) -> Dropped {
        repair::dropped(&self.ring())
    }
}

/// Receives all that is left, with nobody else about, and settles the account. In the end every record is repaired
/// and every slot given back.
pub fn settle(many: &Arc<Many>) -> Account {
    const LAST: u64 = 99;
    let ring = many.ring();
    // Whoever has not left has ended.
    let words = many.sender_locks.iter().chain(&many.receiver_locks);
    words.for_each(|word| word.store(0, Ordering::Release));
    while many.sweep(LAST) {}
    for side in [Side::Sending, Side::Receiving] {
        let unsettled = table::is_shared(&ring, side) && table::presence(&ring, side) == Presence::Live;
        assert!(!unsettled, "{side:?}: a dead participant's record is not repaired");
    }
    if many.rules.shared_receivers {
        let mut last = Receiver::<SharedReceiver>::join(many, LAST).expect("a record");
        while last.try_recv(1).is_ok() {}
    } else {
        let mut last = Receiver::<LoneReceiver>::attach(many, LAST).expect("the role");
        while last.try_recv(1).is_ok() {}
    }
    let tail = many.control.tail.0.load(Ordering::Acquire);
    let head = many.control.head.0.load(Ordering::Acquire).max(tail);
    for position in head.saturating_sub(ring.capacity.into())..head {
        let cursor = Cursor::at(position, ring.capacity);
        let stamp = ring.stamps.get(cursor.slot()).load(Ordering::Acquire);
        assert_eq!(stamp, free(cursor.lap() + 1), "stuck: the slot of {position}, tail {tail}");
    }
    let Dropped { poisoned, discarded } = many.dropped();
    let account = many.account().clone();
    account.check(poisoned + discarded);
    account
}

/// One process's descriptions of all locks.
pub struct Descriptions<'m> {
    many: &'m Many,
    process: u64,
}

impl Locks for Descriptions<'_> {
    fn lock(&self, side: Side, index: u32) -> impl roster::Lock + '_ {
        let words = match side {
            Side::Sending => &self.many.sender_locks,
            Side::Receiving => &self.many.receiver_locks,
        };
        KernelLock::new(&words[index as usize], self.process)
    }
}

pub fn me(process: u64) -> Identity {
    Identity { pid: process, since: process }
}
