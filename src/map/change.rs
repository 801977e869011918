//! What can change about a map while it is there: its length, its security, its seals, its name.

use std::ops::BitOr;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::fs::SealFlags;
use rustix::io::Errno;

use super::access::Rights;
use super::error::{Error, ErrorKind};
use super::length;
use super::security::{AccessControl, Before, Failure};
use super::settings::MapKind;
use super::shared::SharedMap;

/// What nobody can do any more to the memory of an anonymous map: `Seals::GROW | Seals::SEAL`. Shrinking is
/// sealed from the start.
///
/// ```
/// use ringway::map::{ErrorKind, MapOptions, Seals};
///
/// let map = MapOptions::new().capacity(100).anonymous()?;
/// map.grow(200)?;
/// map.seal(Seals::GROW | Seals::SEAL)?;
/// let error = map.grow(1 << 20).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::PermissionDenied { .. }), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seals(SealFlags);

impl Seals {
    /// To make it longer.
    pub const GROW: Seals = Seals(SealFlags::GROW);
    /// To write to it. Refused while anybody has a view that writes.
    pub const WRITE: Seals = Seals(SealFlags::WRITE);
    /// To take a view that writes; those that are there go on.
    pub const FUTURE_WRITE: Seals = Seals(SealFlags::FUTURE_WRITE);
    /// To add a seal.
    pub const SEAL: Seals = Seals(SealFlags::SEAL);
}

impl BitOr for Seals {
    type Output = Seals;

    fn bitor(self, other: Seals) -> Seals {
        Seals(self.0 | other.0)
    }
}

/// For how long signals may undo the commitment of memory.
const PATIENCE: Duration = Duration::from_secs(10);

impl SharedMap {
    /// Makes the map longer, for all its holders; the new bytes are zero. Views that are there stay as they are.
    /// Other handles see the new capacity after a [`refresh`](Self::refresh). Any number of processes may grow a map
    /// at the same time: it is then as long as the longest wanted it.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for less than it has; [`AccessDenied`](ErrorKind::AccessDenied)
    /// unless this handle may write; [`Refused`](ErrorKind::Refused) for a named map in memory and for a device;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) for memory that is [sealed](Seals::GROW) against it; want of
    /// space, and [`SizeLimit`](ErrorKind::SizeLimit). The map is then as before.
    pub fn grow(&self, capacity: u64) -> Result<(), Error> {
        let facts = self.facts();
        let what = match facts.kind {
            MapKind::Named => {
                "found a named map in memory, whose capacity is fixed, expected a file or an anonymous map"
            }
            _ if !facts.regular => "found a device, expected something with a length",
            _ => "",
        };
        if !what.is_empty() {
            let remedy = "create another map, or name a persisted one";
            return Err(self.error(ErrorKind::Refused { what, remedy }));
        }
        self.demand(Rights::WRITE, || "a map that can be written".to_owned())?;
        let _alone = self.lock_growing();
        let current = self.capacity();
        if capacity < current || isize::try_from(capacity).is_err() {
            let expected = "no less than the present capacity, and fewer than 2^63";
            let found = format!("{capacity} bytes, of a map of {current}");
            return Err(self.argument("capacity", found, expected));
        }
        let wanted = length::of_pages(capacity, facts.granularity);
        let lengthen = if facts.commit { length::extend_committed } else { length::extend };
        // Somebody may have made the file shorter.
        if capacity > current || self.file_len_now().is_some_and(|found| found < wanted) {
            lengthen(self.file(), wanted, PATIENCE).map_err(|errno| {
                let (doing, path) = ("making the map longer", &facts.path);
                length::explain(doing, self.file(), path, (wanted, PATIENCE), errno).about(facts.subject())
            })?;
        }
        self.note_capacity(capacity);
        Ok(())
    }

    /// Takes notice of a file that somebody has made longer, and returns the capacity. Views that are there stay as
    /// they are.
    ///
    /// # Errors
    ///
    /// [`Truncated`](ErrorKind::Truncated) if it has become shorter.
    pub fn refresh(&self) -> Result<u64, Error> {
        match self.file_len_now() {
            Some(found) if self.facts().kind != MapKind::Named => {
                let expected = self.capacity();
                if found < expected {
                    return Err(self.error(ErrorKind::Truncated { found, expected }));
                }
                if found > length::of_pages(expected, self.facts().granularity) {
                    self.note_capacity(found);
                }
            }
            _ => {}
        }
        Ok(self.capacity())
    }

    /// Who may have the map.
    ///
    /// # Errors
    ///
    /// [`AccessDenied`](ErrorKind::AccessDenied) without [`Rights::READ_PERMISSIONS`].
    pub fn access_control(&self) -> Result<AccessControl, Error> {
        self.demand(Rights::READ_PERMISSIONS, || "to read permissions".to_owned())?;
        AccessControl::read(self.file()).map_err(|failure| self.security_error(failure))
    }

    /// Changes who may have the map from now on; who has it keeps it.
    ///
    /// Of a persisted map with a name it is both the file and the name, save that nobody else can write to the
    /// name's page. A call that fails leaves both as they were.
    ///
    /// # Errors
    ///
    /// [`AccessDenied`](ErrorKind::AccessDenied) without [`Rights::CHANGE_PERMISSIONS`] and, if it says another
    /// owner or group, without [`Rights::TAKE_OWNERSHIP`]; [`PermissionDenied`](ErrorKind::PermissionDenied) where
    /// the operating system refuses.
    pub fn set_access_control(&self, control: &AccessControl) -> Result<(), Error> {
        control.check(self.kind()).map_err(|error| error.about(self.facts().subject()))?;
        self.demand(Rights::CHANGE_PERMISSIONS, || "to change permissions".to_owned())?;
        let before = Before::read(self.file()).map_err(|failure| self.security_error(failure))?;
        let present = &before.control;
        let kept = |wanted: Option<u32>, present| wanted.is_none() || wanted == present;
        if !kept(control.owner, present.owner) || !kept(control.group, present.group) {
            self.demand(Rights::TAKE_OWNERSHIP, || "to take ownership".to_owned())?;
        }
        let page = self.holder().filter(|_| self.kind() == MapKind::File).map(AsFd::as_fd);
        control.apply_to_both(self.file(), &before, page).map_err(|failure| self.security_error(failure))
    }

    pub(super) fn security_error(&self, (doing, errno): Failure) -> Error {
        match errno {
            Errno::OPNOTSUPP => self
                .error(ErrorKind::Unsupported { what: "support for access control lists" })
                .because(errno.into()),
            errno => self.os(doing, 0, errno),
        }
    }

    /// Takes the name away from the map, at once: its holders keep it, and the name is free for another one.
    ///
    /// # Errors
    ///
    /// [`AccessDenied`](ErrorKind::AccessDenied) without [`Rights::DELETE`]; [`Refused`](ErrorKind::Refused) for a
    /// map without a name, and in a forked child for its parent's; [`TimedOut`](ErrorKind::TimedOut) and what the operating system says.
    pub fn unlink(&self) -> Result<(), Error> {
        let Some(holder) = self.holder() else {
            let what = "found a map without a name, expected one with a name";
            return Err(
                self.error(ErrorKind::Refused { what, remedy: "drop it: it goes with its last holder" })
            );
        };
        self.demand(Rights::DELETE, || "to delete".to_owned())?;
        if !holder.is_ours() {
            let what = "found a map of the process that forked this one, expected one that was opened here";
            return Err(
                self.error(ErrorKind::Refused { what, remedy: "open it by its name in this process" })
            );
        }
        match holder.remove_name() {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.error(ErrorKind::TimedOut { waited: holder.patience() })),
            Err(errno) => Err(self.os("removing the name", 0, errno)),
        }
    }

    /// Seals the memory of an anonymous map, for all its holders and for good.
    ///
    /// # Errors
    ///
    /// [`Refused`](ErrorKind::Refused) for a map of another kind, [`PermissionDenied`](ErrorKind::PermissionDenied)
    /// after [`Seals::SEAL`], and for [`Seals::WRITE`] while a view writes:
    /// [`ResourceBusy`](std::io::ErrorKind::ResourceBusy) in the [`Os`](ErrorKind::Os) error.
    pub fn seal(&self, seals: Seals) -> Result<(), Error> {
        if self.kind() != MapKind::Anonymous {
            let what = "found a map with a name or a file, expected an anonymous one";
            return Err(self.error(ErrorKind::Refused { what, remedy: "seal anonymous maps only" }));
        }
        rustix::fs::fcntl_add_seals(self.file(), seals.0)
            .map_err(|errno| self.os("sealing the memory", 0, errno))
    }
}
