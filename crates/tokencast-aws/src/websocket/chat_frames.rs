//! The frames of one request of the AI SDK's `WebSocketChatTransport`.

use bytes::Bytes;
use tokencast_core::id::SessionId;
use tokencast_protocols::ai_sdk::chunks::{Chunks, STARTS_AGAIN};
use tokencast_protocols::ai_sdk::socket::ServerFrame;

use super::backlog::Joined;

/// What a chat is told whose request can't go on, and whose answer is over.
const IS_OVER: &str = "The answer is over: read the chat's messages.";

/// Writes an answer for one request, whose frames are numbered without a gap. Nothing is written before the first event.
#[derive(Debug)]
pub struct ChatFrames {
    request_id: String,
    chunks: Chunks,
    /// The number of the next chunk.
    sequence: u32,
}

impl ChatFrames {
    pub fn new(request_id: &str, session_id: SessionId) -> Self {
        Self {
            request_id: request_id.to_owned(),
            // A newer attempt has another worker, which doesn't know how many chunks were sent.
            chunks: Chunks::new(session_id, false),
            sequence: 0,
        }
    }

    /// The frames of the next events. The request is over with the event that ends the session.
    pub fn event(&mut self, piece: &Joined) -> Vec<Bytes> {
        let Ok(more) = self.chunks.event(&piece.event) else {
            return vec![starts_again(&self.request_id)];
        };
        let mut chunks = Vec::new();
        if self.sequence == 0 {
            chunks.extend(self.chunks.begin());
        }
        chunks.extend(more);
        let numbered = chunks.iter().zip(self.sequence..);
        let frames = numbered.map(|(chunk, sequence)| {
            json(&ServerFrame::Chunk {
                request_id: &self.request_id,
                sequence,
                chunk,
            })
        });
        let mut frames: Vec<_> = frames.collect();
        self.sequence = self
            .sequence
            .saturating_add(u32::try_from(chunks.len()).unwrap_or(u32::MAX));
        if piece.event.is_complete() {
            frames.push(json(&ServerFrame::End {
                request_id: &self.request_id,
            }));
        }
        frames
    }
}

/// The frame for a request whose answer starts again. The chat resumes by another request.
pub fn starts_again(request_id: &str) -> Bytes {
    error(request_id, STARTS_AGAIN)
}

/// The frame for a request that may lack something of an answer that is over.
pub fn is_over(request_id: &str) -> Bytes {
    error(request_id, IS_OVER)
}

/// The frame for a request that is refused, or can't go on.
pub fn error(request_id: &str, error_text: &str) -> Bytes {
    json(&ServerFrame::Error {
        request_id,
        error_text,
    })
}

/// The frame for a request that is accepted.
pub fn start(request_id: &str) -> Bytes {
    json(&ServerFrame::Start { request_id })
}

/// The frame for a resume where nothing runs.
pub fn no_active(request_id: &str) -> Bytes {
    json(&ServerFrame::NoActive { request_id })
}

fn json(frame: &ServerFrame<'_>) -> Bytes {
    frame.to_json().into()
}
