//! The system calls of named maps: locks on open file descriptions, unnamed files and their linking.
//!
//! Two independent locks lie on every map's file (both vanish with their holder, however it dies):
//!
//! * *open-file-description locks*, on bytes: byte 0 is presence; the bytes above belong to whoever
//!   opened the map;
//! * *flock*, on the whole file: the lifecycle mutex, held for microseconds.
#![allow(unsafe_code)] // fcntl with the open-file-description lock commands, which rustix does not have

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FallocateFlags, FileType, FlockOperation, Mode, OFlags, Stat, StatFs};
use rustix::io::{Errno, FdFlags, Result};

/// Takes a shared lock on one byte for this open file description.
pub(crate) fn lock_shared(fd: BorrowedFd<'_>, byte: u64) -> Result<()> {
    control(fd, libc::F_OFD_SETLK, libc::F_RDLCK, byte).map(drop)
}

/// Gives up this open file description's lock on one byte.
pub(crate) fn unlock(fd: BorrowedFd<'_>, byte: u64) -> Result<()> {
    control(fd, libc::F_OFD_SETLK, libc::F_UNLCK, byte).map(drop)
}

/// Whether another open file description holds any lock on the byte.
pub(crate) fn is_locked(fd: BorrowedFd<'_>, byte: u64) -> Result<bool> {
    let answer = control(fd, libc::F_OFD_GETLK, libc::F_WRLCK, byte)?;
    Ok(answer.l_type != libc::F_UNLCK as libc::c_short)
}

/// An exclusive lock on one byte of a map's file, as one open file description sees it: whoever asks
/// through another description, in this process or another, is somebody else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteLock<'fd> {
    pub(crate) fd: BorrowedFd<'fd>,
    pub(crate) byte: u64,
}

impl ByteLock<'_> {
    /// Takes the lock if nobody else has a lock on the byte. A kernel that cannot answer counts as no.
    pub(crate) fn try_lock(self) -> bool {
        control(self.fd, libc::F_OFD_SETLK, libc::F_WRLCK, self.byte).is_ok()
    }

    /// Takes the lock, and waits for it if need be: `INTR` when it was not free for as long as `patience`.
    pub(crate) fn lock(self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            match control(self.fd, libc::F_OFD_SETLK, libc::F_WRLCK, self.byte) {
                Err(Errno::AGAIN | Errno::ACCESS) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_micros(100));
                }
                Err(Errno::AGAIN | Errno::ACCESS) => return Err(Errno::INTR),
                answer => return answer.map(drop),
            }
        }
    }

    /// Whether somebody else has a lock on the byte. A kernel that cannot answer counts as yes: nobody is
    /// taken for dead on an error.
    pub(crate) fn is_held(self) -> bool {
        is_locked(self.fd, self.byte).unwrap_or(true)
    }

    /// Gives the lock up.
    pub(crate) fn unlock(self) {
        // It fails for a descriptor that is none, with which the kernel gives the lock up; and for want of memory, where a
        // description has the locks of both neighbours, and then it is kept until the description goes.
        let _ = unlock(self.fd, self.byte);
    }
}

fn control(fd: BorrowedFd<'_>, command: libc::c_int, kind: libc::c_int, byte: u64) -> Result<libc::flock> {
    let mut lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: i64::try_from(byte).map_err(|_| Errno::INVAL)?,
        l_len: 1,
        l_pid: 0, // demanded by the kernel for these commands
    };
    // SAFETY: `fd` is open for the length of the call; these commands read and write one `struct flock`,
    // to which the pointer refers, and nothing else.
    let answer = unsafe { libc::fcntl(fd.as_raw_fd(), command, &raw mut lock) };
    if answer == -1 {
        let error = std::io::Error::last_os_error();
        return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    }
    Ok(lock)
}

/// The lifecycle mutex of a map's file, released on drop.
#[derive(Debug)]
pub(super) struct Lifecycle<'a>(BorrowedFd<'a>);

impl<'a> Lifecycle<'a> {
    /// Takes the mutex if it is free.
    pub(super) fn try_lock(fd: BorrowedFd<'a>) -> Result<Option<Lifecycle<'a>>> {
        match rustix::fs::flock(fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lifecycle(fd))),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Waits for the mutex until `deadline`; `None` when it did not become free.
    ///
    /// Anybody who can open the file can hold it, so the wait must be bounded; a blocking flock is not.
    pub(super) fn lock(fd: BorrowedFd<'a>, deadline: Instant) -> Result<Option<Lifecycle<'a>>> {
        let mut nap = Duration::from_micros(20);
        loop {
            if let Some(held) = Lifecycle::try_lock(fd)? {
                return Ok(Some(held));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(nap);
            nap = (nap * 2).min(Duration::from_millis(2));
        }
    }
}

impl Drop for Lifecycle<'_> {
    fn drop(&mut self) {
        // Explicitly, and not by closing: a child that was forked meanwhile shares the description.
        let _ = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}

/// The mode of a new file until it has its security.
pub(super) const FIRST_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A new file without a name in the directory.
pub(super) fn unnamed_file(directory: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::openat(directory, c".", flags, FIRST_MODE)
}

/// Sets the length and commits the space, so that a full file system says so now and not by SIGBUS later. What
/// is in memory is refused if the machine has not so much.
///
/// A signal undoes what the call it interrupts has done: smaller and smaller steps find what gets through
/// between two ticks of a timer. `INTR` when nothing got through for as long as `patience`.
pub(super) fn allocate(fd: BorrowedFd<'_>, len: u64, patience: Duration) -> Result<()> {
    assert_memory(fd, len)?;
    assert_allowed(len)?;
    by_steps(len, patience, |from, step| rustix::fs::fallocate(fd, FallocateFlags::empty(), from, step))
}

/// Refuses a length that this process may not give a file: the kernel would send it SIGXFSZ, which ends it.
pub(super) fn assert_allowed(len: u64) -> Result<()> {
    if file_size_limit().is_some_and(|limit| len > limit) { Err(Errno::FBIG) } else { Ok(()) }
}

/// How long this process may make a file (`RLIMIT_FSIZE`); `None` without a limit.
pub(super) fn file_size_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current
}

/// Refuses what the file system has no room for: the space that the file lacks for so many bytes. Others may take it in
/// the next moment; but a claim that fails half-way leaves the file with what it has got.
pub(super) fn assert_room(fd: BorrowedFd<'_>, len: u64) -> Result<()> {
    let Ok(system) = rustix::fs::fstatvfs(fd) else { return Ok(()) };
    let root = rustix::process::geteuid().is_root();
    let free = if root { system.f_bfree } else { system.f_bavail };
    // One without a limit of its own has no blocks.
    let limited = system.f_blocks != 0;
    if limited && missing(fd, len)? > free.saturating_mul(system.f_frsize) {
        Err(Errno::NOSPC)
    } else {
        Ok(())
    }
}

/// Whether the machine has what a file in memory lacks for so many bytes; `NOSPC` if not. Else the kernel
/// would end processes to get it.
pub(super) fn assert_memory(fd: BorrowedFd<'_>, len: u64) -> Result<()> {
    /// Less is not asked for: to ask takes as long as to commit some of it.
    const LITTLE: u64 = 16 << 20;
    if len <= LITTLE || !is_in_memory(fd) {
        return Ok(());
    }
    let missing = missing(fd, len)?;
    match available_memory() {
        Some(available) if missing > available => Err(Errno::NOSPC),
        _ => Ok(()),
    }
}

/// Whether the file's bytes are in memory, as those of every file of a tmpfs and of every unnamed one are. Huge pages are
/// not: those of the pool are not among the free ones.
pub(super) fn is_in_memory(fd: BorrowedFd<'_>) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    rustix::fs::fstatfs(fd).is_ok_and(|system| [TMPFS, RAMFS].contains(&system.f_type))
}

/// The length of a file.
pub(super) fn len_of(fd: BorrowedFd<'_>) -> Result<u64> {
    Ok(u64::try_from(rustix::fs::fstat(fd)?.st_size).unwrap_or(0))
}

/// The space or memory that a file does not have yet of so many bytes.
pub(super) fn missing(fd: BorrowedFd<'_>, len: u64) -> Result<u64> {
    /// The unit of a status, whatever the file system's own.
    const BLOCK: u64 = 512;
    let present = u64::try_from(rustix::fs::fstat(fd)?.st_blocks).unwrap_or(0).saturating_mul(BLOCK);
    Ok(len.saturating_sub(present))
}

/// The bytes of memory and swap that could be had now; `None` where the kernel does not tell.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    Some((number("MemAvailable:")? + number("SwapFree:")?) * 1024)
}

/// Sets the length of a file that nobody else has, and leaves the memory to the first write.
pub(super) fn set_len(fd: BorrowedFd<'_>, len: u64, _: Duration) -> Result<()> {
    assert_allowed(len)?;
    rustix::fs::ftruncate(fd, len)
}

/// Does `work` on all of `0..len`: on a start and a length at a time, as long as signals allow.
pub(super) fn by_steps(
    len: u64,
    patience: Duration,
    mut work: impl FnMut(u64, u64) -> Result<()>,
) -> Result<()> {
    const PAGE: u64 = 4096;
    let (mut done, mut step) = (0, len);
    let mut progress = Instant::now();
    while done < len {
        let next = step.min(len - done);
        match work(done, next) {
            Ok(()) => {
                done += next;
                step = step.saturating_mul(2);
                progress = Instant::now();
            }
            Err(Errno::INTR) if progress.elapsed() < patience => {
                step = (next / 2).next_multiple_of(PAGE).max(PAGE);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Whether it says that the file system, or this user's share of it, has no room.
pub(super) fn is_full(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT)
}

/// Gives an unnamed file a name, unless the name is taken.
pub(super) fn link(fd: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    let linked =
        own_path(fd).and_then(|path| rustix::fs::linkat(CWD, path, directory, name, AtFlags::SYMLINK_FOLLOW));
    match linked {
        Ok(()) | Err(Errno::EXIST) => linked,
        // No /proc, one that may not be used for this, or no directory any more. There is a second way for the privileged.
        first => match rustix::fs::linkat(fd, c"", directory, name, AtFlags::EMPTY_PATH) {
            Err(Errno::NOENT) => first,
            second => second,
        },
    }
}

/// Sets the mode of what the descriptor, which may be a mere path (`O_PATH`), refers to.
pub(super) fn change_mode(fd: BorrowedFd<'_>, mode: Mode) -> Result<()> {
    rustix::fs::chmodat(CWD, own_path(fd)?, mode, AtFlags::empty())
}

/// A new open file description of the same file, whatever its name has become.
pub(super) fn open_again(fd: BorrowedFd<'_>, access: OFlags) -> Result<OwnedFd> {
    rustix::fs::open(own_path(fd)?, access | OFlags::CLOEXEC, Mode::empty())
}

/// A path that leads to what the descriptor refers to, whatever has been renamed; `NOENT` without /proc.
///
/// By way of the calling thread: it may have a descriptor table of its own, and `/proc/self` is the main
/// thread's.
fn own_path(fd: BorrowedFd<'_>) -> Result<String> {
    let path = format!("/proc/thread-self/fd/{}", fd.as_raw_fd());
    if is_same(&rustix::fs::stat(&path)?, &rustix::fs::fstat(fd)?) { Ok(path) } else { Err(Errno::NOENT) }
}

/// The path by which the kernel knows a file; `None` where it has none, or /proc is not there.
pub(super) fn path_of(fd: BorrowedFd<'_>) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(
        rustix::fs::readlink(own_path(fd).ok()?, Vec::new()).ok()?.into_bytes(),
    ));
    let status = rustix::fs::stat(&path).ok()?;
    Some(path)
        .filter(|path| path.is_absolute() && rustix::fs::fstat(fd).is_ok_and(|ours| is_same(&status, &ours)))
}

/// Lets children inherit the descriptor over an exec, or not.
pub(super) fn inherit(fd: BorrowedFd<'_>, inheritable: bool) -> Result<()> {
    let flags = if inheritable { FdFlags::empty() } else { FdFlags::CLOEXEC };
    rustix::io::fcntl_setfd(fd, flags)
}

/// What offsets and lengths of a file's mappings must be multiples of: a page, perhaps a huge one.
pub(super) fn granularity(fd: BorrowedFd<'_>) -> u64 {
    rustix::fs::fstatfs(fd)
        .map_or_else(|_| rustix::param::page_size() as u64, |system| granularity_in(&system))
}

/// The same of the files of a file system. The blocks of another one than that of huge pages are no pages.
pub(super) fn granularity_in(system: &StatFs) -> u64 {
    let page = rustix::param::page_size() as u64;
    if system.f_type as libc::c_long == libc::HUGETLBFS_MAGIC {
        u64::try_from(system.f_bsize).map_or(page, |huge| huge.max(page))
    } else {
        page
    }
}

pub(super) fn is_regular(status: &Stat) -> bool {
    FileType::from_raw_mode(status.st_mode) == FileType::RegularFile
}

pub(super) fn is_character_device(status: &Stat) -> bool {
    FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice
}

/// Whether both are of one file.
pub(super) fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Whether the directory was removed under its descriptor.
pub(super) fn is_removed(directory: impl AsFd) -> bool {
    rustix::fs::fstat(directory).is_ok_and(|status| status.st_nlink == 0)
}
