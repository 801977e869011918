//! The killed receivers: what each may have had, and what became of it.
//!
//! A killed receiver had one claim at most: one message, or those of the batch that was coming. What it had said of it
//! is known, and so is what it had copied, which was read in its memory; there may be more, but not of more messages
//! than the claim can hold. So each delivery of a message but its first is put down to a killed receiver, and none to
//! one that lives.

use std::collections::HashMap;

use crate::ledger::{Id, Number};

/// A message of a batch that a killed receiver had copied.
#[derive(Debug)]
struct Copied {
    id: Id,
    /// Another receiver had it later: so it, and all behind it, had not been given back.
    came: bool,
    /// None had it later: so it, and all before it, had been given back.
    vanished: bool,
    /// A delivery has been put down to it.
    counted: bool,
}

#[derive(Debug)]
struct Death {
    receiver: Number,
    /// The message that it said last, unless that was given back.
    last: Option<Id>,
    /// Of the batch that was coming: in order, those that it had copied.
    copied: Vec<Copied>,
    /// So many messages more it may have had.
    unsaid: u64,
    /// What each sender had begun by then.
    begun: HashMap<Number, u64>,
}

/// Those of whose messages some may still come, in the order of their deaths.
#[derive(Debug, Default)]
pub(crate) struct Deaths(Vec<Death>);

impl Deaths {
    /// A receiver is dead that could claim `most` messages.
    pub(crate) fn add(
        &mut self,
        receiver: Number,
        last: Option<Id>,
        copied: &[Id],
        most: u64,
        begun: HashMap<Number, u64>,
    ) {
        // Whoever had one of those before has not given it back.
        let all = self.0.iter_mut().flat_map(|death| &mut death.copied);
        all.filter(|one| copied.contains(&one.id)).for_each(|one| one.came = true);
        let unsaid = most.saturating_sub(copied.len() as u64);
        let copied = copied.iter().map(|&id| Copied { id, came: false, vanished: false, counted: false });
        self.0.push(Death { receiver, last, copied: copied.collect(), unsaid, begun });
    }

    /// Drops those of whose messages none can come any more.
    pub(crate) fn retain(&mut self, unsettled: impl Fn(Number, u64) -> bool) {
        self.0.retain(|death| death.begun.iter().any(|(sender, begun)| unsettled(*sender, *begun)));
    }

    /// The receiver `by` said that it had the message, before others had it.
    ///
    /// # Errors
    ///
    /// If it had no cause not to give it back, or had.
    pub(crate) fn not_given_back(&self, id: Id, by: Number) -> Result<(), String> {
        match self.0.iter().find(|death| death.receiver == by) {
            Some(death) if death.last == Some(id) => Ok(()),
            Some(_) => Err(format!("which receiver {by}, now dead, had given back")),
            None => Err(format!("which receiver {by} had, who was not killed")),
        }
    }

    /// Somebody had the message to whom it was delivered for another time; before that, `unknown` others had it who
    /// did not say so.
    ///
    /// # Errors
    ///
    /// If not so many can have had it.
    pub(crate) fn had_unsaid(&mut self, (sender, number): Id, unknown: u64) -> Result<(), String> {
        let mut left = unknown;
        for death in &mut self.0 {
            let Some(at) = death.copied.iter().position(|one| one.id == (sender, number)) else { continue };
            let one = &mut death.copied[at];
            one.came = true;
            if left > 0 && !std::mem::replace(&mut one.counted, true) {
                left -= 1;
            }
            if death.copied[at..].iter().any(|later| later.vanished) {
                return Err(format!("but not one that receiver {} had copied after it", death.receiver));
            }
        }
        for _ in 0..left {
            // The earliest: any message that it can have had, a later one can have had as well.
            let had = |death: &&mut Death| {
                death.unsaid > 0 && death.begun.get(&sender).is_some_and(|begun| number < *begun)
            };
            match self.0.iter_mut().find(had) {
                Some(death) => death.unsaid -= 1,
                None => return Err("which nobody who was killed can have had".into()),
            }
        }
        Ok(())
    }

    /// Nobody who lives had the message.
    ///
    /// # Errors
    ///
    /// If none had it who was killed, or one who cannot have given it back.
    pub(crate) fn vanish(&mut self, id: Id) -> Result<(), String> {
        // Whoever had it last.
        let deaths = self.0.iter_mut().rev();
        let found = deaths.filter_map(|death| {
            death.copied.iter().position(|one| one.id == id).map(|at| (death.receiver, &mut death.copied, at))
        });
        let Some((receiver, copied, at)) = { found }.next() else { return Err(String::new()) };
        copied[at].vanished = true;
        if copied[..=at].iter().any(|before| before.came) {
            return Err(format!(", save receiver {receiver}, which had not given back what came before it"));
        }
        Ok(())
    }
}
