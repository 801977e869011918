//! iceoryx2's blackboard: two cells for each value, written in place in turn, as its documentation has it for an update
//! without a copy of its own.
#![allow(unsafe_code, reason = "publishes a value that was written in place")]

use iceoryx2::port::reader::EntryHandle;
use iceoryx2::port::writer::EntryHandleMut;
use iceoryx2::prelude::{ServiceName, ipc};

use super::support::{Load, Store};
use crate::links::iceoryx_node as node;

fn name(run: &str, words: usize) -> ServiceName {
    ServiceName::new(&format!("{run}/{words}")).expect("a name")
}

/// The handle keeps all that it needs. It is away only while a value is written.
pub(super) struct Writer<const N: usize>(Option<EntryHandleMut<ipc::Service, u64, [u64; N]>>);

impl<const N: usize> Writer<N> {
    pub(super) fn new(run: &str) -> Self {
        let builder = node(run).service_builder(&name(run, N)).blackboard_creator::<u64>();
        let service = builder.add::<[u64; N]>(0, [0; N]).create().expect("a new blackboard");
        let writer = service.writer_builder().create().expect("a writer");
        Self(Some(writer.entry(&0).expect("the entry")))
    }
}

impl<const N: usize> Store<N> for Writer<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        let mut loan = self.0.take().expect("the handle").loan_uninit();
        loan.value_mut().write(*value);
        // SAFETY: the value was written just now.
        self.0 = Some(unsafe { loan.assume_init_and_update() });
    }
}

pub(super) struct Reader<const N: usize>(EntryHandle<ipc::Service, u64, [u64; N]>);

impl<const N: usize> Reader<N> {
    pub(super) fn new(run: &str) -> Self {
        let builder = node(run).service_builder(&name(run, N)).blackboard_opener::<u64>();
        let service = builder.open().expect("the blackboard");
        let reader = service.reader_builder().create().expect("a reader");
        Self(reader.entry(&0).expect("the entry"))
    }
}

impl<const N: usize> Load<N> for Reader<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        look(&self.0.get());
    }
}
