//! A peer that is stopped is slow, not dead, for however long.

use std::time::Duration;

use super::{Bench, Numbered, assert_works, drain, receive};
use crate::{Departure, Error, Peer, RecvTimeoutError, SendTimeoutError};

/// Many liveness intervals of these channels.
const A_WHILE: Duration = Duration::from_millis(60);

#[track_caller]
fn assert_attached(peer: Peer, wanted: u64) {
    assert!(matches!(peer, Peer::Attached { pid, .. } if pid == wanted), "{peer:?}");
}

#[track_caller]
fn assert_taken(error: Error, wanted: u64) {
    assert!(matches!(error, Error::RoleTaken { pid, .. } if pid == wanted), "{error:?}");
}

#[test]
fn a_stopped_sender_keeps_its_role_and_goes_on_when_it_is_continued() {
    fn check<M: Numbered>() {
        let bench = Bench::<M>::new(3);
        let mut rx = bench.receiver();
        let mut child = bench.spawn("sender", "demand", 0);
        assert_eq!(child.hear(), "attached 0");
        for number in 0..3 {
            child.stop();
            assert_eq!(rx.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
            assert_attached(rx.peer(), child.pid());
            assert!(rx.wait_for_peer(Duration::ZERO));
            assert_taken(bench.channel().sender().expect_err("it is alive"), child.pid());
            assert_eq!(rx.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
            child.go_on();
            child.tell("send");
            assert_eq!(child.hear(), "sent");
            assert_eq!(receive(&mut rx), Ok(number));
        }
        child.stop();
        child.kill_running();
        drain(&mut rx, 3..3, Departure::Died);
        let mut tx = bench.sender();
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<u64>();
    check::<[u64; 16]>();
}

#[test]
fn a_stopped_receiver_keeps_its_role_and_goes_on_when_it_is_continued() {
    fn check<M: Numbered>() {
        let bench = Bench::<M>::new(2);
        let mut tx = bench.sender();
        let mut child = bench.spawn("receiver", "demand", 0);
        assert_eq!(child.hear(), "attached 0");
        super::send(&mut tx, 0);
        super::send(&mut tx, 1);
        for number in 0..3 {
            child.stop();
            let message = M::of(number + 2);
            assert_eq!(tx.send_timeout(message, A_WHILE), Err(SendTimeoutError::Timeout(message)));
            assert_attached(tx.peer(), child.pid());
            assert_taken(bench.channel().receiver().expect_err("it is alive"), child.pid());
            child.go_on();
            child.tell("receive");
            assert_eq!(child.hear(), number.to_string());
            super::send(&mut tx, number + 2);
        }
        drop(child);
        let mut rx = bench.receiver();
        assert_eq!(rx.position(), 3);
        (3..5).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<u64>();
    check::<[u64; 16]>();
}

#[test]
fn a_death_is_noticed_by_calls_that_wait_for_no_time_at_all() {
    fn check<M: Numbered>() {
        let bench = Bench::<M>::new(2);
        let mut rx = bench.receiver();
        let mut child = bench.spawn("sender", "demand", 0);
        assert_eq!(child.hear(), "attached 0");
        child.kill_running();
        // Past the interval by the coarse clock, too.
        std::thread::sleep(A_WHILE);
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        let second = rx.recv_timeout(Duration::ZERO);
        assert_eq!(second, Err(RecvTimeoutError::Disconnected(Departure::Died)));
        drop(rx);
        bench.assert_gone();
    }
    check::<u64>();
    check::<[u64; 16]>();
}
