//! The body of a response while it arrives.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};

use super::faults::{BodyEnd, BodyFault};
use crate::streaming::{Part, ResponseStream};

/// The body: the bytes that came with the head, then each part as it arrives, up to a planned fault.
pub(super) fn stream(parts: ResponseStream, first: Bytes, fault: Option<BodyFault>) -> Body {
    let end = match fault {
        Some(BodyFault::Ends { after_chunks, end }) => Some((after_chunks, end)),
        Some(BodyFault::HeldEmpty { .. }) | None => None,
    };
    Body::from_stream(chunks(parts, first, end))
}

/// The first bytes of the body. Never returns if the body is empty.
pub(super) async fn first_bytes(parts: &mut ResponseStream) -> Bytes {
    while let Some(part) = parts.next().await {
        if let Part::Data(data) = part
            && !data.is_empty()
        {
            return data;
        }
    }
    std::future::pending().await
}

struct Coming {
    parts: Option<ResponseStream>,
    first: Bytes,
    end: Option<(u64, BodyEnd)>,
}

fn chunks(
    parts: ResponseStream,
    first: Bytes,
    end: Option<(u64, BodyEnd)>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let coming = Coming {
        parts: Some(parts),
        first,
        end,
    };
    stream::unfold(coming, |mut coming| async move {
        let chunk = coming.next().await?;
        Some((chunk, coming))
    })
}

impl Coming {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match self.end {
            Some((0, end)) => return self.end_as_planned(end).await,
            Some((left, end)) => self.end = Some((left - 1, end)),
            None => {}
        }
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        let parts = self.parts.as_mut()?;
        while let Some(part) = parts.next().await {
            if let Part::Data(data) = part
                && !data.is_empty()
            {
                return Some(Ok(data));
            }
        }
        let failure = self.parts.take()?.end().await.err()?;
        tracing::debug!(?failure, "a response breaks off");
        Some(Err(broken().await))
    }

    async fn end_as_planned(&mut self, end: BodyEnd) -> Option<io::Result<Bytes>> {
        match end {
            BodyEnd::Stall => std::future::pending().await,
            BodyEnd::Cut => None,
            // Resetting ends the body, so nothing comes after it.
            BodyEnd::Reset => {
                self.parts.take()?;
                Some(Err(broken().await))
            }
        }
    }
}

/// Breaks the connection off, after the server had a chance to send what it holds.
async fn broken() -> io::Error {
    tokio::task::yield_now().await;
    io::ErrorKind::ConnectionReset.into()
}
