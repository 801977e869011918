//! Results in the order of their numbers, each once, however they come.

use std::collections::{BTreeMap, VecDeque};

/// Digests that are kept: of more items than can be under way.
const KEPT: usize = 1024;

/// Puts numbered items in order.
///
/// Those that come early are kept: no more of them than the channel of work holds, since the parser cannot go
/// round it past a block that is not done.
pub(crate) struct Merge<T> {
    /// The number of the next one.
    next: u64,
    early: BTreeMap<u64, (u64, Box<T>)>,
    /// Of the latest before it.
    digests: VecDeque<u64>,
    /// Items that came again, and were discarded.
    pub(crate) again: u64,
    /// Those of them that were not what had come first, as far as their digests say, or came too late to tell.
    pub(crate) different: u64,
}

impl<T: Copy> Merge<T> {
    pub(crate) fn new() -> Self {
        Self { next: 0, early: BTreeMap::new(), digests: VecDeque::new(), again: 0, different: 0 }
    }

    /// Takes one with its digest, and gives those whose turn has come.
    pub(crate) fn take(&mut self, number: u64, digest: u64, item: &T, mut each: impl FnMut(&T)) {
        if number < self.next || self.early.contains_key(&number) {
            self.again += 1;
            self.different += u64::from(self.digest(number) != Some(digest));
        } else if number > self.next {
            self.early.insert(number, (digest, Box::new(*item)));
        } else {
            each(item);
            self.passed(digest);
            while let Some((digest, item)) = self.early.remove(&self.next) {
                each(&item);
                self.passed(digest);
            }
        }
    }

    fn passed(&mut self, digest: u64) {
        self.next += 1;
        self.digests.push_front(digest);
        self.digests.truncate(KEPT);
    }

    /// Of what came first.
    fn digest(&self, number: u64) -> Option<u64> {
        match self.next.checked_sub(number + 1) {
            Some(back) => self.digests.get(usize::try_from(back).ok()?).copied(),
            None => self.early.get(&number).map(|(digest, _)| *digest),
        }
    }
}
