//! Who takes part, and what they have counted.

use std::io::Write;
use std::ops::RangeInclusive;
use std::time::UNIX_EPOCH;

use comfy_table::{CellAlignment, Table, presets};
use ringway::channel::Peer;
use ringway::inspect::{Counters, Participant, Snapshot};

use crate::output::{Failure, age, bytes, count, grouped};
use crate::participants::{MOST, name, pid, roles, state};

/// Writes a table of those who take part, and one of what those have counted who count.
pub(super) fn write(is_ring: bool, snapshot: &Snapshot, out: &mut impl Write) -> Result<(), Failure> {
    let sides = roles(is_ring, snapshot);
    let shown: Vec<_> =
        sides.iter().flat_map(|(role, side)| side.iter().take(MOST).map(move |one| (*role, one))).collect();
    if shown.is_empty() {
        writeln!(out, "\nnobody has ever taken part")?;
    } else {
        writeln!(out, "\n{}", who(&shown).trim_fmt())?;
    }
    let [(sender, senders), _] = sides;
    match senders.len().saturating_sub(MOST) {
        0 => {}
        more => writeln!(out, ".. and {}", count(more as u64, sender))?,
    }
    if shown.iter().any(|(_, one)| one.counters.is_some()) {
        write_counted(&shown, out)?;
    }
    Ok(())
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

fn who(shown: &[(&str, &Participant)]) -> Table {
    let mut table = table();
    table.set_header(["ROLE", "RECORD", "PID", "STATE", "CLAIMED"]);
    for (role, participant) in shown {
        let pid = pid(&participant.peer).map(|pid| pid.to_string()).unwrap_or_default();
        let state = state(&participant.peer);
        let state = match participant.peer {
            Peer::Attached { since, .. } => format!("{state}, for {}", age(since)),
            // Whoever has not been found dead by a participant has no time of death.
            Peer::Gone { at, .. } if at > UNIX_EPOCH => format!("{state}, {} ago", age(at)),
            _ => state.to_owned(),
        };
        let claimed = participant.claimed.map(|claimed| format!("{} from {}", claimed.count, claimed.first));
        let claimed = claimed.unwrap_or_default();
        table.add_row([(*role).to_owned(), participant.index.to_string(), pid, state, claimed]);
    }
    table
}

/// A column, and what it has of a participant.
type Column = (&'static str, fn(&Counters) -> u64);

/// What is left out where it never happened.
const HAPPENED: [Column; 5] = [
    ("REFUSED", |of| of.refused),
    ("SLEEPS", |of| of.sleeps),
    ("WAKES", |of| of.wakes),
    ("REPAIRS", |of| of.repairs),
    ("REDELIVERED", |of| of.redelivered),
];

/// Two tables, so that each has room in eighty columns.
fn write_counted(shown: &[(&str, &Participant)], out: &mut impl Write) -> Result<(), Failure> {
    let mut moved = table();
    moved.set_header(["COUNTED BY", "MESSAGES", "BYTES", "BATCHES", "HIGHEST FILL", "ACTIVE"]);
    for (role, one) in shown {
        let name = name(role, one);
        moved.add_row(match &one.counters {
            None => [&name, "", "", "", "", "does not count"].map(str::to_owned),
            Some(of) => [
                name,
                grouped(of.messages),
                bytes(of.bytes),
                grouped(of.batches),
                grouped(of.highest_fill),
                format!("{} ago", age(of.active)),
            ],
        });
    }
    align_right(&mut moved, 1..=4);
    writeln!(out, "\n{}", moved.trim_fmt())?;

    let counters = || shown.iter().filter_map(|(role, one)| Some((role, one, one.counters.as_ref()?)));
    let columns: Vec<_> =
        HAPPENED.iter().filter(|(_, value)| counters().any(|(_, _, of)| value(of) > 0)).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let mut happened = table();
    happened.set_header(["COUNTED BY"].into_iter().chain(columns.iter().map(|(title, _)| *title)));
    for (role, one, of) in counters() {
        let values = columns.iter().map(|(_, value)| grouped(value(of)));
        happened.add_row([name(role, one)].into_iter().chain(values));
    }
    align_right(&mut happened, 1..=columns.len());
    writeln!(out, "\n{}", happened.trim_fmt())?;
    Ok(())
}

fn align_right(table: &mut Table, columns: RangeInclusive<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
