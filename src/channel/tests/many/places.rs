//! Places on a shared side: whoever dies in one, at whatever step, leaves it to the next.

use std::time::{Duration, SystemTime};

use super::{
    Bench, Many, Mpmc, Mpsc, Part, Receiver, Sender, Spmc, Wide, assert_works, each, fill, gather,
    is_attached, is_gone, own_pid, receive, send, send_all,
};
use crate::{Departure, Error, Health, Peer, TryRecvError, TrySendError};

/// Steps of coming and going, and what the others see of the one who died there.
const STEPS: [(&str, Option<Departure>); 5] = [
    ("join.after-lock", None),
    ("join.after-identity", None),
    ("join.after-live", Some(Departure::Died)),
    ("leave.before-vacant", Some(Departure::Died)),
    ("leave.after-vacant", Some(Departure::Left)),
];

/// Who had the only place of the side before.
const BEFORE: [&str; 3] = ["nobody", "one that left", "one that died with a claim"];

#[test]
fn a_sender_that_dies_while_it_comes_or_goes_leaves_its_place_and_harms_nobody() {
    fn check<K: Many>() {
        for ((point, departure), before) in STEPS.into_iter().flat_map(|step| BEFORE.map(|b| (step, b))) {
            println!("{} {point} after {before}", K::NAME);
            let bench = Bench::<K>::with_room(3, 1);
            let mut rx = bench.receiver();
            let seen = match before {
                "nobody" => departure,
                "one that left" => {
                    bench.run(&Part::sender("single", 100..101));
                    departure.or(Some(Departure::Left))
                }
                _ => {
                    bench.die(&Part::sender("batch", 100..103).kill_at("send.after-fill#1"));
                    departure.or(Some(Departure::Died))
                }
            };
            let pid = bench.die(&Part::sender("single", 0..0).kill_at(point));
            if let Some(departure) = departure {
                let senders = rx.health().senders;
                assert!(matches!(&senders[..], [one] if is_gone(one, departure, pid)), "{senders:?}");
            }
            let sent = if before == "nobody" { vec![] } else { each(100..101, 0) };
            match seen {
                None => assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a sender may yet come"),
                Some(departure) => assert_eq!(gather(&mut rx), (sent, departure)),
            }
            let mut tx = bench.sender();
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
}

#[test]
fn a_receiver_that_dies_while_it_comes_or_goes_leaves_its_place_and_harms_nobody() {
    fn check<K: Many>() {
        for ((point, departure), before) in STEPS.into_iter().flat_map(|step| BEFORE.map(|b| (step, b))) {
            println!("{} {point} after {before}", K::NAME);
            let bench = Bench::<K>::with_room(3, 1);
            let mut tx = bench.sender();
            send_all(&mut tx, 100..102);
            let (seen, first) = match before {
                "nobody" => (departure, (100, 0)),
                "one that left" => {
                    bench.run(&Part::receiver("single", 1));
                    (departure.or(Some(Departure::Left)), (101, 0))
                }
                _ => {
                    bench.die(&Part::receiver("batch", 2).kill_at("recv.after-release#1"));
                    (departure.or(Some(Departure::Died)), (101, 1))
                }
            };
            let pid = bench.die(&Part::receiver("single", 0).kill_at(point));
            if let Some(departure) = departure {
                let receivers = tx.health().receivers;
                assert!(matches!(&receivers[..], [one] if is_gone(one, departure, pid)), "{receivers:?}");
            }
            let room = first.0 - 100 + 1;
            let sent = match seen {
                None => (0..room).map(|number| send(&mut tx, 200 + number)).count() as u64,
                Some(departure) => fill(&mut tx, 200, departure),
            };
            assert_eq!(sent, room);
            assert_eq!(tx.try_send([0; 16]).map_err(TrySendError::into_inner), Err([0; 16]));
            let mut rx = bench.receiver();
            assert_eq!(receive(&mut rx, 0), Ok(first));
            for number in (first.0 + 1..102).chain(200..200 + room) {
                assert_eq!(receive(&mut rx, number as usize), Ok((number, 0)));
            }
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn a_full_side_takes_as_many_as_died_of_it() {
    const ROOM: usize = 3;
    fn refused<T>(end: Result<T, Error>, wanted: &str) {
        match end.map(drop) {
            Err(Error::Full { side, limit: 3, .. }) => assert_eq!(side, wanted),
            other => panic!("{other:?}"),
        }
    }
    fn senders<K: Many>() {
        let bench = Bench::<K>::with_room(8, ROOM);
        let mut rx = bench.receiver();
        for round in 0..2 {
            // One that has nothing in hand, one that has, and one that is killed between two slots of a batch.
            let mut idle = bench.attach(&Part::sender("hold", 0..0));
            let mut busy = bench.attach(&Part::sender("draft", 0..1));
            assert_eq!(busy.hear(), "holding");
            let mut batch =
                bench.attach(&Part::sender("batch", 100..103).waits().kill_at("send.after-fill#2"));
            refused(bench.channel().sender(), "sender");
            batch.tell("begin");
            batch.wait_killed();
            let one = bench.sender();
            refused(bench.channel().sender(), "sender");
            idle.kill_running();
            busy.kill_running();
            let (mut other, another) = (bench.sender(), bench.sender());
            refused(bench.channel().sender(), "sender");
            send(&mut other, 200);
            drop((one, other, another));
            assert_eq!(gather(&mut rx).0, [each(100..102, 0), each(200..201, 0)].concat(), "round {round}");
        }
        let mut tx = bench.sender();
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    fn receivers<K: Many>() {
        let bench = Bench::<K>::with_room(8, ROOM);
        let mut tx = bench.sender();
        for round in 0..2 {
            send_all(&mut tx, 100..104);
            let mut idle = bench.attach(&Part::receiver("hold", 0));
            let mut busy = bench.attach(&Part::receiver("reading", 1));
            assert_eq!(busy.hear(), "100 0");
            let mut batch = bench.attach(&Part::receiver("batch", 3).waits().kill_at("recv.after-release#2"));
            refused(bench.channel().receiver(), "receiver");
            batch.tell("begin");
            batch.wait_killed();
            let mut one = bench.receiver();
            refused(bench.channel().receiver(), "receiver");
            idle.kill_running();
            busy.kill_running();
            let (other, another) = (bench.receiver(), bench.receiver());
            refused(bench.channel().receiver(), "receiver");
            let received = (0..2).map(|way| receive(&mut one, way).expect("a message"));
            let received = super::sorted(received.collect());
            assert_eq!(received, [(100, 1), (103, 1)], "round {round}");
            assert_eq!(one.try_recv(), Err(TryRecvError::Empty));
            drop((one, other, another));
        }
        let mut rx = bench.receiver();
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    senders::<Mpmc>();
    senders::<Mpsc>();
    receivers::<Mpmc>();
    receivers::<Spmc>();
}

/// The health of a channel, whichever end is asked, says the same of everybody.
#[track_caller]
fn health<K: Many>(tx: &Sender<Wide, K>, rx: &Receiver<Wide, K>) -> Health {
    let health = tx.health();
    assert_eq!(rx.health(), health);
    health
}

#[test]
fn the_health_of_a_channel_says_who_is_there_who_left_and_who_died_and_when() {
    fn check<K: Many>() {
        let bench = Bench::<K>::with_room(3, 4);
        let start = SystemTime::now();
        let (tx, rx) = (bench.sender(), bench.receiver());
        let mine = |peers: &[Peer]| matches!(&peers[..1], [me] if is_attached(me, own_pid()));
        let first = health(&tx, &rx);
        assert_eq!((first.attached_senders(), first.attached_receivers()), (1, 1));
        assert!(mine(&first.senders) && mine(&first.receivers), "{first:?}");
        assert_eq!((first.stalled, first.poisoned, first.discarded), (None, 0, 0));

        let part = if K::SHARED_SENDERS { Part::sender("hold", 0..0) } else { Part::receiver("hold", 0) };
        let side = |health: Health| if K::SHARED_SENDERS { health.senders } else { health.receivers };
        // Three at a time, so that nobody gets another's place before it is looked at.
        let (mut leaves, mut dies, stays) = (bench.attach(&part), bench.attach(&part), bench.attach(&part));
        let there = health(&tx, &rx);
        let (shared, sole) = match K::SHARED_SENDERS {
            true => (there.attached_senders(), there.attached_receivers()),
            false => (there.attached_receivers(), there.attached_senders()),
        };
        assert_eq!((shared, sole), (4, 1));
        let all = side(there);
        let pids = [own_pid(), leaves.pid(), dies.pid(), stays.pid()];
        assert!(all.iter().zip(pids).all(|(peer, pid)| is_attached(peer, pid)), "{all:?}");
        leaves.tell("leave");
        leaves.wait_success();
        dies.kill_running();
        let all = side(health(&tx, &rx));
        assert!(mine(&all) && is_attached(&all[3], stays.pid()), "{all:?}");
        assert!(is_gone(&all[1], Departure::Left, leaves.pid()), "{all:?}");
        assert!(is_gone(&all[2], Departure::Died, dies.pid()), "{all:?}");
        let end = SystemTime::now();
        for peer in &all {
            let (Peer::Attached { since: time, .. } | Peer::Gone { at: time, .. }) = peer else { panic!() };
            assert!((start..=end).contains(time), "{peer:?}");
        }
        // A place's last holder is told no longer when there is a new one.
        let next = bench.attach(&part);
        let all = side(health(&tx, &rx));
        assert!(is_attached(&all[1], next.pid()) && all.len() == 4, "{all:?}");
        drop((tx, rx, next, stays));
        // The others were killed: what is left is nobody's.
        assert!(bench.channel().open_existing().sender().is_err());
        bench.assert_gone();
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn asking_for_the_health_repairs_what_the_dead_left() {
    // Nobody else will ask.
    let bench = Bench::<Mpmc>::with(3, |channel| channel.liveness_interval(Duration::from_secs(3600)));
    let (mut tx, mut rx) = (bench.sender(), bench.receiver());
    bench.die(&Part::sender("batch", 100..102).kill_at("send.after-claim"));
    send(&mut tx, 200);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "it is behind a gap");
    tx.health();
    assert_eq!(rx.try_recv(), Ok([200; 16]));
    send(&mut tx, 201);
    bench.die(&Part::receiver("lease", 1).kill_at("lease.before-release"));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a dead one has it");
    tx.health();
    assert_eq!((rx.try_recv(), rx.redelivered()), (Ok([201; 16]), 1));
    drop((tx, rx));
    bench.assert_gone();
}

#[test]
fn a_channel_with_two_roles_has_a_health_too() {
    let bench = crate::channel::tests::Bench::<u64>::new(2);
    let mut rx = bench.receiver();
    let health = rx.health();
    assert_eq!((health.senders.len(), health.attached_senders(), health.attached_receivers()), (0, 0, 1));
    assert_eq!((health.stalled, health.poisoned, health.discarded), (None, 0, 0));
    let pid = bench.die("sender", "single", 1, "send.after-commit");
    let senders = rx.health().senders;
    assert!(matches!(&senders[..], [dead] if is_gone(dead, Departure::Died, pid)), "{senders:?}");
    drop(bench.sender());
    let senders = rx.health().senders;
    assert!(matches!(&senders[..], [me] if is_gone(me, Departure::Left, own_pid())), "{senders:?}");
    assert_eq!(rx.recv(), Ok(0));
    drop(rx);
    bench.assert_gone();
}
