//! The mapping layer through the public interface. `docs/mapping.md` has the table of the acceptance cases and
//! the tests of each.
#![cfg(not(loom))]

mod accessor;
mod allocation;
mod cases;
mod closing;
mod coherence;
mod faults;
mod files;
mod forks;
mod growing;
mod handles;
mod huge;
mod lifetime;
mod limits;
mod machine;
mod mounts;
mod named_files;
mod opening;
mod passing;
mod ranges;
mod rights;
mod sandbox;
mod security;
mod settings;
mod sharing;
mod signals;
mod stream;
mod trust;
mod unnamed;

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

#[allow(dead_code, unused_imports, reason = "other tests need the rest")]
#[path = "../../src/documents.rs"]
mod documents;

use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::PathBuf;

use ringway::map::{self, Access, AnyView, Error, ErrorKind, MapOptions, SharedMap};

use testing::{Role, TempNamespace};

/// The variable that tells a role its directory.
const DIR: &str = "RINGWAY_TEST_DIR";

/// Small, whole, a page, not whole pages.
const CAPACITIES: [u64; 4] = [1, 256, 4096, 10_000];
/// What a map can be made with.
const MAP_ACCESSES: [Access; 5] =
    [Access::Read, Access::ReadWrite, Access::CopyOnWrite, Access::ReadExecute, Access::ReadWriteExecute];

fn options(space: &TempNamespace) -> MapOptions {
    MapOptions::new().capacity(4096).namespace(space.namespace())
}

fn role_options(role: &Role) -> MapOptions {
    MapOptions::new().capacity(4096).namespace(map::Namespace::Dir(role.var(DIR).into()))
}

fn anonymous(capacity: u64) -> SharedMap {
    MapOptions::new().capacity(capacity).anonymous().expect("there is memory")
}

/// A file in the directory, with the bytes.
fn file(space: &TempNamespace, name: &str, bytes: &[u8]) -> PathBuf {
    let path = space.path().join(name);
    fs::write(&path, bytes).expect("there is room");
    path
}

/// `0, 1, 2, …` as bytes.
fn counted(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

/// A view of the map with that access.
fn view(map: &SharedMap, access: Access) -> Result<AnyView, Error> {
    map.view(..).access(access).accessor()
}

/// All bytes of a map.
fn bytes(map: &SharedMap) -> Vec<u8> {
    let view = map.view(..).read_only().accessor().expect("a map that can be read");
    let mut bytes = vec![0; view.len() as usize];
    view.read_exact_at(0, &mut bytes).expect("all of it");
    bytes
}

/// Whether maps of this namespace can be executed here: not if it is mounted noexec.
fn can_execute(map: &SharedMap) -> bool {
    match view(map, Access::ReadExecute) {
        Ok(_) => true,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::PermissionDenied { .. }), "{error}");
            testing::not_to_be_had("executable views", &error.to_string());
            false
        }
    }
}

#[track_caller]
fn assert_kind<T: Debug>(
    result: Result<T, Error>,
    matches: impl Fn(&ErrorKind) -> bool,
    io: io::ErrorKind,
) -> String {
    let error = result.expect_err("an error");
    assert!(matches(error.kind()), "{:?}", error.kind());
    let text = error.to_string();
    assert!(text.contains("expected") || text.contains("needed"), "{text}");
    assert!(text.contains("; ") && !text.ends_with('.'), "{text}");
    assert_eq!(io::Error::from(error).kind(), io);
    text
}

#[track_caller]
fn assert_argument<T: Debug>(result: Result<T, Error>, wanted: &str) {
    let text = assert_kind(
        result,
        |kind| matches!(kind, ErrorKind::InvalidArgument { argument, .. } if *argument == wanted),
        io::ErrorKind::InvalidInput,
    );
    assert!(text.contains(&format!("`{wanted}` is ")), "{text}");
}

/// This handle does not allow it.
#[track_caller]
fn assert_denied<T: Debug>(result: Result<T, Error>) -> String {
    assert_kind(
        result,
        |kind| matches!(kind, ErrorKind::AccessDenied { .. }),
        io::ErrorKind::PermissionDenied,
    )
}

#[track_caller]
fn assert_not_found<T: Debug>(result: Result<T, Error>) {
    assert_kind(result, |kind| *kind == ErrorKind::NotFound, io::ErrorKind::NotFound);
}

#[track_caller]
fn assert_taken<T: Debug>(result: Result<T, Error>) {
    let taken = ErrorKind::AlreadyExists { stale: false };
    assert_kind(result, |kind| *kind == taken, io::ErrorKind::AlreadyExists);
}
