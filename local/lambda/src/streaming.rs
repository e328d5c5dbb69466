//! Responses that are passed on part by part as they arrive.
//!
//! The parts go through a bounded channel. While its reader waits, nothing more is read from the process, whose writes
//! then wait too.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::error::{Failure, FunctionError};
use super::runtime_api::error_in_trailers;

/// Lambda's limit on a streamed response.
pub(crate) const MAX_STREAMED_BYTES: u64 = 200 * 1024 * 1024;
/// How many parts may wait for their reader.
const WAITING_PARTS: usize = 4;

/// The parts of a response, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The response has begun.
    Head {
        content_type: Option<String>,
    },
    Data(Bytes),
}

/// The response of one invocation while it arrives. Dropping it doesn't end the invocation, as on AWS: Lambda discards
/// the rest of the response.
#[derive(Debug)]
pub struct ResponseStream {
    parts: mpsc::Receiver<Part>,
    run: JoinHandle<Result<Bytes, Failure>>,
    ended: Option<Result<Bytes, Failure>>,
}

pub(super) fn parts() -> (mpsc::Sender<Part>, mpsc::Receiver<Part>) {
    mpsc::channel(WAITING_PARTS)
}

impl ResponseStream {
    pub(super) fn new(
        parts: mpsc::Receiver<Part>,
        run: JoinHandle<Result<Bytes, Failure>>,
    ) -> Self {
        Self {
            parts,
            run,
            ended: None,
        }
    }

    /// The next part. `None` after the last one; [`ResponseStream::end`] then tells how the invocation ended.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Part> {
        if self.ended.is_none() {
            tokio::select! {
                // Parts that were sent before the end count.
                biased;
                part = self.parts.recv() => return part,
                ended = &mut self.run => self.ended = Some(unless_panicked(ended)),
            }
        }
        match self.ended {
            // The task that forwards the parts may not be done yet.
            Some(Ok(_)) => self.parts.recv().await,
            _ => self.parts.try_recv().ok(),
        }
    }

    /// Waits for the invocation's end. Returns the whole response if it wasn't streamed, and nothing if it was.
    ///
    /// # Errors
    ///
    /// The invocation failed.
    pub async fn end(mut self) -> Result<Bytes, Failure> {
        match self.ended.take() {
            Some(ended) => ended,
            None => unless_panicked((&mut self.run).await),
        }
    }
}

/// How a streamed response ended.
pub(super) enum Forwarded {
    Whole,
    Failed(FunctionError),
    TooLarge,
    /// The connection broke.
    CutShort,
}

/// Passes a response on as it arrives. If the caller is gone, reads it to its end all the same.
pub(super) async fn forward(
    content_type: Option<String>,
    mut body: Body,
    parts: &mpsc::Sender<Part>,
) -> Forwarded {
    let mut is_wanted = parts.send(Part::Head { content_type }).await.is_ok();
    let mut left = MAX_STREAMED_BYTES;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Forwarded::CutShort;
        };
        match frame.into_data() {
            Ok(data) => {
                let Some(less) = left.checked_sub(data.len() as u64) else {
                    return Forwarded::TooLarge;
                };
                left = less;
                is_wanted = is_wanted && parts.send(Part::Data(data)).await.is_ok();
            }
            Err(frame) => {
                let trailers = frame.into_trailers().ok();
                if let Some(error) = trailers.as_ref().and_then(error_in_trailers) {
                    return Forwarded::Failed(error);
                }
            }
        }
    }
    Forwarded::Whole
}

fn unless_panicked(ended: Result<Result<Bytes, Failure>, JoinError>) -> Result<Bytes, Failure> {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
