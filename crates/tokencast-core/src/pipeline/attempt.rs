//! An attempt under way: what it waits for, and what each event changes.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse, FusedFuture, FutureExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep, sleep_until};
use tracing::{debug, warn};

use super::buffer::Buffer;
use super::checkpoint::{Checkpoint, save_checkpoint};
use super::ending::{end, give_up};
use super::model_stream::ModelStream;
use super::reasoning_time::ReasoningTime;
use super::{
    AttemptContext, Attempted, MAX_ANSWER_BYTES, Observation, Question, STOP_REASON_TOO_LONG,
};
use crate::block::{BlockType, Piece};
use crate::event::{Ending, Guardrail, TokenEvent, Usage};
use crate::failure::{Failure, FailureCode};
use crate::id::{self, Sequence, SessionId};
use crate::ports::{Clock, Fence, Model, ModelEvent, Ports, TokenSink, Versioned};
use crate::session::{Outcome, Status};
use crate::time::Deadline;

type TokensOf<P> = <<P as Ports>::Model as Model>::Tokens;

/// One attempt at an answer. The caller keeps the publish in flight, because its future's type has no name.
pub(super) struct Attempt<'a, P: Ports> {
    context: &'a AttemptContext<'a, P>,
    fence: &'a Fence,
    session_id: SessionId,
    number: id::Attempt,
    deadline: Deadline,
    /// The session as it was last read or written.
    record: Versioned,
    buffer: Buffer,
    model: ModelStream<'a, TokensOf<P>>,
    /// Whether the model has said anything.
    heard: bool,
    reasoning_time: ReasoningTime,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    guardrail: Option<Guardrail>,
    /// Whether the session's first token was published, in this attempt or an earlier one.
    observed_first: bool,
    next_publish: Instant,
    /// The checkpoint under way.
    saving: Fuse<BoxFuture<'a, Checkpoint>>,
    /// The last event that a checkpoint covers.
    saved_sequence: Sequence,
    /// Whether the next checkpoint renews the lease.
    renewal_due: bool,
    renewal_timer: Interval,
    checkpoint_timer: Interval,
    time_up: Pin<Box<Sleep>>,
    idle: Pin<Box<Sleep>>,
}

/// Why an attempt stops.
pub(super) enum Stop {
    Finished,
    Failed(Failure),
    Requested,
    LeaseLost,
}

/// What an attempt waits for.
pub(super) enum Event {
    DeadlineReached,
    Published(Result<(), Failure>),
    CheckpointSaved(Checkpoint),
    RenewalDue,
    CheckpointDue,
    /// `None` once the model's stream is over.
    ModelSaid(Result<Option<ModelEvent>, Failure>),
    ModelSilent,
    PublishDue,
}

impl<'a, P: Ports> Attempt<'a, P> {
    /// Asks the model.
    pub(super) fn begin(
        context: &'a AttemptContext<'a, P>,
        fence: &'a Fence,
        question: Question<'a>,
        held: Versioned,
        deadline: Deadline,
    ) -> Self {
        let settings = context.settings;
        let time_up = sleep_until(instant_of(deadline, context.clock));
        let assistant = held.session.assistant.clone();
        let start = async move {
            let mut request = question.request().await?;
            request.assistant = assistant;
            context.model.start(&request).await
        };
        Self {
            context,
            fence,
            session_id: held.session.id,
            number: held.session.last_attempt,
            deadline,
            buffer: Buffer::new(settings.publish_mode),
            model: ModelStream::Starting(Box::pin(start)),
            heard: false,
            reasoning_time: ReasoningTime::default(),
            stop_reason: None,
            usage: None,
            guardrail: None,
            observed_first: held.session.sequence > Sequence(0),
            next_publish: Instant::now(),
            saving: Fuse::terminated(),
            saved_sequence: Sequence(0),
            renewal_due: false,
            renewal_timer: every(settings.lease / 3),
            checkpoint_timer: every(settings.checkpoint_interval),
            time_up: Box::pin(time_up),
            idle: Box::pin(sleep(settings.model_first_token_timeout)),
            record: held,
        }
    }

    /// The event to publish now, if there is one. The caller asks only while no publish is in flight.
    pub(super) fn event_to_publish(&mut self) -> Option<TokenEvent> {
        if !self.may_publish() || Instant::now() < self.next_publish {
            return None;
        }
        if self.buffer.is_full() {
            // Nobody read the model while the buffer was full, so its silence counts from now on.
            self.restart_idle();
        }
        let (piece, sequence) = self.buffer.take()?;
        self.next_publish = Instant::now() + self.context.settings.flush_interval;
        if sequence.0 == 1 {
            // The first token makes the session STREAMING, and readers shall see that soon.
            self.checkpoint_timer.reset_immediately();
        }
        Some(self.event(piece, sequence))
    }

    /// Whether the model has said everything, and all of it went into events.
    pub(super) fn is_answered(&self) -> bool {
        self.model.is_over() && self.buffer.is_empty()
    }

    /// Waits for what comes next.
    pub(super) async fn next_event<F>(&mut self, mut publishing: Pin<&mut Fuse<F>>) -> Event
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let is_publishing = !publishing.is_terminated();
        let may_publish = !is_publishing && self.may_publish();
        let is_saving = !self.saving.is_terminated();
        let reads_model = !self.model.is_over() && !self.buffer.is_full();
        tokio::select! {
            biased;
            () = &mut self.time_up => Event::DeadlineReached,
            result = &mut publishing, if is_publishing => Event::Published(result),
            saved = &mut self.saving, if is_saving => Event::CheckpointSaved(saved),
            _ = self.renewal_timer.tick() => Event::RenewalDue,
            _ = self.checkpoint_timer.tick(), if !is_saving => Event::CheckpointDue,
            said = self.model.next(), if reads_model => Event::ModelSaid(said),
            () = &mut self.idle, if reads_model => Event::ModelSilent,
            () = sleep_until(self.next_publish), if may_publish => Event::PublishDue,
        }
    }

    /// Changes the state by an event. Breaks if the event stops the attempt.
    pub(super) fn handle(&mut self, event: Event) -> ControlFlow<Stop> {
        match event {
            Event::DeadlineReached => fail(
                FailureCode::Deadline,
                "The answer took longer than the time it has.",
            ),
            Event::Published(result) => self.on_published(result),
            Event::CheckpointSaved(checkpoint) => self.on_checkpoint_saved(checkpoint),
            Event::RenewalDue => {
                self.renewal_due = true;
                ControlFlow::Continue(())
            }
            Event::CheckpointDue => {
                self.on_checkpoint_due();
                ControlFlow::Continue(())
            }
            Event::ModelSaid(said) => self.on_model_said(said),
            Event::ModelSilent => self.on_model_silent(),
            // The loop asks for the event to publish before it waits again.
            Event::PublishDue => ControlFlow::Continue(()),
        }
    }

    fn on_published(&mut self, result: Result<(), Failure>) -> ControlFlow<Stop> {
        if let Err(failure) = result {
            return ControlFlow::Break(Stop::Failed(failure));
        }
        if !self.observed_first {
            self.observed_first = true;
            let at = self.context.clock.now();
            (self.context.observe)(Observation::FirstToken { at });
        }
        ControlFlow::Continue(())
    }

    fn on_checkpoint_due(&mut self) {
        let context = self.context;
        let progress = self.buffer.progress();
        let unsaved = (progress.sequence > self.saved_sequence).then(|| progress.clone());
        self.saved_sequence = progress.sequence;
        let renew = self.renewal_due || !self.fence.holds(context.clock.now());
        self.renewal_due = false;
        let until = renew.then(|| context.clock.now() + context.settings.lease);
        let saving = save_checkpoint(context, self.record.clone(), self.number, unsaved, until);
        self.saving = saving.boxed().fuse();
    }

    fn on_checkpoint_saved(&mut self, checkpoint: Checkpoint) -> ControlFlow<Stop> {
        match checkpoint {
            Checkpoint::Saved(saved) => {
                let progress = self.buffer.progress();
                self.fence.renew(saved.session.lease_until());
                self.context
                    .sink
                    .on_record_changed(&saved.session, progress, self.fence);
                self.record = *saved;
            }
            Checkpoint::StopRequested => return ControlFlow::Break(Stop::Requested),
            Checkpoint::LeaseLost => return ControlFlow::Break(Stop::LeaseLost),
            Checkpoint::Unreachable if !self.fence.holds(self.context.clock.now()) => {
                return ControlFlow::Break(Stop::LeaseLost);
            }
            Checkpoint::Unreachable => {
                self.saved_sequence = Sequence(0);
                self.renewal_due = true;
            }
        }
        ControlFlow::Continue(())
    }

    fn on_model_said(&mut self, said: Result<Option<ModelEvent>, Failure>) -> ControlFlow<Stop> {
        self.restart_idle();
        self.heard = true;
        match said {
            Ok(Some(ModelEvent::Piece(piece))) => {
                if !piece.content.is_empty() {
                    self.note_reasoning(piece.block_type() == BlockType::Reasoning);
                    self.buffer.push(piece);
                }
                if self.buffer.answer_bytes() >= MAX_ANSWER_BYTES {
                    self.stop_reason = Some(STOP_REASON_TOO_LONG.to_owned());
                    self.model = ModelStream::Over;
                }
            }
            Ok(Some(ModelEvent::Alive)) => {}
            Ok(Some(ModelEvent::Stopped(reason))) => {
                self.note_reasoning(false);
                self.stop_reason = Some(reason);
            }
            Ok(Some(ModelEvent::Usage(counted))) => self.usage = Some(counted),
            Ok(Some(ModelEvent::Guardrail(guardrail))) => self.guardrail = Some(guardrail),
            Ok(None) if self.stop_reason.is_none() => {
                return fail(FailureCode::ModelError, "The model's answer was cut off.");
            }
            Ok(None) => self.model = ModelStream::Over,
            Err(failure) => return ControlFlow::Break(Stop::Failed(failure)),
        }
        ControlFlow::Continue(())
    }

    fn note_reasoning(&mut self, is_reasoning: bool) {
        if let Some(reasoning_ms) = self.reasoning_time.on_piece(is_reasoning) {
            self.buffer.set_reasoning_ms(reasoning_ms);
        }
    }

    fn on_model_silent(&self) -> ControlFlow<Stop> {
        let message = if self.heard {
            "The model stopped answering."
        } else {
            "The model did not begin to answer in time."
        };
        fail(FailureCode::ModelStalled, message)
    }

    /// Writes the attempt's end into the session's record, and publishes the last tokens beside it.
    pub(super) async fn finish<F>(
        mut self,
        stop: Stop,
        mut publishing: Pin<&mut Fuse<F>>,
    ) -> Attempted
    where
        F: Future<Output = Result<(), Failure>>,
    {
        self.note_reasoning(false);
        // The model's stream and a checkpoint under way are of no use any more.
        self.model = ModelStream::Over;
        self.saving = Fuse::terminated();
        // Tokens that were not published yet are kept. After a request to stop, only the published ones are.
        let mut waiting = Vec::new();
        if !matches!(stop, Stop::Requested) {
            while let Some((piece, sequence)) = self.buffer.take() {
                waiting.push(self.event(piece, sequence));
            }
        }
        let Self {
            context,
            fence,
            session_id,
            number,
            deadline,
            record,
            ref buffer,
            stop_reason,
            usage,
            guardrail,
            ..
        } = self;
        let progress = buffer.progress();
        debug!(session = %session_id, attempt = number.0, events = progress.sequence.0, "attempt over");
        let guardrail = guardrail.filter(|_| matches!(stop, Stop::Finished));
        let (status, stop_reason, failure) = match stop {
            Stop::LeaseLost => return Attempted::LeaseLost,
            Stop::Failed(failure) if failure.retryable() => {
                return give_up(context, record, number, progress, usage, failure, deadline).await;
            }
            Stop::Finished => (Status::Completed, stop_reason, None),
            Stop::Requested => (Status::Cancelled, None, None),
            Stop::Failed(failure) => (Status::Failed, stop_reason, Some(failure)),
        };
        let outcome = Outcome {
            status,
            ending: Ending {
                stop_reason,
                usage,
                failure,
                guardrail,
            },
        };
        // The last tokens are published while the record is written. Only the terminal event must wait for both.
        let last_tokens = async {
            if !publishing.is_terminated() {
                publishing.as_mut().await?;
            }
            for event in &waiting {
                context.sink.publish(event, fence, deadline).await?;
            }
            Ok::<_, Failure>(())
        };
        let (attempted, published) = tokio::join!(
            end(context, record, number, progress, &outcome, deadline),
            last_tokens
        );
        if let Err(failure) = published {
            warn!(session = %session_id, code = %failure.code, "the last tokens were not published");
        }
        attempted
    }

    /// Whether something waits that this attempt may publish.
    fn may_publish(&self) -> bool {
        !self.buffer.is_empty() && self.fence.holds(self.context.clock.now())
    }

    fn restart_idle(&mut self) {
        let timeout = self.context.settings.model_idle_timeout;
        self.idle.as_mut().reset(Instant::now() + timeout);
    }

    fn event(&self, piece: Piece, sequence: Sequence) -> TokenEvent {
        TokenEvent {
            session_id: self.session_id,
            attempt: self.number,
            sequence,
            piece: Some(piece),
            status: Status::Streaming,
            ending: None,
        }
    }
}

fn fail(code: FailureCode, message: &str) -> ControlFlow<Stop> {
    ControlFlow::Break(Stop::Failed(Failure::new(code, message)))
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.reset();
    interval
}

fn instant_of(deadline: Deadline, clock: &impl Clock) -> Instant {
    // A day is far beyond any deadline, but within what an `Instant` can hold.
    Instant::now() + deadline.left(clock.now()).min(Duration::from_hours(24))
}
