//! What the library makes is byte for byte what it was.

use std::time::Duration;

use ringway::spsc::{self, Channel};
use ringway::{Message, OnReceiverDeath, Parking, map, mpmc, mpsc, seqlock, spmc};

use crate::dump::assert_dump;
use crate::fnv::fnv1a_64;
use crate::testing::TempNamespace;
use crate::{NAME, Numbered, Tick, keeper};

/// A path of so many bytes, whatever the directory is called.
pub(crate) const PATH_LEN: usize = 64;

pub(crate) fn channel<M: Message>(space: &TempNamespace) -> Channel<M> {
    let channel = spsc::channel(NAME).namespace(space.namespace()).capacity(4);
    channel.liveness_interval(Duration::from_millis(1)).parking(Parking::Fenced)
}

/// Compares a channel that passed one message and holds four, in which the second lap began, with its dump.
fn assert_golden<M: Numbered>(file: &str, parking: Parking) {
    let space = TempNamespace::new();
    let channel = || channel::<M>(&space).parking(parking);
    let (mut tx, mut rx) = (channel().sender().unwrap(), channel().receiver().unwrap());
    (0..4).for_each(|number| tx.send(M::of(number)).unwrap());
    assert_eq!(rx.recv(), Ok(M::of(0)));
    tx.send(M::of(4)).unwrap();
    assert_dump(&space, file);
}

#[test]
fn a_stamped_channel_is_byte_for_byte_what_it_was() {
    assert_golden::<Tick>("stamped.hex", Parking::Fenced);
}

#[test]
fn an_indexed_channel_is_byte_for_byte_what_it_was() {
    assert_golden::<[u64; 16]>("indexed.hex", Parking::Fenced);
}

#[test]
fn a_channel_with_each_choice_of_parking_is_byte_for_byte_what_it_was() {
    assert_golden::<Tick>("parking-never.hex", Parking::Never);
    assert_golden::<Tick>("parking-asymmetric.hex", Parking::Asymmetric);
}

/// Of the shared sides: two senders, one of which has a slot in hand and one of which has given one up, two
/// receivers, one of which has a message in hand, and a place that somebody has left.
#[test]
fn a_channel_with_shared_sides_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let channel =
        mpmc::channel::<Tick>(NAME).namespace(space.namespace()).capacity(7).parking(Parking::Fenced);
    let channel = channel.max_senders(3).max_receivers(2).on_receiver_death(OnReceiverDeath::Discard);
    let (mut tx, mut rx) = (channel.clone().sender().unwrap(), channel.receiver().unwrap());
    let (mut other, mut reader, left) = (tx.clone(), rx.clone(), tx.clone());
    drop(left);
    (0..3).for_each(|number| tx.send(Tick::of(number)).unwrap());
    assert_eq!(rx.recv(), Ok(Tick::of(0)));
    let lease = reader.lease().unwrap();
    assert_eq!(*lease, Tick::of(1));
    drop(tx.loan().unwrap());
    other.send_batch(&[4, 5, 6].map(Tick::of)).unwrap();
    assert_eq!(rx.recv(), Ok(Tick::of(2)));
    assert_eq!(rx.recv(), Ok(Tick::of(4)));
    let loan = other.loan().unwrap();
    assert_dump(&space, "shared.hex");
    drop((lease, loan));
}

/// Two senders, of which one has a slot in hand, and the receiver has a message in hand.
#[test]
fn a_channel_with_several_senders_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let channel = mpsc::channel::<Tick>(NAME).namespace(space.namespace()).capacity(5);
    let channel = channel.max_senders(2).parking(Parking::Fenced);
    let (mut tx, mut rx) = (channel.clone().sender().unwrap(), channel.receiver().unwrap());
    let mut other = tx.clone();
    (0..3).for_each(|number| tx.send(Tick::of(number)).unwrap());
    assert_eq!(rx.recv(), Ok(Tick::of(0)));
    let loan = other.loan().unwrap();
    tx.send(Tick::of(4)).unwrap();
    let lease = rx.lease().unwrap();
    assert_eq!(*lease, Tick::of(1));
    assert_dump(&space, "mpsc.hex");
    drop((lease, loan));
}

/// Two receivers, of which one has a message in hand and one has given one up unread.
#[test]
fn a_channel_with_several_receivers_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let channel = spmc::channel::<[u64; 16]>(NAME).namespace(space.namespace()).capacity(5);
    let channel = channel.max_receivers(2).parking(Parking::Fenced);
    let (mut tx, mut rx) = (channel.clone().sender().unwrap(), channel.receiver().unwrap());
    let mut other = rx.clone();
    (0..4).for_each(|number| tx.send(Numbered::of(number)).unwrap());
    assert_eq!(rx.recv(), Ok(Numbered::of(0)));
    let lease = other.lease().unwrap();
    assert_eq!(*lease, <[u64; 16]>::of(1));
    (4..6).for_each(|number| tx.send(Numbered::of(number)).unwrap());
    assert_dump(&space, "spmc.hex");
    drop(lease);
}

/// A cell with two values, whose writer has left, and one that holds the line of the sequence.
#[test]
fn a_cell_is_byte_for_byte_what_it_was() {
    fn test<M: Numbered>(file: &str) {
        let space = TempNamespace::new();
        let cell = seqlock::cell::<M>(NAME).namespace(space.namespace()).parking(Parking::Fenced);
        let (reader, mut writer) = (cell.clone().reader().unwrap(), cell.writer().unwrap());
        (1..3).for_each(|number| writer.store(M::of(number)));
        drop(writer);
        assert_eq!(reader.load(), Ok(M::of(2)));
        assert_dump(&space, file);
    }
    test::<Tick>("cell.hex");
    test::<[u64; 16]>("large-cell.hex");
}

/// Three cells: without a value, with three, whose writer is there, and with one, whose writer has left.
#[test]
fn a_table_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let table = seqlock::table::<Tick>(NAME).namespace(space.namespace()).cells(3).parking(Parking::Fenced);
    let mut writers = table.writers(1..3).unwrap();
    (1..4).for_each(|number| writers[0].store(Tick::of(number)));
    writers[1].store(Tick::of(9));
    drop(writers.pop());
    assert_dump(&space, "table.hex");
}

/// A table of five cells, of which two have keys; one key had to go past the end.
#[test]
fn a_keyed_table_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let table = seqlock::keyed_table::<[u8; 6], Tick>(NAME).namespace(space.namespace()).cells(5);
    let table = table.parking(Parking::Fenced);
    let (mut writer, reader) = (table.clone().writer().unwrap(), table.reader().unwrap());
    let keys = keys();
    for (number, key) in (1..).zip(&keys) {
        writer.store(key, Tick::of(number)).unwrap();
    }
    assert_eq!(keys.map(|key| reader.find(&key)), [Some(4), Some(0)]);
    assert_dump(&space, "keyed-table.hex");
}

/// Two keys that hash to the last of five cells.
pub(crate) fn keys() -> [[u8; 6]; 2] {
    let keys = (0..100).map(|number| *format!("key{number:03}").as_bytes().first_chunk::<6>().unwrap());
    let mut last = keys.filter(|key| fnv1a_64(key) % 5 == 4);
    [(); 2].map(|()| last.next().expect("there are enough"))
}

/// A file in a directory of its own, whose path is as long as that in the dump.
pub(crate) fn file(files: &TempNamespace) -> std::path::PathBuf {
    let directory = files.path().to_str().expect("UTF-8").len();
    let path = files.path().join("d".repeat(PATH_LEN - directory - 1));
    std::fs::write(&path, "its content").unwrap();
    path
}

#[test]
fn the_page_of_the_name_of_a_file_is_byte_for_byte_what_it_was() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let options = map::MapOptions::new().namespace(space.namespace()).name(NAME);
    let map = options.open_path(file(&files)).unwrap();
    assert_dump(&space, "file-name.hex");
    drop((keeper(&space), map));
    space.assert_empty();
}
