//! The role of a cell's writer, for as long as its handle lives.

use std::sync::Arc;

use crate::Error;
use crate::channel::member::WRITER;
use crate::channel::open;
use crate::channel::role;
use crate::channel::trace::{self, Told};
use crate::map::ForkGuard;
use crate::protocol::roster::{self, Before, Lock as _, Locks as _, Predecessor, Side};
use crate::segment::{HeldCell, Kind, Locks, now};
use crate::wait::Bell;

/// What errors call the cell.
pub(super) fn name(cell: &HeldCell) -> String {
    let (name, kind) = (open::name(cell.segment()), cell.segment().kind());
    if kind == Kind::Cell { name.to_owned() } else { format!("{name}[{}]", cell.index()) }
}

/// The lock of a cell's role, and nothing more: nobody can tell that its owner is there, and its record is as it was.
/// Dropping it gives the lock back.
#[derive(Debug)]
pub(super) struct Claim {
    cell: HeldCell,
    /// As this participant's description of the file has them; of a table shared by the writers of different cells.
    locks: Arc<Locks>,
    /// The process that has the lock: a forked child inherits the handle, but not the memory.
    owner: ForkGuard,
    /// Whether the lock is to be given back when this is dropped.
    is_held: bool,
}

impl Claim {
    /// Takes the lock. Nobody else takes this cell's by these locks.
    ///
    /// # Errors
    ///
    /// If somebody has it.
    pub(super) fn new(cell: HeldCell, locks: Arc<Locks>) -> Result<Self, Error> {
        role::lock(cell.record(), &locks.lock(Side::Sending, cell.index()), &name(&cell), WRITER)?;
        Ok(Self { cell, locks, owner: ForkGuard::new(), is_held: true })
    }

    /// As [`new`](Self::new), but tries once only; `None` if somebody has it.
    pub(super) fn try_new(cell: HeldCell, locks: Arc<Locks>) -> Option<Self> {
        let taken = roster::take_lock(&locks.lock(Side::Sending, cell.index()));
        taken.then(|| Self { cell, locks, owner: ForkGuard::new(), is_held: true })
    }

    /// Takes the role.
    pub(super) fn enter(mut self) -> Holder {
        self.is_held = false;
        let (cell, locks, owner) = (self.cell.clone(), Arc::clone(&self.locks), self.owner);
        let bell = Bell::new(cell.segment().parking());
        let (incarnation, Before { predecessor, found_dead }) = roster::enter(cell.record(), role::me());
        let holder = Holder { cell, locks, incarnation, predecessor, bell, owner };
        holder.ring();
        found_dead.iter().for_each(|pid| holder.tell(Told::Died(*pid)));
        holder.tell(Told::Attached(predecessor));
        holder
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_held && self.owner.is_ours() {
            self.locks.lock(Side::Sending, self.cell.index()).unlock();
        }
    }
}

/// One that has the role of a cell's writer. Dropping it leaves.
#[derive(Debug)]
pub(super) struct Holder {
    cell: HeldCell,
    locks: Arc<Locks>,
    incarnation: u64,
    predecessor: Predecessor,
    bell: Bell,
    owner: ForkGuard,
}

impl Holder {
    #[inline]
    pub(super) fn cell(&self) -> &HeldCell {
        &self.cell
    }

    /// Wakes readers that sleep: there is a newer value, or the writer came or went.
    #[inline(always)]
    pub(super) fn ring(&self) {
        self.bell.ring(&self.cell.record().gate);
    }

    fn tell(&self, what: Told) {
        trace::tell(self.cell.segment(), Side::Sending, self.cell.index(), what);
    }

    /// How the one that had the role before ended.
    pub(super) fn predecessor(&self) -> Predecessor {
        self.predecessor
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if self.owner.is_ours() {
            let lock = self.locks.lock(Side::Sending, self.cell.index());
            roster::detach(self.cell.record(), &lock, self.incarnation, now());
            self.ring();
            self.tell(Told::Left);
        }
    }
}
