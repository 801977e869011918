//! The kinds of views, as types: what a kind cannot do does not compile.

use super::access::Access;

/// What a [`View`](super::View) may do, as a type.
pub trait Kind: Copy + sealed::Sealed {
    /// The same as a value.
    fn access(&self) -> Access;
}

/// Kinds whose bytes can be read. [`AnyAccess`] is one, and finds out when it is asked.
#[diagnostic::on_unimplemented(
    message = "a view of kind `{Self}` cannot be read",
    note = "take a view with `.read_only()`, `.read_write()` or another kind that reads"
)]
pub trait Readable: Kind {}

/// Kinds whose bytes can be written. [`AnyAccess`] is one, and finds out when it is asked.
#[diagnostic::on_unimplemented(
    message = "a view of kind `{Self}` cannot be written to",
    note = "take a view with `.read_write()`, `.copy_on_write()` or another kind that writes"
)]
pub trait Writable: Kind {}

/// Reads.
#[derive(Debug, Clone, Copy)]
pub struct ReadOnly;
/// Writes.
#[derive(Debug, Clone, Copy)]
pub struct WriteOnly;
/// Reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct ReadWrite;
/// Reads, and writes to private copies.
#[derive(Debug, Clone, Copy)]
pub struct CopyOnWrite;
/// Reads and executes.
#[derive(Debug, Clone, Copy)]
pub struct ReadExecute;
/// Reads, writes and executes.
#[derive(Debug, Clone, Copy)]
pub struct ReadWriteExecute;
/// What was chosen when the program ran: its calls check the direction, and refuse the wrong one.
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
