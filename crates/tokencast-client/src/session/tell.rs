//! A transcript's changes, as the reader of a stream hears of them.

use crate::event::{AnswerEvent, StreamStatus};
use crate::transcript::{Change, Ending};

pub(super) fn answer_event(change: Change) -> AnswerEvent {
    let Ending {
        status,
        stop_reason,
        usage,
        error,
    } = match change {
        Change::Restart { attempt } => return AnswerEvent::Restarted { attempt },
        Change::Append {
            text,
            attempt,
            sequence,
        } => {
            return AnswerEvent::Text {
                text,
                sequence,
                attempt,
            };
        }
        Change::End(ending) => ending,
    };
    match (status, error) {
        (StreamStatus::Cancelled, _) => AnswerEvent::Cancelled { stop_reason, usage },
        (StreamStatus::Failed, Some(error)) => AnswerEvent::Failed {
            code: error.code,
            message: error.message,
            retryable: error.retryable,
            usage,
        },
        (StreamStatus::Failed, None) => AnswerEvent::Failed {
            code: "INTERNAL".into(),
            message: "the session failed, and the API doesn't say why".into(),
            retryable: true,
            usage,
        },
        _ => AnswerEvent::Completed { stop_reason, usage },
    }
}
