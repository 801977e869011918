//! The ends of rings of any kind, and everything they can be waited for with.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use ringway::channel::{Receiver, Sender, Source};
use ringway::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};

use super::super::ends::{Ends, Numbered};

/// How long a call waits that is to wait in vain.
pub(super) const MOMENT: Duration = Duration::from_micros(30);
/// How long one that is to be told.
pub(super) const LONG: Duration = Duration::from_secs(3600);

/// Why a call did not go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Why {
    Done,
    /// There is nothing yet, or no room.
    Later,
    /// The same, and the waker is noted.
    Noted,
    Gone,
    /// The memory makes no sense, or the message.
    Broken,
}

/// An end.
pub(super) trait Waits: Send {
    fn source(&mut self) -> &mut dyn Source;
}

/// A sender.
pub(super) trait Sends: Waits {
    /// Sends numbers from that one on; how many.
    fn send(&mut self, how: u8, first: u64, waker: &Waker) -> (usize, Why);

    /// Sends one message, whenever that is possible.
    fn send_long(&mut self, how: u8, number: u64, longest: Option<Duration>) -> Why;
}

/// A receiver.
pub(super) trait Receives: Waits {
    fn receive(&mut self, how: u8, waker: &Waker) -> (Vec<Option<u64>>, Why);

    /// Receives one message, whenever there is one.
    fn receive_long(&mut self, how: u8, longest: Option<Duration>) -> (Vec<Option<u64>>, Why);
}

impl<T: Numbered, K: Ends> Waits for Sender<T, K> {
    fn source(&mut self) -> &mut dyn Source {
        self
    }
}

impl<T: Numbered, K: Ends> Waits for Receiver<T, K> {
    fn source(&mut self) -> &mut dyn Source {
        self
    }
}

fn of_try<M>(answer: Result<(), TrySendError<M>>) -> Why {
    match answer {
        Ok(()) => Why::Done,
        Err(TrySendError::Full(_)) => Why::Later,
        Err(TrySendError::Disconnected(..)) => Why::Gone,
        Err(TrySendError::Broken(..)) => Why::Broken,
    }
}

fn of_wait<M>(answer: Result<(), SendTimeoutError<M>>) -> Why {
    match answer {
        Ok(()) => Why::Done,
        Err(SendTimeoutError::Timeout(_) | SendTimeoutError::Stalled(..)) => Why::Later,
        Err(SendTimeoutError::Disconnected(..)) => Why::Gone,
        Err(SendTimeoutError::Broken(..)) => Why::Broken,
    }
}

fn of_poll<M>(answer: Poll<Result<(), SendError<M>>>) -> Why {
    match answer {
        Poll::Ready(Ok(())) => Why::Done,
        Poll::Pending => Why::Noted,
        Poll::Ready(Err(SendError::Disconnected(..))) => Why::Gone,
        Poll::Ready(Err(SendError::Broken(..))) => Why::Broken,
    }
}

impl<T: Numbered + Unpin, K: Ends> Sends for Sender<T, K> {
    fn send(&mut self, how: u8, first: u64, waker: &Waker) -> (usize, Why) {
        let (message, context) = (T::of(first), &mut Context::from_waker(waker));
        let why = match how % 8 {
            0 => of_try(self.try_send(message)),
            1 => of_wait(self.send_timeout(message, MOMENT)),
            2 | 3 => of_poll(self.poll_send(&message, context)),
            4 => match of_poll(pin!(self.send_async(message)).poll(context)) {
                // With the future its note has gone.
                Why::Noted => Why::Later,
                why => why,
            },
            5 => {
                let mut sink = self.sink();
                match of_poll(Pin::new(&mut sink).poll_ready(context)) {
                    Why::Done => {}
                    why => return (0, why),
                }
                if let Err(error) = Pin::new(&mut sink).start_send(message) {
                    return (0, of_poll(Poll::Ready(Err(error))));
                }
                let why = of_poll(Pin::new(&mut sink).poll_flush(context));
                assert_eq!(sink.into_waiting().is_some(), why != Why::Done);
                why
            }
            6 => of_wait(self.loan_timeout(MOMENT).map(|loan| loan.write(message).publish())),
            _ => {
                let batch = [message, T::of(first + 1), T::of(first + 2)];
                match self.try_send_batch(&batch) {
                    Ok(sent) => return (sent, Why::Done),
                    Err(error) => of_try(Err(error)),
                }
            }
        };
        (usize::from(why == Why::Done), why)
    }

    fn send_long(&mut self, how: u8, number: u64, longest: Option<Duration>) -> Why {
        let (message, longest) = (T::of(number), longest.unwrap_or(LONG));
        match how % 3 {
            0 => of_wait(self.send_timeout(message, longest)),
            1 => of_wait(self.loan_timeout(longest).map(|loan| loan.write(message).publish())),
            _ => of_wait(self.send_batch_timeout(&[message], longest)),
        }
    }
}

fn of_receive(answer: RecvTimeoutError) -> Why {
    match answer {
        RecvTimeoutError::Timeout | RecvTimeoutError::Stalled(_) => Why::Later,
        RecvTimeoutError::Disconnected(_) => Why::Gone,
        _ => Why::Broken,
    }
}

fn received<T: Numbered>(answer: Result<T, Why>) -> (Vec<Option<u64>>, Why) {
    match answer {
        Ok(message) => (vec![message.number()], Why::Done),
        Err(why) => (Vec::new(), why),
    }
}

fn polled<T: Numbered>(answer: Poll<Result<T, RecvError>>) -> Result<T, Why> {
    match answer {
        Poll::Pending => Err(Why::Noted),
        Poll::Ready(Err(RecvError::Disconnected(_))) => Err(Why::Gone),
        Poll::Ready(Err(_)) => Err(Why::Broken),
        Poll::Ready(Ok(message)) => Ok(message),
    }
}

impl<T: Numbered, K: Ends> Receives for Receiver<T, K> {
    fn receive(&mut self, how: u8, waker: &Waker) -> (Vec<Option<u64>>, Why) {
        let context = &mut Context::from_waker(waker);
        let tried = |error| match error {
            TryRecvError::Empty => Why::Later,
            TryRecvError::Disconnected(_) => Why::Gone,
            _ => Why::Broken,
        };
        received(match how % 8 {
            0 => self.try_recv().map_err(tried),
            1 => self.recv_timeout(MOMENT).map_err(of_receive),
            2 | 3 => polled(self.poll_recv(context)),
            // With the future its note has gone.
            4 => polled(pin!(self.recv_async()).poll(context)).map_err(|why| match why {
                Why::Noted => Why::Later,
                why => why,
            }),
            5 => match Pin::new(&mut self.stream()).poll_next(context) {
                Poll::Pending => Err(Why::Noted),
                // It does not say why it ends.
                Poll::Ready(None) => Err(Why::Gone),
                Poll::Ready(Some(message)) => Ok(message),
            },
            6 => self.lease_timeout(MOMENT).map(|lease| *lease).map_err(of_receive),
            _ => {
                let mut messages = Vec::new();
                let answer = self.try_recv_batch(&mut messages, 3);
                let numbers = messages.iter().map(Numbered::number).collect();
                return (numbers, answer.map_or_else(tried, |_| Why::Done));
            }
        })
    }

    fn receive_long(&mut self, how: u8, longest: Option<Duration>) -> (Vec<Option<u64>>, Why) {
        let longest = longest.unwrap_or(LONG);
        received(match how % 3 {
            0 => self.recv_timeout(longest).map_err(of_receive),
            1 => self.lease_timeout(longest).map(|lease| *lease).map_err(of_receive),
            _ => {
                let mut messages = Vec::new();
                let answer = self.recv_batch_timeout(&mut messages, 1, longest).map_err(of_receive);
                answer.map(|_| messages.pop().expect("there is one"))
            }
        })
    }
}
