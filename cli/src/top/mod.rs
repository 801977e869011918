//! `ringway top`: all channels, as they change.

mod chart;
mod detail;
mod sample;
mod view;

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::tty::IsTty as _;
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::args::Args;
use crate::output::{Failure, Outcome, escaped};
use sample::Sampler;
use view::View;

/// How often to look, and how many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) interval: Duration,
    pub(crate) count: Option<u64>,
}

/// So long it waits for a key until it looks whether it is to end.
const MOMENT: Duration = Duration::from_millis(100);

/// Shows them in a terminal or, as JSON, writes a line each time.
pub(crate) fn run(
    args: &Args,
    pace: Pace,
    stop: &AtomicBool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let mut sampler = Sampler::new(args.namespaces());
    if args.json {
        return write_lines(&mut sampler, pace, stop, out);
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_tty() {
        let what =
            "`top` draws in a terminal, and this is none: `top --json` writes lines, and `list` writes once";
        return Err(Failure::Message(what.to_owned()));
    }
    let mut terminal = ratatui::try_init().map_err(Failure::Output)?;
    let ended = draw(&mut terminal, &mut sampler, pace, stop);
    ratatui::restore();
    ended
}

fn write_lines(
    sampler: &mut Sampler,
    pace: Pace,
    stop: &AtomicBool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let mut written = 0;
    loop {
        let began = Instant::now();
        sampler.look()?;
        let rows = serde_json::to_string(&sampler.rows()).map_err(std::io::Error::from)?;
        writeln!(out, "{}", escaped(&rows))?;
        out.flush()?;
        written += 1;
        if pace.count == Some(written) {
            return Ok(Outcome::Fine);
        }
        while began.elapsed() < pace.interval {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Fine);
            }
            std::thread::sleep(pace.interval.saturating_sub(began.elapsed()).min(MOMENT));
        }
    }
}

fn draw(
    terminal: &mut ratatui::DefaultTerminal,
    sampler: &mut Sampler,
    pace: Pace,
    stop: &AtomicBool,
) -> Result<Outcome, Failure> {
    let (mut view, mut looks) = (View::new(pace.interval), 0);
    loop {
        let began = Instant::now();
        if !view.is_paused() || looks == 0 {
            sampler.look()?;
            looks += 1;
        }
        terminal.draw(|frame| view.draw(frame, sampler.rows())).map_err(Failure::Output)?;
        while began.elapsed() < view.interval() {
            if stop.load(Ordering::Relaxed) || pace.count == Some(looks) {
                return Ok(Outcome::Fine);
            }
            let left = view.interval().saturating_sub(began.elapsed()).min(MOMENT);
            match listen(left) {
                Heard::Gone => return Ok(Outcome::Fine),
                Heard::Nothing => continue,
                Heard::Something => {}
            }
            // All that has come: what is read and not taken is not heard of again. It may also be half a key, or none.
            while event::poll(Duration::ZERO).map_err(Failure::Input)? {
                let Event::Key(key) = event::read().map_err(Failure::Input)? else { continue };
                let ends = is_end(key) && !view.is_typing();
                if key.kind != KeyEventKind::Release && (ends || !view.press(key.code)) {
                    return Ok(Outcome::Fine);
                }
            }
            terminal.draw(|frame| view.draw(frame, sampler.rows())).map_err(Failure::Output)?;
        }
    }
}

/// What came from the terminal.
enum Heard {
    Something,
    Nothing,
    /// There is no terminal any more. Nobody says so to one that was told to ignore SIGHUP; and what reads keys would read
    /// none then, for ever.
    Gone,
}

/// Waits for a key, for so long at most.
fn listen(time: Duration) -> Heard {
    let stdin = std::io::stdin();
    let mut terminal = [PollFd::new(&stdin, PollFlags::IN)];
    let time = Timespec::try_from(time).ok();
    if rustix::event::poll(&mut terminal, time.as_ref()).is_err() {
        // A signal: there is a look at what it said.
        return Heard::Nothing;
    }
    let heard = terminal[0].revents();
    if heard.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        Heard::Gone
    } else if heard.contains(PollFlags::IN) {
        Heard::Something
    } else {
        Heard::Nothing
    }
}

/// In a raw terminal Ctrl-C is a key like any other.
fn is_end(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c')
}
