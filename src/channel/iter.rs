//! A receiver's messages as iterators.

use std::fmt;

use super::Receiver;
use super::kind::Kind;
use crate::Message;

/// Iterator of [`Receiver::iter`].
///
/// ```
/// use ringway::mpsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (tx, mut rx) = mpsc::in_process::<u64>(8)?;
/// let senders = [tx.clone(), tx].map(|mut tx| std::thread::spawn(move || tx.send(1)));
/// // Ends once every sender is gone.
/// assert_eq!(rx.iter().sum::<u64>(), 2);
/// # senders.into_iter().try_for_each(|sender| sender.join().expect("it ends"))?;
/// # Ok(()) }
/// ```
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
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut tx, mut rx) = ringway::spsc::in_process::<u64>(8)?;
/// tx.send_batch(&[1, 2])?;
/// // Ends once there is nothing more, though more may come.
/// assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2]);
/// # Ok(()) }
/// ```
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
