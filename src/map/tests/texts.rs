//! What errors of the operating system become: a kind, and a remedy that the reader can carry out.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::map::{Error, ErrorKind, HeapRegion, sys};

#[track_caller]
fn assert_says(errno: Errno, needed: u64, kind: io::ErrorKind, says: &[&str], not: &[&str]) {
    let error = Error::os("making a file", Path::new("/dev/shm/x"), needed, errno).for_map("m");
    let text = error.to_string();
    assert!(text.starts_with("map `m` (/dev/shm/x): ") && text.contains("; "), "{text}");
    assert!(text.contains("expected") || text.contains("needed"), "{text}");
    assert!(says.iter().all(|part| text.contains(part)), "{text}");
    assert!(not.iter().all(|part| !text.contains(part)), "{text}");
    assert_eq!(io::Error::from(error).kind(), kind);
}

#[test]
fn a_full_file_system_lacks_space_or_files() {
    for errno in [Errno::NOSPC, Errno::DQUOT] {
        assert!(sys::is_full(errno));
        let full = io::ErrorKind::StorageFull;
        assert_says(errno, 0, full, &["space or files (inodes)", "sweep"], &[" 0 ", "`capacity`"]);
        assert_says(errno, 8192, full, &["files (inodes)", "8192 bytes", "`capacity`", "sweep"], &[]);
    }
    for errno in [Errno::FBIG, Errno::OVERFLOW] {
        assert!(!sys::is_full(errno), "leftovers are not in its way");
        // Nothing here limits how long a file may be.
        assert_says(errno, 7, io::ErrorKind::FileTooLarge, &["7 bytes", "`capacity`"], &["RLIMIT_FSIZE"]);
    }
    assert_says(Errno::NOMEM, 0, io::ErrorKind::FileTooLarge, &["memory"], &[" 0 ", "`capacity`"]);
}

#[test]
fn a_read_only_file_system_is_not_a_matter_of_permission() {
    let says = &["no writable file system", "use a namespace on a tmpfs"];
    assert_says(Errno::ROFS, 0, io::ErrorKind::ReadOnlyFilesystem, says, &["owner"]);
}

#[test]
fn an_error_of_the_heap_is_not_about_a_namespace() {
    for capacity in [0, u64::MAX] {
        let text = HeapRegion::new(capacity).expect_err("impossible").to_string();
        assert!(text.starts_with("in process: "), "{text}");
    }
}

#[test]
fn whoever_finds_the_directory_taken_by_another_is_told_what_he_can_do() {
    let kind = ErrorKind::Namespace { part: "owner", found: "uid 1".into(), expected: "uid 2".into() };
    let text = Error::new(kind, Path::new("/dev/shm/ringway-2")).to_string();
    assert!(text.contains("; use another namespace, or let root"), "{text}");
}

#[test]
fn signals_that_allow_no_map_are_named_as_the_cause() {
    let waited = std::time::Duration::from_secs(10);
    let error = Error::new(ErrorKind::Interrupted { waited }, Path::new("/dev/shm/x")).for_map("m");
    super::assert_helpful(&error, "m");
    assert!(error.to_string().contains("signals for 10s"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}

#[test]
fn whoever_has_no_name_is_told_what_can_be_done_without_one() {
    use crate::map::error::Subject;
    let doing = "opening";
    let remedies = [
        (Subject::File, ErrorKind::NotFound, "correct the path"),
        (Subject::File, ErrorKind::AlreadyExists { stale: false }, "`FileMode::OpenOrCreate`"),
        (Subject::File, ErrorKind::PermissionDenied { doing }, "let the file's owner"),
        (Subject::File, ErrorKind::StorageFull { needed: 7 }, "in the file system (or quota), 7 bytes"),
        (Subject::File, ErrorKind::TooLarge { needed: 7 }, "a file of this file system"),
        (Subject::File, ErrorKind::Unsupported { what: "that" }, "move the file"),
        (Subject::File, ErrorKind::Truncated { found: 1, expected: 2 }, "map the file again"),
        (Subject::Anonymous, ErrorKind::StorageFull { needed: 7 }, "too little free memory, 7 bytes"),
        (Subject::Anonymous, ErrorKind::PermissionDenied { doing }, "who sealed it"),
        (Subject::Anonymous, ErrorKind::Truncated { found: 1, expected: 2 }, "receive it from somebody"),
        (Subject::Anonymous, ErrorKind::Foreign { found: "this".to_owned() }, "send maps alone"),
    ];
    for (subject, kind, remedy) in remedies {
        let text = Error::new(kind, Path::new("")).about(subject).to_string();
        assert!(text.contains(remedy), "{text}");
    }
}

#[test]
fn an_error_has_the_path_and_the_cause_that_it_names() {
    use std::error::Error as _;

    use crate::map::RequiredCapacity;
    let space = crate::testing::TempNamespace::new();
    let absent = super::options(&space).open("m").expect_err("nobody made it");
    assert_eq!((absent.map(), absent.path()), (Some("m"), &*space.path().join("m")));
    assert!(absent.source().is_none());
    let full = Error::new(ErrorKind::StorageFull { needed: 1 }, Path::new(""));
    assert_eq!(full.about(crate::map::error::Subject::Anonymous).map(), None);
    let denied = Error::os("making a file", Path::new("/x"), 0, Errno::ACCESS);
    assert_eq!(
        denied.source().expect("the system's").to_string(),
        io::Error::from(Errno::ACCESS).to_string()
    );
    assert_eq!(RequiredCapacity::Exact(7).to_string(), "exactly 7");
    assert_eq!(RequiredCapacity::AtLeast(7).to_string(), "at least 7");
}

#[test]
fn every_kind_of_error_says_what_was_found_and_what_to_do_whatever_it_is_about() {
    use crate::map::RequiredCapacity;
    use crate::map::error::Subject;
    let waited = std::time::Duration::from_secs(1);
    let (found, expected) = (|| "this".to_owned(), || "that".to_owned());
    let kinds = [
        ErrorKind::InvalidArgument { argument: "name", found: found(), expected: "that" },
        ErrorKind::AlreadyExists { stale: false },
        ErrorKind::AlreadyExists { stale: true },
        ErrorKind::NotFound,
        ErrorKind::PermissionDenied { doing: "opening" },
        ErrorKind::StorageFull { needed: 0 },
        ErrorKind::StorageFull { needed: 7 },
        ErrorKind::TooLarge { needed: 0 },
        ErrorKind::TooLarge { needed: 7 },
        ErrorKind::SizeLimit { needed: 7, limit: 6 },
        ErrorKind::Unsupported { what: "that" },
        ErrorKind::AccessDenied { asked: expected(), allowed: found() },
        ErrorKind::CapacityMismatch { found: 1, expected: RequiredCapacity::AtLeast(2) },
        ErrorKind::Busy { found: "has it", expected: "nobody" },
        ErrorKind::NotMappable { found: "a FIFO" },
        ErrorKind::Stale { found: "nothing" },
        ErrorKind::Untrusted { part: "owner", found: found(), expected: expected() },
        ErrorKind::LockLimit { needed: 7 },
        ErrorKind::HugePages { needed: 7 },
        ErrorKind::TimedOut { waited },
        ErrorKind::Interrupted { waited },
        ErrorKind::Foreign { found: found() },
        ErrorKind::Version { found: 1, expected: 2 },
        ErrorKind::Damaged { part: "part", found: found(), expected: expected() },
        ErrorKind::Truncated { found: 1, expected: 2 },
        ErrorKind::Collision { found: found() },
        ErrorKind::Namespace { part: "mode", found: found(), expected: expected() },
        ErrorKind::Os { doing: "opening" },
    ];
    let subjects = [
        (Subject::Map("m".to_owned()), "map `m` (/x): "),
        (Subject::File, "map of a file (/x): "),
        (Subject::Anonymous, "anonymous map (/x): "),
    ];
    for kind in kinds {
        for (subject, start) in &subjects {
            let text = Error::new(kind.clone(), Path::new("/x")).about(subject.clone()).to_string();
            assert!(text.starts_with(start), "{text}");
            assert!(text.contains("expected") || text.contains("needed"), "{text}");
            assert!(text.contains("; ") && !text.ends_with('.') && !text.contains('\n'), "{text}");
        }
    }
}
