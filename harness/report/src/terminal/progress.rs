//! A bar on a terminal; nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how many scenarios have ended.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar on standard error, for a terminal.
    pub fn bar(scenarios: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(scenarios), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  {bar:24} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self(Some(bar))
    }

    /// No bar: for a pipe or CI.
    pub fn none() -> Self {
        Self(None)
    }

    /// One more has ended; called as it happens, before its records come in order.
    pub fn advance(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// Another handle on the same bar.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// Writes while the bar is out of the way.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away for good.
    pub fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
