//! What 1,000 answers cost, from what one answer is seen to do, and what delay each setting buys that with.

mod audience;
mod naive;
pub(crate) mod table;

use std::time::Duration;

use clap::Args;
use tokencast::stack::{REQUEST_FUNCTION, WORKER_FUNCTION};

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::Script;
use crate::metered::{Answer, Metered, Setup};
use crate::prices::{Architecture, Quantities};
use crate::report::{Row, Section};
use crate::spread::Times;

use audience::Audience;

/// What is to be answered, and how.
#[derive(Args, Clone, Debug)]
pub struct CostOptions {
    /// Tokens of an answer
    #[arg(long, default_value_t = 300)]
    pub tokens: usize,
    /// Tokens a second
    #[arg(long, default_value_t = 50)]
    pub rate: u32,
    /// Settings of `FLUSH_INTERVAL_MS` to compare, with commas between them
    #[arg(long, value_delimiter = ',', default_values_t = [0, 100, 250, 500])]
    pub flush_interval_ms: Vec<u64>,
    /// Who listens to an answer
    #[arg(long, default_value_t = 1)]
    pub subscribers: usize,
    /// What AppSync takes to answer a mutation
    #[arg(long, default_value_t = 20)]
    pub answer_ms: u64,
}

/// Lambda's own poller receives and deletes each message once.
const POLLER_REQUESTS: f64 = 2.0;
/// The bill is of so many answers.
const ANSWERS: f64 = 1_000.0;

/// One way to answer, and what that took.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) quantities: Quantities,
    pub(crate) publishes: usize,
    pub(crate) lags: Times,
}

pub fn measure(options: &Options, cost: &CostOptions) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(async {
        let mut cases = vec![naive::case(options, cost).await?];
        let token_mode = [("PUBLISH_MODE".to_owned(), "token".to_owned())];
        cases.push(case("each token by itself", options, cost, &token_mode).await?);
        for interval in &cost.flush_interval_ms {
            let setting = [("FLUSH_INTERVAL_MS".to_owned(), interval.to_string())];
            let name = format!("`FLUSH_INTERVAL_MS={interval}`");
            cases.push(case(&name, options, cost, &setting).await?);
        }
        Ok(Section {
            name: "cost",
            method: format!("{}\n\n{}", method(cost), table::table(&cases)),
            rows: rows(&cases),
        })
    })
}

fn method(cost: &CostOptions) -> String {
    format!(
        "What 1,000 answers of {} tokens at {} tokens/s with {} subscriber(s) cost, in dollars of us-east-1's list prices \
         (`benches/src/prices.rs`),\nwithout the model and without free tiers. One answer is run on the local stack with \
         the packaged functions, AppSync answering in\n{} ms, and what it does is counted: operations and events as they \
         pass, DynamoDB's units by the table's own account, functions by\ntheir time at work and their memory. Of \
         Lambda's poller, one receive and one delete a message are counted, and none while idle; of a\nsubscriber's \
         connection, the time of the answer. The naive worker publishes each token by itself over a new connection, \
         one after\nanother, and keeps no record. Lag: from the model's giving a token away to its arrival at AppSync.",
        cost.tokens, cost.rate, cost.subscribers, cost.answer_ms
    )
}

fn rows(cases: &[Case]) -> Vec<Row> {
    let naive = cases
        .first()
        .map_or(f64::NAN, |case| case.dollars(Architecture::Arm64));
    cases
        .iter()
        .map(|case| {
            let (arm, x86) = (
                case.dollars(Architecture::Arm64),
                case.dollars(Architecture::X86),
            );
            let share = 100.0 * arm / naive;
            Row::new(
                format!("{}: dollars for 1,000 answers", case.name),
                format!("{arm:.3} on arm64, {x86:.3} on x86_64; {share:.0} % of the naive"),
            )
        })
        .collect()
}

impl Case {
    pub(crate) fn dollars(&self, architecture: Architecture) -> f64 {
        ANSWERS * self.quantities.dollars(architecture)
    }
}

fn setup(cost: &CostOptions, worker: &[(String, String)]) -> Setup {
    Setup {
        answer_time: Duration::from_millis(cost.answer_ms),
        worker: worker.iter().cloned().collect(),
    }
}

async fn case(
    name: &str,
    options: &Options,
    cost: &CostOptions,
    worker: &[(String, String)],
) -> Result<Case, BenchError> {
    let stack = Metered::start(options, setup(cost, worker)).await?;
    let script = |tokens| Script {
        tokens,
        per_second: cost.rate,
    };
    // The first answer makes the connections.
    stack.answer(script(5), "Count.").await?;
    let session_id = Metered::session_id();
    let audience = Audience::gather(&stack, &session_id, cost.subscribers).await?;
    let answer = stack
        .answer_as(session_id, script(cost.tokens), "Count.")
        .await?;
    let heard = audience.disperse(&answer).await?;
    let case = Case {
        name: name.to_owned(),
        quantities: quantities(&stack, &answer, &heard),
        publishes: answer.passed.len(),
        lags: lags(&answer),
    };
    stack.end().await;
    Ok(case)
}

/// What an answer and its subscribers did, as it is billed.
fn quantities(stack: &Metered, answer: &Answer, heard: &audience::Heard) -> Quantities {
    let counts = &answer.counts;
    let calls = |operation: &str| to_f64(counts.of(operation).count);
    let admissions = heard.admissions;
    Quantities {
        appsync_operations: calls("startStream") + calls("publishToken"),
        appsync_updates: to_f64(answer.events.units),
        appsync_minutes: heard.minutes,
        sqs_requests: counts.sqs().units + POLLER_REQUESTS,
        lambda_requests: to_f64(answer.request.count + answer.worker.count + admissions.count),
        lambda_gb_seconds: stack.gb_seconds(REQUEST_FUNCTION, answer.request)
            + stack.gb_seconds(REQUEST_FUNCTION, admissions)
            + stack.gb_seconds(WORKER_FUNCTION, answer.worker),
        dynamodb_write_units: counts.dynamodb_writes().units + heard.write_units,
        dynamodb_read_units: counts.dynamodb_reads().units + heard.read_units,
        ..Quantities::default()
    }
}

/// Of each token, whatever it was joined with.
fn lags(answer: &Answer) -> Times {
    let width = crate::fakes::token(0).len();
    let arrivals = answer
        .passed
        .iter()
        .flat_map(|event| std::iter::repeat_n(event.at, event.token_bytes / width));
    let mut lags = Times::default();
    for (arrived, emitted) in arrivals.zip(&answer.emitted) {
        lags.add(arrived.saturating_duration_since(*emitted));
    }
    lags
}

#[expect(clippy::cast_precision_loss, reason = "counts, far below 2^52")]
pub(crate) fn to_f64(number: u64) -> f64 {
    number as f64
}

pub(crate) fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
