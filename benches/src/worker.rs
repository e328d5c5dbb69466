//! The worker's process between fakes that keep the time: at each of the model's rates, with an AppSync of each speed.

mod cell;
mod floor;

use std::time::Duration;

use crate::Options;
use crate::allocations::Counter;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::{Function, packaged};
use crate::naive;
use crate::process::peak_memory_bytes;
use crate::report::{Row, Section, table};
use crate::spread::{Spread, to_f64};
use cell::{Cell, Run};

/// Tokens a second, and how many an answer has, in full and quick.
const RATES: [(u32, usize, usize); 3] = [(20, 40, 20), (100, 200, 60), (1_000, 1_500, 500)];
/// What AppSync takes for an answer. On AWS it is about 20 ms.
const ANSWER_TIMES_MS: [u64; 4] = [0, 5, 20, 100];
/// Where the naive worker is measured, too, by rate and answer time.
const NAIVE: (u32, u64) = (100, 20);

/// Beyond two answer times.
const P99_AIM_MS: f64 = 2.0;
const CPU_AIM_US: f64 = 25.0;
const JOINED_CPU_AIM_US: f64 = 5.0;
const ALLOCATIONS_AIM: f64 = 1.0;
const NAIVE_AIM: f64 = 50.0;
const MEMORY_AIM_MB: f64 = 40.0;

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(measure_all(options))
}

async fn measure_all(options: &Options) -> Result<Section, BenchError> {
    let repetitions = options.pick(3, 1);
    let mut fakes = Fakes::start().await?;
    let worker = Function::start(&packaged(&options.functions_dir), &mut fakes, None, &[]).await?;
    warm(&worker, &mut fakes).await?;
    let mut cells: Vec<_> = cells(options).collect();
    let mut naive = Vec::new();
    for _ in 0..repetitions {
        for cell in &mut cells {
            cell.runs.push(Run::of(cell, &worker, &mut fakes).await?);
            if (cell.script.per_second, cell.answer_ms) == NAIVE {
                naive.push(naive::answer(&mut fakes, cell.script, 1).await?);
            }
        }
    }
    let memory_mb = to_f64(peak_memory_bytes(worker.pid())?) / 1e6;
    drop(worker);
    count(&mut cells, &mut fakes).await?;
    let at = |rate, answer_ms| {
        let mut cells = cells.iter();
        cells.find(|cell| (cell.script.per_second, cell.answer_ms) == (rate, answer_ms))
    };
    let mut rows = vec![p99_row(&cells)];
    for (cell, what, aim_us) in [
        (at(100, 0), "one publish a token", CPU_AIM_US),
        (at(1_000, 20), "joined", JOINED_CPU_AIM_US),
    ] {
        rows.extend(
            cell.into_iter()
                .flat_map(|cell| cell.cpu_rows(what, aim_us)),
        );
    }
    rows.extend(at(100, 0).map(Cell::answer_row));
    rows.extend(at(100, 0).and_then(|cell| cell.allocations_row(ALLOCATIONS_AIM)));
    rows.extend(
        at(NAIVE.0, NAIVE.1)
            .map(|cell| naive_rows(cell, &naive))
            .into_iter()
            .flatten(),
    );
    rows.push(
        Row::new("peak memory of the process", format!("{memory_mb:.1} MB")).aim(
            format!("under {MEMORY_AIM_MB} MB"),
            memory_mb < MEMORY_AIM_MB,
        ),
    );
    Ok(Section {
        name: "worker",
        method: method(repetitions, &cells),
        rows,
    })
}

fn cells(options: &Options) -> impl Iterator<Item = Cell> {
    let scripts = RATES.map(|(per_second, full, quick)| Script {
        tokens: options.pick(full, quick),
        per_second,
    });
    let cells = scripts
        .into_iter()
        .flat_map(|script| ANSWER_TIMES_MS.map(|answer_ms| Cell::new(script, answer_ms)));
    cells.collect::<Vec<_>>().into_iter()
}

/// The first answer makes the connections.
async fn warm(worker: &Function, fakes: &mut Fakes) -> Result<(), BenchError> {
    let script = Script {
        tokens: 50,
        per_second: 100,
    };
    fakes.appsync.set_answer_time(Duration::ZERO);
    worker.answer(fakes, script, 1).await.map(drop)
}

/// Allocations and system calls, of a run that nothing else is measured in.
async fn count(cells: &mut [Cell], fakes: &mut Fakes) -> Result<(), BenchError> {
    let (worker, mut counter) = Counter::start(fakes).await?;
    warm(&worker, fakes).await?;
    for cell in cells {
        cell.count(&worker, &mut counter, fakes).await?;
    }
    Ok(())
}

fn p99_row(cells: &[Cell]) -> Row {
    let beyond = cells.iter().map(Cell::p99_beyond_ms);
    let worst = beyond.fold(f64::NEG_INFINITY, f64::max);
    Row::new(
        "p99 lag beyond two answer times, the greatest of all",
        format!("{worst:.2} ms"),
    )
    .aim(format!("under {P99_AIM_MS} ms"), worst < P99_AIM_MS)
}

fn naive_rows(cell: &Cell, naive: &[naive::Naive]) -> Vec<Row> {
    let (rate, answer_ms) = NAIVE;
    let at = format!("at {rate} tokens/s and {answer_ms} ms");
    let per_token = |micros: f64| micros / to_f64(cell.script.tokens as u64);
    let lags = || naive.iter().flat_map(|naive| &naive.sessions);
    let ratio = |ours: fn(&Run) -> f64, theirs: fn(&crate::function::Session) -> f64| {
        let pairs = cell.runs.iter().zip(lags());
        Spread::of(pairs.map(|(run, session)| theirs(session) / ours(run)))
    };
    let median = ratio(|run| run.median_ms, |session| session.lags.median());
    let last = ratio(|run| run.last_ms, |session| session.last_lag_ms);
    let cpu = naive
        .iter()
        .map(|naive| per_token(naive.cpu.as_secs_f64() * 1e6));
    let aim = format!("at least {NAIVE_AIM}");
    vec![
        Row::new(
            format!("naive worker: lag, median, {at}"),
            Spread::of(lags().map(|session| session.lags.median())).text(" ms"),
        ),
        Row::new(
            format!("naive worker: lag of the last token, {at}"),
            Spread::of(lags().map(|session| session.last_lag_ms)).text(" ms"),
        ),
        Row::new("naive worker: CPU per token", Spread::of(cpu).text(" µs")),
        Row::new(
            "naive worker: connections to AppSync",
            Spread::of(naive.iter().map(|naive| to_f64(naive.connections))).text(""),
        ),
        Row::new("its median lag by ours", median.text("")).aim(aim, median.median >= NAIVE_AIM),
        Row::new("its last token's lag by ours", last.text("")),
    ]
}

fn method(repetitions: usize, cells: &[Cell]) -> String {
    let head = [
        "tokens/s",
        "AppSync",
        "lag: median",
        "p99",
        "last",
        "publishes",
        "CPU",
        "bare CPU",
        "allocations",
        "syscalls",
    ];
    let lines: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(cells.iter().map(Cell::line))
        .collect();
    format!(
        "One process of the packaged worker answers one event after another, between fakes of Lambda, Bedrock, DynamoDB, SQS \
         and\nAppSync. Bedrock gives tokens at a fixed rate, AppSync answers each `publishToken` after a fixed time. A \
         token's lag is from the\nmoment that Bedrock gives it to its connection to the arrival of the `publishToken` that \
         carries it. {repetitions} answers of each kind\nin turns, of about two seconds each. Times are in ms; \
         publishes are per 1,000 tokens, but for the last, which is the\nanswer's end. CPU is the whole process's in µs for each \
         further token: of the answer less that of an answer with one token, before it.\nBare CPU is that of a program which \
         reads and writes as often and as much, and understands nothing. Allocations (with\nreallocations) and system \
         calls are for each further token, too, counted in runs of their own: by a global allocator that counts, and\nby \
         `perf stat -e raw_syscalls:sys_enter`; the session's record, saved each half second, is in all of them. The naive worker awaits each publish, and opens a connection\nand an SDK \
         session for each; it is in Rust, and its turns are between ours.\n\n{}",
        table(&lines)
    )
}
