//! Everybody that the supervisor started, and what it has from them.

use std::collections::HashMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::arguments::{Role, Settings, Task};
use crate::ledger::{Id, Ledger};
use crate::message::{BATCH, Note, Parcel, What, now_ns};
use crate::process::{self, Marks, Notes, PIPE, Worker};
use crate::stalls::Stalls;

/// How often one that takes batches goes on a little and is stopped again, if it is not where it is to
/// be killed.
const STOPS: u64 = 32;

/// A sender or a receiver, with what outlives it.
enum Member {
    Sender(Worker, Marks),
    Receiver(Worker, Notes),
}

impl Member {
    fn worker(&self) -> &Worker {
        match self {
            Member::Sender(worker, _) | Member::Receiver(worker, _) => worker,
        }
    }

    fn worker_mut(&mut self) -> &mut Worker {
        match self {
            Member::Sender(worker, _) | Member::Receiver(worker, _) => worker,
        }
    }
}

/// The workers of a storm. Those that are left are killed when it is dropped.
pub(crate) struct Troupe {
    members: Vec<Member>,
    observer: Option<Worker>,
    task: Task,
    /// The number of the next worker.
    next: u32,
    /// Whether every second receiver takes batches, and how many receivers were started.
    batches: bool,
    receivers: u64,
    pub(crate) ledger: Ledger,
    pub(crate) stalls: Stalls,
    pub(crate) killed_senders: u64,
    pub(crate) killed_receivers: u64,
    buffer: Vec<u8>,
}

impl Troupe {
    /// Starts them; `task` is the observer's.
    pub(crate) fn start(settings: &Settings, task: &Task) -> io::Result<Self> {
        let mut troupe = Self {
            members: Vec::new(),
            observer: Some(Worker::observer(task)?),
            task: task.clone(),
            next: 1,
            batches: settings.batches,
            receivers: 0,
            ledger: Ledger::new(settings.capacity, !settings.kind.shared_receivers()),
            stalls: Stalls::new(),
            killed_senders: 0,
            killed_receivers: 0,
            buffer: vec![0; PIPE],
        };
        for _ in 0..settings.senders {
            troupe.add(Role::Sender)?;
        }
        for _ in 0..settings.receivers {
            troupe.add(Role::Receiver)?;
        }
        Ok(troupe)
    }

    fn add(&mut self, role: Role) -> io::Result<()> {
        self.receivers += u64::from(role == Role::Receiver);
        let batches = self.batches && role == Role::Receiver && self.receivers % 2 == 0;
        let task = Task { role, number: self.next, batches, ..self.task.clone() };
        self.next += 1;
        self.members.push(match role {
            Role::Sender => {
                let (worker, marks) = process::sender(&task)?;
                self.ledger.sender_started(task.number);
                Member::Sender(worker, marks)
            }
            _ => {
                let (worker, notes) = process::receiver(&task)?;
                self.ledger.receiver_started(task.number);
                Member::Receiver(worker, notes)
            }
        });
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Kills those, at one moment, and starts others in their places. Those that take batches are stopped at that
    /// moment, and killed once they are found in a call for a batch and it is known what they have.
    pub(crate) fn kill(&mut self, victims: &[usize]) -> io::Result<()> {
        self.stalls.killed(now_ns());
        for victim in victims {
            let worker = self.members[*victim].worker_mut();
            if worker.batches { worker.stop()? } else { worker.kill()? }
        }
        let mut order = victims.to_vec();
        order.sort_unstable();
        let mut dead: Vec<_> = order.into_iter().rev().map(|at| (at, self.members.swap_remove(at))).collect();
        // The senders first, who say what can have been received. Then in the order of their deaths: a receiver may
        // have had what one that was killed before it left. Those that are only stopped die last.
        let moment = |at| victims.iter().position(|victim| *victim == at);
        dead.sort_by_key(|(at, member)| {
            (member.worker().role == Role::Receiver, member.worker().batches, moment(*at))
        });
        let roles: Vec<_> = dead.iter().map(|(_, member)| member.worker().role).collect();
        for (_, mut member) in dead {
            let copied = self.finish(&mut member)?;
            let status = member.worker_mut().wait()?;
            if status.signal() != Some(Signal::KILL.as_raw()) {
                return Err(ended_early(member.worker(), status));
            }
            match member.worker().role {
                Role::Sender => self.killed_senders += 1,
                _ => self.killed_receivers += 1,
            }
            self.bury(member, &copied, true)?;
        }
        roles.into_iter().try_for_each(|role| self.add(role))
    }

    /// Kills one that takes batches, and has been stopped; which messages it had copied of one that was coming.
    fn finish(&mut self, member: &mut Member) -> io::Result<Vec<Id>> {
        let Member::Receiver(worker, notes) = member else { return Ok(Vec::new()) };
        if !worker.batches {
            return Ok(Vec::new());
        }
        let Self { ledger, stalls, buffer, .. } = self;
        let mut stops = 0;
        let copied = loop {
            worker.stopped()?;
            while hear(notes, worker.number, buffer, ledger, stalls)?.is_some_and(|count| count > 0) {}
            let open = ledger.open(worker.number);
            let copied = open.map_or(Ok(Vec::new()), |(_, address)| copied(worker, address))?;
            // Every second one is to have copied something, and the others may be anywhere in a call.
            let found = if worker.number % 2 == 0 { !copied.is_empty() } else { open.is_some() };
            if found || stops == STOPS {
                break copied;
            }
            stops += 1;
            worker.go_on()?;
            // Long enough for it to get a core.
            thread::sleep(Duration::from_micros(stops));
            worker.stop()?;
        };
        worker.kill()?;
        Ok(copied)
    }

    /// Takes what a dead worker left.
    fn bury(&mut self, mut member: Member, copied: &[Id], killed: bool) -> io::Result<()> {
        let number = member.worker().number;
        match &mut member {
            Member::Sender(_, marks) => self.ledger.sender_ended(number, marks.read()?, self.next),
            Member::Receiver(_, notes) => {
                while hear(notes, number, &mut self.buffer, &mut self.ledger, &mut self.stalls)?.is_some() {}
                let mut begun = HashMap::new();
                for member in &self.members {
                    if let Member::Sender(worker, marks) = member {
                        begun.insert(worker.number, marks.read()?.begun);
                    }
                }
                if killed {
                    self.ledger.receiver_killed(number, begun, copied);
                } else {
                    self.ledger.receiver_left(number);
                }
                self.stalls.ended(number);
            }
        }
        Ok(())
    }

    /// Reads all that the receivers have said by now.
    pub(crate) fn listen(&mut self) -> io::Result<()> {
        for member in &mut self.members {
            if let Member::Receiver(worker, notes) = member {
                let mut heard = 0;
                // All that a pipe can have held when the pass began.
                while heard < PIPE {
                    let part =
                        hear(notes, worker.number, &mut self.buffer, &mut self.ledger, &mut self.stalls)?;
                    match part {
                        None | Some(0) => break,
                        Some(count) => heard += count,
                    }
                }
            }
        }
        self.ledger.pass();
        self.stalls.pass();
        Ok(())
    }

    /// An error if somebody ended who was not told to. Such a one is taken off.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        for at in 0..self.members.len() {
            let worker = self.members[at].worker_mut();
            if let Some(status) = worker.ended()? {
                let error = ended_early(worker, status);
                let member = self.members.swap_remove(at);
                self.bury(member, &[], true)?;
                return Err(error);
            }
        }
        let Some(observer) = &mut self.observer else { return Ok(()) };
        let Some(status) = observer.ended()? else { return Ok(()) };
        let error = ended_early(observer, status);
        self.observer = None;
        Err(error)
    }

    pub(crate) fn tell_to_end(&self, role: Role) -> io::Result<()> {
        let members = self.members.iter().map(Member::worker);
        members.chain(&self.observer).filter(|worker| worker.role == role).try_for_each(Worker::tell_to_end)
    }

    /// Whether all of a role have ended, as they were told to.
    pub(crate) fn ended(&mut self, role: Role) -> io::Result<bool> {
        if role == Role::Observer {
            let Some(observer) = &mut self.observer else { return Ok(true) };
            let Some(status) = observer.ended()? else { return Ok(false) };
            let result = asked_to_end(observer, status);
            self.observer = None;
            return result.map(|()| true);
        }
        let mut left = false;
        for at in (0..self.members.len()).rev() {
            let worker = self.members[at].worker_mut();
            if worker.role != role {
                continue;
            }
            match worker.ended()? {
                None => left = true,
                Some(status) => {
                    let result = asked_to_end(worker, status);
                    let member = self.members.swap_remove(at);
                    self.bury(member, &[], false)?;
                    result?;
                }
            }
        }
        Ok(!left)
    }

    /// Kills whoever is left, and takes what they leave.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.observer = None;
        while let Some(mut member) = self.members.pop() {
            let worker = member.worker_mut();
            if worker.batches {
                worker.stop()?
            } else {
                worker.kill()?
            }
            let copied = self.finish(&mut member)?;
            member.worker_mut().wait()?;
            self.bury(member, &copied, true)?;
        }
        Ok(())
    }

    /// The supervisor itself has received these, which were left in the channel; how many.
    pub(crate) fn receive(&mut self, parcels: impl Iterator<Item = (Parcel, u32)>) -> usize {
        let (number, mut count) = (self.next, 0);
        self.next += 1;
        self.ledger.receiver_started(number);
        for (parcel, attempt) in parcels {
            self.ledger.note(number, Note::of(What::InPlace, &parcel, attempt, now_ns()));
            count += 1;
        }
        self.ledger.receiver_left(number);
        count
    }

    /// What each is at.
    pub(crate) fn states(&self) -> Vec<String> {
        self.members.iter().map(Member::worker).chain(&self.observer).map(Worker::state).collect()
    }

    /// Bytes of memory that the observer has.
    pub(crate) fn observer_resident(&self) -> u64 {
        self.observer.as_ref().map_or(0, Worker::resident)
    }

    /// How many there are on a side.
    pub(crate) fn count(&self, role: Role) -> usize {
        self.members.iter().filter(|member| member.worker().role == role).count()
    }
}

/// Reads a part of what a receiver has said; how many bytes, or `None` after the last one.
fn hear(
    notes: &mut Notes,
    receiver: u32,
    buffer: &mut [u8],
    ledger: &mut Ledger,
    stalls: &mut Stalls,
) -> io::Result<Option<usize>> {
    let Some(bytes) = notes.read(buffer)? else { return Ok(None) };
    for bytes in bytes.chunks(Note::BYTES) {
        if bytes.len() < Note::BYTES {
            return Err(io::Error::other(format!("receiver {receiver} said half a note")));
        }
        let note = Note::of_bytes(bytes)?;
        if matches!(note.what, What::InPlace | What::Copied | What::Batch) {
            stalls.received(receiver, note.at);
        }
        ledger.note(receiver, note);
    }
    Ok(Some(bytes.len()))
}

fn ended_early(worker: &Worker, status: ExitStatus) -> io::Error {
    io::Error::other(format!("{} {} ended early: {status}", worker.role, worker.number))
}

fn asked_to_end(worker: &Worker, status: ExitStatus) -> io::Result<()> {
    // One that was told so early on that it did not listen yet has begun nothing.
    if status.success() || status.signal() == Some(Signal::TERM.as_raw()) {
        return Ok(());
    }
    Err(ended_early(worker, status))
}

/// What a stopped receiver has copied of the batch that is coming, to that address, in order.
fn copied(worker: &Worker, address: u64) -> io::Result<Vec<Id>> {
    let mut bytes = [0; BATCH as usize * Parcel::BYTES];
    worker.memory(address, &mut bytes)?;
    let parcels = bytes.chunks(Parcel::BYTES).map(Parcel::of_bytes).filter(Parcel::is_whole);
    Ok(parcels.map(|parcel| (parcel.sender as u32, parcel.number)).collect())
}
