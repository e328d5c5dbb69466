//! What is said on a terminal while the model's first token is waited for.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Most models have begun by then.
const FIRST_WORD: Duration = Duration::from_secs(5);
const NEXT_WORD: Duration = Duration::from_secs(15);

/// Counts from the start of the session to its first text. Says nothing unless it is begun.
#[derive(Debug)]
pub(super) struct Waiting {
    since: Option<Instant>,
    due: Instant,
    is_terminal: bool,
}

impl Waiting {
    pub(super) fn new(is_terminal: bool) -> Self {
        Self {
            since: None,
            due: Instant::now(),
            is_terminal,
        }
    }

    pub(super) fn begin(&mut self) {
        if self.is_terminal {
            let now = Instant::now();
            self.since = Some(now);
            self.due = now + FIRST_WORD;
        }
    }

    pub(super) fn end(&mut self) {
        self.since = None;
    }

    /// The next word, once it is due. Cancel-safe.
    pub(super) async fn word(&mut self) -> String {
        let Some(since) = self.since else {
            return std::future::pending().await;
        };
        sleep_until(self.due).await;
        self.due += NEXT_WORD;
        let seconds = since.elapsed().as_secs();
        format!(
            "waiting for the model's first token, {seconds} s so far; a server may have to load the model …"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_word_is_due_again_and_again_until_the_first_text() {
        let mut waiting = Waiting::new(true);
        waiting.begin();
        for seconds in [5, 20, 35] {
            let word = waiting.word().await;
            assert!(word.contains(&format!(" {seconds} s so far")), "{word}");
        }
        waiting.end();
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, waiting.word()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_where_nobody_looks() {
        let mut waiting = Waiting::new(false);
        waiting.begin();
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, waiting.word()).await.is_err());
    }
}
