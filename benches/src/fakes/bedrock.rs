//! A fake Bedrock that sends tokens at an exact rate, and records when it sent each.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::stream;
use local_stack::bedrock::converse::ConverseEncoder;
use local_stack::bedrock::frame::{CONTENT_TYPE, Frames};
use local_stack::bedrock::model::{ModelEvent, Stop, Usage};
use serde_json::Value;
use tokio::time::sleep_until;

use super::server::Server;
use crate::error::BenchError;

#[derive(Debug)]
pub struct Bedrock {
    server: Server,
    shared: Arc<Shared>,
}

/// The answer to the next call.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub tokens: usize,
    pub per_second: u32,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    /// When each token of an answer was written to its connection, by the prompt.
    emitted: Mutex<HashMap<String, Emitted>>,
}

type Emitted = Arc<Mutex<Vec<Instant>>>;

/// Returns a token that contains its own number, in six characters.
pub fn token(index: usize) -> String {
    format!("w{index:04} ")
}

impl Bedrock {
    /// Starts the fake.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> Result<Self, BenchError> {
        let shared = Arc::new(Shared {
            script: Mutex::new(Script {
                tokens: 0,
                per_second: 1,
            }),
            emitted: Mutex::default(),
        });
        let router = Router::new().fallback(converse_stream);
        let server = Server::start(router.with_state(Arc::clone(&shared))).await?;
        Ok(Self { server, shared })
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn set_script(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// Returns when each token of the answer to a prompt was written to its connection, and forgets it.
    pub fn emitted(&self, prompt: &str) -> Vec<Instant> {
        let emitted = lock(&self.shared.emitted).remove(prompt);
        emitted.map_or_else(Vec::new, |emitted| std::mem::take(&mut *lock(&emitted)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn converse_stream(State(shared): State<Arc<Shared>>, body: Bytes) -> impl IntoResponse {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let prompt = body["messages"][0]["content"][0]["text"].as_str();
    let script = *lock(&shared.script);
    let emitted = Emitted::default();
    lock(&shared.emitted).insert(prompt.unwrap_or_default().to_owned(), Arc::clone(&emitted));
    let speech = Speech::new(emitted, script);
    let frames = stream::unfold(speech, |mut speech| async move {
        let bytes = speech.next().await?;
        Some((Ok::<_, Infallible>(bytes), speech))
    });
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        Body::from_stream(frames),
    )
}

/// One answer that is being sent.
struct Speech {
    emitted: Emitted,
    script: Script,
    encoder: ConverseEncoder,
    frames: Frames,
    started: Instant,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    Start,
    Token(usize),
    End,
}

impl Speech {
    fn new(emitted: Emitted, script: Script) -> Self {
        Self {
            emitted,
            script,
            encoder: ConverseEncoder::default(),
            frames: Frames::default(),
            started: Instant::now(),
            next: Next::Start,
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        let written = match self.next {
            Next::Start => {
                self.next = Next::Token(0);
                ConverseEncoder::start(&mut self.frames)
            }
            Next::Token(index) if index < self.script.tokens => {
                self.next = Next::Token(index + 1);
                // The time of a token follows from the start, so that late timers don't add up.
                let due =
                    Duration::from_secs(1) * u32::try_from(index).ok()? / self.script.per_second;
                sleep_until((self.started + due).into()).await;
                let event = ModelEvent::text(token(index));
                let written = self.encoder.event(&event, 0, &mut self.frames);
                lock(&self.emitted).push(Instant::now());
                written
            }
            Next::Token(count) => {
                self.next = Next::End;
                let stop = Stop {
                    trace: None,
                    reason: "end_turn".to_owned(),
                    sequence: None,
                    usage: Usage {
                        input_tokens: 1,
                        output_tokens: u64::try_from(count).unwrap_or(u64::MAX),
                        ..Usage::default()
                    },
                };
                self.encoder
                    .event(&ModelEvent::Stop(stop), 0, &mut self.frames)
            }
            Next::End => return None,
        };
        // The stream is cut short here. The worker reports that as a failure, and so does the benchmark.
        written.ok()?;
        Some(self.frames.take())
    }
}
