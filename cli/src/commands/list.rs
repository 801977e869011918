//! `ringway list`.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use ringway::inspect::{Observer, Participant};
use ringway::map::{ErrorKind, MapEntry, MapKind, MapState, Namespace};
use serde::Serialize;

use crate::args::Args;
use crate::output::{Failure, Outcome, age, alive, bytes, dead, epoch, shown, write_json};

/// One file of a namespace, as it is written for programs.
#[derive(Debug, Serialize)]
struct Row {
    name: Option<String>,
    namespace: String,
    file: String,
    /// `live`, `leftover` or `foreign`.
    state: &'static str,
    #[serde(flatten)]
    channel: Option<Channel>,
    /// When it was created, in seconds since the Unix epoch.
    created: Option<f64>,
    creator_pid: Option<u32>,
    /// Why it is not shown as a channel.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct Channel {
    kind: &'static str,
    r#type: String,
    capacity: u64,
    fill: u64,
    senders: Side,
    receivers: Side,
    /// In bytes.
    size: u64,
}

/// Who is on a side.
#[derive(Clone, Copy, Debug, Serialize)]
struct Side {
    alive: usize,
    dead: usize,
}

impl Side {
    fn of(participants: &[Participant]) -> Self {
        Self { alive: alive(participants), dead: dead(participants) }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.dead {
            0 => write!(f, "{}", self.alive),
            dead => write!(f, "{}, {dead} dead", self.alive),
        }
    }
}

/// Lists every channel.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut rows = Vec::new();
    let mut failure = None;
    for namespace in args.namespaces() {
        match namespace.list() {
            Ok(entries) => rows.extend(entries.into_iter().filter_map(|entry| row(&namespace, entry))),
            // One that cannot be read does not hide the other.
            Err(error) => drop(failure.get_or_insert(Failure::Namespace(error))),
        }
    }
    if args.json {
        write_json(out, &rows)?;
    } else {
        write_table(args, &rows, out)?;
    }
    out.flush()?;
    failure.map_or(Ok(Outcome::Fine), Err)
}

/// `None` if it has gone.
fn row(namespace: &Namespace, entry: MapEntry) -> Option<Row> {
    let (channel, problem) = match (&entry.name, entry.state) {
        (_, MapState::Foreign) => (None, Some("no map, or one that this user may not read".to_owned())),
        (None, _) => (None, Some("its header is damaged".to_owned())),
        (Some(name), _) => match Observer::open_in(namespace, name) {
            Ok(observer) => (Some(channel(&observer)), None),
            Err(ringway::Error::NotAChannel { .. }) => (None, Some("a map that is no channel".to_owned())),
            Err(ringway::Error::Map(error)) if matches!(error.kind(), ErrorKind::NotFound) => return None,
            Err(ringway::Error::Map(_)) if entry.kind != Some(MapKind::Named) => {
                (None, Some("the name of a file".to_owned()))
            }
            Err(error) => (None, Some(error.to_string())),
        },
    };
    Some(Row {
        namespace: namespace.path().display().to_string(),
        file: entry.path.display().to_string(),
        state: state(entry.state),
        channel,
        created: entry.created.map(epoch),
        creator_pid: entry.creator_pid,
        problem,
        name: entry.name,
    })
}

/// In a word.
fn state(state: MapState) -> &'static str {
    match state {
        MapState::Live => "live",
        MapState::Leftover => "leftover",
        _ => "foreign",
    }
}

fn channel(observer: &Observer) -> Channel {
    let snapshot = observer.snapshot();
    Channel {
        kind: observer.kind().name(),
        r#type: observer.schema().type_name().to_string(),
        capacity: observer.capacity(),
        fill: snapshot.fill,
        senders: Side::of(&snapshot.senders),
        receivers: Side::of(&snapshot.receivers),
        size: observer.size(),
    }
}

fn write_table(args: &Args, rows: &[Row], out: &mut impl Write) -> Result<(), Failure> {
    let channels = rows.iter().filter_map(|row| Some((row, row.channel.as_ref()?)));
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "NAME",
        "KIND",
        "TYPE",
        "FILL",
        "CAPACITY",
        "SENDERS",
        "RECEIVERS",
        "SIZE",
        "AGE",
        "STATE",
    ]);
    let mut any = false;
    for (row, channel) in channels {
        any = true;
        let created = row.created.map(|at| std::time::UNIX_EPOCH + std::time::Duration::from_secs_f64(at));
        table.add_row([
            shown(row.name.as_deref().unwrap_or_default()),
            channel.kind.to_owned(),
            channel.r#type.clone(),
            channel.fill.to_string(),
            channel.capacity.to_string(),
            channel.senders.to_string(),
            channel.receivers.to_string(),
            bytes(channel.size),
            created.map(age).unwrap_or_default(),
            row.state.to_owned(),
        ]);
    }
    for numbers in [3, 4, 7, 8] {
        if let Some(column) = table.column_mut(numbers) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if any {
        writeln!(out, "{}", table.trim_fmt())?;
    } else {
        let places =
            args.namespaces().iter().map(|place| place.path().display().to_string()).collect::<Vec<_>>();
        writeln!(out, "no channels in {}", places.join(" and "))?;
    }
    for row in rows {
        if let Some(problem) = &row.problem {
            writeln!(out, "{}: {problem}", shown(&row.file))?;
        }
    }
    Ok(())
}
