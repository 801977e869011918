//! The cutter: makes blocks of the stream, each of which any worker can filter.

use ringway::SendError;
use ringway::mpmc::Sender;

use crate::detector::Finder;
use crate::detector::recording::{RATE_HZ, SAMPLES};
use crate::messages::{BEFORE, BLOCK, Block, END, HELD, Label, SAMPLE};

pub(crate) struct Cutter {
    work: Sender<Block>,
    /// Blocks passed on: the number of the next one.
    pub(crate) blocks: u64,
    /// What the next block starts from, and its own samples; empty at the start of a pass.
    samples: Vec<u16>,
}

impl Cutter {
    pub(crate) fn new(work: Sender<Block>) -> Self {
        Self { work, blocks: 0, samples: Vec::with_capacity(BEFORE + BLOCK) }
    }

    /// Takes the sample with this number in the stream.
    #[inline]
    pub(crate) fn sample(&mut self, number: u64, sample: u16) -> Result<(), SendError<()>> {
        if self.samples.is_empty() {
            self.samples.resize(BEFORE, sample);
        }
        self.samples.push(sample);
        if (number + 1) % SAMPLES == 0 {
            return self.end_pass(sample);
        }
        if self.samples.len() == BEFORE + BLOCK {
            return self.pass_on(SAMPLE, 0);
        }
        Ok(())
    }

    /// Holds the last sample of a pass, as long as the detector asks, so that it can judge it.
    fn end_pass(&mut self, last: u16) -> Result<(), SendError<()>> {
        self.pass_on(SAMPLE, 0)?;
        self.samples.resize(BEFORE + Finder::hold(RATE_HZ), last);
        self.pass_on(HELD, 0)?;
        self.samples.clear();
        Ok(())
    }

    /// Takes the end of the stream, which is a block too: the sink finds it in its place.
    pub(crate) fn end(&mut self, sent: u64) -> Result<(), SendError<()>> {
        if self.samples.len() > BEFORE {
            self.pass_on(SAMPLE, 0)?;
        }
        self.pass_on(END, sent)
    }

    fn pass_on(&mut self, kind: u16, sent: u64) -> Result<(), SendError<()>> {
        let own = self.samples.len().saturating_sub(BEFORE);
        // Written where the worker will read it.
        let mut block = self.work.loan()?.recycle();
        block.label = Label { number: self.blocks, sent, kind, len: own as u16, redelivered: 0 };
        block.samples[..self.samples.len()].copy_from_slice(&self.samples);
        block.publish();
        self.blocks += 1;
        self.samples.drain(..own);
        Ok(())
    }
}
