//! How what an answer takes grows: with its tokens, with the sessions in the table, with its prompt.

mod filler;

use std::time::Duration;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::Script;
use crate::meter::Counts;
use crate::metered::{Answer, Metered, Setup};
use crate::report::{Row, Section};
use crate::spread::{Spread, millis};

const TOKENS: [usize; 3] = [100, 1_000, 10_000];
const SESSIONS: [usize; 3] = [1, 1_000, 100_000];
const PROMPT_BYTES: [usize; 4] = [100, 1_000, 10_000, 99_000];

/// Ten times the default's, and ten times as fast: as many checkpoints as at 100 tokens a second.
const PER_SECOND: u32 = 1_000;
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(50);
/// What a mutation takes on AWS is more; here it only spares the machine.
const ANSWER_TIME: Duration = Duration::from_millis(5);
/// For what does not depend on how long an answer is.
const SHORT: Script = Script {
    tokens: 100,
    per_second: PER_SECOND,
};

/// What is in a session's record beside its text; a generous bound.
const RECORD_BYTES: u64 = 1_024;

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(async {
        let bench = Metered::start(options, setup()).await?;
        // The first answer makes the connections.
        bench.answer(SHORT, "Count.").await?;
        let mut rows = with_tokens(&bench, options).await?;
        rows.extend(with_prompt(&bench, options).await?);
        rows.extend(with_sessions(&bench, options).await?);
        bench.end().await;
        Ok(Section {
            name: "growth",
            method: method(),
            rows,
        })
    })
}

fn setup() -> Setup {
    let interval = CHECKPOINT_INTERVAL.as_millis().to_string();
    Setup {
        answer_time: ANSWER_TIME,
        worker: [("CHECKPOINT_INTERVAL_MS".to_owned(), interval)].into(),
    }
}

fn method() -> String {
    format!(
        "The local stack with the packaged functions, which reach DynamoDB, SQS and AppSync through a proxy that counts: \
         bytes of items by\nDynamoDB's rules, units as the table's answers say. A model with {PER_SECOND} tokens of six \
         bytes a second, a checkpoint each {} ms: as many\ncheckpoints as at 100 tokens a second with the default \
         interval. AppSync answers after {} ms. The bound for the bytes written: the text\nonce, two bytes for each \
         event, and for each write no more than a part (4 KiB), the largest event and {RECORD_BYTES} bytes.\nSo it is \
         linear in the text and in the checkpoints, whatever their product. Growth with subscribers is in fan-out.",
        CHECKPOINT_INTERVAL.as_millis(),
        ANSWER_TIME.as_millis(),
    )
}

async fn with_tokens(bench: &Metered, options: &Options) -> Result<Vec<Row>, BenchError> {
    let mut rows = Vec::new();
    for tokens in TOKENS.into_iter().take(options.pick(3, 2)) {
        let script = Script {
            tokens,
            per_second: PER_SECOND,
        };
        let answer = bench.answer(script, "Count.").await?;
        let writes = answer.counts.dynamodb_writes();
        let bound = bound(&answer, writes.count);
        let figure = |what: &str| format!("{tokens} tokens: {what}");
        rows.push(
            Row::new(
                figure("bytes written to the table"),
                format!(
                    "{} in {} writes",
                    thousands(writes.item_bytes),
                    writes.count
                ),
            )
            .aim(
                format!("at most {}", thousands(bound)),
                writes.item_bytes <= bound,
            ),
        );
        rows.push(Row::new(
            figure("write units, read units"),
            units(&answer.counts),
        ));
        rows.push(Row::new(
            figure("publishes, worker's CPU"),
            format!("{}, {:.0} ms", answer.passed.len(), millis(answer.cpu)),
        ));
    }
    Ok(rows)
}

/// See [`method`].
fn bound(answer: &Answer, writes: u64) -> u64 {
    let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let text = answer.passed.iter().map(|event| event.token_bytes).sum();
    let largest = answer.passed.iter().map(|event| event.token_bytes).max();
    let events = bytes(answer.passed.len());
    let part = bytes(tokencast_aws::sessions::TEXT_CHUNK_BYTES);
    bytes(text) + 2 * events + writes * (part + bytes(largest.unwrap_or(0)) + RECORD_BYTES)
}

async fn with_prompt(bench: &Metered, options: &Options) -> Result<Vec<Row>, BenchError> {
    let answers = options.pick(10, 2);
    let mut rows = Vec::new();
    for bytes in PROMPT_BYTES {
        let prompt = "Why? ".repeat(bytes / 5);
        let (mut starts, mut last) = (Vec::new(), None);
        for _ in 0..answers {
            let answer = bench.answer(SHORT, &prompt).await?;
            starts.push(millis(answer.start));
            last = Some(answer.counts);
        }
        let counts = last.unwrap_or_default();
        let send = counts.of("SendMessage");
        rows.push(Row::new(
            format!("prompt of {bytes} B: startStream"),
            Spread::of(starts).text(" ms"),
        ));
        rows.push(Row::new(
            "its message in the queue, units; table's units",
            format!(
                "{} B, {}; {}",
                thousands(send.request_bytes),
                send.units,
                units(&counts)
            ),
        ));
    }
    Ok(rows)
}

async fn with_sessions(bench: &Metered, options: &Options) -> Result<Vec<Row>, BenchError> {
    let answers = options.pick(10, 2);
    let (mut rows, mut there, mut first) = (Vec::new(), 0, None);
    for sessions in SESSIONS.into_iter().take(options.pick(3, 2)) {
        filler::fill(bench, there, sessions).await?;
        there = sessions;
        let (mut starts, mut last) = (Vec::new(), None);
        for _ in 0..answers {
            let answer = bench.answer(SHORT, "Count.").await?;
            starts.push(millis(answer.start));
            last = Some(answer.counts);
        }
        let counts = last.unwrap_or_default();
        let reads = counts.dynamodb_reads();
        let first = *first.get_or_insert(reads.count);
        rows.push(Row::new(
            format!("{sessions} sessions: startStream"),
            Spread::of(starts).text(" ms"),
        ));
        rows.push(
            Row::new(
                "reads of the table for an answer, units",
                format!("{}, {}", reads.count, units(&counts)),
            )
            .aim(format!("{first}, as with one"), reads.count == first),
        );
    }
    Ok(rows)
}

fn units(counts: &Counts) -> String {
    format!(
        "{:.0} written, {:.1} read",
        counts.dynamodb_writes().units,
        counts.dynamodb_reads().units
    )
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), expected);
        }
    }
}
