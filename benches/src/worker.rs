//! The worker's process under the local Lambda, SQS and DynamoDB, between a Bedrock and an AppSync that keep the time.

mod floor;

use std::time::Duration;

use tokencast::stack::{Functions, QUEUE, REGION, RunningStack, StackOptions, WORKER_FUNCTION};
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_local::iam::Principal;
use tokencast_local::lambda::event_source::sqs_client;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{AppSync, Bedrock, Publish, Script, token};
use crate::process::{cpu_time, peak_memory_bytes};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times, millis};

/// What a mutation takes on AWS, about.
const ANSWER_TIME: Duration = Duration::from_millis(20);
/// Two round trips, and a little.
const P99_AIM_MS: f64 = 45.0;
const CPU_AIM_MS: f64 = 60.0;
const MEMORY_AIM_MB: f64 = 40.0;
const RATES: [u32; 2] = [100, 1_000];

/// No answer takes this long, so one that does never comes.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(measure_at_all_rates(options))
}

async fn measure_at_all_rates(options: &Options) -> Result<Section, BenchError> {
    let repetitions = options.pick(5, 2);
    let tokens = options.pick(1_000, 200);
    let mut bench = Bench::start(options).await?;
    // The first answer makes the connections.
    bench
        .answer(Script {
            tokens: 50,
            per_second: 100,
        })
        .await?;
    let mut rows = Vec::new();
    for per_second in RATES {
        let mut answers = Vec::new();
        for _ in 0..repetitions {
            answers.push(bench.answer(Script { tokens, per_second }).await?);
        }
        rows.extend(rows_of(per_second, tokens, &answers));
    }
    // Of which the floor had one for each answer.
    let floors = 1 + to_u64(repetitions * RATES.len());
    let connections = bench.appsync.connections() - floors;
    rows.push(
        Row::new(
            "connections to AppSync, all answers together",
            connections.to_string(),
        )
        .aim("1", connections == 1),
    );
    let memory = to_f64(peak_memory_bytes(bench.pid()?)?) / 1e6;
    let memory_row = Row::new("peak memory of the process", format!("{memory:.1} MB"));
    rows.push(memory_row.aim(format!("under {MEMORY_AIM_MB} MB"), memory < MEMORY_AIM_MB));
    bench.stack.shutdown().await;
    Ok(Section {
        name: "worker",
        method: format!(
            "One process of the packaged worker answers one message of SQS after another. Its Bedrock gives {tokens} \
             tokens at a fixed rate;\nits AppSync answers each `publishToken` after {} ms. A token's lag is from the \
             moment that Bedrock gives it to its connection to\nthe arrival of the `publishToken` that carries it. CPU \
             is the whole process's, from one message's arrival to its end, less what\nit uses when idle; beside it, that of a program which \
             reads and writes as often and as much, and understands nothing.\n{repetitions} answers of each at each \
             rate, in turns.",
            ANSWER_TIME.as_millis()
        ),
        rows,
    })
}

fn rows_of(per_second: u32, tokens: usize, answers: &[Answer]) -> Vec<Row> {
    let figure = |name: &str| format!("{name} at {per_second} tokens/s");
    let spread = |value: fn(&Answer) -> f64| Spread::of(answers.iter().map(value));
    let p99 = spread(|answer| answer.lags.p99());
    let per_1000 = |used_ms: f64| used_ms * 1_000.0 / to_f64(to_u64(tokens));
    let cpu = Spread::of(answers.iter().map(|answer| per_1000(answer.cpu_ms)));
    let floor = Spread::of(answers.iter().map(|answer| per_1000(answer.floor_cpu_ms)));
    vec![
        Row::new(
            figure("lag, median,"),
            spread(|answer| answer.lags.median()).text(" ms"),
        ),
        Row::new(figure("lag, p99,"), p99.text(" ms"))
            .aim(format!("under {P99_AIM_MS} ms"), p99.median < P99_AIM_MS),
        Row::new(
            figure("lag of the last token"),
            spread(|answer| answer.last_lag_ms).text(" ms"),
        ),
        Row::new(
            figure("publishes"),
            spread(|answer| to_f64(answer.publishes)).text(""),
        ),
        Row::new(figure("CPU for 1,000 tokens"), cpu.text(" ms"))
            .aim(format!("under {CPU_AIM_MS} ms"), cpu.median < CPU_AIM_MS),
        Row::new(
            figure("the same, for reads and writes alone,"),
            floor.text(" ms"),
        ),
    ]
}

/// What one answer showed.
struct Answer {
    lags: Times,
    last_lag_ms: f64,
    publishes: u64,
    cpu_ms: f64,
    /// Of a program that only reads and writes the same.
    floor_cpu_ms: f64,
}

struct Bench {
    stack: RunningStack,
    bedrock: Bedrock,
    appsync: AppSync,
}

impl Bench {
    async fn start(options: &Options) -> Result<Self, BenchError> {
        let bedrock = Bedrock::start(Script {
            tokens: 0,
            per_second: 1,
        })
        .await?;
        let appsync = AppSync::start(ANSWER_TIME).await?;
        let stack = RunningStack::start(StackOptions {
            functions: Functions::Packaged(options.functions_dir.clone()),
            worker_environment: [
                ("APPSYNC_API_URL".to_owned(), appsync.url()),
                ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME".to_owned(), bedrock.url()),
            ]
            .into(),
            ..StackOptions::default()
        });
        let stack = stack.await.to("start the stack")?;
        stack.warm().await;
        Ok(Self {
            stack,
            bedrock,
            appsync,
        })
    }

    fn pid(&self) -> Result<u32, BenchError> {
        let processes = self.stack.local.lambda().processes(WORKER_FUNCTION);
        match processes.as_slice() {
            [process] => Ok(process.pid),
            others => Err(BenchError::Wrong(format!(
                "there are {} workers, not one",
                others.len()
            ))),
        }
    }

    async fn answer(&mut self, script: Script) -> Result<Answer, BenchError> {
        let pid = self.pid()?;
        let idle = idle_share(pid).await?;
        self.bedrock.set_script(script);
        let session_id = SessionId::random();
        let (began, before) = (std::time::Instant::now(), cpu_time(pid)?);
        self.send(session_id).await?;
        let publishes = tokio::time::timeout(PATIENCE, self.appsync.session()).await;
        let publishes = publishes.to("await the answer")??;
        self.until_idle().await?;
        let used = cpu_time(pid)?.saturating_sub(before);
        let cpu_ms = millis(used) - millis(began.elapsed()) * idle;
        let (lags, last_lag_ms) = self.lags(script, session_id, &publishes)?;
        Ok(Answer {
            lags,
            last_lag_ms,
            publishes: to_u64(publishes.len()),
            cpu_ms,
            floor_cpu_ms: self.floor_cpu_ms().await?,
        })
    }

    async fn floor_cpu_ms(&mut self) -> Result<f64, BenchError> {
        let (bedrock, appsync) = (self.bedrock.address(), self.appsync.address());
        let floor = tokio::task::spawn_blocking(move || floor::answer(bedrock, appsync));
        let used = floor.await.to("run the floor")??;
        self.appsync.session().await?;
        Ok(millis(used))
    }

    async fn send(&self, session_id: SessionId) -> Result<(), BenchError> {
        let endpoints = &self.stack.info.endpoints;
        let principal = Principal {
            access_key_id: "AKIABENCH".to_owned(),
            secret_access_key: "bench".to_owned(),
            session_token: None,
            account_id: endpoints.account_id.clone(),
            arn: format!("arn:aws:iam::{}:user/bench", endpoints.account_id),
            expires_at_ms: None,
            policy: Vec::new(),
        };
        debug_assert_eq!(endpoints.region, REGION);
        let owner = Owner::new("bench").ok_or_else(|| BenchError::Wrong("no owner".to_owned()))?;
        let job = Job::new(
            session_id,
            owner,
            "Count.".to_owned(),
            self.stack.local.clock().now_ms(),
        );
        let send = sqs_client(endpoints, &principal)
            .send_message()
            .queue_url(endpoints.queue_url(QUEUE))
            .message_body(job.to_json());
        send.send().await.map(drop).to("send a job")
    }

    /// Until the worker has answered for its message and asks for the next.
    async fn until_idle(&self) -> Result<(), BenchError> {
        let idle = async {
            let lambda = self.stack.local.lambda();
            while lambda
                .processes(WORKER_FUNCTION)
                .iter()
                .any(|process| process.request_id.is_some())
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, idle)
            .await
            .to("await the worker's end")
    }

    /// Checks that the answer is whole and in order, and when each of its tokens arrived.
    fn lags(
        &self,
        script: Script,
        session_id: SessionId,
        publishes: &[Publish],
    ) -> Result<(Times, f64), BenchError> {
        let emitted = self.bedrock.emitted();
        let expected: String = (0..script.tokens).map(token).collect();
        let text: String = publishes
            .iter()
            .map(|publish| publish.token.as_str())
            .collect();
        let in_order = publishes
            .iter()
            .zip(1..)
            .all(|(publish, sequence)| publish.sequence == sequence);
        let whole = text == expected && emitted.len() == script.tokens;
        let completed = publishes
            .last()
            .is_some_and(|last| last.status == "COMPLETED");
        let own = publishes
            .iter()
            .all(|publish| publish.session_id == session_id.to_string());
        if !(in_order && whole && completed && own) {
            return Err(BenchError::Wrong(
                "the worker's publishes are not the model's answer".to_owned(),
            ));
        }
        let width = token(0).len();
        let arrivals = publishes
            .iter()
            .flat_map(|publish| std::iter::repeat_n(publish.at, publish.token.len() / width));
        let mut lags = Times::default();
        let mut last = Duration::ZERO;
        for (arrived, emitted) in arrivals.zip(emitted) {
            last = arrived.saturating_duration_since(emitted);
            lags.add(last);
        }
        Ok((lags, millis(last)))
    }
}

/// The share of one core that the process uses while it waits.
async fn idle_share(pid: u32) -> Result<f64, BenchError> {
    const WATCHED: Duration = Duration::from_millis(300);
    let before = cpu_time(pid)?;
    tokio::time::sleep(WATCHED).await;
    Ok(cpu_time(pid)?.saturating_sub(before).as_secs_f64() / WATCHED.as_secs_f64())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes, far below 2^52"
)]
fn to_f64(number: u64) -> f64 {
    number as f64
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
