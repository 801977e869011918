//! What the machine has: free memory, by a table of it that a role puts in the kernel's place, and the last free block.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringway::map::{Allocation, Error, ErrorKind, FileMode, MapOptions, SharedMap};

use crate::mounts::{mount, mounting};
use crate::testing::{Role, not_to_be_had};
use crate::{DIR, assert_kind};

const MIB: u64 = 1 << 20;
/// Of less than this the machine is not asked.
const LITTLE: u64 = 16 * MIB;

/// The kernel's answer from now on, in this mount namespace, whenever this file has changed.
fn answer_by(file: &Path) -> bool {
    fs::write(file, "").expect("there is room");
    let status = Command::new("mount").arg("--bind").arg(file).arg("/proc/meminfo").status();
    status.is_ok_and(|status| status.success())
}

fn commit(capacity: u64) -> MapOptions {
    MapOptions::new().capacity(capacity).allocation(Allocation::Commit)
}

#[track_caller]
fn assert_full(result: Result<SharedMap, Error>) {
    assert_kind(result, |kind| matches!(kind, ErrorKind::StorageFull { .. }), io::ErrorKind::StorageFull);
}

/// A new file on a disk, if there is one.
fn on_disk() -> Option<PathBuf> {
    const TMPFS: u64 = 0x0102_1994;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let system = rustix::fs::statfs(directory).expect("there");
    (system.f_type as u64 != TMPFS).then(|| directory.join(format!("machine-{}", std::process::id())))
}

#[test]
fn role_with_little_memory() {
    let Some(mut role) = Role::play() else { return };
    let table = Path::new(&role.var(DIR)).join("table");
    if !answer_by(&table) {
        fs::remove_file(table).expect("there");
        return role.say("cannot mount");
    }
    let says = |text: &str| fs::write(&table, text).expect("ours");
    says("MemTotal:    100000 kB\nMemAvailable:  12288 kB\nSwapFree:   8192 kB\n");
    drop(commit(20 * MIB).anonymous().expect("there is as much, with what can be swapped out"));
    assert_full(commit(20 * MIB + 4096).anonymous());
    says("MemAvailable:  0 kB\nSwapFree:   0 kB\n");
    drop(commit(LITTLE).anonymous().expect("of so little nobody is asked"));
    assert_full(commit(LITTLE + 4096).anonymous());
    let Some(path) = on_disk() else {
        not_to_be_had("a file on a disk", "the build directory is in memory");
        fs::remove_file(table).expect("there");
        return role.say("done");
    };
    let options = commit(LITTLE + 4096).file_mode(FileMode::CreateNew);
    options.open_path(&path).expect("what is on a disk is in nobody's memory");
    fs::remove_file(path).expect("there");
    says("what this means nobody knows\n");
    drop(commit(LITTLE + 4096).anonymous().expect("it is tried where the kernel does not tell"));
    fs::remove_file(table).expect("there");
    role.say("done");
}

#[test]
fn as_much_memory_can_be_committed_as_there_is() {
    mounting("machine::role_with_little_memory");
}

#[test]
fn role_with_room_for_exactly_one() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    if !mount(&directory, &["-t", "tmpfs", "-o", "size=1m"]) {
        return role.say("cannot mount");
    }
    let system = rustix::fs::statvfs(&*directory).expect("mounted");
    let (free, path) = (system.f_bfree * system.f_frsize, Path::new(&directory).join("data"));
    let make = |capacity| commit(capacity).file_mode(FileMode::CreateNew).open_path(&path);
    assert_full(make(free + 1));
    assert_eq!(make(free).expect("there is as much room").capacity(), free);
    fs::remove_file(path).expect("there");
    role.say("done");
}

#[test]
fn the_last_block_of_a_file_system_can_be_had() {
    mounting("machine::role_with_room_for_exactly_one");
}
