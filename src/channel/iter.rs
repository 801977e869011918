//! A receiver's messages as iterators.

use std::fmt;

use super::Receiver;
use super::kind::Kind;
use crate::Message;

/// Iterator of [`Receiver::iter`].
pub struct Iter<'a, T: Message, K: Kind> {
    receiver: &'a mut Receiver<T, K>,
}

impl<'a, T: Message, K: Kind> Iter<'a, T, K> {
    pub(super) fn new(receiver: &'a mut Receiver<T, K>) -> Self {
        Self { receiver }
    }
}

impl<T: Message, K: Kind> Iterator for Iter<'_, T, K> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

/// Iterator of [`Receiver::try_iter`].
pub struct TryIter<'a, T: Message, K: Kind> {
    receiver: &'a mut Receiver<T, K>,
}

impl<'a, T: Message, K: Kind> TryIter<'a, T, K> {
    pub(super) fn new(receiver: &'a mut Receiver<T, K>) -> Self {
        Self { receiver }
    }
}

impl<T: Message, K: Kind> Iterator for TryIter<'_, T, K> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T: Message, K: Kind> fmt::Debug for Iter<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<T: Message, K: Kind> fmt::Debug for TryIter<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").finish_non_exhaustive()
    }
}
