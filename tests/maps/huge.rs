//! Huge pages of the pool.

use std::fs::{self, File};
use std::path::Path;

use std::io;

use ringway::map::{Access, AccessError, Allocation, ErrorKind, FileMode, HugePages, MapOptions};
use rustix::fs::FlockOperation;

use crate::mounts::{mount, mounting};
use crate::testing::{Role, TempNamespace, not_to_be_had};
use crate::{DIR, assert_argument, assert_kind, bytes, counted, file, options};

const POOL: &str = "/proc/sys/vm/nr_hugepages";
/// As many as any of these tests needs.
const NEEDED: u64 = 4;

/// The pool with some free pages, if the kernel has them and this user may say so; as it was on drop. One test at a time
/// has it, of whatever process.
struct Pool {
    before: Option<u64>,
    _turn: File,
}

impl Pool {
    fn raised() -> Pool {
        let turn = File::open(POOL).expect("/proc is there");
        rustix::fs::flock(&turn, FlockOperation::LockExclusive).expect("in its turn");
        let before = (free() < NEEDED).then(|| number("HugePages_Total:"));
        if let Some(before) = before {
            // The kernel may have to move other pages out of the way first.
            for _ in 0..100 {
                let _ = fs::write(POOL, (before + NEEDED).to_string());
                if free() >= NEEDED {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        Pool { before, _turn: turn }
    }

    fn has_some(&self, what: &str) -> bool {
        if free() < NEEDED {
            not_to_be_had(what, "vm.nr_hugepages leaves too few free, and cannot be raised");
        }
        free() >= NEEDED
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = fs::write(POOL, before.to_string());
        }
    }
}

fn free() -> u64 {
    number("HugePages_Free:").saturating_sub(number("HugePages_Rsvd:"))
}

fn number(name: &str) -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").expect("/proc is there");
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn page() -> u64 {
    number("Hugepagesize:") * 1024
}

#[test]
fn huge_pages_are_had_from_the_pool_or_are_a_clear_error() {
    let pool = Pool::raised();
    let size = page();
    let make = |capacity| MapOptions::new().capacity(capacity).huge_pages(HugePages::Require).anonymous();
    let text = assert_kind(
        make((number("HugePages_Total:") + 1) * size),
        |kind| matches!(kind, ErrorKind::HugePages { .. }),
        io::ErrorKind::OutOfMemory,
    );
    assert!(text.contains("too few free huge pages") && text.contains("vm.nr_hugepages"), "{text}");
    if pool.has_some("a map of huge pages") {
        let map = make(size + 1).expect("two are free");
        assert_eq!(map.capacity(), size + 1, "exactly what was asked for");
        let view = map.accessor_range(size - 3, 4).expect("within");
        view.write_all_at(0, b"huge").expect("within");
        assert_eq!((view.read::<[u8; 4]>(0), view.pointer_offset() as u64), (Ok(*b"huge"), size - 3));
        assert_eq!(map.accessor().expect("all").read::<[u8; 4]>(size - 3), Ok(*b"huge"));
        map.accessor_range(0, size + 2).expect_err("beyond the capacity");
        let received = crate::passing::pass(&map, MapOptions::new()).expect("received");
        let part = received.accessor_range(size - 3, 4).expect("within");
        assert_eq!(part.read::<[u8; 4]>(0), Ok(*b"huge"), "it knows of the huge pages too");
        drop((received, part));
        // The memory has whole pages, and the map has not.
        let other = MapOptions::new().capacity(size + 1).from_file(map.try_clone_fd().expect("open").into());
        assert_argument(other, "capacity");
        assert_eq!(map.refresh().expect("as it is"), size + 1);
        map.grow(size + 2).expect("the page is there");
        assert_eq!((map.capacity(), map.refresh().expect("as it is")), (size + 2, size + 2));
        map.grow(2 * size + 1).expect("one more is free");
        assert_eq!(rustix::fs::fstat(&map).expect("open").st_size as u64, 3 * size);
        assert_eq!(map.refresh().expect("as it is"), 2 * size + 1);
    }
    let space = TempNamespace::new();
    assert_argument(options(&space).huge_pages(HugePages::Require).create_new("n"), "huge_pages");
    let path = file(&space, "data", &counted(100));
    assert_argument(MapOptions::new().huge_pages(HugePages::Require).open_path(&path), "huge_pages");
    assert_eq!(space.files(), ["data"]);
}

#[test]
fn role_with_a_file_of_huge_pages() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    if !mount(&directory, &["-t", "hugetlbfs"]) {
        return role.say("cannot mount");
    }
    let path = Path::new(&directory).join("data");
    let make = |mode| MapOptions::new().file_mode(mode).allocation(Allocation::Delay);
    let open = |capacity| make(FileMode::OpenOrCreate).capacity(capacity).open_path(&path).expect("made");
    let size = page();
    let view = open(2 * size).accessor_range(4096, 2 * size - 4096).expect("two are free");
    view.write(0, &7_u8).expect("within");
    view.write(size, &7_u8).expect("within");
    view.advise_range(size, 1, ringway::map::Advice::Random).expect("of a huge page");
    view.flush_range(size, 1).expect("of a huge page");
    File::options().write(true).open(&path).expect("ours").set_len(size).expect("shorter");
    let lost = AccessError::Truncated { from: size - 4096, len: 2 * size - 4096 };
    assert_eq!(view.read::<u8>(size), Err(lost), "all of its page is");
    assert_eq!((view.read::<u8>(0), view.read::<u8>(size - 4097)), (Ok(7), Ok(0)));
    drop(view);

    // Their file cannot be zeroed in place, and then nothing is touched.
    let len = || fs::metadata(&path).expect("there").len();
    let committed =
        || make(FileMode::Create).allocation(Allocation::Commit).capacity(size + 1).open_path(&path);
    let unsupported = |kind: &ErrorKind| matches!(kind, ErrorKind::Unsupported { .. });
    assert_kind(committed(), unsupported, io::ErrorKind::Unsupported);
    assert_eq!((len(), bytes(&open(size))[4096]), (size, 7));
    crate::faults::set_len(&path, 0);
    assert_eq!((committed().expect("two are free").capacity(), len()), (size + 1, 2 * size));

    // A file of them has whole ones, whatever is asked for.
    let map = make(FileMode::Create).capacity(size + 1).open_path(&path).expect("emptied");
    assert_eq!((map.capacity(), len()), (size + 1, 2 * size));
    assert!(bytes(&map).iter().all(|byte| *byte == 0), "nothing is left of it");
    let reader = MapOptions::new().access(Access::Read).open_path(&path).expect("there");
    map.grow(2 * size + 1).expect("it takes no page");
    assert_eq!((map.refresh().expect("as it is"), len()), (2 * size + 1, 3 * size));
    assert_eq!(reader.refresh().expect("longer"), 3 * size);
    // So have those who open it by a name.
    let space = TempNamespace::new();
    let named = MapOptions::new().namespace(space.namespace()).name("n").allocation(Allocation::Delay);
    let named = named.open_path(&path).expect("named");
    let twin = options(&space).open("n").expect("there");
    assert_eq!(twin.accessor_range(size + 1, 4).expect("within").read::<u8>(0), Ok(0));
    drop((named, twin));
    role.say("done");
}

#[test]
fn files_of_huge_pages_have_whole_ones_and_their_views_outlive_a_truncation_too() {
    let pool = Pool::raised();
    if pool.has_some("a file of huge pages") {
        mounting("huge::role_with_a_file_of_huge_pages");
    }
}
