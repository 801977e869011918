//! Futures, streams, sinks and the descriptor: in an executor of a few lines, and in tokio's.
//!
//! A wake that is lost is healed within a second, so that these tests do not see it; the unit tests of parking do, and
//! `scripts/fuzz 60 waiting`, where nothing heals.
#![cfg(not(loom))]

mod calls;
mod dropping;
mod tasks;

#[path = "../support/caller.rs"]
mod caller;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use ringway::channel::{Receiver, Sender, Spsc};
use ringway::{Departure, map, spsc};

use testing::TempNamespace;

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);
const LEFT: Departure = Departure::Left;

/// Runs one future to its end.
trait Executor: 'static {
    fn block_on<F: Future>(future: F) -> F::Output;
}

/// The thread sleeps until it is unparked.
struct Parks;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Executor for Parks {
    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// With one thread.
struct Tokio;

impl Executor for Tokio {
    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(future)
    }
}

/// Polls once, for nobody.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn channel(space: &TempNamespace, name: &str) -> spsc::Channel<u64> {
    spsc::channel(name).namespace(space.namespace()).capacity(4).liveness_interval(NEVER)
}

fn ends(space: &TempNamespace, name: &str) -> (Sender<u64, Spsc>, Receiver<u64, Spsc>) {
    let tx = channel(space, name).sender().expect("the role is free");
    (tx, channel(space, name).receiver().expect("the role is free"))
}
