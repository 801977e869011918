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
///
/// ```
/// use ringway::Message;
/// use ringway::channel::{Kind, Mpsc, Sender, Spsc};
///
/// /// Of whatever kind.
/// fn send_twice<T: Message, K: Kind>(sender: &mut Sender<T, K>, message: T) -> bool {
///     sender.send_batch(&[message, message]).is_ok()
/// }
/// # let (mut one, _receiver) = ringway::spsc::in_process::<u64>(8)?;
/// # let (mut many, _other) = ringway::mpmc::in_process::<u64>(8)?;
/// assert!(send_twice(&mut one, 7) && send_twice(&mut many, 7));
/// assert_eq!((Spsc::NAME, Spsc::SHARED_SENDERS, Mpsc::SHARED_SENDERS), ("spsc", false, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Kind: Sides {
    /// What errors call it, such as `spsc`.
    const NAME: &'static str = Self::KIND.name();
    /// Whether there may be several senders.
    const SHARED_SENDERS: bool = Self::KIND.shared_senders();
    /// Whether there may be several receivers.
    const SHARED_RECEIVERS: bool = Self::KIND.shared_receivers();
}

/// A kind with several senders: they can be cloned.
///
/// ```
/// use ringway::channel::{Sender, SharedSenders};
///
/// fn three<K: SharedSenders>(sender: Sender<u64, K>) -> [Sender<u64, K>; 3] {
///     [sender.clone(), sender.clone(), sender]
/// }
/// # let (sender, receiver) = ringway::mpsc::in_process::<u64>(8)?;
/// let all = three(sender);
/// assert_eq!(receiver.health().attached_senders(), all.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SharedSenders: Kind {}

/// A kind with several receivers: they can be cloned, and each message goes to one of them.
///
/// ```
/// use ringway::channel::{Receiver, SharedReceivers};
///
/// fn two<K: SharedReceivers>(receiver: Receiver<u64, K>) -> [Receiver<u64, K>; 2] {
///     [receiver.clone(), receiver]
/// }
/// # let (sender, receiver) = ringway::spmc::in_process::<u64>(8)?;
/// let both = two(receiver);
/// assert_eq!(sender.health().attached_receivers(), both.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SharedReceivers: Kind {}

/// A kind with one sender, that another one takes over from.
///
/// ```
/// use ringway::channel::{Sender, SoleSenders};
///
/// /// How many were sent, by this sender and those before it.
/// fn done<K: SoleSenders>(sender: &Sender<u64, K>) -> u64 {
///     sender.position()
/// }
/// # let (mut sender, _receiver) = ringway::spmc::in_process::<u64>(8)?;
/// sender.send_batch(&[1, 2, 3])?;
/// assert_eq!(done(&sender), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SoleSenders: Kind {}

/// A kind with one receiver, that another one takes over from.
///
/// ```
/// use ringway::Peer;
/// use ringway::channel::{Sender, SoleReceivers};
///
/// fn is_heard<K: SoleReceivers>(sender: &Sender<u64, K>) -> bool {
///     matches!(sender.peer(), Peer::Attached { .. })
/// }
/// # let (sender, receiver) = ringway::mpsc::in_process::<u64>(8)?;
/// assert!(is_heard(&sender));
/// drop(receiver);
/// assert!(!is_heard(&sender));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SoleReceivers: Kind {}

/// A kind that can be told what becomes of the messages that a receiver had claimed when it died: every one but
/// [`Spsc`].
///
/// ```
/// use ringway::OnReceiverDeath;
/// use ringway::channel::{Channel, ChoosesOnReceiverDeath};
///
/// fn at_most_once<K: ChoosesOnReceiverDeath>(channel: Channel<u64, K>) -> Channel<u64, K> {
///     channel.on_receiver_death(OnReceiverDeath::Discard)
/// }
/// # let name = &format!("doc-chooses-{}", std::process::id());
/// let receiver = at_most_once(ringway::mpmc::channel(name)).receiver()?;
/// # drop(receiver);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ChoosesOnReceiverDeath: Kind {}

/// One sender, one receiver: [`spsc`](super::spsc).
///
/// ```
/// use ringway::{channel, spsc};
/// # let (_sender, receiver) = spsc::in_process::<u64>(8)?;
/// let receiver: channel::Receiver<u64, channel::Spsc> = receiver; // what `spsc::Receiver<u64>` is short for
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use ringway::{channel, mpsc};
/// # let (sender, _receiver) = mpsc::in_process::<u64>(8)?;
/// let sender: channel::Sender<u64, channel::Mpsc> = sender; // what `mpsc::Sender<u64>` is short for
/// let other = sender.clone();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use ringway::{channel, spmc};
/// # let (_sender, receiver) = spmc::in_process::<u64>(8)?;
/// let receiver: channel::Receiver<u64, channel::Spmc> = receiver; // what `spmc::Receiver<u64>` is short for
/// let other = receiver.clone();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use ringway::{channel, mpmc};
/// # let (sender, receiver) = mpmc::in_process::<u64>(8)?;
/// let sender: channel::Sender<u64, channel::Mpmc> = sender; // what `mpmc::Sender<u64>` is short for
/// let others = (sender.clone(), receiver.clone());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
