//! Roles: who has one, who had it, and how it ended.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::ring::Form;
use ringway::protocol::roster::{self, Identity, Predecessor, Presence};
use ringway::sync::model::crash_after;

use crate::explore;
use crate::fixture::Shared;

const ME: fn(u64) -> Identity = |pid| Identity { pid, since: pid + 1000 };

#[test]
fn of_two_that_want_a_role_one_gets_it_and_the_other_learns_who_has_it() {
    explore("role race", || {
        let shared = Shared::new(1, Form::Indexed);
        let other = Arc::clone(&shared);
        let rival =
            thread::spawn(move || roster::attach(&other.roster.sender, &other.sender_lock(1), ME(1)).is_ok());
        let mine = roster::attach(&shared.roster.sender, &shared.sender_lock(2), ME(2)).is_ok();
        let theirs = rival.join().unwrap();
        assert!(mine ^ theirs, "one holder: {mine} {theirs}");
        let holder = if mine { 2 } else { 1 };
        assert_eq!(roster::identity(&shared.roster.sender), ME(holder));
        assert_eq!(roster::incarnation(&shared.roster.sender), 1);
    });
}

#[test]
fn whoever_sees_a_participant_live_can_name_it() {
    explore("identity", || {
        let shared = Shared::new(1, Form::Indexed);
        let other = Arc::clone(&shared);
        let joiner = thread::spawn(move || {
            roster::attach(&other.roster.sender, &other.sender_lock(1), ME(1)).expect("a free role");
        });
        if roster::glance(&shared.roster.sender) == Presence::Live {
            assert_eq!(roster::identity(&shared.roster.sender), ME(1));
        }
        joiner.join().unwrap();
    });
}

#[test]
fn a_leaving_is_never_recorded_as_a_death() {
    explore("probe a leaving one", || {
        let shared = Shared::new(1, Form::Indexed);
        let other = Arc::clone(&shared);
        let lock = shared.sender_lock(1);
        let (incarnation, _) = roster::attach(&shared.roster.sender, &lock, ME(1)).expect("a free role");
        let leaver = thread::spawn(move || {
            roster::detach(&other.roster.sender, &other.sender_lock(1), incarnation, 9);
        });
        let seen = roster::probe(&shared.roster.sender, &shared.sender_lock(2), 9);
        assert_ne!(seen, Presence::Died);
        leaver.join().unwrap();
        assert_eq!(roster::glance(&shared.roster.sender), Presence::Left);
    });
}

#[test]
fn a_death_is_certified_once_and_for_all_unless_somebody_took_over() {
    explore("probe a dead one", || {
        let shared = Shared::new(1, Form::Indexed);
        roster::attach(&shared.roster.sender, &shared.sender_lock(1), ME(1)).expect("a free role");
        shared.sender_lock(1).bury();
        let other = Arc::clone(&shared);
        let successor = thread::spawn(move || {
            // Refused for as long as a prober has the lock, as in the library.
            roster::attach(&other.roster.sender, &other.sender_lock(3), ME(3)).map(|(_, how)| how)
        });
        let seen = roster::probe(&shared.roster.sender, &shared.sender_lock(2), 9);
        match successor.join().unwrap() {
            Ok(how) => {
                assert_eq!(how, Predecessor::Died);
                assert_eq!(roster::glance(&shared.roster.sender), Presence::Live, "buried alive");
                assert_eq!(roster::incarnation(&shared.roster.sender), 2);
            }
            Err(_) => {
                assert_eq!(seen, Presence::Died);
                assert_eq!(roster::glance(&shared.roster.sender), Presence::Died, "no certificate");
            }
        }
    });
}

#[test]
fn a_prober_killed_at_any_step_leaves_a_record_that_can_be_judged() {
    for fuse in 0..3 {
        explore(&format!("prober dies at {fuse}"), move || {
            let shared = Shared::new(1, Form::Indexed);
            roster::attach(&shared.roster.sender, &shared.sender_lock(1), ME(1)).expect("a free role");
            shared.sender_lock(1).bury();
            let other = Arc::clone(&shared);
            let prober = thread::spawn(move || {
                let _ = crash_after(Some(fuse), || {
                    roster::probe(&other.roster.sender, &other.sender_lock(2), 9);
                });
                other.sender_lock(2).bury();
            });
            let _ = roster::probe(&shared.roster.sender, &shared.sender_lock(3), 9);
            prober.join().unwrap();
            assert_eq!(roster::probe(&shared.roster.sender, &shared.sender_lock(4), 9), Presence::Died);
            let next = roster::attach(&shared.roster.sender, &shared.sender_lock(5), ME(5));
            assert_eq!(next, Ok((2, Predecessor::Died)));
        });
    }
}

#[test]
fn two_threads_that_ask_through_one_description_bury_nobody_alive() {
    explore("one description, two probers", || {
        let shared = Shared::new(1, Form::Indexed);
        roster::attach(&shared.roster.sender, &shared.sender_lock(1), ME(1)).expect("a free role");
        shared.sender_lock(1).bury();
        let probers: Vec<_> = (0..2)
            .map(|_| {
                let other = Arc::clone(&shared);
                thread::spawn(move || roster::probe(&other.roster.sender, &other.sender_lock(2), 9))
            })
            .collect();
        let next = roster::attach(&shared.roster.sender, &shared.sender_lock(3), ME(3));
        for prober in probers {
            prober.join().unwrap();
        }
        if next.is_ok() {
            assert_eq!(roster::glance(&shared.roster.sender), Presence::Live, "buried alive");
        }
    });
}
