//! From `stopStream` to the last event, at random moments of an answer.

use std::time::{Duration, Instant};

use futures_util::future::try_join;
use local_stack::config::{ModelConfig, ScriptConfig};
use tokencast::stack::{Functions, RunningStack, StackOptions, users};
use tokencast_client::{AnswerEvent, AnswerStream, Client};
use uuid::Uuid;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times};

const AIM_MS: f64 = 700.0;

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(measure_in_turns(options))
}

async fn measure_in_turns(options: &Options) -> Result<Section, BenchError> {
    let (turns, stops) = (options.pick(5, 1), options.pick(40, 10));
    let stack = start(options).await?;
    let client = stack.client(&users()[0]).build().to("make a client")?;
    let (mut medians, mut slowest) = (vec![], vec![]);
    for _ in 0..turns {
        let mut times = Times::default();
        for _ in 0..stops {
            times.add(stop_once(&client).await?);
        }
        medians.push(times.median());
        slowest.push(times.p95());
    }
    stack.shutdown().await;
    let p95 = Spread::of(slowest);
    let rows = vec![
        Row::new(
            "stop to the last event, median",
            Spread::of(medians).text(" ms"),
        ),
        Row::new("the same, p95", p95.text(" ms"))
            .aim(format!("under {AIM_MS} ms"), p95.median < AIM_MS),
    ];
    Ok(Section {
        name: "stop",
        method: format!(
            "The whole local stack with the packaged functions; a model that gives 100 tokens a second. From just before \
             the client\nsends `stopStream`, at a random moment of an answer, to the arrival of the event that says \
             CANCELLED, which follows the last token.\n{turns} turns of {stops} stops; `CHECKPOINT_INTERVAL_MS` is 500."
        ),
        rows,
    })
}

async fn start(options: &Options) -> Result<RunningStack, BenchError> {
    let script = ScriptConfig {
        tokens: Some((0..10_000).map(|number| format!("{number} ")).collect()),
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::from_millis(10),
        ..ScriptConfig::default()
    };
    let stack = RunningStack::start(StackOptions {
        model: ModelConfig::Scripted(script),
        functions: Functions::Packaged(options.functions_dir.clone()),
        ..StackOptions::default()
    });
    let stack = stack.await.to("start the stack")?;
    stack.warm().await;
    Ok(stack)
}

async fn stop_once(client: &Client) -> Result<Duration, BenchError> {
    let id = Uuid::new_v4();
    let mut stream = client.stream_as(id, "A very long story");
    // Some hundreds of bytes are up to a second of the answer.
    follow(&mut stream, fastrand::usize(20..500)).await?;
    let asked_at = Instant::now();
    let stop = async { client.stop(id).await.to("stop") };
    try_join(stop, follow(&mut stream, usize::MAX)).await?;
    Ok(asked_at.elapsed())
}

/// Reads until so many bytes of text have come, or the session is cancelled.
async fn follow(stream: &mut AnswerStream, bytes: usize) -> Result<(), BenchError> {
    let mut heard = 0;
    while heard < bytes {
        match stream.next().await {
            Some(Ok(AnswerEvent::Text { text, .. })) => heard += text.len(),
            Some(Ok(AnswerEvent::Cancelled { .. })) => return Ok(()),
            Some(Ok(AnswerEvent::Started { .. })) => {}
            Some(Err(error)) => return Err(error).to("follow the answer"),
            other => return Err(BenchError::Wrong(format!("expected tokens, not {other:?}"))),
        }
    }
    Ok(())
}
