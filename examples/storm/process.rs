//! Processes: starting them in a role, ending them, and seeing to it that none is left behind.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ringway::map::Namespace;
use rustix::fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, memfd_create};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getppid, kill_process, set_parent_process_death_signal, waitid,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::arguments::{Role, Task};
use crate::message::Mark;

/// Bytes that a receiver's pipe holds: some milliseconds of notes.
pub(crate) const PIPE: usize = 1 << 20;

/// A process of this program in a role. Dropping it kills it.
pub(crate) struct Worker {
    pub(crate) role: Role,
    /// As in its [`Task`].
    pub(crate) number: u32,
    /// As in its task.
    pub(crate) batches: bool,
    child: Child,
}

impl Worker {
    /// Starts this program again, in a role, with that for its standard output.
    ///
    /// It is in a process group of its own: what the terminal sends on Ctrl-C goes to the supervisor, which
    /// sees to its workers.
    fn start(task: &Task, output: Stdio) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(task.arguments()).process_group(0).stdin(Stdio::null()).stdout(output);
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("a {} cannot be started: {error}", task.role))
        })?;
        Ok(Self { role: task.role, number: task.number, batches: task.batches, child })
    }

    /// Starts the observer.
    pub(crate) fn observer(task: &Task) -> io::Result<Self> {
        Self::start(task, Stdio::null())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends it SIGKILL. It is dead when [`wait`](Self::wait) returns.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }

    /// Stops it where it stands. It runs no further when [`stopped`](Self::stopped) returns.
    pub(crate) fn stop(&self) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// Has one that is stopped go on.
    pub(crate) fn go_on(&self) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Waits until it is stopped, or has ended.
    pub(crate) fn stopped(&self) -> io::Result<()> {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.child)), options)?;
        Ok(())
    }

    /// What is in its memory at an address.
    pub(crate) fn memory(&self, address: u64, bytes: &mut [u8]) -> io::Result<()> {
        let path = format!("/proc/{}/mem", self.pid());
        let read = File::open(&path).and_then(|memory| memory.read_exact_at(bytes, address));
        read.map_err(|error| {
            let text = format!("{path} cannot be read: {error}; --no-batches does without");
            io::Error::new(error.kind(), text)
        })
    }

    /// Asks it to end.
    pub(crate) fn tell_to_end(&self) -> io::Result<()> {
        match kill_process(Pid::from_child(&self.child), Signal::TERM) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// How it ended, once the kernel has let go of all that it held.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// What it is at, as the kernel has it.
    pub(crate) fn state(&self) -> String {
        let read =
            |what: &str| fs::read_to_string(format!("/proc/{}/{what}", self.pid())).unwrap_or_default();
        let stat = read("stat");
        // After the name, which may hold anything.
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
        let (state, at) = (state.unwrap_or("gone"), read("wchan"));
        format!("{} {} (process {}): state {state}, waits in `{at}`", self.role, self.number, self.pid())
    }

    /// Bytes of memory that it has now.
    pub(crate) fn resident(&self) -> u64 {
        resident(&self.pid().to_string())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It fails only for one that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of memory that a process has now, or `self`.
pub(crate) fn resident(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// What a sender has written down: a file in memory, which outlives it.
pub(crate) struct Marks(File);

impl Marks {
    /// How far the sender is. One that lives may be writing: the same twice is whole.
    pub(crate) fn read(&self) -> io::Result<Mark> {
        let once = || {
            let mut bytes = [0; Mark::BYTES];
            self.0.read_exact_at(&mut bytes, 0).map(|()| Mark::of_bytes(bytes))
        };
        let mut mark = once()?;
        loop {
            let again = once()?;
            if again == mark {
                return Ok(mark);
            }
            mark = again;
        }
    }
}

/// Starts a sender.
pub(crate) fn sender(task: &Task) -> io::Result<(Worker, Marks)> {
    let file = File::from(memfd_create("storm-marks", MemfdFlags::CLOEXEC)?);
    file.write_all_at(&Mark::default().to_bytes(), 0)?;
    let worker = Worker::start(task, Stdio::from(file.try_clone()?))?;
    Ok((worker, Marks(file)))
}

/// What a receiver says: a pipe, which keeps what was written when its writer is dead.
pub(crate) struct Notes(ChildStdout);

impl Notes {
    /// The bytes that are there; none, if there are none now; `None` after the last one.
    pub(crate) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        match self.0.read(buffer) {
            Ok(0) => Ok(None),
            Ok(count) => Ok(Some(&buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(&[])),
            Err(error) => Err(error),
        }
    }
}

/// Starts a receiver.
pub(crate) fn receiver(task: &Task) -> io::Result<(Worker, Notes)> {
    let mut worker = Worker::start(task, Stdio::piped())?;
    let Some(pipe) = worker.child.stdout.take() else {
        return Err(io::Error::other("a receiver was started without its pipe"));
    };
    // A smaller one does as well: receivers then wait for the supervisor now and then.
    let _ = fcntl_setpipe_size(&pipe, PIPE);
    fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
    Ok((worker, Notes(pipe)))
}

/// In a worker: makes the kernel kill this process when its parent is gone, whatever ends it. False if it
/// is gone already.
pub(crate) fn die_with(parent: u32) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // One that died before that call is not noticed by it.
    Ok(getppid().is_some_and(|pid| u32::try_from(pid.as_raw_nonzero().get()) == Ok(parent)))
}

/// In a worker: whether it was told to end.
pub(crate) struct Told(Arc<AtomicBool>);

impl Told {
    pub(crate) fn listen() -> io::Result<Self> {
        let told = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, Arc::clone(&told))?;
        Ok(Self(told))
    }

    pub(crate) fn to_end(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Removes what killed workers left in shared memory, when it is dropped.
pub(crate) struct Sweeper;

impl Drop for Sweeper {
    fn drop(&mut self) {
        match Namespace::User.sweep() {
            Ok(report) => {
                for left in report.kept {
                    eprintln!("storm: {} is left: {:?}", left.entry.path.display(), left.failure);
                }
            }
            Err(error) => eprintln!("storm: shared memory may be left: {error}"),
        }
    }
}

/// The signals that end a storm: Ctrl-C, a polite kill, and a closed terminal.
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

    /// The latest one, if any came since it was asked last.
    pub(crate) fn take(&self) -> Option<i32> {
        match self.0.swap(0, Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}
