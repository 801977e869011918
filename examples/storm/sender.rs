//! A sender: sends numbers, in every way there is, and writes down how far it is.

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use ringway::channel::{Channel, Kind, Sender};
use ringway::{Broken, SendError, SendTimeoutError, TrySendError};

use crate::arguments::Task;
use crate::message::{BATCH, Mark, Parcel, Random};
use crate::process::Told;

/// How long to wait in the calls that wait for a time.
const PATIENCE: Duration = Duration::from_millis(2);

/// Sends until it is told to end.
pub(crate) fn run<K: Kind>(channel: Channel<Parcel, K>, task: &Task) -> Result<(), Box<dyn Error>> {
    let told = Told::listen()?;
    let tx = channel.sender()?;
    let marks = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let random = Random::new(task.number.into());
    let mut sender = Storm { tx, marks, number: task.number, sent: 0, random, batch: Vec::new() };
    while !told.to_end() {
        sender.step()?;
    }
    // Nothing is under way any more.
    sender.begin(0)?;
    Ok(())
}

struct Storm<K: Kind> {
    tx: Sender<Parcel, K>,
    /// Survives this process.
    marks: File,
    number: u32,
    /// So many are sent: the number of the next one.
    sent: u64,
    random: Random,
    batch: Vec<Parcel>,
}

/// What a call came to: so many messages were sent, and perhaps there is nobody to receive more.
enum Sent {
    All(u64),
    NobodyThere(u64),
}

impl<K: Kind> Storm<K> {
    /// Writes down that so many messages are going to be sent: before they are, so that there is no moment at which
    /// more may be published than is written down.
    fn begin(&self, count: u64) -> io::Result<()> {
        // Within a page: a process that is killed has written all of it or nothing.
        self.marks.write_all_at(&Mark { sent: self.sent, begun: self.sent + count }.to_bytes(), 0)
    }

    /// One call of one form.
    fn step(&mut self) -> Result<(), Box<dyn Error>> {
        let form = self.random.below(9);
        let count = if (3..6).contains(&form) { 1 + self.random.below(BATCH) } else { 1 };
        self.begin(count)?;
        let parcel = Parcel::new(self.number, self.sent);
        self.batch.clear();
        if count > 1 {
            self.batch.extend((self.sent..self.sent + count).map(|n| Parcel::new(self.number, n)));
        } else {
            self.batch.push(parcel);
        }
        let sent = match form {
            0 => one(self.tx.send(parcel)),
            1 => one_at_once(self.tx.try_send(parcel)),
            2 => one_in_time(self.tx.send_timeout(parcel, PATIENCE)),
            3 => match self.tx.send_batch(&self.batch) {
                Ok(()) => Ok(Sent::All(count)),
                Err(SendError::Disconnected(sent, _)) => Ok(Sent::NobodyThere(sent as u64)),
                Err(SendError::Broken(_, broken)) => Err(broken),
            },
            4 => match self.tx.try_send_batch(&self.batch) {
                Ok(sent) => Ok(Sent::All(sent as u64)),
                Err(error) => one_at_once(Err(error)),
            },
            5 => match self.tx.send_batch_timeout(&self.batch, PATIENCE) {
                Ok(()) => Ok(Sent::All(count)),
                Err(SendTimeoutError::Timeout(sent) | SendTimeoutError::Stalled(sent, _)) => {
                    Ok(Sent::All(sent as u64))
                }
                Err(SendTimeoutError::Disconnected(sent, _)) => Ok(Sent::NobodyThere(sent as u64)),
                Err(SendTimeoutError::Broken(_, broken)) => Err(broken),
            },
            6 => one(self.tx.loan().map(|loan| {
                self.random.dawdle();
                loan.write(parcel).publish();
            })),
            7 => one(self.tx.loan().map(|loan| {
                // Word by word: a slot that is half written must never be seen.
                let mut draft = loan.recycle();
                draft.sender = parcel.sender;
                draft.number = parcel.number;
                self.random.dawdle();
                draft.filling = parcel.filling;
                draft.checksum = parcel.checksum;
                draft.publish();
            })),
            _ => {
                // One that is given up: its slot is passed over.
                match self.tx.try_loan().map(drop) {
                    Ok(()) => Ok(Sent::All(0)),
                    Err(error) => one_at_once(Err(error)),
                }
            }
        };
        match sent? {
            Sent::All(count) => self.sent += count,
            Sent::NobodyThere(count) => {
                self.sent += count;
                // The receivers are about to be replaced.
                thread::sleep(Duration::from_micros(200));
            }
        }
        Ok(())
    }
}

fn one<T>(result: Result<(), SendError<T>>) -> Result<Sent, Broken> {
    match result {
        Ok(()) => Ok(Sent::All(1)),
        Err(SendError::Disconnected(..)) => Ok(Sent::NobodyThere(0)),
        Err(SendError::Broken(_, broken)) => Err(broken),
    }
}

fn one_at_once<T>(result: Result<(), TrySendError<T>>) -> Result<Sent, Broken> {
    match result {
        Ok(()) => Ok(Sent::All(1)),
        Err(TrySendError::Full(_)) => {
            thread::yield_now();
            Ok(Sent::All(0))
        }
        Err(TrySendError::Disconnected(..)) => Ok(Sent::NobodyThere(0)),
        Err(TrySendError::Broken(_, broken)) => Err(broken),
    }
}

fn one_in_time<T>(result: Result<(), SendTimeoutError<T>>) -> Result<Sent, Broken> {
    match result {
        Ok(()) => Ok(Sent::All(1)),
        Err(SendTimeoutError::Timeout(_) | SendTimeoutError::Stalled(..)) => Ok(Sent::All(0)),
        Err(SendTimeoutError::Disconnected(..)) => Ok(Sent::NobodyThere(0)),
        Err(SendTimeoutError::Broken(_, broken)) => Err(broken),
    }
}
