//! The fuzz targets without a fuzzer: their bodies over the corpus of the repository, and over random bytes.
#![cfg(not(loom))]

#[allow(unreachable_pub, reason = "it is a crate of its own as well")]
#[path = "../fuzz/lib.rs"]
mod fuzz;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../src/testing.rs"]
mod testing;

use std::fs;
use std::path::{Path, PathBuf};

use ringway::map;

use fuzz::TARGETS;
use testing::watched;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs of a target's corpus, in the order of their names.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = folder().join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    inputs.sort();
    inputs
}

#[test]
fn every_target_of_the_fuzz_crate_is_one_that_is_replayed() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("it is there");
    let targets = manifest.split("[[bin]]\n").skip(1).map(|bin| {
        let name = bin.lines().next().and_then(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        name.expect("a target has its name first")
    });
    let replayed = TARGETS.iter().map(|(name, _)| *name);
    assert_eq!(targets.collect::<Vec<_>>(), replayed.collect::<Vec<_>>());
    for (target, _) in TARGETS {
        let wrapper = folder().join(format!("fuzz_targets/{target}.rs"));
        let wrapper = fs::read_to_string(wrapper).expect("it is there");
        assert!(wrapper.contains(&format!("ringway_fuzz::{target}::run(input)")), "{target}: {wrapper}");
    }
}

#[test]
fn the_corpus_of_every_target_finds_nothing() {
    for (target, body) in TARGETS {
        let inputs = corpus(target);
        assert!(inputs.len() >= 16, "{target} has a corpus of {} inputs only", inputs.len());
        for path in inputs {
            println!("{}", path.display());
            watched(move || body(&fs::read(&path).expect("readable")));
        }
    }
}

#[test]
fn random_inputs_of_every_target_find_nothing() {
    for (target, body) in TARGETS {
        println!("{target}");
        let mut random = 0x5eed_u64;
        let mut draw = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        // Few at a time have the time of a watchdog to themselves.
        for _ in 0..30 {
            let mut some = Vec::new();
            some.resize_with(10, || (0..draw() % 1500).map(|_| draw() as u8).collect::<Vec<_>>());
            watched(move || some.iter().for_each(|input| body(input)));
        }
    }
}
