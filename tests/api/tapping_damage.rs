//! A tap of a channel that somebody writes nonsense into: it says so, or shows what is there, and ends.

use std::fs::File;
use std::os::unix::fs::FileExt;

use ringway::channel::{Mpmc, Mpsc, Spmc, Spsc};
use ringway::inspect::{Finding, Tap};
use ringway::seqlock;

use crate::inspecting::{PAGE, bytes, observe};
use crate::testing::{TempNamespace, watched};
use crate::{Makes, Numbered, channel_of};

const NONSENSE: [u64; 6] = [0, 1 << 12 | 2, 7 << 8 | 3, 1 << 20 | 1, (1 << 56) - 1, u64::MAX];

/// Looks for long enough to see all that there may be; what it came upon.
fn look(tap: &mut Tap) -> Option<Finding> {
    for _ in 0..64 {
        match tap.look() {
            Ok(Some(_)) => {}
            Ok(None) => _ = tap.pass_hole(),
            Err(finding) => {
                let text = finding.to_string();
                assert!(text.contains("is damaged: found ") && text.contains(", expected "), "{text}");
                return Some(finding);
            }
        }
    }
    tap.catch_up(1);
    None
}

/// Writes nonsense over each word behind the header, one after the other, beside taps that began before and after.
fn scribble(space: &TempNamespace) {
    let file = File::options().read(true).write(true).open(space.path().join("c")).expect("it is there");
    let whole = bytes(space);
    let header = |at| u64::from_le_bytes(whole[PAGE as usize + at..][..8].try_into().expect("eight"));
    // Of the records the first: the others are never looked at.
    let (record, behind) = (PAGE + header(112), PAGE + header(120));
    for at in (record..record + 128).chain(behind..whole.len() as u64).step_by(8) {
        for word in NONSENSE {
            let mut tap = Tap::new(observe(space));
            file.write_all_at(&word.to_le_bytes(), at).expect("written");
            look(&mut tap);
            look(&mut Tap::from_oldest(observe(space)));
            file.write_all_at(&whole[at as usize..][..8], at).expect("written");
        }
    }
}

#[test]
fn whatever_is_written_over_a_word_a_tap_ends() {
    fn test<M: Numbered, K: Makes>() {
        let space = TempNamespace::new();
        let channel = || channel_of::<M, K>(&space).capacity(3);
        let (mut tx, mut rx) = (channel().sender().expect("free"), channel().receiver().expect("free"));
        for sent in 0..4 {
            tx.send(M::of(sent)).expect("there is room");
            assert_eq!(rx.recv().expect("one").number(), sent);
        }
        tx.send(M::of(4)).expect("there is room");
        scribble(&space);
        assert_eq!(rx.recv().expect("one").number(), 4);
    }
    watched(|| {
        test::<u64, Spsc>();
        test::<[u64; 16], Spsc>();
        test::<u64, Mpsc>();
        test::<u64, Spmc>();
        test::<u64, Mpmc>();
        let space = TempNamespace::new();
        let table = seqlock::keyed_table::<u64, u64>("c").namespace(space.namespace()).cells(2);
        let mut writer = table.writer().expect("the name is free");
        (0..2).for_each(|key| writer.store(&key, 5).expect("a cell is free"));
        scribble(&space);
    });
}

#[test]
fn words_that_make_no_sense_are_told() {
    let space = TempNamespace::new();
    let mut tx = channel_of::<u64, Mpmc>(&space).capacity(4).sender().expect("the name is free");
    let file = File::options().read(true).write(true).open(space.path().join("c")).expect("it is there");
    let number = |at: u64| {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, PAGE + at).expect("readable");
        u64::from_le_bytes(word)
    };
    let (control, slots) = (PAGE + number(120), PAGE + number(128));
    tx.send(1).expect("there is room");
    let told = |at: u64, word: u64| {
        let mut tap = Tap::from_oldest(observe(&space));
        file.write_all_at(&word.to_le_bytes(), at).expect("written");
        look(&mut tap).map(|finding| finding.to_string())
    };
    let text = told(slots, 7).expect("no such stamp");
    assert_eq!(
        text,
        "the stamp of slot 0 is damaged: found 0x7 for position 0, expected one that says what is in the slot, in a lap near \
         that of the positions"
    );
    let text = told(slots, 9 << 12 | 1).expect("nobody was there yet");
    assert!(text.starts_with("the stamp of slot 0 is damaged: found 0x9001 for position 0, "), "{text}");
    assert_eq!(told(slots, 1), None);
    file.write_all_at(&(9_u64 << 12).to_le_bytes(), slots).expect("written");
    let text = told(control, u64::MAX).expect("no such position");
    assert!(text.starts_with("tail is damaged: found 18446744073709551615, expected 0 to "), "{text}");
    let _ = (told(control, 1), told(slots, 1));

    let space = TempNamespace::new();
    let tx = channel_of::<[u64; 16], Spsc>(&space).capacity(4).sender().expect("the name is free");
    let file = File::options().read(true).write(true).open(space.path().join("c")).expect("it is there");
    let mut tap = Tap::new(observe(&space));
    let mut control = [0; 8];
    file.read_exact_at(&mut control, PAGE + 120).expect("readable");
    let control = PAGE + u64::from_le_bytes(control);
    file.write_all_at(&u64::MAX.to_le_bytes(), control).expect("written");
    let found = look(&mut tap).expect("no such position");
    assert!(matches!(found, Finding::Damaged { ref part, .. } if part == "tail"), "{found}");
    drop(tx);
}
