//! What is said of each channel, and of those who take part.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use ringway::channel::Peer;
use ringway::inspect::{Observer, Participant};
use ringway::map::{ErrorKind, MapState, Namespace};

use super::page::{Family, Kind, Label, Page, label};
use crate::commands::check::is_damage;
use crate::output::{Failure, epoch};
use crate::participants::{MOST, parking, pid, roles, state};

macro_rules! families {
    ($($name:literal $kind:ident $help:literal)*) => {
        [$(Family { name: $name, kind: Kind::$kind, help: $help }),*]
    };
}

/// All there are. A counter of a channel begins anew with the channel, and one of a participant with whoever comes into its
/// record.
const FAMILIES: &[Family] = &families! {
    "ringway_build_info" Gauge "The version of the tool; always 1."
    "ringway_namespace_readable" Gauge "Whether the names in the namespace can be listed: 1 or 0."
    "ringway_channel_readable" Gauge "Whether the channel can be looked into: 1, or 0 if it is damaged, of another version, or not for this user."
    "ringway_channel_info" Gauge "What the channel is; always 1."
    "ringway_channel_leftover" Gauge "Whether no process has the channel any more: 1 or 0."
    "ringway_channel_created_timestamp_seconds" Gauge "When the channel was created, since the Unix epoch."
    "ringway_channel_size_bytes" Gauge "How much memory the channel takes."
    "ringway_channel_message_size_bytes" Gauge "The size of a message, or value."
    "ringway_channel_capacity" Gauge "How many messages the channel holds, or how many cells there are."
    "ringway_channel_fill" Gauge "Messages in the channel that nobody has received yet, or cells that have a value."
    "ringway_channel_orphans" Gauge "Messages besides that wait to be delivered again."
    "ringway_channel_unpublished" Gauge "Messages that senders have claimed and not published."
    "ringway_channel_messages_sent_total" Counter "Messages that were ever sent, or values that were ever stored."
    "ringway_channel_messages_received_total" Counter "Messages that were ever received."
    "ringway_channel_poisoned_total" Counter "Messages that were dropped because sixteen receivers died of them."
    "ringway_channel_discarded_total" Counter "Messages that were dropped with their killed receivers."
    "ringway_channel_asleep" Gauge "Whether somebody on that side may be asleep until there is something to do: 1 or 0."
    "ringway_channel_participants" Gauge "Records of participants on that side, by what became of the last one in each."
    "ringway_participant_alive" Gauge "Whether the participant lives: 1, or 0 if it left or died and nobody has its record yet."
    "ringway_participant_attached_timestamp_seconds" Gauge "When a participant that lives came, since the Unix epoch."
    "ringway_participant_claimed" Gauge "Messages that the participant has claimed and not gone on with."
    "ringway_participant_messages_total" Counter "Messages that the participant sent, or received."
    "ringway_participant_bytes_total" Counter "Bytes of these messages."
    "ringway_participant_batches_total" Counter "How often the participant published messages, or gave back their slots."
    "ringway_participant_refused_total" Counter "Looks that ended with nothing, since the channel was full, or empty."
    "ringway_participant_sleeps_total" Counter "How often the participant slept."
    "ringway_participant_wakes_total" Counter "How often the participant woke others."
    "ringway_participant_repairs_total" Counter "How often the participant repaired what one that was killed had left."
    "ringway_participant_redelivered_total" Counter "Messages received that may have been received before."
    "ringway_participant_highest_fill" Gauge "The most messages that the participant saw in the channel."
    "ringway_participant_last_active_timestamp_seconds" Gauge "When the participant last did something, as far as is known, since the Unix epoch."
};

/// Looks at the channels of these names or, if there are none, at all; and why not all of it could be seen.
pub(super) fn gather(namespaces: &[Namespace], names: &[String]) -> (Page, Option<Failure>) {
    let mut look = Look { page: Page::new(FAMILIES), said: BTreeSet::new() };
    look.page.add("ringway_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let mut failure = None;
    if names.is_empty() {
        for namespace in namespaces {
            if let Err(error) = look.all(namespace) {
                failure.get_or_insert(Failure::Namespace(error));
            }
        }
    }
    for name in names {
        if let Err(error) = look.named(namespaces, name) {
            failure.get_or_insert(Failure::Channel(error));
        }
    }
    (look.page, failure)
}

struct Look {
    page: Page,
    /// Of what something has been said, as it is written: two samples may not have the same labels.
    said: BTreeSet<(String, String)>,
}

impl Look {
    fn all(&mut self, namespace: &Namespace) -> Result<(), ringway::map::Error> {
        let place = place(namespace);
        let entries = namespace.list();
        self.page.add("ringway_namespace_readable", &[("namespace", &place)], u8::from(entries.is_ok()));
        for entry in entries? {
            if entry.state == MapState::Foreign && !is_closed_to_us(&entry.path) {
                continue;
            }
            let Some(name) = entry.name else {
                // Its header is damaged, or not for us.
                let file = entry.path.file_name().unwrap_or_default().to_string_lossy();
                self.unreadable(namespace, &file);
                continue;
            };
            match Observer::open_in(namespace, &name) {
                Ok(observer) => self.channel(namespace, &observer),
                // What is damaged, or not for this user, or beyond what it may open, is told.
                Err(error) if is_none(&error) => {}
                Err(_) => self.unreadable(namespace, &name),
            }
        }
        Ok(())
    }

    /// In the first of the namespaces that has it.
    fn named(&mut self, namespaces: &[Namespace], name: &str) -> Result<(), ringway::Error> {
        let mut missing = None;
        for namespace in namespaces {
            match Observer::open_in(namespace, name) {
                Ok(observer) => {
                    self.channel(namespace, &observer);
                    return Ok(());
                }
                Err(ringway::Error::Map(error)) if matches!(error.kind(), ErrorKind::NotFound) => {
                    missing.get_or_insert(ringway::Error::Map(error));
                }
                Err(error @ ringway::Error::NotAChannel { .. }) => return Err(error),
                // Of what is damaged this says it all.
                Err(error) => {
                    self.unreadable(namespace, name);
                    return if is_damage(&error) { Ok(()) } else { Err(error) };
                }
            }
        }
        missing.map_or(Ok(()), Err)
    }

    /// Whether nothing was said yet of that one.
    fn is_new(&mut self, namespace: &Namespace, name: &str) -> bool {
        self.said.insert((place(namespace), label(name)))
    }

    fn unreadable(&mut self, namespace: &Namespace, name: &str) {
        if self.is_new(namespace, name) {
            let labels = [("namespace", place(namespace)), ("channel", name.to_owned())];
            let labels = labels.each_ref().map(|(label, value)| (*label, value.as_str()));
            self.page.add("ringway_channel_readable", &labels, 0);
        }
    }

    fn channel(&mut self, namespace: &Namespace, observer: &Observer) {
        if !self.is_new(namespace, observer.name()) {
            return;
        }
        let (place, snapshot) = (place(namespace), observer.snapshot());
        let labels = [("namespace", place.as_str()), ("channel", observer.name())];
        let is_ring = observer.kind().is_ring();
        let r#type = observer.schema().type_name().to_string();
        let parking = parking(observer);
        let of = [("kind", observer.kind().name()), ("type", &r#type), ("parking", &parking)];
        self.page.add("ringway_channel_info", &with(&labels, &of), 1);
        let mut add = |family: &str, value: u64| self.page.add(family, &labels, value);
        add("ringway_channel_readable", 1);
        add(
            "ringway_channel_leftover",
            observer.state().is_ok_and(|state| state == MapState::Leftover).into(),
        );
        add("ringway_channel_size_bytes", observer.size());
        add("ringway_channel_message_size_bytes", observer.schema().size());
        add("ringway_channel_capacity", observer.capacity());
        add("ringway_channel_fill", snapshot.fill);
        add("ringway_channel_messages_sent_total", snapshot.sent);
        if is_ring {
            add("ringway_channel_orphans", snapshot.orphans);
            add("ringway_channel_unpublished", snapshot.holes.map_or(0, |holes| holes.count.into()));
            add("ringway_channel_messages_received_total", snapshot.received);
            add("ringway_channel_poisoned_total", snapshot.poisoned);
            add("ringway_channel_discarded_total", snapshot.discarded);
        }
        if let Some(created) = observer.created() {
            self.page.add("ringway_channel_created_timestamp_seconds", &labels, epoch(created));
        }
        // Nobody knows who reads cells, but for that they sleep; and who writes cells never does.
        self.page.add(
            "ringway_channel_asleep",
            &with(&labels, &[("side", "receiver")]),
            u8::from(snapshot.receivers_sleep),
        );
        if is_ring {
            let labels = with(&labels, &[("side", "sender")]);
            self.page.add("ringway_channel_asleep", &labels, u8::from(snapshot.senders_sleep));
        }
        for (side, people) in roles(is_ring, &snapshot).into_iter().take(if is_ring { 2 } else { 1 }) {
            self.side(&with(&labels, &[("side", side)]), people);
        }
    }

    fn side(&mut self, labels: &[Label<'_>], people: &[Participant]) {
        for of in ["alive", "left", "died"] {
            let number = people.iter().filter(|one| state(&one.peer) == of).count();
            self.page.add("ringway_channel_participants", &with(labels, &[("state", of)]), number);
        }
        for one in people.iter().take(MOST) {
            let (record, process) = (one.index.to_string(), pid(&one.peer).unwrap_or_default().to_string());
            self.participant(&with(labels, &[("record", &record), ("pid", &process)]), one);
        }
    }

    fn participant(&mut self, labels: &[Label<'_>], one: &Participant) {
        let mut add = |family: &str, value: u64| self.page.add(family, labels, value);
        add("ringway_participant_alive", (state(&one.peer) == "alive").into());
        add("ringway_participant_claimed", one.claimed.map_or(0, |claimed| claimed.count.into()));
        if let Some(counters) = &one.counters {
            add("ringway_participant_messages_total", counters.messages);
            add("ringway_participant_bytes_total", counters.bytes);
            add("ringway_participant_batches_total", counters.batches);
            add("ringway_participant_refused_total", counters.refused);
            add("ringway_participant_sleeps_total", counters.sleeps);
            add("ringway_participant_wakes_total", counters.wakes);
            add("ringway_participant_repairs_total", counters.repairs);
            add("ringway_participant_redelivered_total", counters.redelivered);
            add("ringway_participant_highest_fill", counters.highest_fill);
            let active = epoch(counters.active);
            self.page.add("ringway_participant_last_active_timestamp_seconds", labels, active);
        }
        if let Peer::Attached { since, .. } = one.peer {
            self.page.add("ringway_participant_attached_timestamp_seconds", labels, epoch(since));
        }
    }
}

/// Whether there is no channel of that name, or none any more.
fn is_none(error: &ringway::Error) -> bool {
    match error {
        ringway::Error::NotAChannel { .. } => true,
        ringway::Error::Map(error) => matches!(error.kind(), ErrorKind::NotFound),
        _ => false,
    }
}

/// Whether that may be a map, and is for others: nobody can tell who may not open it.
fn is_closed_to_us(path: &Path) -> bool {
    let is_file = path.symlink_metadata().is_ok_and(|about| about.is_file() && about.len() > 0);
    is_file && File::open(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

fn place(namespace: &Namespace) -> String {
    namespace.path().display().to_string()
}

/// All of these labels.
fn with<'l>(labels: &[Label<'l>], more: &[Label<'l>]) -> Vec<Label<'l>> {
    [labels, more].concat()
}
