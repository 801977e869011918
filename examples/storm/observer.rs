//! The observer: comes and goes all the time, on either side, and never sends or takes a message. It is not killed.

use std::error::Error;
use std::thread;
use std::time::Duration;

use ringway::channel::{Channel, Kind};
use ringway::map::MapOptions;

use crate::arguments::Task;
use crate::message::Parcel;
use crate::process::Told;

/// Between two visits.
const PAUSE: Duration = Duration::from_millis(10);

/// Comes and goes until it is told to end. That it cannot come in is a failure.
pub(crate) fn run<K: Kind>(channel: Channel<Parcel, K>, task: &Task) -> Result<(), Box<dyn Error>> {
    let told = Told::listen()?;
    let _map = MapOptions::new().open(&task.run)?;
    let channel = channel.open_existing();
    while !told.to_end() {
        // The only place of a sole side is taken.
        let tx = task.kind.shared_senders().then(|| channel.clone().sender()).transpose()?;
        let rx = task.kind.shared_receivers().then(|| channel.clone().receiver()).transpose()?;
        drop((tx, rx));
        thread::sleep(PAUSE);
    }
    Ok(())
}
