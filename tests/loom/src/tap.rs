//! One that looks at messages as they pass, with relaxed words as messages, so that a torn one can be told.

use std::ptr::NonNull;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use ringway::protocol::Strided;
use ringway::protocol::lone::{LoneReceiver, LoneSender};
use ringway::protocol::repair;
use ringway::protocol::ring::{Control, Form, Ring, Rules};
use ringway::protocol::roster::{self, Identity, Locks, Presence, Record, Seat, Side};
use ringway::protocol::shared::{SharedReceiver, SharedSender};
use ringway::protocol::side::{RecvSide, SendSide};
use ringway::protocol::sole::{SoleReceiver, SoleSender};
use ringway::protocol::table;
use ringway::protocol::tap::{Step, Tap};
use ringway::sync::model::keep_stores_in_order;

use crate::explore_within;
use crate::fixture::KernelLock;
use crate::many::{DISCARD, MPMC, MPSC, SPMC};

const SPSC: Rules = Rules { shared_receivers: false, ..SPMC };
/// Several senders, one receiver, and what that was killed with is dropped.
const DROPPING: Rules = Rules { shared_receivers: false, ..DISCARD };

/// What processes share.
struct Memory {
    control: Control,
    stamps: Vec<AtomicU64>,
    messages: Vec<[AtomicU64; 2]>,
    senders: [Record; 2],
    receivers: [Record; 1],
    locks: [AtomicU64; 3],
    form: Form,
    rules: Rules,
}

impl Memory {
    fn new(capacity: u32, form: Form, rules: Rules) -> Arc<Self> {
        let stamps = if form == Form::Stamped { capacity } else { 0 };
        // What a tap relies on, where it does; `explore` begins without.
        keep_stores_in_order(true);
        Arc::new(Self {
            control: Control::default(),
            stamps: (0..stamps).map(|_| AtomicU64::new(0)).collect(),
            messages: (0..capacity).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect(),
            senders: Default::default(),
            receivers: Default::default(),
            locks: Default::default(),
            form,
            rules,
        })
    }

    fn ring(&self) -> Ring<'_> {
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
            capacity: self.messages.len() as u32,
            form: self.form,
            senders: &self.senders,
            receivers: &self.receivers,
            rules: self.rules,
        }
    }

    /// A sending process in that record.
    fn sender<S: SendSide>(&self, index: u32, process: u64) -> S {
        let (me, locks) = (Identity { pid: process, since: process }, Descriptions(self, process));
        if self.rules.shared_senders {
            assert_eq!(table::join(&self.ring(), Side::Sending, &locks, me).expect("free").0.index, index);
        } else {
            roster::attach(&self.senders[0], &locks.lock(Side::Sending, 0), me).expect("free");
        }
        S::resume(&self.ring(), index).expect("an undamaged ring")
    }

    fn receiver<R: RecvSide>(&self) -> R {
        R::resume(&self.ring(), 0).expect("an undamaged ring")
    }

    fn write<S: SendSide>(&self, sender: &S, ahead: u32) {
        let slot = (sender.slot() + ahead) as usize % self.messages.len();
        let words = &self.messages[slot];
        words.iter().for_each(|word| word.store(sender.position() + u64::from(ahead) + 1, Relaxed));
    }

    /// Sends so many at once, if there is room.
    fn send<S: SendSide>(&self, sender: &mut S, count: u32) {
        let ring = self.ring();
        let one = count == 1 && sender.claim_one(&ring);
        let claimed = if one { 1 } else { sender.claim(&ring, count).unwrap_or(0) };
        for _ in 0..claimed {
            self.write(sender, 0);
            sender.fill(&ring);
        }
        sender.commit(&ring);
    }

    /// The process leaves that has had the first record since the ring was made.
    fn leave(&self, process: u64) {
        let seat = Seat { side: Side::Sending, index: 0, incarnation: 1 };
        table::leave(&self.ring(), seat, &Descriptions(self, process), 9);
    }

    /// As one asks that only reads.
    fn has_sender(&self) -> bool {
        let locks = Descriptions(self, 30);
        let lives =
            |(record, index)| roster::observe(record, &locks.lock(Side::Sending, index)) == Presence::Live;
        self.senders.iter().zip(0..).any(lives)
    }

    fn receive<R: RecvSide>(&self, receiver: &mut R, count: u32) {
        let ring = self.ring();
        let ready = receiver.poll(&ring, count).unwrap_or(0);
        (0..ready).for_each(|_| _ = receiver.take(&ring));
        receiver.release(&ring);
    }

    /// Looks so often; the positions that it had. Each message that it takes for one is whole.
    fn look(&self, tap: &mut Tap, looks: u32) -> Vec<u64> {
        let (ring, mut seen) = (self.ring(), Vec::new());
        for _ in 0..looks {
            let Step::Copy(slot) = tap.begin(&ring).expect("an undamaged ring") else { continue };
            let words = self.messages[slot as usize].each_ref().map(|word| word.load(Relaxed));
            if let Ok(position) = tap.accept(&ring).expect("an undamaged ring") {
                assert_eq!(words, [position + 1; 2], "torn, or not message {position}");
                seen.push(position);
            }
        }
        assert!(seen.is_sorted_by(|one, next| one < next), "out of order: {seen:?}");
        seen
    }
}

/// The kernel's locks, as a process has them.
struct Descriptions<'m>(&'m Memory, u64);

impl Locks for Descriptions<'_> {
    fn lock(&self, side: Side, index: u32) -> impl roster::Lock + '_ {
        let index = if side == Side::Sending { index as usize } else { 2 };
        KernelLock::new(&self.0.locks[index], self.1)
    }
}

/// What a sender and its receiver do one after the other: so many are sent at once, or received.
#[derive(Clone, Copy)]
enum Act {
    Send(u32),
    Receive(u32),
}
use Act::{Receive, Send};

fn act<S: SendSide, R: RecvSide>(memory: &Memory, sender: &mut S, receiver: &mut R, acts: &[Act]) {
    for act in acts {
        match *act {
            Send(count) => memory.send(sender, count),
            Receive(count) => memory.receive(receiver, count),
        }
    }
}

/// A tap that begins at the first position, or, after what was `before`, at the second.
fn beside<S: SendSide + 'static, R: RecvSide + 'static>(
    name: &str,
    memory: fn() -> Arc<Memory>,
    before: &'static [Act],
    acts: &'static [Act],
) {
    explore_within(3, &format!("tap {name}"), move || {
        let memory = memory();
        let (mut sender, mut receiver) = (memory.sender::<S>(0, 1), memory.receiver::<R>());
        act(&memory, &mut sender, &mut receiver, before);
        let other = Arc::clone(&memory);
        let ends = thread::spawn(move || act(&other, &mut sender, &mut receiver, acts));
        let mut tap = Tap::at(&memory.ring(), u64::from(!before.is_empty()));
        memory.look(&mut tap, 1 + u32::from(before.is_empty()));
        ends.join().unwrap();
    });
}

fn each<S: SendSide + 'static, R: RecvSide + 'static>(
    name: &str,
    two: fn() -> Arc<Memory>,
    one: fn() -> Arc<Memory>,
) {
    let lap = &[Send(1), Send(1)];
    beside::<S, R>(&format!("{name}, from the start"), two, &[], &[Send(1), Send(1), Receive(1), Send(1)]);
    beside::<S, R>(&format!("{name}, the next lap singly"), two, lap, &[Receive(2), Send(1), Send(1)]);
    beside::<S, R>(&format!("{name}, the next lap at once"), two, lap, &[Receive(2), Send(2)]);
    beside::<S, R>(&format!("{name}, one slot"), one, &[], &[Send(1), Receive(1), Send(1)]);
}

#[test]
fn what_a_tap_takes_of_one_sender_and_one_receiver_is_whole() {
    let (two, one) = (|| Memory::new(2, Form::Stamped, SPSC), || Memory::new(1, Form::Stamped, SPSC));
    each::<SoleSender, SoleReceiver>("stamped", two, one);
}

#[test]
fn what_a_tap_takes_of_what_is_published_by_index_is_whole() {
    let (two, one) = (|| Memory::new(2, Form::Indexed, SPSC), || Memory::new(1, Form::Indexed, SPSC));
    each::<SoleSender, SoleReceiver>("indexed", two, one);
}

#[test]
fn what_a_tap_takes_of_one_sender_with_several_receivers_is_whole() {
    let (two, one) = (|| Memory::new(2, Form::Stamped, SPMC), || Memory::new(1, Form::Stamped, SPMC));
    each::<LoneSender, SharedReceiver>("spmc", two, one);
}

#[test]
fn what_a_tap_takes_of_several_senders_is_whole() {
    let (two, one) = (|| Memory::new(2, Form::Stamped, MPMC), || Memory::new(1, Form::Stamped, MPMC));
    each::<SharedSender, SharedReceiver>("mpmc", two, one);
    let (two, one) = (|| Memory::new(2, Form::Stamped, MPSC), || Memory::new(1, Form::Stamped, MPSC));
    each::<SharedSender, LoneReceiver>("mpsc", two, one);
}

/// It knows by the words of the one before it that there is room, and need not look.
#[test]
fn what_a_successor_writes_over_is_not_taken_for_a_message() {
    for form in [Form::Stamped, Form::Indexed] {
        explore_within(3, &format!("tap a successor, {form:?}"), move || {
            let memory = Memory::new(2, form, SPSC);
            let (mut sender, mut receiver) =
                (memory.sender::<SoleSender>(0, 1), memory.receiver::<SoleReceiver>());
            act(&memory, &mut sender, &mut receiver, &[Send(1), Send(1)]);
            let other = Arc::clone(&memory);
            let ends = thread::spawn(move || {
                other.receive(&mut receiver, 2);
                KernelLock::new(&other.locks[0], 1).bury();
                other.send(&mut other.sender::<SoleSender>(0, 2), 1);
            });
            memory.look(&mut Tap::at(&memory.ring(), 0), 1);
            ends.join().unwrap();
        });
    }
}

/// A sender was killed in the middle of a batch, and its successor knows how far it may have written.
#[test]
fn what_a_dead_sender_wrote_over_is_not_taken_for_a_message() {
    explore_within(3, "tap a killed sender", || {
        let memory = Memory::new(2, Form::Indexed, SPSC);
        let (mut sender, mut receiver) =
            (memory.sender::<SoleSender>(0, 1), memory.receiver::<SoleReceiver>());
        act(&memory, &mut sender, &mut receiver, &[Send(1), Send(1)]);
        let other = Arc::clone(&memory);
        let ends = thread::spawn(move || {
            other.receive(&mut receiver, 2);
            assert_eq!(sender.claim(&other.ring(), 2), Ok(2));
            other.write(&sender, 0);
            other.write(&sender, 1);
            KernelLock::new(&other.locks[0], 1).bury();
            other.sender::<SoleSender>(0, 2);
        });
        let mut tap = Tap::at(&memory.ring(), 1);
        memory.look(&mut tap, 1);
        ends.join().unwrap();
        memory.look(&mut tap, 1);
    });
}

fn gives_a_gap_back<R: RecvSide + 'static>(name: &str, rules: Rules) {
    explore_within(3, &format!("tap a gap, {name}"), move || {
        let memory = Memory::new(2, Form::Stamped, rules);
        let (one, two) = (Arc::clone(&memory), Arc::clone(&memory));
        let sender = thread::spawn(move || {
            let (mut sender, ring) = (one.sender::<SharedSender>(0, 1), one.ring());
            assert_eq!(sender.claim(&ring, 1), Ok(1));
            sender.abandon(&ring);
        });
        let receiver = thread::spawn(move || two.receive(&mut two.receiver::<R>(), 1));
        let mut tap = Tap::at(&memory.ring(), 0);
        assert_eq!(memory.look(&mut tap, 2), []);
        sender.join().unwrap();
        receiver.join().unwrap();
        assert_eq!(memory.look(&mut tap, 1), []);
        // One that comes later knows nothing of it.
        assert_eq!(memory.look(&mut Tap::at(&memory.ring(), 0), 1), []);
    });
}

#[test]
fn a_gap_that_was_given_back_is_not_taken_for_a_message() {
    gives_a_gap_back::<SharedReceiver>("mpmc", MPMC);
    gives_a_gap_back::<LoneReceiver>("mpsc that drops messages", DROPPING);
}

/// Whoever marks a message, or drops it, passes on what its sender has written.
#[test]
fn a_message_that_its_receiver_was_killed_with_is_shown_and_whole() {
    for rules in [MPSC, DROPPING] {
        explore_within(3, &format!("tap a killed receiver, {:?}", rules.on_receiver_death), move || {
            let memory = Memory::new(1, Form::Stamped, rules);
            let (one, two) = (Arc::clone(&memory), Arc::clone(&memory));
            let sender = thread::spawn(move || one.send(&mut one.sender::<SharedSender>(0, 1), 1));
            let receivers = thread::spawn(move || {
                let _ = two.receiver::<LoneReceiver>().poll(&two.ring(), 1);
                two.receiver::<LoneReceiver>();
            });
            let mut tap = Tap::at(&memory.ring(), 0);
            let mut seen = memory.look(&mut tap, 1);
            sender.join().unwrap();
            receivers.join().unwrap();
            seen.extend(memory.look(&mut tap, 1));
            assert_eq!(seen, [0]);
        });
    }
}

/// It comes while one asks whether anybody is there, or leaves when it has filled its place.
#[test]
fn a_place_that_a_sender_fills_is_not_passed_over() {
    explore_within(3, "tap a place that is filled", || {
        let memory = Memory::new(2, Form::Stamped, MPSC);
        let other = Arc::clone(&memory);
        let sender = thread::spawn(move || {
            other.send(&mut other.sender::<SharedSender>(0, 1), 1);
            other.leave(1);
        });
        let mut tap = Tap::at(&memory.ring(), 0);
        assert!(!tap.pass_hole(&memory.ring(), || memory.has_sender()));
        sender.join().unwrap();
        assert_eq!(memory.look(&mut tap, 1), [0]);
    });
}

/// A stamp is ahead of the tail that was seen before it.
#[test]
fn a_tap_that_is_overtaken_calls_nothing_damaged() {
    explore_within(3, "tap an old tail", || {
        let memory = Memory::new(1, Form::Stamped, MPMC);
        let (mut sender, mut receiver) =
            (memory.sender::<SharedSender>(0, 1), memory.receiver::<SharedReceiver>());
        memory.send(&mut sender, 1);
        let other = Arc::clone(&memory);
        let acts = &[Receive(1), Send(1), Receive(1), Send(1)];
        let ends = thread::spawn(move || act(&other, &mut sender, &mut receiver, acts));
        memory.look(&mut Tap::at(&memory.ring(), 0), 1);
        ends.join().unwrap();
    });
}

/// A sender dies with a claim, others repair that, and the tap comes in between.
#[test]
fn a_gap_that_is_repaired_while_a_tap_begins_is_not_taken_for_a_message() {
    explore_within(3, "tap a repaired gap", || {
        let memory = Memory::new(2, Form::Stamped, MPMC);
        let (one, two) = (Arc::clone(&memory), Arc::clone(&memory));
        let sender = thread::spawn(move || {
            let mut sender = one.sender::<SharedSender>(0, 1);
            assert_eq!(sender.claim(&one.ring(), 1), Ok(1));
            KernelLock::new(&one.locks[0], 1).bury();
        });
        let receiver = thread::spawn(move || {
            repair::sweep(&two.ring(), None, &Descriptions(&two, 2), 9);
            two.receive(&mut two.receiver::<SharedReceiver>(), 1);
        });
        let mut tap = Tap::at(&memory.ring(), 0);
        receiver.join().unwrap();
        assert_eq!(memory.look(&mut tap, 1), []);
        sender.join().unwrap();
    });
}

#[test]
fn a_tap_that_is_not_overtaken_misses_nothing() {
    explore_within(3, "tap everything", || {
        let memory = Memory::new(3, Form::Stamped, MPMC);
        let other = Arc::clone(&memory);
        let ends = thread::spawn(move || {
            let (mut sender, mut receiver) =
                (other.sender::<SharedSender>(0, 1), other.receiver::<SharedReceiver>());
            for _ in 0..3 {
                other.send(&mut sender, 1);
                other.receive(&mut receiver, 1);
            }
        });
        let mut tap = Tap::at(&memory.ring(), 0);
        let mut seen = memory.look(&mut tap, 2);
        ends.join().unwrap();
        seen.extend(memory.look(&mut tap, 3));
        assert_eq!(seen, [0, 1, 2]);
    });
}
