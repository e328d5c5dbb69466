//! From `startStream` to the first token on the local stack, against as many bare loopback hops, in turns.

pub(crate) mod floor;
mod subscriber;

use std::time::Duration;

use local_stack::config::{ModelConfig, ScriptConfig};
use tokencast::stack::{Functions, RunningStack, StackOptions, users};

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times};
use floor::Floor;
use subscriber::Subscriber;

const AIM_MS: f64 = 25.0;
const AIM_RATIO: f64 = 3.0;

/// What a client waits for, one after another, each way counted as one. What happens beside it is not in it: the
/// answer to `startStream`, the note that the job is queued, the message's visibility.
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

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(measure_in_turns(options))
}

async fn measure_in_turns(options: &Options) -> Result<Section, BenchError> {
    let (turns, prompts) = (options.pick(7, 2), options.pick(50, 10));
    let hops = HOPS.iter().map(|(_, hops)| hops).sum::<usize>();
    let stack = start(options).await?;
    let mut subscriber = connect(&stack).await?;
    let mut floor = Floor::start(hops).await?;
    // Connections, caches and branch predictors.
    for _ in 0..10 {
        subscriber.first_token().await?;
        floor.cross().await?;
    }
    let (mut delays, mut floors, mut ratios, mut slowest) = (vec![], vec![], vec![], vec![]);
    for _ in 0..turns {
        let (mut delay, mut bare) = (Times::default(), Times::default());
        for _ in 0..prompts {
            delay.add(subscriber.first_token().await?);
            bare.add(floor.cross().await?);
        }
        delays.push(delay.median());
        floors.push(bare.median());
        ratios.push(delay.median() / bare.median());
        slowest.push(delay.p99());
    }
    stack.shutdown().await;
    let (delay, ratio) = (Spread::of(delays), Spread::of(ratios));
    let rows = vec![
        Row::new("`startStream` to first token", delay.text(" ms"))
            .aim(format!("under {AIM_MS} ms"), delay.median < AIM_MS),
        Row::new("the same, p99", Spread::of(slowest).text(" ms")),
        Row::new(
            format!("floor: {hops} bare hops"),
            Spread::of(floors).text(" ms"),
        ),
        Row::new("ratio", ratio.text(""))
            .aim(format!("under {AIM_RATIO}"), ratio.median < AIM_RATIO),
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
             before. {turns} turns of {prompts} prompts, each prompt\nfollowed by one crossing of the floor: a message of \
             512 bytes on loopback, as often as the prompt's way crosses it, by HTTP kept\nalive and at last by WebSocket, \
             with nothing done at either end. The hops, each way one:\n\n{}",
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

async fn connect(stack: &RunningStack) -> Result<Subscriber, BenchError> {
    let cognito = stack.local.cognito().clone();
    let user = users().swap_remove(0).username;
    // It may have to wait for the pool's key.
    let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens(&user));
    let tokens = tokens.await.to("sign in")?.to("sign in")?;
    Subscriber::connect(&stack.info.endpoints, tokens.access_token).await
}
