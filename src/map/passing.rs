//! Maps without a name, from process to process over a Unix socket.
//!
//! One message of 32 bytes with the descriptor beside it:
//!
//! | byte | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | `RINGWPAS` |
//! | 8 | 8 | capacity, little-endian |
//! | 16 | 4 | the rights that go with it |
//! | 20 | 4 | 1: every view is private |
//! | 24 | 4 | 1: anonymous, 2: a file |
//! | 28 | 4 | 0 |

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::{OFlags, SealFlags};
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use super::access::{Access, Rights};
use super::candidate::assert_mappable;
use super::error::{Error, ErrorKind, Subject};
use super::options::MapOptions;
use super::settings::MapKind;
use super::shared::{Facts, Parts, SharedMap};
use super::sys;

const MAGIC: [u8; 8] = *b"RINGWPAS";
const LEN: usize = 32;
const ANONYMOUS: u32 = 1;
const FILE: u32 = 2;

impl SharedMap {
    /// Sends the map over a connected Unix socket, where [`MapOptions::receive_from`] takes it. What this handle
    /// may not do, the other one may not do either; of a handle that cannot write the descriptor cannot.
    ///
    /// # Errors
    ///
    /// [`Refused`](ErrorKind::Refused) for a map with a name, which is opened by that; what the operating system
    /// says.
    pub fn send_over(&self, socket: &UnixStream) -> Result<(), Error> {
        let facts = self.facts();
        let kind = match facts.kind {
            _ if facts.name.is_some() => {
                let what = "found a map with a name, expected one without";
                return Err(self
                    .error(ErrorKind::Refused { what, remedy: "open it by its name in the other process" }));
            }
            MapKind::Anonymous => ANONYMOUS,
            _ => FILE,
        };
        let fail = |errno| self.os("sending the map", 0, errno);
        let reduced: Option<OwnedFd> = match facts.rights.contains(Rights::WRITE) {
            true => None,
            false => Some(sys::open_again(self.file(), OFlags::RDONLY).map_err(fail)?),
        };
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.capacity().to_le_bytes());
        bytes[16..20].copy_from_slice(&facts.rights.bits().to_le_bytes());
        bytes[20..24].copy_from_slice(&u32::from(facts.private).to_le_bytes());
        bytes[24..28].copy_from_slice(&kind.to_le_bytes());
        let fds = [reduced.as_ref().map_or(self.file(), AsFd::as_fd)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&fds)), "there is space for one descriptor");
        let flags = SendFlags::NOSIGNAL;
        let send = || rustix::net::sendmsg(socket, &[IoSlice::new(&bytes)], &mut ancillary, flags);
        let sent = retry_on_intr(send).map_err(fail)?;
        assert_eq!(sent, LEN, "a Unix socket takes so short a message whole or not at all");
        Ok(())
    }
}

impl MapOptions {
    /// Receives a map that [`SharedMap::send_over`] sent; waits for it as the socket does. Of these options the
    /// [access](Self::access), the [rights](Self::rights), the [required capacity](Self::require_capacity) and
    /// what is said of pages and children count.
    ///
    /// # Errors
    ///
    /// [`Foreign`](ErrorKind::Foreign) for another message, and for memory that is not sealed against shrinking;
    /// [`NotMappable`](ErrorKind::NotMappable), [`Truncated`](ErrorKind::Truncated) if the memory is
    /// shorter than it says, [`CapacityMismatch`](ErrorKind::CapacityMismatch), and what the operating system says.
    pub fn receive_from(self, socket: &UnixStream) -> Result<SharedMap, Error> {
        receive(&self, socket).map_err(|error| error.about(Subject::Anonymous))
    }
}

fn receive(options: &MapOptions, socket: &UnixStream) -> Result<SharedMap, Error> {
    options.refuse_settings_of_paths()?;
    options.refuse_share("a map that is received")?;
    let nowhere = Path::new("");
    let foreign = |found: &str| Error::new(ErrorKind::Foreign { found: found.to_owned() }, nowhere);
    let mut bytes = [0; LEN];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let buffers = &mut [IoSliceMut::new(&mut bytes)];
    // Whoever sends a map sends the message whole.
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = retry_on_intr(|| rustix::net::recvmsg(socket, buffers, &mut ancillary, flags))
        .map_err(|errno| Error::os("receiving a map", nowhere, 0, errno))?;
    let fd = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    let word = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().expect("it has 32 bytes"));
    let capacity = u64::from_le_bytes(*bytes[8..].first_chunk().expect("it has 32 bytes"));
    let (Some(fd), true) = (fd, received.bytes == LEN && bytes[..8] == MAGIC) else {
        return Err(foreign(if received.bytes == 0 { "the end of the stream" } else { "another message" }));
    };
    let sent = Rights::from_bits(word(16)).map_err(|_| foreign("rights that have no meaning"))?;
    let kind = match word(24) {
        ANONYMOUS => MapKind::Anonymous,
        FILE => MapKind::File,
        _ => return Err(foreign("a map of a kind that there is not")),
    };
    let status =
        rustix::fs::fstat(&fd).map_err(|errno| Error::os("inspecting the map", nowhere, 0, errno))?;
    if kind == MapKind::Anonymous && !is_kept(fd.as_fd()) {
        return Err(foreign("a map whose memory others could make shorter"));
    }
    assert_mappable(&status, nowhere)?;
    let flags =
        rustix::fs::fcntl_getfl(&fd).map_err(|errno| Error::os("inspecting the map", nowhere, 0, errno))?;
    let usable = match flags & OFlags::ACCMODE {
        _ if flags.contains(OFlags::PATH) => return Err(foreign("a descriptor of nothing but a path")),
        OFlags::WRONLY => return Err(foreign("a descriptor that cannot read")),
        OFlags::RDONLY => sent.without(Rights::WRITE),
        _ => sent,
    };
    let (regular, found) = (sys::is_regular(&status), u64::try_from(status.st_size).unwrap_or(0));
    if capacity == 0 || regular && found < capacity {
        return Err(Error::new(ErrorKind::Truncated { found, expected: capacity.max(1) }, nowhere));
    }
    options.demand_capacity(capacity, nowhere)?;
    sys::inherit(fd.as_fd(), options.inheritable)
        .map_err(|errno| Error::os("letting children inherit the map", nowhere, 0, errno))?;
    let creator = if word(20) == 1 { Access::CopyOnWrite } else { Access::ReadWriteExecute };
    let facts = Facts {
        regular,
        granularity: sys::granularity(fd.as_fd()),
        ..options.facts(kind, creator, options.asked().and(usable))
    };
    let file = Some(File::from(fd));
    Ok(SharedMap::new(Parts { region: None, holder: None, file, facts, capacity }))
}

/// Whether it is memory that nobody can make shorter, as that of every anonymous map is.
fn is_kept(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::SHRINK))
}
