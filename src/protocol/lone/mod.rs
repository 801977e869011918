//! A sole side that faces a shared one: no read-modify-write, and its successor goes on exactly where it stopped.
//!
//! The stamps are those of the shared sides (`shared`), and the other side cannot tell the difference, except that a
//! sole sender leaves no holes, and what a sole receiver leaves is delivered in order.
//!
//! Sender, for the message at position t:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | X1 | stamp(t).load(Acquire) = FREE; less: full | the message never existed |
//! | X2 | write the payload | the message never existed |
//! | X3 | stamp(t).store(FULL, Release) | delivered |
//! | X4 | tail.store(t + 1, Relaxed) | delivered |
//!
//! Its successor starts at tail and steps over every slot whose stamp is past FREE of its lap: at most N steps.
//!
//! Receiver, for m messages from h (m ≤ 255; m = 1 if it has been delivered before):
//!
//! | step | | killed after it |
//! |---|---|---|
//! | Y1 | stamp(q).load(Acquire) is FULL, ORPHAN(n), SKIP or TAKEN (dropped) for q in h … h + m; less: empty | nothing |
//! | Y2 | intent.store(h, m; Relaxed) | delivered again, and marked |
//! | Y3 | read the payload of q, unless it is SKIP or TAKEN | the same |
//! | Y4 | stamp(q).store(FREE of the next lap, Release) | delivered |
//! | Y5 | head.store(h + m, Relaxed) | delivered |
//!
//! Its successor starts at head and steps over every slot that is FREE of its next lap. What the intent names and
//! was not given back it marks as ORPHAN with one attempt more (or drops it, if the channel says so, or if it was
//! the sixteenth), and then receives it, in order. A successor that dies at that is counted as an attempt, too.
//!
//! *Why no compare-exchange.* The lock of the role makes the words of this side its holder's alone, and the kernel
//! hands everything that a dead holder did to the next one with the lock.

mod receiver;
mod sender;

pub use receiver::LoneReceiver;
pub use sender::LoneSender;

use super::ring::{Blocked, Corruption, Position};

fn corrupt(word: &'static str, found: u64, position: Position) -> Blocked {
    Blocked::Corrupt(Corruption { word, found, position })
}
