//! The two sides of a round trip of sleepers.

use std::time::Instant;

use super::{Sleeper, WORDS};
use crate::contest::{Board, Check, Run, Side};
use crate::crew::{Counts, Job, Slice};
use crate::raw::FutexPingPong;

/// So many waits in vain are too many.
const WAITS: u32 = 3;

pub(super) fn asking(mut sleeper: impl Sleeper) -> Run {
    let mut number = 0;
    let mut check = Check::new();
    Box::new(move |count, _| {
        for _ in 0..count {
            number += 1;
            sleeper.say(&[number; WORDS]);
            let mut hear = || {
                sleeper.hear(|message| {
                    check.see(message);
                })
            };
            if !(0..WAITS).any(|_| hear()) {
                return None;
            }
        }
        Some(Side { done: count, wrong: check.take() })
    })
}

pub(super) fn answering(mut sleeper: impl Sleeper, board: Board) -> Job {
    let mut check = Check::new();
    Box::new(move |slice: &Slice<'_>| {
        let (start, count) = (Instant::now(), board.count());
        let mut done = 0;
        while done < count {
            let mut number = 0;
            match sleeper.hear(|message| number = check.see(message)) {
                true => {
                    sleeper.say(&[number; WORDS]);
                    done += 1;
                }
                false if slice.over() => break,
                false => {}
            }
        }
        let nanos = start.elapsed().as_nanos() as u64;
        Counts { operations: done, wrong: check.take(), nanos, ..Counts::default() }
    })
}

/// The yardstick.
pub(super) fn asking_bare(mut futexes: FutexPingPong) -> Run {
    Box::new(move |count, _| {
        futexes.rounds(count);
        Some(Side { done: count, wrong: 0 })
    })
}

pub(super) fn answering_bare(mut futexes: FutexPingPong, board: Board) -> Job {
    Box::new(move |_: &Slice<'_>| {
        let (start, count) = (Instant::now(), board.count());
        futexes.answer(count);
        Counts { operations: count, nanos: start.elapsed().as_nanos() as u64, ..Counts::default() }
    })
}
