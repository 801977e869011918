//! Waiting for the first of several: which one is chosen, and what wakes the one that waits.

use std::time::{Duration, Instant};

use ringway::channel::{Receiver, Sender, Spsc};
use ringway::seqlock::{self, Newer};
use ringway::{Parking, Select, Source, TryRecvError, TrySendError, Wait, mpmc, spsc};

use crate::caller::Caller;
use crate::testing::{TempNamespace, watched};
use crate::waiting::{NEVER, ROUNDS};
use crate::{LEFT, channel, fill};

const A_WHILE: Duration = Duration::from_millis(20);

fn pair(capacity: usize) -> (Sender<u64, Spsc>, Receiver<u64, Spsc>) {
    spsc::in_process(capacity).expect("there is memory")
}

#[test]
fn what_is_ready_is_chosen_and_nothing_else() {
    let (mut a_tx, mut a) = pair(2);
    let (mut b_tx, mut b) = pair(2);
    for mut select in [Select::fair(), Select::by_priority(), Select::default()] {
        for wait in [Wait::Spin, Wait::Yield, Wait::Park, Wait::ParkAtOnce] {
            select = select.policy(wait);
            assert_eq!(select.poll(&mut [&mut a, &mut b]), None);
            a_tx.send(1).expect("there is room");
            assert_eq!(select.poll(&mut [&mut a, &mut b]), Some(0));
            assert_eq!(select.wait(&mut [&mut b, &mut a]), 1);
            assert_eq!(a.try_recv(), Ok(1));
            b_tx.send(2).expect("there is room");
            assert_eq!(select.wait(&mut [&mut a, &mut b]), 1);
            assert_eq!(select.wait_timeout(&mut [&mut a, &mut b], Duration::ZERO), Some(1));
            assert_eq!(b.try_recv(), Ok(2));
            assert_eq!(select.wait_timeout(&mut [&mut a, &mut b], Duration::ZERO), None);
        }
    }
}

#[test]
fn a_fair_select_chooses_in_turn() {
    let (mut a_tx, mut a) = pair(100);
    let (mut b_tx, mut b) = pair(100);
    let (mut c_tx, mut c) = pair(100);
    for tx in [&mut a_tx, &mut b_tx, &mut c_tx] {
        fill(tx, 0);
    }
    let mut select = Select::fair();
    for round in 0..99 {
        assert_eq!(select.wait(&mut [&mut a, &mut b, &mut c]), round % 3);
    }
    // One that has nothing is passed over, and loses nothing by it.
    while b.try_recv().is_ok() {}
    let mut next = || select.wait(&mut [&mut a, &mut b, &mut c]);
    assert_eq!([next(), next(), next()], [0, 2, 0]);
    b_tx.send(1).expect("there is room");
    assert_eq!(select.wait(&mut [&mut a, &mut b, &mut c]), 1);
    // Of a list that has become shorter.
    assert_eq!(select.wait(&mut [&mut a]), 0);
}

#[test]
fn by_priority_the_first_that_is_ready_is_chosen() {
    let (mut a_tx, mut a) = pair(100);
    let (mut b_tx, mut b) = pair(100);
    let mut select = Select::by_priority();
    fill(&mut b_tx, 0);
    assert_eq!(select.wait(&mut [&mut a, &mut b]), 1);
    fill(&mut a_tx, 0);
    for _ in 0..100 {
        assert_eq!(select.wait(&mut [&mut a, &mut b]), 0);
        assert!(a.try_recv().is_ok());
    }
    assert_eq!(select.wait(&mut [&mut a, &mut b]), 1);
}

#[test]
fn a_timeout_ends_the_wait_and_not_before_its_time() {
    let (_tx, mut rx) = pair(2);
    for wait in [Wait::Spin, Wait::Yield, Wait::Park, Wait::ParkAtOnce] {
        let start = Instant::now();
        let mut select = Select::fair().policy(wait);
        assert_eq!(select.wait_timeout(&mut [&mut rx], A_WHILE), None);
        assert_eq!(select.wait_timeout(&mut [], A_WHILE), None);
        assert!(start.elapsed() >= 2 * A_WHILE);
    }
}

#[test]
#[should_panic(expected = "a select of no sources would wait for ever")]
fn an_empty_list_is_refused() {
    Select::fair().wait(&mut []);
}

/// Three sources of different kinds; the others feed them.
struct Mixed {
    receiver: Receiver<u64, Spsc>,
    sender: Sender<[u64; 16], Spsc>,
    newer: Newer<u64>,
}

impl Mixed {
    fn sources(&mut self) -> [&mut dyn Source; 3] {
        [&mut self.receiver, &mut self.sender, &mut self.newer]
    }
}

/// Whoever selects over these sleeps, and is woken in each round by the next one of the three.
fn wakes(parking: Parking, space: &TempNamespace) {
    let names = |name: &str| spsc::channel::<u64>(name).namespace(space.namespace()).parking(parking);
    let mut tx = names("in").liveness_interval(NEVER).sender().expect("the name is free");
    let receiver = names("in").liveness_interval(NEVER).receiver().expect("free");
    let out = || channel::<[u64; 16]>(space).capacity(1).parking(parking).liveness_interval(NEVER);
    let (mut sender, mut rx) = (out().sender().expect("free"), out().receiver().expect("free"));
    let cell = || seqlock::cell::<u64>("cell").namespace(space.namespace()).parking(parking);
    let mut writer = cell().writer().expect("free");
    let newer = cell().liveness_interval(NEVER).reader().expect("anybody may").newer_than(0);
    sender.send([0; 16]).expect("there is room");
    let mut mixed = Mixed { receiver, sender, newer };
    for round in 0..ROUNDS {
        let caller = Caller::start(move || {
            let mut select = Select::fair().policy(Wait::ParkAtOnce);
            (select.wait(&mut mixed.sources()), mixed)
        });
        if parking != Parking::Never {
            caller.until_asleep();
        }
        match round % 3 {
            0 => tx.send(round).expect("there is room"),
            1 => assert_eq!(rx.recv(), Ok([round / 3; 16])),
            _ => writer.store(round),
        }
        let (index, back) = caller.answer();
        mixed = back;
        assert_eq!(index as u64, round % 3);
        match index {
            0 => assert_eq!(mixed.receiver.try_recv(), Ok(round)),
            1 => mixed.sender.try_send([round / 3 + 1; 16]).expect("a free slot"),
            _ => {
                let mut seen = mixed.newer.seen();
                assert_eq!(mixed.newer.reader().load_if_newer(&mut seen), Ok(Some(round)));
                mixed.newer.set_seen(seen);
            }
        }
        assert_eq!(Select::fair().poll(&mut mixed.sources()), None);
    }
}

#[test]
fn one_that_selects_over_receivers_senders_and_cells_is_woken_by_any_of_them() {
    for parking in [Parking::Never, Parking::Fenced, Parking::Asymmetric] {
        watched(move || {
            let space = TempNamespace::new();
            wakes(parking, &space);
            space.assert_empty();
        });
    }
}

#[test]
fn one_that_selects_hears_that_the_other_side_left() {
    watched(|| {
        let space = TempNamespace::new();
        let (_other, mut quiet) = pair(2);
        let tx = channel::<u64>(&space).liveness_interval(NEVER).sender().expect("free");
        let mut rx = channel::<u64>(&space).liveness_interval(NEVER).receiver().expect("free");
        let caller = Caller::asleep(move || {
            let index = Select::fair().wait(&mut [&mut quiet, &mut rx]);
            (index, rx)
        });
        drop(tx);
        let (index, mut rx) = caller.answer();
        assert_eq!((index, rx.try_recv()), (1, Err(TryRecvError::Disconnected(LEFT))));
        drop(rx);

        let mut tx = channel::<u64>(&space).liveness_interval(NEVER).sender().expect("free");
        let rx = channel::<u64>(&space).liveness_interval(NEVER).receiver().expect("free");
        fill(&mut tx, 0);
        let caller = Caller::asleep(move || (Select::by_priority().wait(&mut [&mut tx]), tx));
        drop(rx);
        let (index, mut tx) = caller.answer();
        assert_eq!((index, tx.try_send(9)), (0, Err(TrySendError::Disconnected(9, LEFT))));
        drop(tx);

        let cell = || seqlock::cell::<u64>("cell").namespace(space.namespace()).liveness_interval(NEVER);
        let writer = cell().writer().expect("free");
        let mut newer = cell().reader().expect("anybody may").newer_than(0);
        let caller = Caller::asleep(move || (Select::fair().wait(&mut [&mut newer]), newer));
        drop(writer);
        let (index, newer) = caller.answer();
        assert!(index == 0 && !newer.reader().freshness().is_fresh());
        drop(newer);
        space.assert_empty();
    });
}

#[test]
fn more_sources_than_the_kernel_watches_are_all_heard() {
    watched(|| {
        const MANY: usize = 200;
        let channels = || mpmc::in_process::<u64>(1).expect("there is memory");
        let (mut senders, mut receivers): (Vec<_>, Vec<_>) = (0..MANY).map(|_| channels()).unzip();
        for number in (0..MANY).rev() {
            let caller = Caller::asleep(move || {
                let mut sources: Vec<&mut dyn Source> = receivers.iter_mut().map(|rx| rx as _).collect();
                (Select::fair().policy(Wait::ParkAtOnce).wait(&mut sources), receivers)
            });
            senders[number].send(number as u64).expect("there is room");
            let (index, back) = caller.answer();
            receivers = back;
            assert_eq!((index, receivers[index].try_recv()), (number, Ok(number as u64)));
        }
    });
}
