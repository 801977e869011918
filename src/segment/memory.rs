//! Where a segment lies.

use std::ptr::NonNull;
use std::sync::Arc;

use crate::map::{HeapRegion, Observed, SharedMap};

/// Where a segment lies. Page-aligned; the bytes stay where they are for as long as a clone of it lives.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    /// In a named map.
    Map(SharedMap),
    /// On the heap.
    Heap(HeapRegion),
    /// In a named map that is only looked at: for reading alone.
    Observed(Arc<Observed>),
}

impl Memory {
    pub(super) fn base(&self) -> NonNull<u8> {
        let base = match self {
            Self::Map(map) => map.as_ptr(),
            Self::Heap(heap) => heap.as_ptr(),
            Self::Observed(observed) => observed.as_ptr(),
        };
        NonNull::new(base).expect("a mapping is not at address 0")
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Map(map) => map.capacity(),
            Self::Heap(heap) => heap.capacity(),
            Self::Observed(observed) => observed.capacity(),
        }
    }
}
