//! The worker that one writes first, as in the source article, but in Rust. It awaits a publish for each token, and
//! opens a connection and an SDK session for each.

use std::time::Duration;

use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::bedrock::{BedrockModel, ModelSettings};
use tokencast_aws::clock::SystemClock;
use tokencast_aws::sdk;
use tokencast_core::assistant::Assistant;
use tokencast_core::event::{Ending, TokenEvent};
use tokencast_core::failure::Failure;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{
    Fence, Model as _, ModelEvent, ModelRequest, TokenSink as _, TokenSource as _,
};
use tokencast_core::session::Status;
use tokencast_core::time::Deadline;

use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::{Session, session};
use crate::process::thread_cpu_time;

const REGION: &str = "us-east-1";

/// The measurements of one answer.
#[derive(Debug)]
pub struct Naive {
    pub session: Session,
    pub cpu: Duration,
}

/// Answers one record.
///
/// # Errors
///
/// The fakes did not respond as a worker expects.
pub async fn answer(fakes: &mut Fakes, script: Script) -> Result<Naive, BenchError> {
    fakes.bedrock.set_script(script);
    let id = SessionId::random();
    let (bedrock, appsync) = (fakes.bedrock.url(), fakes.appsync.url());
    // The answer has a thread of its own, so that the thread's CPU time is the worker's.
    let worker = tokio::task::spawn_blocking(move || work(id, &bedrock, &appsync));
    let work = async { worker.await.to("run the naive worker")? };
    let (cpu, mut publishes) = tokio::try_join!(work, fakes.appsync.sessions(1))?;
    let id = id.to_string();
    let session = session(&id, script, &fakes.bedrock.emitted(&id), &mut publishes)?;
    Ok(Naive { session, cpu })
}

/// The CPU time of the whole answer.
fn work(id: SessionId, bedrock: &str, appsync: &str) -> Result<Duration, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .to("start the naive worker")?;
    let before = thread_cpu_time()?;
    runtime.block_on(deliver(id, bedrock, appsync))?;
    Ok(thread_cpu_time()?.saturating_sub(before))
}

async fn deliver(id: SessionId, bedrock: &str, appsync: &str) -> Result<(), BenchError> {
    let settings = ModelSettings {
        assistants: Assistant::only("example.model-v1:0".to_owned(), 4096).into(),
        log_errors: false,
    };
    let sdk = sdk::load_for_endpoint(bedrock, REGION).await;
    let model = BedrockModel::new(&sdk, settings);
    let mut tokens = model
        .start(&ModelRequest::of_prompt(id.to_string()))
        .await
        .map_err(failed)?;
    let mut event = TokenEvent {
        session_id: id,
        attempt: Attempt(1),
        sequence: Sequence(0),
        piece: None,
        status: Status::Streaming,
        ending: None,
    };
    while let Some(next) = tokens.next().await.map_err(failed)? {
        if let ModelEvent::Piece(piece) = next {
            event.sequence = event.sequence.next();
            event.piece = Some(piece);
            publish(&event, appsync).await?;
        }
    }
    let last = TokenEvent {
        sequence: event.sequence.next(),
        piece: None,
        status: Status::Completed,
        ending: Some(Ending::default()),
        ..event
    };
    publish(&last, appsync).await
}

async fn publish(event: &TokenEvent, appsync: &str) -> Result<(), BenchError> {
    let sdk = sdk::load_for_endpoint(appsync, REGION).await;
    let publisher = AppSyncPublisher::new(&sdk, appsync, SystemClock).to("make a publisher")?;
    let fence = Fence::open();
    let sent = publisher.publish(event, &fence, Deadline::NEVER).await;
    sent.map_err(failed)
}

fn failed(failure: Failure) -> BenchError {
    BenchError::Wrong(failure.message)
}
