#![doc = include_str!("../../docs/mapping.md")]

mod access;
mod access_error;
mod accessor;
mod advice;
mod anonymous;
mod candidate;
mod change;
mod copy;
mod directory;
mod error;
mod error_text;
mod fault;
mod file;
mod fork;
mod header;
mod heap;
mod kinds;
mod length;
mod named;
mod namespace;
mod observed;
mod options;
mod passing;
mod reclaim;
mod region;
mod registered;
mod security;
mod settings;
mod share;
mod shared;
mod signal;
mod stream;
mod sweep;
mod sys;
mod view;
mod view_options;
mod window;

#[cfg(test)]
mod tests;

pub use access::{Access, Rights};
pub use access_error::AccessError;
pub use advice::Advice;
pub use change::Seals;
pub use error::{Error, ErrorKind};
pub use kinds::{
    AnyAccess, CopyOnWrite, Kind, ReadExecute, ReadOnly, ReadWrite, ReadWriteExecute, Readable, Writable,
    WriteOnly,
};
pub use namespace::Namespace;
pub use options::{Disposition, MapOptions};
pub use security::{AccessControl, AclEntry, Grantee};
pub use settings::{Allocation, FileMode, HugePages, MapKind, RequiredCapacity, Share};
pub use shared::SharedMap;
pub use stream::{AnyStream, StreamView};
pub use sweep::{Leftover, MapEntry, MapState, SweepReport};
pub use view::{AnyView, View};
pub use view_options::ViewOptions;

pub(crate) use error_text::shown;
pub(crate) use fork::ForkGuard;
#[cfg(test)]
pub(crate) use fork::{in_a_child, in_a_child_with_pid_one, tells_children_apart};
pub(crate) use heap::HeapRegion;
pub(crate) use observed::Observed;
pub(crate) use region::Region;
pub(crate) use sys::ByteLock;
#[cfg(test)]
pub(crate) use sys::lock_shared;
