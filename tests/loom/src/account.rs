//! What everybody did, by the processes' own word, and what must be true of it in the end. It is no part of the
//! model's memory, and since loom runs one thread at a time, what is noted here is in the order in which it happened.

/// What happened to every message.
#[derive(Clone, Default)]
pub struct Account {
    /// Messages whose publication began, and those whose sender knew it done.
    began: Vec<u64>,
    sent: Vec<u64>,
    /// Reads: message, and how often it was said to have been delivered before.
    reads: Vec<(u64, u32)>,
    /// Messages that were given back.
    done: Vec<u64>,
    /// Reads that their process has not given back, or did not live to.
    held: Vec<Held>,
    /// How often a process died, or gave up what it had claimed.
    losses: u32,
}

/// A message that a process has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub process: u64,
    pub message: u64,
    pub position: u64,
}

impl Account {
    pub fn begin(&mut self, message: u64) {
        self.began.push(message);
    }

    pub fn send(&mut self, message: u64) {
        self.sent.push(message);
    }

    pub fn read(&mut self, read: Held, attempt: u32) {
        self.reads.push((read.message, attempt));
        self.held.push(read);
    }

    pub fn give_back(&mut self, read: Held) {
        let at = self.held.iter().position(|held| *held == read);
        self.held.remove(at.expect("it was held"));
        self.done.push(read.message);
    }

    pub fn lose(&mut self) {
        self.losses += 1;
    }

    /// What a process has read and not given back.
    pub fn held_by(&self, process: u64) -> Vec<Held> {
        self.held.iter().copied().filter(|held| held.process == process).collect()
    }

    /// Messages that were received in the end, in order of being given back.
    pub fn done(&self) -> &[u64] {
        &self.done
    }

    /// Reads: message, and how often it was said to have been delivered before.
    pub fn reads(&self) -> &[(u64, u32)] {
        &self.reads
    }

    /// Nothing that was sent is lost but what was counted as dropped, nothing was invented, and nothing came again
    /// but what a dead receiver had claimed; and that was marked, by no more than the number of those that died.
    pub fn check(&self, dropped: u64) {
        let Self { began, sent, reads, done, held, losses } = self;
        let all = format!(
            "began {began:?}, sent {sent:?}, reads {reads:?}, done {done:?}, held {held:?}, \
             {losses} losses, {dropped} dropped"
        );
        for message in began {
            let attempts: Vec<_> =
                reads.iter().filter(|read| read.0 == *message).map(|read| read.1).collect();
            let finished = done.iter().filter(|done| *done == message).count();
            let died_of = held.iter().filter(|held| held.message == *message).count();
            assert!(finished <= 1, "{message} was given back twice: {all}");
            assert_eq!(attempts.len(), finished + died_of, "{message}: {all}");
            for (before, attempt) in attempts.iter().enumerate() {
                let marked = before as u32 <= *attempt && *attempt <= *losses;
                assert!(marked, "{message} came for the {before}. time again, marked {attempt}: {all}");
            }
        }
        assert!(reads.iter().all(|read| began.contains(&read.0)), "invented: {all}");
        let lost = sent.iter().filter(|message| !done.contains(message)).count() as u64;
        assert!(lost <= dropped, "lost: {all}");
        assert!(done.len() as u64 + dropped <= began.len() as u64, "dropped and received: {all}");
    }
}
