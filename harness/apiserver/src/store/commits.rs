//! When revisions were committed: what an observer in the same process measures its own lag by.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The instants of the last revisions, which follow each other without a gap.
#[derive(Default)]
pub(super) struct Commits {
    last: u64,
    at: VecDeque<Instant>,
}

impl Commits {
    /// Takes down that `revision`, the next one, is committed now; keeps the last `window`.
    pub(super) fn add(&mut self, revision: u64, window: usize) {
        self.last = revision;
        self.at.push_back(Instant::now());
        if self.at.len() > window {
            self.at.pop_front();
        }
    }

    /// When a revision was committed; `None` where it is not, or no longer, known.
    pub(super) fn at(&self, revision: u64) -> Option<Instant> {
        let back = usize::try_from(self.last.checked_sub(revision)?).ok()?;
        let index = self.at.len().checked_sub(back.checked_add(1)?)?;
        self.at.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_revisions_have_their_instants() {
        let mut commits = Commits::default();
        let start = Instant::now();
        for revision in 1..=5 {
            commits.add(revision, 3);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let seconds = |revision| commits.at(revision).map(|at| (at - start).as_secs());
        let all: Vec<_> = (0..=6).map(seconds).collect();
        assert_eq!(all, [None, None, None, Some(2), Some(3), Some(4), None]);
    }
}
