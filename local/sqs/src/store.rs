//! All queues behind one lock, which is never held across a wait. Each operation takes microseconds, so a full queue,
//! or one with a hundred long polls, holds up nobody else.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local_faults::{Event, FaultService, Faults, Point};
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::{ApiError, Kind};
use super::handle::ReceiptHandle;
use super::journal::{self, Journal, Queues, Record, SavedQueues};
use super::message::Message;
use super::move_task::MoveTask;
use super::queue::{MAX_IN_FLIGHT, Queue};

#[derive(Debug)]
pub(crate) struct Store {
    pub endpoints: Endpoints,
    pub clock: Clock,
    faults: Faults,
    state: Mutex<State>,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct State {
    pub queues: Queues,
    pub move_tasks: Vec<MoveTask>,
    journal: Option<Journal>,
    closed: bool,
}

/// A `ReceiveMessage` whose input was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receive {
    pub max: usize,
    pub visibility_s: Option<u32>,
    pub wait_s: Option<u32>,
}

impl Store {
    pub(crate) fn new(
        saved: SavedQueues,
        journal: Option<Journal>,
        endpoints: Endpoints,
        clock: Clock,
        faults: Faults,
    ) -> Self {
        let state = State {
            queues: saved.queues,
            move_tasks: Vec::new(),
            journal,
            closed: false,
        };
        Self {
            endpoints,
            clock,
            faults,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives visible messages, or waits until a message arrives or a delay or visibility timeout ends. `closing`
    /// ends the wait.
    pub(crate) async fn receive(
        &self,
        name: &str,
        request: Receive,
        closing: &CancellationToken,
    ) -> Result<Vec<Message>, ApiError> {
        let started_ms = self.clock.now_ms();
        loop {
            let changed = Arc::clone(&self.lock().queue(name)?.changed);
            // Subscribes before it looks, so that a message that arrives in between isn't missed.
            let mut changed = pin!(changed.notified());
            changed.as_mut().enable();
            let now_ms = self.clock.now_ms();
            let wake_ms = {
                let mut state = self.lock();
                let wait_s = request
                    .wait_s
                    .unwrap_or(state.queue(name)?.attributes.wait_time_s);
                let received = self.receive_visible(&mut state, name, request, now_ms)?;
                let deadline_ms = started_ms + i64::from(wait_s) * 1_000;
                if !received.is_empty() || now_ms >= deadline_ms || closing.is_cancelled() {
                    return Ok(received);
                }
                state
                    .queue(name)?
                    .next_change_ms()
                    .map_or(deadline_ms, |change_ms| change_ms.min(deadline_ms))
            };
            tokio::select! {
                () = changed => {}
                () = closing.cancelled() => {}
                () = self.clock.sleep_until(wake_ms) => {}
            }
        }
    }

    fn receive_visible(
        &self,
        state: &mut State,
        name: &str,
        request: Receive,
        now_ms: i64,
    ) -> Result<Vec<Message>, ApiError> {
        let mut received = Vec::new();
        state.queue_mut(name)?.settle(now_ms);
        while received.len() < request.max {
            let queue = state.queue(name)?;
            let Some(next) = queue.next_visible() else {
                break;
            };
            let id = next.id;
            if let Some(to) = self.exhausted(state, queue, next) {
                let source_arn = self.endpoints.queue_arn(name);
                state.commit(Record::DeadLetter {
                    queue: name.to_owned(),
                    to,
                    id,
                    source_arn,
                    at_ms: now_ms,
                })?;
                continue;
            }
            if queue.counts().in_flight >= MAX_IN_FLIGHT {
                if received.is_empty()
                    && request.wait_s.unwrap_or(queue.attributes.wait_time_s) == 0
                {
                    return Err(Kind::OverLimit.with("Too many messages in flight."));
                }
                break;
            }
            let visibility_s = request
                .visibility_s
                .unwrap_or(queue.attributes.visibility_timeout_s);
            let until_ms = now_ms + i64::from(visibility_s) * 1_000;
            state.commit(Record::Receive {
                queue: name.to_owned(),
                id,
                at_ms: now_ms,
                until_ms,
            })?;
            let message = state.queue(name)?.get(id).cloned();
            if let Some(message) = &message
                && self.is_delivered_twice(message)
            {
                state.commit(Record::Visibility {
                    queue: name.to_owned(),
                    id,
                    until_ms: now_ms,
                })?;
                state.queue(name)?.changed.notify_waiters();
            }
            // With a visibility timeout of 0 a message is due again at once, but not before the next look, so a
            // response never has it twice.
            received.extend(message);
        }
        Ok(received)
    }

    /// Whether the fault plan makes this message visible again while it is in flight.
    fn is_delivered_twice(&self, message: &Message) -> bool {
        let Some(active) = self.faults.active(FaultService::Sqs) else {
            return false;
        };
        let event = Event {
            point: Point::Receive,
            service: FaultService::Sqs,
            operations: &["ReceiveMessage"],
            caller: None,
            has_process: false,
            body: message.body.as_bytes(),
        };
        active.fire(&event).fault.is_some()
    }

    /// The dead-letter queue for a message that was received as often as its queue allows.
    fn exhausted(&self, state: &State, queue: &Queue, message: &Message) -> Option<String> {
        let redrive = queue.attributes.redrive.as_ref()?;
        if message.receive_count < redrive.max_receive_count.get() {
            return None;
        }
        // If the dead-letter queue doesn't exist, AWS keeps the message in its queue.
        self.queue_of_arn(&redrive.target_arn)
            .filter(|target| state.queues.contains_key(target))
    }

    pub(crate) fn delete(&self, name: &str, handle: &str) -> Result<(), ApiError> {
        let mut state = self.lock();
        let handle = ReceiptHandle::decode(handle, name)?;
        let current = state
            .queue(name)?
            .get(handle.message_id)
            .map(|message| message.receive_count);
        // An older receive's handle succeeds and deletes nothing (API reference, DeleteMessage).
        if current == Some(handle.receive) {
            state.commit(Record::Delete {
                queue: name.to_owned(),
                id: handle.message_id,
            })?;
        }
        Ok(())
    }

    pub(crate) fn change_visibility(
        &self,
        name: &str,
        handle_text: &str,
        visibility_s: u32,
    ) -> Result<(), ApiError> {
        let now_ms = self.clock.now_ms();
        let mut state = self.lock();
        let handle = ReceiptHandle::decode(handle_text, name)?;
        let queue = state.queue_mut(name)?;
        queue.settle(now_ms);
        let message = queue
            .get(handle.message_id)
            .filter(|message| message.receive_count == handle.receive);
        let Some(message) = message else {
            let reason =
                "Message does not exist or is not available for visibility timeout change.";
            return Err(ApiError::invalid_value(
                handle_text,
                "ReceiptHandle",
                reason,
            ));
        };
        if !message.in_flight {
            return Err(Kind::MessageNotInflight.with("The specified message isn't in flight."));
        }
        let until_ms = now_ms + i64::from(visibility_s) * 1_000;
        state.commit(Record::Visibility {
            queue: name.to_owned(),
            id: handle.message_id,
            until_ms,
        })
    }

    /// The names of the queues whose dead-letter queue is `name`.
    pub(crate) fn dead_letter_sources(&self, state: &State, name: &str) -> Vec<String> {
        let arn = self.endpoints.queue_arn(name);
        let points_here = |queue: &Queue| {
            queue
                .attributes
                .redrive
                .as_ref()
                .is_some_and(|it| it.target_arn == arn)
        };
        state
            .queues
            .iter()
            .filter(|(_, queue)| points_here(queue))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The queue's name in an ARN of this stack's region and account.
    pub(crate) fn queue_of_arn(&self, arn: &str) -> Option<String> {
        let name = arn.rsplit(':').next()?;
        (self.endpoints.queue_arn(name) == arn).then(|| name.to_owned())
    }
}

impl State {
    pub(crate) fn queue(&self, name: &str) -> Result<&Queue, ApiError> {
        self.queues.get(name).ok_or_else(ApiError::no_such_queue)
    }

    pub(crate) fn queue_mut(&mut self, name: &str) -> Result<&mut Queue, ApiError> {
        self.queues
            .get_mut(name)
            .ok_or_else(ApiError::no_such_queue)
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.journal = None;
    }

    /// Writes a change to the journal, then applies it.
    pub(crate) fn commit(&mut self, record: Record) -> Result<(), ApiError> {
        if self.closed {
            return Err(Kind::InternalFailure.with("The queues are closed."));
        }
        let written = self
            .journal
            .as_mut()
            .map_or(Ok(()), |journal| journal.append(&record));
        if let Err(error) = written {
            tracing::debug!(%error, "the queues' journal can't be written");
            return Err(Kind::InternalFailure.with("The queues' journal can't be written."));
        }
        let dropped = match &record {
            Record::Drop { queue } => self
                .queues
                .get(queue)
                .map(|queue| Arc::clone(&queue.changed)),
            _ => None,
        };
        journal::apply(&mut self.queues, record);
        if let Some(changed) = dropped {
            changed.notify_waiters();
        }
        Ok(())
    }
}

/// A name has 1 to 80 characters: letters, digits, hyphens and underscores.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=80).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    if name.strip_suffix(".fifo").is_some() {
        return Err(
            Kind::UnsupportedOperation.with("FIFO queues: this SQS has standard queues only.")
        );
    }
    Err(Kind::InvalidParameterValue.with(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
    ))
}

/// A message as `SendMessage` stores it.
pub(crate) fn new_message(body: String, sent_ms: i64, delay_s: u32) -> Message {
    Message {
        id: Uuid::new_v4(),
        body,
        attributes: BTreeMap::new(),
        group: None,
        trace_header: None,
        sent_ms,
        receive_count: 0,
        first_received_ms: None,
        visible_ms: sent_ms + i64::from(delay_s) * 1_000,
        in_flight: false,
        dead_letter_source: None,
    }
}
