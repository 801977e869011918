//! Messages that are delivered again: who finds them, who ends with them, and when there are no more.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::peer::Stuck;
use ringway::protocol::shared::{SharedReceiver, SharedSender};

use crate::ends::{Receiver, Sender};
use crate::explore_within;
use crate::many::{DISCARD, MPMC, Many, settle};
use crate::repair::{dies, dies_reading, every_crash};

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;

#[test]
fn a_receiver_that_has_looked_before_misses_no_orphan() {
    explore_within(3, "long-lived receiver", || {
        let many = Many::new(2, (1, 4), MPMC);
        let mut rx = Rx::join(&many, 1).expect("a record");
        Tx::join(&many, 10).expect("a record").try_send(&[10, 11]).expect("room");
        let [mut one, mut two] = [2, 3].map(|process| Rx::join(&many, process).expect("a record"));
        for (process, dead) in [(2, &mut one), (3, &mut two)] {
            assert!(many.mortal(process, Some(1), || dead.try_recv(1).map(drop)).is_err());
        }
        let other = Arc::clone(&many);
        let repairer = thread::spawn(move || other.sweep(30));
        // The second look is one that finds nothing, if the repairer is at the second of the dead.
        let _ = (rx.try_recv(1), rx.try_recv(1));
        repairer.join().unwrap();
        while rx.try_recv(1).is_ok() {}
        assert_eq!(many.reads(), 2, "it looked for orphans, and will not look again");
        settle(&many);
    });
}

#[test]
fn of_two_that_want_an_orphan_one_gets_it() {
    every_crash("two takers", 3, |fuse| {
        let many = Many::new(1, (1, 4), MPMC);
        let [mut one, mut other] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10]).expect("room");
        dies_reading(&many, 3);
        many.sweep(30);
        let mortal = dies(&many, 1, fuse, move || one.try_recv(1).map(drop));
        let _ = other.try_recv_or_sweep(1);
        tx.try_one(11);
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

#[test]
fn a_receiver_hears_of_the_end_only_when_nothing_can_be_delivered_again() {
    every_crash("the end", 3, |fuse| {
        let many = Many::new(1, (1, 3), MPMC);
        let [mut one, mut other] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10]).expect("room");
        tx.leave();
        let mortal = dies(&many, 1, fuse, move || one.try_recv(1).map(drop));
        let ended = (0..2).any(|_| matches!(other.try_recv_or_sweep(1), Err(Stuck::Peer(_))));
        let died = mortal.join().unwrap();
        let before = many.reads();
        settle(&many);
        assert!(!ended || many.reads() == before, "there was one more");
        died
    });
}

#[test]
fn a_receiver_hears_of_a_shared_senders_leaving_only_after_the_last_message() {
    explore_within(3, "shared sender leaves", || {
        let many = Many::new(1, (1, 2), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        let mut rx = Rx::join(&many, 1).expect("a record");
        let sender = thread::spawn(move || {
            tx.try_one(10);
            tx.leave();
        });
        let answers = [rx.try_recv(1), rx.try_recv(1)];
        let ended = answers.iter().any(|answer| matches!(answer, Err(Stuck::Peer(_))));
        assert!(!ended || many.reads() == 1, "the sender is gone and its message was not seen");
        sender.join().unwrap();
        settle(&many);
    });
}

#[test]
fn what_a_dead_receiver_claimed_is_dropped_and_counted_if_the_channel_says_so() {
    every_crash("discard", 5, |fuse| {
        let many = Many::new(2, (1, 3), DISCARD);
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10, 11]).expect("room");
        let [mut one, mut other] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
        let mortal = dies(&many, 1, fuse, move || one.try_recv(2).map(drop));
        let _ = other.try_recv_or_sweep(1);
        tx.try_one(12);
        let died = mortal.join().unwrap();
        let account = settle(&many);
        assert!(account.reads().iter().all(|read| read.1 == 0), "again: {:?}", account.reads());
        assert_eq!(many.dropped().poisoned, 0);
        died
    });
}

/// A message that so many receivers have claimed and died of.
fn deadly(deaths: u64) -> Arc<Many> {
    let many = Many::new(1, (1, 3), MPMC);
    Tx::join(&many, 10).expect("a record").try_send(&[10]).expect("room");
    for process in 20..20 + deaths {
        dies_reading(&many, process);
        many.sweep(30);
    }
    many
}

#[test]
fn the_sixteenth_death_by_a_message_drops_and_counts_it() {
    explore_within(2, "poison", || {
        let many = deadly(15);
        let mut last = Rx::join(&many, 1).expect("a record");
        let mut other = Rx::join(&many, 2).expect("a record");
        let mortal = dies(&many, 1, 2, move || last.try_recv(1).map(drop));
        let _ = other.try_recv_or_sweep(1);
        mortal.join().unwrap();
        let account = settle(&many);
        assert_eq!(account.done().len() as u64 + many.dropped().poisoned, 1);
    });
}

#[test]
fn a_message_that_is_given_up_for_the_sixteenth_time_is_counted_as_dropped() {
    explore_within(2, "poison by leaving", || {
        let many = deadly(15);
        let mut last = Rx::join(&many, 1).expect("a record");
        let other = Arc::clone(&many);
        let sweeper = thread::spawn(move || other.sweep(30));
        last.give_up().expect("a message");
        sweeper.join().unwrap();
        settle(&many);
        assert_eq!(many.dropped().poisoned, 1);
    });
}
