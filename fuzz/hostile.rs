//! Calls on the ends of a channel whose memory somebody else writes into, whatever it likes, between any two of them or
//! at the same time; and ends that die.
//!
//! No call may panic, hang, or reach out of the segment. A word that makes no sense is told as what it says. And as long
//! as no message itself was hit, nothing is received that was never sent, or is made of two messages.

use std::time::Duration;

use ringway::channel::{Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::{Broken, OnReceiverDeath, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

use super::ends::{Checked, Ends, Numbered};
use super::hostile_cells;
use super::input::Input;
use super::scribble::beside;
use super::segment::{Damage, NAME, Space};
use super::start::Start;

/// When words are written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum When {
    Between,
    Meanwhile,
}

/// Runs one input: words are written between the calls.
pub fn run(input: &[u8]) {
    attack(input, When::Between);
}

/// Runs one input while a thread writes words all the time.
pub(crate) fn attack(input: &[u8], when: When) {
    let mut input = Input::new(input);
    let input = &mut input;
    match input.below(17) {
        0 => Bench::<u64, Spsc>::run(input, when, &|channel| channel),
        1 => Bench::<[u64; 16], Spsc>::run(input, when, &|channel| channel),
        2 => Bench::<Checked, Spsc>::run(input, when, &|channel| channel),
        3 => several_senders::<u64>(input, when),
        4 => several_senders::<[u64; 16]>(input, when),
        5 => several_senders::<Checked>(input, when),
        6 => several_receivers::<u64>(input, when),
        7 => several_receivers::<[u64; 16]>(input, when),
        8 => several_receivers::<Checked>(input, when),
        9 => several::<u64>(input, when),
        10 => several::<[u64; 16]>(input, when),
        11 => several::<Checked>(input, when),
        other => hostile_cells::attack(other - 12, input, when),
    }
}

fn choice(input: &mut Input<'_>) -> OnReceiverDeath {
    if input.byte() % 2 == 0 { OnReceiverDeath::Redeliver } else { OnReceiverDeath::Discard }
}

fn several_senders<T: Numbered>(input: &mut Input<'_>, when: When) {
    let choice = choice(input);
    Bench::<T, Mpsc>::run(input, when, &move |channel| channel.max_senders(4).on_receiver_death(choice));
}

fn several_receivers<T: Numbered>(input: &mut Input<'_>, when: When) {
    let choice = choice(input);
    Bench::<T, Spmc>::run(input, when, &move |channel| channel.max_receivers(4).on_receiver_death(choice));
}

fn several<T: Numbered>(input: &mut Input<'_>, when: When) {
    let choice = choice(input);
    Bench::<T, Mpmc>::run(input, when, &move |channel| {
        channel.max_senders(4).max_receivers(4).on_receiver_death(choice)
    });
}

type Channel<T, K> = ringway::channel::Channel<T, K>;
type Options<T, K> = dyn Fn(Channel<T, K>) -> Channel<T, K>;

struct Bench<'a, T: Numbered, K: Ends> {
    options: &'a Options<T, K>,
    space: &'a Space,
    capacity: usize,
    damage: Damage,
    when: When,
    next: u64,
    senders: Vec<Sender<T, K>>,
    receivers: Vec<Receiver<T, K>>,
}

/// Most ends of a side.
const ENDS: usize = 3;
const MOMENT: Duration = Duration::from_micros(50);

impl<T: Numbered, K: Ends> Bench<'_, T, K> {
    fn run(input: &mut Input<'_>, when: When, options: &Options<T, K>) {
        let (space, start) = (Space::new(), Start::of(input));
        let channel = K::channel::<T>(NAME).namespace(space.namespace()).capacity(start.capacity);
        let channel = options(channel.liveness_interval(Duration::ZERO));
        let mut sender = channel.clone().create_new().sender().expect("the name is free");
        let map = space.map();
        if start.left.is_some() {
            drop(sender);
            Damage::new(&map).begin_at(start.position());
            sender = channel.clone().open_existing().sender().expect("the role is free");
        }
        let receiver = channel.open_existing().receiver().expect("the role is free");
        let (senders, receivers) = (vec![sender], vec![receiver]);
        let (capacity, damage) = (start.capacity, Damage::new(&map));
        let mut bench = Bench { options, space: &space, capacity, damage, when, next: 1, senders, receivers };
        beside(when, &map, input, |input, calls| {
            while let Some(operation) = calls.next(input) {
                bench.operate(operation, input);
            }
        });
    }

    fn operate(&mut self, operation: u8, input: &mut Input<'_>) {
        let operation = operation % 40;
        let who = usize::from(input.byte());
        match operation {
            0..=9 if self.when == When::Between => self.damage.strike(input),
            10..=12 => self.die(who),
            13 | 14 => self.come(who),
            _ if operation % 2 == 0 && !self.senders.is_empty() => {
                let who = who % self.senders.len();
                self.send(operation, who, input);
            }
            _ if !self.receivers.is_empty() => {
                let who = who % self.receivers.len();
                self.receive(operation, who, input);
            }
            _ => {}
        }
    }

    fn channel(&self) -> Channel<T, K> {
        let channel = K::channel::<T>(NAME).namespace(self.space.namespace()).capacity(self.capacity);
        (self.options)(channel.liveness_interval(Duration::ZERO)).open_existing()
    }

    /// Somebody is killed: its handle is gone, and all it left is as it was.
    fn die(&mut self, who: usize) {
        let before = self.damage.snapshot();
        if who % 2 == 0 && !self.senders.is_empty() {
            drop(self.senders.swap_remove(who / 2 % self.senders.len()));
        } else if !self.receivers.is_empty() {
            drop(self.receivers.swap_remove(who / 2 % self.receivers.len()));
        }
        self.damage.restore(&before);
    }

    /// Somebody comes, by name or as a clone. That the roster or the ring is damaged is an error.
    fn come(&mut self, who: usize) {
        if who % 2 == 0 && self.senders.len() < ENDS {
            if K::SHARED_SENDERS || self.senders.is_empty() {
                let by_name = || self.channel().sender().ok();
                let clone = self.senders.first().filter(|_| who % 4 == 0).and_then(K::another_sender);
                self.senders.extend(clone.or_else(by_name));
            }
        } else if who % 2 == 1
            && self.receivers.len() < ENDS
            && (K::SHARED_RECEIVERS || self.receivers.is_empty())
        {
            let by_name = || self.channel().receiver().ok();
            let clone = self.receivers.first().filter(|_| who % 4 == 1).and_then(K::another_receiver);
            self.receivers.extend(clone.or_else(by_name));
        }
    }

    fn message(&mut self) -> T {
        self.next += 1;
        T::of(self.next - 1)
    }

    /// What is broken is what the memory says.
    fn check(&self, broken: Broken) {
        let Broken::Corrupt { word, found, .. } = broken else { return };
        assert!(!broken.to_string().is_empty());
        if self.when == When::Meanwhile {
            return;
        }
        let parts = &self.damage.parts;
        let is = |at: u64| self.damage.word(at) == found;
        let says_so = match word {
            "tail" => is(parts.control),
            "head" => is(parts.control + 128),
            "stamp" => (0..parts.capacity).any(|slot| is(parts.slots + slot * parts.stride)),
            other => panic!("there is no word `{other}`"),
        };
        assert!(says_so, "{broken}");
    }

    fn check_send<M>(&self, answer: Result<(), TrySendError<M>>) {
        if let Err(TrySendError::Broken(_, broken)) = answer {
            self.check(broken);
        }
    }

    fn check_wait<M>(&self, answer: Result<(), SendTimeoutError<M>>) {
        if let Err(SendTimeoutError::Broken(_, broken)) = answer {
            self.check(broken);
        }
    }

    /// Zeros are what was in a slot before any message.
    fn check_message(&self, message: &T) {
        if !self.damage.hit && self.when == When::Between {
            let number = message.number();
            assert!(number.is_some_and(|number| number < self.next), "{message:?} of {}", self.next);
        }
    }

    fn check_recv(&self, answer: Result<(), TryRecvError>) {
        match answer {
            Err(TryRecvError::Broken(broken)) => self.check(broken),
            Err(TryRecvError::Invalid(field)) => {
                assert!(T::CHECKED && (self.damage.hit || self.when == When::Meanwhile), "{field}");
            }
            _ => {}
        }
    }

    fn send(&mut self, operation: u8, who: usize, input: &mut Input<'_>) {
        let message = self.message();
        let count = input.below(8) as u64;
        let batch: Vec<T> = (self.next..self.next + count).map(T::of).collect();
        let end = &mut self.senders[who];
        match operation / 2 % 12 {
            0..=2 => {
                let answer = end.try_send(message);
                self.check_send(answer);
            }
            3 => {
                let answer = end.send_timeout(message, MOMENT);
                self.check_wait(answer);
            }
            4 | 5 => {
                self.next += count;
                let answer = end.try_send_batch(&batch);
                assert!(answer.as_ref().is_ok_and(|sent| *sent <= batch.len()) || answer.is_err());
                self.check_send(answer.map(drop));
            }
            6 => {
                self.next += count;
                let answer = end.send_batch_timeout(&batch, MOMENT);
                self.check_wait(answer);
            }
            7 => {
                let answer = end.try_loan().map(|loan| loan.write(message).publish());
                self.check_send(answer);
            }
            8 => {
                let answer = end.try_loan().map(|loan| drop(loan.write(message)));
                self.check_send(answer);
            }
            9 => {
                let answer = end.try_loan().map(std::mem::forget);
                self.check_send(answer);
            }
            10 if input.byte() % 8 == 0 => drop(self.senders.swap_remove(who)),
            10 => drop(end.health()),
            _ => {
                assert!(end.len() <= end.capacity());
                let _ = (end.is_full(), end.is_empty(), end.wait_for_peer(Duration::ZERO));
            }
        }
    }

    fn receive(&mut self, operation: u8, who: usize, input: &mut Input<'_>) {
        let limit = input.below(9);
        let end = &mut self.receivers[who];
        match operation / 2 % 12 {
            0..=2 => {
                let answer = end.try_recv();
                self.check_recv(answer.map(|message| self.check_message(&message)));
            }
            3 => match end.recv_timeout(MOMENT) {
                Ok(message) => self.check_message(&message),
                Err(RecvTimeoutError::Broken(broken)) => self.check(broken),
                Err(_) => {}
            },
            4..=6 => {
                let mut messages = Vec::new();
                let answer = end.try_recv_batch(&mut messages, limit);
                assert!(messages.len() <= limit && answer.as_ref().map_or(0, |got| *got) == messages.len());
                messages.iter().for_each(|message| self.check_message(message));
                self.check_recv(answer.map(drop));
            }
            // A reference to a message that is being written is for peers that are trusted.
            7 if self.when == When::Between => {
                let answer = end.try_lease().map(|lease| *lease);
                self.check_recv(answer.map(|message| self.check_message(&message)));
            }
            8 => {
                let answer = end.try_lease().map(std::mem::forget);
                self.check_recv(answer);
            }
            9 if input.byte() % 8 == 0 => drop(self.receivers.swap_remove(who)),
            9 => drop(end.health()),
            _ => {
                assert!(end.len() <= end.capacity());
                let _ = (end.is_full(), end.is_empty(), end.redelivered());
                let _ = end.wait_for_peer(Duration::ZERO);
            }
        }
    }
}
