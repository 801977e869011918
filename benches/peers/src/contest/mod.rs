//! Contestants of two sides that take their slices by turns, and what they come to.
//!
//! Every contestant has a slice in each round, so that those that are compared ran within milliseconds of each other. What is
//! reported is the median of the ratios of such neighbours, apart for each place that the cores were in.

mod board;
mod duel;
mod figures;
mod plot;
mod table;

pub(crate) use board::{Board, YARDSTICKS};
pub(crate) use duel::{Contest, Contestant, Run, THREADS, WARM_UP, probe};
pub(crate) use figures::{Figures, Row, Sample, Spot, Unit};
pub(crate) use plot::{Plot, Series, write as write_plot};
pub(crate) use table::{Report, json, plot, print};

/// What one side did in a slice.
#[derive(Clone, Copy, Default)]
pub(crate) struct Side {
    /// Messages or rounds.
    pub(crate) done: u64,
    /// Messages that were torn, lost, out of order, or came twice.
    pub(crate) wrong: u64,
}

/// The next number that a side is to see, and what it saw else.
pub(crate) struct Check {
    next: u64,
    pub(crate) wrong: u64,
}

impl Check {
    pub(crate) fn new() -> Self {
        Self { next: 1, wrong: 0 }
    }

    /// Reads every word.
    #[inline]
    pub(crate) fn see<const N: usize>(&mut self, message: &[u64; N]) -> u64 {
        let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
        let number = message[0];
        if sum != self.next.wrapping_mul(N as u64) || number != self.next {
            self.stray(number, sum == number.wrapping_mul(N as u64));
        }
        self.next += 1;
        number
    }

    #[cold]
    fn stray(&mut self, number: u64, whole: bool) {
        self.wrong += 1;
        // Goes on from there, lest all that follow were wrong as well.
        if whole {
            self.next = number;
        }
    }

    /// What was wrong since this was asked last.
    pub(crate) fn take(&mut self) -> u64 {
        std::mem::take(&mut self.wrong)
    }
}
