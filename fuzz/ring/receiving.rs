//! What receivers get, by the model, and what they do get.

use std::time::Duration;

use ringway::{Broken, Departure, RecvTimeoutError, TryRecvError};

use super::super::ends::{Ends, Numbered};
use super::super::input::Input;
use super::{Bench, ENDS, Rx, State, count};

impl<T: Numbered, K: Ends> Bench<T, K> {
    /// Whether a receiver that has none would get a message now.
    pub(super) fn has_message(&self) -> bool {
        let is_skipped = |state: &&State| **state == State::Skipped;
        let next = self.log[self.head..].iter().find(|state| !is_skipped(state));
        matches!(next, Some(State::Full(_))) || self.orphans().next().is_some()
    }

    fn orphans(&self) -> impl Iterator<Item = (usize, u64, u32)> + '_ {
        self.log.iter().enumerate().filter_map(|(at, state)| match state {
            State::Orphan(number, attempts) => Some((at, *number, *attempts)),
            _ => None,
        })
    }

    /// What a receiver gets that may have up to `want` messages: each with its position and attempts. `None`: one of
    /// the orphans.
    fn claim(&mut self, who: usize, want: usize) -> Option<Vec<(usize, u64, u32)>> {
        if let Some(at) = self.receivers[who].held {
            let State::Held(number, attempts) = self.log[at] else { unreachable!("it is held") };
            return Some(vec![(at, number, attempts)]);
        }
        if K::SHARED_RECEIVERS && self.orphans().next().is_some() {
            return None;
        }
        let most = if K::SHARED_SENDERS || K::SHARED_RECEIVERS { want.min(255) } else { want };
        let mut messages = Vec::new();
        while messages.is_empty() {
            let end = self.log.len().min(self.head + most.min(self.capacity));
            let ready = |at: &usize| matches!(self.log[*at], State::Full(_) | State::Skipped);
            let claimed: Vec<usize> = (self.head..end).take_while(ready).collect();
            if claimed.is_empty() {
                break;
            }
            self.head += claimed.len();
            for at in claimed {
                if let State::Full(number) = self.log[at] {
                    messages.push((at, number, 0));
                }
                self.log[at] = State::Done;
            }
        }
        Some(messages)
    }

    fn none(&self) -> TryRecvError {
        let held = K::SHARED_RECEIVERS && self.log.iter().any(|state| matches!(state, State::Held(..)));
        // A sole receiver of a sole sender looks only at what is there.
        let counts = K::SHARED_SENDERS || K::SHARED_RECEIVERS;
        if counts && self.head == self.end && !held {
            TryRecvError::Broken(Broken::Exhausted)
        } else if self.senders.is_empty() && !held {
            TryRecvError::Disconnected(Departure::Left)
        } else {
            TryRecvError::Empty
        }
    }

    /// The receiver has got these, and has given them back.
    fn got(&mut self, who: usize, expected: Option<Vec<(usize, u64, u32)>>, got: &[T]) {
        let redelivered = self.receivers[who].end.redelivered();
        match expected {
            Some(expected) => {
                let numbers: Vec<T> = expected.iter().map(|(_, number, _)| T::of(*number)).collect();
                assert_eq!(got, numbers);
                assert_eq!(redelivered, expected.iter().map(|(_, _, attempts)| *attempts).max().unwrap_or(0));
                expected.iter().for_each(|(at, ..)| self.log[*at] = State::Done);
            }
            None => {
                let [message] = got else { panic!("{got:?}: what comes again comes alone") };
                let (at, ..) = self.orphan(message, redelivered);
                self.log[at] = State::Done;
            }
        }
        self.receivers[who].held = None;
    }

    fn orphan(&self, message: &T, attempts: u32) -> (usize, u64, u32) {
        let same = |orphan: &(usize, u64, u32)| T::of(orphan.1) == *message && orphan.2 == attempts;
        let found = self.orphans().find(same);
        found.unwrap_or_else(|| panic!("{message:?}, {attempts} times, of {:?}", self.log))
    }

    pub(super) fn receive(&mut self, operation: u8, who: usize, input: &mut Input<'_>) {
        match operation % 12 {
            0..=2 => {
                let expected = self.claim(who, 1);
                let is_none = expected.as_ref().is_some_and(Vec::is_empty);
                let none = self.none();
                let end = &mut self.receivers[who].end;
                let got = match operation % 3 {
                    1 if !is_none => end.recv().expect("there is one"),
                    2 if !is_none => end.recv_timeout(Duration::ZERO).expect("there is one"),
                    2 => {
                        let answer = end.recv_timeout(Duration::ZERO);
                        return match none {
                            TryRecvError::Empty => assert!(
                                matches!(
                                    answer,
                                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Stalled(_))
                                ),
                                "{answer:?}"
                            ),
                            TryRecvError::Broken(broken) => {
                                assert_eq!(answer, Err(RecvTimeoutError::Broken(broken)));
                            }
                            _ => assert_eq!(answer, Err(RecvTimeoutError::Disconnected(Departure::Left))),
                        };
                    }
                    _ if is_none => return assert_eq!(end.try_recv(), Err(none)),
                    _ => end.try_recv().expect("there is one"),
                };
                self.got(who, expected, &[got]);
            }
            3..=6 => {
                let want = count(input);
                if want == 0 {
                    return assert_eq!(self.receivers[who].end.try_recv_batch(&mut Vec::new(), 0), Ok(0));
                }
                let expected = self.claim(who, want);
                let mut got = Vec::new();
                let answer = self.receivers[who].end.try_recv_batch(&mut got, want);
                match &expected {
                    Some(none) if none.is_empty() => assert_eq!(answer, Err(self.none())),
                    _ => {
                        assert_eq!(answer, Ok(got.len()));
                        self.got(who, expected, &got);
                    }
                }
            }
            7..=9 => self.lease(operation % 12 == 7, who),
            10 => {
                if self.receivers.len() < ENDS {
                    let another = K::another_receiver(&self.receivers[who].end);
                    assert_eq!(another.is_some(), K::SHARED_RECEIVERS);
                    self.receivers.extend(another.map(|end| Rx { end, held: None }));
                }
            }
            _ if input.byte() % 4 == 0 => {
                let Rx { end, held } = self.receivers.swap_remove(who);
                drop(end);
                let Some(at) = held else { return };
                let State::Held(number, attempts) = self.log[at] else { unreachable!("it is held") };
                self.log[at] = if attempts == 15 { State::Done } else { State::Orphan(number, attempts + 1) };
                self.poisoned += u64::from(attempts == 15);
            }
            _ => self.check_health(),
        }
    }

    fn lease(&mut self, is_dropped: bool, who: usize) {
        let before = (self.head, self.log.clone());
        let expected = self.claim(who, 1);
        if expected.as_ref().is_some_and(Vec::is_empty) {
            let none = self.none();
            return assert_eq!(self.receivers[who].end.try_lease().map(drop), Err(none));
        }
        let lease = self.receivers[who].end.try_lease().expect("there is one");
        let (message, attempts) = (*lease, lease.redelivered());
        if is_dropped {
            drop(lease);
            return self.got(who, expected, &[message]);
        }
        std::mem::forget(lease);
        let (at, number, before_it) = match expected {
            Some(one) => one[0],
            None => self.orphan(&message, attempts),
        };
        assert_eq!((message, attempts), (T::of(number), before_it));
        if K::SHARED_SENDERS || K::SHARED_RECEIVERS {
            self.log[at] = State::Held(number, attempts);
            self.receivers[who].held = Some(at);
        } else {
            // Nobody has seen that it was claimed.
            (self.head, self.log) = before;
        }
    }
}
