//! Faults within a model's answer, whichever model it is.

use futures_util::{StreamExt as _, stream};
use local_faults::fault::StreamException;
use local_faults::{Event, Fault, FaultService, Faults, Point};

use crate::config::ModelException;
use crate::error::ModelError;
use crate::model::{ModelEvent, ModelStream};

/// The answer as the plan lets it go on. `operation` and `body` are the request's.
pub(crate) fn disturb(
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
    let (after_tokens, end) = match fired.strike.map(|strike| strike.fault) {
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
    let disturbed = Disturbed {
        events,
        left: after_tokens,
        end: Some(end),
    };
    stream::unfold(disturbed, |mut disturbed| async move {
        let event = disturbed.next().await?;
        Some((event, disturbed))
    })
    .boxed()
}

struct Disturbed {
    /// Kept to the end: a model that stalls still has its caller.
    events: ModelStream,
    left: u64,
    end: Option<End>,
}

enum End {
    With(ModelEvent),
    Silently,
    Never,
}

impl Disturbed {
    async fn next(&mut self) -> Option<ModelEvent> {
        if self.left > 0 {
            let event = self.events.next().await?;
            match &event {
                ModelEvent::Text(text) if !text.is_empty() => self.left -= 1,
                // An answer that is shorter ends as it would.
                ModelEvent::Stop(_) | ModelEvent::Fail(_) | ModelEvent::Reset => self.end = None,
                ModelEvent::Text(_) | ModelEvent::Reasoning(_) => {}
            }
            return Some(event);
        }
        let end = self.end.take()?;
        // Lets the server flush: a reset throws away what it still holds.
        tokio::task::yield_now().await;
        match end {
            End::With(event) => Some(event),
            End::Silently => None,
            End::Never => std::future::pending().await,
        }
    }
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
