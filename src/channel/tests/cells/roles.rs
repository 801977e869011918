//! What the other processes do. A role reports what it has done in lines, and may be killed anywhere.

use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Bytes8, Bytes32, Bytes64, Bytes1024, Bytes4096, DIR, SCRIPT, Sealed, cell};
use crate::seqlock::{LoadError, Reader, Writer};
use crate::testing::Role;

/// Plays a role for values of as many bytes as the script says.
macro_rules! play {
    ($play:ident) => {{
        let Some(mut role) = Role::play() else { return };
        let (dir, script) = (PathBuf::from(role.var(DIR)), role.var(SCRIPT));
        let words: Vec<&str> = script.split(' ').collect();
        let [bytes, verb, count] = words[..] else { panic!("bytes, verb and count") };
        let count = count.parse().expect("a number");
        match bytes {
            "8" => $play::<Bytes8>(&mut role, &dir, verb, count),
            "32" => $play::<Bytes32>(&mut role, &dir, verb, count),
            "64" => $play::<Bytes64>(&mut role, &dir, verb, count),
            "1024" => $play::<Bytes1024>(&mut role, &dir, verb, count),
            "4096" => $play::<Bytes4096>(&mut role, &dir, verb, count),
            other => panic!("no values of {other} bytes"),
        }
    }};
}

#[test]
fn writer() {
    play!(play_writer);
}

#[test]
fn reader() {
    play!(play_reader);
}

fn play_writer<V: Sealed>(role: &mut Role, dir: &Path, verb: &str, count: u64) {
    let mut writer = cell::<V>(dir).writer().expect("the role is free");
    role.say(&format!("attached {} {:?}", writer.version(), writer.predecessor()));
    match verb {
        "hold" => {
            role.hear();
        }
        // Stores one each time it is told to.
        "demand" => {
            while !role.hear().is_empty() {
                let next = writer.version() + 1;
                writer.store(V::of(next));
                role.say(&format!("stored {next}"));
            }
        }
        // Until it is killed.
        "flood" => loop {
            let next = writer.version() + 1;
            writer.store(V::of(next));
        },
        // With a value that is written and not stored.
        "drafting" => {
            let next = writer.version() + 1;
            let mut draft = writer.draft();
            draft.write(&V::of(next));
            role.say("holding");
            role.hear();
        }
        _ => (0..count).for_each(|_| store(&mut writer, verb)),
    }
    role.say("done");
}

/// Stores the next value by that verb.
fn store<V: Sealed>(writer: &mut Writer<V>, verb: &str) {
    let next = writer.version() + 1;
    match verb {
        "store" => writer.store(V::of(next)),
        "update" => match writer.update(|value| *value = V::of(value.number() + 1)) {
            Ok(()) => {}
            Err(LoadError::Empty) => writer.store(V::of(next)),
            Err(error) => panic!("{error}"),
        },
        "draft" => {
            let mut draft = writer.draft();
            draft.write(&V::of(next));
            draft.publish();
        }
        // From the latest one, word by word.
        "parts" => {
            let value = V::of(next);
            let words: &[u8] = crate::message::bytes_of(&value);
            let mut draft = writer.draft();
            draft.copy_latest();
            for (at, word) in words.chunks(size_of::<u64>()).enumerate() {
                draft.write_bytes(at * size_of::<u64>(), word);
            }
            draft.publish();
        }
        other => panic!("no such verb: {other}"),
    }
}

fn play_reader<V: Sealed>(role: &mut Role, dir: &Path, verb: &str, _: u64) {
    let reader = cell::<V>(dir).reader().expect("anybody may read");
    role.say(&format!("attached {}", reader.version()));
    match verb {
        // Comes and goes.
        "visit" => {}
        // Loads once each time it is told to.
        "demand" => {
            while !role.hear().is_empty() {
                match reader.load() {
                    Ok(value) => role.say(&format!("loaded {}", value.number())),
                    Err(error) => role.say(&format!("nothing: {error}")),
                }
            }
        }
        "watch" => role.say(&watch(&reader)),
        other => panic!("no such verb: {other}"),
    }
}

/// Loads until the parent says so: no value is torn, and none is older than the one before. The last one.
fn watch<V: Sealed>(reader: &Reader<V>) -> String {
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    std::thread::spawn(move || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).expect("the parent can be read");
        told.store(true, Ordering::Relaxed);
    });
    let (mut last, mut seen) = (0, 0);
    loop {
        // Once more after the end: by then the last value has been stored.
        let is_last = over.load(Ordering::Relaxed);
        let version = reader.version();
        let number = match reader.load() {
            Ok(value) => value.number(),
            Err(LoadError::Empty) => 0,
            Err(error) => panic!("{error}"),
        };
        assert!(last <= version && version <= number, "{last}, then version {version}, then {number}");
        last = number;
        if let Some(value) = reader.load_if_newer(&mut seen).expect("never invalid, and not empty again") {
            assert!(last <= seen && value.number() == seen, "{last}, then {} as {seen}", value.number());
            last = seen;
        }
        if is_last {
            return format!("watched {last}");
        }
    }
}
