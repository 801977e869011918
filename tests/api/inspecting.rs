//! Whoever only looks: it sees what there is, of any kind and type, and nobody notices.

use std::time::Duration;

use ringway::channel::{Mpmc, Mpsc, Peer, Spmc, Spsc};
use ringway::inspect::{CellKey, ChannelKind, Finding, Observer, Participant};
use ringway::map::MapState;
use ringway::{Departure, Message, OnReceiverDeath, Parking, mpmc, mpsc, seqlock, spsc};

use crate::testing::{Child, Role, TempNamespace, watched};
use crate::{Makes, Numbered, channel_of};

const DIR: &str = "RINGWAY_TEST_DIR";
/// Bytes in front of a segment.
pub(super) const PAGE: u64 = 4096;

#[track_caller]
pub(super) fn observe(space: &TempNamespace) -> Observer {
    Observer::open_in(&space.namespace(), "c").expect("it can be looked into")
}

/// All bytes of the channel's file.
pub(super) fn bytes(space: &TempNamespace) -> Vec<u8> {
    std::fs::read(space.path().join("c")).expect("readable")
}

fn me() -> u64 {
    std::process::id().into()
}

#[track_caller]
fn assert_attached(participants: &[Participant], count: usize) {
    assert_eq!(participants.len(), count, "{participants:?}");
    for one in participants {
        assert!(matches!(one.peer, Peer::Attached { pid, .. } if pid == me()), "{one:?}");
    }
}

#[test]
fn a_channel_of_any_kind_and_type_is_seen_as_its_ends_see_it() {
    fn test<M: Numbered, K: Makes>(capacity: usize) {
        let space = TempNamespace::new();
        let mut tx = channel_of::<M, K>(&space).capacity(capacity).sender().expect("the name is free");
        let mut rx = channel_of::<M, K>(&space).receiver().expect("the role is free");
        let observer = observe(&space);
        assert_eq!((observer.name(), observer.capacity()), ("c", capacity as u64));
        assert_eq!(observer.schema(), &M::SCHEMA.tree());
        assert_eq!((observer.key_schema(), observer.state().expect("asked")), (None, MapState::Live));
        assert_eq!(observer.creator_pid(), Some(std::process::id()));
        let (mut sent, mut received) = (0, 0);
        for lap in 0..3 {
            for _ in 0..capacity {
                tx.send(M::of(sent)).expect("there is room");
                sent += 1;
                let snapshot = observer.snapshot();
                assert_eq!((snapshot.sent, snapshot.received), (sent, received), "lap {lap}");
                assert_eq!((snapshot.fill, snapshot.holes), (sent - received, None));
                assert_attached(&snapshot.senders, 1);
                assert_attached(&snapshot.receivers, 1);
                assert_eq!((snapshot.senders[0].claimed, snapshot.receivers[0].claimed), (None, None));
            }
            while received + 1 < sent {
                assert_eq!(rx.recv().expect("one").number(), received);
                received += 1;
                let snapshot = observer.snapshot();
                assert_eq!((snapshot.received, snapshot.fill), (received, sent - received));
            }
            assert_eq!(rx.recv().expect("the last").number(), received);
            received += 1;
            assert_eq!(observer.check(), []);
        }
        drop(tx);
        let gone = |one: &Participant| matches!(one.peer, Peer::Gone { departure: Departure::Left, pid, .. } if pid == me());
        assert!(observer.snapshot().senders.iter().all(gone));
        drop(rx);
        // Whoever looks keeps no name, and what it looks at stays as it was.
        space.assert_empty();
        assert!(observer.snapshot().receivers.iter().all(gone));
        assert_eq!(observer.state().expect("asked"), MapState::Leftover);
    }
    watched(|| {
        for capacity in [1, 2, 3, 100] {
            test::<u64, Spsc>(capacity);
            test::<[u64; 16], Spsc>(capacity);
            test::<u64, Mpsc>(capacity);
            test::<[u64; 16], Mpsc>(capacity);
            test::<u64, Spmc>(capacity);
            test::<[u64; 16], Spmc>(capacity);
            test::<u64, Mpmc>(capacity);
            test::<[u64; 16], Mpmc>(capacity);
        }
    });
}

#[test]
fn options_are_told() {
    let space = TempNamespace::new();
    let channel = mpmc::channel::<u64>("c").namespace(space.namespace()).capacity(7).parking(Parking::Never);
    let channel = channel.max_senders(3).max_receivers(9).on_receiver_death(OnReceiverDeath::Discard);
    let tx = channel.sender().expect("the name is free");
    let observer = observe(&space);
    assert_eq!((observer.kind(), observer.kind().name()), (ChannelKind::Mpmc, "mpmc"));
    assert_eq!((observer.max_senders(), observer.max_receivers()), (3, 9));
    assert_eq!(
        (observer.on_receiver_death(), observer.parking()),
        (Some(OnReceiverDeath::Discard), Parking::Never)
    );
    assert_eq!(observer.path(), space.path().join("c"));
    assert_eq!(PAGE + observer.size(), bytes(&space).len() as u64);
    drop(tx);
    let tx = spsc::channel::<u64>("c").namespace(space.namespace()).sender().expect("the name is free");
    assert_eq!(observe(&space).on_receiver_death(), None);
    drop(tx);
}

#[test]
fn what_is_claimed_is_seen_with_its_owner() {
    let space = TempNamespace::new();
    let channel = channel_of::<u64, Mpmc>(&space).capacity(8);
    let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    let (mut other, mut reader) = (tx.clone(), rx.clone());
    let observer = observe(&space);
    tx.send_batch(&[0, 1, 2]).expect("there is room");
    let loan = other.loan().expect("there is room");
    tx.send(4).expect("there is room");
    let lease = reader.lease().expect("a message");
    let snapshot = observer.snapshot();
    let claimed = |one: &Participant| one.claimed.map(|claimed| (claimed.first, claimed.count));
    let all = |side: &[Participant]| side.iter().map(claimed).collect::<Vec<_>>();
    assert_eq!(all(&snapshot.senders), [None, Some((3, 1))]);
    assert_eq!(all(&snapshot.receivers), [None, Some((0, 1))]);
    assert_eq!(snapshot.holes.map(|holes| (holes.first, holes.count)), Some((3, 1)));
    assert_eq!((snapshot.sent, snapshot.received, snapshot.fill), (5, 1, 4));
    drop((loan, lease));
    let snapshot = observer.snapshot();
    assert_eq!((all(&snapshot.senders), snapshot.holes), (vec![None, None], None));
    assert_eq!(all(&snapshot.receivers), [None, None]);
    assert_eq!(rx.recv(), Ok(1));
}

#[test]
fn who_sleeps_is_seen() {
    watched(|| {
        let space = TempNamespace::new();
        let mut tx = channel_of::<u64, Mpsc>(&space).sender().expect("the name is free");
        let mut rx = channel_of::<u64, Mpsc>(&space).receiver().expect("the role is free");
        let observer = observe(&space);
        assert!(!observer.snapshot().receivers_sleep);
        let waiting = std::thread::spawn(move || rx.recv());
        while !observer.snapshot().receivers_sleep {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!observer.snapshot().senders_sleep);
        tx.send(1).expect("there is room");
        assert_eq!(waiting.join().expect("it ended well"), Ok(1));
        assert!(!observer.snapshot().receivers_sleep);
    });
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Symbol([u8; 8]);

#[test]
fn cells_are_seen_with_their_values_and_keys() {
    let space = TempNamespace::new();
    let table = seqlock::keyed_table::<Symbol, [u64; 16]>("c").namespace(space.namespace()).cells(3);
    let reader = table.clone().reader().expect("the name is free");
    let observer = observe(&space);
    assert_eq!((observer.kind(), observer.capacity()), (ChannelKind::KeyedTable, 3));
    assert_eq!(observer.schema(), &<[u64; 16]>::SCHEMA.tree());
    assert_eq!(observer.key_schema(), Some(&Symbol::SCHEMA.tree()));
    assert_eq!(observer.snapshot().fill, 0);
    let (mut writer, key) = (table.writer().expect("a writer"), Symbol(*b"ABCDEFGH"));
    writer.store(&key, [1; 16]).expect("a cell is free");
    let set =
        (0..3).find(|cell| observer.key(*cell) == CellKey::Set(b"ABCDEFGH".to_vec())).expect("it is set");
    for number in 2..100_u64 {
        writer.store(&key, [number; 16]).expect("it has a cell");
        let value = [number; 16].map(u64::to_le_bytes).concat();
        assert_eq!((observer.version(set), observer.value(set)), (number, Ok(Some((number, value)))));
    }
    let snapshot = observer.snapshot();
    assert_eq!((snapshot.sent, snapshot.fill, snapshot.receivers.len()), (99, 1, 0));
    assert_attached(&snapshot.senders, 1);
    assert_eq!(snapshot.senders[0].index, set);
    for other in (0..3).filter(|cell| *cell != set) {
        assert_eq!((observer.key(other), observer.value(other)), (CellKey::Unset, Ok(None)));
    }
    assert_eq!(observer.check(), []);
    drop((reader, writer));
    space.assert_empty();
}

#[test]
fn nothing_is_changed_by_looking() {
    let space = TempNamespace::new();
    let channel = channel_of::<[u64; 16], Mpmc>(&space).capacity(5);
    let (mut tx, rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    tx.send_batch(&[[1; 16]; 3]).expect("there is room");
    let before = bytes(&space);
    for _ in 0..3 {
        let observer = observe(&space);
        assert_eq!((observer.snapshot().fill, observer.check()), (3, vec![]));
    }
    assert!(before == bytes(&space), "a byte has changed");
    drop((tx, rx));
}

/// Sends three messages and holds a slot until it is killed.
#[test]
fn role_sender() {
    let Some(mut role) = Role::play() else { return };
    let namespace = ringway::map::Namespace::Dir(role.var(DIR).into());
    let mut tx = mpsc::channel::<u64>("c").namespace(namespace).sender().expect("it may send");
    tx.send_batch(&[1, 2, 3]).expect("there is room");
    let loan = tx.loan().expect("there is room");
    role.say("holds");
    role.hear();
    drop(loan);
}

#[test]
fn the_dead_are_told_and_a_leftover_stays_one() {
    watched(|| {
        let space = TempNamespace::new();
        let rx = mpsc::channel::<u64>("c").namespace(space.namespace()).receiver().expect("the name is free");
        let mut child = Child::spawn("inspecting::role_sender", &[(DIR, space.path().as_os_str())]);
        assert_eq!(child.hear(), "holds");
        let observer = observe(&space);
        let sender = |observer: &Observer| observer.snapshot().senders[0].clone();
        assert!(matches!(sender(&observer).peer, Peer::Attached { pid, .. } if pid == child.pid()));
        assert_eq!(observer.check(), []);
        child.kill();
        let dead = sender(&observer);
        assert!(
            matches!(dead.peer, Peer::Gone { departure: Departure::Died, pid, .. } if pid == child.pid())
        );
        assert_eq!(dead.claimed.map(|claimed| (claimed.first, claimed.count)), Some((3, 1)));
        let found = Finding::Dead { role: "sender", index: 0, pid: child.pid(), claimed: Some(1) };
        assert_eq!(observer.check(), std::slice::from_ref(&found));
        let said = format!(
            "the sender in record 0, process {}, was killed with a claim of 1 messages, which whoever takes part repairs",
            child.pid()
        );
        assert_eq!(found.to_string(), said);
        assert_eq!(observer.snapshot().fill, 4);
        drop(rx);
    });
}

#[test]
fn a_leftover_is_looked_into_and_stays() {
    watched(|| {
        let space = TempNamespace::new();
        let mut child = Child::spawn("inspecting::role_sender", &[(DIR, space.path().as_os_str())]);
        assert_eq!(child.hear(), "holds");
        child.kill();
        for _ in 0..2 {
            let observer = observe(&space);
            assert_eq!(observer.state().expect("asked"), MapState::Leftover);
            let findings = observer.check();
            assert_eq!(findings.last(), Some(&Finding::Leftover));
            assert!(findings[0].to_string().contains("was killed"), "{findings:?}");
            let text = "no process has it any more: the next one that opens the name starts anew, and a sweep removes it";
            assert_eq!(Finding::Leftover.to_string(), text);
            assert_eq!(observer.snapshot().sent, 4);
        }
        assert_eq!(space.files(), ["c"]);
        assert_eq!(space.namespace().sweep().expect("swept").removed.len(), 1);
        space.assert_empty();
    });
}
