//! One `publishToken` to many subscribers of the local AppSync, against the plainest broadcast that there can be.

mod child;
mod crowd;
mod frames;
mod serve;
mod source;
mod subscriber;

use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::process::memory_bytes;
use crate::report::{Row, Section};
use crate::spread::{Spread, Times};

use child::Child;
use crowd::{Crowd, MAX_EVENTS};
use source::Source;

pub use serve::{Role, serve};
pub(crate) use subscriber::{Subscriber, Target};

/// Of the plain broadcast.
const AIM_SHARE: f64 = 0.6;
const SIZES: [usize; 4] = [1, 100, 1_000, 10_000];
/// About what a model's token is.
const TOKEN: &str = " benchmark";
/// How far ahead of the last subscriber the publisher is, when it publishes as fast as it can.
const WINDOW: usize = 8;
/// Beside the subscribers' connections, a process has some other files open.
const OTHER_FILES: u64 = 200;

/// Readers beside one that doesn't read, and what is published to them: more than may wait for one connection.
const BESIDE_SLOW: usize = 100;
const SLOW_EVENTS: usize = 4_000;
const SLOW_TOKEN_BYTES: usize = 2_048;

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let most = raise_file_limit();
    // Before this process has threads of its own.
    let stack = Child::start(Role::Stack, options)?;
    let plain = Child::start(Role::Broadcast, options)?;
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(async {
        let mut sides = [
            Side::new(Source::stack(&stack).await?, &stack),
            Side::new(Source::broadcast(&plain).await?, &plain),
        ];
        let mut rows = Vec::new();
        for size in SIZES {
            if u64::try_from(size).unwrap_or(u64::MAX) + OTHER_FILES > most {
                let unable = format!("not measured: {most} open files are allowed");
                rows.push(Row::new(format!("{size} subscribers"), unable));
                continue;
            }
            rows.extend(measure_size(&mut sides, size, options).await?);
        }
        rows.extend(memory_rows(&sides));
        rows.extend(measure_beside_slow(&mut sides[0], options).await?);
        Ok(Section {
            name: "fan-out",
            method: method(options),
            rows,
        })
    })
}

fn method(options: &Options) -> String {
    format!(
        "The whole local stack in a process of its own, with the packaged functions. Each subscriber is a WebSocket of \
         its own with one\nsubscription to the same session; all are in this program, which also publishes, as the \
         worker does: SigV4, one `publishToken` at\na time. Beside it, in turns, a program that writes the same bytes, \
         framed once, to each of as many sockets, from a task each that\nlistens to a `tokio::sync::broadcast`; it is \
         told to by a bare HTTP POST. Rate: {} events, the publisher up to {WINDOW} events ahead of\nthe last \
         subscriber. Delay: from just before the publish to the frame's arrival, the next event only once everybody \
         has the last.\n{} turns, each with connections of its own. Memory: the process's, per idle connection with its \
         subscription, from the difference\nbetween two numbers of them. The slow subscriber never reads; the \
         events beside it have {SLOW_TOKEN_BYTES} bytes.",
        if options.quick {
            "some"
        } else {
            "2,000 for one subscriber to 20 for 10,000"
        },
        turns(options),
    )
}

fn turns(options: &Options) -> usize {
    options.pick(3, 1)
}

fn events(size: usize, options: &Options) -> usize {
    let events = match size {
        0..=9 => 2_000,
        10..=999 => 500,
        1_000..=9_999 => 100,
        _ => 20,
    };
    options.pick(events, events / 10)
}

/// As many open files as the system lets this process have.
fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // It may always be raised to the maximum; were it not so, the limit stays as it is.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

struct Side {
    source: Source,
    pid: u32,
    /// Connections, and the process's memory with them.
    memory: Vec<(usize, u64)>,
}

impl Side {
    fn new(source: Source, child: &Child) -> Self {
        Self {
            source,
            pid: child.pid(),
            memory: Vec::new(),
        }
    }

    async fn gather(&mut self, size: usize) -> Result<Crowd, BenchError> {
        let target = self.source.target();
        let crowd = Crowd::gather(&target, size).await?;
        if self.memory.iter().all(|(known, _)| *known != size) {
            self.memory.push((size, memory_bytes(self.pid)?));
        }
        Ok(crowd)
    }

    async fn publish(
        &mut self,
        crowd: &Crowd,
        sequence: usize,
        token: &str,
    ) -> Result<(), BenchError> {
        crowd.sending(sequence);
        self.source.publish(sequence, token).await
    }

    /// As fast as it goes: deliveries a second.
    async fn rate(
        &mut self,
        crowd: &Crowd,
        first: usize,
        events: usize,
    ) -> Result<f64, BenchError> {
        let began = Instant::now();
        for sequence in first..first + events {
            crowd
                .hears(sequence.saturating_sub(WINDOW).max(first - 1))
                .await?;
            self.publish(crowd, sequence, TOKEN).await?;
        }
        crowd.hears(first + events - 1).await?;
        crowd.take_delays();
        Ok(to_f64(crowd.size * events) / began.elapsed().as_secs_f64())
    }

    /// One event at a time: how late the subscribers get it.
    async fn delays(
        &mut self,
        crowd: &Crowd,
        first: usize,
        events: usize,
        token: &str,
    ) -> Result<Times, BenchError> {
        for sequence in first..first + events {
            self.publish(crowd, sequence, token).await?;
            crowd.hears(sequence).await?;
        }
        Ok(crowd.take_delays())
    }
}

async fn measure_size(
    sides: &mut [Side; 2],
    size: usize,
    options: &Options,
) -> Result<Vec<Row>, BenchError> {
    let events = events(size, options);
    let (mut rates, mut slowest) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..turns(options) {
        for (index, side) in sides.iter_mut().enumerate() {
            let crowd = side.gather(size).await?;
            // Caches, and the buffers that grow with the first event.
            side.delays(&crowd, 1, 2, TOKEN).await?;
            rates[index].push(side.rate(&crowd, 3, events).await?);
            let delays = side.delays(&crowd, 3 + events, events, TOKEN).await?;
            slowest[index].push(delays.p99());
            crowd.disperse().await;
        }
    }
    let ratio = |of: &[Vec<f64>; 2], over: usize| {
        Spread::of(of[over].iter().zip(&of[1 - over]).map(|(a, b)| a / b))
    };
    let spread = |of: &[f64]| Spread::of(of.iter().copied());
    let (rate_share, delay_share) = (ratio(&rates, 0), ratio(&slowest, 1));
    let aim = |share: &Spread| (format!("at least {AIM_SHARE}"), share.median >= AIM_SHARE);
    let thousands = |of: &[f64]| Spread::of(of.iter().map(|rate| rate / 1e3)).text("k");
    let (rate_aim, delay_aim) = (aim(&rate_share), aim(&delay_share));
    Ok(vec![
        Row::new(format!("to {size}: deliveries/s"), thousands(&rates[0])),
        Row::new("the same, plain broadcast", thousands(&rates[1])),
        Row::new("share of the plain broadcast's", rate_share.text("")).aim(rate_aim.0, rate_aim.1),
        Row::new(
            format!("to {size}: delay, p99"),
            spread(&slowest[0]).text(" ms"),
        ),
        Row::new("the same, plain broadcast", spread(&slowest[1]).text(" ms")),
        Row::new("plain broadcast's share of it", delay_share.text(""))
            .aim(delay_aim.0, delay_aim.1),
    ])
}

fn memory_rows(sides: &[Side; 2]) -> Vec<Row> {
    let names = ["memory per idle connection", "the same, plain broadcast"];
    let slopes = sides.iter().map(|side| match side.memory.as_slice() {
        [.., (few, less), (many, more)] => {
            let bytes = to_f64(usize::try_from(more.saturating_sub(*less)).unwrap_or(0));
            format!(
                "{:.1} KB ({few} to {many})",
                bytes / to_f64(many - few) / 1e3
            )
        }
        _ => "not measured".to_owned(),
    });
    names
        .into_iter()
        .zip(slopes)
        .map(|(name, slope)| Row::new(name, slope))
        .collect()
}

/// What the others see of one that never reads.
async fn measure_beside_slow(side: &mut Side, options: &Options) -> Result<Vec<Row>, BenchError> {
    let events = options.pick(SLOW_EVENTS, SLOW_EVENTS);
    debug_assert!(events <= MAX_EVENTS);
    let token = "x".repeat(SLOW_TOKEN_BYTES);
    let (mut alone, mut beside, mut cut) = (vec![], vec![], 0);
    for _ in 0..turns(options) {
        let crowd = side.gather(BESIDE_SLOW).await?;
        alone.push(side.delays(&crowd, 1, events, &token).await?.p99());
        crowd.disperse().await;

        let target = side.source.target();
        let slow = Subscriber::connect(&target).await?;
        let crowd = Crowd::gather(&target, BESIDE_SLOW).await?;
        beside.push(side.delays(&crowd, 1, events, &token).await?.p99());
        crowd.disperse().await;
        cut += usize::from(slow.was_cut().await);
    }
    let turns = turns(options);
    Ok(vec![
        Row::new(
            format!("to {BESIDE_SLOW}, 2 KB each: delay, p99"),
            Spread::of(alone).text(" ms"),
        ),
        Row::new(
            "the same beside one that never reads",
            Spread::of(beside).text(" ms"),
        ),
        Row::new(
            "which was cut, for the 4 MB that waited",
            format!("{cut} of {turns} times"),
        )
        .aim("each time", cut == turns),
    ])
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes, far below 2^52"
)]
fn to_f64(number: usize) -> f64 {
    number as f64
}
