//! What waits to be sent on one connection: bounded, and never waited for by a sender.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// How much may wait for one connection before it is cut.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    pub frames: usize,
    pub bytes: usize,
}

impl Default for OutboxLimits {
    /// Far more than a reader that keeps up ever leaves. Payloads are shared, so that a full outbox costs about 200 KB of
    /// its own.
    fn default() -> Self {
        Self {
            frames: 4096,
            bytes: 4 * 1024 * 1024,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Frame {
    Text(Utf8Bytes),
    /// `{prefix}{payload}}`: the payload is shared by all subscribers, only the prefix with the id is a subscription's own.
    Event {
        prefix: Arc<str>,
        payload: Arc<str>,
    },
    /// The last frame.
    Close {
        code: u16,
        reason: &'static str,
    },
    /// No frame: here the connection is cut.
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

    /// Of an event, what its subscriber gets of it; of a text, all.
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Event { payload, .. } => payload.as_bytes(),
            Self::Text(text) => text.as_bytes(),
            Self::Close { .. } | Self::Cut => &[],
        }
    }

    /// `None` where the connection is cut.
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

/// The sending side; clones share the bounds.
#[derive(Clone, Debug)]
pub struct Outbox {
    frames: mpsc::Sender<Frame>,
    fill: Arc<Fill>,
}

#[derive(Debug)]
struct Fill {
    bytes: AtomicUsize,
    max_bytes: usize,
    /// Beside the token, which takes a lock to say so: this is asked for each frame.
    is_cut: AtomicBool,
    overflow: CancellationToken,
}

impl Fill {
    fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.overflow.cancel();
    }
}

/// The connection's side.
#[derive(Debug)]
pub struct Inbox {
    frames: mpsc::Receiver<Frame>,
    fill: Arc<Fill>,
}

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
    /// Queues a frame, or marks the connection as overflowed. False: it won't be sent.
    ///
    /// A gap would go unnoticed by the client, a cut connection is made again and caught up; so nothing is skipped.
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

    pub fn overflowed(&self) -> WaitForCancellationFuture<'_> {
        self.fill.overflow.cancelled()
    }
}

impl Inbox {
    /// Cancel-safe. `None` when every [`Outbox`] is gone.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = self.frames.recv().await?;
        Some(self.taken(frame))
    }

    /// What is there already.
    pub fn try_next(&mut self) -> Option<Frame> {
        let frame = self.frames.try_recv().ok()?;
        Some(self.taken(frame))
    }

    /// Ends the connection without a goodbye.
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
