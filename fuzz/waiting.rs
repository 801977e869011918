//! Waiting of every kind: calls with a time limit, selects, futures, descriptors, and threads that sleep; on rings and cells,
//! in whose memory somebody may write what nobody should.
//!
//! Nothing panics or hangs, and no descriptor stays open. As long as no word of a channel was hit, what was sent is received,
//! once and in order; a source is ready when the model says so; and whoever was told to wait is told when it is. Who lives
//! is never asked, so that nothing but that wakes it; for a fuzzer no sleep ends by itself either.

mod calls;
mod line;
mod note;
mod sides;
mod sleepers;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

use ringway::channel::Source;
use ringway::{Select, Wait};

use super::input::Input;
use super::scribble::{CALLS, ENOUGH};
use line::Line;
use note::{Descriptors, Note};
use sides::MOMENT;

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let (input, started) = (&mut input, Instant::now());
    let lines = (0..1 + input.below(3)).map(|_| Line::new(input)).collect();
    let mut bench =
        Bench { lines, select: (Select::fair(), Some(0), Wait::Park), descriptors: Descriptors::default() };
    for _ in 0..CALLS {
        if input.is_empty() || started.elapsed() > ENOUGH {
            break;
        }
        bench.operate(input);
        bench.lines.iter_mut().for_each(Line::assert_told);
    }
    drop(bench.lines);
    bench.descriptors.assert_closed();
}

struct Bench {
    lines: Vec<Line>,
    /// With where it begins next, if it is a fair one, and how it waits.
    select: (Select, Option<usize>, Wait),
    descriptors: Descriptors,
}

impl Bench {
    fn operate(&mut self, input: &mut Input<'_>) {
        let (operation, which) = (input.byte() % 32, input.below(self.lines.len()));
        let line = &mut self.lines[which];
        match operation {
            0 => line.damage.strike(input),
            1..=8 => line.send(input),
            9..=16 => line.receive(input),
            17..=19 => self.select(input),
            20 => {
                let wait = [Wait::Park, Wait::ParkAtOnce, Wait::Spin, Wait::Yield][input.below(4)];
                let is_fair = input.byte() % 2 == 0;
                let select = if is_fair { Select::fair() } else { Select::by_priority() };
                self.select = (select.policy(wait), is_fair.then_some(0), wait);
            }
            21 | 22 if line.sources() > 0 => {
                let source = input.below(line.sources());
                let note = self.descriptors.arm(line.source(source));
                assert!(!line.is_known() || note.is_none() == line.is_ready(source));
                if let Some(note) = note {
                    line.note(source, note);
                }
            }
            23..=25 => line.sleep(input),
            26 => self.sleep_at_all(input),
            27 | 28 => line.leave(input),
            29 | 30 => line.come(input),
            31 => line.sleep_while_hit(input),
            _ => {}
        }
    }

    /// One source of each channel, and which of them is ready.
    fn select(&mut self, input: &mut Input<'_>) {
        let how = input.byte();
        let open: Vec<&mut Line> = self.lines.iter_mut().filter(|line| line.sources() > 0).collect();
        let mut chosen: Vec<_> = open.into_iter().map(|line| (input.below(line.sources()), line)).collect();
        let count = chosen.len();
        if count == 0 {
            return;
        }
        let are_known = chosen.iter().all(|(_, line)| line.is_known());
        let ready: Vec<_> =
            chosen.iter().map(|(source, line)| line.is_known().then(|| line.is_ready(*source))).collect();
        let (select, next, _) = &mut self.select;
        let (note, waker) = Note::task();
        let mut sources: Vec<&mut dyn Source> =
            chosen.iter_mut().map(|(source, line)| line.source(*source)).collect();
        let answer = match how % 3 {
            0 => select.poll(&mut sources),
            1 => select.wait_timeout(&mut sources, MOMENT),
            _ => match pin!(select.wait_async(&mut sources)).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(index) => Some(index),
                Poll::Pending => None,
            },
        };
        let first = next.unwrap_or(0);
        let expected =
            (0..count).map(|step| (first + step) % count).find(|index| ready[*index] == Some(true));
        match answer {
            _ if are_known => assert_eq!(answer, expected),
            Some(index) => assert_ne!(ready[index], Some(false), "{index} is not ready"),
            None => assert_eq!(expected, None, "it is ready"),
        }
        if let (Some(next), Some(found)) = (next, answer) {
            *next = (found + 1) % count;
        }
        if how % 3 == 2 {
            for (source, line) in chosen {
                match answer {
                    Some(_) => *line.noted(source) = None,
                    None => line.note(source, note.clone()),
                }
            }
        }
    }
}
