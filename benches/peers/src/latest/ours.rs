//! ringway's cell.

use ringway::{Message, seqlock};

use super::support::{Load, Store};

fn name(run: &str, words: usize) -> String {
    format!("{run}-{words}")
}

pub(super) struct Writer<const N: usize>(seqlock::Writer<[u64; N]>)
where
    [u64; N]: Message;

impl<const N: usize> Writer<N>
where
    [u64; N]: Message,
{
    pub(super) fn new(run: &str) -> Self {
        Self(seqlock::cell(&name(run, N)).create_new().writer().expect("a new cell"))
    }
}

impl<const N: usize> Store<N> for Writer<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        self.0.store_ref(value);
    }
}

pub(super) struct Reader<const N: usize>(seqlock::Reader<[u64; N]>, [u64; N])
where
    [u64; N]: Message;

impl<const N: usize> Reader<N>
where
    [u64; N]: Message,
{
    pub(super) fn new(run: &str) -> Self {
        Self(seqlock::cell(&name(run, N)).open_existing().reader().expect("the cell"), [0; N])
    }
}

impl<const N: usize> Load<N> for Reader<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        // A large value as whoever cares loads it: over one that is there.
        if N < 64 {
            look(&self.0.load().expect("a value"));
        } else {
            self.0.load_into(&mut self.1).expect("a value");
            look(&self.1);
        }
    }
}
