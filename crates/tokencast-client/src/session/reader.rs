//! Who reads a stream, and in what words a transcript's changes are told.

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::error::Error;
use crate::event::{AnswerEvent, StreamStatus};
use crate::transcript::{Change, Ending};

pub(super) struct Reader {
    session_id: Uuid,
    sender: mpsc::Sender<Result<AnswerEvent, Error>>,
    has_started: bool,
}

/// Why a session's stream ends before the session does.
pub(super) enum Halt {
    Failed(Error),
    /// Nobody reads any more.
    Unread,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Reader {
    pub(super) fn new(session_id: Uuid, sender: mpsc::Sender<Result<AnswerEvent, Error>>) -> Self {
        Self {
            session_id,
            sender,
            has_started: false,
        }
    }

    pub(super) fn session_id(&self) -> Uuid {
        self.session_id
    }

    /// Whether the reader was told that the session has started.
    pub(super) fn has_started(&self) -> bool {
        self.has_started
    }

    /// Tells what has changed, and before all else that the session has started.
    ///
    /// # Errors
    ///
    /// Nobody reads any more.
    pub(super) async fn tell(&mut self, changes: Vec<Change>) -> Result<(), Halt> {
        if !std::mem::replace(&mut self.has_started, true) {
            let session_id = self.session_id;
            self.say(AnswerEvent::Started { session_id }).await?;
        }
        for change in changes {
            if let Some(event) = answer_event(change) {
                self.say(event).await?;
            }
        }
        Ok(())
    }

    /// Says one event. A slow reader is waited for.
    ///
    /// # Errors
    ///
    /// Nobody reads any more.
    pub(super) async fn say(&mut self, event: AnswerEvent) -> Result<(), Halt> {
        self.sender.send(Ok(event)).await.map_err(|_| Halt::Unread)
    }

    /// The last word, if the stream ends before its session.
    pub(super) async fn finish(self, result: Result<(), Halt>) {
        if let Err(Halt::Failed(error)) = result {
            // Nobody reads any more if this fails, and that is the end as well.
            let _ = self.sender.send(Err(error)).await;
        }
    }
}

/// `None` for a piece of what is never shown.
fn answer_event(change: Change) -> Option<AnswerEvent> {
    match change {
        Change::Restart { attempt } => Some(AnswerEvent::Restarted { attempt }),
        Change::Append {
            piece,
            attempt,
            sequence,
        } => AnswerEvent::of_block(piece, sequence, attempt),
        Change::End(ending) => Some(last_event(ending)),
    }
}

fn last_event(ending: Ending) -> AnswerEvent {
    let Ending {
        status,
        stop_reason,
        usage,
        error,
        guardrail,
    } = ending;
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
        _ => AnswerEvent::Completed {
            stop_reason,
            usage,
            guardrail,
        },
    }
}
