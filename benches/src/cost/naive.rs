//! What one would write first: each token is published by itself, over a new connection with a signer of its own, and the
//! next only when that is answered. No record is kept.

use std::time::{Duration, Instant};

use tokencast::stack::{REGION, REQUEST_FUNCTION, WORKER_FUNCTION};
use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::clock::SystemClock;
use tokencast_core::event::{Ending, TokenEvent};
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{Fence, TokenSink as _};
use tokencast_core::session::Status;
use tokencast_core::time::Deadline;
use tokencast_local::usage::Count;
use tokio::time::sleep_until;

use super::audience::Audience;
use super::{Case, CostOptions, POLLER_REQUESTS, setup, to_f64};
use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Script, token};
use crate::metered::Metered;
use crate::prices::Quantities;
use crate::spread::Times;

pub(super) async fn case(options: &Options, cost: &CostOptions) -> Result<Case, BenchError> {
    let stack = Metered::start(options, setup(cost, &[])).await?;
    stack.allow_publishing();
    let script = Script {
        tokens: 5,
        per_second: cost.rate,
    };
    // What its request function takes is what ours takes.
    let request = stack.answer(script, "Count.").await?.request;
    let session_id = SessionId::random();
    let audience = Audience::gather(&stack, session_id.as_str(), cost.subscribers).await?;
    let began = Instant::now();
    let lags = answer(&stack, session_id, cost).await?;
    let duration = began.elapsed();
    let answered = stack.seen();
    let heard = audience.disperse(&answered).await?;
    let worker = Count::of(1, 0, 0).lasting(duration);
    let quantities = Quantities {
        appsync_operations: 1.0 + to_f64(answered.counts.of("publishToken").count),
        appsync_updates: to_f64(answered.events.units),
        appsync_minutes: heard.minutes,
        // And one to send it.
        sqs_requests: 1.0 + POLLER_REQUESTS,
        // Nobody is asked whether a subscriber may listen.
        lambda_requests: 2.0,
        lambda_gb_seconds: stack.gb_seconds(REQUEST_FUNCTION, request)
            + stack.gb_seconds(WORKER_FUNCTION, worker),
        ..Quantities::default()
    };
    stack.end().await;
    Ok(Case {
        name: "naive".to_owned(),
        quantities,
        publishes: cost.tokens + 1,
        lags,
    })
}

async fn answer(
    stack: &Metered,
    session_id: SessionId,
    cost: &CostOptions,
) -> Result<Times, BenchError> {
    let began = Instant::now();
    let mut lags = Times::default();
    for index in 0..=cost.tokens {
        let due = Duration::from_secs(1) * u32::try_from(index).unwrap_or(u32::MAX) / cost.rate;
        let emitted = began + due;
        sleep_until(emitted.into()).await;
        let is_last = index == cost.tokens;
        let event = TokenEvent {
            session_id,
            attempt: Attempt(1),
            sequence: Sequence(u32::try_from(index + 1).unwrap_or(u32::MAX)),
            token: if is_last { String::new() } else { token(index) },
            status: if is_last {
                Status::Completed
            } else {
                Status::Streaming
            },
            ending: is_last.then(Ending::default),
        };
        let sdk = tokencast_aws::sdk::load_for_endpoint(&stack.url(), REGION).await;
        let publisher = AppSyncPublisher::new(&sdk, &stack.graphql_url(), SystemClock);
        let publisher = publisher.to("make a publisher")?;
        let fence = Fence::open(session_id);
        let answered = publisher.publish(&event, &fence, Deadline::NEVER).await;
        answered.map_err(|failure| BenchError::Wrong(failure.message))?;
        if !is_last {
            // Of its arrival: the answer comes later by what AppSync takes.
            let lag = emitted.elapsed();
            lags.add(lag.saturating_sub(Duration::from_millis(cost.answer_ms)));
        }
    }
    Ok(lags)
}
