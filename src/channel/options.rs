//! What a channel is asked to be.

use std::time::Duration;

use crate::map::Namespace;
use crate::protocol::gate::Parking;
use crate::protocol::ring::OnReceiverDeath;
use crate::wait::Wait;

/// Messages a channel holds if nobody says otherwise.
pub(super) const DEFAULT_CAPACITY: u32 = 1024;
/// Cells of a table if nobody says otherwise.
pub(super) const DEFAULT_CELLS: u32 = 64;
/// How many there may be on a shared side if nobody says otherwise.
pub(super) const DEFAULT_RECORDS: u32 = 32;
/// How long a side that cannot go on waits between two questions whether its peer lives.
const DEFAULT_LIVENESS_INTERVAL: Duration = Duration::from_millis(100);

/// Which segments will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// One that exists, else a new one.
    CreateOrOpen,
    /// A new one.
    CreateNew,
    /// One that exists.
    Open,
}

/// The options of a named channel, with their defaults.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) name: String,
    pub(super) namespace: Namespace,
    pub(super) opening: Opening,
    pub(super) asked: Asked,
    pub(super) mode: u32,
    pub(super) prefault: bool,
    pub(super) endpoint: EndpointOptions,
}

/// The options that both sides have to agree on. `None`: whatever the channel has, or the default for a new one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// In messages, or in cells.
    pub(super) capacity: Option<usize>,
    pub(super) max_senders: Option<usize>,
    pub(super) max_receivers: Option<usize>,
    pub(super) on_receiver_death: Option<OnReceiverDeath>,
    pub(super) parking: Option<Parking>,
}

/// The options of one side, which the other does not see.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndpointOptions {
    pub(super) wait: Wait,
    pub(super) liveness_interval: Duration,
    /// How long somebody who lives may be in the way before a wait ends.
    pub(super) stall_limit: Option<Duration>,
}

impl EndpointOptions {
    /// How to wait where sleep is allowed, or not.
    pub(super) fn wait_where(&self, may_sleep: bool) -> Wait {
        match self.wait {
            Wait::Park | Wait::ParkAtOnce if !may_sleep => Wait::Yield,
            wait => wait,
        }
    }
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self { wait: Wait::default(), liveness_interval: DEFAULT_LIVENESS_INTERVAL, stall_limit: None }
    }
}

impl Options {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: Namespace::default(),
            opening: Opening::CreateOrOpen,
            asked: Asked::default(),
            mode: 0o600,
            prefault: false,
            endpoint: EndpointOptions::default(),
        }
    }
}
