//! What a client heard of one answer, and when: the same for every delivery.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::BenchError;

/// One answer, as its client had it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// From nothing until a prompt can be sent: TCP, HTTP's upgrade, and what the protocol asks for besides.
    pub(super) set_up: Duration,
    pub(super) events: Vec<Event>,
    /// Of everything that came, frames and event fields included.
    pub(super) bytes: usize,
    /// How long its connection was open.
    pub(super) open: Duration,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: Instant,
    pub(super) token: String,
    pub(super) attempt: u64,
    /// Set by the last.
    pub(super) ending: Option<Ending>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: String,
    pub(super) code: Option<String>,
}

impl Event {
    /// From a token event's JSON, which is the same over every delivery.
    pub(super) fn read(at: Instant, event: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let is_complete = event["isComplete"] == true;
        Self {
            at,
            token: text(&event["token"]).unwrap_or_default(),
            attempt: event["attempt"].as_u64().unwrap_or_default(),
            ending: is_complete.then(|| Ending {
                status: text(&event["status"]).unwrap_or_default(),
                code: text(&event["error"]["code"]),
            }),
        }
    }
}

impl Heard {
    /// The text of the last attempt.
    pub(super) fn text(&self) -> String {
        let last = self.events.iter().map(|event| event.attempt).max();
        let of_last = self
            .events
            .iter()
            .filter(|event| Some(event.attempt) == last);
        of_last.map(|event| event.token.as_str()).collect()
    }

    pub(super) fn ending(&self) -> Option<&Ending> {
        self.events.last()?.ending.as_ref()
    }

    /// That it is whole: the model's text, completed.
    pub(super) fn check(&self, text: &str) -> Result<(), BenchError> {
        let status = self.ending().map_or("none", |ending| &ending.status);
        if status == "COMPLETED" && self.text() == text {
            return Ok(());
        }
        let bytes = self.text().len();
        let message = format!(
            "an answer of {bytes} bytes ended {status}, not {}, COMPLETED",
            text.len()
        );
        Err(BenchError::Wrong(message))
    }
}
