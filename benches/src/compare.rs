//! The same prompts over the three deliveries: how fast, at what price, and what becomes of an answer when something
//! happens to it.
//!
//! | module | what |
//! | --- | --- |
//! | `client` | a client with nothing around it, over any of them |
//! | `appsync`, `function_url`, `web_socket` | what it does over each; `frames` is a WebSocket of JSON |
//! | `heard` | what a client heard, and when |
//! | `bill` | what an answer is billed for |
//! | `behaviour` | vanished clients, dead workers, long answers, many devices |

mod appsync;
mod behaviour;
mod bill;
mod client;
mod frames;
mod function_url;
mod heard;
mod web_socket;

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokencast::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, Functions, QUEUE, REQUEST_FUNCTION, RunningStack,
    StackOptions, WEBSOCKET_FUNCTION, WORKER_FUNCTION, users,
};
use tokencast_local::faults::{Fault, FaultPlan, FaultService, Rule};
use uuid::Uuid;

use crate::Options;
use crate::cost::table::aligned;
use crate::cost::{to_f64, to_u64};
use crate::error::{BenchError, Step as _};
use crate::fakes::{Bedrock, Script, token};
use crate::meter::Meter;
use crate::prices::{Architecture, Quantities};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times, millis};

use bill::Counted;
use client::{Delivery, Target};
use heard::Heard;

/// What is asked, and how quickly AWS answers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Of `compare`")]
pub struct CompareOptions {
    /// Tokens of an answer that is compared
    #[arg(long, default_value_t = 300)]
    pub compare_tokens: usize,
    /// Tokens a second of it
    #[arg(long, default_value_t = 50)]
    pub compare_rate: u32,
    /// What AppSync takes to answer a publish, and API Gateway a push
    #[arg(long, default_value_t = 20)]
    pub compare_answer_ms: u64,
}

const PROMPT: &str = "Count.";
/// The bill is of so many answers.
const ANSWERS: f64 = 1_000.0;
/// The last job is received once its lease would have run out.
const QUIET: Duration = Duration::from_mins(2);

const FUNCTIONS: [&str; 5] = [
    REQUEST_FUNCTION,
    WORKER_FUNCTION,
    FUNCTION_URL_FUNCTION,
    WEBSOCKET_FUNCTION,
    AUTHORIZER_FUNCTION,
];

/// What was measured of one delivery.
struct Measured {
    set_up: Spread,
    first_token: Spread,
    lag_median: Spread,
    lag_p99: Spread,
    bytes: Spread,
    events: Spread,
    quantities: Quantities,
}

pub fn measure(options: &Options, compare: &CompareOptions) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(async {
        let mut measured = Vec::new();
        for delivery in Delivery::ALL {
            measured.push(deliver(options, compare, delivery).await?);
        }
        let behaviours =
            Box::pin(behaviour::observe(&options.functions_dir, options.quick)).await?;
        let mut lines = vec![row(
            "",
            Delivery::ALL.map(|delivery| delivery.name().to_owned()),
        )];
        lines.extend(figures(&measured));
        lines.extend(behaviours.into_iter().map(|of| row(of.question, of.seen)));
        Ok(Section {
            name: "compare",
            method: format!("{}\n\n{}", method(compare), aligned(&lines)),
            rows: summary(&measured),
        })
    })
}

fn method(compare: &CompareOptions) -> String {
    format!(
        "The same prompts over the three deliveries, on the local stack with the packaged functions, warm: answers of {} \
         tokens at {} tokens/s,\nAppSync answering a publish and API Gateway a push in {} ms; each answer over a new \
         connection. First token: from the request to its\narrival, less what the model took. Lag: from the model's \
         giving a token away to its arrival at the client. Bytes: those of bodies, frames\nand events. The bill: what \
         the stack and a proxy in front of it counted, in dollars of us-east-1's list prices \
         (`benches/src/prices.rs`), arm64,\nwithout the model. The last rows were caused and seen.",
        compare.compare_tokens, compare.compare_rate, compare.compare_answer_ms
    )
}

async fn deliver(
    options: &Options,
    compare: &CompareOptions,
    delivery: Delivery,
) -> Result<Measured, BenchError> {
    let script = Script {
        tokens: compare.compare_tokens,
        per_second: compare.compare_rate,
    };
    let bedrock = Bedrock::start().await?;
    let meter = Meter::start(Duration::ZERO).await?;
    let (stack, target) = start(options, &bedrock, &meter).await?;
    let ask = async || {
        let id = Uuid::new_v4().to_string();
        target.ask(delivery, &id, PROMPT, |_| false).await
    };
    // The first answer makes the functions' connections, and starts those that `warm` did not.
    bedrock.set_script(Script {
        tokens: 5,
        ..script
    });
    ask().await?;
    quiet(&stack).await?;
    bedrock.set_script(script);
    stack
        .local
        .faults()
        .set(delays(compare))
        .to("set the delays")?;
    meter.take();
    stack.local.usage().reset();
    let whole: String = (0..script.tokens).map(token).collect();
    let mut answers = Vec::new();
    for _ in 0..options.pick(5, 2) {
        let (asked, heard) = ask().await?;
        heard.check(&whole)?;
        answers.push((asked, heard, bedrock.emitted(PROMPT)));
    }
    quiet(&stack).await?;
    let (functions, _) = meter.take();
    let open_s: f64 = answers
        .iter()
        .map(|(_, heard, _)| heard.open.as_secs_f64())
        .sum();
    let count = to_f64(to_u64(answers.len()));
    let counted = Counted {
        usage: stack.local.usage(),
        functions: &functions,
        answers: count,
        open_minutes: open_s / count / 60.0,
    };
    let lambda = stack.local.lambda();
    let quantities =
        counted.quantities(|function| lambda.config(function).map_or(0, |of| of.memory_mb));
    let of = |figure: &dyn Fn(&Heard) -> f64| {
        Spread::of(answers.iter().map(|(_, heard, _)| figure(heard)))
    };
    let lags: Vec<Times> = answers
        .iter()
        .map(|(_, heard, emitted)| lags(heard, emitted))
        .collect();
    let measured = Measured {
        set_up: of(&|heard| millis(heard.set_up)),
        first_token: Spread::of(answers.iter().filter_map(|(asked, heard, emitted)| {
            let model = Duration::from_secs(1) / compare.compare_rate;
            let arrived = heard.events.first()?.at - *asked;
            let model = if emitted.len() > 1 && emitted[0] > *asked + model {
                model
            } else {
                Duration::ZERO
            };
            Some(millis(arrived.saturating_sub(model)))
        })),
        lag_median: Spread::of(lags.iter().map(Times::median)),
        lag_p99: Spread::of(lags.iter().map(Times::p99)),
        bytes: of(&|heard| to_f64(to_u64(heard.bytes)) / 1e3),
        events: of(&|heard| to_f64(to_u64(heard.events.len()))),
        quantities,
    };
    stack.shutdown().await;
    Ok(measured)
}

async fn start(
    options: &Options,
    bedrock: &Bedrock,
    meter: &Meter,
) -> Result<(RunningStack, Target), BenchError> {
    let mut stack = StackOptions {
        functions: Functions::Packaged(options.functions_dir.clone()),
        ..StackOptions::default()
    };
    let own = ("AWS_ENDPOINT_URL".to_owned(), meter.url());
    let model = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME".to_owned(), bedrock.url());
    stack.request_environment.extend([own.clone()]);
    stack.websocket_environment.extend([own.clone()]);
    stack
        .worker_environment
        .extend([own.clone(), model.clone()]);
    stack.function_url_environment.extend([own, model]);
    let stack = RunningStack::start(stack).await.to("start the stack")?;
    meter.aim(stack.info.endpoints.url());
    warm(&stack).await;
    let target = Target::of(&stack, &users().swap_remove(0).username).await?;
    Ok((stack, target))
}

/// What AWS takes to answer.
fn delays(compare: &CompareOptions) -> FaultPlan {
    let ms = compare.compare_answer_ms;
    [
        (FaultService::AppSync, "publishToken"),
        (FaultService::ExecuteApi, "PostToConnection"),
    ]
    .into_iter()
    .map(|(service, operation)| Rule::new(service, operation, Fault::Delay { ms }))
    .fold(FaultPlan::seeded(1), FaultPlan::with)
}

/// Until no job is left, and nobody is at work.
async fn quiet(stack: &RunningStack) -> Result<(), BenchError> {
    const STEP: &str = "ask how many jobs there are";
    let endpoints = &stack.info.endpoints;
    let http = client::http()?;
    let body = json!({ "QueueUrl": endpoints.queue_url(QUEUE), "AttributeNames": ["All"] });
    let idle = async {
        loop {
            let asked = http
                .post(endpoints.url())
                .header("x-amz-target", "AmazonSQS.GetQueueAttributes")
                .header("content-type", "application/x-amz-json-1.0")
                .body(body.to_string());
            let answer: Value = asked.send().await.to(STEP)?.json().await.to(STEP)?;
            let attributes = answer["Attributes"].as_object().into_iter().flatten();
            let counts = attributes.filter(|(name, _)| name.starts_with("ApproximateNumberOf"));
            let jobs: Vec<_> = counts.map(|(_, count)| count.as_str()).collect();
            if !jobs.is_empty() && jobs.iter().all(|count| *count == Some("0")) && !is_busy(stack) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(QUIET, idle).await;
    waited.to("await the stack's rest")?
}

fn is_busy(stack: &RunningStack) -> bool {
    let lambda = stack.local.lambda();
    let busy = |function: &str| {
        let processes = lambda.processes(function);
        processes.iter().any(|process| process.request_id.is_some())
    };
    FUNCTIONS.iter().any(|function| busy(function))
}

/// Starts a process of each function.
async fn warm(stack: &RunningStack) {
    for delivery in [
        tokencast::cli::Channel::Appsync,
        tokencast::cli::Channel::Url,
        tokencast::cli::Channel::Websocket,
    ] {
        stack.warm_for(delivery).await;
    }
}

/// Of each token, whatever it was joined with.
fn lags(heard: &Heard, emitted: &[std::time::Instant]) -> Times {
    let width = token(0).len();
    let arrivals = heard
        .events
        .iter()
        .flat_map(|event| std::iter::repeat_n(event.at, event.token.len() / width));
    let mut lags = Times::default();
    for (arrived, emitted) in arrivals.zip(emitted) {
        lags.add(arrived.saturating_duration_since(*emitted));
    }
    lags
}

fn row(name: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

fn figures(measured: &[Measured]) -> Vec<Vec<String>> {
    let spread = |name: &str, unit: &str, of: &dyn Fn(&Measured) -> Spread| {
        row(name, measured.iter().map(|one| of(one).text(unit)))
    };
    let mut lines = vec![
        spread("connection set-up", " ms", &|one| one.set_up),
        spread("added time to the first token", " ms", &|one| {
            one.first_token
        }),
        spread("lag, median", " ms", &|one| one.lag_median),
        spread("lag, p99", " ms", &|one| one.lag_p99),
        spread("events of an answer", "", &|one| one.events),
        spread("bytes of an answer", " KB", &|one| one.bytes),
    ];
    let prices = Quantities::default().lines(Architecture::Arm64);
    for (index, (price, _)) in prices.iter().enumerate() {
        let count = |one: &Measured| one.quantities.lines(Architecture::Arm64)[index].1;
        if measured.iter().any(|one| count(one) > 0.0) {
            let name = format!("{} of an answer", price.name);
            lines.push(row(
                &name,
                measured.iter().map(|one| format!("{:.2}", count(one))),
            ));
        }
    }
    lines
}

fn summary(measured: &[Measured]) -> Vec<Row> {
    let rows = Delivery::ALL.into_iter().zip(measured);
    rows.map(|(delivery, one)| {
        let dollars = ANSWERS * one.quantities.dollars(Architecture::Arm64);
        Row::new(
            format!("{}: dollars for 1,000 answers", delivery.name()),
            format!("{dollars:.3}"),
        )
    })
    .collect()
}
