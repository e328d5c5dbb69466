//! Many answers in one worker process, on one core: the cost of a batch of records, and the delay for each record.

use std::process::Command;
use std::time::Duration;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::{Answered, Function};
use crate::prices::{APPSYNC_OPERATION, APPSYNC_UPDATE, LAMBDA_X86_GB_SECOND, gb_seconds};
use crate::process::peak_memory_bytes;
use crate::report::{Row, Section, table};
use crate::spread::{Spread, Times, millis, to_f64};

const PER_SECOND: u32 = 50;
const ANSWER_MS: u64 = 20;

const MEMORY_AIM_KIB: f64 = 64.0;

/// The worker's core. All other processes have the other cores.
const CORE: usize = 0;

/// The memory at which the function's time is priced.
const FUNCTION_MB: u32 = 256;

/// The measurements of one batch.
struct Batch {
    records: usize,
    median_ms: f64,
    p99_ms: f64,
    /// The time from the event to the last record's last token.
    elapsed: Duration,
    /// The greatest lag of a record's last token.
    slowest_ms: f64,
    cpu_ms: f64,
    memory_bytes: f64,
    publishes: u64,
}

impl Batch {
    /// Returns Lambda's price for 1,000 answers.
    fn lambda_dollars(&self) -> f64 {
        let gb_seconds = gb_seconds(self.elapsed, FUNCTION_MB);
        1e3 * gb_seconds * LAMBDA_X86_GB_SECOND.dollars / to_f64(self.records as u64)
    }

    /// Returns AppSync's price for 1,000 answers with one subscriber each.
    fn appsync_dollars(&self) -> f64 {
        let publish = APPSYNC_OPERATION.dollars + APPSYNC_UPDATE.dollars;
        1e3 * to_f64(self.publishes) * publish / to_f64(self.records as u64)
    }
}

/// Measures batches of each size. Meanwhile this process stays off the worker's core.
///
/// # Errors
///
/// The worker can't be started, or its answers are not the model's.
pub async fn measure(options: &Options) -> Result<Section, BenchError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // With one core, all processes share it.
    let apart = cores > 1;
    if apart {
        keep_to(&format!("{}-{}", CORE + 1, cores - 1))?;
    }
    let outcome = measure_apart(options).await;
    if apart {
        keep_to(&format!("0-{}", cores - 1))?;
    }
    outcome
}

/// Restricts this process, with all its threads, to some cores.
fn keep_to(cores: &str) -> Result<(), BenchError> {
    const TRIES: u32 = 10;
    let pid = std::process::id().to_string();
    let mut said = String::new();
    // `taskset` fails if a thread ends while it goes through them.
    for _ in 0..TRIES {
        let mut taskset = Command::new("taskset");
        taskset.args(["--all-tasks", "--cpu-list", "--pid", cores, &pid]);
        let output = taskset.output().to("run taskset")?;
        if output.status.success() {
            return Ok(());
        }
        String::from_utf8_lossy(&output.stderr)
            .trim()
            .clone_into(&mut said);
    }
    Err(BenchError::Wrong(said))
}

async fn measure_apart(options: &Options) -> Result<Section, BenchError> {
    let batches: &[usize] = options.pick(&[1, 10, 100, 1_000], &[1, 10, 1_000]);
    let repetitions = options.pick(3, 1);
    let script = Script {
        tokens: options.pick(200, 50),
        per_second: PER_SECOND,
    };
    let mut fakes = Fakes::start().await?;
    let answer_time = Duration::from_millis(ANSWER_MS);
    fakes.appsync.set_answer_time(answer_time);
    let mut measured: Vec<Vec<Batch>> = batches.iter().map(|_| Vec::new()).collect();
    for _ in 0..repetitions {
        for (&records, measured) in batches.iter().zip(&mut measured) {
            measured.push(run(options, &mut fakes, script, records).await?);
        }
    }
    let memory: Vec<_> = measured[1..]
        .iter()
        .map(|several| memory_kib(several, &measured[0]))
        .collect();
    let lines = measured.iter().enumerate();
    let lines = lines.map(|(at, runs)| line(runs, script, at.checked_sub(1).map(|at| memory[at])));
    let most = memory.iter().copied().zip(&batches[1..]);
    let most = most.max_by(|(one, _), (other, _)| one.median.total_cmp(&other.median));
    let memory_row = |(memory, records): (Spread, &usize)| {
        let name = format!("memory per further stream, at the most ({records} records)");
        let met = memory.median < MEMORY_AIM_KIB;
        Row::new(name, memory.text(" KiB")).aim(format!("under {MEMORY_AIM_KIB} KiB"), met)
    };
    let share = measured[0].iter().map(|batch| {
        let (lambda, appsync) = (batch.lambda_dollars(), batch.appsync_dollars());
        100.0 * lambda / (lambda + appsync)
    });
    let share_row = Row::new(
        "Lambda's share of Lambda's and AppSync's price, one record by itself",
        Spread::of(share).text(" %"),
    );
    Ok(Section {
        name: "streams",
        method: method(repetitions, script, &table(HEAD, lines)),
        rows: most
            .map(memory_row)
            .into_iter()
            .chain([share_row])
            .collect(),
    })
}

async fn run(
    options: &Options,
    fakes: &mut Fakes,
    script: Script,
    records: usize,
) -> Result<Batch, BenchError> {
    // Each batch size has its own process, because the peak of memory is the process's.
    let worker = Function::start(options, fakes, Some(CORE)).await?;
    let Answered {
        sessions,
        cpu,
        elapsed,
    } = worker.answer(fakes, script, records).await?;
    let mut lags = Times::default();
    for session in &sessions {
        lags.merge(&session.lags);
    }
    Ok(Batch {
        records,
        median_ms: lags.median(),
        p99_ms: lags.p99(),
        elapsed,
        slowest_ms: sessions
            .iter()
            .map(|session| session.last_lag_ms)
            .fold(0.0, f64::max),
        cpu_ms: millis(cpu),
        memory_bytes: to_f64(peak_memory_bytes(worker.pid())?),
        publishes: sessions.iter().map(|session| session.publishes).sum(),
    })
}

fn memory_kib(several: &[Batch], one: &[Batch]) -> Spread {
    let pairs = several.iter().zip(one);
    Spread::of(pairs.map(|(several, one)| {
        let further = to_f64(several.records as u64 - 1);
        (several.memory_bytes - one.memory_bytes) / 1024.0 / further
    }))
}

const HEAD: [&str; 9] = [
    "records",
    "lag: median",
    "p99",
    "slowest last token",
    "event to answer",
    "CPU per token",
    "share of the core",
    "memory per further stream",
    "Lambda per 1,000 answers",
];

fn line(runs: &[Batch], script: Script, memory: Option<Spread>) -> Vec<String> {
    let spread = |figure: fn(&Batch) -> f64| Spread::of(runs.iter().map(figure));
    let tokens = to_f64(script.tokens as u64);
    let cpu_us = |batch: &Batch| batch.cpu_ms * 1e3 / tokens / to_f64(batch.records as u64);
    let dollars = spread(Batch::lambda_dollars);
    vec![
        runs.first().map_or(0, |batch| batch.records).to_string(),
        spread(|batch| batch.median_ms).text(" ms"),
        spread(|batch| batch.p99_ms).text(" ms"),
        spread(|batch| batch.slowest_ms).text(" ms"),
        spread(|batch| millis(batch.elapsed)).text(" ms"),
        Spread::of(runs.iter().map(cpu_us)).text(" µs"),
        spread(|batch| 100.0 * batch.cpu_ms / millis(batch.elapsed)).text(" %"),
        memory.map_or_else(String::new, |memory| memory.text(" KiB")),
        format!("${:.5}", dollars.median),
    ]
}

const CONCLUSION: &str = "The records take turns at DynamoDB and SQS, four at a time (`MAX_CALLS`), so of a thousand the last begins seconds after the\n\
    first. CPU per token has the start and the end of the answer in it.\n\
    \n\
    The default stays at one record an event. A batch saves only of Lambda's time, which is a small part of an answer's price; for\n\
    it, answers share a process, which dies with all of them, a deadline, and at 256 MB a seventh of a core. Batches of up to 10\n\
    (`batchSize`) are sound where Lambda's concurrency, not its price, is what runs out.";

fn method(repetitions: usize, script: Script, table: &str) -> String {
    format!(
        "One event with so many records, for one process of the packaged worker on one core (`taskset`), between fakes on the \
         other. Each\nrecord's answer has {} tokens at {PER_SECOND} a second; AppSync answers in {ANSWER_MS} ms. \
         {repetitions} turns, each with a fresh process, so that a batch's\ntime has the first connections in it. Memory is \
         the process's peak less that with one record. What Lambda costs is the time from\nevent to answer at {FUNCTION_MB} \
         MB on x86_64, shared by the records; requests, AppSync, SQS and DynamoDB cost the same in any batch.\n\n{table}\n{CONCLUSION}",
        script.tokens,
    )
}
