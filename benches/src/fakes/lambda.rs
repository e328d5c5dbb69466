//! A Runtime API for one process: gives it one event after another, and takes its answers.

use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{Mutex, mpsc};

use super::server::{Answer, Server};
use crate::error::{BenchError, Step as _};

/// Lambda's longest.
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
    pub async fn start() -> Result<Self, BenchError> {
        let (events, to_give) = mpsc::channel(1);
        let (taken, answers) = mpsc::channel(1);
        let (ask, asked) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            events: Mutex::new(to_give),
            answers: taken,
            asked: ask,
        });
        let server = Server::start(Arc::new(move |request| {
            answer(request, Arc::clone(&shared)).boxed()
        }))
        .await?;
        Ok(Self {
            server,
            events,
            answers,
            asked,
        })
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// Until the function asks for an event.
    pub async fn ready(&mut self) {
        self.asked.recv().await;
    }

    /// Gives the function, which must be ready, an event, and returns its answer once it asks for the next.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Bytes, BenchError> {
        self.events.send(event).await.to("invoke the function")?;
        let answer = self.answers.recv().await;
        self.ready().await;
        answer.ok_or_else(|| BenchError::Wrong("the fake Lambda ended".to_owned()))
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Answer {
    if request.method() == Method::GET {
        // Only one process asks, and `ready` is not always waited for.
        let _ = shared.asked.try_send(());
        let Some(event) = shared.events.lock().await.recv().await else {
            return response(StatusCode::GONE, Bytes::new());
        };
        return invocation(event);
    }
    let body = request.into_body().collect().await;
    if let Ok(body) = body {
        // Nobody waits for it only when everything ends.
        let _ = shared.answers.send(body.to_bytes()).await;
    }
    response(StatusCode::ACCEPTED, Bytes::new())
}

fn invocation(event: Bytes) -> Answer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the function reads the system's clock, too"
    )]
    let deadline_ms = Utc::now().timestamp_millis() + DEADLINE_MS;
    let mut response = response(StatusCode::OK, event);
    let headers = response.headers_mut();
    let id = uuid::Uuid::new_v4().to_string();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", &deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench",
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn response(status: StatusCode, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    response
}
