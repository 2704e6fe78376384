//! A progress bar for what takes longer than a second, on a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressDrawTarget, ProgressStyle};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far some work is.
#[derive(Debug)]
pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    begun: Instant,
    shown: bool,
}

impl ProgressBar {
    /// Nothing of this many is done.
    pub fn new(total: usize, what: &'static str) -> ProgressBar {
        let bar = indicatif::ProgressBar::hidden();
        bar.set_length(total as u64);
        bar.set_message(what);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}") {
            bar.set_style(style);
        }
        ProgressBar { bar, begun: Instant::now(), shown: false }
    }

    /// Time goes by.
    pub fn tick(&mut self) {
        if !self.shown && self.begun.elapsed() > PATIENCE {
            self.shown = true;
            // Draws nothing unless it is a terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.tick();
    }

    /// One more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// Takes the bar away while something else is written.
    pub fn pause<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
