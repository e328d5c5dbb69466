//! Answers a prompt into the response, attempt after attempt. If the model is throttled or another process has the
//! session, the worker goes on by the job in the queue, and the function follows. So the messages of one queue ask for
//! all sessions that wait, whatever the channel.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::bedrock::BedrockModel;
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::conversations::ConversationTable;
use tokencast_aws::sessions::SessionTable;
use tokencast_aws::{metrics, settings};
use tokencast_core::deliver::{Disposition, Message, deliver};
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::Position;
use tokencast_core::job::Job;
use tokencast_core::pipeline::AttemptContext;
use tokencast_core::ports::{Clock, Fence, Ports, QueueError, Receipt, TokenSink};
use tokencast_core::session::{Progress, Session};
use tokencast_core::time::{Deadline, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tracing::info;

use crate::follow::follow;
use crate::handle::FunctionUrl;

/// The function's name in metrics.
pub(crate) const SERVICE: &str = "function-url";

/// The ports of one answer, whose events go into the response.
struct ResponsePorts<'a>(PhantomData<&'a ()>);

impl<'a> Ports for ResponsePorts<'a> {
    type Model = BedrockModel;
    type Sink = ResponseSink<'a>;
    type Store = SessionTable;
    type Conversations = ConversationTable;
    type Changes = AppSyncPublisher<FunctionClock>;
    type Receipt = NoMessage;
    type Clock = FunctionClock;
}

impl FunctionUrl {
    /// Answers `job` into `events` and the session's record. Follows the session if another process gets hold of it.
    pub(crate) async fn answer(
        &self,
        job: Job,
        events: mpsc::Sender<TokenEvent>,
        killed_at: Timestamp,
    ) {
        let clock = &self.requests.clock;
        let reserve = self.config.deadline_reserve;
        let deadline = settings::deadline(killed_at, clock.now(), reserve);
        let sink = ResponseSink::new(&events, clock);
        let context = AttemptContext::<ResponsePorts<'_>> {
            model: &self.model,
            sink: &sink,
            store: &self.requests.sessions,
            conversations: &self.requests.conversations,
            changes: &self.requests.changes,
            receipt: &NoMessage,
            clock,
            settings: &self.config.pipeline,
            observe: &|observed| {
                metrics::count(SERVICE, observed, Some(job.requested_at), clock.now());
            },
        };
        let body = job.to_json();
        let message = Message {
            body: &body,
            deadline,
            killed_at,
        };
        loop {
            let disposition = deliver(&context, &self.config.policy, &message).await;
            if sink.is_over() {
                return;
            }
            let Disposition::Again(Some(pause)) = disposition else {
                break;
            };
            if pause >= deadline.left(clock.now()) {
                break;
            }
            sleep(pause).await;
        }
        info!(session = %job.session_id, "a worker goes on");
        let known = sink.known();
        let id = job.session_id;
        follow(
            &self.requests,
            &job.owner,
            id,
            None,
            known,
            &events,
            deadline,
        )
        .await;
    }
}

/// Sends events into the response. Takes them also when nobody listens any more, because a client that leaves does not
/// stop its session.
struct ResponseSink<'a> {
    events: &'a mpsc::Sender<TokenEvent>,
    clock: &'a FunctionClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last event that was taken.
    known: Position,
    /// The record, once it says that the session is over.
    ended: Option<Session>,
    is_over: bool,
}

impl<'a> ResponseSink<'a> {
    fn new(events: &'a mpsc::Sender<TokenEvent>, clock: &'a FunctionClock) -> Self {
        Self {
            events,
            clock,
            state: Mutex::default(),
        }
    }

    fn known(&self) -> Position {
        self.with(|state| state.known)
    }

    /// Whether the event that ends the session was taken.
    fn is_over(&self) -> bool {
        self.with(|state| state.is_over)
    }

    /// Waits for a reader that is slow, but not beyond `deadline`.
    async fn send(&self, event: TokenEvent, deadline: Deadline) -> Result<(), Failure> {
        let position = event.position();
        if position <= self.known() {
            return Ok(());
        }
        let is_end = event.is_complete();
        let left = deadline.left(self.clock.now());
        let sent = timeout(left, self.events.send(event)).await;
        sent.map_or_else(
            |_| {
                Err(failed(
                    "The answer could not be delivered: nobody reads it.",
                ))
            },
            |_sent_or_unheard| {
                self.with(|state| {
                    state.known = position;
                    state.is_over = is_end;
                });
                Ok(())
            },
        )
    }

    fn with<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TokenSink for ResponseSink<'_> {
    async fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        // The fence is looked at here, because the process may have been paused.
        if !fence.holds(self.clock.now()) {
            return Err(failed("The answer was taken over by a worker."));
        }
        // The record may have text that was not sent: if the last attempt said nothing, it keeps the text of an earlier
        // one. The client must get the whole text before the terminal event.
        let ended = self.with(|state| state.ended.take());
        if let Some(session) = ended.filter(|_| event.is_complete()) {
            let known = self.known();
            for missing in session.events_after(known) {
                self.send(missing, deadline).await?;
            }
        }
        self.send(event.clone(), deadline).await
    }

    fn on_record_changed(&self, session: &Session, _: &Progress, _: &Fence) {
        if session.status.is_terminal() {
            self.with(|state| state.ended = Some(session.clone()));
        }
    }
}

fn failed(message: &str) -> Failure {
    Failure::new(FailureCode::PublishFailed, message)
}

/// The receipt of no message: nothing need be hidden, because the lease alone keeps others away.
struct NoMessage;

impl Receipt for NoMessage {
    async fn extend_visibility(&self, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}
