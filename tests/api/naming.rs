//! Named channels: who makes them, who comes when, and how long they stay.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ringway::map::ErrorKind;
use ringway::spsc::{self, Receiver, Sender};
use ringway::{Error, Peer, Predecessor, TryRecvError};

use crate::testing::{TempNamespace, watched};
use crate::{Namespace, channel};

#[test]
fn the_sides_may_come_in_any_order() {
    watched(|| {
        let space = TempNamespace::new();
        let mut tx = channel::<u64>(&space).capacity(3).sender().expect("the name is free");
        assert_eq!((tx.peer(), tx.predecessor()), (Peer::Awaited, Predecessor::None));
        assert!(!tx.wait_for_peer(Duration::ZERO));
        (0..3).for_each(|number| tx.send(number).expect("there is room"));
        assert!(tx.try_send(3).is_err());
        let mut rx = channel::<u64>(&space).receiver().expect("the role is free");
        assert!(tx.wait_for_peer(Duration::ZERO));
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        drop((tx, rx));
        space.assert_empty();

        let mut rx = channel::<u64>(&space).capacity(3).receiver().expect("the name is free");
        assert_eq!((rx.peer(), rx.predecessor()), (Peer::Awaited, Predecessor::None));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a sender has yet to come");
        let mut tx = channel::<u64>(&space).sender().expect("the role is free");
        tx.send(7).expect("there is room");
        assert_eq!(rx.recv(), Ok(7));
        drop((rx, tx));
        space.assert_empty();
    });
}

#[test]
fn a_receiver_that_waits_for_the_first_sender_gets_its_messages() {
    watched(|| {
        let space = TempNamespace::new();
        let mut rx = channel::<u64>(&space).receiver().expect("the name is free");
        let waiting = std::thread::spawn(move || {
            assert!(rx.wait_for_peer(Duration::MAX));
            rx.iter().take(3).collect::<Vec<_>>()
        });
        let mut tx = channel::<u64>(&space).sender().expect("the role is free");
        tx.send_batch(&[1, 2, 3]).expect("there is room");
        // It may not have looked yet whether somebody is there.
        assert_eq!(waiting.join().expect("it ended well"), [1, 2, 3]);
        drop(tx);
        space.assert_empty();
    });
}

#[test]
fn a_successor_goes_on_where_its_predecessor_stopped() {
    watched(|| {
        fn test<M: crate::Numbered>() {
            let space = TempNamespace::new();
            let mut rx: Receiver<M> = channel(&space).capacity(8).receiver().expect("the name is free");
            for round in 0..10 {
                let mut tx: Sender<M> = channel(&space).sender().expect("the role is free");
                let left = if round == 0 { Predecessor::None } else { Predecessor::Left };
                assert_eq!((tx.position(), tx.predecessor()), (3 * round, left));
                (0..3).for_each(|i| tx.send(M::of(3 * round + i)).expect("there is room"));
                drop(tx);
                assert_eq!(rx.recv(), Ok(M::of(3 * round)));
                assert_eq!(rx.len(), 2);
                // The segment needs somebody.
                let tx: Sender<M> = channel(&space).sender().expect("the role is free");
                drop(rx);
                rx = channel(&space).receiver().expect("the role is free");
                assert_eq!((rx.position(), rx.predecessor()), (3 * round + 1, Predecessor::Left));
                assert_eq!(rx.recv(), Ok(M::of(3 * round + 1)));
                assert_eq!(rx.recv(), Ok(M::of(3 * round + 2)));
                drop(tx);
            }
            drop(rx);
            space.assert_empty();
        }
        test::<u64>();
        test::<[u64; 16]>();
    });
}

#[test]
fn a_receiver_that_heard_its_sender_leave_goes_on_when_another_comes() {
    watched(|| {
        let space = TempNamespace::new();
        let mut rx: Receiver<u64> = channel(&space).receiver().expect("the name is free");
        for number in 0..5 {
            let mut tx = channel::<u64>(&space).sender().expect("the role is free");
            tx.send(number).expect("there is room");
            drop(tx);
            assert_eq!(rx.iter().collect::<Vec<_>>(), [number]);
        }
        drop(rx);
        space.assert_empty();
    });
}

#[test]
fn create_new_refuses_a_channel_that_exists_and_open_existing_one_that_does_not() {
    let space = TempNamespace::new();
    let missing = channel::<u64>(&space).open_existing().sender().expect_err("nobody made it");
    assert!(matches!(&missing, Error::Map(error) if *error.kind() == ErrorKind::NotFound), "{missing}");
    assert!(missing.to_string().contains("`c`"));
    space.assert_empty();
    let tx = channel::<u64>(&space).create_new().sender().expect("the name is free");
    let exists = channel::<u64>(&space).create_new().receiver().expect_err("it exists");
    assert!(
        matches!(&exists, Error::Map(error) if *error.kind() == ErrorKind::AlreadyExists { stale: false }),
        "{exists}"
    );
    drop(channel::<u64>(&space).open_existing().receiver().expect("it exists"));
    drop(tx);
    space.assert_empty();
}

#[test]
fn a_new_channel_has_the_mode_that_was_asked_for_and_its_owners_alone_by_default() {
    let space = TempNamespace::new();
    let mode = || {
        let file = std::fs::metadata(space.path().join("c")).expect("it is there");
        file.permissions().mode() & 0o777
    };
    let tx = channel::<u64>(&space).sender().expect("the name is free");
    assert_eq!(mode(), 0o600);
    drop(tx);
    for bits in [0o600, 0o660, 0o666, 0o640] {
        let rx = channel::<u64>(&space).mode(bits).receiver().expect("the name is free");
        assert_eq!(mode(), bits);
        // Of no effect on one that exists.
        drop(channel::<u64>(&space).mode(0o777).sender().expect("the role is free"));
        assert_eq!(mode(), bits);
        drop(rx);
    }
    let error = channel::<u64>(&space).mode(0o7777).sender().expect_err("no permission bits");
    assert!(error.to_string().contains("mode"), "{error}");
    space.assert_empty();
}

#[test]
fn the_default_capacity_is_1024_and_the_creators_counts() {
    let space = TempNamespace::new();
    let tx = channel::<u64>(&space).sender().expect("the name is free");
    assert_eq!(tx.capacity(), 1024);
    drop(tx);
    let tx = channel::<u64>(&space).capacity(3).sender().expect("the name is free");
    let rx = channel::<u64>(&space).receiver().expect("the role is free");
    assert_eq!((tx.capacity(), rx.capacity()), (3, 3));
    drop((tx, rx));
    space.assert_empty();
}

#[test]
fn channels_of_one_name_in_two_namespaces_have_nothing_to_do_with_each_other() {
    let (here, there) = (TempNamespace::new(), TempNamespace::new());
    let mut tx = channel::<u64>(&here).sender().expect("the name is free");
    let mut rx = channel::<u64>(&there).receiver().expect("the name is free");
    tx.send(1).expect("there is room");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rx.peer(), Peer::Awaited);
    drop((tx, rx));
    here.assert_empty();
    there.assert_empty();
}

#[test]
fn any_text_is_a_name() {
    let space = TempNamespace::new();
    let names = ["a", "a b", "md/ticks", "Ünïcödé", ".hidden", "..", "\n", &"x".repeat(300)];
    let open: Vec<Sender<u64>> = names
        .iter()
        .map(|name| {
            let channel = spsc::channel(name).namespace(Namespace::Dir(space.path().to_owned()));
            channel.sender().unwrap_or_else(|error| panic!("{name}: {error}"))
        })
        .collect();
    assert_eq!(space.files().len(), names.len());
    drop(open);
    space.assert_empty();
}
