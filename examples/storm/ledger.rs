//! The accounts: what was published, what was received, and what became of the rest.
//!
//! Any process may die at any instruction, so each writes down what it does where that outlives it, and in an order
//! that leaves no doubt, or a small one:
//!
//! - A *sender* writes, before each call, how many of its messages are sent and how many are begun ([`Mark`]): 16
//!   bytes of a file in memory. When it is killed all below `sent` are published. Of its last call, at most one batch,
//!   nobody knows; but a sender publishes in order, so if one of them arrives those before it must arrive as well, and
//!   those after the last one that does are taken as never published.
//! - A *receiver* says what it has ([`Note`]) in a pipe. It says so *before it gives the slot back* for what it leases,
//!   and for what it copies as well: it leases the message, says so, forgets the lease, and so receives the same message
//!   again, now by copy. So a message that is given back and not said does not exist there, and **the account is exact**:
//!   whoever is killed before he gave it back leaves it to be delivered again, marked as such.
//! - The slots of a *batch* are given back inside the call. So that it is coming is said before the call, what it was
//!   after it. Every second receiver takes batches, and such a one is not killed at once: it is stopped where it stands,
//!   what the call has copied by then is read in its memory, and then it is killed there. What it had not copied must
//!   be delivered again. What it had copied may have been given back, in order, from the first on, and nobody else will
//!   see it. It has *vanished*: it counts as received, for it was seen in the hands of a receiver, and is reported.
//!   **This is bounded**: a message that had been copied, had not been given back, and was lost there is taken for one
//!   that had been, unless one before it comes again.
//!
//! All that is independent of what is tested: the accounts use files, pipes and the memory of the stopped.
//!
//! What is checked: every published message is received, none twice, save if that is said by `redelivered`, and then with
//! a count that no other receipt of it has had, and if as many receivers as that were killed who can have had it and not
//! given it back (`deaths`); one receiver gets the messages of one sender in order, save those that are delivered again;
//! and each message is whole.
//!
//! *Memory.* An account of each message is kept for as long as it can come. When number k + N of a sender has been
//! received, N being the capacity, the slot of k has been used again, so k was given back; the same goes for all of a
//! sender that is dead, when N of its successor's have been received. Since one pass over the pipes reads all that was
//! written before it began, the next pass has seen all that was said of k, save in a batch that is still open then, for
//! which the ledger waits.

use std::collections::{HashMap, VecDeque};

use crate::deaths::Deaths;
use crate::message::{BATCH, Mark, Note, What};

/// Faults that are kept to be shown.
const SHOWN: usize = 20;

/// A worker, as the ledger knows it: as [`Task::number`](crate::arguments::Task::number).
pub(crate) type Number = u32;

/// A message: its sender and its number.
pub(crate) type Id = (Number, u64);

/// What it all came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) published: u64,
    pub(crate) received: u64,
    pub(crate) redelivered: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    /// Of the received: those that were seen only in the memory of killed receivers.
    pub(crate) vanished: u64,
    /// Batches in which receivers were killed.
    pub(crate) open: u64,
    /// The messages that had been copied there.
    pub(crate) seen: u64,
    pub(crate) in_place: u64,
    pub(crate) copied: u64,
    pub(crate) in_batches: u64,
    /// The most that one message was delivered again.
    pub(crate) most_attempts: u8,
}

/// What is known of one message.
#[derive(Clone, Copy, Debug, Default)]
struct Receipts {
    /// One bit for each number of earlier deliveries.
    said: u16,
    /// A killed receiver had copied it, and not said so.
    copied: bool,
    /// Who said the one with the most.
    by: Number,
}

/// One sender's messages.
#[derive(Debug, Default)]
struct Stream {
    /// All below are settled.
    base: u64,
    /// From `base` on.
    receipts: VecDeque<Receipts>,
    /// None from here on was received.
    high: u64,
    /// How it ended, and which sender was the next to be started.
    ended: Option<(Mark, Number)>,
}

impl Stream {
    /// What is known of a message, unless that is settled.
    fn receipts(&mut self, number: u64) -> Option<&mut Receipts> {
        let at = number.checked_sub(self.base)? as usize;
        if at >= self.receipts.len() {
            self.receipts.resize(at + 1, Receipts::default());
        }
        self.high = self.high.max(number + 1);
        self.receipts.get_mut(at)
    }
}

/// A receiver that lives.
#[derive(Debug, Default)]
struct Reader {
    /// The latest number of each sender, of messages that were not delivered again.
    latest: HashMap<u32, u64>,
    /// The message that it said last, if it had not given that back when it did.
    last: Option<Id>,
    /// A batch is coming: of at most so many, to this address.
    open: Option<(u16, u64)>,
    /// It has said something.
    spoke: bool,
    /// Batches that were said to be coming.
    opened: u64,
}

/// How the next settlement gets on.
#[derive(Debug)]
enum Settlement {
    /// Up to these numbers all slots have been used again.
    Marked(HashMap<Number, u64>),
    /// And all that was said by then is read, save what is in these batches: the receiver's and its number.
    Awaiting(HashMap<Number, u64>, Vec<(Number, u64)>),
}

#[derive(Debug)]
pub(crate) struct Ledger {
    capacity: u64,
    /// The claim of a dead receiver is its successor's from the start.
    inherits: bool,
    streams: HashMap<Number, Stream>,
    readers: HashMap<Number, Reader>,
    deaths: Deaths,
    settlement: Settlement,
    pub(crate) totals: Totals,
    /// The first of them.
    pub(crate) faults: Vec<String>,
    /// In all, of those that are neither a loss nor a duplicate.
    pub(crate) disorders: u64,
}

impl Ledger {
    pub(crate) fn new(capacity: usize, inherits: bool) -> Self {
        Self {
            capacity: capacity as u64,
            inherits,
            streams: HashMap::new(),
            readers: HashMap::new(),
            deaths: Deaths::default(),
            settlement: Settlement::Marked(HashMap::new()),
            totals: Totals::default(),
            faults: Vec::new(),
            disorders: 0,
        }
    }

    pub(crate) fn fault(&mut self, text: String) {
        if self.faults.len() < SHOWN {
            self.faults.push(text);
        }
    }

    pub(crate) fn sender_started(&mut self, sender: Number) {
        self.streams.insert(sender, Stream::default());
    }

    /// It is dead; `next` is the number of the next worker to be started.
    pub(crate) fn sender_ended(&mut self, sender: Number, mark: Mark, next: Number) {
        if let Some(stream) = self.streams.get_mut(&sender) {
            stream.ended = Some((mark, next));
        }
    }

    pub(crate) fn receiver_started(&mut self, receiver: Number) {
        self.readers.insert(receiver, Reader::default());
    }

    /// Whether a batch is coming, as far as the receiver has said: of how many at most, and to which address.
    pub(crate) fn open(&self, receiver: Number) -> Option<(u16, u64)> {
        self.readers.get(&receiver)?.open
    }

    /// It has left, with nothing in its hands, and all that it said is read.
    pub(crate) fn receiver_left(&mut self, receiver: Number) {
        self.readers.remove(&receiver);
    }

    /// It was killed, and all that it said is read. `begun` says what each living sender has begun, and `copied` which
    /// messages it had copied if a batch was coming.
    pub(crate) fn receiver_killed(
        &mut self,
        receiver: Number,
        mut begun: HashMap<Number, u64>,
        copied: &[Id],
    ) {
        let Some(reader) = self.readers.remove(&receiver) else { return };
        for (sender, stream) in &self.streams {
            if let Some((mark, _)) = stream.ended {
                begun.insert(*sender, mark.begun);
            }
        }
        let most = match reader.open {
            Some((limit, _)) => limit.into(),
            None if self.inherits && !reader.spoke => BATCH,
            None => 1,
        };
        self.totals.open += u64::from(reader.open.is_some());
        self.totals.seen += copied.len() as u64;
        for (sender, number) in copied {
            match self.streams.get_mut(sender).and_then(|stream| stream.receipts(*number)) {
                Some(receipts) => receipts.copied = true,
                None => self.duplicate(receiver, (*sender, *number), "long after it had been given back"),
            }
        }
        self.deaths.add(receiver, reader.last, copied, most, begun);
    }

    fn duplicate(&mut self, receiver: Number, (sender, number): Id, text: &str) {
        self.totals.duplicated += 1;
        self.fault(format!("receiver {receiver} got {number} of sender {sender}, {text}"));
    }

    /// A receiver said that.
    pub(crate) fn note(&mut self, receiver: Number, note: Note) {
        let Some(reader) = self.readers.get_mut(&receiver) else { return };
        let Note { what, attempt, count, sender, first, .. } = note;
        let in_hand = matches!(what, What::InPlace | What::Copied);
        (reader.open, reader.last, reader.spoke) = (None, in_hand.then_some((sender, first)), true);
        match what {
            What::Open => {
                reader.open = Some((count, first));
                reader.opened += 1;
                return;
            }
            What::Nothing => return,
            What::Torn => {
                self.totals.lost += 1;
                return self
                    .fault(format!("receiver {receiver} got a torn message: sender {sender}, {first}"));
            }
            What::InPlace => self.totals.in_place += u64::from(count),
            What::Copied => self.totals.copied += u64::from(count),
            What::Batch => self.totals.in_batches += u64::from(count),
        }
        self.totals.most_attempts = self.totals.most_attempts.max(attempt);
        if attempt == 0 {
            let last = first + u64::from(count) - 1;
            if let Some(before) = reader.latest.insert(sender, last).filter(|before| *before >= first) {
                self.disorders += 1;
                self.fault(format!(
                    "receiver {receiver} got {first} of sender {sender} after {before}, and not as one that is \
                     delivered again"
                ));
            }
        }
        for number in first..first + u64::from(count) {
            self.receipt(receiver, sender, number, attempt);
        }
    }

    fn receipt(&mut self, receiver: Number, sender: Number, number: u64, attempt: u8) {
        let (id, again) = ((sender, number), attempt > 0);
        self.totals.redelivered += u64::from(again);
        let Some(receipts) = self.streams.get_mut(&sender).and_then(|stream| stream.receipts(number)) else {
            let text = "which had been received and given back long before, or was never sent";
            return self.duplicate(receiver, id, text);
        };
        let bit = 1_u16.checked_shl(attempt.into()).unwrap_or(0);
        let before = *receipts;
        receipts.said |= bit;
        receipts.by = receiver;
        self.totals.received += u64::from(before.said == 0);
        if before.said >= bit || before.copied && !again {
            return self.duplicate(
                receiver,
                id,
                &format!("as delivery {attempt}, as somebody before, or later"),
            );
        }
        if again {
            // Those that said so, and how many did not after the latest of them.
            let said = u64::from(u16::BITS - before.said.leading_zeros());
            let known = if said > 0 { self.deaths.not_given_back(id, before.by) } else { Ok(()) };
            let had = self.deaths.had_unsaid(id, u64::from(attempt) - said);
            if let Err(text) = known.and(had) {
                self.duplicate(receiver, id, &format!("as delivery {attempt}, {text}"));
            }
        }
    }

    /// Everything that was written before the pass began has been read.
    pub(crate) fn pass(&mut self) {
        let started = Settlement::Marked(HashMap::new());
        self.settlement = match std::mem::replace(&mut self.settlement, started) {
            Settlement::Marked(marks) => {
                let open = self.readers.iter().filter(|(_, reader)| reader.open.is_some());
                let open = open.map(|(number, reader)| (*number, reader.opened)).collect();
                Settlement::Awaiting(marks, open)
            }
            Settlement::Awaiting(marks, mut open) => {
                open.retain(|(number, opened)| {
                    let reader = self.readers.get(number);
                    reader.is_some_and(|reader| reader.open.is_some() && reader.opened == *opened)
                });
                if !open.is_empty() {
                    Settlement::Awaiting(marks, open)
                } else {
                    for (sender, mark) in marks {
                        self.settle(sender, mark);
                    }
                    self.drop_deaths();
                    Settlement::Marked(self.marks())
                }
            }
        };
    }

    /// What can no longer come, when all that was said by now has been read.
    fn marks(&self) -> HashMap<Number, u64> {
        let turned = self.streams.iter().filter(|(_, stream)| stream.high > self.capacity);
        let turned = turned.map(|(sender, _)| *sender).max();
        let mark = |(sender, stream): (&Number, &Stream)| match stream.ended {
            Some((mark, next)) if turned.is_some_and(|turned| turned >= next) => (*sender, mark.begun),
            _ => (*sender, stream.high.saturating_sub(self.capacity)),
        };
        self.streams.iter().map(mark).collect()
    }

    /// All that has not come up to there is not going to.
    fn settle(&mut self, sender: Number, mark: u64) {
        let Some(stream) = self.streams.get_mut(&sender) else { return };
        let ended = stream.ended.filter(|(ended, _)| mark >= ended.begun);
        let end = match ended {
            None => mark.min(stream.high),
            Some((ended, _)) => ended.sent.max(stream.high),
        };
        let high = stream.high;
        let mut missing = Vec::new();
        for number in stream.base..end {
            if stream.receipts.pop_front().unwrap_or_default().said == 0 {
                missing.push(number);
            }
        }
        self.totals.published += end.saturating_sub(stream.base);
        stream.base = stream.base.max(end);
        if let Some((ended, _)) = ended {
            self.streams.remove(&sender);
            if high > ended.begun {
                self.disorders += 1;
                self.fault(format!("sender {sender} began {}, and {} were received", ended.begun, high));
            }
        }
        for number in missing {
            self.missing(sender, number);
        }
    }

    fn missing(&mut self, sender: Number, number: u64) {
        match self.deaths.vanish((sender, number)) {
            Ok(()) => {
                self.totals.vanished += 1;
                self.totals.received += 1;
            }
            Err(text) => {
                self.totals.lost += 1;
                self.fault(format!("nobody got {number} of sender {sender}{text}"));
            }
        }
    }

    /// Those of whose messages all are settled.
    fn drop_deaths(&mut self) {
        let streams = &self.streams;
        let unsettled = |sender, begun| streams.get(&sender).is_some_and(|stream| stream.base < begun);
        self.deaths.retain(unsettled);
    }

    /// Everybody is gone, and all that was said is read.
    pub(crate) fn close(&mut self) {
        let senders: Vec<_> = self.streams.keys().copied().collect();
        for sender in senders {
            self.settle(sender, u64::MAX);
        }
    }
}
