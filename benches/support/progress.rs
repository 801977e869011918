//! How far a benchmark is, on the standard error, for whoever sits before a terminal.
#![allow(dead_code, reason = "each benchmark uses a part")]

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar with the time that is left, gone when it is dropped. It is drawn by whoever takes a step, so between two slices
/// and never in one, and a few times a second at most.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// So many steps to go; where there is no terminal, nothing is shown.
    pub(crate) fn new(steps: usize) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr_with_hz(4),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
        let style = ProgressStyle::with_template("[{bar:40}] {percent:>3} %  {elapsed} so far, {eta} left");
        Self(bar.with_style(style.expect("a template").progress_chars("##.")))
    }

    pub(crate) fn step(&self) {
        self.steps(1);
    }

    /// Several at once: what takes as long.
    pub(crate) fn steps(&self, count: usize) {
        self.0.inc(count as u64);
    }

    /// Prints something while the bar is out of the way.
    pub(crate) fn aside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
