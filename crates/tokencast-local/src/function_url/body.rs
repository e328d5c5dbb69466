//! The response's body while it comes.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};

use crate::faults::BodyEnd;
use crate::lambda::streaming::{Part, ResponseStream};

/// What came with the head, then everything as it comes. `end`: after how many chunks a planned fault ends it, and how.
pub(super) fn stream(parts: ResponseStream, first: Bytes, end: Option<(u64, BodyEnd)>) -> Body {
    Body::from_stream(chunks(parts, first, end))
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
            // Once it is gone the body is over.
            BodyEnd::Reset => {
                self.parts.take()?;
                Some(Err(broken().await))
            }
        }
    }
}

/// Tears the connection down, once the server has had the chance to send what it holds.
async fn broken() -> io::Error {
    tokio::task::yield_now().await;
    io::ErrorKind::ConnectionReset.into()
}
