//! For how long the model reasons, by the clock of who listens.

use std::time::{Duration, Instant};

use tokencast_client::AnswerEvent;

/// Counts from the first piece of each stretch of reasoning to whatever comes behind it.
#[derive(Debug, Default)]
pub(super) struct ReasoningTime {
    since: Option<Instant>,
    total: Option<Duration>,
}

impl ReasoningTime {
    /// Takes the next event. Returns how long a stretch was that it ends.
    pub(super) fn on_event(&mut self, event: &AnswerEvent, now: Instant) -> Option<Duration> {
        match event {
            AnswerEvent::Reasoning { .. } => {
                self.since.get_or_insert(now);
                None
            }
            // These say nothing of the answer.
            AnswerEvent::Started { .. }
            | AnswerEvent::Reconnecting { .. }
            | AnswerEvent::Reconnected => None,
            AnswerEvent::Restarted { .. } => {
                *self = Self::default();
                None
            }
            _ => {
                let took = now.saturating_duration_since(self.since.take()?);
                *self.total.get_or_insert_default() += took;
                Some(took)
            }
        }
    }

    /// Whether there was any reasoning.
    pub(super) fn has_reasoned(&self) -> bool {
        self.since.is_some() || self.total.is_some()
    }

    /// All stretches that are over.
    pub(super) fn total(&self) -> Option<Duration> {
        self.total
    }
}

/// A time as a person says it.
pub(super) fn thought_for(time: Duration) -> String {
    format!("thought for {:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_added_up_until_the_answer_starts_again() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let reasoning = AnswerEvent::Reasoning {
            text: "So".into(),
            block_index: 0,
            sequence: 1,
            attempt: 1,
        };
        let text = AnswerEvent::Text {
            text: "Yes".into(),
            block_index: 1,
            sequence: 2,
            attempt: 1,
        };
        let mut time = ReasoningTime::default();
        assert_eq!(time.on_event(&text, at(0)), None);
        assert!(!time.has_reasoned());
        assert_eq!(time.on_event(&reasoning, at(100)), None);
        assert_eq!(time.on_event(&AnswerEvent::Reconnected, at(200)), None);
        assert_eq!(time.on_event(&reasoning, at(300)), None);
        let stretch = Some(Duration::from_millis(1_400));
        assert_eq!(time.on_event(&text, at(1_500)), stretch);
        assert_eq!(time.on_event(&text, at(1_600)), None);
        assert_eq!(time.on_event(&reasoning, at(2_000)), None);
        let stretch = Some(Duration::from_millis(100));
        assert_eq!(time.on_event(&text, at(2_100)), stretch);
        assert_eq!(time.total(), Some(Duration::from_millis(1_500)));
        time.on_event(&AnswerEvent::Restarted { attempt: 2 }, at(3_000));
        assert!(!time.has_reasoned());
        assert_eq!(
            thought_for(Duration::from_millis(1_449)),
            "thought for 1.4 s"
        );
    }
}
