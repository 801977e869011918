//! `ringway recv`.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringway::RecvTimeoutError;
use ringway::message::SchemaTree;

use crate::args::{Args, Format, Wanted};
use crate::output::{Failure, Outcome, open, tell};
use crate::value::{Value, columns};

/// So long it waits until it looks whether it is to end.
const MOMENT: Duration = Duration::from_millis(100);

/// Takes messages until there were enough, the last sender is gone, or somebody says stop.
pub(crate) fn run(
    args: &Args,
    name: &str,
    wanted: Wanted,
    stop: &AtomicBool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let channel = open(&args.namespaces(), name)?;
    let schema = channel.schema().clone();
    // Before anything is taken: a type may have too many.
    let columns = (wanted.format == Format::Csv).then(|| columns(&schema)).transpose();
    let columns = columns.map_err(|error| Failure::Message(error.to_string()))?;
    let mut receiver = channel.receiver().map_err(Failure::Channel)?;
    columns.iter().try_for_each(|columns| write_row(out, columns))?;
    let mut waiting = Instant::now();
    let mut taken = 0;
    while !wanted.is_enough(taken) && !stop.load(Ordering::Relaxed) {
        let left =
            wanted.timeout.map_or(MOMENT, |timeout| timeout.saturating_sub(waiting.elapsed()).min(MOMENT));
        match receiver.recv_timeout(left) {
            Ok(message) => {
                write_message(out, &schema, message, wanted.format)?;
                out.flush()?;
                (taken, waiting) = (taken + 1, Instant::now());
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Stalled(_)) => {
                if wanted.timeout.is_some_and(|timeout| waiting.elapsed() >= timeout) {
                    return Err(Failure::Message("there was no message, and the time is up".to_owned()));
                }
            }
            Err(RecvTimeoutError::Disconnected(departure)) => {
                tell(&format_args!("every sender is gone; the last one {departure}"));
                break;
            }
            Err(error) => return Err(Failure::Message(error.to_string())),
        }
    }
    Ok(wanted.outcome(taken))
}

pub(super) fn write_message(
    out: &mut impl Write,
    schema: &SchemaTree,
    message: &[u8],
    format: Format,
) -> Result<(), Failure> {
    let value = Value::new(schema, message);
    match format {
        Format::Text => writeln!(out, "{value}")?,
        Format::Json => writeln!(out, "{}", value.json())?,
        Format::Csv => write_row(out, &value.cells())?,
    }
    Ok(())
}

/// One line of comma-separated values (RFC 4180).
pub(super) fn write_row(out: &mut impl Write, cells: &[String]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(std::io::Error::from)?;
    let line = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(out.write_all(&line)?)
}
