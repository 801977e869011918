//! A receiver: receives in every way there is, and says what, so that nothing is given back unsaid that need not be.

use std::error::Error;
use std::fs::File;
use std::hint;
use std::io::{self, Write};
use std::mem;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use ringway::channel::{Channel, Kind, Lease, Receiver};
use ringway::{RecvError, RecvTimeoutError, TryRecvError};

use crate::arguments::Task;
use crate::message::{BATCH, Note, Parcel, Random, What, now_ns};
use crate::process::Told;

/// How long to wait in the calls that wait for a time.
const PATIENCE: Duration = Duration::from_millis(2);

/// Receives until every sender is gone and it is told to end.
pub(crate) fn run<K: Kind>(channel: Channel<Parcel, K>, task: &Task) -> Result<(), Box<dyn Error>> {
    let told = Told::listen()?;
    let rx = channel.receiver()?;
    let random = Random::new(task.number.into());
    let notes = Notes(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let mut receiver =
        Storm { rx, notes, random, batches: task.batches, batch: Vec::with_capacity(BATCH as usize) };
    loop {
        let asked_to_end = told.to_end();
        match receiver.step()? {
            Step::Done => {}
            // Every message was received before, by this receiver or another.
            Step::NobodyThere if asked_to_end => return Ok(()),
            // The senders are about to be replaced.
            Step::NobodyThere => thread::sleep(Duration::from_micros(200)),
        }
    }
}

struct Storm<K: Kind> {
    rx: Receiver<Parcel, K>,
    notes: Notes,
    random: Random,
    /// Whether most calls are for batches.
    batches: bool,
    /// Never moved: the supervisor is told where it is.
    batch: Vec<Parcel>,
}

enum Step {
    Done,
    NobodyThere,
}

/// The pipe to the supervisor. What was written there is the kernel's, whatever becomes of this process.
struct Notes(File);

impl Notes {
    /// A few notes are less than a page: the pipe takes all of them or none.
    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Says that it has the message, which is still in its slot: one that is not said is delivered again.
    fn say_lease<K: Kind>(
        &mut self,
        what: What,
        lease: &Lease<'_, Parcel, K>,
        random: &mut Random,
    ) -> io::Result<()> {
        random.dawdle();
        self.say(&Note::of(what, lease, lease.redelivered(), now_ns()).to_bytes())?;
        random.dawdle();
        Ok(())
    }
}

impl<K: Kind> Storm<K> {
    /// One call, or the two of a copy, of one form.
    fn step(&mut self) -> Result<Step, Box<dyn Error>> {
        if self.batches && self.random.below(4) > 0 {
            let waits = self.random.below(2) == 0;
            return self.batch(waits);
        }
        match self.random.below(6) {
            0 => match self.rx.lease() {
                Ok(lease) => self.notes.say_lease(What::InPlace, &lease, &mut self.random)?,
                Err(RecvError::Disconnected(_)) => return Ok(Step::NobodyThere),
                Err(error) => return Err(error.into()),
            },
            1 => match self.rx.lease_timeout(PATIENCE) {
                Ok(lease) => self.notes.say_lease(What::InPlace, &lease, &mut self.random)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Stalled(_)) => {}
                Err(RecvTimeoutError::Disconnected(_)) => return Ok(Step::NobodyThere),
                Err(error) => return Err(error.into()),
            },
            2 => match self.rx.try_lease() {
                Ok(lease) => self.notes.say_lease(What::InPlace, &lease, &mut self.random)?,
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(TryRecvError::Disconnected(_)) => return Ok(Step::NobodyThere),
                Err(error) => return Err(error.into()),
            },
            form => return self.copy(form),
        }
        Ok(Step::Done)
    }

    /// A copy, of a message that was looked at before: one that is forgotten comes again, so that it can be said
    /// while its slot is not given back.
    fn copy(&mut self, form: u64) -> Result<Step, Box<dyn Error>> {
        let (seen, attempt) = match self.rx.lease() {
            Ok(lease) => {
                self.notes.say_lease(What::Copied, &lease, &mut self.random)?;
                let seen = (*lease, lease.redelivered());
                mem::forget(lease);
                seen
            }
            Err(RecvError::Disconnected(_)) => return Ok(Step::NobodyThere),
            Err(error) => return Err(error.into()),
        };
        let parcel = match form {
            3 => self.rx.recv()?,
            4 => self.rx.try_recv()?,
            _ => self.rx.recv_timeout(PATIENCE)?,
        };
        if parcel != seen || self.rx.redelivered() != attempt {
            let found = self.rx.redelivered();
            return Err(format!("leased {seen:?} ({attempt}), then received {parcel:?} ({found})").into());
        }
        Ok(Step::Done)
    }

    /// A batch. What it is can be said only when its slots are given back: so that it is coming, and where, is said
    /// before. Nothing is there but what is of this batch.
    fn batch(&mut self, waits: bool) -> Result<Step, Box<dyn Error>> {
        let limit = 2 + self.random.below(BATCH - 1);
        self.batch.clear();
        self.batch.resize(BATCH as usize, Parcel::NONE);
        hint::black_box(&mut self.batch).clear();
        let place = self.batch.as_ptr().addr() as u64;
        let blank =
            Note { what: What::Open, attempt: 0, count: limit as u16, sender: 0, first: place, at: now_ns() };
        self.notes.say(&blank.to_bytes())?;
        let step = if waits {
            match self.rx.recv_batch_timeout(&mut self.batch, limit as usize, PATIENCE) {
                Ok(_) => Step::Done,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Stalled(_)) => Step::Done,
                Err(RecvTimeoutError::Disconnected(_)) => Step::NobodyThere,
                Err(error) => return Err(error.into()),
            }
        } else {
            match self.rx.try_recv_batch(&mut self.batch, limit as usize) {
                Ok(_) => Step::Done,
                Err(TryRecvError::Empty) => Step::Done,
                Err(TryRecvError::Disconnected(_)) => Step::NobodyThere,
                Err(error) => return Err(error.into()),
            }
        };
        if self.batch.is_empty() {
            self.notes.say(&Note { what: What::Nothing, count: 0, ..blank }.to_bytes())?;
            thread::yield_now();
            return Ok(step);
        }
        // All at once: with the first of them the batch is no longer coming.
        let runs = self.runs(self.rx.redelivered());
        self.notes.say(&runs)?;
        Ok(step)
    }

    /// The notes of the batch: one for each run of one sender's numbers.
    fn runs(&self, attempt: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.batch.len() * Note::BYTES);
        let mut run: Option<Note> = None;
        let at = now_ns();
        for parcel in &self.batch {
            let next = Note::of(What::Batch, parcel, attempt, at);
            match &mut run {
                Some(run)
                    if run.what == next.what
                        && run.sender == next.sender
                        && run.first + u64::from(run.count) == next.first =>
                {
                    run.count += 1;
                }
                _ => {
                    bytes.extend(run.iter().flat_map(|run| run.to_bytes()));
                    run = Some(next);
                }
            }
        }
        bytes.extend(run.iter().flat_map(|run| run.to_bytes()));
        bytes
    }
}
