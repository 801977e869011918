//! The two sides of a round trip.

use std::thread;
use std::time::Instant;

use crate::contest::{Board, Check, Run, Side};
use crate::crew::{Counts, Job, Slice};
use crate::links::{Inlet, LOOKS, Outlet, Patience};
use crate::raw::PingPong;

/// Calls `round` so many times, and times each if there is somewhere to put the time.
fn rounds(count: u64, singles: Option<&mut Vec<f32>>, mut round: impl FnMut() -> bool) -> bool {
    let Some(singles) = singles else { return (0..count).all(|_| round()) };
    let mut clock = Instant::now();
    (0..count).all(|_| {
        let done = round();
        let now = Instant::now();
        singles.push((now - clock).as_nanos() as f32);
        clock = now;
        done
    })
}

/// Sends a message and waits for it to come back.
pub(super) fn asking<const N: usize>(mut out: impl Outlet<N>, mut inlet: impl Inlet<N>) -> Run {
    let mut number = 0;
    let mut check = Check::new();
    Box::new(move |count, singles| {
        let done = rounds(count, singles, || {
            number += 1;
            let mut patience = Patience::new();
            while out.send(number, 1) == 0 {
                if patience.is_over() {
                    return false;
                }
            }
            let mut see = |message: &[u64; N]| {
                check.see(message);
            };
            while inlet.recv(&mut see) == 0 {
                if patience.is_over() {
                    return false;
                }
            }
            true
        });
        done.then(|| Side { done: count, wrong: check.take() })
    })
}

/// Sends back what it receives.
pub(super) fn answering<const N: usize>(
    mut out: impl Outlet<N>,
    mut inlet: impl Inlet<N>,
    board: Board,
) -> Job {
    let mut check = Check::new();
    Box::new(move |slice: &Slice<'_>| {
        let (start, count) = (Instant::now(), board.count());
        let mut done = 0;
        // Of looks in vain: not each of them looks whether this is over.
        let mut looks = 0_u64;
        let mut is_over = || {
            looks += 1;
            if looks % LOOKS == 0 {
                // The other side may need this core.
                thread::yield_now();
            }
            looks % 64 == 0 && slice.over()
        };
        'all: while done < count {
            let mut number = 0;
            while inlet.recv(|message| number = check.see(message)) == 0 {
                if is_over() {
                    break 'all;
                }
            }
            while out.send(number, 1) == 0 {
                if is_over() {
                    break 'all;
                }
            }
            done += 1;
        }
        let nanos = start.elapsed().as_nanos() as u64;
        Counts { operations: done, wrong: check.take(), nanos, ..Counts::default() }
    })
}

/// The yardstick.
pub(super) fn asking_bare(mut lines: PingPong) -> Run {
    Box::new(move |count, singles| {
        match singles {
            None => lines.rounds(count, || ()),
            Some(singles) => {
                let mut clock = Instant::now();
                lines.rounds(count, || {
                    let now = Instant::now();
                    singles.push((now - clock).as_nanos() as f32);
                    clock = now;
                });
            }
        }
        Some(Side { done: count, wrong: 0 })
    })
}

pub(super) fn answering_bare(mut lines: PingPong, board: Board) -> Job {
    Box::new(move |_: &Slice<'_>| {
        let (start, count) = (Instant::now(), board.count());
        lines.answer(count);
        Counts { operations: count, nanos: start.elapsed().as_nanos() as u64, ..Counts::default() }
    })
}
