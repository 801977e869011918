//! One channel for people.

use std::io::Write;

use ringway::inspect::{CellKey, Observer, Snapshot};

use super::{on_death, people, state};
use crate::output::{Failure, age, bytes, count, shown as visible};
use crate::participants::{parking, waits};
use crate::rust::definitions;
use crate::value::Value;

/// So many cells are shown, of a table that has more.
const CELLS: u32 = 32;

/// Writes what there is to know of it.
pub(super) fn write(observer: &Observer, snapshot: &Snapshot, out: &mut impl Write) -> Result<(), Failure> {
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
    } else {
        writeln!(
            out,
            "{} of {} have a value; {} stored",
            snapshot.fill,
            count(observer.capacity(), "cell"),
            snapshot.sent
        )?;
    }
    for wait in waits(is_ring, observer.capacity(), snapshot) {
        writeln!(out, "  {wait}")?;
    }
    people::write(is_ring, snapshot, out)?;
    if !is_ring {
        write_cells(observer, out)?;
    }

    let definitions = definitions(observer.key_schema().into_iter().chain([observer.schema()]));
    if !definitions.is_empty() {
        write!(out, "\n{definitions}")?;
    }
    Ok(())
}

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
