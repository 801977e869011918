//! What travels: the messages of the storm, what the senders write down, and what the receivers say.

use std::io;
use std::thread;
use std::time::Duration;

use ringway::Message;
use rustix::time::{ClockId, clock_gettime};

/// The longest batch.
pub(crate) const BATCH: u64 = 64;

/// A message: who sent it, its number, and words that follow from those two.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
#[message(name = "storm.Parcel")]
#[repr(C)]
pub(crate) struct Parcel {
    /// The sender's [`Task::number`](crate::arguments::Task::number).
    pub(crate) sender: u64,
    /// Counts from 0, for each sender.
    pub(crate) number: u64,
    pub(crate) filling: [u64; 4],
    /// Over all the rest.
    pub(crate) checksum: u64,
}

impl Parcel {
    pub(crate) const BYTES: usize = size_of::<Self>();
    /// Nobody sends it.
    pub(crate) const NONE: Self = Self { sender: 0, number: 0, filling: [0; 4], checksum: 0 };

    /// As it is in memory.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let [sender, number, a, b, c, d, checksum] = [0, 8, 16, 24, 32, 40, 48].map(|at| word(bytes, at));
        Self { sender, number, filling: [a, b, c, d], checksum }
    }

    pub(crate) fn new(sender: u32, number: u64) -> Self {
        let sender = u64::from(sender);
        let mut filling = [0; 4];
        for (at, word) in filling.iter_mut().enumerate() {
            *word = mixed(sender << 32 ^ number, at as u64);
        }
        let mut parcel = Self { sender, number, filling, checksum: 0 };
        parcel.checksum = parcel.sum();
        parcel
    }

    fn sum(&self) -> u64 {
        let words = [self.sender, self.number].into_iter().chain(self.filling);
        words.fold(0x9e37_79b9_7f4a_7c15, mixed)
    }

    /// Whether it is one that was sent, word for word.
    pub(crate) fn is_whole(&self) -> bool {
        self.checksum == self.sum()
            && u32::try_from(self.sender).is_ok_and(|sender| *self == Self::new(sender, self.number))
    }
}

fn mixed(sum: u64, word: u64) -> u64 {
    ((sum ^ word).rotate_left(23)).wrapping_mul(0xff51_afd7_ed55_8ccd)
}

/// A sender's mark: it has sent all numbers below `sent`, and may have sent those below `begun`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) sent: u64,
    pub(crate) begun: u64,
}

impl Mark {
    pub(crate) const BYTES: usize = 16;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.sent.to_le_bytes());
        bytes[8..].copy_from_slice(&self.begun.to_le_bytes());
        bytes
    }

    pub(crate) fn of_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self { sent: word(&bytes, 0), begun: word(&bytes, 8) }
    }
}

/// What a receiver has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum What {
    /// It has these messages, in a slot that it has not given back.
    InPlace,
    /// It has these, and is about to copy them and give the slot back.
    Copied,
    /// It has these, in slots that it gave back before it said so.
    Batch,
    /// It is about to take up to so many, to the memory at `first`, and to give their slots back.
    Open,
    /// There were none.
    Nothing,
    /// It has this one, which nobody sent.
    Torn,
}

impl What {
    const ALL: [What; 6] = [What::InPlace, What::Copied, What::Batch, What::Open, What::Nothing, What::Torn];
}

/// One thing that a receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) what: What,
    /// How often they may have been received before.
    pub(crate) attempt: u8,
    /// Messages with numbers from `first` on.
    pub(crate) count: u16,
    pub(crate) sender: u32,
    pub(crate) first: u64,
    /// When, by [`now_ns`].
    pub(crate) at: u64,
}

impl Note {
    /// A divisor of a page, and so of what a pipe takes as a whole or not at all.
    pub(crate) const BYTES: usize = 32;

    /// That a receiver has this message.
    pub(crate) fn of(what: What, parcel: &Parcel, attempt: u32, at: u64) -> Self {
        let what = if parcel.is_whole() {
            what
        } else {
            eprintln!("storm: torn: {parcel:x?}");
            What::Torn
        };
        let attempt = u8::try_from(attempt).unwrap_or(u8::MAX);
        Self { what, attempt, count: 1, sender: parcel.sender as u32, first: parcel.number, at }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = self.what as u8;
        bytes[1] = self.attempt;
        bytes[2..4].copy_from_slice(&self.count.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.sender.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.at.to_le_bytes());
        bytes
    }

    /// # Errors
    ///
    /// If nobody says such a thing.
    pub(crate) fn of_bytes(bytes: &[u8]) -> io::Result<Self> {
        let what = What::ALL.into_iter().find(|what| *what as u8 == bytes[0]);
        let what = what.ok_or_else(|| io::Error::other(format!("a receiver said {bytes:?}")))?;
        Ok(Self {
            what,
            attempt: bytes[1],
            count: u16::from_le_bytes([bytes[2], bytes[3]]),
            sender: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            first: word(bytes, 8),
            at: word(bytes, 16),
        })
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Now, on the clock that all processes of the machine share.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Random enough.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Never 0, which would stay.
        Self(mixed(seed, 0x2545_f491_4f6c_dd1d) | 1)
    }

    /// Below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    /// Now and then sleeps for a moment: whoever has a slot in hand is then more likely to be killed with it.
    pub(crate) fn dawdle(&mut self) {
        if self.below(256) == 0 {
            thread::sleep(Duration::from_micros(200));
        }
    }
}
