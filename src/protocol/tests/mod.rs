//! Unit tests of the protocols in memory of their own: against peers that keep to none. What those do that keep to them is
//! for the models.
#![allow(unsafe_code)] // places the stamps of a ring

mod end;
mod gaps;
mod hostile;
mod repair;

use std::ptr::NonNull;
use std::rc::Rc;

use super::Strided;
use super::ring::{Control, Form, OnReceiverDeath, Ring, Rules};
use super::roster::Record;
use crate::sync::AtomicU64;

/// Several on the sides that are shared.
const fn rules(shared_senders: bool, shared_receivers: bool) -> Rules {
    Rules { shared_senders, shared_receivers, on_receiver_death: OnReceiverDeath::Redeliver }
}

const MPMC: Rules = rules(true, true);
const MPSC: Rules = rules(true, false);

/// What all participants share: two records on each side, and a ring of zeros.
struct Memory {
    control: Control,
    stamps: Vec<AtomicU64>,
    senders: [Record; 2],
    receivers: [Record; 2],
    rules: Rules,
}

impl Memory {
    fn new(capacity: u32, rules: Rules) -> Rc<Self> {
        Rc::new(Self {
            control: Control::default(),
            stamps: (0..capacity).map(|_| AtomicU64::default()).collect(),
            senders: Default::default(),
            receivers: Default::default(),
            rules,
        })
    }

    fn ring(&self) -> Ring<'_> {
        let (base, len) = (NonNull::from(&self.stamps[0]).cast(), self.stamps.len() as u32);
        Ring {
            control: &self.control,
            // SAFETY: atomics beside each other, which the borrow keeps alive.
            stamps: unsafe { Strided::new(base, size_of::<AtomicU64>(), len) },
            capacity: len,
            form: Form::Stamped,
            senders: &self.senders,
            receivers: &self.receivers,
            rules: self.rules,
        }
    }
}
