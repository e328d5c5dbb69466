//! From a model's stream to a sink: one publish in flight, and the session's record kept up beside it.
//!
//! While a publish is in flight, tokens that arrive wait, and go together in the next. So order holds without help from
//! the client, and the lag stays within two round trips however fast the model is. Nothing waits for a checkpoint.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};

use crate::failure::Failure;
use crate::ports::{Fence, Ports, TokenSink, Versioned};
use crate::session::{Progress, Session, Status};
use crate::time::{Deadline, Timestamp};

mod attempt;
mod buffer;
mod checkpoint;
mod ending;

pub use buffer::PublishMode;

pub(crate) use ending::end;

use attempt::{Attempt, Stop};

/// The longest answer that is kept: as JSON it fits a response of AppSync, 5 MB, and one of Lambda, 6 MB.
pub const MAX_ANSWER_BYTES: usize = 1_000_000;

/// Stop reason of an answer that reached [`MAX_ANSWER_BYTES`].
pub const STOP_REASON_TOO_LONG: &str = "max_answer_bytes";

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub publish_mode: PublishMode,
    /// The least time between two publishes. The first token never waits.
    pub flush_interval: Duration,
    /// How often progress is saved and a request to stop is looked for.
    pub checkpoint_interval: Duration,
    /// How long an attempt is alone without renewing; its message stays hidden as long.
    pub lease: Duration,
    /// How long an attempt waits for the first that the model says. Some servers load a model first, and some models think.
    pub model_first_token_timeout: Duration,
    /// How long the model may say nothing after that.
    pub model_idle_timeout: Duration,
    /// How long a session waits for a model that is throttled.
    pub throttle_patience: Duration,
}

/// How an attempt came out. In each case the record says so already.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one a session, and soon taken apart"
)]
pub enum Attempted {
    /// The session is over; its terminal event is still to be published.
    Ended(Session),
    /// It failed, and another attempt may do better.
    GaveUp(Failure),
    /// Another attempt has begun, or nobody can tell: this one must keep silent.
    LeaseLost,
}

/// What an attempt works with.
pub struct AttemptContext<'a, P: Ports> {
    pub model: &'a P::Model,
    pub sink: &'a P::Sink,
    pub store: &'a P::Store,
    pub receipt: &'a P::Receipt,
    pub clock: &'a P::Clock,
    pub settings: &'a Settings,
    /// Told of what is worth counting.
    pub observe: &'a (dyn Fn(Observation) + Send + Sync),
}

/// What is worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The session's first token was delivered at this time.
    FirstToken { at: Timestamp },
    /// The session is over: this attempt recorded its end.
    Ended { status: Status },
}

/// Answers `prompt` within one attempt, begun as `held`.
///
/// `deadline` is when the session must have ended; the caller keeps some time after it for the terminal event.
pub async fn run<P: Ports>(
    context: &AttemptContext<'_, P>,
    prompt: &str,
    held: Versioned,
    deadline: Deadline,
) -> Attempted {
    let sink = context.sink;
    let fence = &Fence::of_lease(
        held.session.id,
        held.session.lease_until(),
        context.settings.lease,
    );
    sink.on_record_changed(&held.session, &Progress::default(), fence);
    let mut attempt = Attempt::begin(context, fence, prompt, held, deadline);
    // The publish in flight. It is pinned here and set anew for each event, so that an event costs no allocation.
    let mut publishing = pin!(Fuse::terminated());
    let stop = loop {
        if publishing.is_terminated()
            && let Some(event) = attempt.event_to_publish()
        {
            publishing.set(async move { sink.publish(&event, fence, deadline).await }.fuse());
        }
        if attempt.is_answered() {
            break Stop::Finished;
        }
        let event = attempt.next_event(publishing.as_mut()).await;
        if let ControlFlow::Break(stop) = attempt.handle(event) {
            break stop;
        }
    };
    // Boxed, because it would make each of many sessions larger for all its time.
    Box::pin(attempt.finish(stop, publishing)).await
}
