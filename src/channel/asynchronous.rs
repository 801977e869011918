//! The same calls as futures, streams and sinks.
//!
//! A task that finds nothing enlists at the gate as a sleeping thread does, and leaves a note with the one thread that sleeps
//! for all tasks of the process. No future has a message or a slot in hand between two polls, so dropping one loses nothing.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_sink::Sink;

use super::error::{RecvError, SendError, TryRecvError, TrySendError};
use super::kind::Kind;
use super::receiver::Receiver;
use super::select::{EMPTY, Select};
use super::sender::Sender;
use super::seqlock::{LoadError, Newer, Reader, WaitError};
use super::source::sealed::Waits;
use super::source::{Enlisted, Source, Spot};
use crate::Message;
use crate::protocol::gate::Gate;
use crate::sync::AtomicU32;
use crate::wait::reactor::{Place, Ticket};

impl Place for Spot {
    fn word(&self) -> Option<&AtomicU32> {
        self.gate().map(Gate::word)
    }
}

/// Which of the sources is ready, if `look` says so; else the task is noted at all of them.
fn poll_any<S: Waits + ?Sized>(
    sources: &mut [&mut S],
    waker: &Waker,
    mut look: impl FnMut(&mut [&mut S], bool) -> Option<usize>,
) -> Poll<usize> {
    if let Some(index) = look(sources, true) {
        return Poll::Ready(index);
    }
    let enlisted = Spot::enlist(sources.iter().map(|source| source.spot()).collect());
    if let Some(index) = look(sources, false) {
        return Poll::Ready(index);
    }
    for (source, Enlisted { spot, seen, at_most }) in sources.iter_mut().zip(enlisted) {
        // The old note first: both at a time would not be room enough for as many tasks as a thread sleeps for.
        *source.ticket() = None;
        *source.ticket() =
            Some(Ticket::new(Box::new(spot), seen.unwrap_or_default(), at_most, waker.clone()));
        source.slept();
    }
    Poll::Pending
}

/// Whether the source is ready; else the task is noted there.
pub(super) fn poll_ready<S: Waits + ?Sized>(source: &mut S, waker: &Waker) -> Poll<()> {
    poll_any(&mut [source], waker, |sources, due| sources[0].is_ready(due).then_some(0)).map(drop)
}

/// The message, if the channel is only full; else why it can never be sent.
fn unless_full<T>(error: TrySendError<T>) -> Result<T, SendError<T>> {
    match error {
        TrySendError::Full(message) => Ok(message),
        TrySendError::Disconnected(message, departure) => Err(SendError::Disconnected(message, departure)),
        TrySendError::Broken(message, broken) => Err(SendError::Broken(message, broken)),
    }
}

/// So often in turn a source may be ready and another one faster, before others get the thread.
const MOST_ATTEMPTS: u32 = 16;

/// Tries, and tries again whenever the source is ready.
fn settle<S: Waits, R>(
    source: &mut S,
    waker: &Waker,
    mut attempt: impl FnMut(&mut S) -> Option<R>,
) -> Poll<R> {
    for _ in 0..MOST_ATTEMPTS {
        if let Some(answer) = attempt(source) {
            *source.ticket() = None;
            return Poll::Ready(answer);
        }
        if poll_ready(source, waker).is_pending() {
            return Poll::Pending;
        }
    }
    waker.wake_by_ref();
    Poll::Pending
}

impl<T: Message, K: Kind> Receiver<T, K> {
    /// As [`recv`](Self::recv), for a task: it needs no thread of its own while it waits. With any executor.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If the process can have no further thread; one thread sleeps for up to 127 tasks.
    pub fn recv_async(&mut self) -> RecvFuture<'_, T, K> {
        RecvFuture { receiver: self }
    }

    /// As [`recv_async`](Self::recv_async), for a future of one's own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        settle(self, context.waker(), |receiver| match receiver.try_recv() {
            Ok(message) => Some(Ok(message)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected(departure)) => Some(Err(RecvError::Disconnected(departure))),
            Err(TryRecvError::Invalid(field)) => Some(Err(RecvError::Invalid(field))),
            Err(TryRecvError::Broken(broken)) => Some(Err(RecvError::Broken(broken))),
        })
    }

    /// The messages as they come, as [`iter`](Self::iter).
    pub fn stream(&mut self) -> RecvStream<'_, T, K> {
        RecvStream { receiver: self }
    }
}

impl<T: Message, K: Kind> Sender<T, K> {
    /// As [`send`](Self::send), for a task: it needs no thread of its own while it waits. With any executor. A future that
    /// is dropped has sent the message, or has not begun to.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If the process can have no further thread; one thread sleeps for up to 127 tasks.
    pub fn send_async(&mut self, message: T) -> SendFuture<'_, T, K> {
        SendFuture { sender: self, message: Some(message) }
    }

    /// As [`send_async`](Self::send_async), for a future of one's own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_send(&mut self, message: &T, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        settle(self, context.waker(), |sender| match sender.try_send(*message) {
            Ok(()) => Some(Ok(())),
            Err(error) => unless_full(error).err().map(Err),
        })
    }

    /// Takes messages one after the other. It keeps one that it was given while the channel was full until there is room,
    /// or until it is flushed; dropped before that, it has not sent it.
    pub fn sink(&mut self) -> SendSink<'_, T, K> {
        SendSink { sender: self, waiting: None }
    }
}

impl<T: Message> Reader<T> {
    /// As [`wait_newer`](Self::wait_newer), for a task, without a limit of time.
    ///
    /// # Errors
    ///
    /// As there, but for [`WaitError::Timeout`].
    pub fn wait_newer_async<'a>(&self, seen: &'a mut u64) -> NewerFuture<'a, T> {
        NewerFuture { newer: self.newer_than(*seen), seen }
    }
}

impl Select {
    /// As [`wait`](Self::wait), for a task.
    ///
    /// # Panics
    ///
    /// If there are no sources.
    pub fn wait_async<'a, 's>(&'a mut self, sources: &'a mut [&'s mut dyn Source]) -> SelectFuture<'a, 's> {
        assert!(!sources.is_empty(), "{EMPTY}");
        SelectFuture { select: self, sources }
    }
}

/// Future of [`Receiver::recv_async`].
///
/// ```
/// # let (mut tx, mut rx) = ringway::spsc::in_process::<u64>(8)?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// tx.send(7)?;
/// assert_eq!(runtime.block_on(rx.recv_async())?, 7);
/// tx.send(8)?;
/// assert_eq!(runtime.block_on(std::future::poll_fn(|context| rx.poll_recv(context)))?, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing unless it is polled"]
pub struct RecvFuture<'a, T: Message, K: Kind> {
    receiver: &'a mut Receiver<T, K>,
}

impl<T: Message, K: Kind> Future for RecvFuture<'_, T, K> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.receiver.poll_recv(context)
    }
}

impl<T: Message, K: Kind> Drop for RecvFuture<'_, T, K> {
    fn drop(&mut self) {
        *self.receiver.ticket() = None;
    }
}

/// Future of [`Sender::send_async`].
///
/// ```
/// # let (mut tx, mut rx) = ringway::spsc::in_process::<u64>(8)?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// runtime.block_on(tx.send_async(7))?;
/// runtime.block_on(std::future::poll_fn(|context| tx.poll_send(&8, context)))?;
/// assert_eq!((rx.recv()?, rx.recv()?), (7, 8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing unless it is polled"]
pub struct SendFuture<'a, T: Message, K: Kind> {
    sender: &'a mut Sender<T, K>,
    /// Until it is sent.
    message: Option<T>,
}

impl<T: Message + Unpin, K: Kind> Future for SendFuture<'_, T, K> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, message } = &mut *self;
        let answer =
            sender.poll_send(message.as_ref().expect("a future is not polled when it is done"), context);
        if answer.is_ready() {
            *message = None;
        }
        answer
    }
}

impl<T: Message, K: Kind> Drop for SendFuture<'_, T, K> {
    fn drop(&mut self) {
        *self.sender.ticket() = None;
    }
}

/// Future of [`Reader::wait_newer_async`].
///
/// ```
/// # let (mut writer, reader) = ringway::seqlock::in_process::<u64>()?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let mut seen = reader.version();
/// writer.store(7);
/// assert_eq!(runtime.block_on(reader.wait_newer_async(&mut seen))?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing unless it is polled"]
pub struct NewerFuture<'a, T: Message> {
    newer: Newer<T>,
    seen: &'a mut u64,
}

impl<T: Message> Future for NewerFuture<'_, T> {
    type Output = Result<T, WaitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { newer, seen } = &mut *self;
        settle(newer, context.waker(), |newer| {
            // What it stored before it went is visible by now.
            let answer = match newer.reader().try_newer(seen) {
                Some(Ok(None)) => newer.gone().map(|departure| Err(WaitError::Stale(departure))),
                Some(Ok(Some(value))) => Some(Ok(value)),
                Some(Err(LoadError::Invalid(field))) => Some(Err(WaitError::Invalid(field))),
                // The writer has disturbed each attempt: others get the thread.
                Some(Err(LoadError::Empty)) | None => None,
            };
            newer.set_seen(**seen);
            answer
        })
    }
}

/// Future of [`Select::wait_async`]: the index of a source that is ready.
///
/// ```
/// # let (mut tx, mut rx) = ringway::spsc::in_process::<u64>(8)?;
/// # let (_tx, mut quiet) = ringway::spsc::in_process::<u64>(8)?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// tx.send(7)?;
/// let mut select = ringway::Select::fair();
/// assert_eq!(runtime.block_on(select.wait_async(&mut [&mut quiet, &mut rx])), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing unless it is polled"]
pub struct SelectFuture<'a, 's> {
    select: &'a mut Select,
    sources: &'a mut [&'s mut dyn Source],
}

impl Future for SelectFuture<'_, '_> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let Self { select, sources } = &mut *self;
        let answer = poll_any(sources, context.waker(), |sources, due| select.look(sources, due));
        if answer.is_ready() {
            sources.iter_mut().for_each(|source| *source.ticket() = None);
        }
        answer
    }
}

/// Stream of [`Receiver::stream`]. It ends as [`Iter`](super::Iter) does.
///
/// ```
/// # use std::{future::poll_fn, pin::Pin};
/// # use futures_core::Stream;
/// # let (mut tx, mut rx) = ringway::spsc::in_process::<u64>(8)?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// tx.send(7)?;
/// let mut stream = rx.stream();
/// let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context)); // or `StreamExt::next`
/// assert_eq!(runtime.block_on(next), Some(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RecvStream<'a, T: Message, K: Kind> {
    receiver: &'a mut Receiver<T, K>,
}

impl<T: Message, K: Kind> Stream for RecvStream<'_, T, K> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiver.poll_recv(context).map(Result::ok)
    }
}

/// Sink of [`Sender::sink`].
///
/// ```
/// # use futures_sink::Sink;
/// # let (mut tx, _rx) = ringway::spsc::in_process::<u64>(1)?;
/// let mut sink = tx.sink();
/// std::pin::Pin::new(&mut sink).start_send(1)?;
/// std::pin::Pin::new(&mut sink).start_send(2)?; // no room: it keeps that one
/// assert_eq!(sink.into_waiting(), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SendSink<'a, T: Message, K: Kind> {
    sender: &'a mut Sender<T, K>,
    waiting: Option<T>,
}

impl<T: Message, K: Kind> SendSink<'_, T, K> {
    /// The message that it was given and has not sent yet.
    pub fn into_waiting(self) -> Option<T> {
        self.waiting
    }
}

impl<T: Message + Unpin, K: Kind> Sink<T> for SendSink<'_, T, K> {
    type Error = SendError<T>;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.poll_flush(context)
    }

    /// # Panics
    ///
    /// If it was not ready.
    fn start_send(mut self: Pin<&mut Self>, message: T) -> Result<(), SendError<T>> {
        assert!(self.waiting.is_none(), "a message was given to a sink that was not ready");
        match self.sender.try_send(message) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.waiting = Some(unless_full(error)?);
                Ok(())
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let Self { sender, waiting } = &mut *self;
        let Some(message) = waiting else { return Poll::Ready(Ok(())) };
        let answer = sender.poll_send(message, context);
        if answer.is_ready() {
            *waiting = None;
        }
        answer
    }

    /// The sender stays.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.poll_flush(context)
    }
}
