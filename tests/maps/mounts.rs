//! File systems that a test needs for itself.

use std::process::Command;

use crate::DIR;
use crate::testing::{Child, TempNamespace, can_run, skipped};

/// Runs the role in a mount namespace of its own, in which it may [`mount`] over its directory. It says `done`, or
/// else that it cannot.
pub(crate) fn mounting(role: &str) {
    let space = TempNamespace::new();
    for wrapper in [&["unshare", "-m"][..], &["unshare", "-Urm"][..]] {
        if !can_run(wrapper) {
            continue;
        }
        let mut child = Child::spawn_under(wrapper, role, &[(DIR, space.path())]);
        let said = child.hear();
        child.wait_success();
        if said == "done" {
            return space.assert_empty();
        }
    }
    skipped(role, "cannot mount its file system here");
}

/// Mounts a new file system on the directory, if that is allowed.
pub(crate) fn mount(directory: &str, kind: &[&str]) -> bool {
    let status = Command::new("mount").args(kind).args(["ringway-test", directory]).status();
    status.is_ok_and(|status| status.success())
}
