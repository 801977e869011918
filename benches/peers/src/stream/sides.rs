//! The two sides of a stream.

use std::thread;
use std::time::Instant;

use crate::contest::{Board, Check, Run, Side};
use crate::crew::{Counts, Job, Slice};
use crate::links::{Inlet, LOOKS, Outlet, Patience};
use crate::raw::BatchRing;

/// Sends as many as a slice has, and waits until they are there.
pub(super) fn sending<const N: usize>(mut out: impl Outlet<N>, board: Board) -> Run {
    let mut next = 1;
    Box::new(move |count, _| {
        let end = next + count;
        let mut patience = Patience::new();
        while next < end {
            match out.send(next, end - next) {
                0 if patience.is_over() => return None,
                0 => {}
                sent => {
                    next += sent;
                    patience.renew();
                }
            }
        }
        board.wait()
    })
}

/// Receives them, and reads every word.
pub(super) fn receiving<const N: usize>(mut inlet: impl Inlet<N>, board: Board) -> Job {
    let mut check = Check::new();
    Box::new(move |slice: &Slice<'_>| {
        let (start, count) = (Instant::now(), board.count());
        let (mut side, mut looks) = (Side::default(), 0_u64);
        while side.done < count {
            let seen = inlet.recv(|message| {
                check.see(message);
            });
            if seen == 0 {
                looks += 1;
                if looks % LOOKS == 0 {
                    // The other side may need this core.
                    thread::yield_now();
                }
                if slice.over() {
                    break;
                }
            }
            side.done += seen;
        }
        side.wrong = check.take();
        if side.done >= count {
            board.finish(side);
        }
        let nanos = start.elapsed().as_nanos() as u64;
        Counts { operations: side.done, wrong: side.wrong, nanos, ..Counts::default() }
    })
}

/// The yardstick, which checks itself.
pub(super) fn sending_bare(mut ring: BatchRing, board: Board) -> Run {
    Box::new(move |count, _| {
        ring.send(count);
        board.wait()
    })
}

pub(super) fn receiving_bare(mut ring: BatchRing, board: Board) -> Job {
    Box::new(move |_: &Slice<'_>| {
        let (start, count) = (Instant::now(), board.count());
        ring.recv(count);
        board.finish(Side { done: count, wrong: 0 });
        Counts { operations: count, nanos: start.elapsed().as_nanos() as u64, ..Counts::default() }
    })
}
