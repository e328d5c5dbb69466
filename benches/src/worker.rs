//! Runs the worker's process between fakes that record times, at each of the model's rates and AppSync's answer times.

mod cell;
mod publish;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::Function;
use crate::naive::{self, Naive};
use crate::process::peak_memory_bytes;
use crate::report::{Row, Section, table};
use crate::spread::{Spread, to_f64};
use cell::{Cell, Run};

/// Tokens a second, and how many an answer has, in full and quick.
const RATES: [(u32, usize, usize); 3] = [(20, 40, 20), (100, 200, 60), (1_000, 1_500, 500)];
/// The times that AppSync takes to answer. On AWS it takes about 20 ms.
const ANSWER_TIMES_MS: [u64; 4] = [0, 5, 20, 100];
/// The rates and answer times at which the naive worker is measured, too.
const NAIVE: (u32, u64) = (100, 20);

/// The greatest lag beyond two answer times that is aimed at.
const P99_AIM_MS: f64 = 2.0;
const NAIVE_AIM: f64 = 100.0;
const MEMORY_AIM_MB: f64 = 40.0;

/// Measures each rate with each answer time.
///
/// # Errors
///
/// The worker can't be started, or its answers are not the model's.
pub async fn measure(options: &Options) -> Result<Section, BenchError> {
    let repetitions = options.pick(3, 1);
    let mut fakes = Fakes::start().await?;
    let worker = Function::start(options, &mut fakes, None).await?;
    // The first answer opens the connections.
    let warm = Script {
        tokens: 50,
        per_second: 100,
    };
    worker.answer(&mut fakes, warm, 1).await?;
    let mut cells = cells(options);
    let mut naive = Vec::new();
    for _ in 0..repetitions {
        for cell in &mut cells {
            cell.runs.push(Run::of(cell, &worker, &mut fakes).await?);
            if (cell.script.per_second, cell.answer_ms) == NAIVE {
                naive.push(naive::answer(&mut fakes, cell.script).await?);
            }
        }
    }
    let memory_mb = to_f64(peak_memory_bytes(worker.pid())?) / 1e6;
    drop(worker);
    let at = |place| {
        let mut cells = cells.iter();
        cells.find(|cell| (cell.script.per_second, cell.answer_ms) == place)
    };
    let mut rows = vec![p99_row(&cells)];
    rows.extend(at((100, 0)).map(Cell::answer_row));
    rows.extend(
        at(NAIVE)
            .into_iter()
            .flat_map(|cell| naive_rows(cell, &naive)),
    );
    let memory = Row::new("peak memory of the process", format!("{memory_mb:.1} MB"));
    let aim = format!("under {MEMORY_AIM_MB} MB");
    rows.push(memory.aim(aim, memory_mb < MEMORY_AIM_MB));
    // Each naive answer runs on a thread of its own, because each has its own CPU time.
    let quick = options.clone();
    let publish = tokio::task::spawn_blocking(move || publish::rows(&quick)).await;
    rows.extend(publish.to("measure a publish")??);
    Ok(Section {
        name: "worker",
        method: method(repetitions, &cells),
        rows,
    })
}

fn cells(options: &Options) -> Vec<Cell> {
    let scripts = RATES.into_iter().map(|(per_second, full, quick)| Script {
        tokens: options.pick(full, quick),
        per_second,
    });
    scripts
        .flat_map(|script| ANSWER_TIMES_MS.map(|answer_ms| Cell::new(script, answer_ms)))
        .collect()
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

fn naive_rows(cell: &Cell, naive: &[Naive]) -> Vec<Row> {
    let (rate, answer_ms) = NAIVE;
    let tokens = to_f64(cell.script.tokens as u64);
    let medians = naive.iter().map(|naive| naive.session.lags.median());
    let pairs = medians.clone().zip(&cell.runs);
    let ratio = Spread::of(pairs.map(|(theirs, ours)| theirs / ours.median_ms));
    let cpu = naive.iter().map(|naive| naive.cpu.as_secs_f64() * 1e6);
    vec![
        Row::new(
            format!("naive worker: lag, median, at {rate} tokens/s and {answer_ms} ms"),
            Spread::of(medians).text(" ms"),
        ),
        Row::new(
            "naive worker: CPU per token",
            Spread::of(cpu.map(|cpu| cpu / tokens)).text(" µs"),
        ),
        Row::new("its median lag by ours", ratio.text(""))
            .aim(format!("at least {NAIVE_AIM}"), ratio.median >= NAIVE_AIM),
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
    ];
    format!(
        "One process of the packaged worker answers one event after another, between fakes of Lambda, Bedrock, DynamoDB, SQS \
         and\nAppSync. Bedrock gives tokens at a fixed rate, AppSync answers each `publishToken` after a fixed time. A \
         token's lag is from the\nmoment that Bedrock gives it to its connection to the arrival of the `publishToken` that \
         carries it. {repetitions} answers of each kind\nin turns, of about two seconds each. Times are in ms; \
         publishes are per 1,000 tokens, without the answer's end. CPU is the whole\nprocess's in µs for each further token: \
         of the answer less that of an answer with one token, before it; the session's record,\nsaved each half second, is \
         in it. The naive worker awaits each publish, and opens a connection and an SDK session for each; it is\nin Rust, \
         and its turns are between ours. A publish's CPU is that of the sender's thread, on a connection kept alive to a\n\
         thread that answers at once; beside it, in turns, a program that writes and reads as much, and understands nothing.\
         \n\n{}",
        table(head, cells.iter().map(Cell::line))
    )
}
