//! How the ends of a channel, and cells, are waited for together with others.

use super::kind::Kind;
use super::receiver::Receiver;
use super::sender::Sender;
use super::source::sealed::Waits;
use super::source::{At, Spot};
use crate::Message;
use crate::protocol::counters::Event;
use crate::protocol::roster::Side;
#[cfg(feature = "async")]
use crate::wait::reactor::Ticket;

impl<T: Message, K: Kind> Waits for Receiver<T, K> {
    fn is_ready(&mut self, due: bool) -> bool {
        let watch = &mut self.patience.watch;
        if due {
            watch.be_due();
        }
        self.slots.may_poll(|segment| watch.ask(segment, &self.member))
    }

    fn spot(&self) -> Spot {
        let at_most = self.patience.watch.nap(&self.member);
        let (segment, bell) = (self.member.segment().clone(), self.member.bell());
        Spot { segment, at: At::Ring(Side::Receiving), bell, at_most }
    }

    fn slept(&self) {
        self.member.happened(Event::Sleep);
    }

    #[cfg(feature = "async")]
    fn ticket(&mut self) -> &mut Option<Ticket> {
        &mut self.ticket
    }
}

impl<T: Message, K: Kind> Waits for Sender<T, K> {
    fn is_ready(&mut self, due: bool) -> bool {
        let watch = &mut self.patience.watch;
        if due {
            watch.be_due();
        }
        self.slots.may_claim(|segment| watch.ask(segment, &self.member))
    }

    fn spot(&self) -> Spot {
        let at_most = self.patience.watch.nap(&self.member);
        let (segment, bell) = (self.member.segment().clone(), self.member.bell());
        Spot { segment, at: At::Ring(Side::Sending), bell, at_most }
    }

    fn slept(&self) {
        self.member.happened(Event::Sleep);
    }

    #[cfg(feature = "async")]
    fn ticket(&mut self) -> &mut Option<Ticket> {
        &mut self.ticket
    }
}
