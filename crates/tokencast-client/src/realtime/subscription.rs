//! A socket with one subscription.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::Endpoint;
use super::frames::{self, Frame};
use crate::bounds::{CLOSE, MAX_KEEP_ALIVE, Timeouts};
use crate::dial::{Setup, Socket, broken, dial};
use crate::error::Error;

/// What a subscription brings: the data of one of its events.
pub(crate) trait Delivery: DeserializeOwned + Send {
    type Event: Send;

    /// `None` is an event that couldn't be delivered whole.
    fn event(self) -> Option<Self::Event>;
}

pub(crate) struct Subscription<D: Delivery> {
    socket: Socket,
    id: String,
    /// The server says something at least this often, or the connection is dead.
    max_silence: Duration,
    silent_until: Instant,
    /// Events that overtook the `start_ack`.
    early: VecDeque<D::Event>,
}

impl<D: Delivery> Subscription<D> {
    /// Connects and subscribes with an operation, in JSON. Once this returns, no event is missed but those that AppSync itself loses.
    pub(crate) async fn open(
        setup: &Setup,
        endpoint: &Endpoint,
        token: &str,
        operation: &str,
    ) -> Result<Self, Error> {
        let Timeouts {
            ack,
            start_ack,
            keep_alive,
            ..
        } = setup.timeouts;
        let protocols = format!("graphql-ws, {}", endpoint.header_protocol(token));
        let header = (http::header::SEC_WEBSOCKET_PROTOCOL, protocols);
        let socket = dial(setup, &endpoint.url, header).await?;
        let mut subscription = Self {
            socket,
            id: Uuid::new_v4().to_string(),
            max_silence: keep_alive,
            silent_until: Instant::now() + keep_alive,
            early: VecDeque::new(),
        };
        timeout(ack, subscription.initialize())
            .await
            .map_err(|_| Error::Timeout {
                what: "`connection_ack`",
                after: ack,
            })??;
        let authorization = endpoint.authorization(token);
        timeout(start_ack, subscription.start(operation, &authorization))
            .await
            .map_err(|_| Error::Timeout {
                what: "`start_ack`",
                after: start_ack,
            })??;
        Ok(subscription)
    }

    /// The next event. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Result<D::Event, Error> {
        if let Some(event) = self.early.pop_front() {
            return Ok(event);
        }
        loop {
            let frame = self.frame().await?;
            let ours = frame.is_of(&self.id);
            match frame.kind.as_str() {
                "data" if ours => {
                    if let Some(event) = frame.into_event::<D>() {
                        return Ok(event);
                    }
                }
                "error" if ours || frame.is_of_none() => return Err(frame.into_error()),
                "connection_error" => return Err(frame.into_error()),
                "complete" if ours => return Err(Error::Closed),
                // `ka`, and whatever a newer server may add.
                _ => {}
            }
        }
    }

    /// Says goodbye. What doesn't get through in time is left to the server to notice.
    pub(crate) async fn close(mut self) {
        let farewell = async {
            self.socket
                .send(Message::text(frames::stop(&self.id)))
                .await?;
            self.socket.close(None).await
        };
        if !matches!(timeout(CLOSE, farewell).await, Ok(Ok(()))) {
            tracing::debug!("the socket was gone before it was closed");
        }
    }

    async fn initialize(&mut self) -> Result<(), Error> {
        self.send(frames::connection_init()).await?;
        loop {
            let frame = self.frame().await?;
            match frame.kind.as_str() {
                "connection_ack" => {
                    if let Some(timeout_ms) = frame.connection_timeout_ms() {
                        self.max_silence = Duration::from_millis(timeout_ms).min(MAX_KEEP_ALIVE);
                        self.silent_until = Instant::now() + self.max_silence;
                    }
                    return Ok(());
                }
                "connection_error" | "error" => return Err(frame.into_error()),
                _ => {}
            }
        }
    }

    async fn start(
        &mut self,
        operation: &str,
        authorization: &serde_json::Value,
    ) -> Result<(), Error> {
        self.send(frames::start(&self.id, operation, authorization))
            .await?;
        loop {
            let frame = self.frame().await?;
            let ours = frame.is_of(&self.id);
            match frame.kind.as_str() {
                "start_ack" if ours => return Ok(()),
                "data" if ours => self.early.extend(frame.into_event::<D>()),
                "error" if ours || frame.is_of_none() => return Err(frame.into_error()),
                "connection_error" => return Err(frame.into_error()),
                _ => {}
            }
        }
    }

    async fn send(&mut self, frame: String) -> Result<(), Error> {
        self.socket.send(Message::text(frame)).await.map_err(broken)
    }

    /// The next frame, as long as the server isn't silent for too long. What has arrived is read before the time is
    /// looked at, so that a reader who paused doesn't mistake its own silence for the server's.
    async fn frame(&mut self) -> Result<Frame, Error> {
        loop {
            let message = timeout_at(self.silent_until, self.socket.next())
                .await
                .map_err(|_| Error::Timeout {
                    what: "`ka`",
                    after: self.max_silence,
                })?;
            self.silent_until = Instant::now() + self.max_silence;
            match message {
                Some(Ok(Message::Text(text))) if !text.is_empty() => return Frame::parse(&text),
                Some(Ok(Message::Close(_))) | None => return Err(Error::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }
}
