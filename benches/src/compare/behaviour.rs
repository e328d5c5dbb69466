//! What each delivery does when something goes wrong, or lasts: caused, and seen.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokencast::stack::{
    FUNCTION_URL_FUNCTION, Functions, RunningStack, StackOptions, WORKER_FUNCTION, users,
};
use tokencast_local::config::ScriptConfig;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::client::{Delivery, Target, http};
use super::heard::Heard;
use crate::error::{BenchError, Step as _};

const PROMPT: &str = "Count.";
const READ: &str = "query($sessionId: String!) { getStream(sessionId: $sessionId) { status text attempt error { code } } }";

/// A worker's lease here; 30 s by default. What a dead worker costs is this and a little more.
const LEASE: Duration = Duration::from_secs(2);
/// The functions' time limit where one is reached; AWS allows 15 min.
const TIME_LIMIT: Duration = Duration::from_secs(6);
/// Devices that follow one answer.
const DEVICES: usize = 10;
/// Nothing takes this long.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was seen, in words, by delivery.
pub(super) struct Behaviour {
    pub(super) question: &'static str,
    pub(super) seen: [String; 3],
}

pub(super) async fn observe(
    functions_dir: &Path,
    quick: bool,
) -> Result<Vec<Behaviour>, BenchError> {
    let ample = Duration::from_mins(15);
    let stack = Stage::start(functions_dir, ample).await?;
    let mut behaviours = vec![
        Behaviour {
            question: "the client vanishes",
            seen: stack.each(vanishes).await?,
        },
        Behaviour {
            question: "the worker is killed",
            seen: stack.each(dies).await?,
        },
        Behaviour {
            question: "devices that follow",
            seen: stack.each(is_followed).await?,
        },
    ];
    if !quick {
        behaviours.push(Behaviour {
            question: "an answer of 35 s",
            seen: Box::pin(stack.each_at_once(lasts)).await?,
        });
    }
    stack.running.shutdown().await;
    let stack = Stage::start(functions_dir, TIME_LIMIT).await?;
    behaviours.push(Behaviour {
        question: "the function's time limit",
        seen: stack.each(reaches_its_limit).await?,
    });
    stack.running.shutdown().await;
    Ok(behaviours)
}

/// A stack with a scripted model.
struct Stage {
    running: RunningStack,
    target: Target,
}

impl Stage {
    async fn start(functions_dir: &Path, time_limit: Duration) -> Result<Self, BenchError> {
        let lease = ("LEASE_SECONDS".to_owned(), LEASE.as_secs().to_string());
        let mut options = StackOptions {
            functions: Functions::Packaged(functions_dir.to_owned()),
            worker_timeout: Some(time_limit),
            ..StackOptions::default()
        };
        options.worker_environment.extend([lease.clone()]);
        options.function_url_environment.extend([lease]);
        let running = RunningStack::start(options).await.to("start the stack")?;
        super::warm(&running).await;
        let target = Target::of(&running, &users().swap_remove(0).username).await?;
        Ok(Self { running, target })
    }

    /// Has the model say so many tokens from now on.
    fn script(&self, tokens: usize, interval: Duration) {
        let script = ScriptConfig {
            tokens: Some(
                (0..tokens)
                    .map(|number| format!("{{call}}:{number} "))
                    .collect(),
            ),
            time_to_first_token: interval,
            time_between_tokens: interval,
            ..ScriptConfig::default()
        };
        self.running.local.bedrock().set_script(script);
    }

    async fn each(
        &self,
        see: impl AsyncFn(&Self, Delivery) -> Result<String, BenchError>,
    ) -> Result<[String; 3], BenchError> {
        let mut seen = Delivery::ALL.map(|_| String::new());
        for (delivery, seen) in Delivery::ALL.into_iter().zip(&mut seen) {
            *seen = see(self, delivery).await?;
        }
        Ok(seen)
    }

    async fn each_at_once(
        &self,
        see: impl AsyncFn(&Self, Delivery) -> Result<String, BenchError>,
    ) -> Result<[String; 3], BenchError> {
        let [first, second, third] = Delivery::ALL;
        let (first, second, third) =
            tokio::join!(see(self, first), see(self, second), see(self, third));
        Ok([first?, second?, third?])
    }

    async fn session(&self, id: &str) -> Result<Value, BenchError> {
        let read = self
            .target
            .graphql(&http()?, READ, json!({ "sessionId": id }))
            .await?;
        Ok(read["data"]["getStream"].clone())
    }

    /// The session, once it is over.
    async fn ended(&self, id: &str) -> Result<Value, BenchError> {
        let over = async {
            loop {
                let session = self.session(id).await?;
                if matches!(
                    session["status"].as_str(),
                    Some("COMPLETED" | "FAILED" | "CANCELLED")
                ) {
                    return Ok::<_, BenchError>(session);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, over)
            .await
            .to("await a session's end")?
    }

    /// Kills the function that is at work on an answer.
    async fn kill_the_busy(&self, function: &str) -> Result<(), BenchError> {
        let lambda = self.running.local.lambda();
        let killed = async {
            loop {
                let processes = lambda.processes(function);
                if let Some(busy) = processes
                    .iter()
                    .find(|process| process.request_id.is_some())
                {
                    return lambda.kill(busy.pid);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let killed = tokio::time::timeout(PATIENCE, killed)
            .await
            .to("find the function")?;
        if killed {
            Ok(())
        } else {
            Err(BenchError::Wrong("nothing was killed".to_owned()))
        }
    }

    /// What the model said to a call.
    fn said(call: usize, tokens: usize) -> String {
        (0..tokens)
            .map(|number| format!("{call}:{number} "))
            .collect()
    }
}

async fn vanishes(stack: &Stage, delivery: Delivery) -> Result<String, BenchError> {
    const TOKENS: usize = 150;
    stack.script(TOKENS, Duration::from_millis(10));
    let id = Uuid::new_v4().to_string();
    let few = |heard: &Heard| heard.events.len() >= 10;
    stack.target.ask(delivery, &id, PROMPT, few).await?;
    let session = stack.ended(&id).await?;
    let back = stack.target.follow(delivery, &id).await?;
    let text = session["text"].as_str().unwrap_or_default();
    if back.text() != text {
        return Err(BenchError::Wrong(format!(
            "{}: who came back has another text",
            delivery.name()
        )));
    }
    let tokens = text.split_whitespace().count();
    let status = &session["status"].as_str().unwrap_or_default();
    Ok(format!(
        "{status}, {tokens} of {TOKENS} tokens kept; who comes back has them"
    ))
}

async fn dies(stack: &Stage, delivery: Delivery) -> Result<String, BenchError> {
    const TOKENS: usize = 150;
    stack.script(TOKENS, Duration::from_millis(10));
    let id = Uuid::new_v4().to_string();
    let function = match delivery {
        Delivery::FunctionUrl => FUNCTION_URL_FUNCTION,
        Delivery::AppSync | Delivery::WebSocket => WORKER_FUNCTION,
    };
    let calls = stack.running.local.bedrock().calls().len();
    let asked = stack.target.ask(delivery, &id, PROMPT, |_| false);
    let killed = async {
        let said = stack
            .running
            .local
            .bedrock()
            .wait_until(|all| all.len() > calls && all[calls].tokens_sent >= 50);
        tokio::time::timeout(PATIENCE, said)
            .await
            .to("await the model")?;
        stack.kill_the_busy(function).await?;
        Ok::<_, BenchError>(Instant::now())
    };
    let (asked, killed_at) = tokio::join!(asked, killed);
    let ((_, mut heard), killed_at) = (asked?, killed_at?);
    let broke_off = heard.ending().is_none();
    if broke_off {
        heard = stack.target.follow(delivery, &id).await?;
    }
    heard.check(&Stage::said(calls + 2, TOKENS))?;
    let second = heard
        .events
        .iter()
        .find(|event| event.attempt > 1 && event.at > killed_at);
    let took = second.map_or(Duration::ZERO, |event| event.at - killed_at);
    let how = if broke_off {
        "the response breaks off; a GET goes on"
    } else {
        "the same connection goes on"
    };
    let took = took.as_secs_f64();
    Ok(format!(
        "{how}, the text starts again {took:.1} s later (lease {} s), whole",
        LEASE.as_secs()
    ))
}

async fn is_followed(stack: &Stage, delivery: Delivery) -> Result<String, BenchError> {
    const TOKENS: usize = 200;
    stack.script(TOKENS, Duration::from_millis(10));
    let id = Uuid::new_v4().to_string();
    let calls = stack.running.local.bedrock().calls().len();
    let asked = stack.target.ask(delivery, &id, PROMPT, |_| false);
    let followed = async {
        let said = stack
            .running
            .local
            .bedrock()
            .wait_until(|all| all.len() > calls);
        tokio::time::timeout(PATIENCE, said)
            .await
            .to("await the model")?;
        let mut devices = JoinSet::new();
        for _ in 0..DEVICES {
            let (target, id) = (stack.target.clone(), id.clone());
            devices.spawn(async move { target.follow(delivery, &id).await });
        }
        let mut whole = 0;
        while let Some(device) = devices.join_next().await {
            device
                .to("follow")??
                .check(&Stage::said(calls + 1, TOKENS))?;
            whole += 1;
        }
        Ok::<_, BenchError>(whole)
    };
    let (asked, whole) = tokio::join!(asked, followed);
    asked?.1.check(&Stage::said(calls + 1, TOKENS))?;
    let bound = match delivery {
        Delivery::AppSync => "any number; each event is sent once",
        Delivery::FunctionUrl => "any number; each reads the table while it waits",
        Delivery::WebSocket => "16; each event is sent to each",
    };
    Ok(format!("{} of {DEVICES} had it whole; {bound}", whole?))
}

async fn lasts(stack: &Stage, delivery: Delivery) -> Result<String, BenchError> {
    const TOKENS: usize = 70;
    stack.script(TOKENS, Duration::from_millis(500));
    let id = Uuid::new_v4().to_string();
    let (asked, heard) = stack.target.ask(delivery, &id, PROMPT, |_| false).await?;
    let took = asked.elapsed().as_secs_f64();
    let text = heard.text();
    let call = text
        .split(':')
        .next()
        .and_then(|call| call.parse().ok())
        .unwrap_or(0);
    heard.check(&Stage::said(call, TOKENS))?;
    Ok(format!("whole after {took:.1} s"))
}

async fn reaches_its_limit(stack: &Stage, delivery: Delivery) -> Result<String, BenchError> {
    stack.script(100_000, Duration::from_millis(10));
    let id = Uuid::new_v4().to_string();
    let (_, heard) = stack.target.ask(delivery, &id, PROMPT, |_| false).await?;
    let session = stack.ended(&id).await?;
    let kept = session["text"].as_str().unwrap_or_default();
    if kept != heard.text() {
        return Err(BenchError::Wrong(format!(
            "{}: what was heard isn't what was kept",
            delivery.name()
        )));
    }
    let code = session["error"]["code"].as_str().unwrap_or("no code");
    let tokens = kept.split_whitespace().count();
    let limit = TIME_LIMIT.as_secs();
    Ok(format!(
        "{code} before it (here {limit} s), the {tokens} tokens so far are kept"
    ))
}
