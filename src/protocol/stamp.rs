//! The word in front of a message: what may be done with its slot.
//!
//! `lap << 12 | attempt << 8 | sub`, where the last two say
//!
//! | state | attempt | sub | who may go on from here |
//! |---|---|---|---|
//! | FREE | 0 | 0 | the sender that claims the position |
//! | FULL | 0 | 1 | the receiver that claims it |
//! | SKIP | 0 | 2 | the receiver that claims it: there is no message |
//! | ORPHAN(n) | n | 0 | any receiver: the message was claimed n times by receivers that did not give it back |
//! | TAKEN(n, r) | n | 1 + r | the receiver in record r, which has taken the orphan |
//!
//! Attempts are 1 to 15. As numbers the states of a lap come in the order of its life, FREE < FULL < SKIP <
//! ORPHAN(1) < TAKEN(1, r) < ORPHAN(2) < …, and all of them before FREE of the next lap, which is how a slot is
//! given back. So **a stamp only ever grows**, and no value comes twice: whoever changes it by
//! compare-exchange, however late, changes it only if nothing at all has happened to the slot meanwhile.

/// Highest number of attempts that a stamp can count.
pub const MOST_ATTEMPTS: u32 = 15;

const LAP: u32 = 12;
const ATTEMPT: u32 = 8;

/// Nothing is in the slot, and this lap's message may be written.
#[inline]
pub const fn free(lap: u64) -> u64 {
    lap << LAP
}

/// This lap's message is published.
#[inline]
pub const fn full(lap: u64) -> u64 {
    lap << LAP | 1
}

/// There is no message in this lap.
#[inline]
pub const fn skip(lap: u64) -> u64 {
    lap << LAP | 2
}

/// The message was claimed `attempt` times and is to be delivered again.
pub const fn orphan(lap: u64, attempt: u32) -> u64 {
    lap << LAP | (attempt as u64) << ATTEMPT
}

/// The orphan was taken by the receiver in that record.
pub const fn taken(lap: u64, attempt: u32, record: u32) -> u64 {
    orphan(lap, attempt) | (1 + record as u64)
}

/// What a stamp says of its lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Free,
    /// A message.
    Full,
    /// No message.
    Skip,
    /// A message that was claimed so often.
    Orphan(u32),
    /// An orphan that was claimed so often before, and is claimed by the receiver in that record.
    Taken(u32, u32),
    /// Nothing that the protocol writes.
    Nonsense,
}

/// The lap of a stamp.
#[inline]
pub const fn lap(stamp: u64) -> u64 {
    stamp >> LAP
}

/// What a stamp says of its lap.
pub const fn state(stamp: u64) -> State {
    let attempt = (stamp >> ATTEMPT & 15) as u32;
    match (attempt, (stamp & 255) as u32) {
        (0, 0) => State::Free,
        (0, 1) => State::Full,
        (0, 2) => State::Skip,
        (0, _) => State::Nonsense,
        (attempt, 0) => State::Orphan(attempt),
        (attempt, record) => State::Taken(attempt, record - 1),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_a_lap_grow_from_free_to_the_next_lap() {
        let mut stamps = vec![free(7), full(7), skip(7)];
        for attempt in 1..=MOST_ATTEMPTS {
            stamps.extend([orphan(7, attempt), taken(7, attempt, 0), taken(7, attempt, 253)]);
        }
        stamps.push(free(8));
        assert!(stamps.is_sorted_by(|one, next| one < next), "{stamps:x?}");
    }

    #[test]
    fn a_stamp_says_what_was_put_into_it() {
        assert_eq!([free(3), full(3), skip(3)].map(state), [State::Free, State::Full, State::Skip]);
        assert_eq!(state(orphan(3, 15)), State::Orphan(15));
        assert_eq!(state(taken(3, 1, 253)), State::Taken(1, 253));
        assert_eq!(state(3), State::Nonsense);
        let last = (1 << 52) - 1;
        assert!([free, full, skip].iter().all(|make| lap(make(last)) == last));
        assert_eq!((lap(taken(last, 15, 253)), state(taken(last, 15, 253))), (last, State::Taken(15, 253)));
    }
}
