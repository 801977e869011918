//! When memory is taken, and how pages are kept.
#![allow(unsafe_code)] // stores through a pointer, and reads what the last system call said

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ringway::map::{Access, AccessError, Allocation, ErrorKind, FileMode, HugePages, MapOptions};

use crate::mounts::{mount, mounting};
use crate::sandbox;
use crate::testing::{Child, Role, TempNamespace, can_run, skipped};
use crate::{DIR, anonymous, assert_argument, assert_kind, counted, file, options, role_options};

/// The kibibytes of this process in memory.
fn resident(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("it is there");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_delayed_map_takes_no_memory_until_it_is_written_to() {
    let space = TempNamespace::new();
    let options = || options(&space).capacity(1 << 30);
    let used = || fs::metadata(space.path().join("n")).expect("there").blocks() * 512;
    let delayed = options().allocation(Allocation::Delay).create_new("n").expect("created");
    assert!(used() < 1 << 20, "{} bytes", used());
    let view = delayed.accessor_range(700 << 20, 4096).expect("within");
    view.write(0, &42_u8).expect("there is memory");
    assert_eq!(view.read::<u8>(0), Ok(42));
    assert!(used() < 1 << 20, "{} bytes", used());
    drop((view, delayed));
    let committed = options().capacity(16 << 20).create_new("n").expect("created");
    assert!(used() >= 16 << 20, "{} bytes", used());
    drop(committed);
    let delayed =
        MapOptions::new().capacity(1 << 40).allocation(Allocation::Delay).anonymous().expect("made");
    delayed.accessor_range(1 << 39, 8).expect("within").write(0, &7_u64).expect("there is memory");
}

#[test]
fn a_prefaulted_view_has_its_pages_and_one_that_is_not_has_none() {
    let _turn = turn();
    let path_space = TempNamespace::new();
    let path = file(&path_space, "data", &counted(4 << 20));
    let file = ringway::map::SharedMap::from_path(&path).expect("mapped");
    let memory = anonymous(4 << 20);
    for map in [&memory, &file] {
        for access in [Access::Read, Access::Write, Access::ReadWrite, Access::CopyOnWrite] {
            let lazy = map.view(..).access(access).accessor().expect("allowed");
            assert_eq!(pages(lazy_start(&lazy)), 0, "{access:?}");
            let eager = map.view(..).access(access).prefault().accessor().expect("allowed");
            assert_eq!(pages(lazy_start(&eager)), 4096, "{access:?}: KiB of 4 MiB");
        }
    }
    let eager = MapOptions::new().capacity(1 << 20).prefault().anonymous().expect("made");
    assert_eq!(pages(eager.accessor().expect("all").as_ptr().addr()), 1024);
}

/// Where a view begins, whatever its kind.
fn lazy_start(view: &ringway::map::AnyView) -> usize {
    view.as_ptr().addr()
}

/// The kibibytes in memory of the mapping that begins there.
fn pages(start: usize) -> u64 {
    field(start, "Rss:")
}

fn field(start: usize, name: &str) -> u64 {
    let smaps = fs::read_to_string("/proc/self/smaps").expect("/proc is there");
    let starts = [format!("{start:x}-"), format!("{start:012x}-")];
    let mut lines = smaps.lines().skip_while(|line| !starts.iter().any(|start| line.starts_with(start)));
    let line = lines.find_map(|line| line.strip_prefix(name)).expect("the mapping is there");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Tests that look at the memory of the process, or lock some of it, one at a time.
pub(crate) fn turn() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_locked_view_stays_in_memory_while_it_lives() {
    let _turn = turn();
    let before = resident("VmLck");
    let map = anonymous(1 << 20);
    let view = map.view(..).lock_in_memory().accessor().expect("within the limit");
    assert_eq!(field(view.as_ptr().addr(), "Locked:"), 1024);
    assert_eq!(resident("VmLck"), before + 1024);
    drop(view);
    assert_eq!(resident("VmLck"), before);
    let view = map.view(10 * 4096 + 7..10 * 4096 + 8).lock_in_memory().accessor().expect("within the limit");
    assert_eq!(resident("VmLck"), before + 4, "the page of its one byte");
    drop(view);
    let map = MapOptions::new().capacity(8192).lock_in_memory().anonymous().expect("made");
    let view = map.accessor().expect("within the limit");
    assert_eq!(resident("VmLck"), before + 8);
    drop(view);
}

#[test]
fn role_with_little_to_lock() {
    let Some(mut role) = Role::play() else { return };
    let map = anonymous(1 << 20);
    let view = map.view(..4096).lock_in_memory().accessor().expect("within the limit");
    let text = assert_kind(
        map.view(..).lock_in_memory().accessor(),
        |kind| *kind == ErrorKind::LockLimit { needed: 1 << 20 },
        io::ErrorKind::OutOfMemory,
    );
    assert!(text.contains("RLIMIT_MEMLOCK") && text.contains("1048576 bytes"), "{text}");
    map.accessor().expect("without the lock").write(0, &1_u8).expect("within");
    drop(view);
    // To find out that it is too much fills no holes.
    let sparse = MapOptions::new().capacity(1 << 20).allocation(Allocation::Delay).anonymous().expect("made");
    assert_kind(
        sparse.view(..).lock_in_memory().accessor(),
        |kind| matches!(kind, ErrorKind::LockLimit { .. }),
        io::ErrorKind::OutOfMemory,
    );
    assert_eq!(rustix::fs::fstat(&sparse).expect("open").st_blocks, 0);
    // A lack of memory is no limit.
    sandbox::refuse(libc::SYS_mlock, libc::EAGAIN);
    let error = map.view(..4096).lock_in_memory().accessor().expect_err("it cannot be had now");
    assert!(matches!(error.kind(), ErrorKind::Os { doing: "locking a view in memory" }), "{error}");
    role.say("done");
}

#[test]
fn more_than_may_be_locked_is_refused() {
    let space = TempNamespace::new();
    // Root is not bound by the limit; without its capabilities it is.
    let wrapper: &[&str] = match rustix::process::geteuid().is_root() {
        true => &["prlimit", "--memlock=65536", "setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-all"],
        false => &["prlimit", "--memlock=65536"],
    };
    if !can_run(wrapper) {
        return skipped("a limit of locked memory", "cannot set one here");
    }
    let mut child =
        Child::spawn_under(wrapper, "allocation::role_with_little_to_lock", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
}

#[test]
fn advice_about_huge_pages_is_taken_or_left_and_never_an_error() {
    let space = TempNamespace::new();
    let maps = [
        MapOptions::new().capacity(4 << 20).huge_pages(HugePages::Advise).anonymous().expect("made"),
        options(&space).capacity(4 << 20).huge_pages(HugePages::Advise).create_new("n").expect("created"),
    ];
    let plain = anonymous(4 << 20).accessor().expect("all");
    assert!(!flags(plain.as_ptr().addr()).contains(&"hg".to_owned()), "nobody has advised it");
    for map in maps {
        let view = map.accessor().expect("all");
        view.write(1 << 20, &7_u64).expect("within");
        assert_eq!(view.read::<u64>(1 << 20), Ok(7));
        view.advise(ringway::map::Advice::HugePages).expect("taken or left");
        for advice in [
            ringway::map::Advice::Normal,
            ringway::map::Advice::Random,
            ringway::map::Advice::Sequential,
            ringway::map::Advice::WillNeed,
        ] {
            view.advise(advice).expect("known");
        }
    }
}

/// What the kernel has been told of the mapping that begins there.
fn flags(start: usize) -> Vec<String> {
    let smaps = fs::read_to_string("/proc/self/smaps").expect("/proc is there");
    let start = format!("{start:x}-");
    let mut lines = smaps.lines().skip_while(|line| !line.trim_start_matches('0').starts_with(&start));
    let flags = lines.find_map(|line| line.strip_prefix("VmFlags:")).expect("the mapping is there");
    flags.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn advice_of_a_map_is_for_the_views_that_are_taken_from_then_on() {
    use ringway::map::Advice;
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(10_000));
    for map in [anonymous(10_000), ringway::map::SharedMap::from_path(&path).expect("mapped")] {
        let told = |flag: &str| {
            let view = map.accessor().expect("all");
            flags(view.as_ptr().addr()).iter().any(|found| found == flag)
        };
        assert!(!told("sr") && !told("rr"));
        map.clone().advise(Advice::Sequential).expect("known");
        assert!(told("sr"));
        map.advise(Advice::Random).expect("known");
        assert!(told("rr") && !told("sr"));
        map.advise(Advice::WillNeed).expect("known");
        map.advise(Advice::DontNeed).expect("known");
        assert!(told("rr"), "those are of the moment");
        map.advise(Advice::Normal).expect("known");
        assert!(!told("sr") && !told("rr"));
        let view = map.accessor().expect("all");
        let told = || flags(view.as_ptr().addr());
        view.advise(Advice::Sequential).expect("known");
        assert!(told().contains(&"sr".to_owned()), "a view is told at once");
    }
}

#[test]
fn advice_changes_no_byte_not_even_of_a_private_copy() {
    let _turn = turn();
    use ringway::map::Advice;
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(10_000));
    for map in [anonymous(10_000), ringway::map::SharedMap::from_path(&path).expect("mapped")] {
        for (access, byte) in [(Access::ReadWrite, 7), (Access::CopyOnWrite, 8)] {
            let view = map.view(100..).access(access).accessor().expect("allowed");
            let locked =
                map.view(100..).access(access).lock_in_memory().accessor().expect("within the limit");
            view.write_all_at(0, &[byte; 9900]).expect("within");
            locked.write_all_at(0, &[byte; 9900]).expect("within");
            let all = [Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed];
            for advice in all.into_iter().chain([Advice::DontNeed, Advice::HugePages]) {
                view.advise(advice).expect("known");
                view.advise_range(5000, 1, advice).expect("within");
                view.advise_range(9900, 0, advice).expect("nothing is in the view");
                locked.advise(advice).expect("without effect at most");
                assert_argument(view.advise_range(5000, 4901, advice), "range");
                for view in [&view, &locked] {
                    let mut found = [0; 9900];
                    view.read_exact_at(0, &mut found).expect("within");
                    assert_eq!(found, [byte; 9900], "{advice:?} of a {access} view");
                }
            }
        }
    }
}

fn fill(directory: &str) {
    let _ = fs::write(format!("{directory}/filler"), vec![1; 2 << 20]);
}

#[test]
fn role_in_a_full_file_system() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    if !mount(&directory, &["-t", "tmpfs", "-o", "size=1m"]) {
        return role.say("cannot mount");
    }
    let full = |result: Result<ringway::map::SharedMap, ringway::map::Error>| {
        assert_kind(result, |kind| matches!(kind, ErrorKind::StorageFull { .. }), io::ErrorKind::StorageFull)
    };
    // Too small from the start: known at creation, and nothing is left.
    full(role_options(&role).capacity(2 << 20).create_new("n"));
    let path = Path::new(&directory).join("data");
    let make =
        || MapOptions::new().file_mode(FileMode::CreateNew).capacity(2 << 20).allocation(Allocation::Commit);
    let text = full(make().open_path(&path));
    assert!(text.contains("2097152 bytes are needed") && text.contains("make room"), "{text}");
    assert_eq!(fs::read_dir(&directory).expect("mounted").count(), 0);

    // What was committed can be written though the file system is full.
    let map = role_options(&role).capacity(256 << 10).create_new("n").expect("there is room");
    let committed = MapOptions::new().file_mode(FileMode::CreateNew).capacity(128 << 10);
    let committed = committed.allocation(Allocation::Commit).open_path(&path).expect("there is room");
    // What was delayed is an error of the call that needs it, and the process lives.
    let delayed = role_options(&role).capacity(512 << 10).allocation(Allocation::Delay).create_new("late");
    let delayed = delayed.expect("it needs nothing yet");
    let late = delayed.accessor().expect("all");
    late.write(0, &7_u8).expect("there is room");
    late.write(400 << 10, &7_u8).expect("there is room");
    fill(&directory);
    for map in [&map, &committed] {
        let view = map.accessor().expect("all");
        for page in (0..map.capacity()).step_by(4096) {
            view.write(page, &1_u8).expect("committed");
        }
    }
    let refusal = late.write(100 << 10, &7_u8).expect_err("there is no room");
    assert_eq!(refusal, AccessError::NoRoom { from: 100 << 10 });
    assert_eq!(io::Error::from(refusal).kind(), io::ErrorKind::StorageFull);
    assert!(
        refusal.to_string().contains("no room in the file system for what lies at position 102400"),
        "{refusal}"
    );
    let (other, errno) = (delayed.accessor().expect("all"), 77);
    // SAFETY: has no preconditions.
    let own = unsafe { libc::__errno_location() };
    // SAFETY: the thread's own, and always there.
    unsafe { own.write(errno) };
    // SAFETY: within the view.
    unsafe { other.as_mut_ptr().wrapping_add(100 << 10).write_volatile(7) };
    // SAFETY: as above.
    assert_eq!(unsafe { own.read() }, errno, "whoever was interrupted has its own");
    assert_eq!(other.check(), Err(AccessError::NoRoom { from: 100 << 10 }));
    assert_eq!(late.read::<u8>(0), Ok(7), "what is there is there");
    // Behind it there is a page that others have too: what is called lost is not written there.
    late.write(400 << 10, &8_u8).expect_err("behind what is lost");
    late.write_all_at((400 << 10) - 2, b"what").expect_err("behind what is lost");
    let behind = delayed.accessor_range(400 << 10, 4).expect("within");
    assert_eq!(behind.read::<[u8; 4]>(0), Ok([7, 0, 0, 0]));
    assert!(late.read::<u8>(100 << 10).is_err() && late.check().is_err(), "and it stays an error");
    assert_kind(
        late.flush(),
        |kind| matches!(kind, ErrorKind::StorageFull { .. }),
        io::ErrorKind::StorageFull,
    );
    let prefaulted = delayed.view(..).prefault().accessor();
    assert_kind(prefaulted, |kind| matches!(kind, ErrorKind::StorageFull { .. }), io::ErrorKind::StorageFull);

    // A lock of so much would be allowed.
    let limit = rustix::process::Resource::Memlock;
    let allowed = rustix::process::Rlimit { current: Some(512 << 10), ..rustix::process::getrlimit(limit) };
    if allowed.maximum.is_none_or(|most| most >= 512 << 10) {
        rustix::process::setrlimit(limit, allowed).expect("no more than it may be");
        let locked = delayed.view(..).lock_in_memory().accessor();
        assert_kind(locked, |kind| matches!(kind, ErrorKind::StorageFull { .. }), io::ErrorKind::StorageFull);
    }

    // After room was made a new view works.
    fs::remove_file(format!("{directory}/filler")).expect("there");
    let again = delayed.accessor().expect("all");
    again.write(100 << 10, &8_u8).expect("there is room");
    assert_eq!(again.read::<u8>(100 << 10), Ok(8));

    // Growth that has no room changes nothing.
    fill(&directory);
    let grow = committed.grow(4 << 20);
    assert_kind(grow, |kind| matches!(kind, ErrorKind::StorageFull { .. }), io::ErrorKind::StorageFull);
    assert_eq!(fs::metadata(&path).expect("there").len(), 128 << 10);
    assert_eq!(committed.capacity(), 128 << 10);
    role.say("done");
}

#[test]
fn a_full_file_system_is_an_error_of_whoever_needs_room_and_no_death() {
    mounting("allocation::role_in_a_full_file_system");
}

#[test]
fn role_whose_kernel_takes_no_advice() {
    use ringway::map::Advice;
    let Some(mut role) = Role::play() else { return };
    let view = anonymous(8192).accessor().expect("all");
    sandbox::refuse(libc::SYS_madvise, libc::EINVAL);
    view.advise(Advice::HugePages).expect("a kernel may have none");
    view.advise(Advice::DontNeed).expect("pages may have to stay");
    let error = view.advise(Advice::Random).expect_err("every kernel knows it");
    assert!(matches!(error.kind(), ErrorKind::Os { doing: "advising the kernel" }), "{error}");
    role.say("done");
}

#[test]
fn advice_that_no_kernel_leaves_is_an_error_where_it_is_refused() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("allocation::role_whose_kernel_takes_no_advice", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
}

#[test]
fn advice_about_a_part_is_about_its_pages_alone() {
    let map = MapOptions::new().capacity(64 << 20).allocation(Allocation::Delay).anonymous().expect("made");
    let view = map.accessor().expect("all");
    view.advise_range((40 << 20) + 7, 1, ringway::map::Advice::Random).expect("within");
    let told = |at: usize| flags(view.as_ptr().addr() + at).contains(&"rr".to_owned());
    assert_eq!([0, 40 << 20, (40 << 20) + 4096].map(told), [false, true, false]);
}
