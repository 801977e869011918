//! `ringway show`.

mod json;
mod people;
mod text;

use std::io::Write;

use ringway::channel::OnReceiverDeath;
use ringway::inspect::Observer;
use ringway::map::MapState;

use crate::args::Args;
use crate::output::{Failure, Outcome, observe};

/// Shows one channel.
pub(crate) fn run(args: &Args, name: &str, out: &mut impl Write) -> Result<Outcome, Failure> {
    let observer = observe(&args.namespaces(), name)?;
    let snapshot = observer.snapshot();
    if args.json {
        json::write(&observer, &snapshot, out)?;
    } else {
        text::write(&observer, &snapshot, out)?;
    }
    Ok(Outcome::Fine)
}

fn state(observer: &Observer) -> Result<&'static str, Failure> {
    let state = observer.state().map_err(Failure::Channel)?;
    Ok(if state == MapState::Live { "live" } else { "leftover" })
}

fn on_death(choice: OnReceiverDeath) -> &'static str {
    match choice {
        OnReceiverDeath::Redeliver => "redeliver",
        OnReceiverDeath::Discard => "discard",
    }
}
