//! ringway's channels, with the default way to wait, and sleeping at once.

use ringway::{Wait, spsc};

use super::{Bed, Message, Sleeper, ways};

pub(super) const NAME: &str = "ringway";
pub(super) const AT_ONCE: &str = "ringway, park at once";

pub(super) struct Waiting;
pub(super) struct AtOnce;

pub(super) struct Channels(pub(super) spsc::Sender<Message>, pub(super) spsc::Receiver<Message>);

impl Channels {
    fn open(run: &str, first: bool, wait: Wait) -> Self {
        let channel = |way: &str| spsc::channel(&format!("{run}-{way}-{wait:?}")).wait(wait);
        let [out, back] = ways(first);
        Self(channel(out).sender().expect("a channel out"), channel(back).receiver().expect("a channel back"))
    }
}

impl Sleeper for Channels {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.0.send(*message).expect("the other side");
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        look(&self.1.recv().expect("the other side"));
        true
    }
}

impl Bed for Waiting {
    const NAME: &'static str = NAME;
    type Sleeper = Channels;

    fn open(run: &str, first: bool) -> Channels {
        Channels::open(run, first, Wait::Park)
    }
}

impl Bed for AtOnce {
    const NAME: &'static str = AT_ONCE;
    type Sleeper = Channels;

    fn open(run: &str, first: bool) -> Channels {
        Channels::open(run, first, Wait::ParkAtOnce)
    }
}
