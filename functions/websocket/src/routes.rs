//! Handles the routes: connections come and go, messages are answered.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokencast_aws::connections::ConnectionTable;
use tokencast_aws::metrics;
use tokencast_aws::websocket::address::Address;
use tokencast_aws::websocket::backlog::{Backlog, Joined};
use tokencast_aws::websocket::chat_frames::ChatFrames;
use tokencast_aws::websocket::frame;
use tokencast_aws::websocket::gateway::{Gateway, PostError};
use tokencast_core::brought::Brought;
use tokencast_core::failure::Failure;
use tokencast_core::id::{Owner, Position, SessionId};
use tokencast_core::job::Channel;
use tokencast_core::ports::{Clock, RequestPorts};
use tokencast_core::quota::Caller;
use tokencast_core::requests::{Requests, Start};
use tokencast_core::session::{Follower, Session};
use tokencast_core::time::Deadline;
use tokencast_protocols::ai_sdk::socket::Asked;
use tracing::{debug, error, info, warn};

use crate::error::EventError;
use crate::event::{RouteAnswer, RouteEvent};
use crate::message::{ACTIONS, Action, Message, MessageError};

/// The function's name in metrics.
pub(crate) const SERVICE: &str = "websocket";

/// The time for pushing the events of a session that is over. It is shorter than the function's time-out of 10 s.
const PUSH_BUDGET: Duration = Duration::from_secs(8);

/// The ports and settings that the routes use.
pub struct Routes<P: RequestPorts> {
    pub requests: Requests<P>,
    pub connections: ConnectionTable,
    pub gateway: Gateway,
}

/// What a client gets for its message.
pub(crate) enum Reply {
    /// One frame, as the route's response.
    Frame(Bytes),
    /// Several frames, which were pushed already, because pushed frames would overtake a response.
    Sent,
}

impl<P: RequestPorts> Routes<P> {
    /// Answers one event.
    ///
    /// # Errors
    ///
    /// If the connection has no owner. Other failures become error frames for the client.
    pub async fn handle(&self, event: RouteEvent) -> Result<RouteAnswer, EventError> {
        let context = &event.request_context;
        let connection_id = &context.connection_id;
        match context.route_key.as_str() {
            "$connect" => {
                let caller = context.caller().ok_or(EventError::NoOwner)?;
                Ok(self.connect(connection_id, &caller.owner).await)
            }
            "$disconnect" => {
                self.disconnect(connection_id).await;
                Ok(ok(None))
            }
            _ => {
                let caller = context.caller().ok_or(EventError::NoOwner)?;
                // API Gateway knows no binary message, so a body that is marked as binary is not JSON.
                let body = event.body.filter(|_| !event.is_base64_encoded);
                let body = body.as_deref().unwrap_or_default();
                if let Some(asked) = Asked::read(body) {
                    return Ok(Box::pin(self.chat(connection_id, &caller, asked)).await);
                }
                let message = Message::read(body);
                Ok(self.answer(connection_id, &caller, message).await)
            }
        }
    }

    async fn connect(&self, connection_id: &str, owner: &Owner) -> RouteAnswer {
        let now = self.requests.clock.now();
        match self.connections.put(connection_id, owner, now).await {
            Ok(()) => ok(None),
            Err(error) => {
                error!(
                    error = &error as &dyn std::error::Error,
                    "a connection was not noted"
                );
                // API Gateway answers the handshake with this status.
                RouteAnswer {
                    status_code: 503,
                    body: None,
                }
            }
        }
    }

    /// Forgets a connection. Its sessions go on, and workers stop pushing to it.
    async fn disconnect(&self, connection_id: &str) {
        let sessions = match self.connections.delete(connection_id).await {
            Ok(sessions) => sessions,
            Err(error) => {
                // The next push to the connection fails, and the table's item expires.
                warn!(
                    error = &error as &dyn std::error::Error,
                    "a connection was not forgotten"
                );
                return;
            }
        };
        let unfollowed = sessions.iter().map(async |&session| {
            let leaves = |address: &str| Address::read(address).connection_id == connection_id;
            if let Err(error) = self.requests.unfollow(session, leaves).await {
                warn!(%session, error = &error as &dyn std::error::Error, "still followed");
            }
        });
        join_all(unfollowed).await;
    }

    async fn answer(&self, connection_id: &str, caller: &Caller, message: Message) -> RouteAnswer {
        let Message {
            action,
            session_id,
            asked,
        } = message;
        let action = action.as_deref();
        // Of no other a log says what it was.
        let known = action.filter(|action| ACTIONS.contains(action));
        let reply = match asked {
            Ok(asked) => self.act(connection_id, caller, asked).await,
            Err(error) => Err(error),
        };
        match reply {
            Ok(reply) => {
                info!(action = known, "answered");
                match reply {
                    Reply::Frame(frame) => ok(Some(&frame)),
                    Reply::Sent => ok(None),
                }
            }
            Err(error) => {
                if error.is_failure() {
                    error!(action = known, code = %error.code(), error = &error as &dyn std::error::Error, "failed");
                } else {
                    info!(action = known, code = %error.code(), "refused");
                }
                if let Some(exceeded) = error.exceeded() {
                    metrics::count_refusal(SERVICE, exceeded);
                }
                let failure = Failure::new(error.code(), error.to_string());
                let refusal =
                    frame::refusal(action, session_id.as_deref(), &failure, error.exceeded());
                ok(Some(&refusal))
            }
        }
    }

    async fn act(
        &self,
        connection_id: &str,
        caller: &Caller,
        action: Action,
    ) -> Result<Reply, MessageError> {
        let owner = &caller.owner;
        let follower = |position: Position| Follower {
            address: connection_id.to_owned(),
            position,
        };
        match action {
            Action::Stream {
                prompt,
                session_id,
                within,
                assistant,
            } => {
                let known = Position::default();
                let id = session_id.unwrap_or_else(SessionId::random);
                let start = Start {
                    prompt: prompt.into(),
                    brought: Brought::default(),
                    assistant,
                    session_id: Some(id),
                    within,
                    channel: Channel::Connection,
                    delay: Duration::ZERO,
                    follower: Some(follower(known)),
                };
                let (started, ()) = tokio::join!(
                    self.requests.start(caller, start),
                    self.note(connection_id, id)
                );
                let session = started?.session;
                Ok(self.begin(connection_id, "started", &session, known).await)
            }
            Action::Resume { session_id, known } => {
                let (resumed, ()) = tokio::join!(
                    self.requests.follow(owner, session_id, follower(known)),
                    self.note(connection_id, session_id)
                );
                let session = resumed?.session;
                Ok(self.begin(connection_id, "resumed", &session, known).await)
            }
            Action::Stop(session_id) => {
                let session = self.requests.stop(owner, session_id).await?;
                Ok(self.stopping(connection_id, &session).await)
            }
        }
    }

    /// Records that a session is pushed to a connection, so that the end of the connection ends the pushing.
    pub(crate) async fn note(&self, connection_id: &str, session: SessionId) {
        if let Err(error) = self.connections.add_session(connection_id, session).await {
            warn!(%session, error = &error as &dyn std::error::Error, "not noted with its connection");
        }
    }

    /// Starts to send a session to the client. If the session is over, no worker pushes its events, so this function
    /// does.
    async fn begin(
        &self,
        connection_id: &str,
        r#type: &str,
        session: &Session,
        known: Position,
    ) -> Reply {
        let answer = self.frame(r#type, session);
        if !session.status.is_terminal() {
            return Reply::Frame(answer);
        }
        let address = Address::read(connection_id);
        self.push_session(address, Some(answer), session, known)
            .await;
        Reply::Sent
    }

    /// Answers a stop. A worker that has the session pushes its terminal event. If the session is over already, this
    /// function pushes it.
    async fn stopping(&self, connection_id: &str, session: &Session) -> Reply {
        let answer = self.frame("stopping", session);
        let Some(event) = session.terminal_event() else {
            return Reply::Frame(answer);
        };
        let end = Joined {
            first: event.sequence,
            event,
        };
        let address = Address::read(connection_id);
        tokio::join!(
            self.push(address, session.id, Some(answer), [end]),
            self.tell_of_stop(session, connection_id)
        );
        Reply::Sent
    }

    /// Pushes the end of a session that was stopped before it began to its followers but `own`: it has no worker that tells
    /// them.
    pub(crate) async fn tell_of_stop(&self, session: &Session, own: &str) {
        let has_begun = session.pieces().next().is_some();
        if !session.status.is_terminal() || has_begun {
            return;
        }
        let others = session.followers.iter().map(|it| it.address.as_str());
        let others = others.filter(|it| *it != own);
        let told = others.map(|other| {
            self.push_session(Address::read(other), None, session, Position::default())
        });
        join_all(told).await;
    }

    /// Pushes the events of a session that is over, those after `known`.
    pub(crate) async fn push_session(
        &self,
        address: Address<'_>,
        answer: Option<Bytes>,
        session: &Session,
        known: Position,
    ) {
        let backlog = Backlog::of_session(session);
        let pieces = std::iter::successors(backlog.after(known), |piece| {
            backlog.after(piece.position())
        });
        self.push(address, session.id, answer, pieces).await;
    }

    fn frame(&self, r#type: &str, session: &Session) -> Bytes {
        let now = self.requests.clock.now();
        frame::answer(r#type, session, now)
    }

    /// Pushes frames one after another. A client that doesn't get all of them can resume.
    async fn push(
        &self,
        address: Address<'_>,
        session: SessionId,
        answer: Option<Bytes>,
        pieces: impl IntoIterator<Item = Joined>,
    ) {
        let clock = &self.requests.clock;
        let deadline = Deadline::at(clock.now() + PUSH_BUDGET);
        let mut chat = address
            .chat_request
            .map(|request_id| ChatFrames::new(request_id, session));
        let events = pieces.into_iter().flat_map(|piece| match &mut chat {
            Some(chat) => chat.event(&piece),
            None => vec![frame::event(&piece, clock.now())],
        });
        for frame in answer.into_iter().chain(events) {
            let pushed = self
                .gateway
                .push(address.connection_id, frame, clock, deadline);
            match pushed.await {
                Ok(()) => {}
                Err(PostError::Gone) => return debug!(%session, "the connection is gone"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    return warn!(%session, error, "not all events were pushed");
                }
            }
        }
    }
}

pub(crate) fn ok(frame: Option<&Bytes>) -> RouteAnswer {
    RouteAnswer {
        status_code: 200,
        body: frame.map(|frame| String::from_utf8_lossy(frame).into_owned()),
    }
}
