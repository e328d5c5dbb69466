//! Messages on a terminal while nothing comes: before the model's first token, and while the connection is lost.

use std::time::Duration;

use tokencast_client::Waiting as Held;
use tokio::time::{Instant, sleep_until};

/// Most models have begun after this time.
const FIRST_WORD: Duration = Duration::from_secs(5);
const NEXT_WORD: Duration = Duration::from_secs(15);
/// The time between two messages about a connection that is still lost.
const STILL_LOST: Duration = Duration::from_secs(30);

/// Counts from the start of the session to its first text. It says nothing until it is begun.
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

    /// Returns the next message, once it is due. `why` asks the API what holds the session up. Cancel-safe.
    pub(super) async fn word(&mut self, why: impl AsyncFnOnce() -> Option<Held>) -> String {
        let Some(since) = self.since else {
            return std::future::pending().await;
        };
        sleep_until(self.due).await;
        self.due += NEXT_WORD;
        let held = why().await;
        words(since.elapsed().as_secs(), held.as_ref())
    }
}

fn words(seconds: u64, held: Option<&Held>) -> String {
    let why = match held {
        Some(Held { reason, since }) if reason == "THROTTLED" => {
            format!("the model has had no capacity since {since}, and is asked again by itself")
        }
        Some(Held { reason, since }) => format!("held up since {since}: {reason}"),
        None => "a server may have to load the model".to_owned(),
    };
    format!("waiting for the model's first token, {seconds} s so far; {why} …")
}

/// Tracks a connection that is lost and found again.
#[derive(Debug)]
pub(super) struct Outage {
    said_at: Option<Instant>,
    is_terminal: bool,
}

impl Outage {
    pub(super) fn new(is_terminal: bool) -> Self {
        Self {
            said_at: None,
            is_terminal,
        }
    }

    /// Returns what to say of a failed try. The first failure is reported, and later ones only from time to time.
    pub(super) fn lost(&mut self, reason: &str) -> Option<String> {
        let now = Instant::now();
        let is_first = self.said_at.is_none();
        let is_due = self.said_at.is_none_or(|at| now - at >= STILL_LOST);
        if !self.is_terminal || !is_due {
            return None;
        }
        self.said_at = Some(now);
        let what = if is_first { "lost" } else { "still lost" };
        Some(format!(
            "the connection is {what} ({reason}); trying again …"
        ))
    }

    pub(super) fn found(&mut self) -> Option<&'static str> {
        self.said_at.take().map(|_| "connected again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing() -> Option<Held> {
        None
    }

    #[test]
    fn a_throttled_model_is_named_with_its_time() {
        let held = Held {
            reason: "THROTTLED".to_owned(),
            since: "2026-01-02T00:00:00Z".to_owned(),
        };
        let word = words(20, Some(&held));
        assert_eq!(
            word,
            "waiting for the model's first token, 20 s so far; the model has had no capacity since \
             2026-01-02T00:00:00Z, and is asked again by itself …"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_now_and_then() {
        let mut outage = Outage::new(true);
        assert_eq!(outage.found(), None);
        let mut said = Vec::new();
        for _ in 0..7 {
            said.extend(outage.lost("refused"));
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(
            said,
            [
                "the connection is lost (refused); trying again …",
                "the connection is still lost (refused); trying again …",
                "the connection is still lost (refused); trying again …",
            ]
        );
        assert_eq!(outage.found(), Some("connected again"));
        assert_eq!(outage.found(), None);
        assert_eq!(Outage::new(false).lost("refused"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_is_due_again_and_again_until_the_first_text() {
        let mut waiting = Waiting::new(true);
        waiting.begin();
        for seconds in [5, 20, 35] {
            let word = waiting.word(nothing).await;
            assert!(word.contains(&format!(" {seconds} s so far")), "{word}");
        }
        waiting.end();
        let hour = Duration::from_hours(1);
        assert!(
            tokio::time::timeout(hour, waiting.word(nothing))
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_where_nobody_looks() {
        let mut waiting = Waiting::new(false);
        waiting.begin();
        let hour = Duration::from_hours(1);
        assert!(
            tokio::time::timeout(hour, waiting.word(nothing))
                .await
                .is_err()
        );
    }
}
