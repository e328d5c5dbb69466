//! AppSync: live events by a subscription, and calls beside it for the start and for snapshots.

use std::sync::Arc;

use graphql_client::GraphQLQuery;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::transport::{Flavour, Line, Loss, Message, Transport, Turn};
use crate::client::Shared;
use crate::error::Error;
use crate::operations::{OnTokenReceived, Received, on_token_received};
use crate::position::Ask;
use crate::realtime::{Endpoint, Subscription};

pub(super) struct AppSync {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    session_id: Uuid,
    line: Line<Subscription<Received>>,
    calls: JoinSet<Message>,
}

impl AppSync {
    pub(super) fn new(shared: Arc<Shared>, endpoint: Endpoint, session_id: Uuid) -> Self {
        Self {
            shared,
            endpoint,
            session_id,
            line: Line::Down,
            calls: JoinSet::new(),
        }
    }
}

impl Transport for AppSync {
    const FLAVOUR: Flavour = Flavour::Snapshot;

    fn connect(&mut self, _ask: Ask) {
        let shared = Arc::clone(&self.shared);
        let (endpoint, session_id) = (self.endpoint.clone(), self.session_id);
        self.line = Line::opening(async move {
            let token = shared.caller.token().await?;
            let operation = listen(session_id)?;
            Ok(Subscription::open(&shared.setup, &endpoint, &token, &operation).await?)
        });
    }

    async fn next(&mut self) -> Message {
        tokio::select! {
            Some(done) = self.calls.join_next() => {
                // A call's task is never aborted but with the set that owns it, so that what ends it otherwise is a panic of ours.
                done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
            }
            message = live(&mut self.line) => message,
        }
    }

    async fn ask(&mut self, ask: Ask) -> Result<(), Error> {
        let (shared, session_id) = (Arc::clone(&self.shared), self.session_id);
        self.calls.spawn(async move {
            match ask {
                Ask::Start { prompt } => Message::StartDone(shared.start(session_id, prompt).await),
                Ask::Follow { .. } => Message::Snapshot(shared.get(session_id).await),
            }
        });
        Ok(())
    }

    fn disconnect(&mut self) {
        self.line = Line::Down;
    }

    async fn close(self) {
        if let Line::Open(subscription) = self.line {
            subscription.close().await;
        }
    }
}

/// The operation of a subscription to the session's events.
fn listen(session_id: Uuid) -> Result<String, Error> {
    let session_id = session_id.to_string();
    let variables = on_token_received::Variables { session_id };
    serde_json::to_string(&OnTokenReceived::build_query(variables))
        .map_err(|error| Error::Protocol(error.to_string()))
}

async fn live(line: &mut Line<Subscription<Received>>) -> Message {
    match line.turn().await {
        Turn::Opened => Message::Connected,
        Turn::Failed(loss) => Message::Lost(loss),
        Turn::Open(subscription) => match subscription.next().await {
            Ok(event) => Message::Event(event),
            Err(error) => Message::Lost(Loss::from(error)),
        },
    }
}
