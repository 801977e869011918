//! ringfire's blackboard: a table of sequence locks in a file, by index. A single lock for each value.

use std::path::PathBuf;

use ringfire::{BlackboardConsumer, BlackboardProducer};

use super::support::{Load, Store};

fn path(run: &str, words: usize) -> PathBuf {
    PathBuf::from(format!("/dev/shm/ringway-{run}-ringfire-{words}"))
}

/// Removes its file when it is dropped.
pub(super) struct Writer<const N: usize>(BlackboardProducer<[u64; N]>);

impl<const N: usize> Writer<N> {
    pub(super) fn new(run: &str) -> Self {
        Self(BlackboardProducer::create(path(run, N), 1).expect("a new blackboard"))
    }
}

impl<const N: usize> Store<N> for Writer<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        self.0.write(0, value).expect("a slot");
    }
}

pub(super) struct Reader<const N: usize>(BlackboardConsumer<[u64; N]>);

impl<const N: usize> Reader<N> {
    pub(super) fn new(run: &str) -> Self {
        Self(BlackboardConsumer::attach(path(run, N)).expect("the blackboard"))
    }
}

impl<const N: usize> Load<N> for Reader<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        loop {
            // It gives up on a writer that it finds amid a value for 100 ms on end.
            if let Ok(value) = self.0.read(0) {
                return look(&value.expect("a value"));
            }
        }
    }
}
