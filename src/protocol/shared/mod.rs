//! The shared sides of the stamped ring: several senders, several receivers, one compare-exchange per claim.
//!
//! Source: Vyukov's bounded queue, with the lap in the stamp; the intent that is stored before the claim is the
//! announcement of lock-free helping schemes, here for the benefit of survivors.
//!
//! Sender, for k positions from t (k ≤ 255, k ≤ N):
//!
//! | step | | killed after it |
//! |---|---|---|
//! | P0 | t = tail.load(Relaxed) | nothing |
//! | P1 | stamp(q).load(Acquire) = FREE for q in t … t + k; less: full; more: t is old, P0 | nothing |
//! | P2 | intent.store(t, k; Release) | a claim that never was |
//! | P3 | tail.compare-exchange(t, t + k; Release); lost: intent.store(none, Release), P0 | k holes |
//! | P4 | write the payload of q | a hole: its bytes are never read |
//! | P5 | stamp(q).store(FULL, Release) | delivered |
//!
//! Receiver, for m positions from h (m ≤ 255, m ≤ N):
//!
//! | step | | killed after it |
//! |---|---|---|
//! | C0 | epoch.load(Acquire) has moved: first T1 | nothing |
//! | C1 | h = head.load(Relaxed) | nothing |
//! | C2 | stamp(q).load(Acquire) is FULL or SKIP for q in h … h + m; less: empty; more: h is old, C1 | nothing |
//! | C3 | intent.store(h, m; Release) | a claim that never was |
//! | C4 | head.compare-exchange(h, h + m; Release); lost: intent.store(none, Release), C1 | delivered again, or given back |
//! | C5 | read the payload of q, if it is FULL | delivered again |
//! | C6 | stamp(q).store(FREE of the next lap, Release) | delivered |
//!
//! Receiver, for an orphan; it has no open claim:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | T1 | e = epoch; look at every slot: stamp.load(Acquire) = ORPHAN(n); none: e is seen, C1 | nothing |
//! | T2 | intent.store(its position, 1; Release) | the orphan stays |
//! | T3 | stamp.compare-exchange(ORPHAN(n) to TAKEN(n, own record); Release); lost: clear the intent, look on | ORPHAN(n + 1) |
//! | T4 | C5, C6 | as there |
//!
//! Differences from the source: (1) a participant that loses a claim clears its intent before it does anything else,
//! so that a repair never waits for one that has moved on; (2) a claim may be given up: a sender stores SKIP, a
//! receiver ORPHAN; (3) a winner need not clear its intent: it points at slots that have moved on.
//!
//! *Progress.* Claims are lock-free: one fails only since another succeeded. Whoever loses 65536 of them in one call, as
//! it takes a peer that changes the words all the time, gives up for now (`Contended`). A sender that is stopped between P3
//! and P5 keeps everybody behind its slot from being received, and a receiver that is stopped between C4 and C6
//! keeps senders from going round the ring past its slot; both for as long as they are stopped, since nobody can
//! tell what they will do next. If they die `repair` closes the gap.

mod race;
mod receiver;
mod sender;

pub use receiver::SharedReceiver;
pub use sender::SharedSender;

use super::ring::{Blocked, Corruption, Position};
use race::{Look, MOST_LOOKS, race};

fn corrupt(word: &'static str, found: u64, position: Position) -> Blocked {
    Blocked::Corrupt(Corruption { word, found, position })
}
