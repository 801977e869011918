//! A view as a stream.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::access_error::AccessError;
use super::error::Error;
use super::kinds::{AnyAccess, Kind, ReadWrite, Readable, Writable};
use super::view::View;

/// A view with a position, as `Read + Write + Seek`.
///
/// Its length is the view's and never changes. The position may go beyond the end; there a read finds the end,
/// and a write has no room. As with std's fixed buffers a write that crosses the end is short, and
/// [`write_all`](Write::write_all) then fails having written a part; [`try_write_all`](Self::try_write_all) writes
/// all or nothing.
///
/// `flush` is that of the view: it makes sure of the disk. There is no `BufRead`, since its buffer would have to
/// be shared bytes: wrap the stream in a `BufReader`, which copies them.
///
/// ```
/// use std::io::{Read, Seek, SeekFrom, Write};
///
/// let map = ringway::map::MapOptions::new().capacity(10).anonymous()?;
/// let mut stream = map.stream()?;
/// stream.write_all(b"one two")?;
/// stream.seek(SeekFrom::Start(4))?;
/// let mut word = String::new();
/// stream.take(3).read_to_string(&mut word)?;
/// assert_eq!(word, "two");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamView<K: Kind = ReadWrite> {
    view: View<K>,
    position: u64,
}

/// A stream whose access was chosen when the program ran.
pub type AnyStream = StreamView<AnyAccess>;

impl<K: Kind> StreamView<K> {
    pub(super) fn new(view: View<K>) -> StreamView<K> {
        StreamView { view, position: 0 }
    }

    /// The bytes from start to end.
    pub fn len(&self) -> u64 {
        self.view.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.view.is_empty()
    }

    /// Where the next read or write begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Moves to a position, which may be beyond the end.
    pub fn set_position(&mut self, position: u64) {
        self.position = position;
    }

    /// The view.
    pub fn view(&self) -> &View<K> {
        &self.view
    }

    /// The view, without the position.
    pub fn into_view(self) -> View<K> {
        self.view
    }

    /// Unmaps the view; see [`View::close`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn close(self) -> Result<(), Error> {
        self.view.close()
    }

    fn room(&self) -> usize {
        usize::try_from(self.len().saturating_sub(self.position)).unwrap_or(usize::MAX)
    }
}

impl<K: Writable> StreamView<K> {
    /// Writes all of the bytes, or, if there is no room for all, none: then the position stays.
    ///
    /// ```
    /// let map = ringway::map::MapOptions::new().capacity(4).anonymous()?;
    /// let mut stream = map.stream()?;
    /// assert!(stream.try_write_all(b"hello").is_err(), "there is no room, so nothing is written");
    /// stream.set_position(1);
    /// stream.try_write_all(b"you")?;
    /// assert_eq!(stream.into_view().read::<[u8; 4]>(0)?, *b"\0you");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] where there is no room; those of bytes that are lost.
    pub fn try_write_all(&mut self, bytes: &[u8]) -> Result<(), AccessError> {
        if bytes.is_empty() {
            return self.view.to_write().map(drop);
        }
        self.view.write_all_at(self.position, bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl<K: Readable> Read for StreamView<K> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let window = self.view.to_read()?;
        let count = into.len().min(self.room());
        if count > 0 {
            window.load(self.position, &mut into[..count])?;
            self.position += count as u64;
        }
        Ok(count)
    }
}

impl<K: Writable> Write for StreamView<K> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let window = self.view.to_write()?;
        let count = from.len().min(self.room());
        if count > 0 {
            window.store(self.position, &from[..count])?;
            self.position += count as u64;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.view.flush()?)
    }
}

impl<K: Kind> Seek for StreamView<K> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(position) => {
                self.position = position;
                return Ok(position);
            }
            SeekFrom::End(by) => (self.len(), by),
            SeekFrom::Current(by) => (self.position, by),
        };
        self.position = from.checked_add_signed(by).ok_or_else(|| {
            let text = format!(
                "found a seek by {by} from position {from}, expected one that ends at 0 or later; seek less far"
            );
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?;
        Ok(self.position)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position)
    }
}

impl<K: Kind> fmt::Debug for StreamView<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamView").field("position", &self.position).field("view", &self.view).finish()
    }
}
