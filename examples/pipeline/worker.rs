//! A worker: filters blocks, whichever it gets, until there are no more.

use std::error::Error;
use std::time::Duration;

use ringway::{RecvError, mpmc, mpsc};

use crate::arguments::Task;
use crate::detector::recording::RATE_HZ;
use crate::detector::{Filters, Signals};
use crate::messages::{BEFORE, BLOCK, Block, Filtered, Label, SAMPLE};
use crate::share::Ledger;

/// How soon an idle worker looks for what a killed one left.
const ATTENTION: Duration = Duration::from_millis(1);

/// Takes blocks by lease: one that is killed has not given its block back, and another worker gets it. A block
/// is filtered at least once, and its result is the same each time.
pub(crate) fn run(task: &Task, slot: usize) -> Result<(), Box<dyn Error>> {
    let mut ledger = Ledger::take_over(&task.run, slot)?;
    let work = mpmc::channel::<Block>(&task.work_channel());
    let mut work = work.open_existing().liveness_interval(ATTENTION).receiver()?;
    let results = mpsc::channel::<Filtered>(&task.results_channel());
    let mut results = results.open_existing().sender()?;
    let mut signals = Vec::with_capacity(BLOCK);
    loop {
        let block = match work.lease() {
            Ok(block) => block,
            // The parser has left, and every block is done. If it died, the supervisor sees to that.
            Err(RecvError::Disconnected(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let samples = filter(&block, &mut signals);
        // Not before: results behind a slot that is lent wait for it.
        let mut result = results.loan()?.recycle();
        let label = Label { redelivered: block.redelivered(), ..block.label };
        result.label = label;
        result.samples[..samples.len()].copy_from_slice(samples);
        result.signals[..samples.len()].copy_from_slice(&signals);
        result.publish();
        let own = if label.kind == SAMPLE { samples.len() } else { 0 };
        ledger.count(label.number, own as u64, label.redelivered > 0);
        // Not before: a block that is given back is done.
        block.release();
    }
}

/// Works out the signals of a block's samples, which it gives.
fn filter<'a>(block: &'a Block, signals: &mut Vec<Signals>) -> &'a [u16] {
    let mut filters = Filters::new(RATE_HZ);
    let (before, rest) = block.samples.split_at(BEFORE);
    let samples = &rest[..usize::from(block.label.len)];
    for &sample in before {
        filters.push(sample);
    }
    signals.clear();
    signals.extend(samples.iter().map(|&sample| filters.push(sample)));
    samples
}
