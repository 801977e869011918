//! `ringway top`: all channels, as they change.

mod chart;
mod sample;
mod view;

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::tty::IsTty as _;

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
            if !event::poll(left).map_err(Failure::Input)? {
                continue;
            }
            match event::read().map_err(Failure::Input)? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if is_end(key) && !view.is_typing() || !view.press(key.code) {
                        return Ok(Outcome::Fine);
                    }
                }
                Event::Resize(..) => {}
                _ => continue,
            }
            terminal.draw(|frame| view.draw(frame, sampler.rows())).map_err(Failure::Output)?;
        }
    }
}

/// In a raw terminal Ctrl-C is a key like any other.
fn is_end(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c')
}
