//! A page-aligned, zeroed block of this process's heap: the twin of a map for channels within one process.
#![allow(unsafe_code)] // allocates with an alignment that Vec and Box cannot ask for

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use super::error::{Error, ErrorKind};

/// The alignment, that of a map's data.
const ALIGN: usize = 4096;

/// A heap block shared by all clones; freed when the last is dropped.
#[derive(Debug, Clone)]
pub(crate) struct HeapRegion(Arc<Block>);

#[derive(Debug)]
struct Block {
    /// Allocated with `layout`.
    start: NonNull<u8>,
    /// Never of size zero.
    layout: Layout,
}

// SAFETY: a block is bytes at an address and owns them alone; it hands out nothing but the address, and
// freeing memory is allowed on any thread.
unsafe impl Send for Block {}
// SAFETY: through a shared block only its address and size can be read.
unsafe impl Sync for Block {}

impl HeapRegion {
    /// A zeroed block of `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Result<HeapRegion, Error> {
        if capacity == 0 {
            return Err(Error::argument("capacity", "0".to_owned(), "at least 1 byte").in_process());
        }
        let too_large = || Error::new(ErrorKind::TooLarge { needed: capacity }, Path::new("")).in_process();
        let size = usize::try_from(capacity).map_err(|_| too_large())?;
        let layout = Layout::from_size_align(size, ALIGN).map_err(|_| too_large())?;
        // SAFETY: the size is not zero: checked above.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).ok_or_else(too_large)?;
        Ok(HeapRegion(Arc::new(Block { start, layout })))
    }

    /// The first byte: aligned to 4096, valid for `capacity` bytes while a clone of this lives.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.0.start.as_ptr()
    }

    /// The bytes of the block.
    pub(crate) fn capacity(&self) -> u64 {
        self.0.layout.size() as u64
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: `start` was allocated with this very `layout` (1: `new`) and is freed once (2: its only
        // owner's drop).
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}
