//! A channel, and what it should have.

use std::collections::VecDeque;
use std::time::Duration;

use ringway::channel::{Channel, Mpmc, Mpsc, Source, Spmc, Spsc};
use ringway::map::SharedMap;
use ringway::seqlock::{self, Newer, Writer};
use ringway::{Parking, Wait};

use super::super::ends::{Ends, Numbered};
use super::super::input::Input;
use super::super::segment::{Damage, NAME, Parts, Space};
use super::super::start::Start;
use super::note::Note;
use super::sides::{Receives, Sends};

/// Nobody is asked whether the others live, so that nothing but news ends a wait.
const NEVER: Duration = Duration::from_secs(3600);
/// Most ends of a side.
pub(super) const ENDS: usize = 2;

/// Where a source is noted.
pub(super) struct Noted {
    pub(super) note: Note,
    /// What its gate was.
    pub(super) gate: u64,
}

/// An end, and who is told when it is ready.
pub(super) struct End<S: ?Sized> {
    pub(super) end: Box<S>,
    pub(super) noted: Option<Noted>,
}

impl<S: ?Sized> From<Box<S>> for End<S> {
    fn from(end: Box<S>) -> Self {
        Self { end, noted: None }
    }
}

pub(super) type Tx = End<dyn Sends>;
pub(super) type Rx = End<dyn Receives>;

/// A ring.
pub(super) struct Ring {
    pub(super) capacity: usize,
    /// The numbers that were sent and not received.
    pub(super) queue: VecDeque<u64>,
    pub(super) senders: Vec<Tx>,
    pub(super) receivers: Vec<Rx>,
    /// Another end by the channel's name, if there is a place for it.
    pub(super) another_sender: Box<dyn Fn() -> Option<Box<dyn Sends>>>,
    pub(super) another_receiver: Box<dyn Fn() -> Option<Box<dyn Receives>>>,
    pub(super) are_shared: [bool; 2],
}

/// A cell.
pub(super) struct Cell {
    pub(super) writer: Option<Writer<u64>>,
    pub(super) another: Box<dyn Fn() -> Option<Writer<u64>>>,
    pub(super) newer: End<Newer<u64>>,
    pub(super) latest: u64,
    pub(super) version: u64,
    pub(super) seen: u64,
}

pub(super) enum What {
    Ring(Ring),
    Cell(Box<Cell>),
}

pub(super) fn senders_gate(parts: &Parts) -> u64 {
    parts.control + 512
}

pub(super) fn receivers_gate(parts: &Parts) -> u64 {
    parts.control + 384
}

pub(super) fn cell_gate(parts: &Parts) -> u64 {
    parts.roster + 32
}

/// A channel in a namespace of its own.
pub(super) struct Line {
    pub(super) what: What,
    /// The next number to be sent.
    pub(super) next: u64,
    pub(super) damage: Damage,
    pub(super) parking: Parking,
    pub(super) wait: Wait,
    _map: SharedMap,
    _space: Space,
}

impl Line {
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        match input.below(9) {
            0 => Self::ring::<u64, Spsc>(input, |channel| channel),
            1 => Self::ring::<[u64; 16], Spsc>(input, |channel| channel),
            2 => Self::ring::<u64, Mpsc>(input, |channel| channel.max_senders(3)),
            3 => Self::ring::<[u64; 16], Mpsc>(input, |channel| channel.max_senders(3)),
            4 => Self::ring::<u64, Spmc>(input, |channel| channel.max_receivers(3)),
            5 => Self::ring::<[u64; 16], Spmc>(input, |channel| channel.max_receivers(3)),
            6 => Self::ring::<u64, Mpmc>(input, |channel| channel.max_senders(3).max_receivers(3)),
            7 => Self::ring::<[u64; 16], Mpmc>(input, |channel| channel.max_senders(3).max_receivers(3)),
            _ => Self::cell(input),
        }
    }

    fn policies(input: &mut Input<'_>) -> (Parking, Wait) {
        let byte = input.byte();
        let parking = [Parking::Fenced, Parking::Asymmetric, Parking::Asymmetric, Parking::Never];
        let wait = [Wait::Park, Wait::ParkAtOnce, Wait::Spin, Wait::Yield];
        (parking[usize::from(byte % 4)], wait[usize::from(byte / 4 % 4)])
    }

    fn ring<T: Numbered + Unpin, K: Ends>(
        input: &mut Input<'_>,
        options: fn(Channel<T, K>) -> Channel<T, K>,
    ) -> Self {
        let (start, (parking, wait), space) = (Start::of(input), Self::policies(input), Space::new());
        // What is left of positions is the affair of others.
        let capacity = start.capacity.min(300);
        let channel = K::channel::<T>(NAME).namespace(space.namespace()).capacity(capacity);
        let channel = options(channel.parking(parking).wait(wait).liveness_interval(NEVER));
        let sender = channel.clone().create_new().sender().expect("the name is free");
        let map = space.map();
        let channel = channel.open_existing();
        let receiver = channel.clone().receiver().expect("the role is free");
        let other = channel.clone();
        let ring = Ring {
            capacity,
            queue: VecDeque::new(),
            senders: vec![Tx::from(Box::new(sender) as Box<dyn Sends>)],
            receivers: vec![Rx::from(Box::new(receiver) as Box<dyn Receives>)],
            another_sender: Box::new(move || Some(Box::new(channel.clone().sender().ok()?))),
            another_receiver: Box::new(move || Some(Box::new(other.clone().receiver().ok()?))),
            are_shared: [K::SHARED_SENDERS, K::SHARED_RECEIVERS],
        };
        let damage = Damage::new(&map);
        Self { what: What::Ring(ring), next: 1, damage, parking, wait, _map: map, _space: space }
    }

    fn cell(input: &mut Input<'_>) -> Self {
        let ((parking, wait), space) = (Self::policies(input), Space::new());
        let cell = seqlock::cell::<u64>(NAME).namespace(space.namespace());
        let cell = cell.parking(parking).wait(wait).liveness_interval(NEVER);
        let writer = Some(cell.clone().create_new().writer().expect("the name is free"));
        let map = space.map();
        let cell = cell.open_existing();
        let newer = cell.clone().reader().expect("it is there").newer_than(0);
        let cell = Cell {
            writer,
            another: Box::new(move || cell.clone().writer().ok()),
            newer: End::from(Box::new(newer)),
            latest: 0,
            version: 0,
            seen: 0,
        };
        let damage = Damage::new(&map);
        Self { what: What::Cell(Box::new(cell)), next: 1, damage, parking, wait, _map: map, _space: space }
    }

    /// Whether nothing was ever hit.
    pub(super) fn is_known(&self) -> bool {
        !self.damage.any
    }

    /// Whether a call on the source would not have to wait. Of a ring the sources are its senders, then its receivers.
    pub(super) fn is_ready(&self, source: usize) -> bool {
        match &self.what {
            What::Ring(ring) if source < ring.senders.len() => {
                ring.queue.len() < ring.capacity || ring.receivers.is_empty()
            }
            What::Ring(ring) => !ring.queue.is_empty() || ring.senders.is_empty(),
            What::Cell(cell) => cell.seen != cell.version || cell.writer.is_none(),
        }
    }

    pub(super) fn sources(&self) -> usize {
        match &self.what {
            What::Ring(ring) => ring.senders.len() + ring.receivers.len(),
            What::Cell(_) => 1,
        }
    }

    /// That source.
    pub(super) fn source(&mut self, source: usize) -> &mut dyn Source {
        match &mut self.what {
            What::Ring(ring) => match source.checked_sub(ring.senders.len()) {
                None => ring.senders[source].end.source(),
                Some(receiver) => ring.receivers[receiver].end.source(),
            },
            What::Cell(cell) => &mut *cell.newer.end,
        }
    }

    /// Who is told when it is ready.
    pub(super) fn noted(&mut self, source: usize) -> &mut Option<Noted> {
        match &mut self.what {
            What::Ring(ring) => match source.checked_sub(ring.senders.len()) {
                None => &mut ring.senders[source].noted,
                Some(receiver) => &mut ring.receivers[receiver].noted,
            },
            What::Cell(cell) => &mut cell.newer.noted,
        }
    }

    /// The word of that source's gate, without the mark that somebody sleeps there.
    pub(super) fn gate(&self, source: usize) -> u64 {
        self.gate_word(source) & 0xffff_fffe
    }

    fn gate_word(&self, source: usize) -> u64 {
        let parts = self.damage.parts;
        self.damage.word(match &self.what {
            What::Ring(ring) if source < ring.senders.len() => senders_gate(&parts),
            What::Ring(_) => receivers_gate(&parts),
            What::Cell(_) => cell_gate(&parts),
        })
    }

    /// Notes that the source is to be told.
    pub(super) fn note(&mut self, source: usize, note: Note) {
        let gate = self.gate(source);
        *self.noted(source) = Some(Noted { note, gate });
    }

    /// # Panics
    ///
    /// If one that waits is not told that it need not wait any more.
    pub(super) fn assert_told(&mut self) {
        for source in 0..self.sources() {
            if !self.is_known() || !self.is_ready(source) {
                continue;
            }
            let (gate, parking) = (self.gate(source), self.parking);
            let Some(noted) = self.noted(source).take() else { continue };
            assert!(gate != noted.gate || parking == Parking::Never, "nobody has rung");
            assert!(noted.note.is_told(), "a wake is lost");
        }
    }
}
