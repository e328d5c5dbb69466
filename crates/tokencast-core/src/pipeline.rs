//! From a model's stream to a sink: one publish in flight, and the session's record kept up beside it.
//!
//! While a publish is in flight, tokens that arrive wait, and go together in the next. So order holds without help from
//! the client, and the lag stays within two round trips however fast the model is. Nothing waits for a checkpoint.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{debug, warn};

use crate::event::{Ending, TokenEvent, Usage};
use crate::failure::{Failure, FailureCode};
use crate::id::Sequence;
use crate::ports::{Clock, Fence, Model, ModelEvent, Ports, TokenSink, TokenSource, Versioned};
use crate::session::{Outcome, Progress, Session, Status};

mod buffer;
mod ending;
mod record;

pub use buffer::PublishMode;

pub(crate) use ending::end;

use buffer::Buffer;
use ending::give_up;
use record::Noted;

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
    FirstToken { at_ms: i64 },
    /// The session is over: this attempt recorded its end.
    Ended { status: Status },
}

/// Why the loop ended.
enum Stop {
    Finished,
    Failed(Failure),
    Requested,
    LeaseLost,
}

/// Answers `prompt` within one attempt, begun as `held`.
///
/// `deadline_ms` is when the session must have ended; the caller keeps some time behind it for the terminal event.
#[expect(
    clippy::too_many_lines,
    reason = "one loop, whose branches share its state"
)]
pub async fn run<P: Ports>(
    context: &AttemptContext<'_, P>,
    prompt: &str,
    held: Versioned,
    deadline_ms: i64,
) -> Attempted {
    let AttemptContext {
        model,
        sink,
        store,
        receipt,
        clock,
        settings,
        observe,
    } = *context;
    let session_id = held.session.id;
    let attempt = held.session.last_attempt;
    let fence = Fence::until(
        session_id,
        fence_until(held.session.lease_until_ms(), settings),
    );
    let deadline = instant_of(deadline_ms, clock);
    let event = |(token, sequence)| TokenEvent {
        session_id,
        attempt,
        sequence,
        token,
        status: Status::Streaming,
        ending: None,
    };
    let held_text = held.session.sequence > Sequence(0);
    sink.attend(&held.session, &Progress::default());
    let mut record = held;
    let mut buffer = Buffer::new(settings.publish_mode);

    // What is not always there is boxed: it would make each of many sessions several times as large for all its time.
    let mut starting = Box::pin(model.start(prompt)).fuse();
    let mut tokens = None;
    let mut publishing = pin!(Fuse::terminated());
    let mut noting = Fuse::terminated();
    let mut heartbeat = every(settings.lease / 3);
    let mut checkpoint = every(settings.checkpoint_interval);
    let mut heartbeat_due = false;
    // Of a later attempt, the first token is not the session's first.
    let mut observed_first = held_text;
    let mut noted_sequence = Sequence(0);
    let mut next_publish = Instant::now();
    let mut ended = pin!(sleep_until(deadline));
    let mut idle = pin!(sleep(settings.model_first_token_timeout));
    let mut heard = false;
    let (mut stop_reason, mut usage): (_, Option<Usage>) = (None, None);
    let mut model_done = false;

    let stop = loop {
        if buffer.is_full() {
            // The model isn't read, so it can't be silent; its time counts from when it is read again.
            idle.as_mut()
                .reset(Instant::now() + settings.model_idle_timeout);
        }
        let may_publish =
            publishing.is_terminated() && !buffer.is_empty() && fence.holds(clock.now_ms());
        if may_publish
            && Instant::now() >= next_publish
            && let Some((token, sequence)) = buffer.take()
        {
            next_publish = Instant::now() + settings.flush_interval;
            let event = event((token, sequence));
            let (sink, fence) = (sink, &fence);
            publishing.set(async move { sink.publish(&event, fence, deadline_ms).await }.fuse());
            if sequence.0 == 1 {
                // The first token makes the session STREAMING; whoever asks shall see that soon.
                checkpoint.reset_immediately();
            }
            continue;
        }
        if model_done && buffer.is_empty() {
            break Stop::Finished;
        }
        let may_note = noting.is_terminated();
        tokio::select! {
            biased;
            () = &mut ended => {
                break Stop::Failed(Failure::new(FailureCode::Deadline, "The answer took longer than the time it has."));
            }
            result = &mut publishing, if !publishing.is_terminated() => {
                if let Err(failure) = result {
                    break Stop::Failed(failure);
                }
                if !observed_first {
                    observed_first = true;
                    observe(Observation::FirstToken { at_ms: clock.now_ms() });
                }
            }
            noted = &mut noting, if !noting.is_terminated() => match noted {
                Noted::Saved(saved) => {
                    fence.extend(fence_until(saved.session.lease_until_ms(), settings));
                    sink.attend(&saved.session, buffer.progress());
                    record = saved;
                }
                Noted::StopRequested => break Stop::Requested,
                Noted::Lost => break Stop::LeaseLost,
                Noted::Unreachable if !fence.holds(clock.now_ms()) => break Stop::LeaseLost,
                Noted::Unreachable => {
                    noted_sequence = Sequence(0);
                    heartbeat_due = true;
                }
            },
            _ = heartbeat.tick() => heartbeat_due = true,
            _ = checkpoint.tick(), if may_note => {
                let progress = buffer.progress();
                let progress = (progress.sequence > noted_sequence).then(|| progress.clone());
                noted_sequence = buffer.progress().sequence;
                let renew = heartbeat_due || !fence.holds(clock.now_ms());
                heartbeat_due = false;
                let until_ms = renew.then(|| clock.now_ms() + millis(settings.lease));
                let note = record::note(store, receipt, clock, record.clone(), attempt, progress, until_ms);
                noting = Box::pin(note).fuse();
            }
            started = &mut starting, if !starting.is_terminated() => match started {
                // Taking the request says nothing yet: a server may do so and load its model then.
                Ok(source) => tokens = Some(source),
                Err(failure) => break Stop::Failed(failure),
            },
            event = next(&mut tokens), if !model_done && tokens.is_some() && !buffer.is_full() => {
                idle.as_mut().reset(Instant::now() + settings.model_idle_timeout);
                heard = true;
                match event {
                    Ok(Some(ModelEvent::Text(token))) => {
                        buffer.push(token);
                        if buffer.answer_bytes() >= MAX_ANSWER_BYTES {
                            stop_reason = Some(STOP_REASON_TOO_LONG.to_owned());
                            model_done = true;
                            tokens = None;
                        }
                    }
                    Ok(Some(ModelEvent::Stopped(reason))) => stop_reason = Some(reason),
                    Ok(Some(ModelEvent::Usage(counted))) => usage = Some(counted),
                    Ok(None) if stop_reason.is_none() => {
                        let message = "The model's answer was cut off.";
                        break Stop::Failed(Failure::new(FailureCode::ModelError, message));
                    }
                    Ok(None) => model_done = true,
                    Err(failure) => break Stop::Failed(failure),
                }
            }
            () = &mut idle, if !model_done && !buffer.is_full() => {
                let message = if heard {
                    "The model stopped answering."
                } else {
                    "The model did not begin to answer in time."
                };
                break Stop::Failed(Failure::new(FailureCode::ModelStalled, message));
            }
            () = sleep_until(next_publish), if may_publish => {}
        }
    };
    // From here on the model's work is of no use, whatever came of it.
    drop(tokens);
    drop(noting);

    // What came from the model is kept, even if it was not published yet. Only a stop means no more than is there.
    let mut waiting = Vec::new();
    if !matches!(stop, Stop::Requested) {
        waiting.extend(std::iter::from_fn(|| buffer.take()).map(event));
    }
    let progress = buffer.progress().clone();
    debug!(session = %session_id, attempt = attempt.0, events = progress.sequence.0, "attempt over");
    let outcome = match stop {
        Stop::LeaseLost => return Attempted::LeaseLost,
        Stop::Failed(failure) if failure.retryable() => {
            let given_up = give_up(context, record, attempt, &progress, failure, deadline_ms);
            return Box::pin(given_up).await;
        }
        Stop::Finished => Outcome {
            status: Status::Completed,
            ending: Ending {
                stop_reason,
                usage,
                failure: None,
            },
        },
        Stop::Requested => Outcome {
            status: Status::Cancelled,
            ending: Ending {
                usage,
                ..Ending::default()
            },
        },
        Stop::Failed(failure) => Outcome {
            status: Status::Failed,
            ending: Ending {
                stop_reason,
                usage,
                failure: Some(failure),
            },
        },
    };
    // The last tokens may still be on their way. The record need not wait for them; only the terminal event must.
    let last_tokens = async {
        if !publishing.is_terminated() {
            publishing.await?;
        }
        for event in &waiting {
            sink.publish(event, &fence, deadline_ms).await?;
        }
        Ok::<_, Failure>(())
    };
    let (attempted, published) = tokio::join!(
        Box::pin(end(
            context,
            record,
            attempt,
            &progress,
            &outcome,
            deadline_ms
        )),
        last_tokens
    );
    if let Err(failure) = published {
        warn!(session = %session_id, code = %failure.code, "the last tokens were not published");
    }
    attempted
}

async fn next<T: TokenSource>(tokens: &mut Option<T>) -> Result<Option<ModelEvent>, Failure> {
    match tokens {
        Some(tokens) => tokens.next().await,
        None => std::future::pending().await,
    }
}

/// The fence falls a little before the lease, for clocks that differ.
fn fence_until(lease_until_ms: i64, settings: &Settings) -> i64 {
    lease_until_ms - millis(settings.lease / 10).min(1000)
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.reset();
    interval
}

fn instant_of(at_ms: i64, clock: &impl Clock) -> Instant {
    let left_ms = u64::try_from(at_ms - clock.now_ms()).unwrap_or(0);
    // Far beyond any deadline, but within what an `Instant` can hold.
    Instant::now() + Duration::from_millis(left_ms.min(86_400_000))
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
