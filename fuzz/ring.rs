//! Any sequence of calls on the ends of a ring, beside a model of it: what is in each position, from the first one on.
//!
//! All calls come from one thread, so that the model says exactly what each of them has to answer. Where a message is
//! to be delivered again, it says which ones may come. Some rings are short of positions, and come to their end.

mod receiving;

use std::time::Duration;

use ringway::channel::{Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::{Broken, Departure, SendTimeoutError, TrySendError};

use super::ends::{Ends, Numbered};
use super::input::Input;
use super::segment::{Damage, NAME, Space};
use super::start::Start;

/// What is in a position.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// A sender has it, and has forgotten that.
    Claimed,
    Full(u64),
    /// There is no message.
    Skipped,
    /// A receiver has it, and has forgotten that: the message, and how often it was claimed before.
    Held(u64, u32),
    /// It was claimed so often, and given up.
    Orphan(u64, u32),
    Done,
}

struct Tx<T: Numbered, K: Ends> {
    end: Sender<T, K>,
    /// The position that it claimed and forgot.
    claimed: Option<usize>,
}

struct Rx<T: Numbered, K: Ends> {
    end: Receiver<T, K>,
    held: Option<usize>,
}

struct Bench<T: Numbered, K: Ends> {
    capacity: usize,
    /// The first position that is never used.
    end: usize,
    log: Vec<State>,
    /// The first position that no receiver has claimed.
    head: usize,
    next: u64,
    poisoned: u64,
    senders: Vec<Tx<T, K>>,
    receivers: Vec<Rx<T, K>>,
}

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let kind = input.below(8);
    match kind {
        0 => Bench::<u64, Spsc>::run(&mut input),
        1 => Bench::<[u64; 16], Spsc>::run(&mut input),
        2 => Bench::<u64, Mpsc>::run(&mut input),
        3 => Bench::<[u64; 16], Mpsc>::run(&mut input),
        4 => Bench::<u64, Spmc>::run(&mut input),
        5 => Bench::<[u64; 16], Spmc>::run(&mut input),
        6 => Bench::<u64, Mpmc>::run(&mut input),
        _ => Bench::<[u64; 16], Mpmc>::run(&mut input),
    }
}

/// So many in a batch: few, and sometimes more than one claim can have.
fn count(input: &mut Input<'_>) -> usize {
    match usize::from(input.byte()) {
        few @ 0..240 => few % 20,
        many => (many - 240) * 40,
    }
}

/// Most ends of a side.
const ENDS: usize = 4;

impl<T: Numbered, K: Ends> Bench<T, K> {
    fn run(input: &mut Input<'_>) {
        let (start, space) = (Start::of(input), Space::new());
        let capacity = start.capacity;
        let (sender, receiver) = match start.left {
            None => K::in_process::<T>(capacity),
            Some(_) => Self::late(&space, start),
        };
        let mut bench = Self {
            capacity,
            end: start.left.map_or(usize::MAX, |left| left as usize),
            log: Vec::new(),
            head: 0,
            next: 1,
            poisoned: 0,
            senders: vec![Tx { end: sender, claimed: None }],
            receivers: vec![Rx { end: receiver, held: None }],
        };
        for _ in 0..400 {
            if input.is_empty() || bench.senders.is_empty() && bench.receivers.is_empty() {
                break;
            }
            let operation = input.byte();
            let who = usize::from(input.byte());
            if operation % 2 == 0 && !bench.senders.is_empty() {
                let who = who % bench.senders.len();
                bench.send(operation / 2, who, input);
            } else if !bench.receivers.is_empty() {
                let who = who % bench.receivers.len();
                bench.receive(operation / 2, who, input);
            }
            bench.check();
        }
    }

    /// The ends of a channel that has few positions left.
    fn late(space: &Space, start: Start) -> (Sender<T, K>, Receiver<T, K>) {
        let channel = K::channel::<T>(NAME).namespace(space.namespace()).capacity(start.capacity);
        let sender = channel.clone().create_new().sender().expect("the name is free");
        let map = space.map();
        drop(sender);
        Damage::new(&map).begin_at(start.position());
        let channel = channel.open_existing();
        (channel.clone().sender().expect("the role is free"), channel.receiver().expect("the role is free"))
    }

    fn check(&self) {
        for sender in &self.senders {
            assert!(sender.end.len() <= self.capacity);
        }
        for receiver in &self.receivers {
            let len = receiver.end.len();
            assert!(len <= self.capacity);
            assert!(len > 0 || receiver.held.is_none() && !self.has_message(), "{:?}", self.log);
        }
        if !K::SHARED_SENDERS && !K::SHARED_RECEIVERS {
            let waiting = self.log.len() - self.head;
            assert!(self.senders.iter().all(|sender| sender.end.len() == waiting));
            assert!(self.receivers.iter().all(|receiver| receiver.end.len() == waiting));
        }
    }

    /// How many positions a sender can have now, at most `want`.
    fn free(&self, who: usize, want: usize) -> usize {
        if self.senders[who].claimed.is_some() {
            return 1;
        }
        let first = self.log.len();
        let want = want.min(self.end - first);
        let most = if K::SHARED_SENDERS { want.min(255) } else { want };
        let free = |at: &usize| {
            at.checked_sub(self.capacity).is_none_or(|at| self.log.get(at) == Some(&State::Done))
        };
        (first..first + most.min(self.capacity)).take_while(free).count()
    }

    /// The sender has written a message into its next position.
    fn fill(&mut self, who: usize) -> T {
        let message = State::Full(self.next);
        self.next += 1;
        match self.senders[who].claimed.take() {
            Some(at) => self.log[at] = message,
            None => self.log.push(message),
        }
        T::of(self.next - 1)
    }

    fn full<M>(&self, message: M) -> TrySendError<M> {
        if self.log.len() == self.end {
            TrySendError::Broken(message, Broken::Exhausted)
        } else if self.receivers.is_empty() {
            TrySendError::Disconnected(message, Departure::Left)
        } else {
            TrySendError::Full(message)
        }
    }

    fn send(&mut self, operation: u8, who: usize, input: &mut Input<'_>) {
        let ready = self.free(who, 1) > 0;
        match operation % 12 {
            0..=2 if ready => {
                let message = self.fill(who);
                let end = &mut self.senders[who].end;
                match operation % 3 {
                    0 => assert_eq!(end.try_send(message), Ok(())),
                    1 => assert_eq!(end.send(message), Ok(())),
                    _ => assert_eq!(end.send_timeout(message, Duration::ZERO), Ok(())),
                }
            }
            0 | 1 => {
                let message = T::of(self.next);
                let expected = Err(self.full(message));
                assert_eq!(self.senders[who].end.try_send(message), expected);
            }
            2 => {
                let message = T::of(self.next);
                let answer = self.senders[who].end.send_timeout(message, Duration::ZERO);
                match self.full(message) {
                    TrySendError::Full(_) => assert!(matches!(
                        answer,
                        Err(SendTimeoutError::Timeout(back) | SendTimeoutError::Stalled(back, _)) if back == message
                    )),
                    TrySendError::Disconnected(_, departure) => {
                        assert_eq!(answer, Err(SendTimeoutError::Disconnected(message, departure)));
                    }
                    TrySendError::Broken(_, broken) => {
                        assert_eq!(answer, Err(SendTimeoutError::Broken(message, broken)));
                    }
                }
            }
            3..=5 => {
                let want = count(input);
                let free = self.free(who, want).min(want);
                let expected = if want > 0 && free == 0 { Err(self.full(())) } else { Ok(free) };
                let first = self.next;
                for _ in 0..free {
                    self.fill(who);
                }
                let batch: Vec<T> = (first..first + want as u64).map(T::of).collect();
                assert_eq!(self.senders[who].end.try_send_batch(&batch), expected);
            }
            6..=9 => self.lend(operation, who, ready),
            10 => {
                if self.senders.len() < ENDS {
                    let another = K::another_sender(&self.senders[who].end);
                    assert_eq!(another.is_some(), K::SHARED_SENDERS);
                    self.senders.extend(another.map(|end| Tx { end, claimed: None }));
                }
            }
            _ if input.byte() % 4 == 0 => {
                let Tx { end, claimed } = self.senders.swap_remove(who);
                drop(end);
                if let Some(at) = claimed {
                    self.log[at] = State::Skipped;
                }
            }
            _ => self.check_health(),
        }
    }

    fn lend(&mut self, operation: u8, who: usize, ready: bool) {
        if !ready {
            let expected = self.full(());
            return assert_eq!(self.senders[who].end.try_loan().map(drop), Err(expected));
        }
        let at = self.senders[who].claimed.unwrap_or(self.log.len());
        match operation % 12 {
            6 | 7 => {
                let message = self.fill(who);
                let loan = self.senders[who].end.try_loan().expect("there is room");
                let draft = loan.write(message);
                assert_eq!(*draft, message);
                draft.publish();
            }
            given_up => {
                let loan = self.senders[who].end.loan().expect("there is room");
                let state = if given_up == 8 {
                    drop(loan.write(T::of(0)));
                    State::Skipped
                } else {
                    std::mem::forget(loan);
                    State::Claimed
                };
                // Of a sole sender nobody has seen that it claimed anything.
                if K::SHARED_SENDERS {
                    self.log.resize(self.log.len().max(at + 1), state);
                    self.log[at] = state;
                    self.senders[who].claimed = (state == State::Claimed).then_some(at);
                }
            }
        }
    }

    /// Where nobody is in the way, since it takes a while to find out who is.
    fn check_health(&self) {
        let in_the_way = |state: &State| matches!(state, State::Claimed | State::Held(..));
        if self.log.iter().any(in_the_way) {
            return;
        }
        let of_senders = self.senders.iter().map(|sender| sender.end.health());
        for health in of_senders.chain(self.receivers.iter().map(|receiver| receiver.end.health())) {
            assert_eq!(health.attached_senders(), self.senders.len());
            assert_eq!(health.attached_receivers(), self.receivers.len());
            assert_eq!((health.poisoned, health.discarded), (self.poisoned, 0));
        }
    }
}
