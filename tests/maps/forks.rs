//! Views in forked children.
#![allow(unsafe_code)] // forks, reads through pointers, and takes a descriptor away

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use ringway::map::{AccessError, MapOptions};

use crate::faults::set_len;
use crate::signals::{KIND, assert_lost, assert_protected, end, path, touch_what_is_no_view};
use crate::testing::Role;

/// Runs the closure in a forked child, and returns how that ended.
fn forked(child: impl FnOnce()) -> ExitStatus {
    // SAFETY: the child runs the closure and leaves; no other thread of the role holds a lock that it needs.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(i32::from(ended.is_err())) };
    }
    let mut status = 0;
    // SAFETY: `status` is valid for the write.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    ExitStatus::from_raw(status)
}

#[test]
fn role_with_a_child_that_closes() {
    let Some(mut role) = Role::play() else { return };
    let path = path(&role);
    let other = path.with_file_name("other");
    std::fs::write(&other, []).expect("there is room");
    set_len(&path, 2 * 4096);
    let view = MapOptions::new().inheritable().open_path(&path).expect("mapped").accessor().expect("all");
    assert_eq!(view.read::<u8>(4096), Ok(0));
    let child = forked(|| {
        // Its number is another file's, which is shorter.
        let taken = File::open(&other).expect("there");
        // SAFETY: the map of this child is never used for anything but its views.
        assert_ne!(unsafe { libc::dup2(taken.as_raw_fd(), view.map().as_raw_fd()) }, -1);
        set_len(&path, 4096);
        let lost = view.read::<u8>(4096).expect_err("the file ends before it");
        assert_eq!(lost, AccessError::NoRoom { from: 4096 }, "the other file says nothing about this one");
        assert_eq!(view.read::<u8>(0), Ok(0), "what is there is there");
    });
    assert!(child.success(), "{child}");
    assert_eq!(view.read::<u8>(4096), Err(AccessError::Truncated { from: 4096, len: 2 * 4096 }));
    role.say("now");
}

#[test]
fn a_descriptor_that_a_child_has_used_otherwise_is_not_asked_about_the_file() {
    let end = end("forks::role_with_a_child_that_closes", "");
    assert!(end.success(), "{end}");
}

#[test]
fn role_with_children() {
    let Some(mut role) = Role::play() else { return };
    let path = path(&role);
    let inherits = role.var(KIND) == "inherited";
    let options = MapOptions::new();
    let options = if inherits { options.inheritable() } else { options };
    let view = options.open_path(&path).expect("mapped").accessor().expect("all");
    if inherits {
        let child = forked(|| assert_lost(&path, &view));
        assert!(child.success(), "the child has the view: {child}");
        assert!(matches!(view.read::<u8>(0), Err(AccessError::Truncated { .. })), "and so has the parent");
        let later = forked(|| {
            assert!(matches!(view.write(0, &1_u8), Err(AccessError::Truncated { .. })));
            // SAFETY: the view is inherited, so something of it is there.
            assert_eq!(unsafe { view.as_ptr().read_volatile() }, 0, "not even a hole");
        });
        assert!(later.success(), "{later}");
    } else {
        let child = forked(|| assert_ne!(touch_what_is_no_view(&path, view.as_mut_ptr().cast()), 1));
        assert_eq!(child.signal(), Some(libc::SIGBUS), "in the child that is no view of the parent's");
        let own = forked(|| assert_protected(&path));
        assert!(own.success(), "its own views are protected: {own}");
        assert_lost(&path, &view);
        // SAFETY: what comes of it is the subject of the test.
        let child = forked(|| assert_eq!(unsafe { view.as_ptr().read_volatile() }, 1));
        assert_eq!(child.signal(), Some(libc::SIGSEGV), "nor has a child the zeros in its place");
    }
    role.say("now");
}

#[test]
fn a_forked_child_is_protected_in_the_views_that_it_has_and_in_no_others() {
    for kind in ["inherited", "ordinary"] {
        let end = end("forks::role_with_children", kind);
        assert!(end.success(), "{kind}: {end}");
    }
}
