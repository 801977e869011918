//! The end of a channel with several receivers, and messages that nobody survives.

use super::{
    Bench, CAPACITIES, Channel, Many, Mpmc, Mpsc, Part, Spmc, Wide, assert_waits, assert_works, gather,
    receive, send, send_all,
};
use crate::channel::tests::DIR;
use crate::testing::{CRASH_POINT, Child, Role};
use crate::{Departure, OnReceiverDeath, TryRecvError};

#[test]
fn a_channel_is_at_its_end_when_nothing_is_left_and_everything_is_given_back() {
    fn check<K: Many>() {
        for (capacity, dies) in CAPACITIES.into_iter().flat_map(|n| [true, false].map(|dies| (n, dies))) {
            let bench = Bench::<K>::with_room(capacity, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, 2);
            send(&mut tx, 100);
            let mut other = bench.attach(&Part::receiver("reading", 1));
            assert_eq!(other.hear(), "100 0");
            drop(tx);
            // It may yet come back.
            assert_waits(&mut rx);
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            end(&mut other, dies);
            let left = if dies { vec![(100, 1)] } else { vec![] };
            assert_eq!(gather(&mut rx), (left, Departure::Left));

            let mut tx = bench.sender();
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

/// Lets it die of the message, or give it back and leave.
#[track_caller]
fn end(child: &mut Child, dies: bool) {
    if dies {
        child.kill_running();
    } else {
        child.tell("leave");
        child.wait_success();
    }
}

/// By every verb, at a step at which it holds the message.
const DEATHS: [(&str, &str); 3] =
    [("lease", "lease.before-release"), ("batch", "recv.after-read"), ("single", "orphan.after-take")];

#[test]
fn a_message_that_sixteen_receivers_died_of_is_dropped_and_counted() {
    fn check<K: Many>() {
        for messages in 1..=2 {
            let bench = Bench::<K>::with_room(3, 2);
            let mut tx = bench.sender();
            bench.warm_up(&mut tx, &mut bench.receiver(), 2);
            send_all(&mut tx, 100..100 + messages);
            for death in 0..16 {
                let mut child = bench.attach(&Part::receiver("reading", 1));
                assert_eq!(child.hear(), format!("100 {death}"));
                assert_eq!((tx.health().poisoned, tx.health().discarded), (0, 0));
                child.kill_running();
            }
            let mut rx = bench.receiver();
            assert_eq!(tx.health().poisoned, 1);
            for number in 101..100 + messages {
                assert_eq!(receive(&mut rx, 0), Ok((number, 0)));
            }
            assert_works(&mut tx, &mut rx);
            assert_eq!((rx.health().poisoned, rx.health().discarded), (1, 0));
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn a_message_of_a_batch_that_sixteen_receivers_died_of_is_dropped_whatever_they_were_doing() {
    fn check<K: Many>() {
        let bench = Bench::<K>::with_room(3, 2);
        let mut tx = bench.sender();
        // A lap, so that the first message is in the first slot, where the search begins.
        bench.warm_up(&mut tx, &mut bench.receiver(), 3);
        send_all(&mut tx, 100..102);
        for death in 0..16 {
            // What comes again comes alone.
            let (verb, point) = match death {
                0 => ("batch", "recv.after-read"),
                _ if K::SHARED_RECEIVERS => DEATHS[death % 3],
                _ => ("batch", ["recv.after-read", "recv.after-intent"][death % 2]),
            };
            bench.die(&Part::receiver(verb, 2).kill_at(point));
        }
        let mut rx = bench.receiver();
        let health = rx.health();
        assert_eq!((health.poisoned, health.discarded), (1, 0));
        // The other one was in the hands of the first only.
        assert_eq!(receive(&mut rx, 0), Ok((101, 1)));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn what_was_given_up_once_and_then_died_of_is_dropped_if_the_channel_says_so() {
    fn options<K: Many>(channel: Channel<Wide, K>) -> Channel<Wide, K> {
        channel.on_receiver_death(OnReceiverDeath::Discard)
    }
    fn check<K: Many>() {
        let bench = Bench::<K>::with(3, options);
        let mut tx = bench.sender();
        send_all(&mut tx, 100..102);
        bench.run(&Part::receiver("forget", 1));
        let mut child = bench.attach(&Part::receiver("reading", 1));
        assert_eq!(child.hear(), "100 1");
        child.kill_running();
        let mut rx = bench.receiver();
        assert_eq!(receive(&mut rx, 0), Ok((101, 0)));
        assert_works(&mut tx, &mut rx);
        assert_eq!((rx.health().poisoned, rx.health().discarded), (0, 1));
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<Mpmc>();
    check::<Spmc>();
    check::<Mpsc>();
}

/// Receives a batch, which ends before a message that is invalid, and leaves.
#[test]
fn role_choosy() {
    let Some(role) = Role::play() else { return };
    let dir = std::path::PathBuf::from(role.var(DIR));
    let mut rx = checked(&dir).receiver().expect("there is a place");
    let mut messages = Vec::new();
    assert_eq!(rx.recv_batch(&mut messages, 4), Ok(1));
}

fn checked(dir: &std::path::Path) -> Channel<bool, Mpmc> {
    Channel::new(super::NAME)
        .namespace(crate::map::Namespace::Dir(dir.to_owned()))
        .liveness_interval(std::time::Duration::from_millis(1))
        .capacity(4)
}

#[test]
fn the_rest_of_a_batch_that_is_given_up_goes_to_another_also_if_its_receiver_dies_at_that() {
    for point in ["recv.after-abandon#1", "recv.after-abandon#2", "recv.after-abandon#3", ""] {
        let space = crate::testing::TempNamespace::new();
        let mut tx = checked(space.path()).sender().expect("free");
        let mut rx = checked(space.path()).receiver().expect("free");
        for byte in [1, 7, 1, 0] {
            let mut loan = tx.loan().expect("there is room");
            loan.as_bytes_mut()[0] = byte;
            // SAFETY: nobody looks at the message without a check.
            #[allow(unsafe_code, reason = "sends what is no message")]
            unsafe { loan.assume_init() }.publish();
        }
        let path = "channel::tests::many::ends::role_choosy";
        let mut child = Child::spawn(path, &[(DIR, space.path().as_os_str()), (CRASH_POINT, point.as_ref())]);
        if point.is_empty() {
            child.wait_success()
        } else {
            child.wait_killed()
        }
        rx.health();
        let mut valid = Vec::new();
        let mut invalid = 0;
        for _ in 0..3 {
            match rx.try_recv() {
                Ok(message) => {
                    assert_eq!(rx.redelivered(), 1);
                    valid.push(message);
                }
                Err(TryRecvError::Invalid(_)) => invalid += 1,
                other => panic!("{other:?}"),
            }
        }
        valid.sort();
        assert_eq!((valid, invalid), (vec![false, true], 1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        drop((tx, rx));
        space.assert_empty();
    }
}
