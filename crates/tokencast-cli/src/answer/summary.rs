//! The line that closes an answer: the session's id, its size, its speed.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokencast_client::{AnswerEvent, Guardrail, Usage};
use uuid::Uuid;

use super::reasoning_time::{ReasoningTime, thought_for};
use crate::visible::visible;

/// Counts while the answer comes.
pub(super) struct Summary {
    session_id: Uuid,
    asked_at: Instant,
    first_piece_at: Option<Instant>,
    last_piece_at: Option<Instant>,
    attempt: u64,
    /// Events with a piece of the attempt that is on display.
    events: u64,
    characters: usize,
    usage: Option<Usage>,
    reasoning: ReasoningTime,
    is_resumed: bool,
    /// For how long the model has reasoned, once that is known.
    reasoning_ms: Option<u64>,
    ending: String,
    /// What a guardrail did, in words.
    guardrail: Option<String>,
}

impl Summary {
    /// `is_resumed`: what was said before comes at once, so that it says nothing of the time that it took.
    pub(super) fn new(session_id: Uuid, now: Instant, is_resumed: bool) -> Self {
        Self {
            session_id,
            asked_at: now,
            first_piece_at: None,
            last_piece_at: None,
            attempt: 0,
            events: 0,
            characters: 0,
            usage: None,
            reasoning: ReasoningTime::default(),
            is_resumed,
            reasoning_ms: None,
            ending: "unfinished".into(),
            guardrail: None,
        }
    }

    /// Characters of the text on display.
    pub(super) fn characters(&self) -> usize {
        self.characters
    }

    /// Whether the model has reasoned.
    pub(super) fn has_reasoned(&self) -> bool {
        self.reasoning.has_reasoned()
    }

    /// For how long the model has reasoned, by when it came here, if that says something.
    pub(super) fn reasoning_ms(&self) -> Option<u64> {
        let total = self.reasoning.total().filter(|_| !self.is_resumed)?;
        u64::try_from(total.as_millis()).ok()
    }

    /// Says for how long the model has reasoned.
    pub(super) fn set_reasoning_ms(&mut self, reasoning_ms: Option<u64>) {
        self.reasoning_ms = reasoning_ms;
    }

    /// Counts an event. Returns how long a stretch of reasoning was that it ends, by when it came here.
    pub(super) fn count(&mut self, event: &AnswerEvent, now: Instant) -> Option<Duration> {
        match event {
            AnswerEvent::Text { text, attempt, .. } => {
                self.piece(*attempt, now);
                self.characters += text.chars().count();
            }
            AnswerEvent::Reasoning { attempt, .. }
            | AnswerEvent::Citation { attempt, .. }
            | AnswerEvent::ToolUse { attempt, .. }
            | AnswerEvent::ToolResult { attempt, .. } => self.piece(*attempt, now),
            AnswerEvent::Restarted { attempt } => {
                self.attempt = *attempt;
                (self.events, self.characters) = (0, 0);
            }
            AnswerEvent::Completed {
                stop_reason,
                usage,
                guardrail,
            } => {
                self.end(stop_reason.as_deref().unwrap_or("completed"), *usage);
                self.guardrail = guardrail.as_ref().map(in_words);
            }
            AnswerEvent::Failed { code, usage, .. } => self.end(code, *usage),
            AnswerEvent::Cancelled { usage, .. } => self.end("cancelled", *usage),
            AnswerEvent::Started { .. }
            | AnswerEvent::Reconnecting { .. }
            | AnswerEvent::Reconnected => {}
        }
        let stretch = self.reasoning.on_event(event, now);
        stretch.filter(|_| !self.is_resumed)
    }

    fn piece(&mut self, attempt: u64, now: Instant) {
        self.first_piece_at.get_or_insert(now);
        self.last_piece_at = Some(now);
        self.attempt = attempt;
        self.events += 1;
    }

    fn end(&mut self, ending: &str, usage: Option<Usage>) {
        ending.clone_into(&mut self.ending);
        self.usage = usage;
    }

    /// Returns one line, without a line break.
    pub(super) fn line(&self) -> String {
        let mut line = format!("session {}, attempt {}, ", self.session_id, self.attempt);
        // Writing to a string never fails.
        let _ = match self.usage {
            Some(usage) => write!(
                line,
                "{} tokens in {} events",
                usage.output_tokens, self.events
            ),
            None => write!(line, "{} events", self.events),
        };
        if let Some(first) = self.first_piece_at {
            let _ = write!(
                line,
                ", first after {} ms",
                (first - self.asked_at).as_millis()
            );
        }
        if let Some(ms) = self.reasoning_ms {
            let _ = write!(line, ", {}", thought_for(Duration::from_millis(ms)));
        }
        if let Some(rate) = self.tokens_per_second() {
            let _ = write!(line, ", {rate:.1} tokens/s");
        }
        if let Some(cost) = self.usage.and_then(|usage| usage.cost) {
            let _ = write!(line, ", {cost}");
        }
        let _ = write!(line, ", {}", self.ending);
        if let Some(guardrail) = &self.guardrail {
            let _ = write!(line, ", {guardrail}");
        }
        line
    }

    /// Tokens a second, from the first token to the last. Without the model's own count, an event counts as a token.
    fn tokens_per_second(&self) -> Option<f64> {
        let took = self
            .last_piece_at?
            .saturating_duration_since(self.first_piece_at?);
        let tokens = self.usage.map_or(self.events, |usage| usage.output_tokens);
        if took < Duration::from_millis(1) || tokens < 2 {
            return None;
        }
        let tokens = u32::try_from(tokens).map_or(f64::INFINITY, f64::from);
        Some(tokens / took.as_secs_f64())
    }
}

/// What a guardrail did, in words.
pub(super) fn in_words(guardrail: &Guardrail) -> String {
    let did = match guardrail.action.as_str() {
        "MASKED" => "masked",
        _ => "blocked",
    };
    match guardrail.masked.join(", ") {
        found if found.is_empty() => format!("{did} by a guardrail"),
        found => format!("{did} by a guardrail: {}", visible(&found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, sequence: u64) -> AnswerEvent {
        AnswerEvent::Text {
            text: text.into(),
            block_index: 0,
            sequence,
            attempt: 1,
        }
    }

    #[test]
    fn the_line_says_who_how_much_and_how_fast() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut summary = Summary::new(Uuid::nil(), start, false);
        summary.count(&text("Ri", 1), at(300));
        summary.count(&text("vérs", 2), at(2_300));
        let usage = Usage {
            input_tokens: 5,
            output_tokens: 40,
            total_tokens: 45,
            cost: serde_json::from_str("0.00062").ok(),
            ..Usage::default()
        };
        summary.count(
            &AnswerEvent::Completed {
                stop_reason: Some("end_turn".into()),
                usage: Some(usage),
                guardrail: Some(Guardrail {
                    action: "MASKED".into(),
                    masked: vec!["EMAIL".into(), "NAME".into()],
                }),
            },
            at(2_400),
        );
        assert_eq!(
            summary.line(),
            "session 00000000-0000-0000-0000-000000000000, attempt 1, 40 tokens in 2 events, first after 300 ms, \
             20.0 tokens/s, $0.00062, end_turn, masked by a guardrail: EMAIL, NAME"
        );
        assert_eq!(summary.characters(), 6);
    }

    #[test]
    fn an_attempt_that_starts_again_is_counted_anew() {
        let now = Instant::now();
        let mut summary = Summary::new(Uuid::nil(), now, false);
        summary.count(&text("abc", 1), now);
        summary.count(&AnswerEvent::Restarted { attempt: 2 }, now);
        assert_eq!(summary.characters(), 0);
        assert!(
            summary.line().contains("attempt 2, 0 events"),
            "{}",
            summary.line()
        );
    }
}
