//! The events of a whole stream, put together.

use tokencast_client::{AnswerEvent, AnswerStream, Citation, Error};

use crate::wait::within;

/// A stream's events, put together as a terminal would show them.
#[derive(Debug)]
pub struct Answer {
    /// The text since the last restart.
    pub text: String,
    /// The reasoning since the last restart.
    pub reasoning: String,
    /// The citations since the last restart.
    pub citations: Vec<Citation>,
    /// The number of times that the text started again.
    pub restarts: usize,
    /// The number of times that the connection was lost.
    pub reconnects: usize,
    /// The number of pieces of the text.
    pub pieces: usize,
    /// The attempt of the text.
    pub attempt: u64,
    pub ending: AnswerEvent,
}

impl Answer {
    /// Returns the code of a failed session.
    pub fn failure(&self) -> Option<&str> {
        match &self.ending {
            AnswerEvent::Failed { code, .. } => Some(code),
            _ => None,
        }
    }

    pub fn is_completed(&self) -> bool {
        matches!(self.ending, AnswerEvent::Completed { .. })
    }

    pub fn is_cancelled(&self) -> bool {
        matches!(self.ending, AnswerEvent::Cancelled { .. })
    }
}

/// Follows a stream to its end.
///
/// # Errors
///
/// The stream ended with an error.
pub async fn collect(stream: AnswerStream) -> Result<Answer, Error> {
    collect_from(stream, |_| {}).await
}

/// Follows a stream to its end, and shows each event to `seen` as it comes.
///
/// # Errors
///
/// The stream ended with an error.
pub async fn collect_from(
    mut stream: AnswerStream,
    mut seen: impl FnMut(&AnswerEvent),
) -> Result<Answer, Error> {
    let (mut text, mut restarts, mut reconnects, mut pieces, mut attempt) =
        (String::new(), 0, 0, 0, 0);
    let (mut reasoning, mut citations) = (String::new(), Vec::new());
    loop {
        let event = within("the next event", stream.next())
            .await
            .expect("an ending before the end")?;
        seen(&event);
        match &event {
            AnswerEvent::Text {
                text: piece,
                attempt: of,
                ..
            } => {
                text.push_str(piece);
                pieces += 1;
                attempt = *of;
            }
            AnswerEvent::Restarted { attempt: of } => {
                text.clear();
                reasoning.clear();
                citations.clear();
                restarts += 1;
                attempt = *of;
            }
            AnswerEvent::Reasoning { text: piece, .. } => reasoning.push_str(piece),
            AnswerEvent::Citation { citation, .. } => citations.push(citation.clone()),
            AnswerEvent::Reconnecting { .. } => reconnects += 1,
            AnswerEvent::Started { .. }
            | AnswerEvent::Reconnected
            | AnswerEvent::ToolUse { .. }
            | AnswerEvent::ToolResult { .. } => {}
            AnswerEvent::Completed { .. }
            | AnswerEvent::Failed { .. }
            | AnswerEvent::Cancelled { .. } => {
                return Ok(Answer {
                    text,
                    reasoning,
                    citations,
                    restarts,
                    reconnects,
                    pieces,
                    attempt,
                    ending: event,
                });
            }
        }
    }
}
