//! The processes that send and receive over the memory of `many`.

use loom::sync::Arc;
use ringway::protocol::peer::{self, News, Stuck};
use ringway::protocol::repair;
use ringway::protocol::ring::Blocked;
use ringway::protocol::roster::{self, Locks, Seat, Side};
use ringway::protocol::side::{RecvSide, SendSide};
use ringway::protocol::table;
use ringway::sync::model::step;

use crate::account::Held;
use crate::many::{Many, me};

fn attach(many: &Many, side: Side, process: u64) -> Option<Seat> {
    let ring = many.ring();
    let lock = many.locks(process);
    let (incarnation, _) =
        roster::attach(&table::records(&ring, side)[0], &lock.lock(side, 0), me(process)).ok()?;
    Some(Seat { side, index: 0, incarnation })
}

fn leave(many: &Many, seat: Seat, process: u64) {
    let (ring, locks) = (many.ring(), many.locks(process));
    if table::is_shared(&ring, seat.side) {
        table::leave(&ring, seat, &locks, 9);
    } else {
        let record = &table::records(&ring, seat.side)[0];
        roster::detach(record, &locks.lock(seat.side, 0), seat.incarnation, 9);
    }
}

/// A sending process.
pub struct Sender<S> {
    many: Arc<Many>,
    side: S,
    seat: Seat,
    process: u64,
}

impl<S: SendSide> Sender<S> {
    /// On a shared side.
    pub fn join(many: &Arc<Many>, process: u64) -> Option<Self> {
        let (seat, _) = table::join(&many.ring(), Side::Sending, &many.locks(process), me(process)).ok()?;
        Some(Self::take(many, seat, process))
    }

    /// On a sole side.
    pub fn attach(many: &Arc<Many>, process: u64) -> Option<Self> {
        Some(Self::take(many, attach(many, Side::Sending, process)?, process))
    }

    fn take(many: &Arc<Many>, seat: Seat, process: u64) -> Self {
        let side = S::resume(&many.ring(), seat.index).expect("an undamaged ring");
        Self { many: Arc::clone(many), side, seat, process }
    }

    /// Sends the messages as far as there is room; how many.
    pub fn try_send(&mut self, messages: &[u64]) -> Result<u32, Blocked> {
        let claim = self.side.claim(&self.many.ring(), messages.len() as u32);
        assert!(!matches!(claim, Err(Blocked::Corrupt(_))), "{claim:?}, and nobody broke the rules");
        let claimed = claim?;
        self.finish(&messages[..claimed as usize]);
        Ok(claimed)
    }

    /// The quick try that the channels begin with.
    pub fn try_one(&mut self, message: u64) -> bool {
        let claimed = self.side.claim_one(&self.many.ring());
        if claimed {
            self.finish(&[message]);
        }
        claimed
    }

    /// Fills what was claimed.
    fn finish(&mut self, messages: &[u64]) {
        let many = Arc::clone(&self.many);
        let ring = many.ring();
        for message in messages {
            // SAFETY: claimed by this side; loom reports an overlap.
            many.payload(self.side.slot()).with_mut(|cell| unsafe { *cell = *message });
            step("model.send.after-write");
            many.account().begin(*message);
            self.side.fill(&ring);
            many.account().send(*message);
        }
        self.side.commit(&ring);
    }

    /// Claims slots and gives them up.
    pub fn abandon(&mut self, count: u32) -> Result<(), Blocked> {
        self.side.claim(&self.many.ring(), count)?;
        self.side.abandon(&self.many.ring());
        Ok(())
    }

    /// As a sender that cannot go on does once in a while.
    pub fn sweep(&self) -> bool {
        repair::sweep(&self.many.ring(), Some(self.seat), &self.many.locks(self.process), 9)
    }

    pub fn position(&self) -> u64 {
        self.side.position()
    }

    pub fn leave(mut self) {
        self.side.abandon(&self.many.ring());
        leave(&self.many, self.seat, self.process);
    }
}

/// A receiving process.
pub struct Receiver<R> {
    many: Arc<Many>,
    side: R,
    seat: Seat,
    process: u64,
}

impl<R: RecvSide> Receiver<R> {
    /// On a shared side.
    pub fn join(many: &Arc<Many>, process: u64) -> Option<Self> {
        let (seat, _) = table::join(&many.ring(), Side::Receiving, &many.locks(process), me(process)).ok()?;
        Some(Self::take(many, seat, process))
    }

    /// On a sole side.
    pub fn attach(many: &Arc<Many>, process: u64) -> Option<Self> {
        Some(Self::take(many, attach(many, Side::Receiving, process)?, process))
    }

    fn take(many: &Arc<Many>, seat: Seat, process: u64) -> Self {
        let side = R::resume(&many.ring(), seat.index).expect("an undamaged ring");
        Self { many: Arc::clone(many), side, seat, process }
    }

    /// Receives up to `count` messages as one batch, or hears of the senders by their records; how many.
    pub fn try_recv(&mut self, count: u32) -> Result<u32, Stuck> {
        let ready = self.poll(count, false)?;
        self.finish(ready);
        Ok(ready)
    }

    /// As [`try_recv`](Self::try_recv), and looks after the dead if there is nothing.
    pub fn try_recv_or_sweep(&mut self, count: u32) -> Result<u32, Stuck> {
        let ready = self.poll(count, true)?;
        self.finish(ready);
        Ok(ready)
    }

    fn poll(&mut self, count: u32, sweeps: bool) -> Result<u32, Stuck> {
        let many = Arc::clone(&self.many);
        let (seat, locks) = (Some(self.seat), many.locks(self.process));
        let ready = peer::poll(&mut self.side, &many.ring(), count, || {
            let changed = sweeps && repair::sweep(&many.ring(), seat, &locks, 9);
            News { presence: table::presence(&many.ring(), Side::Sending), changed }
        });
        assert!(
            !matches!(ready, Err(Stuck::Ring(Blocked::Corrupt(_)))),
            "{ready:?}, and nobody broke the rules"
        );
        ready
    }

    /// The quick try that the channels begin with.
    pub fn try_one(&mut self) -> bool {
        let ready = self.side.poll_one(&self.many.ring());
        if ready {
            self.finish(1);
        }
        ready
    }

    /// Claims a message and gives it up.
    pub fn give_up(&mut self) -> Result<(), Stuck> {
        self.poll(1, false)?;
        self.many.account().lose();
        self.side.abandon(&self.many.ring());
        Ok(())
    }

    /// Receives one of up to `count` messages, and gives the others up.
    pub fn abandon(&mut self, count: u32) -> Result<(), Stuck> {
        self.poll(count, false)?;
        self.finish(1);
        self.many.account().lose();
        self.side.abandon(&self.many.ring());
        Ok(())
    }

    /// Reads what was polled, and gives it back.
    fn finish(&mut self, ready: u32) {
        let many = Arc::clone(&self.many);
        let ring = many.ring();
        let mut messages = Vec::new();
        for _ in 0..ready {
            // SAFETY: published and not given back; loom reports an overlap.
            let message = many.payload(self.side.slot()).with(|cell| unsafe { *cell });
            let held = Held { process: self.process, message, position: self.side.position() };
            many.account().read(held, self.side.redelivered());
            messages.push(held);
            self.side.take(&ring);
        }
        step("model.recv.after-read");
        self.side.release(&ring);
        messages.into_iter().for_each(|held| many.account().give_back(held));
    }

    /// As a receiver that cannot go on does once in a while.
    pub fn sweep(&self) -> bool {
        repair::sweep(&self.many.ring(), Some(self.seat), &self.many.locks(self.process), 9)
    }

    pub fn leave(mut self) {
        self.side.abandon(&self.many.ring());
        leave(&self.many, self.seat, self.process);
    }
}
