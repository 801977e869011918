//! What this process has used of the processor: by the kernel's own account.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// From an instant on.
pub(crate) struct Usage {
    start: Instant,
    cpu: Duration,
    switches: u64,
}

impl Usage {
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self { start: Instant::now(), cpu: cpu(), switches: switches()? })
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Time on a processor, in the program and in the kernel.
    pub(crate) fn cpu(&self) -> Duration {
        cpu() - self.cpu
    }

    /// The same, of the time that has passed.
    pub(crate) fn percent(&self) -> f64 {
        100.0 * self.cpu().as_secs_f64() / self.elapsed().as_secs_f64()
    }

    /// How often it has gone to sleep.
    pub(crate) fn switches(&self) -> Result<u64> {
        Ok(switches()? - self.switches)
    }
}

/// What `getrusage` counts as well, but in nanoseconds.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The voluntary context switches of this process, which has one thread.
fn switches() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    Ok(line.ok_or("the kernel does not count context switches")?.trim().parse()?)
}
