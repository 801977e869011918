//! A file descriptor for loops of one's own.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::{fmt, io};

use rustix::event::{EventfdFlags, eventfd};

use super::asynchronous::poll_ready;
use super::source::Source;

/// A file descriptor that becomes readable when sources may be ready: for a loop of `poll` or `epoll` of one's own.
///
/// A source has one note at a time: what waits for it last, be it a descriptor, a future or a select, is what is told.
///
/// It belongs to this process and to no channel. The sources are armed one by one, each time anew; the thread that sleeps for
/// tasks makes it readable, which takes a thread switch more than a wait of one's own does.
///
/// ```
/// use ringway::{channel::ReadyFd, spsc};
/// # let (mut tx, mut rx) = spsc::in_process::<u64>(8)?;
/// let ready = ReadyFd::new()?;
/// assert!(!ready.arm(&mut rx)); // nothing there: the descriptor will tell
/// tx.send(7)?;
/// # let mut fds = [rustix::event::PollFd::new(&ready, rustix::event::PollFlags::IN)];
/// # rustix::event::poll(&mut fds, None)?;
/// // … `poll` says that `ready` can be read:
/// ready.clear();
/// if ready.arm(&mut rx) {
///     println!("{:?}", rx.try_recv());
/// } // else there is nothing after all, and it will tell again
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ReadyFd {
    fd: Arc<EventFd>,
}

struct EventFd(OwnedFd);

impl Wake for EventFd {
    fn wake(self: Arc<Self>) {
        // It fails only when it counts to 2⁶⁴, and then it is readable.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

impl ReadyFd {
    /// One that is not readable yet.
    ///
    /// # Errors
    ///
    /// If the process can have no further descriptor.
    pub fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { fd: Arc::new(EventFd(fd)) })
    }

    /// True if the source is ready now. Else the descriptor becomes readable when it may be, once; and once per
    /// [`liveness_interval`](super::Channel::liveness_interval), so that somebody asks who lives: by arming it again.
    pub fn arm(&self, source: &mut dyn Source) -> bool {
        poll_ready(source, &Waker::from(Arc::clone(&self.fd))).is_ready()
    }

    /// Makes it unreadable. Before the sources are armed again, so that nothing is missed.
    pub fn clear(&self) {
        // Nothing to read is fine.
        let _ = rustix::io::read(&self.fd.0, &mut [0; 8]);
    }
}

impl AsFd for ReadyFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.0.as_fd()
    }
}

impl fmt::Debug for ReadyFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyFd").field("fd", &self.fd.0).finish()
    }
}
