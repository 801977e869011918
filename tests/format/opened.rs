//! Each golden segment still opens, after all who had it were killed, and gives its content.

use std::fs::{File, OpenOptions, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use ringway::channel::{Kind, Receiver};
use ringway::seqlock::LoadError;
use ringway::{Departure, Predecessor, RecvTimeoutError, map, mpmc, mpsc, seqlock, spmc};

use crate::dump::Golden;
use crate::made::{channel, file, keys};
use crate::testing::{TempNamespace, WATCHDOG};
use crate::{NAME, Numbered, Tick};

const SOON: Duration = Duration::from_millis(1);

/// A golden segment as a file, and somebody who is present, without whom it would be a leftover.
pub(crate) struct Restored {
    pub(crate) space: TempNamespace,
    present: File,
}

impl Restored {
    pub(crate) fn new(golden: &str) -> Self {
        Self::with(Golden::read(golden), 0o600)
    }

    pub(crate) fn with(golden: Golden, mode: u32) -> Self {
        let space = TempNamespace::new();
        let path = space.path().join(NAME);
        std::fs::write(&path, golden.file()).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let present = OpenOptions::new().read(true).open(path).unwrap();
        lock(&present, libc::F_RDLCK);
        Self { space, present }
    }

    /// The last one out removes it.
    pub(crate) fn leave(self) {
        let keeper = crate::keeper(&self.space);
        lock(&self.present, libc::F_UNLCK);
        drop(keeper);
        self.space.assert_empty();
    }
}

/// Presence: the lock on byte 0.
#[allow(unsafe_code, reason = "rustix does not name these locks")]
fn lock(file: &File, kind: i32) {
    // SAFETY: all bytes of the struct may be zero.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    (lock.l_type, lock.l_len) = (kind as i16, 1);
    // SAFETY: the descriptor is open, and the command reads a `flock`, which outlives the call.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    assert_eq!(done, 0);
}

fn assert_ring<M: Numbered>(golden: &str) {
    let restored = Restored::new(golden);
    let parking = match Golden::read(golden).number(4096 + 196, 4) {
        0 => ringway::Parking::Never,
        1 => ringway::Parking::Fenced,
        _ => ringway::Parking::Asymmetric,
    };
    let channel = || channel::<M>(&restored.space).parking(parking).open_existing();
    let mut rx = channel().receiver().unwrap();
    assert_eq!((rx.predecessor(), rx.position()), (Predecessor::Died, 1));
    assert_eq!(rest(&mut rx), [1, 2, 3, 4].map(M::of));
    let mut tx = channel().sender().unwrap();
    assert_eq!((tx.predecessor(), tx.position()), (Predecessor::Died, 5));
    tx.send(M::of(5)).unwrap();
    assert_eq!(rx.recv_timeout(WATCHDOG), Ok(M::of(5)));
    drop((tx, rx));
    restored.leave();
}

/// What there is to receive, until it is known that the senders were killed.
fn rest<M: Numbered, K: Kind>(rx: &mut Receiver<M, K>) -> Vec<M> {
    let mut messages = Vec::new();
    loop {
        match rx.recv_timeout(WATCHDOG) {
            Ok(message) => messages.push(message),
            Err(RecvTimeoutError::Disconnected(Departure::Died)) => return messages,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn golden_channels_with_one_on_each_side_open_and_give_their_messages() {
    assert_ring::<Tick>("stamped.hex");
    assert_ring::<[u64; 16]>("indexed.hex");
    assert_ring::<Tick>("parking-never.hex");
    assert_ring::<Tick>("parking-asymmetric.hex");
}

#[test]
fn golden_channels_with_shared_sides_open_and_give_what_the_dead_have_not_received() {
    let restored = Restored::new("mpsc.hex");
    let channel = mpsc::channel::<Tick>(NAME).namespace(restored.space.namespace()).open_existing();
    let mut rx = channel.liveness_interval(SOON).receiver().unwrap();
    // The dead receiver had the first in hand, a dead sender the place of the third.
    assert_eq!(rest(&mut rx), [1, 2, 4].map(Tick::of));
    drop(rx);
    restored.leave();

    let restored = Restored::new("spmc.hex");
    let channel = spmc::channel::<[u64; 16]>(NAME).namespace(restored.space.namespace()).open_existing();
    let mut rx = channel.liveness_interval(SOON).receiver().unwrap();
    // What the dead one had in hand comes again, in whatever place.
    let mut messages = rest(&mut rx);
    messages.sort_unstable();
    assert_eq!(messages, [1, 2, 3, 4, 5].map(<[u64; 16]>::of));
    drop(rx);
    restored.leave();

    let restored = Restored::new("shared.hex");
    let channel = mpmc::channel::<Tick>(NAME).namespace(restored.space.namespace()).open_existing();
    let mut rx = channel.liveness_interval(SOON).receiver().unwrap();
    // What the dead one had in hand is dropped, as this channel has it.
    assert_eq!(rest(&mut rx), [5, 6].map(Tick::of));
    drop(rx);
    restored.leave();
}

#[test]
fn golden_cells_open_and_give_their_latest_values() {
    fn test<M: Numbered>(golden: &str) {
        let restored = Restored::new(golden);
        let cell = seqlock::cell::<M>(NAME).namespace(restored.space.namespace()).open_existing();
        let reader = cell.clone().reader().unwrap();
        assert_eq!((reader.load(), reader.version()), (Ok(M::of(2)), 2));
        let mut writer = cell.writer().unwrap();
        writer.store(M::of(3));
        assert_eq!((reader.load(), reader.version()), (Ok(M::of(3)), 3));
        drop((reader, writer));
        restored.leave();
    }
    test::<Tick>("cell.hex");
    test::<[u64; 16]>("large-cell.hex");

    let restored = Restored::new("table.hex");
    let table = seqlock::table::<Tick>(NAME).namespace(restored.space.namespace()).open_existing();
    let reader = table.reader().unwrap();
    assert_eq!(reader.load(0), Err(LoadError::Empty));
    assert_eq!((reader.load(1), reader.version(1)), (Ok(Tick::of(3)), 3));
    assert_eq!((reader.load(2), reader.version(2)), (Ok(Tick::of(9)), 1));
    drop(reader);
    restored.leave();

    let restored = Restored::new("keyed-table.hex");
    let table = seqlock::keyed_table::<[u8; 6], Tick>(NAME).namespace(restored.space.namespace());
    let reader = table.open_existing().reader().unwrap();
    assert_eq!(keys().map(|key| reader.find(&key)), [Some(4), Some(0)]);
    assert_eq!(keys().map(|key| reader.load_key(&key)), [Ok(Tick::of(1)), Ok(Tick::of(2))]);
    drop(reader);
    restored.leave();
}

#[test]
fn the_golden_name_of_a_file_leads_to_the_file() {
    let (files, mut golden) = (TempNamespace::new(), Golden::read("file-name.hex"));
    let path = file(&files);
    let metadata = std::fs::metadata(&path).unwrap();
    golden.put(88, &metadata.dev().to_le_bytes());
    golden.put(96, &metadata.ino().to_le_bytes());
    golden.put(128 + NAME.len(), path.to_str().unwrap().as_bytes());
    let restored = Restored::with(golden, 0o1600);
    let map = map::MapOptions::new().namespace(restored.space.namespace()).open(NAME).unwrap();
    let mut bytes = [0; 11];
    map.accessor().unwrap().read_exact_at(0, &mut bytes).unwrap();
    assert_eq!((map.path(), &bytes), (Some(&*path), b"its content"));
    drop(map);
    restored.leave();
}
