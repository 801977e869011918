//! Holding off before the first look of a wait.

/// How long a side holds off before it looks again, so that it does not tear the lines with the news from a
/// peer that is about to write them once more.
///
/// In a stream, a receiver that has caught up costs the sender one transfer of a line for each message, and so does
/// a sender that writes each slot as soon as it was given back; a side that holds off for a moment has several for
/// one transfer. In a dialogue it would only be late. The two are told apart by what passed since the last wait: one
/// message in a dialogue, more in a stream. In a dialogue of batches more passes as well, but no more for a longer
/// hold, so that such a one is kept only where more came of it.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pauses: u32,
    waited_at: u64,
    /// Waits of this round, with the same number of pauses, and what passed in them.
    waits: u32,
    passed: u64,
    /// What passed in the last round of [`SHORT`] holds.
    passed_short: u64,
    /// So many rounds before a longer hold is tried again.
    rest: u32,
    /// Rounds of longer holds in turn.
    rounds: u32,
}

/// Holding off grows to so many pauses (25 to 45 ns each) by itself: about a microsecond.
const SHORT: u32 = 32;
/// And to so many where it pays.
const LONG: u32 = 256;
/// Whether it does is judged by so many waits at a time.
const WAITS: u32 = 4;
/// And if it does not, tried again after so many of these rounds; and if it does, compared with short ones again.
const REST: u32 = 64;
/// A ring smaller than this is full or empty before holding off can pay.
const SMALL: u32 = 64;

impl Pace {
    /// Holds off before the first look of a wait of a side that is at `position`, for no more than [`SHORT`] if `is_brief`.
    /// `is_awaited`: somebody waits for what comes meanwhile, and it is late by that.
    pub(crate) fn hold(&mut self, position: u64, capacity: u32, is_awaited: bool, is_brief: bool) {
        let passed = position.wrapping_sub(self.waited_at);
        self.waited_at = position;
        if capacity >= SMALL {
            let pauses = self.adapt(passed, capacity, is_awaited, is_brief);
            (0..pauses).for_each(|_| std::hint::spin_loop());
        }
    }

    /// So many messages passed since the last wait; how long the next hold is.
    fn adapt(&mut self, passed: u64, capacity: u32, is_awaited: bool, is_brief: bool) -> u32 {
        if passed <= 1 {
            self.pauses /= 2;
            (self.waits, self.passed) = (0, 0);
        } else if self.pauses < SHORT {
            self.pauses = (self.pauses * 2 + 1).min(SHORT);
        } else if !is_brief {
            self.passed += passed.min(capacity.into());
            self.waits += 1;
            if self.waits == WAITS {
                self.waits = 0;
                let passed = std::mem::take(&mut self.passed);
                self.end_round(passed, u64::from(WAITS * (capacity / 4)), is_awaited);
            }
        }
        if is_brief { self.pauses.min(SHORT) } else { self.pauses }
    }

    /// So many messages passed in this round. More than `enough` ask for no longer hold, and twice as many for a shorter one.
    fn end_round(&mut self, passed: u64, enough: u64, is_awaited: bool) {
        let is_short = self.pauses == SHORT;
        if is_short {
            self.passed_short = passed;
            self.rounds = 0;
        } else {
            self.rounds += 1;
        }
        let more = passed * 5 >= self.passed_short * u64::from(self.pauses / SHORT) * 3;
        // Who sends less than a message in a pause is not held up by one that is taken at once.
        let may = !is_awaited || passed >= u64::from(WAITS * self.pauses);
        let pays = more && may && passed < 2 * enough;
        if !(is_short || pays) {
            self.pauses /= 2;
            self.rest = REST;
        } else if self.rounds == REST {
            // What it is compared with may be of another time.
            self.pauses = SHORT;
        } else if self.rest > 0 {
            self.rest -= 1;
        } else if self.pauses < LONG && passed < enough && may {
            self.pauses *= 2;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How long each of so many holds is, of which each brings what `passed` says for its pauses.
    fn holds(pace: &mut Pace, waits: u32, is_awaited: bool, passed: impl Fn(u32) -> u32) -> Vec<u32> {
        let hold = |_| pace.adapt(passed(pace.pauses).into(), 1024, is_awaited, false);
        (0..waits).map(hold).collect()
    }

    #[test]
    fn in_a_dialogue_nobody_holds_off() {
        for is_awaited in [true, false] {
            assert_eq!(holds(&mut Pace::default(), 100, is_awaited, |_| 1), [0; 100]);
        }
    }

    #[test]
    fn in_a_dense_stream_both_sides_hold_off_longer_and_longer() {
        for is_awaited in [true, false] {
            let all = holds(&mut Pace::default(), 50, is_awaited, |pauses| 2 + pauses);
            assert_eq!(all[..6], [1, 3, 7, 15, 31, SHORT]);
            assert!(all.is_sorted(), "{all:?}");
            assert_eq!(all.last(), Some(&LONG), "{all:?}");
        }
    }

    #[test]
    fn what_is_awaited_in_a_thin_stream_is_late_by_no_more_than_a_short_hold() {
        let thin = |pauses| 2 + pauses / 3;
        assert_eq!(holds(&mut Pace::default(), 1000, true, thin).iter().max(), Some(&SHORT));
        assert_eq!(holds(&mut Pace::default(), 100, false, thin).last(), Some(&LONG));
        let mut pace = Pace::default();
        holds(&mut pace, 50, true, |pauses| 2 + pauses);
        assert_eq!(holds(&mut pace, 4 * WAITS, true, thin).last(), Some(&SHORT), "once it has become thin");
    }

    #[test]
    fn in_a_dialogue_of_batches_longer_holds_are_tried_once_in_a_while() {
        for (batch, is_awaited) in [(2, false), (8, false), (32, true), (64, true), (200, true), (200, false)]
        {
            let all = holds(&mut Pace::default(), 10_000, is_awaited, |_| batch);
            let longer = all.iter().filter(|pauses| **pauses > SHORT).count();
            assert!(
                longer > 0 && longer < all.len() / 60,
                "{longer} of {} with batches of {batch}",
                all.len()
            );
            assert_eq!(all.iter().max(), Some(&(2 * SHORT)), "with batches of {batch}");
        }
    }

    #[test]
    fn what_was_a_stream_is_judged_anew() {
        for (batch, is_awaited) in
            [(64, true), (200, true), (256, true), (400, true), (64, false), (200, false)]
        {
            let mut pace = Pace::default();
            holds(&mut pace, 50, is_awaited, |pauses| 2 + pauses);
            holds(&mut pace, 2 * REST * WAITS, is_awaited, |_| batch);
            let all = holds(&mut pace, 10_000, is_awaited, |_| batch);
            let longer = all.iter().filter(|pauses| **pauses > SHORT).count();
            assert!(longer < all.len() / 60, "{longer} of {} with batches of {batch}", all.len());
        }
        // Who waited for a slow receiver finds the whole ring empty.
        let mut pace = Pace::default();
        assert_eq!(holds(&mut pace, 50, false, |pauses| 2 + pauses / 8).last(), Some(&LONG));
        assert_eq!(holds(&mut pace, 4 * WAITS, false, |_| 1024).last(), Some(&SHORT));
    }

    #[test]
    fn a_stream_stays_with_long_holds_nearly_all_the_time() {
        let all = holds(&mut Pace::default(), 10_000, true, |pauses| 2 + pauses);
        let long = all.iter().filter(|pauses| **pauses == LONG).count();
        assert!(long > all.len() * 9 / 10 && long < all.len() * 99 / 100, "{long} of {}", all.len());
    }

    #[test]
    fn a_brief_hold_is_short_and_says_nothing_of_long_ones() {
        let mut pace = Pace::default();
        let mut brief = || pace.adapt(200, 1024, false, true);
        assert_eq!((0..100).map(|_| brief()).max(), Some(SHORT));
        assert_eq!(holds(&mut pace, 50, false, |pauses| 2 + pauses).last(), Some(&LONG));
        assert_eq!(pace.adapt(2, 1024, false, true), SHORT);
        assert_eq!(pace.adapt(2, 1024, false, false), LONG);
    }

    #[test]
    fn no_longer_hold_is_tried_where_a_quarter_of_the_ring_passes() {
        assert_eq!(holds(&mut Pace::default(), 1000, false, |_| 256).iter().max(), Some(&SHORT));
    }

    #[test]
    fn a_stream_that_has_become_a_dialogue_is_not_held_up_for_long() {
        let mut pace = Pace::default();
        holds(&mut pace, 50, true, |pauses| 2 + pauses);
        assert_eq!(holds(&mut pace, 9, true, |_| 1), [128, 64, 32, 16, 8, 4, 2, 1, 0]);
    }
}
