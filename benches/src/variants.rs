//! The worker as it is deployed beside the same worker built in other ways: size, start, CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Options;
use crate::cold_start::{Started, size_mb, start};
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::{Function, packaged};
use crate::report::{Row, Section, table};
use crate::spread::{Spread, millis, to_f64};
use crate::streams::keep_apart;

/// Of one answer by itself, which AppSync answers at once: one publish a token.
const ALONE: Script = Script {
    tokens: 200,
    per_second: 100,
};
/// Of each of many answers in one event, on one core.
const TOGETHER: Script = Script {
    tokens: 100,
    per_second: 50,
};
const RECORDS: usize = 100;
const TOGETHER_ANSWER: Duration = Duration::from_millis(20);

/// One build of the worker, and what was measured of it.
struct Variant {
    name: String,
    functions_dir: PathBuf,
    starts: Vec<Started>,
    alone_us: Vec<f64>,
    together_us: Vec<f64>,
}

/// `directory` has a directory for each build, named after how it was built; in it are `worker/bootstrap` and its zip.
pub fn measure(options: &Options, directory: &Path) -> Result<Section, BenchError> {
    let mut variants = variants(options, directory)?;
    let turns = options.pick(3, 1);
    let starts = options.pick(10, 2);
    for variant in &variants {
        // What is not in the page cache yet would be measured as the disk's time.
        start(&packaged(&variant.functions_dir))?;
    }
    for _ in 0..turns * starts {
        for variant in &mut variants {
            let started = start(&packaged(&variant.functions_dir))?;
            variant.starts.push(started);
        }
    }
    keep_apart(async || {
        let mut fakes = Fakes::start().await?;
        for _ in 0..turns {
            for variant in &mut variants {
                let alone = cpu_us(variant, &mut fakes, ALONE, 1, Duration::ZERO).await?;
                variant.alone_us.push(alone);
                let together =
                    cpu_us(variant, &mut fakes, TOGETHER, RECORDS, TOGETHER_ANSWER).await?;
                variant.together_us.push(together);
            }
        }
        Ok(())
    })?;
    let lines: Result<Vec<_>, _> = variants.iter().map(Variant::line).collect();
    let lines: Vec<_> = std::iter::once(HEAD.map(str::to_owned))
        .chain(lines?)
        .collect();
    Ok(Section {
        name: "variants",
        method: format!(
            "The worker as `Cargo.toml`'s profile `lambda` builds it, and with one setting of it changed, in turns. Start: \
             process to its first `next`, {} times.\nCPU per token, on a core of its own: of one answer by itself, {} tokens at {} a \
             second, one publish each; and of {RECORDS} answers at once,\n{} tokens at {} a second each, where AppSync answers in {} \
             ms. {turns} turns.\n\n{}\n{CONCLUSION}",
            turns * starts,
            ALONE.tokens,
            ALONE.per_second,
            TOGETHER.tokens,
            TOGETHER.per_second,
            TOGETHER_ANSWER.as_millis(),
            table(&lines)
        ),
        rows: ratios(&variants),
    })
}

/// Those below `directory`, after the deployed one.
fn variants(options: &Options, directory: &Path) -> Result<Vec<Variant>, BenchError> {
    let variant = |name: String, functions_dir| Variant {
        name,
        functions_dir,
        starts: Vec::new(),
        alone_us: Vec::new(),
        together_us: Vec::new(),
    };
    let mut variants = vec![variant(
        "as deployed".to_owned(),
        options.functions_dir.clone(),
    )];
    let entries = fs::read_dir(directory).to("list the variants")?;
    let mut others: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    others.sort();
    for path in others {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        variants.push(variant(name.into_owned(), path));
    }
    Ok(variants)
}

/// Of each further token, beyond an answer with one.
async fn cpu_us(
    variant: &Variant,
    fakes: &mut Fakes,
    script: Script,
    records: usize,
    answer_time: Duration,
) -> Result<f64, BenchError> {
    fakes.appsync.set_answer_time(answer_time);
    let program = packaged(&variant.functions_dir);
    let worker = Function::start(&program, fakes, Some(crate::streams::CORE), &[]).await?;
    let shortest = Script {
        tokens: 1,
        ..script
    };
    // The first event makes the connections.
    worker.answer(fakes, shortest, records).await?;
    let least = worker.answer(fakes, shortest, records).await?;
    let whole = worker.answer(fakes, script, records).await?;
    let further = whole.cpu.saturating_sub(least.cpu);
    let tokens = (script.tokens - 1) * records;
    Ok(further.as_secs_f64() * 1e6 / to_f64(tokens as u64))
}

const CONCLUSION: &str = "The profile stays as it is. Optimising for speed makes the zip a third larger, for no CPU that can be told from noise: a worker \
    waits\nfor memory and for the system, not for instructions. `panic = abort` saves most, but a record that panics would end the others.";

const HEAD: [&str; 6] = [
    "worker",
    "`bootstrap`",
    "`bootstrap.zip`",
    "start",
    "CPU per token, by itself",
    "100 at once",
];

impl Variant {
    fn line(&self) -> Result<[String; 6], BenchError> {
        let bootstrap = packaged(&self.functions_dir);
        let zip = bootstrap.with_file_name("bootstrap.zip");
        let starts = self.starts.iter().map(|started| millis(started.ready));
        let micros = |values: &[f64]| Spread::of(values.iter().copied()).text(" µs");
        Ok([
            self.name.clone(),
            format!("{:.2} MB", size_mb(&bootstrap)?),
            format!("{:.2} MB", size_mb(&zip)?),
            Spread::of(starts).text(" ms"),
            micros(&self.alone_us),
            micros(&self.together_us),
        ])
    }
}

/// What each takes of the CPU by what the deployed one takes, turn by turn.
fn ratios(variants: &[Variant]) -> Vec<Row> {
    let Some((deployed, others)) = variants.split_first() else {
        return Vec::new();
    };
    let ratio = |ours: &[f64], theirs: &[f64]| {
        let pairs = theirs.iter().zip(ours);
        Spread::of(pairs.map(|(theirs, ours)| theirs / ours)).text("")
    };
    let rows = others.iter().flat_map(|other| {
        [
            Row::new(
                format!("{}: CPU by itself, by the deployed one's", other.name),
                ratio(&deployed.alone_us, &other.alone_us),
            ),
            Row::new(
                format!(
                    "{}: CPU of {RECORDS} at once, by the deployed one's",
                    other.name
                ),
                ratio(&deployed.together_us, &other.together_us),
            ),
        ]
    });
    rows.collect()
}
