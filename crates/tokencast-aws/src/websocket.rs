//! The sink of a session's followers. It pushes each event to their WebSocket connections, through API Gateway.
//!
//! | module | what |
//! | --- | --- |
//! | [`address`] | whom an answer is pushed to |
//! | [`backlog`] | what was published, and what somebody lacks of it |
//! | [`follower_queues`] | who follows, and how far each of them is |
//! | [`frame`] | our own frames as JSON |
//! | [`chat_frames`] | the frames of the AI SDK's `WebSocketChatTransport` |
//! | [`gateway`] | posts to connections |
//!
//! Each follower has a task of its own, which sends one frame at a time. So the order holds, and a slow follower gets
//! what waits in joined frames, without holding up the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::{Clock, Fence, TokenSink};
use tokencast_core::retry::retry;
use tokencast_core::session::{Progress, Session};
use tokencast_core::time::Deadline;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, info, warn};

pub mod address;
pub mod backlog;
pub mod chat_frames;
mod follower_queues;
pub mod frame;
pub mod gateway;

use address::Address;
use chat_frames::ChatFrames;
pub use follower_queues::chat_position;
use follower_queues::{FollowerQueues, Next, ServedId};
use gateway::{Gateway, POLICY, PostError};

/// How long an event waits for a follower that was not slow before. After that nothing waits for the follower until it
/// has caught up.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long the terminal event waits for all followers, within the deadline.
const END_BUDGET: Duration = Duration::from_secs(30);

/// Pushes one session's events to its followers. It is made anew for each message. Dropping it ends its tasks.
#[derive(Debug)]
pub struct FollowerSink<C> {
    gateway: Gateway,
    clock: C,
    queues: Arc<watch::Sender<FollowerQueues>>,
    tasks: Mutex<JoinSet<()>>,
}

impl<C: Clock + Clone + 'static> FollowerSink<C> {
    pub fn new(gateway: Gateway, clock: C) -> Self {
        Self {
            gateway,
            clock,
            queues: Arc::new(watch::Sender::new(FollowerQueues::default())),
            tasks: Mutex::new(JoinSet::new()),
        }
    }
}

impl<C: Clock + Clone + 'static> TokenSink for FollowerSink<C> {
    /// Returns once every follower has the event, was lost, or proved too slow. The terminal event waits for the slow
    /// ones, too, and fails if one of them does not get it.
    async fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        if !self.queues.borrow().has_followers() {
            return Ok(());
        }
        let now = self.clock.now();
        if !fence.holds(now) {
            return Err(failed("The answer was taken over by another worker."));
        }
        self.queues
            .send_modify(|queues| queues.publish(event, fence.ends_at()));
        let left = deadline.left(now).max(Duration::from_millis(1));
        let mut queues = self.queues.subscribe();
        if event.is_complete() {
            let all = queues.wait_for(|queues| !queues.is_behind());
            let served = timeout(END_BUDGET.min(left), all).await.is_ok();
            return served
                .then_some(())
                .ok_or_else(|| failed("The answer could not be delivered."));
        }
        let prompt = queues.wait_for(|queues| !queues.is_waited_for());
        if timeout(PATIENCE.min(left), prompt).await.is_err() {
            debug!(session = %event.session_id, "a follower is slow");
            self.queues.send_modify(FollowerQueues::let_lag);
        }
        Ok(())
    }

    fn on_record_changed(&self, session: &Session, progress: &Progress, fence: &Fence) {
        if session.followers.is_empty() && !self.queues.borrow().has_followers() {
            // It is known whose attempt this is when somebody follows later.
            self.queues.send_if_modified(|queues| {
                queues.note(session);
                false
            });
            return;
        }
        let mut new = Vec::new();
        self.queues.send_modify(|queues| {
            new = queues.on_record_changed(session, progress, fence.ends_at());
        });
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        for (id, address) in new {
            debug!(session = %session.id, "a follower more");
            let task = Task {
                gateway: self.gateway.clone(),
                clock: self.clock.clone(),
                queues: Arc::clone(&self.queues),
                id,
                address,
            };
            tasks.spawn(task.serve());
        }
    }
}

/// Serves one follower.
struct Task<C> {
    gateway: Gateway,
    clock: C,
    queues: Arc<watch::Sender<FollowerQueues>>,
    id: ServedId,
    address: String,
}

impl<C: Clock> Task<C> {
    async fn serve(self) {
        let mut queues = self.queues.subscribe();
        let chat_request = Address::read(&self.address).chat_request;
        let mut chat_frames = None;
        loop {
            let next = {
                let news = queues.wait_for(|queues| queues.has_news(self.id)).await;
                news.ok().and_then(|queues| queues.next(self.id))
            };
            let piece = match (next, chat_request) {
                (Some(Next::Piece(piece)), _) => piece,
                (Some(Next::Orphaned { is_over }), Some(request_id)) => {
                    let frame = if is_over {
                        chat_frames::is_over(request_id)
                    } else {
                        chat_frames::starts_again(request_id)
                    };
                    let _ = self.push_all(vec![frame]).await;
                    self.queues.send_modify(|queues| queues.lose(self.id));
                    return;
                }
                _ => return,
            };
            let session = piece.joined.event.session_id;
            let frames = match chat_request {
                None => vec![frame::event(&piece.joined, self.clock.now())],
                Some(request_id) => chat_frames
                    .get_or_insert_with(|| ChatFrames::new(request_id, session))
                    .event(&piece.joined),
            };
            match self.push_all(frames).await {
                Ok(()) => self
                    .queues
                    .send_modify(|queues| queues.sent(self.id, &piece)),
                Err(error) => {
                    match &error {
                        PostError::Gone => info!(%session, "a follower is gone"),
                        error => {
                            let error = error as &dyn std::error::Error;
                            warn!(%session, error, "a follower is given up");
                        }
                    }
                    self.queues.send_modify(|queues| queues.lose(self.id));
                    return;
                }
            }
        }
    }

    async fn push_all(&self, frames: Vec<Bytes>) -> Result<(), PostError> {
        for frame in frames {
            self.push(frame).await?;
        }
        Ok(())
    }

    /// Sends the same frame until API Gateway takes it. A frame whose response was lost may have arrived, and would
    /// overlap with another one that is cut differently.
    async fn push(&self, body: Bytes) -> Result<(), PostError> {
        let pushed = retry(
            POLICY,
            &self.clock,
            Deadline::NEVER,
            PostError::retry,
            |failures| self.try_once(body.clone(), failures),
        );
        pushed.await.map_err(|given_up| given_up.error)
    }

    async fn try_once(&self, body: Bytes, failures: u32) -> Result<(), PostError> {
        // The fence is looked at before each try, because the process may have been paused. The next publish extends
        // it.
        let mut queues = self.queues.subscribe();
        let fenced = queues.wait_for(|queues| queues.may_send(self.clock.now()));
        if fenced.await.is_err() {
            return Err(PostError::Gone);
        }
        let connection_id = Address::read(&self.address).connection_id;
        self.gateway.try_once(connection_id, body, failures).await
    }
}

fn failed(message: &str) -> Failure {
    Failure::new(FailureCode::PublishFailed, message)
}
