//! ringfire's rings, with its wait at a futex, and no looks before.

use std::path::PathBuf;

use ringfire::{ConsumerStartMode, FlowControl, FutexWait, RingConsumer, RingProducer, RingProducerBuilder};

use super::{Bed, Message, Sleeper, ways};
use crate::CAPACITY;
use crate::links::directory;

pub(super) struct Rings;

/// Only a producer makes a ring: what comes before it joins when it is to hear first.
pub(super) struct Both {
    out: RingProducer<Message>,
    back: Option<RingConsumer<Message>>,
    path: PathBuf,
    wait: FutexWait,
}

impl Both {
    fn join(&mut self) -> Option<&mut RingConsumer<Message>> {
        let builder = RingConsumer::builder().start_mode(ConsumerStartMode::Oldest);
        self.back = builder.attach(&self.path).ok();
        self.back.as_mut()
    }
}

impl Sleeper for Both {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.out.push(message);
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        if self.back.is_none() && self.join().is_none() {
            return false;
        }
        let Self { back: Some(back), wait, .. } = self else { return false };
        look(&back.recv_blocking(wait));
        true
    }
}

impl Bed for Rings {
    const NAME: &'static str = "ringfire";
    type Sleeper = Both;

    fn open(run: &str, first: bool) -> Both {
        let [out, path] = ways(first).map(|way| directory(run).join(format!("ringfire-{way}")));
        let builder = RingProducerBuilder::new(CAPACITY as u64);
        let builder = builder.flow_control(FlowControl::LosslessBackpressure).max_readers(1);
        let out = builder.build(out).expect("a producer");
        let mut both = Both { out, back: None, path, wait: FutexWait::new(0, None) };
        if !first {
            both.join().expect("a consumer");
        }
        both
    }
}
