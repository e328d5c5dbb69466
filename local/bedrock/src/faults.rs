//! Faults within a model's response, whichever model it is.

use futures_util::{StreamExt as _, stream};
use local_faults::fault::StreamException;
use local_faults::{Event, Fault, FaultService, Faults, Point};

use crate::config::ModelException;
use crate::error::ModelError;
use crate::model::{ModelEvent, ModelStream};

/// Applies the fault plan to a response. `operation` and `body` are the request's.
pub(crate) fn apply(
    faults: &Faults,
    operation: &str,
    body: &[u8],
    events: ModelStream,
) -> ModelStream {
    let Some(active) = faults.active(FaultService::Bedrock) else {
        return events;
    };
    let fired = active.fire(&Event {
        point: Point::Stream,
        service: FaultService::Bedrock,
        operations: &[operation],
        caller: None,
        has_process: false,
        body,
    });
    let (after_tokens, end) = match fired.fault.map(|fired| fired.fault) {
        Some(Fault::StreamError {
            after_tokens,
            exception,
        }) => {
            let error = ModelError::standard((*exception).into());
            (*after_tokens, End::With(ModelEvent::Fail(error)))
        }
        Some(Fault::StreamReset { after_tokens }) => (*after_tokens, End::With(ModelEvent::Reset)),
        Some(Fault::StreamCut { after_tokens }) => (*after_tokens, End::Silently),
        Some(Fault::StreamStall { after_tokens }) => (*after_tokens, End::Never),
        _ => return events,
    };
    let interrupted = FaultyStream {
        events,
        left: after_tokens,
        end: Some(end),
    };
    stream::unfold(interrupted, |mut interrupted| async move {
        let event = interrupted.next().await?;
        Some((event, interrupted))
    })
    .boxed()
}

struct FaultyStream {
    /// Kept until the end, because a stalled model's caller is still there.
    events: ModelStream,
    left: u64,
    end: Option<End>,
}

enum End {
    With(ModelEvent),
    Silently,
    Never,
}

impl FaultyStream {
    async fn next(&mut self) -> Option<ModelEvent> {
        if self.left > 0 {
            let event = self.events.next().await?;
            match &event {
                ModelEvent::Piece { piece, .. } if piece.token().is_some_and(is_said) => {
                    self.left -= 1;
                }
                // A response that is shorter ends as it would without the fault.
                ModelEvent::Stop(_) | ModelEvent::Fail(_) | ModelEvent::Reset => self.end = None,
                ModelEvent::Piece { .. } | ModelEvent::BlockStop { .. } => {}
            }
            return Some(event);
        }
        let end = self.end.take()?;
        // Lets the server flush, because a reset discards what the server still holds.
        tokio::task::yield_now().await;
        match end {
            End::With(event) => Some(event),
            End::Silently => None,
            End::Never => std::future::pending().await,
        }
    }
}

fn is_said(token: &str) -> bool {
    !token.is_empty()
}

impl From<StreamException> for ModelException {
    fn from(exception: StreamException) -> Self {
        match exception {
            StreamException::InternalServer => Self::InternalServer,
            StreamException::ModelStreamError => Self::ModelStreamError,
            StreamException::ServiceUnavailable => Self::ServiceUnavailable,
            StreamException::Throttling => Self::Throttling,
            StreamException::Validation => Self::Validation,
        }
    }
}
