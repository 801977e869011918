//! The kernel's part of sleeping at a gate: a stand-in for its futex.
//!
//! A sleep has no time limit here, so that a lost wake is a deadlock, which loom reports; but a model may say that the
//! time of all is up.

use std::mem::take;
use std::sync::Arc;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread::{self, Thread};
use ringway::protocol::gate::{self, Gate};
use ringway::sync::model::Barrier;

/// Those who sleep at one word. As in the kernel, whoever goes to sleep compares the word under the queue's lock, and
/// whoever wakes takes that lock.
#[derive(Clone, Default)]
pub struct Futex(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    asleep: Vec<Thread>,
    wakes: u32,
    /// A broken futex, which wakes one only.
    wakes_one: bool,
    is_over: bool,
}

impl Futex {
    /// A control.
    pub fn that_wakes_one() -> Self {
        Self(Arc::new(Mutex::new(Queue { wakes_one: true, ..Queue::default() })))
    }

    fn sleep(&self, word: &AtomicU32, seen: u32) {
        let mut queue = self.0.lock().unwrap();
        if !queue.is_over && word.load(Ordering::Relaxed) == seen {
            queue.asleep.push(thread::current());
            // Without the guard, which could not be dropped in a deadlock. Nobody runs between the two.
            drop(queue);
            thread::park();
        }
    }

    fn wake(&self) {
        let mut queue = self.0.lock().unwrap();
        queue.wakes += 1;
        let most = if queue.wakes_one { queue.asleep.len().min(1) } else { queue.asleep.len() };
        let woken: Vec<_> = queue.asleep.drain(..most).collect();
        drop(queue);
        woken.iter().for_each(Thread::unpark);
    }

    /// The time of all sleeps is up, of those that are still to come, too.
    pub fn expire(&self) {
        let mut queue = self.0.lock().unwrap();
        queue.is_over = true;
        let woken = take(&mut queue.asleep);
        drop(queue);
        woken.iter().for_each(Thread::unpark);
    }

    /// How often the kernel was asked to wake.
    pub fn wakes(&self) -> u32 {
        self.0.lock().unwrap().wakes
    }

    /// Tells those who sleep that there are news, as the channels do after they have published.
    pub fn ring(&self, gate: &Gate) {
        gate.notify(Barrier::Fence, |_| self.wake());
    }

    /// Sleeps once, unless a last look finds something.
    pub fn nap<R>(&self, gate: &Gate, look: impl FnOnce() -> Option<R>) -> Option<R> {
        gate::sleep(gate, Barrier::Fence, look, |word, seen, is_heard| {
            assert!(is_heard);
            self.sleep(word, seen);
        })
    }

    /// Sleeps and looks by turns until there is something, as a blocking call does that has found nothing at first.
    pub fn wait<R>(&self, gate: &Gate, mut look: impl FnMut() -> Option<R>) -> R {
        loop {
            if let Some(found) = self.nap(gate, &mut look) {
                return found;
            }
            if let Some(found) = look() {
                return found;
            }
        }
    }
}
