//! Three that sleep, each in a process of its own, and what that costs.

use std::env;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ringway::seqlock::{self, WaitError};
use ringway::{RecvTimeoutError, SendTimeoutError, spsc};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::Result;
use crate::arguments::{Role, Task};
use crate::usage::Usage;

fn channel(run: &str, what: &str) -> spsc::Channel<u64> {
    spsc::channel(&format!("{run}-{what}")).capacity(4)
}

fn cell(run: &str) -> seqlock::Cell<u64> {
    seqlock::cell(&format!("{run}-cell"))
}

/// Starts the three, and prints what each of them says. The other ends are here.
pub(crate) fn supervise(length: Duration) -> Result<()> {
    let run = format!("park-{}", std::process::id());
    let _empty = channel(&run, "empty").sender()?;
    let _full = channel(&run, "full").receiver()?;
    let mut writer = cell(&run).writer()?;
    writer.store(1);
    println!("idle for {} s, each in a process of its own:", length.as_secs());
    let seconds = length.as_secs().to_string();
    let start = |role: Role| -> Result<Child> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["idle", "--role", role.name(), "--run", &run, "--seconds", &seconds]);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?)
    };
    let children = Role::ALL.map(start);
    for (role, child) in Role::ALL.into_iter().zip(children) {
        let (mut child, mut says) = (child?, String::new());
        child.stdout.take().ok_or("no output")?.read_to_string(&mut says)?;
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("the {} failed: {status}", role.name()).into());
        }
        print!("{says}");
    }
    Ok(())
}

/// Sleeps in one call for as long as it is told to.
pub(crate) fn sleep(task: &Task) -> Result<()> {
    // Nobody outlives the one that started it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let Task { role, run, length } = task;
    let (what, usage) = match role {
        Role::Receiver => {
            let mut receiver = channel(run, "empty").open_existing().receiver()?;
            let usage = Usage::begin()?;
            match receiver.recv_timeout(*length) {
                Err(RecvTimeoutError::Timeout) => ("receiver of an empty channel", usage),
                other => return Err(format!("expected to sleep, found {other:?}").into()),
            }
        }
        Role::Sender => {
            let mut sender = channel(run, "full").open_existing().sender()?;
            while sender.try_send(0).is_ok() {}
            let usage = Usage::begin()?;
            match sender.send_timeout(1, *length) {
                Err(SendTimeoutError::Timeout(_)) => ("sender to a full channel", usage),
                other => return Err(format!("expected to sleep, found {other:?}").into()),
            }
        }
        Role::Reader => {
            let (reader, mut seen) = (cell(run).open_existing().reader()?, 1);
            let usage = Usage::begin()?;
            match reader.wait_newer(&mut seen, *length) {
                Err(WaitError::Timeout) => ("reader of a cell", usage),
                other => return Err(format!("expected to sleep, found {other:?}").into()),
            }
        }
    };
    let (percent, switches) = (usage.percent(), usage.switches()?);
    println!("  {what:<30} {percent:.2} % CPU, {switches} voluntary context switches");
    Ok(())
}
