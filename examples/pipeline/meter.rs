//! The meter: how the channels of a run fill and drain while it runs, for the bar and the pictures. It looks at them as a
//! stranger does, by a mapping for reading, ten times a second, so that the run knows nothing of it.

use std::io::{self, IsTerminal, LineWriter, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringway::inspect::Observer;

use crate::arguments::Task;
use crate::plot::figure;
use crate::timeline::Timeline;

/// From one look to the next.
const INTERVAL: Duration = Duration::from_millis(100);

/// The bar, for whoever sits before a terminal; none where the standard error is something else.
pub(crate) fn bar() -> Option<ProgressBar> {
    let terminal = io::stderr().is_terminal();
    terminal.then(|| {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("[{bar:26}] {percent:>3} %  {msg}\n{prefix}");
        bar.with_style(style.expect("a template").progress_chars("##."))
    })
}

/// Writes whole lines above the bar.
pub(crate) fn above<'a>(bar: &ProgressBar, out: &'a mut dyn Write) -> impl Write + use<'a> {
    LineWriter::new(Above { bar: bar.clone(), out })
}

struct Above<'a> {
    bar: ProgressBar,
    out: &'a mut dyn Write,
}

impl Write for Above<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bar.suspend(|| {
            let count = self.out.write(bytes)?;
            self.out.flush()?;
            Ok(count)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

pub(crate) struct Meter<'a> {
    bar: Option<&'a ProgressBar>,
    timeline: Option<&'a mut Timeline>,
    /// By name; those that are there.
    channels: [(&'static str, String, Option<Observer>); 3],
    records: u64,
    received: u64,
    /// Over the latest intervals.
    rate: f64,
    started: Instant,
    looked: Instant,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(task: &Task, bar: Option<&'a ProgressBar>, timeline: Option<&'a mut Timeline>) -> Self {
        let channels = [
            ("records", task.records_channel(), None),
            ("work", task.work_channel(), None),
            ("results", task.results_channel(), None),
        ];
        let now = Instant::now();
        if let Some(bar) = bar {
            bar.set_length(task.records);
            bar.set_position(0);
        }
        let records = task.records;
        Self { bar, timeline, channels, records, received: 0, rate: 0.0, started: now, looked: now }
    }

    /// Looks if it is time to. So many workers have been killed so far, and feeds have died.
    pub(crate) fn look(&mut self, killed: u64, feeds: usize) {
        let now = Instant::now();
        let seconds = (now - self.started).as_secs_f64();
        if let Some(timeline) = &mut self.timeline {
            timeline.workers.resize(killed as usize, seconds);
            timeline.feeds.resize(feeds, seconds);
        }
        let passed = now - self.looked;
        if passed < INTERVAL || (self.bar.is_none() && self.timeline.is_none()) {
            return;
        }
        self.looked = now;
        let mut fills = Vec::new();
        for (name, channel, observer) in &mut self.channels {
            if observer.is_none() {
                // The one of the records is made by those who use it, and may not be there yet.
                *observer = Observer::open(channel).ok();
            }
            let Some(observer) = observer else { continue };
            let (snapshot, capacity) = (observer.snapshot(), observer.capacity());
            if *name == "records" {
                let before = std::mem::replace(&mut self.received, snapshot.received.min(self.records));
                let rate = self.received.saturating_sub(before) as f64 / passed.as_secs_f64();
                self.rate = if self.rate == 0.0 { rate } else { self.rate * 0.8 + rate * 0.2 };
            }
            fills.push(format!("{name} {:3} % of {capacity}", snapshot.fill * 100 / capacity.max(1)));
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.note(seconds, self.received);
        }
        if let Some(bar) = self.bar {
            bar.set_position(self.received);
            let [received, records, rate] =
                [self.received as f64, self.records as f64, self.rate].map(figure);
            let left = (self.records - self.received) as f64 / self.rate;
            let left = if left.is_finite() { format!("{left:.0} s left") } else { "waiting".to_owned() };
            bar.set_prefix(format!("fill  {}", fills.join(", ")));
            bar.set_message(format!("{received} of {records}, {rate}/s, {left}"));
        }
    }

    /// The parser has received all of the stream.
    pub(crate) fn end(&mut self, received: u64) {
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(timeline) = &mut self.timeline {
            timeline.end(seconds, received);
        }
    }
}
