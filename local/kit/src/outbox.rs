//! The frames that wait to be sent on one connection. The queue is bounded, and a sender never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// How much may wait for one connection before the connection is cut.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    pub frames: usize,
    pub bytes: usize,
}

impl Default for OutboxLimits {
    /// Far more than waits for a reader that keeps up. Payloads are shared, so a full outbox costs about 200 KB of its
    /// own.
    fn default() -> Self {
        Self {
            frames: 4096,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// A frame for a client.
#[derive(Clone, Debug)]
pub enum Frame {
    Text(Utf8Bytes),
    /// Sent as `{prefix}{payload}}`. All subscribers share the payload; the prefix holds the subscription's id.
    Event {
        prefix: Arc<str>,
        payload: Arc<str>,
    },
    /// The WebSocket's close frame. Nothing is sent after it.
    Close {
        code: u16,
        reason: &'static str,
    },
    /// Not a frame: the connection is cut here.
    Cut,
}

impl Frame {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Event { prefix, payload } => prefix.len() + payload.len() + 1,
            Self::Close { .. } | Self::Cut => 0,
        }
    }

    /// The event's payload, or the whole text.
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Event { payload, .. } => payload.as_bytes(),
            Self::Text(text) => text.as_bytes(),
            Self::Close { .. } | Self::Cut => &[],
        }
    }

    /// The frame with another payload, or with another text.
    #[must_use]
    pub fn with_payload(self, text: String) -> Self {
        match self {
            Self::Event { prefix, .. } => Self::Event {
                prefix,
                payload: text.into(),
            },
            Self::Text(_) => Self::Text(text.into()),
            other => other,
        }
    }

    /// The WebSocket message for this frame. `None` means that the connection is to be cut.
    pub fn into_message(self) -> Option<Message> {
        Some(match self {
            Self::Text(text) => Message::Text(text),
            Self::Event { prefix, payload } => {
                let mut text = String::with_capacity(prefix.len() + payload.len() + 1);
                text.push_str(&prefix);
                text.push_str(&payload);
                text.push('}');
                Message::Text(text.into())
            }
            Self::Close { code, reason } => Message::Close(Some(CloseFrame {
                code,
                reason: reason.into(),
            })),
            Self::Cut => return None,
        })
    }
}

/// The sending side of a connection's queue. Clones share the limits.
#[derive(Clone, Debug)]
pub struct Outbox {
    frames: mpsc::Sender<Frame>,
    fill: Arc<Fill>,
}

#[derive(Debug)]
struct Fill {
    bytes: AtomicUsize,
    max_bytes: usize,
    /// Kept beside the token, because it is read for each frame and reading the token takes a lock.
    is_cut: AtomicBool,
    overflow: CancellationToken,
}

impl Fill {
    fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.overflow.cancel();
    }
}

/// The receiving side, which the connection's task reads.
#[derive(Debug)]
pub struct Inbox {
    frames: mpsc::Receiver<Frame>,
    fill: Arc<Fill>,
}

/// A queue of frames with these limits.
pub fn outbox(limits: OutboxLimits) -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(limits.frames);
    let fill = Arc::new(Fill {
        bytes: AtomicUsize::new(0),
        max_bytes: limits.bytes,
        is_cut: AtomicBool::new(false),
        overflow: CancellationToken::new(),
    });
    (
        Outbox {
            frames: sender,
            fill: Arc::clone(&fill),
        },
        Inbox {
            frames: receiver,
            fill,
        },
    )
}

impl Outbox {
    /// Queues a frame. Returns false if the frame won't be sent.
    ///
    /// A full outbox cuts the connection instead of skipping the frame: a client wouldn't notice a gap, but it
    /// reconnects and catches up after a cut.
    pub fn push(&self, frame: Frame) -> bool {
        if self.fill.is_cut.load(Ordering::Acquire) {
            return false;
        }
        let len = frame.len();
        let before = self.fill.bytes.fetch_add(len, Ordering::AcqRel);
        if before + len > self.fill.max_bytes {
            self.fill.cut();
            return false;
        }
        match self.frames.try_send(frame) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.fill.cut();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Resolves when the outbox has overflowed, or [`Inbox::cut`] was called.
    pub fn overflowed(&self) -> WaitForCancellationFuture<'_> {
        self.fill.overflow.cancelled()
    }
}

impl Inbox {
    /// The next frame, or `None` when every [`Outbox`] was dropped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = self.frames.recv().await?;
        Some(self.taken(frame))
    }

    /// The next frame, if one is queued already.
    pub fn try_next(&mut self) -> Option<Frame> {
        let frame = self.frames.try_recv().ok()?;
        Some(self.taken(frame))
    }

    /// Cuts the connection without a close frame.
    pub fn cut(&self) {
        self.fill.cut();
    }

    fn taken(&self, frame: Frame) -> Frame {
        self.fill.bytes.fetch_sub(frame.len(), Ordering::AcqRel);
        frame
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn text(length: usize) -> Frame {
        Frame::Text("x".repeat(length).into())
    }

    fn check(limits: OutboxLimits, frames: &[usize], expected: &[bool]) {
        let (outbox, _inbox) = outbox(limits);
        let pushed: Vec<bool> = frames
            .iter()
            .map(|length| outbox.push(text(*length)))
            .collect();
        assert_eq!(pushed, expected);
        assert_eq!(
            outbox.overflowed().now_or_never().is_some(),
            expected.contains(&false)
        );
    }

    #[test]
    fn bounds() {
        check(
            OutboxLimits {
                frames: 2,
                bytes: 100,
            },
            &[10, 10],
            &[true, true],
        );
        check(
            OutboxLimits {
                frames: 2,
                bytes: 100,
            },
            &[10, 10, 10, 1],
            &[true, true, false, false],
        );
        check(
            OutboxLimits {
                frames: 9,
                bytes: 100,
            },
            &[50, 50],
            &[true, true],
        );
        check(
            OutboxLimits {
                frames: 9,
                bytes: 100,
            },
            &[50, 51, 1],
            &[true, false, false],
        );
    }

    #[tokio::test]
    async fn what_was_taken_makes_room() {
        let (outbox, mut inbox) = outbox(OutboxLimits {
            frames: 1,
            bytes: 10,
        });
        for _ in 0..3 {
            assert!(outbox.push(text(10)));
            assert!(inbox.next().await.is_some());
        }
        assert!(inbox.try_next().is_none());
        drop(outbox);
        assert!(inbox.next().await.is_none());
    }
}
