//! The subscribers of an answer, and what they are billed for.

use std::time::Instant;

use local_stack::usage::Count;
use tokio::task::JoinSet;

use super::{to_f64, to_u64};
use crate::error::{BenchError, Step as _};
use crate::fan_out::{Subscriber, Target};
use crate::metered::{Answer, Metered};

pub(super) struct Audience {
    since: Instant,
    size: usize,
    listening: JoinSet<usize>,
    admissions: Count,
    write_units: f64,
    read_units: f64,
}

/// All subscribers together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    pub(super) minutes: f64,
    /// Invocations of the request function, one for each subscription.
    pub(super) admissions: Count,
    /// What those took of the table.
    pub(super) write_units: f64,
    pub(super) read_units: f64,
}

impl Audience {
    pub(super) async fn gather(
        stack: &Metered,
        session_id: &str,
        size: usize,
    ) -> Result<Self, BenchError> {
        stack.forget();
        let target = Target::AppSync {
            address: stack.stack.info.endpoints.address,
            token: stack.token.clone(),
            session_id: session_id.to_owned(),
        };
        let since = Instant::now();
        let mut listening = JoinSet::new();
        for _ in 0..size {
            let mut subscriber = Subscriber::connect(&target).await?;
            listening.spawn(async move {
                let mut events = 0;
                while subscriber.fill().await {
                    while let Some(frame) = subscriber.try_next() {
                        if frame.starts_with(b"{\"type\":\"ka\"") {
                            continue;
                        }
                        events += 1;
                        let is_last = br#""isComplete":true"#;
                        if frame.windows(is_last.len()).any(|window| window == is_last) {
                            return events;
                        }
                    }
                }
                events
            });
        }
        let seen = stack.seen();
        Ok(Self {
            since,
            size,
            listening,
            admissions: seen.request,
            write_units: seen.counts.dynamodb_writes().units,
            read_units: seen.counts.dynamodb_reads().units,
        })
    }

    /// Waits until everybody has heard the end.
    pub(super) async fn disperse(mut self, answer: &Answer) -> Result<Heard, BenchError> {
        let mut events = 0;
        while let Some(heard) = self.listening.join_next().await {
            events += heard.to("hear an answer")?;
        }
        let expected = self.size * answer.passed.len();
        if events != expected {
            let message = format!("subscribers heard {events} events, not {expected}");
            return Err(BenchError::Wrong(message));
        }
        let minutes = self.since.elapsed().as_secs_f64() / 60.0;
        Ok(Heard {
            minutes: minutes * to_f64(to_u64(self.size)),
            admissions: self.admissions,
            write_units: self.write_units,
            read_units: self.read_units,
        })
    }
}
