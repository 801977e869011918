//! `ringway send`.

use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ringway::SendTimeoutError;
use ringway::channel::untyped::Sender;

use crate::args::Args;
use crate::output::{Failure, Outcome, count, open};
use crate::value::parse;

/// So long it waits until it looks whether it is to end.
const MOMENT: Duration = Duration::from_millis(100);

/// Sends each line of the input, for as long as nobody says stop.
pub(crate) fn run(
    args: &Args,
    name: &str,
    timeout: Option<Duration>,
    stop: &AtomicBool,
    input: impl BufRead + Send + 'static,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let channel = open(&args.namespaces(), name)?;
    let schema = channel.schema().clone();
    let mut sender = channel.sender().map_err(Failure::Channel)?;
    let (mut sent, mut number) = (0_u64, 0_u64);
    let lines = lines(input);
    let outcome = loop {
        if stop.load(Ordering::Relaxed) {
            break Ok(());
        }
        let line = match lines.recv_timeout(MOMENT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        };
        number += 1;
        let line = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(error) => break Err(format!("line {number} cannot be read: {error}")),
        };
        let message = match parse(&schema, &line) {
            Ok(message) => message,
            Err(error) => break Err(format!("line {number}: {error}")),
        };
        match send(&mut sender, &message, timeout, stop) {
            Ok(()) => sent += 1,
            Err(why) => break Err(format!("line {number} was not sent: {why}")),
        }
    };
    // That it was sent is so whether anybody hears of it or not.
    let _ = writeln!(out, "{} sent", count(sent, "message"));
    match outcome {
        Ok(()) => Ok(Outcome::Fine),
        Err(why) => Err(Failure::Message(why)),
    }
}

/// The lines of the input as they come. A thread reads them, since whoever reads does not hear that it is to stop.
fn lines(input: impl BufRead + Send + 'static) -> Receiver<io::Result<String>> {
    let (tx, rx) = sync_channel(1);
    std::thread::spawn(move || input.lines().try_for_each(|line| tx.send(line)));
    rx
}

/// Sends one message, unless the time is up before there is room, or somebody says stop.
fn send(
    sender: &mut Sender,
    message: &[u8],
    timeout: Option<Duration>,
    stop: &AtomicBool,
) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let left = timeout.map_or(MOMENT, |timeout| timeout.saturating_sub(start.elapsed()).min(MOMENT));
        match sender.send_timeout(message, left) {
            Ok(()) => return Ok(()),
            Err(SendTimeoutError::Timeout(()) | SendTimeoutError::Stalled((), _)) => {}
            Err(error) => return Err(error.to_string()),
        }
        if stop.load(Ordering::Relaxed) {
            return Err("the channel is full, and it was told to end".to_owned());
        }
        if timeout.is_some_and(|timeout| start.elapsed() >= timeout) {
            return Err("the channel is full, and the time is up".to_owned());
        }
    }
}
