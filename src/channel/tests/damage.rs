//! Damaged bytes of a live channel: whoever comes is refused and told why, whoever is there goes on.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use super::{Bench, NAME, Numbered, assert_works, receive, send};
use crate::Error;
use crate::channel::open;
use crate::channel::options::Asked;
use crate::map::MapOptions;
use crate::segment::{Kind, Layout};
use crate::spsc::{Receiver, Sender};
use crate::testing::watched;

/// Bytes of the registry page, which the segment follows.
pub(super) const PAGE: u64 = 4096;
/// Bytes of the segment's header, which the schema follows.
pub(super) const HEADER: u64 = 256;

/// Where the parts of the bench's segment lie.
pub(super) fn layout<M: Numbered>(bench: &Bench<M>) -> Layout {
    let asked = Asked { capacity: Some(bench.capacity), ..Asked::default() };
    open::plan::<M>(NAME, Kind::Spsc, &asked, &open::schema::<M>()).expect("terms that a channel can have")
}

/// The file of the bench's channel, registry page included.
#[track_caller]
pub(super) fn file<M: Numbered>(bench: &Bench<M>) -> File {
    OpenOptions::new().read(true).write(true).open(bench.space.path().join(NAME)).expect("it is there")
}

/// All that a user needs: which channel, what was found, what was expected, what to do.
#[track_caller]
pub(super) fn assert_helpful(error: &Error) {
    let text = error.to_string();
    assert!(text.contains(&format!("`{NAME}`")), "no name: {text}");
    assert!(text.contains("expect"), "no expectation: {text}");
    assert!(text.contains("; "), "no remedy: {text}");
    assert!(!text.ends_with('.'), "{text}");
}

/// Both ends of a channel, and one that knocks.
struct Live<M: Numbered> {
    bench: Bench<M>,
    tx: Sender<M>,
    rx: Receiver<M>,
    file: File,
}

impl<M: Numbered> Live<M> {
    #[track_caller]
    fn new() -> Self {
        let bench = Bench::<M>::new(3);
        let (tx, rx) = (bench.sender(), bench.receiver());
        let file = file(&bench);
        Self { bench, tx, rx, file }
    }

    fn byte(&self, at: u64) -> u8 {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, at).expect("within the file");
        byte[0]
    }

    /// Both ends still work together.
    #[track_caller]
    fn pass(&mut self) {
        let number = self.tx.position();
        send(&mut self.tx, number);
        assert_eq!(receive(&mut self.rx), Ok(number));
    }

    /// What the channel says to one that comes while a byte is flipped. Whoever is there does not notice.
    #[track_caller]
    fn flipped(&mut self, at: u64, mask: u8) -> Error {
        let byte = self.byte(at);
        self.file.write_all_at(&[byte ^ mask], at).expect("within the file");
        let opening = if at % 2 == 0 { self.bench.channel() } else { self.bench.channel().open_existing() };
        let error = if at % 3 == 0 { opening.sender().err() } else { opening.receiver().err() };
        self.pass();
        self.file.write_all_at(&[byte], at).expect("within the file");
        let error = error.unwrap_or_else(|| panic!("byte {at} with {mask:#x} was accepted"));
        assert_helpful(&error);
        assert_eq!(self.bench.space.files(), [NAME], "a live channel was removed: {error}");
        error
    }

    /// It is whole again: a new receiver is welcome.
    #[track_caller]
    fn change_the_receiver(self) -> Self {
        let Self { bench, tx, rx, file } = self;
        drop(rx);
        let rx = bench.receiver();
        let mut live = Self { bench, tx, rx, file };
        live.pass();
        live
    }

    #[track_caller]
    fn finish(mut self) {
        assert_works(&mut self.tx, &mut self.rx);
        drop((self.tx, self.rx));
        self.bench.assert_gone();
    }
}

#[test]
fn every_flipped_byte_of_the_segments_header_is_refused() {
    fn check<M: Numbered>() {
        let mut live = Live::<M>::new();
        for at in 0..HEADER {
            for mask in [0xff, 1 << (at % 8), 0x80] {
                match live.flipped(PAGE + at, mask) {
                    Error::NotAChannel { .. } => assert!(at < 8),
                    Error::Version { .. } => assert!((8..12).contains(&at)),
                    Error::Damaged { part: "header length", .. } => assert!((12..16).contains(&at)),
                    Error::Damaged { part: "state", .. } => assert!((16..24).contains(&at)),
                    Error::Damaged { part: "header checksum", .. } => assert!(at >= 24),
                    other => panic!("byte {at}: {other}"),
                }
            }
            live = live.change_the_receiver();
        }
        live.finish();
    }
    watched(check::<u64>);
    watched(check::<[u64; 16]>);
}

#[test]
fn every_flipped_byte_of_the_registry_page_is_refused() {
    watched(|| {
        let mut live = Live::<u64>::new();
        for at in 0..PAGE {
            let error = live.flipped(at, 0xff);
            assert!(matches!(error, Error::Map(_)), "byte {at}: {error}");
            if at % 64 == 0 {
                live = live.change_the_receiver();
            }
        }
        live.finish();
    });
}

#[test]
fn every_flipped_byte_of_the_schema_is_refused() {
    fn check<M: Numbered>() {
        let mut live = Live::<M>::new();
        for at in HEADER..HEADER + open::schema::<M>().len() as u64 {
            for bit in 0..8 {
                let error = live.flipped(PAGE + at, 1 << bit);
                let wrong = format!("byte {at}: {error}");
                assert!(matches!(error, Error::Damaged { part: "schema fingerprint", .. }), "{wrong}");
            }
        }
        live.change_the_receiver().finish();
    }
    watched(check::<u64>);
    watched(check::<[u64; 16]>);
}

#[test]
fn a_header_that_somebody_made_up_is_refused_though_its_checksum_is_right() {
    // Each field from `len` to `parking`: the first byte and the width.
    let fields: [(usize, usize); 19] = [
        (32, 8),
        (40, 4),
        (44, 4),
        (48, 4),
        (52, 4),
        (56, 8),
        (64, 8),
        (72, 8),
        (80, 8),
        (88, 8),
        (96, 8),
        (104, 8),
        (112, 8),
        (120, 8),
        (128, 8),
        (136, 8),
        (144, 8),
        (152, 4),
        (196, 4),
    ];
    let bench = Bench::<u64>::new(3);
    let (tx, rx) = (bench.sender(), bench.receiver());
    let file = file(&bench);
    let mut whole = [0; HEADER as usize];
    file.read_exact_at(&mut whole, PAGE).expect("within the file");
    for (at, width) in fields {
        let old = whole[at..][..width].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        let near = [old.wrapping_add(1), old.wrapping_sub(1), old.wrapping_mul(2), old ^ 1 << 31];
        for value in near.into_iter().chain([0, 1, 4095, 1 << 32, 1 << 63, u64::MAX, u64::MAX - 255]) {
            let mut forged = whole;
            forged[at..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
            // Another choice of parking is none that no maker could have made.
            if forged == whole || at == 196 && forged[196] <= 2 && forged[197..200] == [0; 3] {
                continue;
            }
            let mut summed = forged;
            summed[16..32].fill(0);
            forged[24..32].copy_from_slice(&crate::fnv::fnv1a_64(&summed).to_le_bytes());
            file.write_all_at(&forged, PAGE).expect("within the file");
            // Without a capacity of its own, so that the one in the header is what counts.
            let channel = crate::spsc::channel::<u64>(NAME).namespace(bench.space.namespace());
            let error = channel.open_existing().receiver().expect_err("forged");
            println!("{at} {value:#x}: {error}");
            assert_helpful(&error);
            let refused = matches!(error, Error::Damaged { .. } | Error::Kind { .. } | Error::Type { .. });
            assert!(refused, "{at} {value:#x}: {error}");
        }
    }
    file.write_all_at(&whole, PAGE).expect("within the file");
    Live { bench, tx, rx, file }.change_the_receiver().finish();
}

#[test]
fn a_truncated_channel_is_refused() {
    let bench = Bench::<u64>::new(3);
    let tx = bench.sender();
    let map = bench.map();
    drop(tx);
    let file = file(&bench);
    let len = file.metadata().expect("it is open").len();
    let mut whole = vec![0; len as usize];
    file.read_exact_at(&mut whole, 0).expect("within the file");
    for short in [0, 1, 7, 8, 127, 128, PAGE - 1, PAGE, PAGE + 1, PAGE + HEADER, len - 1] {
        file.set_len(short).expect("a tmpfs file can shrink");
        for error in [bench.channel().sender().err(), bench.channel().open_existing().receiver().err()] {
            assert_helpful(&error.unwrap_or_else(|| panic!("{short} bytes were accepted")));
        }
        file.write_all_at(&whole, 0).expect("it can grow");
    }
    let (mut tx, mut rx) = (bench.sender(), bench.receiver());
    assert_works(&mut tx, &mut rx);
    drop((tx, rx, map));
    bench.assert_gone();
}

#[test]
fn a_map_that_is_no_channel_is_refused_and_left_as_it_is() {
    let bench = Bench::<u64>::new(3);
    let need = layout(&bench).len;
    for bytes in [1, 8, HEADER - 1, HEADER, HEADER + 1, need - 1, need, 2 * need] {
        let maps = MapOptions::new().namespace(bench.space.namespace()).capacity(bytes);
        let map = maps.create_new(NAME).expect("the name is free");
        let file = file(&bench);
        for garbage in [0x00, 0x20, 0x57, 0xff] {
            file.write_all_at(&vec![garbage; bytes as usize], PAGE).expect("within the file");
            for error in [bench.channel().sender().err(), bench.channel().open_existing().receiver().err()] {
                let error = error.expect("it is no channel");
                assert_helpful(&error);
                match error {
                    Error::NotAChannel { .. } => assert!(bytes >= HEADER),
                    Error::Damaged { part: "segment", .. } => assert!(bytes < HEADER),
                    other => panic!("{bytes} bytes of {garbage:#x}: {other}"),
                }
            }
            assert!(matches!(bench.channel().create_new().sender(), Err(Error::Map(_))));
            let mut left = vec![0; bytes as usize];
            file.read_exact_at(&mut left, PAGE).expect("within the file");
            assert!(left.iter().all(|&byte| byte == garbage), "it was written to");
        }
        drop(map);
        bench.assert_gone();
    }
}

#[test]
fn the_start_of_a_channel_in_a_map_that_is_too_small_for_it_is_refused() {
    let bench = Bench::<u64>::new(3);
    let tx = bench.sender();
    let need = layout(&bench).len;
    let mut start = vec![0; need as usize];
    file(&bench).read_exact_at(&mut start, PAGE).expect("within the file");
    drop(tx);
    for bytes in [HEADER, HEADER + 1, need / 2, need - 1] {
        let maps = MapOptions::new().namespace(bench.space.namespace()).capacity(bytes);
        let map = maps.create_new(NAME).expect("the name is free");
        file(&bench).write_all_at(&start[..bytes as usize], PAGE).expect("within the file");
        let error = bench.channel().receiver().expect_err("a part of it is missing");
        assert!(matches!(
            error,
            Error::Damaged { part: "size" | "schema length" | "schema fingerprint", .. }
        ));
        assert_helpful(&error);
        drop(map);
    }
    // The same bytes in a map that is large enough are a channel.
    let maps = MapOptions::new().namespace(bench.space.namespace()).capacity(need);
    let map = maps.create_new(NAME).expect("the name is free");
    file(&bench).write_all_at(&start, PAGE).expect("within the file");
    super::drain(&mut bench.receiver(), 0..0, crate::Departure::Died);
    drop(map);
    bench.assert_gone();
}
