//! Runs the worker's process between the fakes, and measures what one event costs it.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::time::Timestamp;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Publish, Script, token};
use crate::process::{ENVIRONMENT, Killed, cpu_time};
use crate::spread::{Times, millis};

/// No answer takes this long. One that does would never come.
const PATIENCE: Duration = Duration::from_mins(2);

/// One worker process, ready for an event.
#[derive(Debug)]
pub struct Function {
    process: Killed,
}

/// The measurements of one event.
#[derive(Debug)]
pub struct Answered {
    /// The sessions, in the order of the event's records.
    pub sessions: Vec<Session>,
    pub cpu: Duration,
    pub elapsed: Duration,
}

/// The measurements of one answer.
#[derive(Debug)]
pub struct Session {
    pub lags: Times,
    pub last_lag_ms: f64,
    pub publishes: u64,
}

impl Function {
    /// Starts the packaged worker. With `core` given, it may use that core only.
    ///
    /// # Errors
    ///
    /// The worker can't be started, or doesn't ask for an event.
    pub async fn start(
        options: &Options,
        fakes: &mut Fakes,
        core: Option<usize>,
    ) -> Result<Self, BenchError> {
        let program = options.functions_dir.join("worker/bootstrap");
        let program = std::path::absolute(program).to("find the worker")?;
        let mut command = match core {
            None => Command::new(&program),
            Some(core) => {
                let mut command = Command::new("taskset");
                command
                    .args(["--cpu-list", &core.to_string()])
                    .arg(&program);
                command
            }
        };
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
            .envs(ENVIRONMENT)
            .env("APPSYNC_API_URL", fakes.appsync.url())
            .env("AWS_ENDPOINT_URL", fakes.aws.url())
            .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", fakes.bedrock.url())
            .env("AWS_LAMBDA_RUNTIME_API", fakes.lambda.address())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let process = Killed(command.spawn().to("start a worker")?);
        let ready = tokio::time::timeout(PATIENCE, fakes.lambda.ready()).await;
        ready.to("await the worker")?;
        Ok(Self { process })
    }

    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Sends one event with so many records. Each answer follows the script.
    ///
    /// # Errors
    ///
    /// A record failed, or an answer is not the model's.
    pub async fn answer(
        &self,
        fakes: &mut Fakes,
        script: Script,
        records: usize,
    ) -> Result<Answered, BenchError> {
        let ids: Vec<_> = (0..records).map(|_| SessionId::random()).collect();
        let event = event(&ids)?;
        fakes.bedrock.set_script(script);
        let (began, before) = (Instant::now(), cpu_time(self.pid())?);
        // A record that failed has no terminal event to wait for.
        let invoke = async {
            let answer = fakes.lambda.invoke(event).await?;
            expect_no_failures(&answer)
        };
        let answer = async { tokio::try_join!(invoke, fakes.appsync.sessions(records)) };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let ((), mut publishes) = answer.to("await the answer")??;
        let cpu = cpu_time(self.pid())?.saturating_sub(before);
        let elapsed = began.elapsed();
        let sessions = ids.iter().map(|id| {
            let id = id.to_string();
            let emitted = fakes.bedrock.emitted(&id);
            session(&id, script, &emitted, &mut publishes)
        });
        Ok(Answered {
            sessions: sessions.collect::<Result<_, _>>()?,
            cpu,
            elapsed,
        })
    }
}

/// Makes an SQS event, as Lambda gives it. A session's prompt is its id, so that the fakes can tell sessions apart.
fn event(ids: &[SessionId]) -> Result<Bytes, BenchError> {
    let owner = Owner::new("bench").ok_or_else(|| BenchError::Wrong("no owner".to_owned()))?;
    let record = |(at, id): (usize, &SessionId)| {
        json!({
            "messageId": format!("message-{at}"),
            "receiptHandle": format!("receipt-{at}"),
            "body": Job::new(*id, owner.clone(), id.to_string(), Timestamp::EPOCH).to_json(),
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "0" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
            "awsRegion": "us-east-1",
        })
    };
    let records: Vec<_> = ids.iter().enumerate().map(record).collect();
    Ok(json!({ "Records": records }).to_string().into())
}

fn expect_no_failures(answer: &[u8]) -> Result<(), BenchError> {
    let answer: Value = serde_json::from_slice(answer).to("read the worker's answer")?;
    match answer["batchItemFailures"].as_array() {
        Some(failures) if failures.is_empty() => Ok(()),
        failures => Err(BenchError::Wrong(format!(
            "{} records failed, or the worker's answer is none",
            failures.map_or(0, Vec::len)
        ))),
    }
}

/// Checks that an answer is whole and in order, and returns its measurements.
pub(crate) fn session(
    id: &str,
    script: Script,
    emitted: &[Instant],
    publishes: &mut HashMap<String, Vec<Publish>>,
) -> Result<Session, BenchError> {
    let publishes = publishes.remove(id).unwrap_or_default();
    let expected: String = (0..script.tokens).map(token).collect();
    let text: String = publishes
        .iter()
        .map(|publish| publish.token.as_str())
        .collect();
    let mut numbered = publishes.iter().zip(1..);
    let in_order = numbered.all(|(publish, sequence)| publish.sequence == sequence);
    let whole = text == expected && emitted.len() == script.tokens;
    let completed = publishes
        .last()
        .is_some_and(|last| last.status == "COMPLETED");
    if !(in_order && whole && completed) {
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
        last = arrived.saturating_duration_since(*emitted);
        lags.add(last);
    }
    Ok(Session {
        lags,
        last_lag_ms: millis(last),
        publishes: publishes.len() as u64,
    })
}
