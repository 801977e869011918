//! How long nothing moved.

use std::collections::HashMap;

use hdrhistogram::Histogram;

use crate::message::now_ns;

/// Longer than anybody waits, in nanoseconds.
const HIGHEST: u64 = 1_000_000_000_000;

/// A kill that nobody is known to have received anything after.
struct Kill {
    at: u64,
    /// The first message after it, as far as is known; it is final if it was known a pass ago.
    next: Option<u64>,
    known: bool,
}

/// From each kill to the next message that anybody received, and between two messages of one receiver; in
/// nanoseconds of the receivers' clocks.
pub(crate) struct Stalls {
    kills: Vec<Kill>,
    /// Of the receivers that live: the latest message, and the longest time without one before it.
    readers: HashMap<u32, (u64, u64)>,
    pub(crate) after_kills: Histogram<u64>,
    /// The longest of each receiver.
    pub(crate) gaps: Histogram<u64>,
    /// Between two passes of the supervisor, which waits for nobody: how long the machine had no core for it.
    pub(crate) passes: Histogram<u64>,
    passed: u64,
    /// When somebody received something for the last time.
    pub(crate) latest: u64,
}

impl Stalls {
    pub(crate) fn new() -> Self {
        let histogram = || Histogram::new_with_max(HIGHEST, 3).expect("a range and three digits");
        Self {
            kills: Vec::new(),
            readers: HashMap::new(),
            after_kills: histogram(),
            gaps: histogram(),
            passes: histogram(),
            passed: now_ns(),
            latest: now_ns(),
        }
    }

    pub(crate) fn killed(&mut self, at: u64) {
        self.kills.push(Kill { at, next: None, known: false });
    }

    pub(crate) fn received(&mut self, receiver: u32, at: u64) {
        self.latest = self.latest.max(at);
        for kill in self.kills.iter_mut().filter(|kill| at > kill.at) {
            kill.next = Some(kill.next.map_or(at, |next| next.min(at)));
        }
        let (latest, longest) = self.readers.entry(receiver).or_insert((at, 0));
        *longest = (*longest).max(at.saturating_sub(*latest));
        *latest = at;
    }

    pub(crate) fn ended(&mut self, receiver: u32) {
        if let Some((_, longest)) = self.readers.remove(&receiver) {
            self.gaps.saturating_record(longest);
        }
    }

    /// Everything that was said before the pass began has been heard.
    pub(crate) fn pass(&mut self) {
        let now = now_ns();
        self.passes.saturating_record(now - self.passed);
        self.passed = now;
        let Self { kills, after_kills, .. } = self;
        kills.retain_mut(|kill| match kill.next {
            Some(next) if kill.known => {
                after_kills.saturating_record(next - kill.at);
                false
            }
            next => {
                kill.known = next.is_some();
                true
            }
        });
    }
}
