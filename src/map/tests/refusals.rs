//! What the kernel, or another user of a file, refuses in the middle of a call.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use super::{DIR, in_stand_in, options, role_path};
use crate::map::header::{Elsewhere, Header};
use crate::map::named;
use crate::map::reclaim::Purpose;
use crate::map::{
    Access, Allocation, Error, ErrorKind, FileMode, MapOptions, Namespace, Rights, Share, SharedMap, length,
    share, sys,
};
use crate::testing::{Child, Role, TempNamespace};

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../../tests/maps/sandbox.rs"]
mod sandbox;

const LITTLE: Duration = Duration::from_millis(50);

fn play(role: &str) {
    let space = TempNamespace::new();
    fs::write(space.path().join("data"), [7; 100]).expect("there is room");
    Child::spawn(&role_path(&format!("refusals::{role}")), &[(DIR, space.path())]).wait_success();
}

fn by_hand(path: &Path) -> File {
    File::options().read(true).write(true).open(path).expect("ours")
}

fn lock(fd: BorrowedFd<'_>, byte: u64) -> sys::ByteLock<'_> {
    sys::ByteLock { fd, byte }
}

fn assert_interrupted(result: Result<SharedMap, Error>) {
    let error = result.expect_err("it cannot go on");
    assert_eq!(error.kind(), &ErrorKind::Interrupted { waited: LITTLE }, "{error}");
}

#[test]
fn role_in_turn() {
    let Some(role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data");
    sandbox::refuse(libc::SYS_fallocate, libc::EOPNOTSUPP);
    let other = by_hand(&path);
    let turn = lock(other.as_fd(), length::GROWING);
    assert!(turn.try_lock());
    let longer = || MapOptions::new().capacity(200).patience(LITTLE).open_path(&path);
    assert_interrupted(longer());
    assert_eq!(fs::metadata(&path).expect("there").len(), 100);
    turn.unlock();
    assert_eq!(longer().expect("its turn").capacity(), 200);
    assert_eq!(fs::metadata(&path).expect("there").len(), 200);
    assert!(turn.try_lock(), "its turn is over");
}

#[test]
fn where_the_last_byte_cannot_be_taken_nobody_grows_a_file_out_of_turn() {
    play("role_in_turn");
}

#[test]
fn role_interrupted_while_it_empties() {
    let Some(role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data");
    let zeroing = rustix::fs::FallocateFlags::ZERO_RANGE.bits().into();
    sandbox::refuse_where(libc::SYS_fallocate, 1, zeroing, libc::EINTR);
    let create = MapOptions::new().file_mode(FileMode::Create).allocation(Allocation::Commit);
    assert_interrupted(create.capacity(100).patience(LITTLE).open_path(&path));
    assert_eq!(fs::read(&path).expect("there"), [7; 100], "it was not done in another way");
}

#[test]
fn signals_are_no_reason_to_write_zeros() {
    play("role_interrupted_while_it_empties");
}

#[test]
fn role_that_cannot_ask_who_shares() {
    let Some(role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data");
    let (file, other) = (by_hand(&path), by_hand(&path));
    sandbox::refuse_where(libc::SYS_fcntl, 1, libc::F_OFD_GETLK as u64, libc::EIO);
    for sharing in [Share::Any, Share::Readers, Share::Exclusive] {
        share::enter_at(&file, Access::ReadWrite, sharing, &path).expect_err("there is no answer");
        for byte in share::USER..share::USER + 4 {
            let free = lock(other.as_fd(), byte);
            assert!(free.try_lock(), "byte {byte:#x} is kept");
            free.unlock();
        }
    }
}

#[test]
fn whoever_is_not_let_in_is_no_user_of_the_file() {
    play("role_that_cannot_ask_who_shares");
}

#[test]
fn a_name_that_leads_to_what_cannot_be_mapped_is_refused_and_it_is_not_opened() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let (path, fifo) = (files.path().join("data"), files.path().join("fifo"));
    fs::write(&path, [7; 100]).expect("there is room");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let named = MapOptions::new().namespace(space.namespace()).name("n").open_path(&path).expect("named");
    let page = by_hand(&space.path().join("n"));
    let mut header = Header::attach(&page).expect("it is whole");
    let status = rustix::fs::stat(&fifo).expect("there");
    header.elsewhere = Some(Elsewhere { path: fifo, device: status.st_dev, inode: status.st_ino });
    rustix::io::pwrite(&page, &header.format(), 0).expect("ours");
    for access in [Access::Read, Access::ReadWrite] {
        let error = options(&space).access(access).open("n").expect_err("no file");
        assert_eq!(error.kind(), &ErrorKind::NotMappable { found: "a FIFO" }, "{error}");
    }
    drop(named);
    space.assert_empty();
}

#[test]
fn role_whose_directory_is_never_there() {
    let Some(_role) = Role::play() else { return };
    sandbox::refuse(libc::SYS_mkdirat, libc::EEXIST);
    let options = MapOptions::new().capacity(1).patience(LITTLE);
    let error = options.create_new("m").expect_err("whoever made it removes it at once");
    assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }), "{error}");
}

#[test]
fn a_directory_that_comes_and_goes_is_not_waited_for_for_ever() {
    in_stand_in("refusals::role_whose_directory_is_never_there").assert_empty();
}

#[test]
fn role_whose_map_is_never_there() {
    let Some(role) = Role::play() else { return };
    let options = super::role_options(&role);
    let map = options.clone().create_new("m").expect("created");
    let nofollow = rustix::fs::OFlags::NOFOLLOW;
    let mask = u64::from((nofollow | rustix::fs::OFlags::PATH).bits());
    let opens = sandbox::rule_of(&[(2, seccompiler::SeccompCmpOp::MaskedEq(mask), nofollow.bits().into())]);
    let gone = seccompiler::SeccompAction::Errno(libc::ENOENT as u32);
    sandbox::restrict(vec![(libc::SYS_openat, vec![opens])], gone);
    let error = options.patience(LITTLE).open("m").expect_err("it has gone whenever it is opened");
    assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }), "{error}");
    drop(map);
}

#[test]
fn a_map_that_comes_and_goes_is_not_waited_for_for_ever() {
    play("role_whose_map_is_never_there");
}

#[test]
fn role_whose_directory_goes_before_anything_is_in_it() {
    let Some(_role) = Role::play() else { return };
    // As some file systems answer where the directory has gone, and others where they have no such files.
    let unnamed = u64::from(rustix::fs::OFlags::TMPFILE.bits());
    let opens = sandbox::rule_of(&[(2, seccompiler::SeccompCmpOp::MaskedEq(unnamed), unnamed)]);
    let gone = seccompiler::SeccompAction::Errno(libc::ENOENT as u32);
    sandbox::restrict(vec![(libc::SYS_openat, vec![opens])], gone);
    let options = MapOptions::new().capacity(1);
    let elsewhere = Elsewhere { path: "/nothing".into(), device: 0, inode: 0 };
    let mut rounds = 0;
    let made = named::publish(&options, "a", Purpose::Look, Rights::READ, &mut |target, directory| {
        rounds += 1;
        if rounds == 1 {
            fs::remove_dir(Namespace::User.path()).expect("nothing is in it");
        }
        named::prepare_page(&options, target, directory, 1, &elsewhere)
    });
    let Err(error) = made else { panic!("there are no such files") };
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
    assert_eq!(rounds, 2, "it is made again, and then it is there");
}

#[test]
fn a_directory_that_goes_before_anything_is_in_it_is_made_again() {
    in_stand_in("refusals::role_whose_directory_goes_before_anything_is_in_it").assert_empty();
}
