//! A fake Runtime API for one process: it gives the process one event after another, and takes its responses.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use chrono::Utc;
use tokio::sync::{Mutex, mpsc};

use super::server::Server;
use crate::error::{BenchError, Step as _};

/// The longest time-out of a Lambda function.
const DEADLINE_MS: i64 = 900_000;

#[derive(Debug)]
pub struct Lambda {
    server: Server,
    events: mpsc::Sender<Bytes>,
    answers: mpsc::Receiver<Bytes>,
    asked: mpsc::Receiver<()>,
}

#[derive(Debug)]
struct Shared {
    events: Mutex<mpsc::Receiver<Bytes>>,
    answers: mpsc::Sender<Bytes>,
    asked: mpsc::Sender<()>,
}

impl Lambda {
    /// Starts the fake.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> Result<Self, BenchError> {
        let (events, to_give) = mpsc::channel(1);
        let (taken, answers) = mpsc::channel(1);
        let (ask, asked) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            events: Mutex::new(to_give),
            answers: taken,
            asked: ask,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .fallback(take)
            .with_state(shared);
        Ok(Self {
            server: Server::start(router).await?,
            events,
            answers,
            asked,
        })
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// Waits until the function asks for an event.
    pub async fn ready(&mut self) {
        self.asked.recv().await;
    }

    /// Gives an event to the function, which must be ready. Returns the response once the function asks for the next
    /// event.
    ///
    /// # Errors
    ///
    /// The fake ended.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Bytes, BenchError> {
        self.events.send(event).await.to("invoke the function")?;
        let answer = self.answers.recv().await;
        self.ready().await;
        answer.ok_or_else(|| BenchError::Wrong("the fake Lambda ended".to_owned()))
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    // Only one process asks, and not every request is awaited by `ready`.
    let _ = shared.asked.try_send(());
    let Some(event) = shared.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the function reads the system's clock, too"
    )]
    let deadline_ms = Utc::now().timestamp_millis() + DEADLINE_MS;
    let headers = [
        (
            "lambda-runtime-aws-request-id",
            uuid::Uuid::new_v4().to_string(),
        ),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn take(State(shared): State<Arc<Shared>>, answer: Bytes) -> StatusCode {
    // Nobody waits for the response only when everything ends.
    let _ = shared.answers.send(answer).await;
    StatusCode::ACCEPTED
}
