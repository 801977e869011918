//! The kinds of channels, and what the sides of one have to agree on.

use crate::protocol::gate::Parking;
use crate::protocol::ring::{OnReceiverDeath, Rules};

/// What a channel is: a ring, with how many may be on either side, or cells.
///
/// ```
/// use ringway::inspect::{ChannelKind, Observer};
/// # let name = &format!("doc-kind-{}", std::process::id());
/// # let sender = ringway::mpsc::channel::<u64>(name).sender()?;
/// let kind = Observer::open(name)?.kind();
/// assert_eq!((kind, kind.name(), kind.is_ring()), (ChannelKind::Mpsc, "mpsc", true));
/// # drop(sender);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One sender, one receiver.
    Spsc = 1,
    /// Several senders, one receiver.
    Mpsc = 2,
    /// One sender, several receivers.
    Spmc = 3,
    /// Several of both.
    Mpmc = 4,
    /// The latest value of one writer.
    Cell = 5,
    /// Several cells, by index, each with a writer of its own.
    Table = 6,
    /// The same, and each cell has a key.
    KeyedTable = 7,
}

/// Most records of a shared side.
pub(crate) const MAX_RECORDS: u32 = 254;
/// Most cells of a table: with values of up to 8 bytes it has 3 GiB.
pub(crate) const MAX_CELLS: u32 = 1 << 24;

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Spsc, Kind::Mpsc, Kind::Spmc, Kind::Mpmc, Kind::Cell, Kind::Table, Kind::KeyedTable];

    /// The number in the header.
    pub(crate) const fn code(self) -> u32 {
        self as u32
    }

    /// The kind of a number, if there is one.
    pub(crate) fn from_code(code: u32) -> Option<Kind> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// What people call it, such as `spsc` or `seqlock cell`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spsc => "spsc",
            Self::Mpsc => "mpsc",
            Self::Spmc => "spmc",
            Self::Mpmc => "mpmc",
            Self::Cell => "seqlock cell",
            Self::Table => "seqlock table",
            Self::KeyedTable => "keyed seqlock table",
        }
    }

    /// The same in a sentence.
    pub(crate) fn with_article(self) -> String {
        if self.is_ring() { format!("an {} channel", self.name()) } else { format!("a {}", self.name()) }
    }

    /// Whether it has a ring of messages, and not cells.
    #[inline]
    #[must_use]
    pub const fn is_ring(self) -> bool {
        matches!(self, Self::Spsc | Self::Mpsc | Self::Spmc | Self::Mpmc)
    }

    /// Whether there may be several senders.
    #[inline]
    pub(crate) const fn shared_senders(self) -> bool {
        matches!(self, Self::Mpsc | Self::Mpmc)
    }

    /// Whether there may be several receivers.
    #[inline]
    pub(crate) const fn shared_receivers(self) -> bool {
        matches!(self, Self::Spmc | Self::Mpmc)
    }
}

/// What a channel is, besides its message type: what both sides have to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) kind: Kind,
    /// In messages, from 1 to [`MAX_CAPACITY`](super::MAX_CAPACITY); or in cells, from 1 to [`MAX_CELLS`].
    pub(crate) capacity: u32,
    /// Records of the sending side: 1 of a sole side, else 1 to [`MAX_RECORDS`]; of cells one for each.
    pub(crate) senders: u32,
    /// Records of the receiving side, likewise; of cells 0, since their readers take no part.
    pub(crate) receivers: u32,
    pub(crate) on_receiver_death: OnReceiverDeath,
    pub(crate) parking: Parking,
}

impl Terms {
    /// What the ring's algorithms go by. `kind` is the one of these terms; that the caller says it again
    /// lets the compiler know it.
    #[inline]
    pub(crate) fn rules(&self, kind: Kind) -> Rules {
        debug_assert_eq!(kind, self.kind);
        Rules {
            shared_senders: kind.shared_senders(),
            shared_receivers: kind.shared_receivers(),
            on_receiver_death: self.on_receiver_death,
        }
    }
}

/// The number in the header.
pub(crate) const fn on_receiver_death_code(choice: OnReceiverDeath) -> u32 {
    match choice {
        OnReceiverDeath::Redeliver => 0,
        OnReceiverDeath::Discard => 1,
    }
}

/// The choice of a number, if there is one.
pub(crate) const fn on_receiver_death_from_code(code: u32) -> Option<OnReceiverDeath> {
    match code {
        0 => Some(OnReceiverDeath::Redeliver),
        1 => Some(OnReceiverDeath::Discard),
        _ => None,
    }
}

/// The number in the header.
pub(crate) const fn parking_code(choice: Parking) -> u32 {
    match choice {
        Parking::Never => 0,
        Parking::Fenced => 1,
        Parking::Asymmetric => 2,
    }
}

/// The choice of a number, if there is one.
pub(crate) const fn parking_from_code(code: u32) -> Option<Parking> {
    match code {
        0 => Some(Parking::Never),
        1 => Some(Parking::Fenced),
        2 => Some(Parking::Asymmetric),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_numbers_of_the_kinds_and_choices() {
        let kinds = Kind::ALL.map(|kind| (format!("kind {}", kind.name()), kind.code().to_string()));
        let choices = [OnReceiverDeath::Redeliver, OnReceiverDeath::Discard].map(|choice| {
            let code = on_receiver_death_code(choice);
            assert_eq!(on_receiver_death_from_code(code), Some(choice));
            (format!("on receiver death {choice:?}").to_lowercase(), code.to_string())
        });
        let parking = [Parking::Never, Parking::Fenced, Parking::Asymmetric].map(|choice| {
            let code = parking_code(choice);
            assert_eq!(parking_from_code(code), Some(choice));
            (format!("parking {choice:?}").to_lowercase(), code.to_string())
        });
        let most = [("most records of a shared side", MAX_RECORDS), ("most cells", MAX_CELLS)];
        let most = most.map(|(name, value)| (name.to_owned(), value.to_string()));
        let values: Vec<_> = kinds.into_iter().chain(choices).chain(parking).chain(most).collect();
        let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        crate::documents::assert_values("docs/format.md", "Constants", &values);
    }

    #[test]
    fn a_number_is_of_one_kind_or_none() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
        }
        for code in [0, 8, 257, u32::MAX] {
            assert_eq!(Kind::from_code(code), None);
        }
        assert_eq!([2, u32::MAX].map(on_receiver_death_from_code), [None, None]);
        assert_eq!([3, u32::MAX].map(parking_from_code), [None, None]);
    }
}
