//! Channels whose type only the segment knows: for tools that pass on, record or make up messages of programs that they
//! were not built with.
//!
//! A [`Channel`] is one that exists. Its [`schema`](Channel::schema) says what its messages are, which are bytes here: as many
//! as the schema says, little-endian, without gaps. Whoever takes part in this way is a participant like any other.
//!
//! ```
//! use std::time::Duration;
//!
//! use ringway::{channel::untyped, mpsc};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let name = &format!("doc-untyped-{}", std::process::id());
//! let mut rx = mpsc::channel::<[u32; 2]>(name).receiver()?;
//!
//! let channel = untyped::Channel::open(name)?;
//! assert_eq!(channel.schema().to_string(), "[u32; 2] (8 bytes)");
//! let mut tx = channel.sender()?;
//! tx.send_timeout(&[1, 0, 0, 0, 2, 0, 0, 0], Duration::from_secs(1))?;
//! assert_eq!(rx.recv()?, [1, 2]);
//! # Ok(()) }
//! ```

#![allow(unsafe_code, reason = "copies the bytes of messages in and out of slots")]

use std::fmt;
use std::time::Duration;

use super::blocking::Patience;
use super::error::{RecvTimeoutError, SendTimeoutError};
use super::kind::{self, Kind};
use super::member::Member;
use super::open;
use super::options::EndpointOptions;
use super::peer::Watch;
use super::receiving::Receiving;
use super::sending::Sending;
use super::slots::copy;
use crate::Error;
use crate::map::{Access, MapOptions, MapState, Namespace, Observed};
use crate::message::SchemaTree;
use crate::protocol::roster::Side;
use crate::segment::{self, Content, Locks, Segment};
use crate::sync::words;

/// A channel that exists, about to be used: see the [module](self).
///
/// ```
/// use ringway::channel::untyped::Channel;
/// use ringway::inspect::ChannelKind;
/// # let name = &format!("doc-untyped-channel-{}", std::process::id());
/// # let _rx = ringway::spsc::channel::<f32>(name).receiver()?;
/// let channel = Channel::open(name)?;
/// assert_eq!((channel.kind(), channel.schema().size()), (ChannelKind::Spsc, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a channel is used by its sender or receiver"]
pub struct Channel {
    segment: Segment,
    schema: SchemaTree,
}

impl Channel {
    /// The channel of that name in the user's namespace.
    ///
    /// # Errors
    ///
    /// There is none, it is none, it has cells and no messages, it is left over from processes that were killed, it is damaged,
    /// or this user may not use it.
    pub fn open(name: &str) -> Result<Self, Error> {
        Self::open_in(&Namespace::User, name)
    }

    /// The channel of that name in a namespace.
    ///
    /// ```
    /// use ringway::channel::untyped::Channel;
    /// use ringway::map::Namespace;
    /// # let name = &format!("doc-untyped-open-in-{}", std::process::id());
    /// # let _rx = ringway::spsc::channel::<f32>(name).receiver()?;
    /// // Where the tool looks, if nobody says otherwise: the user's names, and then the system's.
    /// let places = [Namespace::User, Namespace::System];
    /// let channel = places.iter().find_map(|place| Channel::open_in(place, name).ok());
    /// assert!(channel.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_in(namespace: &Namespace, name: &str) -> Result<Self, Error> {
        // To open a leftover would remove it, and whoever has no type has nothing to begin anew with.
        let seen = Observed::open(namespace, name).map_err(Error::Map)?;
        if seen.state().map_err(Error::Map)? == MapState::Leftover {
            return Err(Error::Map(seen.is_left_over()));
        }
        let map = MapOptions::new().namespace(namespace.clone()).open(name).map_err(Error::Map)?;
        let map = open::usable(map, Access::ReadWrite, name)?;
        let (segment, schema, _) =
            Segment::attach_any(map).map_err(|refusal| Error::refused(name, refusal))?;
        let kind = segment.kind();
        if !kind.is_ring() {
            let (found, expected) = (kind.with_article(), "a channel with messages".to_owned());
            return Err(Error::Kind { channel: name.to_owned(), found, expected });
        }
        Ok(Self { segment, schema })
    }

    /// What it is.
    pub fn kind(&self) -> segment::Kind {
        self.segment.kind()
    }

    /// The type of its messages.
    pub fn schema(&self) -> &SchemaTree {
        &self.schema
    }

    /// Takes a sender's place.
    ///
    /// # Errors
    ///
    /// As [`Channel::sender`](super::Channel::sender) of a channel with a type.
    pub fn sender(self) -> Result<Sender, Error> {
        let ends = match self.kind() {
            segment::Kind::Spsc => Ends::Spsc(End::sender(self)?),
            segment::Kind::Mpsc => Ends::Mpsc(End::sender(self)?),
            segment::Kind::Spmc => Ends::Spmc(End::sender(self)?),
            _ => Ends::Mpmc(End::sender(self)?),
        };
        Ok(Sender(ends))
    }

    /// Takes a receiver's place.
    ///
    /// # Errors
    ///
    /// As [`Channel::receiver`](super::Channel::receiver) of a channel with a type.
    pub fn receiver(self) -> Result<Receiver, Error> {
        let ends = match self.kind() {
            segment::Kind::Spsc => Ends::Spsc(End::receiver(self)?),
            segment::Kind::Mpsc => Ends::Mpsc(End::receiver(self)?),
            segment::Kind::Spmc => Ends::Spmc(End::receiver(self)?),
            _ => Ends::Mpmc(End::receiver(self)?),
        };
        Ok(Receiver(ends))
    }
}

/// One end, with the slots of its side.
struct End<S> {
    slots: S,
    patience: Patience,
    /// Dropped after the slots.
    member: Member,
    /// A message, once there was one.
    message: Vec<u8>,
}

/// One end of a channel of any kind; `S` has the slots of each.
enum Ends<A, B, C, D> {
    Spsc(End<A>),
    Mpsc(End<B>),
    Spmc(End<C>),
    Mpmc(End<D>),
}

/// The same of each kind.
macro_rules! on_any {
    ($ends:expr, $end:ident => $do:expr) => {
        match $ends {
            Ends::Spsc($end) => $do,
            Ends::Mpsc($end) => $do,
            Ends::Spmc($end) => $do,
            Ends::Mpmc($end) => $do,
        }
    };
}

/// The slots of a sender.
type To<K> = Sending<Content, K>;
/// The slots of a receiver.
type From<K> = Receiving<Content, K>;

/// Takes a place on a side.
fn join<S>(
    channel: Channel,
    side: Side,
    resume: impl FnOnce(Content, Segment, &Member) -> Result<S, crate::protocol::ring::Corruption>,
) -> Result<End<S>, Error> {
    let Channel { segment, schema } = channel;
    let name = open::name(&segment).to_owned();
    let content = Content::described_by(&schema).expect("the segment was planned for it");
    // Before anything is claimed: a message may be as large as memory.
    let mut message = Vec::new();
    if message.try_reserve_exact(content.size()).is_err() {
        let (found, expected) =
            (format!("a message of {} bytes", content.size()), "what there is memory for".into());
        return Err(Error::Option { channel: name, option: "message", found, expected });
    }
    message.resize(content.size(), 0);
    let member = Member::join(segment.clone(), Locks::of(&segment), side)?;
    let slots = resume(content, segment, &member)
        .map_err(|corruption| open::inconsistent(member.segment(), corruption))?;
    let options = EndpointOptions::default();
    let watch = Watch::new(side.opposite(), &options);
    let patience = Patience::new(watch, options.wait_where(member.bell().lets_sleep()));
    Ok(End { slots, patience, member, message })
}

impl<K: Kind> End<To<K>> {
    fn sender(channel: Channel) -> Result<Self, Error> {
        join(channel, Side::Sending, |content, segment, member| {
            Sending::with(content, segment, member.seat().index, member.bell())
        })
    }

    fn send(&mut self, message: &[u8], timeout: Duration) -> Result<(), SendTimeoutError<()>> {
        let Self { slots, patience, member, message: room } = self;
        assert_eq!(message.len(), room.len(), "the bytes of one message");
        let claimed =
            patience.until(member, slots.position(), Some(timeout), |watch| slots.claim(1, watch, member));
        claimed.map_err(|stop| stop.send_timeout(()))?;
        // SAFETY: 1. the first claimed slot has so many bytes inside the segment; 2. no receiver reads it before it is
        // filled, and no other sender writes it; 3. `message` has so many, by the assertion.
        unsafe { copy(message.as_ptr(), slots.first().as_ptr(), room.len()) };
        slots.send_first();
        Ok(())
    }
}

impl<K: Kind> End<From<K>> {
    fn receiver(channel: Channel) -> Result<Self, Error> {
        join(channel, Side::Receiving, |content, segment, member| {
            Receiving::with(content, segment, member.seat().index, member.bell())
        })
    }

    fn recv(&mut self, timeout: Duration) -> Result<&[u8], RecvTimeoutError> {
        let Self { slots, patience, member, message } = self;
        let ready =
            patience.until(member, slots.position(), Some(timeout), |watch| slots.poll(1, watch, member));
        ready.map_err(|stop| stop.recv_timeout())?;
        // SAFETY: 1. the words of a slot, which are whole words of the segment; 2. `message` is ours, and as long.
        unsafe { words::load(slots.first().as_ptr(), message.as_mut_ptr(), message.len()) };
        slots.drop_first();
        Ok(message)
    }
}

/// One that sends bytes: see the [module](self). Dropping it leaves the channel.
///
/// ```
/// use std::time::Duration;
/// # let name = &format!("doc-untyped-sender-{}", std::process::id());
/// # let mut rx = ringway::spsc::channel::<u16>(name).receiver()?;
/// let mut tx = ringway::channel::untyped::Channel::open(name)?.sender()?;
/// tx.send_timeout(&[1, 2], Duration::from_secs(1))?;
/// assert_eq!(rx.recv()?, 0x0201);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sender(Ends<To<kind::Spsc>, To<kind::Mpsc>, To<kind::Spmc>, To<kind::Mpmc>>);

impl Sender {
    /// Sends a message and waits for a free slot, for at most as long as it says. Nobody checks here whether the bytes are
    /// a value: receivers of a checked type do.
    ///
    /// # Errors
    ///
    /// As [`Sender::send_timeout`](super::Sender::send_timeout) of a channel with a type.
    ///
    /// # Panics
    ///
    /// If the message has not as many bytes as the schema says.
    pub fn send_timeout(&mut self, message: &[u8], timeout: Duration) -> Result<(), SendTimeoutError<()>> {
        on_any!(&mut self.0, end => end.send(message, timeout))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        on_any!(&mut self.0, end => if end.member.is_ours() {
            end.slots.abandon();
        });
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = on_any!(&self.0, end => &end.member);
        f.debug_struct("Sender").field("member", member).finish_non_exhaustive()
    }
}

/// One that receives bytes: see the [module](self). Dropping it leaves the channel.
///
/// ```
/// use std::time::Duration;
/// # let name = &format!("doc-untyped-receiver-{}", std::process::id());
/// # let mut tx = ringway::spsc::channel::<u16>(name).sender()?;
/// let mut rx = ringway::channel::untyped::Channel::open(name)?.receiver()?;
/// tx.send(0x0201)?;
/// assert_eq!(rx.recv_timeout(Duration::from_secs(1))?, [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver(Ends<From<kind::Spsc>, From<kind::Mpsc>, From<kind::Spmc>, From<kind::Mpmc>>);

impl Receiver {
    /// Receives a message and waits for one, for at most as long as it says. It has been taken, and given back, when this
    /// returns. Its bytes need not be a value: nobody has checked them.
    ///
    /// # Errors
    ///
    /// As [`Receiver::recv_timeout`](super::Receiver::recv_timeout) of a channel with a type.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<&[u8], RecvTimeoutError> {
        on_any!(&mut self.0, end => end.recv(timeout))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        on_any!(&mut self.0, end => if end.member.is_ours() {
            end.slots.abandon();
        });
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = on_any!(&self.0, end => &end.member);
        f.debug_struct("Receiver").field("member", member).finish_non_exhaustive()
    }
}
