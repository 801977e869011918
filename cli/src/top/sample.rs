//! One look after another at every channel, and what has changed between them.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use ringway::inspect::{ChannelKind, Counters, Observer, Participant, Snapshot};
use ringway::map::{MapState, Namespace};
use serde::Serialize;

use crate::output::{Failure, alive, dead};
use crate::participants::{MOST, name, pid, roles, state, waits};

/// So many looks are remembered.
const HISTORY: usize = 120;

/// What is the matter with a channel, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// It cannot be read as a channel.
    Damaged,
    /// Nobody has it any more.
    Leftover,
    /// A participant that lives has been in the way of others since the last look.
    Stalled,
    /// Somebody who was killed has left a place that nobody has taken.
    Dead,
    /// Nothing.
    Fine,
}

/// A channel, as it is now and was before.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) r#type: String,
    pub(super) mark: Mark,
    pub(super) fill: u64,
    pub(super) capacity: u64,
    /// Messages sent, or values stored, in a second, since the last look.
    pub(super) rate: f64,
    pub(super) senders: usize,
    pub(super) receivers: usize,
    pub(super) dead: usize,
    /// Parts of the capacity, from 0 to 1, the oldest first.
    #[serde(skip)]
    pub(super) fills: VecDeque<f64>,
    #[serde(skip)]
    pub(super) rates: VecDeque<f64>,
    /// What is shown of it alone.
    #[serde(skip)]
    pub(super) detail: Detail,
}

/// What is shown of a channel that is looked into.
#[derive(Clone, Debug, Default)]
pub(super) struct Detail {
    /// Its file: two namespaces may have the same name.
    pub(super) path: PathBuf,
    pub(super) is_ring: bool,
    pub(super) people: Vec<Person>,
    /// Who waits for whom, a sentence each.
    pub(super) waits: Vec<String>,
}

/// Somebody who takes part, or took part.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) pid: Option<u64>,
    pub(super) state: &'static str,
    /// How many messages it has claimed and not gone on with.
    pub(super) claimed: u32,
    /// What it has counted, if it counts.
    pub(super) counters: Option<Counters>,
    /// Messages in a second since the last look, if there was one.
    pub(super) rate: Option<f64>,
}

impl Person {
    fn of(role: &str, one: &Participant) -> Self {
        let claimed = one.claimed.map_or(0, |claimed| claimed.count);
        let (name, state, pid) = (name(role, one), state(&one.peer), pid(&one.peer));
        Self { name, pid, state, claimed, counters: one.counters, rate: None }
    }

    /// How fast it was since a look at the same place, so many seconds before.
    fn since(mut self, before: &[Self], seconds: f64) -> Self {
        let is_same = |other: &&Self| (&other.name, other.pid) == (&self.name, self.pid);
        let before = before.iter().find(is_same).and_then(|before| before.counters);
        if let (Some(now), Some(before)) = (self.counters, before) {
            // It may have left, and have come again.
            let moved = now.messages.checked_sub(before.messages).unwrap_or(now.messages);
            self.rate = Some(moved as f64 / seconds);
        }
        self
    }
}

/// What is kept of a channel from one look to the next.
struct Seen {
    /// Another one may get its name.
    created: Option<SystemTime>,
    observer: Observer,
    sent: u64,
    at: Instant,
    /// The first message that is in the way, if one was.
    hole: Option<u64>,
    row: Row,
}

/// Looks at every channel in some namespaces.
pub(super) struct Sampler {
    namespaces: Vec<Namespace>,
    seen: HashMap<PathBuf, Seen>,
    rows: Vec<Row>,
}

impl Sampler {
    pub(super) fn new(namespaces: Vec<Namespace>) -> Self {
        Self { namespaces, seen: HashMap::new(), rows: Vec::new() }
    }

    /// What the last look saw, by name.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Looks again.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        self.rows.clear();
        let mut there = HashMap::new();
        for namespace in &self.namespaces {
            for entry in namespace.list().map_err(Failure::Namespace)? {
                let Some(name) = entry.name.filter(|_| entry.state != MapState::Foreign) else { continue };
                let before = self.seen.remove(&entry.path).filter(|seen| seen.created == entry.created);
                let seen = match before {
                    Some(seen) => seen,
                    None => match Observer::open_in(namespace, &name) {
                        Ok(observer) => Seen::new(observer, entry.created, entry.path.clone()),
                        // A map that is no channel is none of ours; one that has gone meanwhile neither.
                        Err(ringway::Error::NotAChannel { .. } | ringway::Error::Map(_)) => continue,
                        Err(_) => {
                            self.rows.push(Row::damaged(name, entry.path));
                            continue;
                        }
                    },
                };
                let seen = seen.again(entry.state);
                self.rows.push(seen.row.clone());
                there.insert(entry.path, seen);
            }
        }
        self.seen = there;
        self.rows.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }
}

impl Row {
    fn damaged(name: String, path: PathBuf) -> Self {
        Self {
            name,
            kind: "?",
            r#type: String::new(),
            mark: Mark::Damaged,
            fill: 0,
            capacity: 0,
            rate: 0.0,
            senders: 0,
            receivers: 0,
            dead: 0,
            fills: VecDeque::new(),
            rates: VecDeque::new(),
            detail: Detail { path, ..Detail::default() },
        }
    }

    /// The part of the capacity that is full.
    pub(super) fn part(&self) -> f64 {
        self.fill as f64 / self.capacity.max(1) as f64
    }
}

impl Seen {
    fn new(observer: Observer, created: Option<SystemTime>, path: PathBuf) -> Self {
        let mut row = Row {
            name: observer.name().to_owned(),
            kind: match observer.kind() {
                ChannelKind::Cell => "cell",
                ChannelKind::Table => "table",
                ChannelKind::KeyedTable => "keyed",
                ring => ring.name(),
            },
            r#type: observer.schema().type_name().to_string(),
            capacity: observer.capacity(),
            mark: Mark::Fine,
            ..Row::damaged(String::new(), path)
        };
        row.detail.is_ring = observer.kind().is_ring();
        let sent = observer.snapshot().sent;
        Self { created, observer, sent, at: Instant::now(), hole: None, row }
    }

    fn again(mut self, state: MapState) -> Self {
        let (snapshot, now) = (self.observer.snapshot(), Instant::now());
        let seconds = now.duration_since(self.at).as_secs_f64();
        let row = &mut self.row;
        row.fill = snapshot.fill;
        // Between opening and the first look there is no time in which something could happen.
        row.rate =
            if seconds > 0.001 { snapshot.sent.saturating_sub(self.sent) as f64 / seconds } else { 0.0 };
        (row.senders, row.receivers) = (alive(&snapshot.senders), alive(&snapshot.receivers));
        row.dead = dead(&snapshot.senders) + dead(&snapshot.receivers);
        let hole = first_in_the_way(&snapshot);
        row.mark = if state == MapState::Leftover {
            Mark::Leftover
        } else if hole.is_some() && hole == self.hole {
            Mark::Stalled
        } else if row.dead > 0 {
            Mark::Dead
        } else {
            Mark::Fine
        };
        let detail = &mut row.detail;
        let people = roles(detail.is_ring, &snapshot)
            .into_iter()
            .flat_map(|(role, side)| side.iter().take(MOST).map(move |one| Person::of(role, one)));
        let people = people.map(|one| if seconds > 0.001 { one.since(&detail.people, seconds) } else { one });
        detail.people = people.collect();
        detail.waits = waits(detail.is_ring, row.capacity, &snapshot);
        let part = row.part();
        for (history, value) in [(&mut row.fills, part), (&mut row.rates, row.rate)] {
            history.push_back(value);
            if history.len() > HISTORY {
                history.pop_front();
            }
        }
        (self.sent, self.at, self.hole) = (snapshot.sent, now, hole);
        self
    }
}

/// The first message that others wait for, and that its sender has not published.
fn first_in_the_way(snapshot: &Snapshot) -> Option<u64> {
    let holes = snapshot.holes?;
    (holes.first == snapshot.received).then_some(holes.first)
}
