//! A fake AppSync that takes each `publishToken` and answers after a fixed time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::server::Server;
use super::timer::Timer;
use crate::error::{BenchError, Step as _};

/// More than all publishes of one run.
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
    /// When the whole request had arrived.
    pub at: Instant,
    pub session_id: String,
    pub token: String,
    pub sequence: u64,
    pub is_complete: bool,
    pub status: String,
}

#[derive(Clone)]
struct Shared {
    publishes: mpsc::Sender<Publish>,
    answer_micros: Arc<AtomicU64>,
    timer: Timer,
}

impl AppSync {
    /// Starts the fake. It answers at once, until [`Self::set_answer_time`].
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> Result<Self, BenchError> {
        let (sender, publishes) = mpsc::channel(KEPT_PUBLISHES);
        let answer_micros = Arc::new(AtomicU64::new(0));
        let shared = Shared {
            publishes: sender,
            answer_micros: Arc::clone(&answer_micros),
            timer: Timer::start(),
        };
        Ok(Self {
            server: Server::start(Router::new().fallback(take).with_state(shared)).await?,
            answer_micros,
            publishes,
        })
    }

    /// Sets the time from a publish's arrival to its response, for the publishes from now on.
    pub fn set_answer_time(&self, answer_time: Duration) {
        let micros = u64::try_from(answer_time.as_micros()).unwrap_or(u64::MAX);
        self.answer_micros.store(micros, Ordering::Relaxed);
    }

    pub fn url(&self) -> String {
        format!("{}/graphql", self.server.url())
    }

    /// Returns the publishes by session, once so many sessions have ended.
    ///
    /// # Errors
    ///
    /// The fake ended.
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

async fn take(State(shared): State<Shared>, body: Bytes) -> (StatusCode, &'static str) {
    let at = Instant::now();
    let answer_time = Duration::from_micros(shared.answer_micros.load(Ordering::Relaxed));
    // The publish is kept before the response, because a client that hangs up doesn't wait for the response.
    let kept = read(&body, at).is_ok_and(|publish| shared.publishes.try_send(publish).is_ok());
    if !answer_time.is_zero() {
        shared.timer.sleep_until(at + answer_time).await;
    }
    if kept {
        (StatusCode::OK, ANSWER)
    } else {
        (StatusCode::BAD_REQUEST, "{}")
    }
}

/// About as long as a real response. The worker only checks whether there are errors.
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
