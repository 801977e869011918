//! The kinds of channels, as types.

use crate::protocol::lone::{LoneReceiver, LoneSender};
use crate::protocol::shared::{SharedReceiver, SharedSender};
use crate::protocol::sole::{SoleReceiver, SoleSender};

/// What only this crate can say of a kind.
pub(super) mod sealed {
    use crate::protocol::side::{RecvSide, SendSide};
    use crate::segment;

    /// The two sides of a ring of this kind.
    pub trait Sides: 'static {
        /// As a segment's header has it.
        const KIND: segment::Kind;
        /// The algorithm of a sender.
        type Sending: SendSide + Send;
        /// The algorithm of a receiver.
        type Receiving: RecvSide + Send;
    }
}
use sealed::Sides;

/// A kind of channel: how many may be on either side.
///
/// It is a parameter of the ends of a channel, so that what a kind does not have, such as the clone of an only
/// sender, does not compile. There are [`Spsc`], [`Mpsc`], [`Spmc`] and [`Mpmc`], and there can be no others.
pub trait Kind: Sides {
    /// What errors call it, such as `spsc`.
    const NAME: &'static str = Self::KIND.name();
    /// Whether there may be several senders.
    const SHARED_SENDERS: bool = Self::KIND.shared_senders();
    /// Whether there may be several receivers.
    const SHARED_RECEIVERS: bool = Self::KIND.shared_receivers();
}

/// A kind with several senders: they can be cloned.
pub trait SharedSenders: Kind {}

/// A kind with several receivers: they can be cloned, and each message goes to one of them.
pub trait SharedReceivers: Kind {}

/// A kind with one sender, that another one takes over from.
pub trait SoleSenders: Kind {}

/// A kind with one receiver, that another one takes over from.
pub trait SoleReceivers: Kind {}

/// A kind that can be told what becomes of the messages that a receiver had claimed when it died: every one but
/// [`Spsc`].
pub trait ChoosesOnReceiverDeath: Kind {}

/// One sender, one receiver: [`spsc`](super::spsc).
#[derive(Clone, Copy, Debug)]
pub enum Spsc {}

impl Sides for Spsc {
    const KIND: crate::segment::Kind = crate::segment::Kind::Spsc;
    type Sending = SoleSender;
    type Receiving = SoleReceiver;
}
impl Kind for Spsc {}
impl SoleSenders for Spsc {}
impl SoleReceivers for Spsc {}

/// Several senders, one receiver: [`mpsc`](super::mpsc).
#[derive(Clone, Copy, Debug)]
pub enum Mpsc {}

impl Sides for Mpsc {
    const KIND: crate::segment::Kind = crate::segment::Kind::Mpsc;
    type Sending = SharedSender;
    type Receiving = LoneReceiver;
}
impl Kind for Mpsc {}
impl SharedSenders for Mpsc {}
impl SoleReceivers for Mpsc {}
impl ChoosesOnReceiverDeath for Mpsc {}

/// One sender, several receivers: [`spmc`](super::spmc).
#[derive(Clone, Copy, Debug)]
pub enum Spmc {}

impl Sides for Spmc {
    const KIND: crate::segment::Kind = crate::segment::Kind::Spmc;
    type Sending = LoneSender;
    type Receiving = SharedReceiver;
}
impl Kind for Spmc {}
impl SoleSenders for Spmc {}
impl SharedReceivers for Spmc {}
impl ChoosesOnReceiverDeath for Spmc {}

/// Several senders, several receivers: [`mpmc`](super::mpmc).
#[derive(Clone, Copy, Debug)]
pub enum Mpmc {}

impl Sides for Mpmc {
    const KIND: crate::segment::Kind = crate::segment::Kind::Mpmc;
    type Sending = SharedSender;
    type Receiving = SharedReceiver;
}
impl Kind for Mpmc {}
impl SharedSenders for Mpmc {}
impl SharedReceivers for Mpmc {}
impl ChoosesOnReceiverDeath for Mpmc {}
