//! An AppSync that takes each `publishToken` and answers after a fixed time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;

use super::server::{Answer, Server};
use super::timer::Timer;
use crate::error::{BenchError, Step as _};

/// More than all answers of one run publish.
const KEPT_PUBLISHES: usize = 1 << 20;

#[derive(Debug)]
pub struct AppSync {
    server: Server,
    answer_micros: Arc<AtomicU64>,
    publishes: mpsc::Receiver<Publish>,
}

/// One `publishToken`, as it arrived.
#[derive(Clone, Debug)]
pub struct Publish {
    /// When all of it was there.
    pub at: Instant,
    pub session_id: String,
    pub token: String,
    pub sequence: u64,
    pub is_complete: bool,
    pub status: String,
}

impl AppSync {
    pub async fn start(answer_time: Duration) -> Result<Self, BenchError> {
        let (sender, publishes) = mpsc::channel(KEPT_PUBLISHES);
        let answer_micros = Arc::new(AtomicU64::new(0));
        let (micros, timer) = (Arc::clone(&answer_micros), Timer::start());
        let server = Server::start(Arc::new(move |request| {
            let answer_time = Duration::from_micros(micros.load(Ordering::Relaxed));
            take(request, sender.clone(), timer.clone(), answer_time).boxed()
        }))
        .await?;
        let appsync = Self {
            server,
            answer_micros,
            publishes,
        };
        appsync.set_answer_time(answer_time);
        Ok(appsync)
    }

    /// How long after a publish's arrival the next ones are answered.
    pub fn set_answer_time(&self, answer_time: Duration) {
        let micros = u64::try_from(answer_time.as_micros()).unwrap_or(u64::MAX);
        self.answer_micros.store(micros, Ordering::Relaxed);
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.server.address)
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> u64 {
        self.server.connections.load(Ordering::Relaxed)
    }

    /// The publishes up to and with the last of so many sessions, by session.
    pub async fn sessions(
        &mut self,
        count: usize,
    ) -> Result<HashMap<String, Vec<Publish>>, BenchError> {
        let mut sessions = HashMap::<String, Vec<Publish>>::new();
        let mut ended = 0;
        while ended < count {
            let publish = self.publishes.recv().await;
            let publish =
                publish.ok_or_else(|| BenchError::Wrong("the fake AppSync ended".to_owned()))?;
            ended += usize::from(publish.is_complete);
            let session = sessions.entry(publish.session_id.clone()).or_default();
            session.push(publish);
        }
        Ok(sessions)
    }
}

async fn take(
    request: Request<Incoming>,
    publishes: mpsc::Sender<Publish>,
    timer: Timer,
    answer_time: Duration,
) -> Answer {
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let at = Instant::now();
    let publish = body.to("read a publish").and_then(|body| read(&body, at));
    // Kept before the answer, which a client that hangs up doesn't wait for.
    let kept = publish.is_ok_and(|publish| publishes.try_send(publish).is_ok());
    if !answer_time.is_zero() {
        timer.sleep_until(at + answer_time).await;
    }
    let (status, answer) = if kept {
        (StatusCode::OK, ANSWER)
    } else {
        (StatusCode::BAD_REQUEST, "{}")
    };
    let mut response =
        Response::new(Full::new(Bytes::from_static(answer.as_bytes())).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// As long as the real one, about; the worker reads only whether there are errors.
const ANSWER: &str = r#"{"data":{"publishToken":{"sessionId":"00000000-0000-4000-8000-000000000000","token":"a token","isComplete":false,"timestamp":"2026-01-01T00:00:00.000Z","sequence":1,"attempt":1,"status":"STREAMING","stopReason":null,"usage":null,"error":null}}}"#;

fn read(body: &[u8], at: Instant) -> Result<Publish, BenchError> {
    let body: Value = serde_json::from_slice(body).to("read a publish")?;
    let variables = &body["variables"];
    let text = |name: &str| variables[name].as_str().unwrap_or_default().to_owned();
    Ok(Publish {
        at,
        session_id: text("sessionId"),
        token: text("token"),
        sequence: variables["sequence"].as_u64().unwrap_or(0),
        is_complete: variables["isComplete"].as_bool().unwrap_or(false),
        status: text("status"),
    })
}
