//! What a program tells the kernel of its intentions. No advice changes a byte.

use rustix::fs::Advice as FileAdvice;
use rustix::io::Errno;
use rustix::mm::Advice as MemoryAdvice;

use super::error::Error;
use super::kinds::Kind;
use super::shared::SharedMap;
use super::view::View;

/// What a program intends with the pages of a view or of a map. Changes no byte.
///
/// ```
/// use ringway::map::{Advice, MapOptions};
///
/// let map = MapOptions::new().capacity(1 << 20).anonymous()?;
/// map.advise(Advice::Sequential)?; // for views that are taken from now on
/// let view = map.accessor()?;
/// view.advise(Advice::WillNeed)?;
/// view.advise_range(0, 4096, Advice::Random)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// Nothing in particular.
    Normal,
    /// To read from the start to the end: the kernel reads far ahead.
    Sequential,
    /// To jump about: the kernel does not read ahead.
    Random,
    /// To need them soon: the kernel begins to read.
    WillNeed,
    /// Not to need them soon: the kernel takes their memory for others, where it can read them in again. Not those
    /// that are [locked](super::ViewOptions::lock_in_memory), nor huge pages.
    DontNeed,
    /// To have them in huge pages, where the kernel does that for this kind of file; else it has no effect.
    HugePages,
}

impl Advice {
    /// The kernel's word for it. Its own `DONTNEED` would lose what a copy-on-write view has written.
    pub(super) fn of_memory(self) -> MemoryAdvice {
        match self {
            Advice::Normal => MemoryAdvice::Normal,
            Advice::Sequential => MemoryAdvice::Sequential,
            Advice::Random => MemoryAdvice::Random,
            Advice::WillNeed => MemoryAdvice::WillNeed,
            Advice::DontNeed => MemoryAdvice::LinuxPageOut,
            Advice::HugePages => MemoryAdvice::LinuxHugepage,
        }
    }
}

impl<K: Kind> View<K> {
    /// Tells the kernel what the program intends with the view.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn advise(&self, advice: Advice) -> Result<(), Error> {
        self.advise_range(0, self.len(), advice)
    }

    /// As [`advise`](Self::advise), of a part of the view: of all pages that have something of it.
    ///
    /// # Errors
    ///
    /// As there; [`InvalidArgument`](super::ErrorKind::InvalidArgument) for a part that is not in the view.
    pub fn advise_range(&self, at: u64, count: u64, advice: Advice) -> Result<(), Error> {
        self.assert_part(at, count)?;
        match self.window().advise_range(at, count, advice.of_memory()) {
            // The documented lack of effect: a kernel without huge pages; pages that cannot go.
            Err(Errno::INVAL) if matches!(advice, Advice::HugePages | Advice::DontNeed) => Ok(()),
            done => done.map_err(|errno| self.map().os("advising the kernel", 0, errno)),
        }
    }
}

impl SharedMap {
    /// Tells the kernel what the program intends with the map, by way of this handle and its clones.
    ///
    /// [`Normal`](Advice::Normal), [`Sequential`](Advice::Sequential), [`Random`](Advice::Random) and
    /// [`HugePages`](Advice::HugePages) are for the views that are taken from now on; the last one said counts.
    /// [`WillNeed`](Advice::WillNeed) and [`DontNeed`](Advice::DontNeed) are of this moment and of the file's own
    /// pages, whether there is a view or none.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn advise(&self, advice: Advice) -> Result<(), Error> {
        let now = match advice {
            Advice::WillNeed => FileAdvice::WillNeed,
            Advice::DontNeed => FileAdvice::DontNeed,
            later => {
                *self.lock_advice() = later;
                return Ok(());
            }
        };
        // Of a length of zero it is everything from there on.
        rustix::fs::fadvise(self.file(), self.data_offset(), None, now)
            .map_err(|errno| self.os("advising the kernel", 0, errno))
    }
}
