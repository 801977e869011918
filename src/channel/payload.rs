//! What lies in the slots of a channel, as far as it says where they lie.

use std::marker::PhantomData;

use super::kind::Kind;
use crate::message::Message;
use crate::protocol::ring::Form;
use crate::segment::Content;

/// What lies in the slots: a type of the program, or one that only a schema describes.
pub(crate) trait Payload: Copy {
    /// How it becomes visible in a channel of that kind.
    fn form<K: Kind>(self) -> Form;
    /// Bytes from one slot to the next.
    fn stride<K: Kind>(self) -> usize;
    /// Bytes from the start of a slot to the message.
    fn offset<K: Kind>(self) -> usize;
}

/// Messages of the type `T`. The compiler knows all of it.
pub(crate) struct Of<T>(PhantomData<fn(T)>);

impl<T> Of<T> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Clone for Of<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Of<T> {}

impl<T: Message> Payload for Of<T> {
    #[inline(always)]
    fn form<K: Kind>(self) -> Form {
        const { Content::of::<T>().form(K::KIND) }
    }

    #[inline(always)]
    fn stride<K: Kind>(self) -> usize {
        const { Content::of::<T>().stride(K::KIND) }
    }

    #[inline(always)]
    fn offset<K: Kind>(self) -> usize {
        const { Content::of::<T>().payload_offset(K::KIND) }
    }
}

impl Payload for Content {
    fn form<K: Kind>(self) -> Form {
        Content::form(self, K::KIND)
    }

    fn stride<K: Kind>(self) -> usize {
        Content::stride(self, K::KIND)
    }

    fn offset<K: Kind>(self) -> usize {
        self.payload_offset(K::KIND)
    }
}
