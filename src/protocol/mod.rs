//! Who may touch which slot, and when.
//!
//! No payload, no mapping, no operating system: a protocol works on atomics that somebody else placed and
//! hands out slot numbers; the typed layer moves the bytes. So loom runs this text and nothing like it.
//!
//! | file | what | source | progress | what a crash leaves |
//! |---|---|---|---|---|
//! | `ring` | the control words, positions, laps and stamps | Vyukov's bounded queue, with a stamp per lap instead of a sequence number | | |
//! | `sole` | the ring with one sender and one receiver, published by stamp or by index | Lamport's queue; FastForward for the stamp in the slot | wait-free | a published message, or none |
//! | `stamp`, `intent` | the word before a message, and the word in which a participant says what it claims | | | |
//! | `side` | what a channel asks of either side, whatever the ring | | | |
//! | `shared` | one of several senders, one of several receivers | Vyukov's bounded queue; an intent before each claim | lock-free, behind a stopped claimant blocked | holes and unread messages, which `repair` finds |
//! | `lone` | a sole side that faces a shared one | FastForward, with a mark for what was begun | wait-free | a published message, or none; an unread message, in order |
//! | `repair` | closing the holes of dead senders, setting the messages of dead receivers free | | lock-free | what was to be repaired |
//! | `table` | the roster of a shared side | | bounded by the table | a record that is repaired and free |
//! | `ahead` | fetching the lines of later slots | | | |
//! | `roster` | who takes part: one record each, and a kernel lock that dies with its holder | robust locks, sticky death certificates | wait-free | a record that any peer can judge |
//! | `seqlock` | the latest value of one writer, for readers that only read | Lameter's and Boehm's sequence lock, with several slots in turn | writer wait-free, reader lock-free | the latest complete value |
//! | `key` | the key beside a cell, stored once | | wait-free | a key, or none |
//! | `peer` | what an empty or a full ring means when the peer is gone | | wait-free | nothing |
//! | `gate` | where one side sleeps until the other has news | event counts, with the waiters' bit in the word | wait-free | one empty wake |
//! | `counters` | what participants count for people to look at | | | |
//! | `lifecycle` | the state word of a segment | | wait-free | a segment that nobody accepts |
//! | `observe` | what one says of a ring who only reads it | | | |
//! | `tap` | the messages as they pass, for one that takes none | the reading side of a sequence lock, over the words of the ring | wait-free | nothing |
//! | `strided` | n atomics at a fixed distance | | | |

#![allow(unreachable_pub, reason = "public to the models, private in the library")]

pub mod ahead;
pub mod counters;
pub mod gate;
pub mod intent;
pub mod key;
pub mod lifecycle;
pub mod lone;
#[cfg(not(loom))]
pub mod observe;
pub mod peer;
pub mod repair;
pub mod ring;
pub mod roster;
pub mod seqlock;
pub mod shared;
pub mod side;
pub mod sole;
pub mod stamp;
mod strided;
pub mod table;
pub mod tap;
#[cfg(all(test, not(loom)))]
mod tests;

pub use strided::Strided;

/// A cache line of its own, and its neighbour's: current prefetchers pull lines in pairs.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Line<T>(pub T);
