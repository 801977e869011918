//! Tests of named maps that need the inside: crash points, ids, patience, other processes.

mod crash;
mod directory;
mod foreign;
mod forks;
mod heap;
mod mutex;
mod patience;
mod processes;
mod refusals;
mod reopen;
mod storm;
mod system;
mod tamper;
mod texts;

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Error, ErrorKind, MapOptions, SharedMap};
use crate::testing::{Child, Role, SHARED_MEMORY, TempNamespace};

/// The variable that tells a role its namespace.
const DIR: &str = "RINGWAY_TEST_DIR";

fn options(space: &TempNamespace) -> MapOptions {
    MapOptions::new().capacity(4096).namespace(space.namespace()).patience(Duration::from_secs(30))
}

fn role_options(role: &Role) -> MapOptions {
    MapOptions::new()
        .capacity(4096)
        .namespace(super::Namespace::Dir(role.var(DIR).into()))
        .patience(Duration::from_secs(30))
}

/// Reads and writes a map's data as other processes do: through its file.
fn load(map: &SharedMap, at: u64) -> u64 {
    let mut word = [0; 8];
    rustix::io::pread(map, &mut word, map.file_len() - map.capacity() + at).expect("the map can be read");
    u64::from_le_bytes(word)
}

fn store(map: &SharedMap, at: u64, value: u64) {
    let at = map.file_len() - map.capacity() + at;
    rustix::io::pwrite(map, &value.to_le_bytes(), at).expect("the map can be written");
}

#[track_caller]
fn assert_not_found(result: Result<SharedMap, Error>) {
    let error = result.expect_err("nobody holds the map");
    assert_eq!(error.kind(), &ErrorKind::NotFound, "{error}");
}

/// The full path of a role in one of these files.
fn role_path(role: &str) -> String {
    format!("map::tests::{role}")
}

/// Runs a role to its good end with a fresh directory in the place of `/dev/shm`.
fn in_stand_in(role: &str) -> TempNamespace {
    let space = TempNamespace::new();
    Child::spawn(&role_path(role), &[(SHARED_MEMORY, space.path())]).wait_success();
    space
}

/// All that a user needs: which map, what is wrong, what to do.
#[track_caller]
fn assert_helpful(error: &Error, name: &str) {
    let text = error.to_string();
    assert!(text.contains(&format!("map `{name}`")), "{text}");
    assert!(text.contains("expected"), "{text}");
    assert!(text.contains("; "), "no remedy: {text}");
    assert!(!text.ends_with('.'), "{text}");
}

/// Runs it under a lower limit.
fn limited(resource: Resource, current: u64, run: impl FnOnce()) {
    let before = getrlimit(resource);
    let lowered = Rlimit { current: Some(current), maximum: before.maximum };
    setrlimit(resource, lowered).expect("lowered");
    run();
    setrlimit(resource, before).expect("as before");
}
