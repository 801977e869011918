//! Roles as one sees them that only reads, and certifies nothing.

use std::sync::Arc;

use loom::sync::atomic::AtomicU64;
use loom::thread;
use ringway::protocol::roster::{self, Identity, Presence, Record};

use crate::explore_within;
use crate::fixture::KernelLock;
use crate::repair::every_crash;
use ringway::sync::model::crash_after;

const ME: fn(u64) -> Identity = |pid| Identity { pid, since: pid + 1000 };

/// A role, and the kernel's lock of it.
#[derive(Default)]
struct Role {
    record: Record,
    lock: AtomicU64,
}

impl Role {
    fn lock(&self, process: u64) -> KernelLock<'_> {
        KernelLock::new(&self.lock, process)
    }

    fn attach(&self, process: u64) -> u64 {
        let held = roster::attach(&self.record, &self.lock(process), ME(process));
        held.expect("a free role").0
    }

    fn detach(&self, process: u64, incarnation: u64) {
        roster::detach(&self.record, &self.lock(process), incarnation, 9);
    }

    /// As the observer.
    fn observe(&self) -> Presence {
        roster::observe(&self.record, &self.lock(9))
    }
}

/// Explores `life` in a thread beside `looks`, in a role whose first holder is process 1.
fn beside(name: &str, life: fn(&Role, u64), looks: fn(&Role)) {
    explore_within(3, name, move || {
        let role = Arc::new(Role::default());
        let incarnation = role.attach(1);
        let other = Arc::clone(&role);
        let holder = thread::spawn(move || life(&other, incarnation));
        looks(&role);
        holder.join().unwrap();
    });
}

#[test]
fn an_observer_never_takes_a_leaving_for_a_death() {
    let leaves = |role: &Role, incarnation| role.detach(1, incarnation);
    beside("observe a leaving one", leaves, |role| {
        for _ in 0..2 {
            assert_ne!(role.observe(), Presence::Died);
        }
        assert_ne!(roster::observe_record(&role.record).0, Presence::Died);
    });
}

#[test]
fn an_observer_never_takes_a_living_holder_for_a_dead_one() {
    let replaced = |role: &Role, incarnation| {
        role.detach(1, incarnation);
        role.attach(2);
    };
    beside("observe a handover", replaced, |role| {
        for _ in 0..2 {
            assert_ne!(role.observe(), Presence::Died);
        }
    });
}

#[test]
fn an_observer_of_a_dead_holder_never_says_that_it_left() {
    every_crash("observe a takeover", 2, |fuse| {
        let role = Arc::new(Role::default());
        role.attach(1);
        role.lock(1).bury();
        let other = Arc::clone(&role);
        let successor = thread::spawn(move || {
            let end = crash_after(Some(fuse), || other.attach(2));
            if end.is_err() {
                other.lock(2).bury();
            }
            end.is_err()
        });
        for _ in 0..2 {
            assert!(matches!(role.observe(), Presence::Died | Presence::Live));
        }
        let died = successor.join().unwrap();
        assert_eq!(role.observe(), if died { Presence::Died } else { Presence::Live });
        died
    });
}

#[test]
fn an_observer_beside_one_that_certifies_says_the_same() {
    explore_within(3, "observe and probe", || {
        let role = Arc::new(Role::default());
        role.attach(1);
        role.lock(1).bury();
        let other = Arc::clone(&role);
        let prober = thread::spawn(move || roster::probe(&other.record, &other.lock(2), 9));
        // While a prober has the lock, the dead one is not yet known to be.
        assert!(matches!(role.observe(), Presence::Died | Presence::Live));
        assert_eq!(prober.join().unwrap(), Presence::Died);
        assert_eq!(role.observe(), Presence::Died);
        assert_eq!(roster::observe_record(&role.record), (Presence::Died, ME(1)));
    });
}

#[test]
fn an_observer_that_sees_a_participant_live_can_name_it() {
    explore_within(3, "observe a name", || {
        let role = Arc::new(Role::default());
        let incarnation = role.attach(1);
        role.detach(1, incarnation);
        let other = Arc::clone(&role);
        let joiner = thread::spawn(move || {
            other.attach(2);
        });
        let (presence, named) = roster::observe_record(&role.record);
        match presence {
            Presence::Live => assert_eq!(named, ME(2)),
            // Word by word: the next holder may be saying who it is.
            presence => {
                assert_eq!(presence, Presence::Left);
                assert!([1, 2].contains(&named.pid), "{named:?}");
            }
        }
        joiner.join().unwrap();
    });
}
