//! The kinds of views, as types: what a kind cannot do does not compile.

use super::access::Access;

/// What a [`View`](super::View) may do, as a type.
///
/// ```
/// use ringway::map::{Access, Kind, View};
///
/// fn is_private<K: Kind>(view: &View<K>) -> bool {
///     view.access() == Access::CopyOnWrite
/// }
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// assert!(is_private(&map.view(..).copy_on_write().accessor()?));
/// assert!(!is_private(&map.view(..).access(Access::Read).accessor()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Kind: Copy + sealed::Sealed {
    /// The same as a value.
    fn access(&self) -> Access;
}

/// Kinds whose bytes can be read. [`AnyAccess`] is one, and finds out when it is asked.
///
/// ```
/// use ringway::map::{AccessError, Readable, View};
///
/// fn first<K: Readable>(view: &View<K>) -> Result<u8, AccessError> {
///     view.read(0)
/// }
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// assert_eq!(first(&map.view(..).read_only().accessor()?)?, 0);
/// assert_eq!(first(&map.accessor()?)?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a view of kind `{Self}` cannot be read",
    note = "take a view with `.read_only()`, `.read_write()` or another kind that reads"
)]
pub trait Readable: Kind {}

/// Kinds whose bytes can be written. [`AnyAccess`] is one, and finds out when it is asked.
///
/// ```
/// use ringway::map::{AccessError, View, Writable};
///
/// fn clear<K: Writable>(view: &View<K>) -> Result<(), AccessError> {
///     view.write_all_at(0, &vec![0; view.len() as usize])
/// }
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// clear(&map.view(50..).write_only().accessor()?)?;
/// clear(&map.accessor()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a view of kind `{Self}` cannot be written to",
    note = "take a view with `.read_write()`, `.copy_on_write()` or another kind that writes"
)]
pub trait Writable: Kind {}

/// Reads.
///
/// ```
/// use ringway::map::{ReadOnly, View};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let view: View<ReadOnly> = map.view(..).read_only().accessor()?;
/// assert_eq!(view.read::<u8>(0)?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To write to it does not compile:
///
/// ```compile_fail
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// map.view(..).read_only().accessor()?.write(0, &1_u8)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ReadOnly;
/// Writes.
///
/// ```
/// use ringway::map::{View, WriteOnly};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let view: View<WriteOnly> = map.view(..).write_only().accessor()?;
/// view.write(0, &1_u8)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WriteOnly;
/// Reads and writes.
///
/// ```
/// use ringway::map::{ReadWrite, View};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let view: View<ReadWrite> = map.view(..).read_write().accessor()?; // as `map.accessor()`
/// view.write(0, &1_u8)?;
/// assert_eq!(view.read::<u8>(0)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ReadWrite;
/// Reads, and writes to private copies.
///
/// ```
/// use ringway::map::{CopyOnWrite, View};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let view: View<CopyOnWrite> = map.view(..).copy_on_write().accessor()?;
/// view.write(0, &1_u8)?;
/// assert_eq!((view.read::<u8>(0)?, map.accessor()?.read::<u8>(0)?), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CopyOnWrite;
/// Reads and executes.
///
/// ```
/// use ringway::map::{ErrorKind, ReadExecute, View};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let view: Result<View<ReadExecute>, _> = map.view(..).read_execute().accessor();
/// let error = view.unwrap_err(); // the map has to be made with an access that executes
/// assert!(matches!(error.kind(), ErrorKind::AccessDenied { .. }), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ReadExecute;
/// Reads, writes and executes.
///
/// ```
/// use ringway::map::{ErrorKind, ReadWriteExecute, View};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let view: Result<View<ReadWriteExecute>, _> = map.view(..).read_write_execute().accessor();
/// let error = view.unwrap_err(); // the map has to be made with an access that executes
/// assert!(matches!(error.kind(), ErrorKind::AccessDenied { .. }), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ReadWriteExecute;
/// What was chosen when the program ran: its calls check the direction, and refuse the wrong one.
///
/// ```
/// use ringway::map::{Access, AccessError, AnyAccess, View};
/// # let map = ringway::map::MapOptions::new().capacity(100).anonymous()?;
/// let chosen_late = Access::Read;
/// let view: View<AnyAccess> = map.view(..).access(chosen_late).accessor()?;
/// assert_eq!(view.read::<u8>(0)?, 0);
/// let refused = view.write(0, &1_u8);
/// assert_eq!(refused, Err(AccessError::Direction { wanted: "write", access: Access::Read }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AnyAccess(pub(super) Access);

impl Kind for ReadOnly {
    fn access(&self) -> Access {
        Access::Read
    }
}
impl Kind for WriteOnly {
    fn access(&self) -> Access {
        Access::Write
    }
}
impl Kind for ReadWrite {
    fn access(&self) -> Access {
        Access::ReadWrite
    }
}
impl Kind for CopyOnWrite {
    fn access(&self) -> Access {
        Access::CopyOnWrite
    }
}
impl Kind for ReadExecute {
    fn access(&self) -> Access {
        Access::ReadExecute
    }
}
impl Kind for ReadWriteExecute {
    fn access(&self) -> Access {
        Access::ReadWriteExecute
    }
}
impl Kind for AnyAccess {
    fn access(&self) -> Access {
        self.0
    }
}

impl Readable for ReadOnly {}
impl Readable for ReadWrite {}
impl Readable for CopyOnWrite {}
impl Readable for ReadExecute {}
impl Readable for ReadWriteExecute {}
impl Readable for AnyAccess {}

impl Writable for WriteOnly {}
impl Writable for ReadWrite {}
impl Writable for CopyOnWrite {}
impl Writable for ReadWriteExecute {}
impl Writable for AnyAccess {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ReadOnly {}
    impl Sealed for super::WriteOnly {}
    impl Sealed for super::ReadWrite {}
    impl Sealed for super::CopyOnWrite {}
    impl Sealed for super::ReadExecute {}
    impl Sealed for super::ReadWriteExecute {}
    impl Sealed for super::AnyAccess {}
}
