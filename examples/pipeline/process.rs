//! Processes: starting them in a role, ending them, and seeing to it that none is left behind.

use std::env;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringway::map::Namespace;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::arguments::{Role, Task};

/// A process of this program in a role. Dropping it kills it.
pub(crate) struct Process {
    pub(crate) role: Role,
    child: Child,
}

impl Process {
    /// Starts this program again, in a role.
    ///
    /// It is in a process group of its own: what the terminal sends on Ctrl-C goes to the supervisor, which
    /// sees to the others.
    pub(crate) fn start(role: Role, task: &Task) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(task.arguments(role)).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("the {role} cannot be started: {error}"))
        })?;
        Ok(Self { role, child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Kills it with SIGKILL, and waits until the kernel has let go of all that it held; false if it had
    /// ended before.
    pub(crate) fn kill(&mut self) -> io::Result<bool> {
        self.child.kill()?;
        Ok(self.child.wait()?.signal() == Some(Signal::KILL.as_raw()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only for one that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a process that was started: makes the kernel kill this process when its parent is gone, whatever ends it. False if it
/// is gone already.
pub(crate) fn die_with(parent: u32) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // One that died before that call is not noticed by it.
    Ok(getppid().is_some_and(|pid| u32::try_from(pid.as_raw_nonzero().get()) == Ok(parent)))
}

/// Removes what killed processes left in shared memory, when it is dropped.
///
/// A channel disappears with the last process that has it open, unless that one is killed: then the next
/// one to create a channel removes it, or a sweep, as here. A sweep leaves everything alone that a living
/// process has open, here and in other programs.
pub(crate) struct Sweeper;

impl Drop for Sweeper {
    fn drop(&mut self) {
        match Namespace::User.sweep() {
            Ok(report) => {
                for left in report.kept {
                    eprintln!("pipeline: {} is left: {:?}", left.entry.path.display(), left.failure);
                }
            }
            Err(error) => eprintln!("pipeline: shared memory may be left: {error}"),
        }
    }
}

/// The signals that end a run: Ctrl-C, a polite kill, and a closed terminal.
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// From now on they are noted and do nothing else.
    pub(crate) fn note() -> io::Result<Self> {
        let noted = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_usize(signal, Arc::clone(&noted), signal as usize)?;
        }
        Ok(Self(noted))
    }

    /// The latest one, if any came.
    pub(crate) fn noted(&self) -> Option<i32> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}
