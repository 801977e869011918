//! A channel of one sender and one receiver in loom's memory: the library's protocol code, with loom's
//! cells as payload (so that an overlap is reported) and a lock that stands in for the kernel's.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use ringway::protocol::Strided;
use ringway::protocol::peer::{self, Stuck};
use ringway::protocol::ring::{Control, Form, OnReceiverDeath, Ring, Rules};
use ringway::protocol::roster::{self, Identity, Lock, Predecessor, Presence, Record};
use ringway::protocol::side::{RecvSide, SendSide};
use ringway::protocol::sole::{SoleReceiver, SoleSender};
use ringway::sync::model::step;
use std::ptr::NonNull;

/// The records of both sides.
#[derive(Default)]
pub struct SoleRoster {
    pub sender: Record,
    pub receiver: Record,
}

/// One sender, one receiver.
const SPSC: Rules =
    Rules { shared_senders: false, shared_receivers: false, on_receiver_death: OnReceiverDeath::Redeliver };

/// The memory that both processes share, and the kernel's locks.
pub struct Shared {
    control: Control,
    stamps: Vec<AtomicU64>,
    payload: Vec<UnsafeCell<u64>>,
    pub roster: SoleRoster,
    sender_lock: AtomicU64,
    receiver_lock: AtomicU64,
    form: Form,
    /// What a lock that is given back, or whose holder died, makes visible to whoever takes it next.
    handover: Ordering,
}

impl Shared {
    pub fn new(capacity: u32, form: Form) -> Arc<Self> {
        Self::with_lock(capacity, form, Ordering::Release)
    }

    /// With a kernel that hands locks over in this way: `Relaxed` would be a broken one.
    pub fn with_lock(capacity: u32, form: Form, handover: Ordering) -> Arc<Self> {
        let stamps = if form == Form::Stamped { capacity } else { 0 };
        Arc::new(Self {
            control: Control::default(),
            stamps: (0..stamps).map(|_| AtomicU64::new(0)).collect(),
            payload: (0..capacity).map(|_| UnsafeCell::new(u64::MAX)).collect(),
            roster: SoleRoster::default(),
            sender_lock: AtomicU64::new(0),
            receiver_lock: AtomicU64::new(0),
            form,
            handover,
        })
    }

    pub fn ring(&self) -> Ring<'_> {
        let stamps = match NonNull::new(self.stamps.as_ptr().cast_mut().cast::<u8>()) {
            Some(base) if !self.stamps.is_empty() => {
                // SAFETY: a slice of atomics, which the borrow of `self` keeps alive.
                unsafe { Strided::new(base, size_of::<AtomicU64>(), self.stamps.len() as u32) }
            }
            _ => Strided::none(),
        };
        Ring {
            control: &self.control,
            stamps,
            capacity: self.payload.len() as u32,
            form: self.form,
            senders: std::slice::from_ref(&self.roster.sender),
            receivers: std::slice::from_ref(&self.roster.receiver),
            rules: SPSC,
        }
    }

    pub fn sender_lock(&self, process: u64) -> KernelLock<'_> {
        KernelLock::with_handover(&self.sender_lock, process, self.handover)
    }

    pub fn receiver_lock(&self, process: u64) -> KernelLock<'_> {
        KernelLock::with_handover(&self.receiver_lock, process, self.handover)
    }
}

/// An open-file-description lock: 0, or the description that has it. As the kernel's: whoever has it may take it
/// again, and gives it back at once, however often it took it; to give back what one does not have is nothing.
pub struct KernelLock<'m> {
    word: &'m AtomicU64,
    process: u64,
    handover: Ordering,
}

impl<'m> KernelLock<'m> {
    /// The lock behind that word, as a description of that process has it.
    pub fn new(word: &'m AtomicU64, process: u64) -> Self {
        Self::with_handover(word, process, Ordering::Release)
    }

    /// The same of a kernel that hands locks over in this way.
    pub fn with_handover(word: &'m AtomicU64, process: u64, handover: Ordering) -> Self {
        Self { word, process, handover }
    }

    /// What the kernel does for a process that died: what it held is free, and what it stored is visible
    /// to whoever takes the lock next.
    pub fn bury(&self) {
        let _ = self.word.compare_exchange(self.process, 0, self.handover, Ordering::Relaxed);
    }
}

impl Lock for KernelLock<'_> {
    fn try_lock(&self) -> bool {
        match self.word.compare_exchange(0, self.process, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => true,
            Err(holder) => holder == self.process,
        }
    }

    /// Acquire: the kernel looks at its list of locks, and whoever finds it empty comes after who emptied it.
    fn is_held(&self) -> bool {
        let holder = self.word.load(Ordering::Acquire);
        holder != 0 && holder != self.process
    }

    fn unlock(&self) {
        self.bury();
    }
}

/// A sending process. Message number p carries the value p.
pub struct Sender<'m> {
    shared: &'m Shared,
    side: SoleSender,
    process: u64,
    incarnation: u64,
}

impl<'m> Sender<'m> {
    pub fn attach(shared: &'m Shared, process: u64) -> Option<(Self, Predecessor)> {
        let me = Identity { pid: process, since: 0 };
        let (incarnation, predecessor) =
            roster::attach(&shared.roster.sender, &shared.sender_lock(process), me).ok()?;
        let side = SoleSender::resume(&shared.ring(), 0).expect("an undamaged ring");
        Some((Self { shared, side, process, incarnation }, predecessor))
    }

    pub fn position(&self) -> u64 {
        self.side.position()
    }

    /// Sends up to `count` messages as one batch; how many.
    pub fn try_send(&mut self, count: u32) -> Result<u32, Stuck> {
        let ring = self.shared.ring();
        let presence = || roster::glance(&self.shared.roster.receiver).into();
        // As the channels do: what is known first.
        let claimed = match self.side.claim_one(&ring) && count == 1 {
            true => 1,
            false => peer::claim(&mut self.side, &ring, count, presence)?,
        };
        for _ in 0..claimed {
            let value = self.side.position();
            // SAFETY: claimed by this side; loom reports an overlap.
            self.shared.payload[self.side.slot() as usize].with_mut(|cell| unsafe { *cell = value });
            step("model.send.after-write");
            self.side.fill(&ring);
        }
        self.side.commit(&ring);
        Ok(claimed)
    }

    pub fn leave(self) {
        let lock = self.shared.sender_lock(self.process);
        roster::detach(&self.shared.roster.sender, &lock, self.incarnation, 9);
    }
}

/// A receiving process.
pub struct Receiver<'m> {
    shared: &'m Shared,
    side: SoleReceiver,
    process: u64,
    incarnation: u64,
}

impl<'m> Receiver<'m> {
    pub fn attach(shared: &'m Shared, process: u64) -> Option<(Self, Predecessor)> {
        let me = Identity { pid: process, since: 0 };
        let (incarnation, predecessor) =
            roster::attach(&shared.roster.receiver, &shared.receiver_lock(process), me).ok()?;
        let side = SoleReceiver::resume(&shared.ring(), 0).expect("an undamaged ring");
        Some((Self { shared, side, process, incarnation }, predecessor))
    }

    pub fn position(&self) -> u64 {
        self.side.position()
    }

    /// Receives up to `count` messages as one batch into `log`; the sender is judged by its record alone.
    pub fn try_recv(&mut self, count: u32, log: &mut Vec<u64>) -> Result<u32, Stuck> {
        let shared = self.shared;
        self.try_recv_asking(count, log, || roster::glance(&shared.roster.sender))
    }

    pub fn try_recv_asking(
        &mut self,
        count: u32,
        log: &mut Vec<u64>,
        presence: impl FnOnce() -> Presence,
    ) -> Result<u32, Stuck> {
        let ring = self.shared.ring();
        // As the channels do: a look at one message first.
        let ready = match self.side.poll_one(&ring) && count == 1 {
            true => 1,
            false => peer::poll(&mut self.side, &ring, count, || presence().into())?,
        };
        for _ in 0..ready {
            // SAFETY: published and not released; loom reports an overlap.
            let value = self.shared.payload[self.side.slot() as usize].with(|cell| unsafe { *cell });
            assert_eq!(value, self.side.position(), "a message that is not the one of its position");
            log.push(value);
            self.side.take(&ring);
        }
        step("model.recv.after-read");
        self.side.release(&ring);
        Ok(ready)
    }

    pub fn leave(self) {
        let lock = self.shared.receiver_lock(self.process);
        roster::detach(&self.shared.roster.receiver, &lock, self.incarnation, 9);
    }
}
