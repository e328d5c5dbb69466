//! Compares a follow-up in a conversation of one turn with one behind 200 turns: the delay to the first token, and what
//! is read from the tables for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use local_stack::config::{ModelConfig, ScriptConfig};
use tokencast::stack::{Functions, REQUEST_FUNCTION, RunningStack, StackOptions, WORKER_FUNCTION};
use uuid::Uuid;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::meter::{Meter, Seen};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times};
use crate::subscriber::{Place, Subscriber, User};

/// How much later the first token may come in the longer conversation, in milliseconds.
const AIM_ADDED_MS: f64 = 15.0;

/// No function works for longer than this.
const PATIENCE: Duration = Duration::from_mins(1);

/// Measures both kinds of follow-ups, in turns.
///
/// # Errors
///
/// A stack can't be started, or an answer doesn't come.
pub async fn measure(options: &Options) -> Result<Section, BenchError> {
    let long = options.pick(200, 20);
    let (turns, prompts) = (options.pick(5, 2), options.pick(10, 3));
    let delays = delays(options, long, turns, prompts).await?;
    let [short_reads, long_reads] = reads(options, long).await?;
    let [short, longer, added, ratio] = delays;
    let per = |what: &str| format!("{what}, behind 1 turn");
    let behind = |what: &str| format!("{what}, behind {long} turns");
    let delay = "`startStream` to first token";
    let met = added.median <= AIM_ADDED_MS;
    let mut rows = vec![
        Row::new(per(delay), short.text(" ms")),
        Row::new(behind(delay), longer.text(" ms")),
        Row::new("added by the history", added.text(" ms"))
            .aim(format!("at most {AIM_ADDED_MS} ms"), met),
        Row::new("ratio", ratio.text("")),
    ];
    for (what, of) in [
        ("read units", Seen::read_units as fn(&Seen) -> f64),
        ("bytes read", Seen::read_bytes),
        ("write units", Seen::write_units),
    ] {
        let figure = |seen: &Seen| format!("{:.0}", of(seen));
        let ratio = of(&long_reads) / of(&short_reads);
        rows.push(Row::new(per(what), figure(&short_reads)));
        rows.push(Row::new(
            behind(what),
            format!("{}, {ratio:.1} times as many", figure(&long_reads)),
        ));
    }
    Ok(Section {
        name: "conversation",
        method: format!(
            "A follow-up in a conversation of 1 turn, and one behind {long} turns, all of which fit into what the model is \
             told: from just before\nthe client sends `startStream` to the arrival of the first token's WebSocket frame, \
             subscribed before. The whole local stack with the\npackaged functions, warm; a model whose first token takes no \
             time; {turns} turns of {prompts} follow-ups of each kind, one after the other. Each\nfollow-up behind {long} turns is \
             a version of the one before it, so that all are told the same. Units and bytes are those of all reads\nand \
             writes of the functions for one follow-up, from its start to its end, counted on a second stack by the sizes \
             of the items."
        ),
        rows,
    })
}

/// The delay of each kind in milliseconds, their difference and their ratio.
async fn delays(
    options: &Options,
    long: usize,
    turns: usize,
    prompts: usize,
) -> Result<[Spread; 4], BenchError> {
    let stack = start(options, None).await?;
    let user = User::sign_in(&stack).await?;
    let mut bench = Bench {
        subscriber: user.connect().await?,
        user,
    };
    let long = bench.conversation(long).await?;
    let (mut shorts, mut longs) = (vec![], vec![]);
    let (mut added, mut ratios) = (vec![], vec![]);
    for _ in 0..turns {
        let (mut short, mut behind) = (Times::default(), Times::default());
        for _ in 0..prompts {
            let one = bench.conversation(1).await?;
            short.add(bench.turn(&one).await?.1);
            behind.add(bench.turn(&long).await?.1);
        }
        shorts.push(short.median());
        longs.push(behind.median());
        added.push(behind.median() - short.median());
        ratios.push(behind.median() / short.median());
    }
    stack.shutdown().await;
    Ok([shorts, longs, added, ratios].map(Spread::of))
}

/// What one follow-up of each kind takes of the tables.
async fn reads(options: &Options, long: usize) -> Result<[Seen; 2], BenchError> {
    let meter = Meter::start(Duration::ZERO).await?;
    let stack = start(options, Some(&meter)).await?;
    let user = User::sign_in(&stack).await?;
    let mut bench = Bench {
        subscriber: user.connect().await?,
        user,
    };
    let mut seen = Vec::new();
    for turns in [1, long] {
        let place = bench.conversation(turns).await?;
        // The end of the last answer may still be written.
        at_rest(&stack).await?;
        meter.take();
        bench.turn(&place).await?;
        at_rest(&stack).await?;
        seen.push(meter.take());
    }
    stack.shutdown().await;
    seen.try_into()
        .map_err(|_| BenchError::Wrong("there are two kinds of follow-ups".to_owned()))
}

/// Waits until no function runs an invocation.
async fn at_rest(stack: &RunningStack) -> Result<(), BenchError> {
    let lambda = stack.local.lambda();
    let resting = async {
        while [REQUEST_FUNCTION, WORKER_FUNCTION]
            .iter()
            .flat_map(|function| lambda.processes(function))
            .any(|process| process.request_id.is_some())
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let rested = tokio::time::timeout(PATIENCE, resting).await;
    rested.to("await the functions' rest")
}

async fn start(options: &Options, meter: Option<&Meter>) -> Result<RunningStack, BenchError> {
    let script = ScriptConfig {
        tokens: Some(["One ", "two ", "three."].map(str::to_owned).into()),
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::ZERO,
        ..ScriptConfig::default()
    };
    let environment: BTreeMap<String, String> = meter
        .map(|meter| ("AWS_ENDPOINT_URL".to_owned(), meter.url()))
        .into_iter()
        .collect();
    let stack = RunningStack::start(StackOptions {
        model: ModelConfig::Scripted(script),
        functions: Functions::Packaged(options.functions_dir.clone()),
        request_environment: environment.clone(),
        worker_environment: environment,
        ..StackOptions::default()
    });
    let stack = stack.await.to("start the stack")?;
    if let Some(meter) = meter {
        meter.aim(stack.info.endpoints.url());
    }
    stack.warm().await;
    Ok(stack)
}

struct Bench {
    user: User,
    subscriber: Subscriber,
}

impl Bench {
    /// Begins a conversation, and has it answer so many turns. Returns where the next one belongs.
    async fn conversation(&mut self, turns: usize) -> Result<Place, BenchError> {
        let mut place = Place {
            conversation_id: Uuid::new_v4().to_string(),
            parent_id: None,
        };
        for _ in 0..turns {
            place.parent_id = Some(self.turn(&place).await?.0);
        }
        Ok(place)
    }

    /// Asks one turn and reads its answer to the end. Returns its session, and the time to the first token.
    async fn turn(&mut self, place: &Place) -> Result<(String, Duration), BenchError> {
        let id = Uuid::new_v4().to_string();
        self.subscriber.subscribe(&id).await?;
        let start = self.user.start_turn(&id, place);
        let began = Instant::now();
        let started = tokio::spawn(start);
        let mut event = self.subscriber.event().await?;
        let took = began.elapsed();
        if event["sequence"] != 1 {
            return Err(BenchError::Wrong(format!("the first event is {event}")));
        }
        while event["isComplete"] != true {
            event = self.subscriber.event().await?;
        }
        if event["status"] != "COMPLETED" {
            return Err(BenchError::Wrong(format!("the last event is {event}")));
        }
        started.await.to("call startStream")??;
        self.subscriber.unsubscribe(&id).await?;
        Ok((id, took))
    }
}
