//! Claims that are lost to another: by one that dies then, and by one that is stopped while the winner dies.

use super::{
    Bench, CAPACITIES, Many, Mpmc, Mpsc, Numbered, Part, Spmc, Wide, assert_receiver_stalled, assert_waits,
    assert_works, each, gather, heard, is_gone, receive, send, sorted,
};
use crate::{Departure, Error, TryRecvError, TrySendError};

const SEND_VERBS: [&str; 3] = ["single", "batch", "loan"];
const RECEIVE_VERBS: [&str; 3] = ["single", "batch", "lease"];

#[test]
fn a_sender_that_lost_a_claim_and_died_leaves_nothing_in_the_way() {
    fn check<K: Many>() {
        for (capacity, verb) in CAPACITIES.into_iter().flat_map(|n| SEND_VERBS.map(|verb| (n, verb))) {
            let bench = Bench::<K>::with_room(capacity, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            let part = Part::sender(verb, 100..100 + capacity as u64);
            let mut child = bench.stop(&part.stop_at("send.after-intent").kill_at("send.after-loss"));
            // It is about to claim just that position.
            send(&mut tx, 200);
            child.go_on();
            child.wait_killed();
            assert_eq!(receive(&mut rx, 0), Ok((200, 0)));
            let dead =
                rx.health().senders.into_iter().any(|peer| is_gone(&peer, Departure::Died, child.pid()));
            assert!(dead);
            // Its place is free.
            let fellow = bench.sender();
            assert_works(&mut tx, &mut rx);
            drop((tx, fellow));
            assert_eq!(gather(&mut rx).0, []);
            drop(rx);
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
}

#[test]
fn a_receiver_that_lost_a_claim_and_died_held_nothing() {
    fn check<K: Many>() {
        for (capacity, verb) in CAPACITIES.into_iter().flat_map(|n| RECEIVE_VERBS.map(|verb| (n, verb))) {
            let bench = Bench::<K>::with_room(capacity, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            let end = 100 + capacity as u64;
            (100..end).for_each(|number| send(&mut tx, number));
            let part = Part::receiver(verb, capacity as u64);
            let mut child = bench.stop(&part.stop_at("recv.after-intent").kill_at("recv.after-loss"));
            assert_eq!(receive(&mut rx, 0), Ok((100, 0)));
            child.go_on();
            child.wait_killed();
            for number in 101..end {
                assert_eq!(receive(&mut rx, number as usize), Ok((number, 0)));
            }
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            let health = tx.health();
            assert!(health.receivers.iter().any(|peer| is_gone(peer, Departure::Died, child.pid())));
            let fellow = bench.receiver();
            assert_works(&mut tx, &mut rx);
            drop((tx, fellow));
            assert_eq!(gather(&mut rx), (vec![], Departure::Left));
            drop(rx);
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn the_place_of_a_dead_loser_is_free_when_the_winner_is_through() {
    let bench = Bench::<Mpmc>::with_room(1, 2);
    let (mut tx, mut rx) = (bench.sender(), bench.receiver());
    let part = Part::sender("single", 100..101);
    let mut child = bench.stop(&part.stop_at("send.after-intent").kill_at("send.after-loss"));
    let draft = tx.loan().expect("a slot").write(Wide::of(200));
    child.go_on();
    child.wait_killed();
    // Whose the slot is cannot be told from the dead one's intent, as long as somebody who lives has the same.
    assert!(matches!(bench.channel().sender(), Err(Error::Full { limit: 2, .. })));
    assert_receiver_stalled(&mut rx, super::own_pid());
    draft.publish();
    let fellow = bench.sender();
    assert_eq!(receive(&mut rx, 0), Ok((200, 0)));

    let mut child = {
        send(&mut tx, 201);
        let part = Part::receiver("single", 1);
        bench.stop(&part.stop_at("recv.after-intent").kill_at("recv.after-loss"))
    };
    let lease = rx.lease().expect("a message");
    child.go_on();
    child.wait_killed();
    assert!(matches!(bench.channel().receiver(), Err(Error::Full { limit: 2, .. })));
    assert_eq!((lease.number(), lease.redelivered()), (201, 0));
    drop(lease);
    let another = bench.receiver();
    assert_works(&mut tx, &mut rx);
    drop((tx, rx, fellow, another));
    bench.assert_gone();
}

#[test]
fn a_gap_waits_for_a_stopped_loser_and_is_closed_when_it_goes_on() {
    fn check<K: Many>() {
        for capacity in CAPACITIES {
            let bench = Bench::<K>::with_room(capacity, 3);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            let mut loser = bench.stop(&Part::sender("single", 100..101).stop_at("send.after-intent"));
            let winner = bench.die(&Part::sender("single", 300..301).kill_at("send.after-claim"));
            let room = capacity as u64 - 1;
            (200..200 + room).for_each(|number| send(&mut tx, number));
            assert_receiver_stalled(&mut rx, loser.pid());
            super::assert_sender_stalled(&mut tx, loser.pid());
            super::assert_names(|| tx.health(), loser.pid());
            let dead = rx.health().senders.into_iter().any(|peer| is_gone(&peer, Departure::Died, winner));
            assert!(dead);
            // Its record says what is to be repaired: nobody gets it.
            assert!(matches!(bench.channel().sender(), Err(Error::Full { limit: 3, .. })));

            loser.go_on();
            drop(tx);
            let (received, departure) = gather(&mut rx);
            assert_eq!(sorted(received), [each(100..101, 0), each(200..200 + room, 0)].concat());
            loser.wait_success();
            assert_eq!(departure, Departure::Left, "the last one left");
            let (mut tx, one, other) = (bench.sender(), bench.sender(), bench.sender());
            assert_works(&mut tx, &mut rx);
            drop((tx, one, other, rx));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
}

#[test]
fn what_a_dead_receiver_held_waits_for_a_stopped_loser_and_is_delivered_when_it_goes_on() {
    fn check<K: Many>() {
        for capacity in CAPACITIES {
            let bench = Bench::<K>::with_room(capacity, 3);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            let end = 100 + capacity as u64;
            (100..end).for_each(|number| send(&mut tx, number));
            let mut loser = bench.stop(&Part::receiver("single", 1).stop_at("recv.after-intent"));
            bench.die(&Part::receiver("single", 1).kill_at("recv.after-claim"));
            for number in 101..end {
                assert_eq!(receive(&mut rx, number as usize), Ok((number, 0)));
            }
            assert_waits(&mut rx);
            assert_eq!(tx.try_send(Wide::of(0)), Err(TrySendError::Full(Wide::of(0))));
            super::assert_sender_stalled(&mut tx, loser.pid());
            drop(tx);
            // Not at its end: the message is still to come.
            assert_waits(&mut rx);
            loser.go_on();
            // Whoever finds it; nobody else is there.
            assert_eq!(heard(&mut loser), [(100, 1)]);
            loser.wait_success();
            assert_eq!(gather(&mut rx).0, []);

            let mut tx = bench.sender();
            let (one, other) = (bench.receiver(), bench.receiver());
            assert_works(&mut tx, &mut rx);
            drop((tx, one, other, rx));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn what_another_one_took_meanwhile_is_its_own_to_a_repairer_that_was_stopped() {
    fn check<K: Many>() {
        let bench = Bench::<K>::with_room(1, 3);
        let (mut tx, mut rx) = (bench.sender(), bench.receiver());
        bench.warm_up(&mut tx, &mut rx, 2);
        let part = Part::receiver("health", 0).waits();
        let mut repairer = bench.attach(&part.stop_at("repair.after-orphan"));
        send(&mut tx, 100);
        bench.die(&Part::receiver("single", 1).kill_at("recv.after-claim"));
        repairer.tell("begin");
        repairer.wait_stopped();
        // In the dead one's place.
        let mut taker = bench.attach(&Part::receiver("reading", 1));
        assert_eq!(taker.hear(), "100 1");
        repairer.go_on();
        repairer.wait_success();
        assert_waits(&mut rx);
        super::assert_sender_stalled(&mut tx, taker.pid());
        taker.tell("leave");
        taker.wait_success();
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<Mpmc>();
    check::<Spmc>();
}
