//! `ringway`: looks into the channels of this machine.
//!
//! Who looks, or taps, only reads, by mappings for reading alone, and takes no part, so that nobody notices. `send` and `recv` take part
//! like anybody else, and `sweep` removes what no process has any more.

mod args;
mod bench;
mod commands;
mod metrics;
mod output;
mod participants;
mod rust;
mod top;
mod value;

use std::io::{BufReader, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use args::{Args, Command, Format, Wanted};
use output::{Failure, Outcome};

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = std::io::stdout().lock();
    match run(&args, &mut out).and_then(|outcome| Ok(out.flush().map(|()| outcome)?)) {
        Ok(outcome) => outcome.into(),
        // Whoever reads it has had enough: `| head`. But what `check` and `recv` say is not only for whoever reads it.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe && args.only_shows() => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            output::tell(&failure);
            failure.into()
        }
    }
}

/// Is set when the process is told to end, so that it leaves the channel before it does; told a second time it ends at once.
/// What it was started to ignore, as by `nohup`, it ignores.
fn stop() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let ignored = ignored_signals();
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0) {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stop.clone())
            .map_err(Failure::Input)?;
        signal_hook::flag::register(signal, stop.clone()).map_err(Failure::Input)?;
    }
    Ok(stop)
}

/// A bit for each signal that this process ignores, from 1 on.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}

/// The same as JSON, if that is wanted for short.
fn written(args: &Args, wanted: Wanted) -> Wanted {
    let format = if args.json { Format::Json } else { wanted.format };
    Wanted { format, ..wanted }
}

fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    match &args.command {
        Command::List => commands::list::run(args, out),
        Command::Show { name } => commands::show::run(args, name, out),
        Command::Check { names } => commands::check::run(args, names, out),
        Command::Top { interval, count } => {
            let stop = stop()?;
            top::run(args, top::Pace { interval: *interval, count: *count }, &stop, out)
        }
        Command::Metrics { names, output, listen } => match listen {
            None => metrics::write(args, names, output.as_deref(), out),
            Some(address) => metrics::serve(args, names, *address, &*stop()?),
        },
        Command::Send { name, timeout } => {
            let stop = stop()?;
            commands::send::run(args, name, *timeout, &stop, BufReader::new(std::io::stdin()), out)
        }
        Command::Recv { name, wanted } => {
            let stop = stop()?;
            commands::recv::run(args, name, written(args, *wanted), &stop, out)
        }
        Command::Tap { name, wanted, positions, from_oldest, rate } => {
            let (stop, messages) = (stop()?, written(args, *wanted));
            let (positions, from_oldest, rate) = (*positions, *from_oldest, *rate);
            let wanted = commands::tap::Wanted { messages, positions, from_oldest, rate };
            commands::tap::run(args, name, wanted, &stop, out)
        }
        Command::Bench { seconds, cores } => {
            if let Some(second) = bench::Second::as_told() {
                return second?.serve(&args.namespaces()[0]);
            }
            let wanted = bench::Wanted { time: *seconds, cores: *cores };
            bench::run(args, wanted, &*stop()?, out)
        }
        Command::Sweep { dry_run } => commands::sweep::run(args, *dry_run, out),
        Command::Completions { shell } => commands::help::completions(*shell, out),
        Command::Man { dir } => commands::help::man(dir, out),
    }
}
