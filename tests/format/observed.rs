//! The golden segments, whose participants were killed, as one sees them who only looks; and pages that no channel has.

use ringway::channel::untyped;
use ringway::inspect::{CellKey, ChannelKind, Finding, Observer, Snapshot, Tap};
use ringway::map::ErrorKind;
use ringway::{Departure, Error, Message, OnReceiverDeath, Parking, Peer, mpmc, seqlock, spsc};

use crate::dump::Golden;
use crate::opened::Restored;
use crate::{NAME, Numbered, Tick};

#[track_caller]
fn observe(restored: &Restored) -> Observer {
    Observer::open_in(&restored.space.namespace(), NAME).expect("it can be looked into")
}

#[track_caller]
fn seen<M: Message>(golden: &str, kind: ChannelKind, capacity: u64) -> (Observer, Snapshot, Restored) {
    let restored = Restored::new(golden);
    let observer = observe(&restored);
    assert_eq!((observer.kind(), observer.capacity()), (kind, capacity), "{golden}");
    assert_eq!(observer.schema(), &M::SCHEMA.tree(), "{golden}");
    let snapshot = observer.snapshot();
    let dead = snapshot.senders.iter().chain(&snapshot.receivers);
    // Who died is known by the kernel's word; when, by nobody yet.
    let unknown = |peer: &Peer| matches!(peer, Peer::Gone { departure: Departure::Died, at, .. } if *at != std::time::UNIX_EPOCH);
    assert!(!dead.clone().any(|one| unknown(&one.peer)), "{golden}: {snapshot:?}");
    let is_damage = |finding: &Finding| matches!(finding, Finding::Damaged { .. });
    assert!(!observer.check().iter().any(is_damage), "{golden}: {:?}", observer.check());
    (observer, snapshot, restored)
}

/// What each of a side has claimed: the first position and how many.
fn claims(side: &[ringway::inspect::Participant]) -> Vec<Option<(u64, u32)>> {
    side.iter().map(|one| one.claimed.map(|claimed| (claimed.first, claimed.count))).collect()
}

#[test]
fn golden_channels_are_seen_as_they_were_left() {
    for (golden, parking) in [
        ("stamped.hex", Parking::Fenced),
        ("parking-never.hex", Parking::Never),
        ("parking-asymmetric.hex", Parking::Asymmetric),
    ] {
        let (observer, snapshot, _restored) = seen::<Tick>(golden, ChannelKind::Spsc, 4);
        assert_eq!((snapshot.sent, snapshot.received, snapshot.fill), (5, 1, 4));
        assert_eq!(observer.parking(), parking);
    }
    let (_, snapshot, _restored) = seen::<[u64; 16]>("indexed.hex", ChannelKind::Spsc, 4);
    assert_eq!((snapshot.sent, snapshot.received, snapshot.fill), (5, 1, 4));

    let (observer, snapshot, _restored) = seen::<Tick>("mpsc.hex", ChannelKind::Mpsc, 5);
    assert_eq!(
        (claims(&snapshot.senders), claims(&snapshot.receivers)),
        (vec![None, Some((3, 1))], vec![Some((1, 1))])
    );
    assert_eq!((snapshot.sent, snapshot.received), (5, 1));
    let dead = |role, index, claimed| move |finding: &Finding| matches!(finding, Finding::Dead { role: r, index: i, claimed: c, .. } if (*r, *i, *c) == (role, index, claimed));
    let findings = observer.check();
    assert!(
        findings.iter().any(dead("sender", 1, Some(1))) && findings.iter().any(dead("receiver", 0, Some(1)))
    );

    let (_, snapshot, _restored) = seen::<[u64; 16]>("spmc.hex", ChannelKind::Spmc, 5);
    assert_eq!(claims(&snapshot.receivers), [None, Some((1, 1))]);
    assert_eq!((snapshot.sent, snapshot.received, snapshot.fill), (6, 2, 4));

    let (observer, snapshot, _restored) = seen::<Tick>("shared.hex", ChannelKind::Mpmc, 7);
    assert_eq!(observer.on_receiver_death(), Some(OnReceiverDeath::Discard));
    assert_eq!((observer.max_senders(), observer.max_receivers()), (3, 2));
    assert_eq!(claims(&snapshot.senders), [None, Some((7, 1)), None]);
    assert_eq!(claims(&snapshot.receivers), [None, Some((1, 1))]);
    assert_eq!((snapshot.sent, snapshot.received, snapshot.fill), (8, 5, 3));
    assert!(matches!(snapshot.senders[2].peer, Peer::Gone { departure: Departure::Left, .. }));

    let (observer, _, _restored) = seen::<Tick>("stamped.hex", ChannelKind::Spsc, 4);
    let said: Vec<_> = observer.check().iter().map(ToString::to_string).collect();
    assert!(said[0].ends_with("was killed: whoever comes next goes on where it was"), "{said:?}");
}

/// What a tap shows of a leftover, past the places that the dead had; and how many it missed.
fn tapped(golden: Golden) -> (Vec<u64>, u64) {
    let mut tap = Tap::from_oldest(observe(&Restored::with(golden, 0o600)));
    let mut shown = Vec::new();
    loop {
        let number = tap.look().expect("it is whole").map(|passed| {
            assert_eq!(u64::from(passed.bytes[0]), passed.number, "each message is its position");
            passed.number
        });
        match number {
            Some(number) => shown.push(number),
            None if tap.pass_hole() => {}
            None => return (shown, tap.missed()),
        }
    }
}

/// Made without the hints that are for taps.
#[test]
fn golden_channels_are_tapped() {
    for golden in ["stamped.hex", "indexed.hex", "parking-never.hex", "parking-asymmetric.hex"] {
        assert_eq!(tapped(Golden::read(golden)), (vec![1, 2, 3, 4], 0), "{golden}");
    }
    assert_eq!(tapped(Golden::read("spmc.hex")), (vec![1, 2, 3, 4, 5], 0));
    // Whoever has received a message leaves it there, where stores are in order.
    let received = if cfg!(target_arch = "x86_64") { vec![0] } else { vec![] };
    assert_eq!(tapped(Golden::read("mpsc.hex")), ([received, vec![1, 2, 4]].concat(), 0));
    // Position 3 was given up, and the two beside it were received: nothing says which of them is the gap.
    let mut golden = Golden::read("shared.hex");
    let control = golden.number(4096 + 120, 8) as usize;
    golden.put(4096 + control + 256 + 24, &1_u64.to_le_bytes());
    assert_eq!(tapped(golden), (vec![1, 5, 6], 3));
}

#[test]
fn golden_cells_are_seen_with_their_values() {
    let value = |tick: Tick| {
        let (time, price) = (tick.time_ns.to_le_bytes(), tick.price.to_le_bytes());
        [&time[..], &price, &tick.size.to_le_bytes(), &tick.venue.to_le_bytes()].concat()
    };
    let (observer, snapshot, _restored) = seen::<Tick>("cell.hex", ChannelKind::Cell, 1);
    assert_eq!((observer.value(0), snapshot.sent), (Ok(Some((2, value(Tick::of(2))))), 2));
    let (observer, _, _restored) = seen::<[u64; 16]>("large-cell.hex", ChannelKind::Cell, 1);
    let large = <[u64; 16]>::of(2).map(u64::to_le_bytes).concat();
    assert_eq!(observer.value(0), Ok(Some((2, large))));
    let (observer, snapshot, _restored) = seen::<Tick>("table.hex", ChannelKind::Table, 3);
    let values: Vec<_> = (0..3).map(|cell| observer.value(cell)).collect();
    assert_eq!(values, [Ok(None), Ok(Some((3, value(Tick::of(3))))), Ok(Some((1, value(Tick::of(9)))))]);
    assert_eq!((snapshot.fill, snapshot.sent), (2, 4));
    let (observer, _, _restored) = seen::<Tick>("keyed-table.hex", ChannelKind::KeyedTable, 5);
    let keys = crate::made::keys();
    assert_eq!([4, 0].map(|cell| observer.key(cell)), keys.map(|key| CellKey::Set(key.to_vec())));
    assert_eq!([1, 2, 3].map(|cell| observer.key(cell)), [CellKey::Unset, CellKey::Unset, CellKey::Unset]);
}

/// A receiver that gives slots back, and was killed before it said so: senders had gone on into them.
#[test]
fn a_receiver_that_was_killed_while_it_gave_slots_back_is_no_damage() {
    let mut golden = Golden::read("mpsc.hex");
    // Message 1 was given back, and its slot used again.
    let (control, slots) = (golden.number(4096 + 120, 8) as usize, golden.number(4096 + 128, 8) as usize);
    golden.put(4096 + control, &7_u64.to_le_bytes());
    for (slot, stamp) in [(0, 1_u64 << 12 | 1), (1, 1 << 12 | 1)] {
        golden.put(4096 + slots + slot * 32, &stamp.to_le_bytes());
    }
    let restored = Restored::with(golden, 0o600);
    let is_damage = |finding: &Finding| matches!(finding, Finding::Damaged { .. });
    let findings = observe(&restored).check();
    assert!(!findings.iter().any(is_damage), "{findings:?}");
}

/// What waits to be delivered again is behind the head.
#[test]
fn messages_that_wait_to_be_delivered_again_are_counted() {
    let mut golden = Golden::read("spmc.hex");
    let (control, slots) = (golden.number(4096 + 120, 8) as usize, golden.number(4096 + 128, 8) as usize);
    let stride = golden.number(4096 + 64, 8) as usize;
    golden.put(4096 + slots + stride, &(1_u64 << 8).to_le_bytes());
    golden.put(4096 + control + 256, &1_u64.to_le_bytes());
    let restored = Restored::with(golden, 0o600);
    assert_eq!(observe(&restored).snapshot().orphans, 1);
}

#[test]
fn words_that_add_up_to_too_much_are_told_as_they_are() {
    let mut golden = Golden::read("spmc.hex");
    let control = golden.number(4096 + 120, 8) as usize;
    golden.put(4096 + control + 256 + 8, &u64::MAX.to_le_bytes());
    golden.put(4096 + control + 256 + 16, &1_u64.to_le_bytes());
    let snapshot = observe(&Restored::with(golden, 0o600)).snapshot();
    assert_eq!((snapshot.poisoned, snapshot.discarded), (u64::MAX, 1));
}

/// A channel is for everybody who may open it to write to; a page that says otherwise is of none.
#[test]
fn a_channel_that_nobody_may_write_to_is_refused_by_whoever_would() {
    let mut golden = Golden::read("shared.hex");
    golden.put(84, &1_u32.to_le_bytes());
    let restored = Restored::with(golden, 0o600);
    let namespace = restored.space.namespace();
    let channel = || mpmc::channel::<Tick>(NAME).namespace(namespace.clone()).open_existing();
    let errors = [
        channel().sender().map(drop).expect_err("read-only"),
        channel().receiver().map(drop).expect_err("read-only"),
        untyped::Channel::open_in(&namespace, NAME).map(drop).expect_err("read-only"),
    ];
    for error in errors {
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        let text = "channel `golden` is damaged: found a map that its creator made for reading only, expected for reading \
            and writing; ";
        assert!(error.to_string().starts_with(text), "{error}");
    }
    // Who only reads need not.
    assert_eq!(observe(&restored).snapshot().sent, 8);
    let mut golden = Golden::read("cell.hex");
    golden.put(84, &1_u32.to_le_bytes());
    let restored = Restored::with(golden, 0o600);
    let cell = seqlock::cell::<Tick>(NAME).namespace(restored.space.namespace()).open_existing();
    assert_eq!(cell.clone().reader().expect("it may read").load(), Ok(Tick::of(2)));
    let error = cell.writer().map(drop).expect_err("read-only");
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn the_name_of_a_file_is_no_channel() {
    let (files, mut golden) = (crate::testing::TempNamespace::new(), Golden::read("file-name.hex"));
    let path = crate::made::file(&files);
    let metadata = std::fs::metadata(&path).unwrap();
    golden.put(88, &std::os::unix::fs::MetadataExt::dev(&metadata).to_le_bytes());
    golden.put(96, &std::os::unix::fs::MetadataExt::ino(&metadata).to_le_bytes());
    golden.put(128 + NAME.len(), path.to_str().unwrap().as_bytes());
    let restored = Restored::with(golden, 0o1600);
    let namespace = restored.space.namespace();
    let typed = spsc::channel::<Tick>(NAME).namespace(namespace.clone()).open_existing().sender().map(drop);
    assert!(matches!(typed, Err(Error::NotAChannel { .. })), "{typed:?}");
    let cell = seqlock::cell::<Tick>(NAME).namespace(namespace.clone()).open_existing().reader().map(drop);
    assert!(matches!(cell, Err(Error::NotAChannel { .. })), "{cell:?}");
    for error in [
        Observer::open_in(&namespace, NAME).map(drop).expect_err("no channel"),
        untyped::Channel::open_in(&namespace, NAME).map(drop).expect_err("no channel"),
    ] {
        let Error::Map(error) = error else { panic!("{error}") };
        assert!(matches!(error.kind(), ErrorKind::Foreign { .. }), "{error}");
    }
    restored.leave();
}
