//! Every error says what happened and what to do, and is the right kind of `std::io::Error`.

use std::error::Error as _;
use std::io;

use super::NAME;
use crate::map::MapOptions;
use crate::{Broken, Error};

/// Words with which a remedy begins.
const REMEDIES: [&str; 10] = [
    "; try ",
    "; use ",
    "; stop ",
    "; build ",
    "; ask ",
    "; open ",
    "; create ",
    "; give ",
    "; remove ",
    "; start ",
];

/// One of each. A new variant does not compile until somebody says here what it is.
fn each() -> Vec<(Error, io::ErrorKind)> {
    let channel = || NAME.to_owned();
    let (found, expected) = (|| "this".to_owned(), || "that".to_owned());
    let space = crate::testing::TempNamespace::new();
    let map = MapOptions::new().namespace(space.namespace()).open(NAME).expect_err("nobody made it");
    let corrupt = Broken::Corrupt { word: "tail", found: 7, position: 3 };
    let errors = vec![
        Error::Map(map),
        Error::Option { channel: channel(), option: "capacity", found: found(), expected: expected() },
        Error::NotAChannel { channel: channel() },
        Error::Damaged { channel: channel(), part: "form", found: found(), expected: expected() },
        Error::Version { channel: channel(), found: 2, expected: 1 },
        Error::Kind { channel: channel(), found: found(), expected: expected() },
        Error::Type { channel: channel(), difference: "field `price` differs".into() },
        Error::Capacity { channel: channel(), found: 8, expected: 16 },
        Error::Mismatch {
            channel: channel(),
            option: "max_senders",
            found: "32".into(),
            expected: "4".into(),
        },
        Error::Full { channel: channel(), side: "receiver", limit: 254 },
        Error::NoFreeCell { channel: channel(), cells: 77 },
        Error::RoleTaken { channel: channel(), role: "sender", pid: 42 },
        Error::RoleBusy { channel: channel(), role: "sender" },
        Error::Inconsistent { channel: channel(), broken: corrupt },
        Error::Inconsistent { channel: channel(), broken: Broken::Exhausted },
    ];
    let kind = |error: &Error| match error {
        Error::Map(_) => io::ErrorKind::NotFound,
        Error::Option { .. } => io::ErrorKind::InvalidInput,
        Error::NoFreeCell { .. } => io::ErrorKind::StorageFull,
        Error::Full { .. } | Error::RoleTaken { .. } | Error::RoleBusy { .. } => io::ErrorKind::ResourceBusy,
        Error::NotAChannel { .. }
        | Error::Damaged { .. }
        | Error::Version { .. }
        | Error::Kind { .. }
        | Error::Type { .. }
        | Error::Capacity { .. }
        | Error::Mismatch { .. }
        | Error::Inconsistent { .. } => io::ErrorKind::InvalidData,
    };
    errors
        .into_iter()
        .map(|error| {
            let kind = kind(&error);
            (error, kind)
        })
        .collect()
}

#[test]
fn every_error_names_the_channel_and_says_what_to_do() {
    for (error, _) in each() {
        let text = error.to_string();
        println!("{text}");
        assert!(text.contains(&format!("`{NAME}`")), "{text}");
        let remedy = REMEDIES.iter().any(|remedy| text.contains(remedy));
        assert!(remedy || text.contains(": use another name"), "no remedy: {text}");
        assert!(!text.ends_with('.') && !text.contains('\n') && !text.contains("  "), "{text}");
    }
}

#[test]
fn every_error_is_an_io_error_of_the_nearest_kind_with_the_same_text() {
    for (error, kind) in each() {
        let text = error.to_string();
        let error = io::Error::from(error);
        assert_eq!(error.kind(), kind, "{text}");
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn the_numbers_are_in_the_text() {
    let texts: Vec<String> = each().iter().map(|(error, _)| error.to_string()).collect();
    let has = |words: &[&str]| texts.iter().any(|text| words.iter().all(|word| text.contains(word)));
    assert!(has(&["capacity is this", "use that"]));
    assert!(has(&["form this", "expected that"]));
    assert!(has(&["format version 2", "expects 1"]));
    assert!(has(&["holds 8 messages", "expects 16", "ask for 8"]));
    assert!(has(&["max_senders 32", "expects 4", "ask for 32"]));
    assert!(has(&["another receiver", "found 254", "larger max_receivers"]));
    assert!(has(&["in all 77 cells", "more cells"]));
    assert!(has(&["sender already", "process 42"]));
    assert!(has(&["field `price` differs"]));
    assert!(has(&["at message 3", "tail", "0x7"]));
    assert!(each().iter().all(|(error, _)| error.source().is_none() || matches!(error, Error::Map(_))));
}
