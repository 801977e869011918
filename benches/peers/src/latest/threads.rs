//! Those that only threads of one process can share. The loads copy the value out, as those of all others do.

use std::sync::{Arc, Mutex, RwLock};

use arc_swap::ArcSwap;
use seqlock::SeqLock;

use super::support::{Load, Store, Writing, reading, writing};
use crate::crew::Job;

/// Makes the reader's part in the thread that will run it.
pub(super) type Make = Box<dyn FnOnce() -> Job + Send>;

/// Both sides of one contestant.
fn pair<const N: usize, C>(cell: C) -> (Writing, Make)
where
    C: Store<N> + Load<N> + Clone + Send + 'static,
{
    let reader = cell.clone();
    (writing(cell), Box::new(move || reading(reader)))
}

/// In the order of their names in the module above.
pub(super) fn all<const N: usize>() -> Vec<(Writing, Make)> {
    let zero = [0_u64; N];
    vec![
        pair(Locked(Arc::new(Line(SeqLock::new(zero))))),
        pair(Swapped(Arc::new(Line(ArcSwap::from_pointee(zero))))),
        pair(Exclusive(Arc::new(Line(Mutex::new(zero))))),
        pair(Shared(Arc::new(Line(RwLock::new(zero))))),
        pair(Parking(Arc::new(Line(parking_lot::RwLock::new(zero))))),
    ]
}

/// Apart from the counts of the `Arc` and from whatever else the heap has.
#[repr(align(128))]
struct Line<T>(T);

struct Locked<const N: usize>(Arc<Line<SeqLock<[u64; N]>>>);
struct Swapped<const N: usize>(Arc<Line<ArcSwap<[u64; N]>>>);
struct Exclusive<const N: usize>(Arc<Line<Mutex<[u64; N]>>>);
struct Shared<const N: usize>(Arc<Line<RwLock<[u64; N]>>>);
struct Parking<const N: usize>(Arc<Line<parking_lot::RwLock<[u64; N]>>>);

impl<const N: usize> Clone for Locked<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<const N: usize> Clone for Swapped<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<const N: usize> Clone for Exclusive<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<const N: usize> Clone for Shared<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<const N: usize> Clone for Parking<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<const N: usize> Store<N> for Locked<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        *self.0.0.lock_write() = *value;
    }
}

impl<const N: usize> Load<N> for Locked<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        look(&self.0.0.read());
    }
}

impl<const N: usize> Store<N> for Swapped<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        self.0.0.store(Arc::new(*value));
    }
}

impl<const N: usize> Load<N> for Swapped<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        let value = **self.0.0.load();
        look(&value);
    }
}

impl<const N: usize> Store<N> for Exclusive<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        *self.0.0.lock().expect("no panic") = *value;
    }
}

impl<const N: usize> Load<N> for Exclusive<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        let value = *self.0.0.lock().expect("no panic");
        look(&value);
    }
}

impl<const N: usize> Store<N> for Shared<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        *self.0.0.write().expect("no panic") = *value;
    }
}

impl<const N: usize> Load<N> for Shared<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        let value = *self.0.0.read().expect("no panic");
        look(&value);
    }
}

impl<const N: usize> Store<N> for Parking<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        *self.0.0.write() = *value;
    }
}

impl<const N: usize> Load<N> for Parking<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        let value = *self.0.0.read();
        look(&value);
    }
}
