//! Computes the cost of 1,000 answers from the measured work of one answer, and the delay that each setting adds for
//! it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use local_stack::usage::Count;
use tokencast::stack::{Functions, REQUEST_FUNCTION, RunningStack, StackOptions, WORKER_FUNCTION};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Bedrock, Script, token};
use crate::meter::{Meter, Passed};
use crate::prices::{Quantities, gb_seconds};
use crate::report::{Row, Section, table};
use crate::spread::{Times, to_f64};
use crate::subscriber::{Subscriber, User};

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
/// The bill is for so many answers.
const ANSWERS: f64 = 1_000.0;

/// No function works for longer than this.
const PATIENCE: Duration = Duration::from_mins(1);

/// One setting, and what an answer took with it.
struct Case {
    name: String,
    quantities: Quantities,
    publishes: usize,
    lags: Times,
}

/// Measures the cost of each setting.
///
/// # Errors
///
/// The stack can't be started, or an answer is not the model's.
pub async fn measure(options: &Options, cost: &CostOptions) -> Result<Section, BenchError> {
    let by_itself = ("PUBLISH_MODE", "token".to_owned());
    let mut cases = vec![case("each token by itself", options, cost, by_itself).await?];
    for interval in &cost.flush_interval_ms {
        let setting = ("FLUSH_INTERVAL_MS", interval.to_string());
        let name = format!("`FLUSH_INTERVAL_MS={interval}`");
        cases.push(case(&name, options, cost, setting).await?);
    }
    Ok(Section {
        name: "cost",
        method: format!("{}\n\n{}", method(cost), bill(&cases)),
        rows: rows(&cases),
    })
}

fn method(cost: &CostOptions) -> String {
    format!(
        "What 1,000 answers of {} tokens at {} tokens/s with {} subscriber(s) cost, in dollars of us-east-1's list prices \
         (`benches/src/prices.rs`),\nwithout the model and without free tiers. One answer is run on the local stack with \
         the packaged functions, AppSync answering in\n{} ms, and what it does is counted: operations and events as they \
         pass, DynamoDB's units by the sizes of the items, functions by\ntheir time at work and their memory. Of \
         Lambda's poller, one receive and one delete a message are counted, and none while idle; of a\nsubscriber's \
         connection, the time of the answer. Lag: from the model's giving a token away to its arrival at AppSync.",
        cost.tokens, cost.rate, cost.subscribers, cost.answer_ms
    )
}

/// Returns the bill in detail, with a column for each setting.
fn bill(cases: &[Case]) -> String {
    let line = |name: &str, value: &dyn Fn(&Case) -> String| -> Vec<String> {
        let values = cases.iter().map(value);
        std::iter::once(name.to_owned()).chain(values).collect()
    };
    let mut lines = vec![
        line("publishes of an answer", &|case| case.publishes.to_string()),
        line("lag, median", &|case| {
            format!("{:.1} ms", case.lags.median())
        }),
        line("lag, p99", &|case| format!("{:.1} ms", case.lags.p99())),
    ];
    let prices = cases.first().map(|case| case.quantities.lines());
    for (index, (price, _)) in prices.into_iter().flatten().enumerate() {
        lines.push(line(price.name, &|case| {
            let count = case.quantities.lines()[index].1 * ANSWERS;
            format!("{}: ${:.4}", rounded(count), count * price.dollars)
        }));
    }
    lines.push(line("in all", &|case| format!("${:.3}", case.dollars())));
    let names = cases.iter().map(|case| case.name.clone());
    let head = std::iter::once("of 1,000 answers".to_owned()).chain(names);
    table(head, lines)
}

fn rounded(count: f64) -> String {
    if count >= 1e6 {
        format!("{:.2}M", count / 1e6)
    } else if count >= 1e3 {
        format!("{:.1}k", count / 1e3)
    } else {
        format!("{count:.1}")
    }
}

fn rows(cases: &[Case]) -> Vec<Row> {
    let first = cases.first().map_or(f64::NAN, Case::dollars);
    let row = |case: &Case| {
        let (dollars, share) = (case.dollars(), 100.0 * case.dollars() / first);
        Row::new(
            format!("{}: dollars for 1,000 answers", case.name),
            format!("{dollars:.3}; {share:.0} % of each token by itself"),
        )
    };
    cases.iter().map(row).collect()
}

impl Case {
    fn dollars(&self) -> f64 {
        ANSWERS * self.quantities.dollars()
    }
}

async fn case(
    name: &str,
    options: &Options,
    cost: &CostOptions,
    setting: (&str, String),
) -> Result<Case, BenchError> {
    let bedrock = Bedrock::start().await?;
    let meter = Meter::start(Duration::from_millis(cost.answer_ms)).await?;
    let stack = start(options, &meter, &bedrock, setting).await?;
    let user = User::sign_in(&stack).await?;
    let bench = Bench {
        stack: &stack,
        meter: &meter,
        bedrock: &bedrock,
        user: &user,
    };
    let script = |tokens| Script {
        tokens,
        per_second: cost.rate,
    };
    // The first answer opens the connections.
    bench.answer(script(5), 0).await?;
    let (quantities, publishes, lags) = bench.answer(script(cost.tokens), cost.subscribers).await?;
    stack.shutdown().await;
    Ok(Case {
        name: name.to_owned(),
        quantities,
        publishes,
        lags,
    })
}

/// Starts a stack whose functions reach it through the meter. They reach the model directly.
async fn start(
    options: &Options,
    meter: &Meter,
    bedrock: &Bedrock,
    setting: (&str, String),
) -> Result<RunningStack, BenchError> {
    let own = BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), meter.url())]);
    let mut worker = own.clone();
    worker.extend([
        (
            "APPSYNC_API_URL".to_owned(),
            format!("{}/graphql", meter.url()),
        ),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME".to_owned(), bedrock.url()),
        (setting.0.to_owned(), setting.1),
    ]);
    let stack = RunningStack::start(StackOptions {
        functions: Functions::Packaged(options.functions_dir.clone()),
        request_environment: own,
        worker_environment: worker,
        ..StackOptions::default()
    });
    let stack = stack.await.to("start the stack")?;
    meter.aim(stack.info.endpoints.url());
    stack.warm().await;
    Ok(stack)
}

struct Bench<'a> {
    stack: &'a RunningStack,
    meter: &'a Meter,
    bedrock: &'a Bedrock,
    user: &'a User,
}

impl Bench<'_> {
    /// Runs one answer, from the subscriptions until the worker is idle. Returns the billed quantities, the number of
    /// publishes, and the lags.
    async fn answer(
        &self,
        script: Script,
        subscribers: usize,
    ) -> Result<(Quantities, usize, Times), BenchError> {
        self.bedrock.set_script(script);
        self.meter.take();
        self.stack.local.usage().reset();
        let id = Uuid::new_v4().to_string();
        let since = Instant::now();
        let mut listening = JoinSet::new();
        for _ in 0..subscribers {
            let mut subscriber = self.user.connect().await?;
            subscriber.subscribe(&id).await?;
            listening.spawn(events(subscriber));
        }
        self.user.start_stream(&id).await?;
        let mut heard = 0;
        while let Some(events) = listening.join_next().await {
            heard += events.to("hear an answer")??;
        }
        let minutes = since.elapsed().as_secs_f64() / 60.0 * to_f64(subscribers as u64);
        let worker = self.worker_at_rest().await?;
        let seen = self.meter.take();
        let lags = lags(&seen.publishes, &self.bedrock.emitted(&id), script)?;
        let publishes = seen.publishes.len();
        if heard != subscribers * publishes {
            let message = format!("{heard} events of {publishes} publishes were heard");
            return Err(BenchError::Wrong(message));
        }
        let usage = self.stack.local.usage();
        let request = usage.of("lambda", REQUEST_FUNCTION);
        let quantities = Quantities {
            // One more operation starts the session.
            appsync_operations: 1.0 + to_f64(publishes as u64),
            appsync_updates: to_f64(usage.of("realtime", "data").units),
            appsync_minutes: minutes,
            sqs_requests: seen.sqs_requests + POLLER_REQUESTS,
            lambda_requests: to_f64(request.count + worker.count),
            lambda_gb_seconds: self.gb_seconds(REQUEST_FUNCTION, request)
                + self.gb_seconds(WORKER_FUNCTION, worker),
            dynamodb_write_units: seen.write_units(),
            dynamodb_read_units: seen.read_units(),
        };
        Ok((quantities, publishes, lags))
    }

    /// Waits until the worker's invocation has ended and is counted.
    async fn worker_at_rest(&self) -> Result<Count, BenchError> {
        let counted = async {
            loop {
                let worker = self.stack.local.usage().of("lambda", WORKER_FUNCTION);
                if worker.count > 0 {
                    return worker;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let counted = tokio::time::timeout(PATIENCE, counted).await;
        counted.to("await the worker's rest")
    }

    /// Returns the billed GB-seconds of a function's invocations, at the memory that the stack gives it.
    fn gb_seconds(&self, function: &str, invocations: Count) -> f64 {
        let config = self.stack.local.lambda().config(function);
        // Each duration was rounded down to whole milliseconds, and each millisecond begun is billed.
        let billed_ms = invocations.duration_ms + invocations.count;
        gb_seconds(
            Duration::from_millis(billed_ms),
            config.map_or(0, |config| config.memory_mb),
        )
    }
}

/// Counts the events that a subscriber gets, the last one included.
async fn events(mut subscriber: Subscriber) -> Result<usize, BenchError> {
    let mut events = 1;
    while subscriber.event().await?["isComplete"] != true {
        events += 1;
    }
    Ok(events)
}

/// Returns the lag of each token, also of tokens that were joined into one publish.
fn lags(publishes: &[Passed], emitted: &[Instant], script: Script) -> Result<Times, BenchError> {
    let width = token(0).len();
    let arrivals = publishes
        .iter()
        .flat_map(|event| std::iter::repeat_n(event.at, event.token_bytes / width));
    let arrivals: Vec<Instant> = arrivals.collect();
    if arrivals.len() != script.tokens || emitted.len() != script.tokens {
        let message = format!("{} tokens of {} came", arrivals.len(), script.tokens);
        return Err(BenchError::Wrong(message));
    }
    let mut lags = Times::default();
    for (arrived, emitted) in arrivals.iter().zip(emitted) {
        lags.add(arrived.saturating_duration_since(*emitted));
    }
    Ok(lags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        assert_eq!(
            [12.34, 1_500.0, 2_500_000.0].map(rounded),
            ["12.3", "1.5k", "2.50M"]
        );
    }
}
