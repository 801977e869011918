//! One channel for programs.

use std::io::Write;

use ringway::channel::Peer;
use ringway::inspect::{CellKey, Claimed, Counters, Observer, Participant, Snapshot};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{on_death, state};
use crate::output::{Failure, epoch, shown as visible, write_json};
use crate::participants::parking;
use crate::participants::state as state_of;
use crate::rust::definitions;
use crate::value::Value;

#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    file: String,
    state: &'static str,
    created: Option<f64>,
    creator_pid: Option<u32>,
    kind: &'static str,
    r#type: String,
    fingerprint: String,
    key_type: Option<String>,
    /// All types as Rust.
    rust: String,
    message_size: u64,
    message_align: u32,
    capacity: u64,
    size: u64,
    max_senders: u32,
    max_receivers: u32,
    on_receiver_death: Option<&'static str>,
    parking: String,
    sent: u64,
    received: u64,
    fill: u64,
    orphans: u64,
    senders: Vec<One>,
    receivers: Vec<One>,
    senders_sleep: bool,
    receivers_sleep: bool,
    holes: Option<Positions>,
    poisoned: u64,
    discarded: u64,
    /// Of a ring none.
    cells: Vec<Cell>,
}

/// A cell that has a key or a value.
#[derive(Debug, Serialize)]
struct Cell {
    cell: u32,
    key: Option<Box<RawValue>>,
    /// How many values it ever had.
    number: u64,
    /// The latest one.
    value: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct One {
    record: u32,
    pid: Option<u64>,
    /// `alive`, `left`, `died` or `awaited`.
    state: &'static str,
    /// Of one that lives, in seconds since the Unix epoch.
    since: Option<f64>,
    /// Of one that is gone, likewise.
    until: Option<f64>,
    claimed: Option<Positions>,
    /// Of one that counts.
    counters: Option<Counted>,
}

/// What a participant has counted.
#[derive(Debug, Serialize)]
struct Counted {
    messages: u64,
    bytes: u64,
    batches: u64,
    refused: u64,
    highest_fill: u64,
    sleeps: u64,
    wakes: u64,
    repairs: u64,
    redelivered: u64,
    /// In seconds since the Unix epoch.
    active: f64,
}

impl From<Counters> for Counted {
    fn from(counters: Counters) -> Self {
        Self {
            messages: counters.messages,
            bytes: counters.bytes,
            batches: counters.batches,
            refused: counters.refused,
            highest_fill: counters.highest_fill,
            sleeps: counters.sleeps,
            wakes: counters.wakes,
            repairs: counters.repairs,
            redelivered: counters.redelivered,
            active: epoch(counters.active),
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Positions {
    first: u64,
    count: u32,
}

impl From<Claimed> for Positions {
    fn from(claimed: Claimed) -> Self {
        Self { first: claimed.first, count: claimed.count }
    }
}

impl One {
    fn of(participant: &Participant) -> Self {
        let (pid, since, until) = match participant.peer {
            Peer::Awaited => (None, None, None),
            Peer::Attached { pid, since } => (Some(pid), Some(epoch(since)), None),
            Peer::Gone { pid, at, .. } => (Some(pid), None, Some(epoch(at))),
        };
        let state = state_of(&participant.peer);
        let claimed = participant.claimed.map(Into::into);
        let counters = participant.counters.map(Into::into);
        Self { record: participant.index, pid, state, since, until, claimed, counters }
    }
}

/// Writes all that there is to know of it.
pub(super) fn write(observer: &Observer, snapshot: &Snapshot, out: &mut impl Write) -> Result<(), Failure> {
    write_json(out, &shown(observer, snapshot)?)
}

fn shown(observer: &Observer, snapshot: &Snapshot) -> Result<Shown, Failure> {
    let (schema, key) = (observer.schema(), observer.key_schema());
    Ok(Shown {
        name: observer.name().to_owned(),
        file: visible(&observer.path().display().to_string()).to_string(),
        state: state(observer)?,
        created: observer.created().map(epoch),
        creator_pid: observer.creator_pid(),
        kind: observer.kind().name(),
        r#type: schema.type_name().to_string(),
        fingerprint: format!("{:032x}", schema.fingerprint()),
        key_type: key.map(|key| key.type_name().to_string()),
        rust: definitions(key.into_iter().chain([schema])),
        message_size: schema.size(),
        message_align: schema.align(),
        capacity: observer.capacity(),
        size: observer.size(),
        max_senders: observer.max_senders(),
        max_receivers: observer.max_receivers(),
        on_receiver_death: observer.on_receiver_death().map(on_death),
        parking: parking(observer),
        sent: snapshot.sent,
        received: snapshot.received,
        fill: snapshot.fill,
        orphans: snapshot.orphans,
        senders: snapshot.senders.iter().map(One::of).collect(),
        receivers: snapshot.receivers.iter().map(One::of).collect(),
        senders_sleep: snapshot.senders_sleep,
        receivers_sleep: snapshot.receivers_sleep,
        holes: snapshot.holes.map(Into::into),
        poisoned: snapshot.poisoned,
        discarded: snapshot.discarded,
        cells: cells(observer)?,
    })
}

fn cells(observer: &Observer) -> Result<Vec<Cell>, Failure> {
    let count = if observer.kind().is_ring() { 0 } else { observer.capacity() as u32 };
    let json = |value: Value<'_>| {
        RawValue::from_string(value.json().to_string()).map_err(|error| Failure::Message(error.to_string()))
    };
    let mut cells = Vec::new();
    for cell in 0..count {
        let key = match observer.key_schema().map(|schema| (schema, observer.key(cell))) {
            Some((schema, CellKey::Set(key))) => Some(json(Value::new(schema, &key))?),
            _ => None,
        };
        let (number, value) = match observer.value(cell) {
            Ok(Some((number, value))) => (number, Some(json(Value::new(observer.schema(), &value))?)),
            Ok(None) => (0, None),
            Err(_) => (observer.version(cell), None),
        };
        if key.is_some() || number > 0 {
            cells.push(Cell { cell, key, number, value });
        }
    }
    Ok(cells)
}
