//! Taking a role that one has at a time.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::Error;
use crate::protocol::roster::{self, Before, Identity, Lock, Presence, Record};
use crate::segment::now;

/// A role or a place whose holder seems to live is tried for this long: a peer that is just proving the holder's death has
/// the lock for some microseconds.
const ROLE_PATIENCE: Duration = Duration::from_millis(50);

/// One that somebody has is tried for this long if its record says that nobody is there, since its next holder is about
/// to say who it is; and if the process that it names does not run here, since the kernel may be about to let go of what
/// that one had. It does so when the last who looks into its memory is done, as a reader of `/proc/PID/cmdline` is.
pub(super) const NAME_PATIENCE: Duration = Duration::from_secs(1);

/// Who this is: for people.
pub(super) fn me() -> Identity {
    Identity { pid: std::process::id().into(), since: now() }
}

/// Takes the role, from a dead holder too; its incarnation, and what became of the holder before.
///
/// # Errors
///
/// As [`lock`].
pub(super) fn take(
    record: &Record,
    lock: &impl Lock,
    channel: &str,
    role: &'static str,
    me: Identity,
) -> Result<(u64, Before), Error> {
    self::lock(record, lock, channel, role)?;
    Ok(roster::enter(record, me))
}

/// Takes the lock of the role, and nothing more.
///
/// # Errors
///
/// [`Error::RoleTaken`] or [`Error::RoleBusy`], with the names of the channel and of the role.
pub(super) fn lock(
    record: &Record,
    lock: &impl Lock,
    channel: &str,
    role: &'static str,
) -> Result<(), Error> {
    let start = Instant::now();
    while !roster::take_lock(lock) {
        let (named, waited) = (roster::glance(record) == Presence::Live, start.elapsed());
        let (channel, pid) = (channel.to_owned(), roster::identity(record).pid);
        if named && is_over(waited, [record]) {
            return Err(Error::RoleTaken { channel, role, pid });
        }
        if waited >= NAME_PATIENCE {
            return Err(Error::RoleBusy { channel, role });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Whether it has been tried for long enough to get one of these records, all of which others have.
pub(super) fn is_over<'a>(waited: Duration, records: impl IntoIterator<Item = &'a Record>) -> bool {
    // Before that the kernel need not be asked.
    waited >= ROLE_PATIENCE && waited >= patience(records)
}

/// How long to try.
fn patience<'a>(records: impl IntoIterator<Item = &'a Record>) -> Duration {
    let has_ended = |record| roster::glance(record) == Presence::Live && !runs(roster::identity(record).pid);
    if records.into_iter().any(has_ended) { NAME_PATIENCE } else { ROLE_PATIENCE }
}

/// Whether a process with that id runs here, as far as can be told: one of another pid namespace has its id there. No proof
/// of a death, only a reason to be patient.
fn runs(pid: u64) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    match pidfd_open(pid, PidfdFlags::empty()) {
        // Of one that has ended, and was not waited for yet, it can be read.
        Ok(process) => {
            let ended = &mut [PollFd::new(&process, PollFlags::IN)];
            poll(ended, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
        }
        Err(error) => error != Errno::SRCH,
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use rustix::process::{WaitId, WaitIdOptions, waitid};

    use super::*;

    /// A lock that another has for that long after it was made.
    struct HeldFor(Instant, Duration);

    impl Lock for HeldFor {
        fn try_lock(&self) -> bool {
            self.0.elapsed() >= self.1
        }

        fn is_held(&self) -> bool {
            !self.try_lock()
        }

        fn unlock(&self) {}
    }

    /// The record of a holder with that process id.
    fn record_of(pid: u64) -> Record {
        let record = Record::default();
        roster::enter(&record, Identity { pid, since: now() });
        record
    }

    fn lock_for(pid: u64, held: Duration) -> Result<(), Error> {
        lock(&record_of(pid), &HeldFor(Instant::now(), held), "channel", "sender")
    }

    /// A process that has ended, and that nobody has waited for.
    fn dead() -> Child {
        let child = Command::new("true").spawn().expect("a program that every system has");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("a child");
        child
    }

    #[test]
    fn a_role_is_waited_for_that_the_kernel_has_not_taken_from_a_dead_process_yet() {
        let mut child = dead();
        let pid = child.id().into();
        lock_for(pid, 4 * ROLE_PATIENCE).expect("in time");
        child.wait().expect("a child");
        lock_for(pid, 4 * ROLE_PATIENCE).expect("in time");
    }

    #[test]
    fn a_role_is_not_waited_for_longer_than_a_second_whoever_has_it() {
        let mut child = dead();
        let pid = child.id().into();
        let started = Instant::now();
        let error = lock_for(pid, Duration::MAX).expect_err("it is never free");
        child.wait().expect("a child");
        assert!(matches!(error, Error::RoleTaken { pid: named, .. } if named == pid), "{error}");
        assert!(started.elapsed() >= NAME_PATIENCE);
    }

    #[test]
    fn one_dead_process_among_many_is_a_reason_to_be_patient_and_one_that_left_is_none() {
        let (mut child, me) = (dead(), std::process::id().into());
        let [living, ended, left] = [me, child.id().into(), child.id().into()].map(record_of);
        roster::detach(&left, &HeldFor(Instant::now(), Duration::ZERO), 1, now());
        assert_eq!(patience([&living, &ended]), NAME_PATIENCE);
        assert_eq!(patience([&living, &left]), ROLE_PATIENCE);
        assert_eq!(patience([]), ROLE_PATIENCE);
        child.wait().expect("a child");
    }

    #[test]
    fn a_process_runs_until_it_has_ended_whether_or_not_it_was_waited_for() {
        let mut child = dead();
        let pid = child.id().into();
        assert!(!runs(pid), "ended");
        child.wait().expect("a child");
        assert!(!runs(pid), "waited for");
        assert!(runs(std::process::id().into()), "this one");
        // The word is another's: whatever it is, it is no process.
        assert!([0, 1 << 31, u64::MAX].into_iter().all(|pid| !runs(pid)));
    }
}
