//! `ringway bench`: what channels cost on this machine, beside the least that they could cost.
//!
//! Two processes, each on a core, run short slices in turn: the yardstick of a contest and the channels that are measured by it,
//! each time in another order. A ratio is one of slices of the same round, so that what the machine does to all of them cancels out.

mod contests;
mod cores;
mod figures;
mod pair;
mod raw;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{self, Args};
use crate::output::{Failure, Outcome, tell};
use contests::{Contest, Measured, contests};
use cores::relation;
use figures::{Figures, Report};
use pair::First;

pub(crate) use cores::Cores;
pub(crate) use pair::Second;

/// Slots of every ring here.
const CAPACITY: usize = 1024;
/// Messages of a batch.
const BATCH: usize = 32;
/// Rounds that are measured at least, however little time there is.
const LEAST: usize = 3;
/// A slice that takes longer is made shorter: others use the cores, or there is only one.
const SLOW: Duration = Duration::from_millis(50);
/// But never below so many messages.
const FEWEST: u64 = 8;

/// For how long, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) time: Duration,
    pub(crate) cores: Option<Cores>,
}

/// Measures, and says what came of it.
pub(crate) fn run(
    args: &Args,
    wanted: Wanted,
    stop: &AtomicBool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let cores = settle(wanted.cores, &cores::allowed()?);
    let warnings = warnings(cores);
    warnings.iter().for_each(tell);
    let namespaces = args.namespaces();
    let mut first = First::start(&namespaces[0], cores)?;
    let mut contests = contests(&first.shared)?;
    let mut figures: Vec<_> = contests.iter().map(Figures::of).collect();
    let progress = Progress::new(wanted.time);
    let measured = measure(&mut first, &mut contests, &mut figures, |rounds, longest| {
        progress.at(start.elapsed());
        let is_over = rounds > LEAST && start.elapsed() + longest >= wanted.time;
        !is_over && !stop.load(Ordering::Relaxed)
    });
    // Before the channels are left, so that the other one knows why.
    let rounds = measured.inspect_err(|_| first.abandon())?;
    drop(progress);
    first.finish()?;
    if rounds < 2 {
        return Err(Failure::Message("it was told to end before anything was measured".to_owned()));
    }
    let (relation, is_virtual) = (relation(cores), cores::is_virtual());
    let (rounds, seconds) = (rounds - 1, start.elapsed().as_secs_f64());
    let report = Report { cores, relation, is_virtual, rounds, seconds, warnings, figures };
    if args.json {
        report.write_json(out)?
    } else {
        report.write(out)?
    }
    Ok(Outcome::Fine)
}

/// Those that are asked for, if they may be used.
fn settle(asked: Option<Cores>, allowed: &[usize]) -> Cores {
    let Some(cores) = asked else { return cores::choose(allowed, relation) };
    if let Some(core) = cores.0.iter().find(|core| !allowed.contains(core)) {
        let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        args::refuse(&format!(
            "core {core} is none that this process may use, which are {}",
            allowed.join(", ")
        ));
    }
    cores
}

/// Why figures may mean little.
fn warnings(cores: Cores) -> Vec<String> {
    let mut warnings = Vec::new();
    let Cores([first, second]) = cores;
    if first == second {
        warnings.push(format!(
            "both processes share core {first}, and whoever waits gives it away: the figures say what it costs to take turns, \
             not what a channel costs"
        ));
    }
    if cfg!(debug_assertions) {
        warnings.push("this program was built without optimisation: the figures mean little".to_owned());
    }
    warnings
}

/// Rounds for as long as there is to be another one, given how many there were and how long the longest took; how many there
/// were. The first one warms up and is not counted.
fn measure(
    first: &mut First,
    contests: &mut [Contest],
    figures: &mut [Figures],
    goes_on: impl Fn(usize, Duration) -> bool,
) -> Result<usize, Failure> {
    let (mut rounds, mut longest) = (0, Duration::ZERO);
    while goes_on(rounds, longest) {
        let start = Instant::now();
        round(first, contests, rounds, (rounds > 0).then_some(&mut *figures))?;
        longest = longest.max(start.elapsed());
        rounds += 1;
    }
    Ok(rounds)
}

/// One slice of everybody, contest by contest, each time in another order.
fn round(
    first: &mut First,
    contests: &mut [Contest],
    round: usize,
    mut figures: Option<&mut [Figures]>,
) -> Result<(), Failure> {
    for (number, contest) in contests.iter_mut().enumerate() {
        let (entries, count) = (contest.entries.len(), contest.count);
        let mut longest = Duration::ZERO;
        for turn in 0..entries {
            let at = (turn + round) % entries;
            let entry = &mut contest.entries[at];
            let elapsed = first.slice(Contest::number(number, at), count, || entry.run(count))?;
            longest = longest.max(elapsed);
            if let Some(figures) = figures.as_deref_mut() {
                figures[number].add(at, figure(contest.measured, count, elapsed));
            }
        }
        if longest > SLOW {
            contest.count = (count / 8).max(FEWEST);
        }
    }
    Ok(())
}

/// Nanoseconds for a round trip, or messages in a second.
fn figure(measured: Measured, count: u64, elapsed: Duration) -> f64 {
    match measured {
        Measured::RoundTrip | Measured::RoundTripAsleep => elapsed.as_nanos() as f64 / count as f64,
        Measured::Stream => count as f64 / elapsed.as_secs_f64(),
    }
}

/// How far it is, on the error output, for whoever sits before a terminal; gone when it is dropped. It is drawn between two
/// rounds, and never in one.
struct Progress(ProgressBar);

impl Progress {
    fn new(time: Duration) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(4),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(time.as_millis() as u64), target);
        let style = ProgressStyle::with_template("[{bar:40}] {percent:>3} %");
        Self(bar.with_style(style.expect("a template").progress_chars("##.")))
    }

    fn at(&self, elapsed: Duration) {
        self.0.set_position(elapsed.as_millis() as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_time_of_a_round_or_the_messages_of_a_second() {
        let elapsed = Duration::from_micros(500);
        assert_eq!(figure(Measured::RoundTrip, 1000, elapsed), 500.0);
        assert_eq!(figure(Measured::RoundTripAsleep, 50, elapsed), 10_000.0);
        assert_eq!(figure(Measured::Stream, 1000, elapsed).round(), 2e6);
    }

    #[test]
    fn who_shares_a_core_is_warned() {
        assert!(warnings(Cores([3, 3]))[0].starts_with("both processes share core 3,"));
        assert!(!warnings(Cores([0, 1])).iter().any(|warning| warning.contains("share")));
    }
}
