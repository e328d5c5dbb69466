//! Publishes a model's stream to a sink, one event at a time, and keeps the session's record up to date meanwhile.
//!
//! While a publish is in flight, the tokens that arrive wait, and go together in the next event. So the events keep
//! their order without help from the client, and the lag stays within two round trips however fast the model is.
//! Publishing never waits for a checkpoint.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse, FusedFuture, FutureExt};

use crate::assistant::{AssistantName, Cost};
use crate::event::Usage;
use crate::failure::Failure;
use crate::ports::{Fence, ModelRequest, Ports, TokenSink, Versioned};
use crate::session::{Progress, Session, Status};
use crate::time::{Deadline, Timestamp};

mod attempt;
mod buffer;
mod checkpoint;
mod ending;
mod model_stream;
mod reasoning_time;

pub use buffer::PublishMode;

pub(crate) use ending::end;

use attempt::{Attempt, Stop};

/// The longest answer that is kept, with everything that is no text. As JSON it fits into a response of AppSync (5 MB) and
/// of Lambda (6 MB), which has the text twice: by itself, and in the blocks.
pub const MAX_ANSWER_BYTES: usize = 1_000_000;

/// Stop reason of an answer that reached [`MAX_ANSWER_BYTES`].
pub const STOP_REASON_TOO_LONG: &str = "max_answer_bytes";

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub publish_mode: PublishMode,
    /// The least time between two publishes. The first token never waits.
    pub flush_interval: Duration,
    /// How often an attempt saves its progress and reads whether the owner asked for a stop.
    pub checkpoint_interval: Duration,
    /// How long a lease lasts that is not renewed. The attempt's message stays hidden as long.
    pub lease: Duration,
    /// How long the model may take to its first word. Some servers load a model first, and some models think.
    pub model_first_token_timeout: Duration,
    /// How long the model may be silent after its first word.
    pub model_idle_timeout: Duration,
    /// How long a session waits for a model that is throttled.
    pub throttle_patience: Duration,
}

/// How an attempt ended. The session's record says so already.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one a session, and soon taken apart"
)]
pub enum Attempted {
    /// The session is over. The caller must publish its terminal event.
    Ended(Session),
    /// The attempt failed, and another one may succeed.
    GaveUp(Failure),
    /// Another attempt has begun, or the table cannot tell. This attempt must publish nothing more.
    LeaseLost,
}

/// What an attempt works with.
pub struct AttemptContext<'a, P: Ports> {
    pub model: &'a P::Model,
    pub sink: &'a P::Sink,
    pub store: &'a P::Store,
    pub conversations: &'a P::Conversations,
    pub changes: &'a P::Changes,
    pub receipt: &'a P::Receipt,
    pub clock: &'a P::Clock,
    pub settings: &'a Settings,
    /// Called with what metrics count.
    pub observe: &'a (dyn Fn(Observation) + Send + Sync),
}

/// An event that metrics count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The session's first token was published.
    FirstToken { at: Timestamp },
    /// This attempt wrote the session's end into its record.
    Ended {
        status: Status,
        /// Who answered.
        assistant: Option<AssistantName>,
        /// What the model counted.
        usage: Option<Usage>,
        /// What all attempts have cost; `None` where the model has no price.
        cost: Option<Cost>,
    },
}

/// What the model is asked.
pub enum Question<'a> {
    /// A prompt outside of conversations.
    Alone(ModelRequest),
    /// A turn of a conversation, whose history is being read.
    Turn(BoxFuture<'a, Result<ModelRequest, Failure>>),
}

impl Question<'_> {
    async fn request(self) -> Result<ModelRequest, Failure> {
        match self {
            Self::Alone(request) => Ok(request),
            Self::Turn(request) => request.await,
        }
    }
}

/// Answers a question in one attempt, which `held` has begun.
///
/// The session must end before `deadline`. The caller keeps some time after it for the terminal event.
pub async fn run<P: Ports>(
    context: &AttemptContext<'_, P>,
    question: Question<'_>,
    held: Versioned,
    deadline: Deadline,
) -> Attempted {
    let sink = context.sink;
    let fence = &Fence::of_lease(held.session.lease_until(), context.settings.lease);
    sink.on_record_changed(&held.session, &Progress::default(), fence);
    let mut attempt = Attempt::begin(context, fence, question, held, deadline);
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
    // Boxed: it is needed only at the end, and would make the future of each running session larger.
    Box::pin(attempt.finish(stop, publishing)).await
}
