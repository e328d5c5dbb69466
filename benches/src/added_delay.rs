//! Compares the time from `startStream` to the first token on the local stack with as many bare loopback hops, in
//! turns.

use std::time::{Duration, Instant};

use local_stack::config::{ModelConfig, ScriptConfig};
use tokencast::stack::{Functions, RunningStack, StackOptions};
use uuid::Uuid;

use crate::Options;
use crate::bare::{Sender, serve};
use crate::error::{BenchError, Step as _};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times};
use crate::subscriber::{Subscriber, User};

const AIM_MS: f64 = 25.0;

/// The hops that a client waits for, one after another; each direction counts as one. Steps that run beside them are
/// not counted: the response to `startStream`, the note that the job is queued, the message's visibility.
const HOPS: [(&str, usize); 12] = [
    ("client to AppSync: `startStream`", 1),
    (
        "AppSync to the request function, through the Runtime API",
        1,
    ),
    ("DynamoDB: read the session", 2),
    ("SQS: send the job", 2),
    ("SQS to the event source", 1),
    ("event source to the worker, through the Runtime API", 1),
    ("DynamoDB: read the session", 2),
    ("DynamoDB: write the lease", 2),
    ("Bedrock: ConverseStream, to its first event", 2),
    ("worker to AppSync: `publishToken`", 1),
    ("AppSync to the client, by WebSocket", 1),
    (
        "in the local stack, DynamoDB is a server behind the gateway",
        6,
    ),
];

/// The approximate size of a mutation, an event or an item here.
const BODY_BYTES: usize = 512;

/// Measures the delay.
///
/// # Errors
///
/// The stack can't be started, or an answer doesn't come.
pub async fn measure(options: &Options) -> Result<Section, BenchError> {
    let (turns, prompts) = (options.pick(7, 2), options.pick(50, 10));
    let hops = HOPS.iter().map(|(_, hops)| hops).sum::<usize>();
    let stack = start(options).await?;
    let user = User::sign_in(&stack).await?;
    let mut subscriber = user.connect().await?;
    let mut sender = Sender::connect(serve()?, BODY_BYTES).await?;
    // The first prompts fill connections, caches and branch predictors.
    for _ in 0..10 {
        first_token(&user, &mut subscriber).await?;
        cross(&mut sender, hops).await?;
    }
    let (mut delays, mut floors, mut ratios, mut slowest) = (vec![], vec![], vec![], vec![]);
    for _ in 0..turns {
        let (mut delay, mut bare) = (Times::default(), Times::default());
        for _ in 0..prompts {
            delay.add(first_token(&user, &mut subscriber).await?);
            bare.add(cross(&mut sender, hops).await?);
        }
        delays.push(delay.median());
        floors.push(bare.median());
        ratios.push(delay.median() / bare.median());
        slowest.push(delay.p99());
    }
    stack.shutdown().await;
    let delay = Spread::of(delays);
    let rows = vec![
        Row::new("`startStream` to first token", delay.text(" ms"))
            .aim(format!("under {AIM_MS} ms"), delay.median < AIM_MS),
        Row::new("the same, p99", Spread::of(slowest).text(" ms")),
        Row::new(
            format!("floor: {hops} bare hops"),
            Spread::of(floors).text(" ms"),
        ),
        Row::new("ratio", Spread::of(ratios).text("")),
    ];
    let counted: Vec<_> = HOPS
        .iter()
        .map(|(what, hops)| format!("- {hops}: {what}"))
        .collect();
    Ok(Section {
        name: "added-delay",
        method: format!(
            "The whole local stack with the packaged functions, warm; a model whose first token takes no time. From just \
             before the client\nsends `startStream` to the arrival of the first token's WebSocket frame, subscribed \
             before. {turns} turns of {prompts} prompts, each prompt\nfollowed by one crossing of the floor: {BODY_BYTES} \
             bytes on loopback, as often as the prompt's way crosses it, there and back on a\nconnection kept alive, by \
             bare writes and reads. The hops, each way one:\n\n{}",
            counted.join("\n")
        ),
        rows,
    })
}

async fn start(options: &Options) -> Result<RunningStack, BenchError> {
    let script = ScriptConfig {
        tokens: Some(["One ", "two ", "three."].map(str::to_owned).into()),
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::ZERO,
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

/// Subscribes to a new session, starts it, and reads it to its end. Returns the time from the start to the first token.
async fn first_token(user: &User, subscriber: &mut Subscriber) -> Result<Duration, BenchError> {
    let id = Uuid::new_v4().to_string();
    subscriber.subscribe(&id).await?;
    let start = user.start_stream(&id);
    let began = Instant::now();
    let started = tokio::spawn(start);
    let mut event = subscriber.event().await?;
    let took = began.elapsed();
    if event["sequence"] != 1 {
        return Err(BenchError::Wrong(format!("the first event is {event}")));
    }
    while event["isComplete"] != true {
        event = subscriber.event().await?;
    }
    started.await.to("call startStream")??;
    subscriber.unsubscribe(&id).await?;
    Ok(took)
}

/// Makes so many hops, which are half as many round trips.
async fn cross(sender: &mut Sender, hops: usize) -> Result<Duration, BenchError> {
    let began = Instant::now();
    for _ in 0..hops / 2 {
        sender.post().await?;
    }
    Ok(began.elapsed())
}
