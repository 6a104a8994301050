//! What the operator prints: the last lines, and the one that says that it works.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rotaproof_base::SecretValue;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// Lines kept.
const KEPT: usize = 500;
/// A longer line is cut.
const LONGEST: usize = 4096;
/// Values shorter than this are in every text.
const SHORTEST: usize = 6;

/// The last lines that the operator printed. Clones are the same log.
#[derive(Clone)]
pub(crate) struct OperatorLog {
    lines: Arc<Mutex<VecDeque<String>>>,
    working: watch::Sender<bool>,
}

impl Default for OperatorLog {
    fn default() -> Self {
        Self {
            lines: Arc::default(),
            working: watch::Sender::new(false),
        }
    }
}

impl OperatorLog {
    /// Reads to the end of the stream. A read error is its end.
    pub(crate) async fn follow(self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.take(line);
        }
    }

    /// Takes one line.
    pub(crate) fn take(&self, mut line: String) {
        if says_that_it_works(&line) {
            self.working.send_replace(true);
        }
        if line.len() > LONGEST {
            line.truncate(line.floor_char_boundary(LONGEST));
            line.push('…');
        }
        let mut lines = self.lines();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Waits until the queue of ExternalSecrets is being worked on.
    pub(crate) async fn working(&self) {
        // The sender is this log's own: it cannot be gone.
        let _ = self.working.subscribe().wait_for(|working| *working).await;
    }

    /// Forgets that it worked: the next process has to say so again.
    pub(crate) fn begin_again(&self) {
        self.working.send_replace(false);
    }

    /// The last lines, oldest first, without these values (nor their base64).
    pub(crate) fn last(&self, count: usize, secret: &[SecretValue]) -> Vec<String> {
        let lines = self.lines();
        let skipped = lines.len().saturating_sub(count);
        let redacted = lines.iter().skip(skipped);
        redacted.map(|line| redact(line, secret)).collect()
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// controller-runtime says so for each of its controllers.
fn says_that_it_works(line: &str) -> bool {
    line.contains("Starting workers") && line.contains("\"controller\":\"externalsecret\"")
}

fn redact(line: &str, secret: &[SecretValue]) -> String {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let mut line = line.to_owned();
    for value in secret {
        let bytes = value.expose();
        if bytes.len() < SHORTEST {
            continue;
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            line = line.replace(text, "[redacted]");
        }
        line = line.replace(&BASE64_STANDARD.encode(bytes), "[redacted]");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKS: &str = r#"{"level":"info","ts":1.0,"msg":"Starting workers","controller":"externalsecret","worker count":1}"#;

    #[tokio::test]
    async fn the_operator_works_once_the_queue_of_external_secrets_does() {
        let log = OperatorLog::default();
        log.clone()
            .follow(WORKS.replace("externalsecret", "secretstore").as_bytes())
            .await;
        assert!(!*log.working.borrow());
        log.clone().follow(WORKS.as_bytes()).await;
        log.working().await;
        log.begin_again();
        assert!(!*log.working.borrow());
    }

    #[test]
    fn a_line_is_shown_without_the_values_in_it() {
        let log = OperatorLog::default();
        log.take("refused: correct-horse (Y29ycmVjdC1ob3JzZQ==)".into());
        let secret = [SecretValue::new("correct-horse"), SecretValue::new("a")];
        assert_eq!(log.last(9, &secret), ["refused: [redacted] ([redacted])"]);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_long_ones_are_cut() {
        let log = OperatorLog::default();
        for number in 0..KEPT + 2 {
            log.take(format!("line {number}"));
        }
        log.take("ä".repeat(LONGEST));
        let lines = log.last(usize::MAX, &[]);
        assert_eq!(lines.len(), KEPT);
        assert_eq!(lines[0], "line 3");
        assert!(lines[KEPT - 1].len() <= LONGEST + '…'.len_utf8());
    }
}
