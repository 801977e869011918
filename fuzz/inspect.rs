//! A namespace with any files in it, for those who look without taking part. What is a map that somebody holds, or none
//! at all, is never removed.

use std::fs;
use std::os::unix::fs::FileExt;

use ringway::map::{MapOptions, MapState};
use ringway::spsc;

use super::input::Input;
use super::segment::{NAME, Space};

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let space = Space::new();
    let namespace = space.namespace();
    let channel = spsc::channel::<u64>(NAME).namespace(namespace.clone()).capacity(2);
    let held = channel.sender().expect("the name is free");
    let image = fs::read(space.path(NAME)).expect("readable");
    // Names that look like those of maps, and others.
    let names = ["leftover", "%00000000000000000000000000000001", ".hidden", "f.old", "ü", "g"];
    for (number, name) in names.iter().enumerate().take(1 + input.below(names.len())) {
        let mut bytes = match input.byte() % 4 {
            0 => input.bytes(64).to_vec(),
            1 => vec![input.byte(); 8192],
            _ => image.clone(),
        };
        for _ in 0..input.below(6) {
            let at = input.number() as usize % 400;
            let patch = input.bytes(8);
            if at + patch.len() <= bytes.len() {
                bytes[at..at + patch.len()].copy_from_slice(patch);
            }
        }
        if input.byte() % 4 == 0 {
            bytes.truncate(input.number() as usize);
        }
        match input.byte() % 8 {
            0 => fs::create_dir(space.path(name)).expect("made"),
            1 => std::os::unix::fs::symlink(NAME, space.path(name)).expect("made"),
            2 if number > 0 => {
                // The name may be a symbolic link, a folder, or a second name of the held map.
                let _ = fs::hard_link(space.path(NAME), space.path(name));
            }
            _ => fs::write(space.path(name), &bytes).expect("written"),
        }
    }
    if input.byte() % 2 == 0 {
        // The held map is hit, too: what is locked is not removed, whatever its bytes say.
        space.file().write_all_at(input.bytes(16), input.number() % 300).expect("written");
    }
    let before = namespace.list().expect("readable");
    let leftovers = namespace.leftovers().expect("readable");
    assert!(leftovers.iter().all(|leftover| leftover.entry.state == MapState::Leftover));
    assert!(leftovers.iter().all(|leftover| !leftover.reason.is_empty()));
    let swept = namespace.sweep().expect("readable");
    assert_eq!(swept.removed.len() + swept.kept.len(), leftovers.len());
    assert!(space.path(NAME).exists(), "a map that is held was removed");
    for entry in before {
        let is_there = fs::symlink_metadata(&entry.path).is_ok();
        assert_eq!(is_there, entry.state != MapState::Leftover, "{entry:?}");
    }
    for name in names {
        // Whatever is there is a map, or an error.
        if let Err(error) = MapOptions::new().namespace(namespace.clone()).open(name) {
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    drop(held);
}
