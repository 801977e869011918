//! `ringway show`.

use std::io::Write;

use comfy_table::{Table, presets};
use ringway::Departure;
use ringway::channel::{OnReceiverDeath, Peer};
use ringway::inspect::{CellKey, Claimed, Counters, Observer, Participant, Snapshot};
use ringway::map::MapState;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::Args;
use crate::output::{Failure, Outcome, age, bytes, count, epoch, observe, shown as visible, write_json};
use crate::rust::definitions;
use crate::value::Value;

/// So many cells are shown, of a table that has more.
const CELLS: u32 = 32;

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
        let (pid, state, since, until) = match participant.peer {
            Peer::Awaited => (None, "awaited", None, None),
            Peer::Attached { pid, since } => (Some(pid), "alive", Some(epoch(since)), None),
            Peer::Gone { departure: Departure::Left, pid, at } => (Some(pid), "left", None, Some(epoch(at))),
            Peer::Gone { departure: Departure::Died, pid, at } => (Some(pid), "died", None, Some(epoch(at))),
        };
        let claimed = participant.claimed.map(Into::into);
        let counters = participant.counters.map(Into::into);
        Self { record: participant.index, pid, state, since, until, claimed, counters }
    }
}

/// Shows one channel.
pub(crate) fn run(args: &Args, name: &str, out: &mut impl Write) -> Result<Outcome, Failure> {
    let observer = observe(&args.namespaces(), name)?;
    let snapshot = observer.snapshot();
    if args.json {
        write_json(out, &shown(&observer, &snapshot)?)?;
    } else {
        write_text(&observer, &snapshot, out)?;
    }
    Ok(Outcome::Fine)
}

fn state(observer: &Observer) -> Result<&'static str, Failure> {
    let state = observer.state().map_err(Failure::Channel)?;
    Ok(if state == MapState::Live { "live" } else { "leftover" })
}

fn parking(observer: &Observer) -> String {
    format!("{:?}", observer.parking()).to_lowercase()
}

fn on_death(choice: OnReceiverDeath) -> &'static str {
    match choice {
        OnReceiverDeath::Redeliver => "redeliver",
        OnReceiverDeath::Discard => "discard",
    }
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

fn write_text(observer: &Observer, snapshot: &Snapshot, out: &mut impl Write) -> Result<(), Failure> {
    let is_ring = observer.kind().is_ring();
    writeln!(
        out,
        "{}: {} of {}",
        visible(observer.name()),
        observer.kind().name(),
        observer.schema().type_name()
    )?;
    let created = observer.created().map(|at| format!(", created {} ago", age(at))).unwrap_or_default();
    let creator = observer.creator_pid().map(|pid| format!(" by process {pid}")).unwrap_or_default();
    writeln!(out, "  {}, {}{created}{creator}", state(observer)?, bytes(observer.size()))?;
    writeln!(out, "  {}", visible(&observer.path().display().to_string()))?;
    let mut options = vec![format!("parking {}", parking(observer))];
    if is_ring {
        options.push(format!("up to {}", count(observer.max_senders().into(), "sender")));
        options.push(count(observer.max_receivers().into(), "receiver"));
        options.extend(
            observer.on_receiver_death().map(|choice| format!("on a receiver's death {}", on_death(choice))),
        );
    }
    writeln!(out, "  options: {}", options.join(", "))?;

    writeln!(out)?;
    if is_ring {
        let Snapshot { fill, sent, received, .. } = snapshot;
        writeln!(out, "{fill} of {} messages; {sent} sent, {received} received", observer.capacity())?;
        if snapshot.orphans > 0 {
            writeln!(out, "  {} to be received again", count(snapshot.orphans, "message"))?;
        }
        if let Some(holes) = snapshot.holes {
            let holes = Positions::from(holes);
            let claimed = count(holes.count.into(), "message");
            writeln!(
                out,
                "  {claimed} claimed and not published, the first at {}: nobody gets past it",
                holes.first
            )?;
        }
        if (snapshot.poisoned, snapshot.discarded) != (0, 0) {
            writeln!(out, "  dropped: {} poisoned, {} discarded", snapshot.poisoned, snapshot.discarded)?;
        }
        for (who, sleeps) in [("senders", snapshot.senders_sleep), ("receivers", snapshot.receivers_sleep)] {
            if sleeps {
                writeln!(out, "  {who} may be asleep")?;
            }
        }
    } else {
        writeln!(
            out,
            "{} of {} have a value; {} stored",
            snapshot.fill,
            count(observer.capacity(), "cell"),
            snapshot.sent
        )?;
        if snapshot.receivers_sleep {
            writeln!(out, "  readers may be asleep")?;
        }
    }
    write_participants(is_ring, snapshot, out)?;
    if !is_ring {
        write_cells(observer, out)?;
    }

    let definitions = definitions(observer.key_schema().into_iter().chain([observer.schema()]));
    if !definitions.is_empty() {
        write!(out, "\n{definitions}")?;
    }
    Ok(())
}

fn write_participants(is_ring: bool, snapshot: &Snapshot, out: &mut impl Write) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["ROLE", "RECORD", "PID", "STATE", "CLAIMED"]);
    let sender = if is_ring { "sender" } else { "writer" };
    let mut any = false;
    for (role, side) in [(sender, &snapshot.senders), ("receiver", &snapshot.receivers)] {
        for participant in side.iter().take(MOST) {
            any = true;
            let (pid, state) = match participant.peer {
                Peer::Awaited => (String::new(), "awaited".to_owned()),
                Peer::Attached { pid, since } => (pid.to_string(), format!("alive, for {}", age(since))),
                Peer::Gone { departure, pid, at } => {
                    // Whoever has not been found dead by a participant has no time of death.
                    let known = at > std::time::UNIX_EPOCH;
                    let when = if known { format!(", {} ago", age(at)) } else { String::new() };
                    (pid.to_string(), format!("{departure}{when}"))
                }
            };
            let claimed = participant.claimed.map(Positions::from);
            let claimed =
                claimed.map(|Positions { first, count }| format!("{count} from {first}")).unwrap_or_default();
            table.add_row([role.to_owned(), participant.index.to_string(), pid, state, claimed]);
        }
    }
    if any {
        writeln!(out, "\n{}", table.trim_fmt())?;
    } else {
        writeln!(out, "\nnobody has ever taken part")?;
    }
    match snapshot.senders.len().saturating_sub(MOST) {
        0 => {}
        more => writeln!(out, ".. and {}", count(more as u64, sender))?,
    }
    Ok(())
}

/// So many of a side are shown: as many as a channel can have, but not as many as cells.
const MOST: usize = 254;

/// The latest values.
fn write_cells(observer: &Observer, out: &mut impl Write) -> Result<(), Failure> {
    let cells = observer.capacity() as u32;
    writeln!(out)?;
    for cell in 0..cells.min(CELLS) {
        let key = observer.key_schema().map(|schema| match observer.key(cell) {
            CellKey::Unset => "(no key)".to_owned(),
            CellKey::Set(key) => Value::new(schema, &key).to_string(),
            CellKey::Damaged(state) => format!("(its key is damaged: state {state})"),
        });
        let key = key.map(|key| format!(" {key}")).unwrap_or_default();
        match observer.value(cell) {
            Ok(Some((number, value))) => {
                writeln!(out, "{cell}{key}: {} (number {number})", Value::new(observer.schema(), &value))?;
            }
            Ok(None) => writeln!(out, "{cell}{key}: no value")?,
            Err(overtaken) => writeln!(out, "{cell}{key}: {overtaken}")?,
        }
    }
    match cells.saturating_sub(CELLS) {
        0 => Ok(()),
        more => Ok(writeln!(out, ".. and {}", count(more.into(), "cell"))?),
    }
}
