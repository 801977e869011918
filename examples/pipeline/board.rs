//! The board: the cells of a run, and how it stands, as the supervisor says.

use ringway::Error;
use ringway::seqlock::{self, LoadError, Reader, TableReader, Writer};

use crate::arguments::Task;
use crate::messages::now_ns;
use crate::published::{self, Analysis, Latencies, Progress, Share, State};

pub(crate) struct Board {
    progress: Writer<Progress>,
    /// Never read, only held: so what a process has published outlives it, and its successor goes on from there.
    _analysis: Reader<Analysis>,
    _shares: TableReader<Share>,
    latencies: Reader<Latencies>,
}

impl Board {
    /// Before any process of the run is started: they find the cells there.
    pub(crate) fn put_up(task: &Task, workers: usize) -> Result<Self, Error> {
        let analysis = seqlock::cell(&published::analysis(&task.run)).create_new().reader()?;
        let shares = seqlock::table(&published::shares(&task.run)).cells(workers).create_new().reader()?;
        let latencies = seqlock::cell(&published::latencies(&task.run)).create_new().reader()?;
        // The last one: whoever sees it sees all.
        let mut progress = seqlock::cell(&published::progress(&task.run)).create_new().writer()?;
        progress.store(Progress {
            state: State::Running,
            workers: workers as u32,
            records: task.records,
            received: 0,
            lost: 0,
            repeated: 0,
            killed: 0,
            died: 0,
            feeds: 0,
            started_ns: now_ns(),
            ended_ns: 0,
        });
        Ok(Self { progress, _analysis: analysis, _shares: shares, latencies })
    }

    /// After the end of the stream.
    pub(crate) fn latencies(&self) -> Result<Latencies, LoadError> {
        self.latencies.load()
    }

    pub(crate) fn show(&mut self, change: impl FnOnce(&mut Progress)) -> Result<(), LoadError> {
        self.progress.update(change)
    }
}
