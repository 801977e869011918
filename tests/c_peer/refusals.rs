//! What the peer in C refuses, and in which words.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use ringway::{Message, map, mpsc, seqlock, spsc};

use crate::fnv::fnv1a_64;
use crate::testing::TempNamespace;
use crate::{NAME, Numbered, Tick, channel, compiled, peer};

/// The peer's answer begins with its code and has these words in it.
#[track_caller]
fn assert_refused(space: &TempNamespace, role: &str, code: u32, words: &[&str]) {
    let said = peer::<Tick>(space, role, 0).join("\n");
    assert!(said.starts_with(&format!("{code} ")), "{said}");
    words.iter().for_each(|word| assert!(said.contains(word), "no `{word}` in {said}"));
}

const NO_CHANNEL: u32 = 8;
const REFUSED: u32 = 9;
const VERSION: u32 = 10;
const DAMAGED: u32 = 11;
const OTHER_KIND: u32 = 12;
const OTHER_TYPE: u32 = 13;

/// The file of a channel that is in use.
pub(crate) struct Bytes(File);

impl Bytes {
    pub(crate) fn of(space: &TempNamespace) -> Self {
        Self(OpenOptions::new().read(true).write(true).open(space.path().join(NAME)).unwrap())
    }

    pub(crate) fn put(&self, at: u64, bytes: &[u8]) {
        self.0.write_all_at(bytes, at).unwrap();
    }

    pub(crate) fn get<const N: usize>(&self, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    /// Writes the checksum that the header has to have, as somebody who damages it on purpose would.
    fn sign_segment(&self) {
        let mut header = self.get::<256>(4096);
        header[16..32].fill(0);
        self.put(4096 + 24, &fnv1a_64(&header).to_le_bytes());
    }

    fn sign_page(&self) {
        let mut page = self.get::<4096>(0);
        page[8..16].fill(0);
        self.put(8, &fnv1a_64(&page).to_le_bytes());
    }
}

#[test]
fn a_peer_in_c_refuses_what_is_of_another_kind() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    assert_refused(&space, "refuse-ring", NO_CHANNEL, &["there is no channel", NAME]);
    std::fs::write(space.path().join(NAME), "no channel").unwrap();
    assert_refused(&space, "refuse-ring", REFUSED, &["is no file of ringway"]);
    std::fs::remove_file(space.path().join(NAME)).unwrap();
    std::os::unix::fs::symlink("elsewhere", space.path().join(NAME)).unwrap();
    assert_refused(&space, "refuse-ring", REFUSED, &["is not a regular file"]);
    std::fs::remove_file(space.path().join(NAME)).unwrap();

    let sender = mpsc::channel::<Tick>(NAME).namespace(space.namespace()).sender().unwrap();
    assert_refused(&space, "refuse-ring", OTHER_KIND, &["is an mpsc channel, not an spsc channel"]);
    assert_refused(&space, "refuse-cells", OTHER_KIND, &["is an mpsc channel, not a seqlock cell or table"]);
    drop(sender);
    let writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    assert_refused(&space, "refuse-ring", OTHER_KIND, &["is a seqlock cell, not an spsc channel"]);
    drop(writer);
    let writer =
        seqlock::keyed_table::<u64, Tick>(NAME).namespace(space.namespace()).cells(2).writer().unwrap();
    assert_refused(
        &space,
        "refuse-cells",
        OTHER_KIND,
        &["is a keyed seqlock table, not a seqlock cell or table"],
    );
    drop(writer);
    for bytes in [100, 1000] {
        let map =
            map::MapOptions::new().namespace(space.namespace()).capacity(bytes).create_new(NAME).unwrap();
        assert_refused(&space, "refuse-ring", OTHER_KIND, &["is a map", "and no channel"]);
        drop(map);
    }
    space.assert_empty();
}

#[test]
fn a_peer_in_c_refuses_another_version() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let _rx = channel::<Tick>(&space).receiver().unwrap();
    let bytes = Bytes::of(&space);
    bytes.put(4096 + 8, &2u32.to_le_bytes());
    assert_refused(&space, "refuse-ring", VERSION, &["version 2 of the segment format", "knows version 1"]);
    bytes.put(4096 + 8, &1u32.to_le_bytes());
    bytes.put(16, &7u32.to_le_bytes());
    assert_refused(&space, "refuse-ring", VERSION, &["version 7 of the map format", "knows version 1"]);
}

#[test]
fn a_peer_in_c_refuses_another_type() {
    mod other {
        #[derive(ringway::Message, Clone, Copy)]
        #[repr(C)]
        pub(super) struct Tick {
            pub(super) time_ns: u64,
            pub(super) bid: f64,
            pub(super) size: u32,
            pub(super) venue: u32,
        }
    }
    fn refuses<M: Message>(words: &[&str]) {
        let space = TempNamespace::new();
        let rx = spsc::channel::<M>(NAME).namespace(space.namespace()).receiver().unwrap();
        assert_refused(&space, "refuse-ring", OTHER_TYPE, words);
        drop(rx);
        let reader = seqlock::cell::<M>(NAME).namespace(space.namespace()).reader().unwrap();
        assert_refused(&space, "refuse-cells", OTHER_TYPE, words);
        drop(reader);
        space.assert_empty();
    }
    if compiled().is_some() {
        refuses::<u64>(&["carries a type of 8 bytes", "expects Tick of 24 bytes", "differ from byte 1 on"]);
        // `bid` is shorter than `price`, and its length comes first.
        refuses::<other::Tick>(&[
            "carries Tick of 24 bytes, this program expects Tick of 24 bytes",
            "of 84 and 86 bytes",
        ]);
    }
}

#[test]
fn a_peer_in_c_refuses_damaged_bytes_and_says_which() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let _rx = channel::<Tick>(&space).receiver().unwrap();
    let bytes = Bytes::of(&space);
    let whole = bytes.get::<{ 4096 + 256 + 86 }>(0);
    let damage = |at: u64, value: &[u8], sign: Option<fn(&Bytes)>, code: u32, words: &[&str]| {
        bytes.put(at, value);
        sign.inspect(|sign| sign(&bytes));
        assert_refused(&space, "refuse-ring", code, words);
        // The words of those who take part stay as they are.
        bytes.put(0, &whole);
    };
    let one = 1u64.to_le_bytes();
    // Without its checksum no field counts.
    damage(4096 + 64, &one, None, DAMAGED, &["its checksum is"]);
    damage(4096 + 16, &one, None, DAMAGED, &["its state is 1"]);
    damage(4096 + 256 + 80, &one, None, DAMAGED, &["the schema of", "has not its fingerprint"]);
    damage(40, &one, None, DAMAGED, &["the page of", "its checksum is"]);
    // With one that fits, each field is compared with what it has to be.
    type Row = (u64, usize, u64, u32, &'static str);
    let segment: [Row; 16] = [
        (12, 4, 255, DAMAGED, "its header_len is 255"),
        (32, 8, 1, DAMAGED, "its len is 1, and should be 1408"),
        (40, 4, 9, OTHER_KIND, "of kind 9, which this program does not know"),
        (44, 4, 2, DAMAGED, "its form is 2, and should be 1"),
        (48, 4, 2, DAMAGED, "its senders is 2, and should be 1"),
        (56, 8, 0, DAMAGED, "its capacity is 0"),
        (56, 8, 1 << 40, DAMAGED, "its capacity is 1099511627776"),
        (64, 8, 1 << 63, DAMAGED, "its stride is 9223372036854775808, and should be 32"),
        (72, 8, 0, DAMAGED, "its payload_offset is 0"),
        (80, 8, 32, DAMAGED, "its message_size is 32, and should be 24"),
        (96, 8, 128, DAMAGED, "its schema_offset is 128"),
        (104, 8, 1 << 20, DAMAGED, "its schema_len is 1048576"),
        (112, 8, 0, DAMAGED, "its roster_offset is 0"),
        (128, 8, u64::MAX, DAMAGED, "its slots_offset is 18446744073709551615"),
        (196, 4, 3, DAMAGED, "its parking is 3"),
        (255, 1, 1, DAMAGED, "its reserved space is 1"),
    ];
    for (at, size, value, code, words) in segment {
        damage(4096 + at, &value.to_le_bytes()[..size], Some(Bytes::sign_segment), code, &[words]);
    }
    bytes.put(4096 + 200, &one);
    damage(
        4096 + 40,
        &9u32.to_le_bytes(),
        Some(Bytes::sign_segment),
        OTHER_KIND,
        &["of kind 9, which this program does not know"],
    );
    let page: [Row; 9] = [
        (96, 8, 5, DAMAGED, "its inode is 5"),
        (20, 4, 1, DAMAGED, "its header_len is 1"),
        (24, 4, 3, DAMAGED, "its kind is 3"),
        (28, 4, 1, DAMAGED, "its flags is 1"),
        (32, 8, 0, DAMAGED, "its data_offset is 0"),
        (40, 8, 1, DAMAGED, "its length in bytes is"),
        (80, 4, 0, DAMAGED, "its name_len is 0"),
        (84, 4, 2, DAMAGED, "its access is 2"),
        (128, 1, 120, REFUSED, "belongs to another name"),
    ];
    for (at, size, value, code, words) in page {
        damage(at, &value.to_le_bytes()[..size], Some(Bytes::sign_page), code, &[words]);
    }
    // Whole again, it is received from by nobody else.
    assert_refused(&space, "refuse-ring", 14, &["has a receiver already"]);
}

#[test]
fn a_peer_in_c_refuses_positions_that_make_no_sense() {
    fn test<M: Numbered>(rows: &[(u64, u64, &str)]) {
        let space = TempNamespace::new();
        let _tx = channel::<M>(&space).sender().unwrap();
        let bytes = Bytes::of(&space);
        let control = 4096 + u64::from_le_bytes(bytes.get(4096 + 120));
        for (at, value, words) in rows {
            bytes.put(control + at, &value.to_le_bytes());
            let said = peer::<M>(&space, "refuse-ring", 0).join("\n");
            assert!(said.starts_with("16 ") && said.contains("makes no sense any more"), "{said}");
            assert!(said.contains(words), "no `{words}` in {said}");
            bytes.put(control + at, &[0; 8]);
        }
    }
    if compiled().is_some() {
        test::<Tick>(&[
            (128, u64::MAX, "its head is 18446744073709551615"),
            (128, 5, "its stamp is 0 at position 5"),
        ]);
        test::<[u64; 16]>(&[
            (128, 5, "its tail is 0 at position 5"),
            (0, 99, "its tail is 99 at position 0"),
            (0, u64::MAX, "its tail is 18446744073709551615 at position 0"),
        ]);
    }
}
