//! What the kernel has for bytes: a pipe under a name, and a stream between two sockets.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use bytemuck::{cast_slice, cast_slice_mut};
use rustix::fs::{CWD, FileType, Mode as Permissions, OFlags, mknodat};

use super::{At, Inlet, Link, Mode, Outlet, Owned};
use crate::BATCH;

/// One call for each message, or for each batch.
pub(super) struct Pipes;
pub(super) struct PipesOfBatches;
pub(super) struct Sockets;
pub(super) struct SocketsOfBatches;

/// Both ends of a pipe under a name, so that whoever opens it need not wait for anybody. Made and removed by the first
/// process.
pub(crate) struct Pipe(File, #[expect(dead_code, reason = "to be dropped")] Owned);

pub(crate) fn fifo(at: &At, contestant: &str) -> Pipe {
    let path = at.file(contestant);
    if at.first {
        let permissions = Permissions::RUSR | Permissions::WUSR;
        mknodat(CWD, &path, FileType::Fifo, permissions, 0).expect("a pipe");
    }
    let flags = if at.polling { OFlags::NONBLOCK } else { OFlags::empty() };
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(flags.bits() as i32);
    Pipe(options.open(path).expect("the pipe"), Owned::new(at, contestant))
}

impl Read for Pipe {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for Pipe {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One end of a stream. The first process accepts the other one when it needs it.
pub(crate) enum Socket {
    Coming(UnixListener, bool),
    Here(UnixStream),
}

pub(crate) fn connect(name: &str, first: bool, polling: bool) -> Socket {
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    if first {
        return Socket::Coming(UnixListener::bind_addr(&address).expect("a socket"), polling);
    }
    let start = Instant::now();
    let stream = loop {
        match UnixStream::connect_addr(&address) {
            Ok(stream) => break stream,
            Err(error) if start.elapsed() > Duration::from_secs(10) => panic!("the first process: {error}"),
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    };
    stream.set_nonblocking(polling).expect("a socket");
    Socket::Here(stream)
}

impl Socket {
    fn stream(&mut self) -> &mut UnixStream {
        if let Self::Coming(listener, polling) = self {
            let (stream, _) = listener.accept().expect("the second process");
            stream.set_nonblocking(*polling).expect("a socket");
            *self = Self::Here(stream);
        }
        match self {
            Self::Here(stream) => stream,
            Self::Coming(..) => unreachable!("it has come"),
        }
    }
}

impl Read for Socket {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.stream().read(bytes)
    }
}

impl Write for Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// So many messages at most go by one call.
pub(super) struct Out<const N: usize, const MOST: usize, W> {
    to: W,
    messages: Vec<[u64; N]>,
}

pub(super) struct In<const N: usize, const MOST: usize, R> {
    from: R,
    messages: Vec<[u64; N]>,
    /// Bytes that are here.
    bytes: usize,
}

impl<const N: usize, const MOST: usize, W> Out<N, MOST, W> {
    fn new(to: W) -> Self {
        Self { to, messages: vec![[0; N]; MOST] }
    }
}

impl<const N: usize, const MOST: usize, R> In<N, MOST, R> {
    fn new(from: R) -> Self {
        Self { from, messages: vec![[0; N]; MOST], bytes: 0 }
    }
}

impl<const N: usize, const MOST: usize, W: Write + 'static> Outlet<N> for Out<N, MOST, W> {
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        let count = most.min(MOST as u64);
        let messages = &mut self.messages[..count as usize];
        for (number, message) in (first..).zip(&mut *messages) {
            message.fill(number);
        }
        let mut bytes: &[u8] = cast_slice(messages);
        while !bytes.is_empty() {
            match self.to.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                // A message that has begun to go has to follow.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if bytes.len() == count as usize * N * 8 {
                        return 0;
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
        count
    }
}

impl<const N: usize, const MOST: usize, R: Read + 'static> Inlet<N> for In<N, MOST, R> {
    #[inline]
    fn recv(&mut self, look: impl FnMut(&[u64; N])) -> u64 {
        let all: &mut [u8] = cast_slice_mut(&mut self.messages);
        match self.from.read(&mut all[self.bytes..]) {
            Ok(count) => self.bytes += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return 0,
            Err(error) => panic!("{error}"),
        }
        let whole = self.bytes / (N * 8);
        self.messages[..whole].iter().for_each(look);
        let all: &mut [u8] = cast_slice_mut(&mut self.messages);
        all.copy_within(whole * N * 8..self.bytes, 0);
        self.bytes -= whole * N * 8;
        whole as u64
    }
}

fn socket(at: &At, contestant: &str) -> Socket {
    connect(&format!("{}-{contestant}-{}", at.run, at.channel), at.first, at.polling)
}

macro_rules! link {
    ($link:ident, $name:literal, $mode:ident, $most:expr, $end:ty, $open:ident) => {
        impl<const N: usize> Link<N> for $link {
            const NAME: &'static str = $name;
            const MODE: Mode = Mode::$mode;
            const SLEEPS: bool = true;
            type Out = Out<N, $most, $end>;
            type In = In<N, $most, $end>;

            fn outlet(at: &At) -> Self::Out {
                Out::new($open(at, stringify!($link)))
            }

            fn inlet(at: &At) -> Self::In {
                In::new($open(at, stringify!($link)))
            }
        }
    };
}

link!(Pipes, "pipe", Single, 1, Pipe, fifo);
link!(PipesOfBatches, "pipe, batches", Batch, BATCH, Pipe, fifo);
link!(Sockets, "Unix socket", Single, 1, Socket, socket);
link!(SocketsOfBatches, "Unix socket, batches", Batch, BATCH, Socket, socket);
