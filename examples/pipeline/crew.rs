//! The workers: starting them, killing one at random again and again, and replacing the dead.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::arguments::{Role, Task};
use crate::process::Process;
use crate::report;
use crate::supervisor::Failure;

/// Workers that die of themselves are replaced, so many at most.
const SUCCESSORS: u64 = 100;

pub(crate) struct Crew<'a> {
    task: &'a Task,
    workers: Vec<Process>,
    kill_every: Option<Duration>,
    kill_at: Instant,
    /// Killed by this program.
    pub(crate) killed: u64,
    /// Killed by somebody else.
    pub(crate) died: u64,
}

impl<'a> Crew<'a> {
    pub(crate) fn start(task: &'a Task, count: usize, kill_every: Option<Duration>) -> io::Result<Self> {
        let workers =
            (0..count).map(|slot| Process::start(Role::Worker(slot), task)).collect::<io::Result<_>>()?;
        let kill_at = Instant::now() + kill_every.unwrap_or_default();
        Ok(Self { task, workers, kill_every, kill_at, killed: 0, died: 0 })
    }

    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.workers.iter().map(Process::pid)
    }

    /// Kills a worker if it is time to, and starts another at once.
    pub(crate) fn storm(&mut self) -> io::Result<()> {
        let Some(interval) = self.kill_every.filter(|_| Instant::now() >= self.kill_at) else {
            return Ok(());
        };
        self.kill_at = Instant::now() + interval;
        let random = RandomState::new().hash_one(self.killed);
        let victim = random as usize % self.workers.len();
        // One that had ended before has seen the end of the work.
        if self.workers[victim].kill()? {
            self.killed += 1;
            self.workers[victim] = Process::start(Role::Worker(victim), self.task)?;
        }
        Ok(())
    }

    /// Replaces the workers that somebody else killed; says how one failed, if any did.
    pub(crate) fn look(&mut self, out: &mut dyn Write) -> io::Result<Option<Failure>> {
        for (slot, worker) in self.workers.iter_mut().enumerate() {
            let Some(status) = worker.ended()? else { continue };
            let dead = worker.pid();
            if status.signal().is_some() && self.died < SUCCESSORS {
                *worker = Process::start(Role::Worker(slot), self.task)?;
                self.died += 1;
                report::replaced(dead, worker.pid(), out)?;
            } else if !status.success() {
                return Ok(Some(Failure::early(worker, status)));
            }
        }
        Ok(None)
    }

    /// Whether all have ended: each saw the end of the work.
    pub(crate) fn are_done(&mut self) -> io::Result<bool> {
        for worker in &mut self.workers {
            if worker.ended()?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All of them, whoever started them.
    pub(crate) fn into_workers(self) -> Vec<Process> {
        self.workers
    }
}
