//! A stack whose functions go through a meter, and one answer on it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use local_stack::iam::{Principal, Statement};
use local_stack::usage::Count;
use serde_json::{Value, json};
use tokencast::stack::{
    Functions, REQUEST_FUNCTION, RunningStack, StackOptions, WORKER_FUNCTION, users,
};
use uuid::Uuid;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Bedrock, Script};
use crate::meter::{Counts, Meter, Passed};
use crate::prices::gb_seconds;
use crate::process::cpu_time;

const START: &str = "mutation($prompt: String!, $sessionId: String) { startStream(prompt: $prompt, sessionId: $sessionId) { sessionId status } }";

/// No function is at work for longer.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Metered {
    pub stack: RunningStack,
    bedrock: Bedrock,
    meter: Meter,
    http: reqwest::Client,
    /// A user's.
    pub token: String,
}

/// How it is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What AppSync's answer to a mutation takes.
    pub answer_time: Duration,
    /// Of the worker's environment, over the defaults.
    pub worker: BTreeMap<String, String>,
}

/// What one answer took.
pub struct Answer {
    pub counts: Counts,
    pub passed: Vec<Passed>,
    /// When the model gave each token away.
    pub emitted: Vec<Instant>,
    /// The worker's.
    pub cpu: Duration,
    /// Of the `startStream`, as its client sees it.
    pub start: Duration,
    /// The invocations of the request function and of the worker, as the stack counts them.
    pub request: Count,
    pub worker: Count,
    /// Events for one subscriber each.
    pub events: Count,
}

impl Metered {
    pub async fn start(options: &Options, setup: Setup) -> Result<Self, BenchError> {
        let bedrock = Bedrock::start().await?;
        let meter = Meter::start(setup.answer_time).await?;
        let own = BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), meter.url())]);
        let mut worker = own.clone();
        worker.extend([
            ("APPSYNC_API_URL".to_owned(), meter.graphql_url()),
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME".to_owned(), bedrock.url()),
        ]);
        worker.extend(setup.worker);
        let stack = RunningStack::start(StackOptions {
            functions: Functions::Packaged(options.functions_dir.clone()),
            request_environment: own,
            worker_environment: worker,
            ..StackOptions::default()
        });
        let stack = stack.await.to("start the stack")?;
        meter.aim(stack.info.endpoints.url());
        stack.warm().await;
        let cognito = stack.local.cognito().clone();
        let user = users().swap_remove(0).username;
        // It may have to wait for the pool's key.
        let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens(&user));
        let token = tokens.await.to("sign in")?.to("sign in")?.access_token;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build();
        Ok(Self {
            stack,
            bedrock,
            meter,
            http: http.to("make an HTTP client")?,
            token,
        })
    }

    pub fn session_id() -> String {
        Uuid::new_v4().to_string()
    }

    /// One answer, from `startStream` to the worker's rest.
    pub async fn answer(&self, script: Script, prompt: &str) -> Result<Answer, BenchError> {
        self.answer_as(Self::session_id(), script, prompt).await
    }

    /// The same under an id of one's own.
    pub async fn answer_as(
        &self,
        session_id: String,
        script: Script,
        prompt: &str,
    ) -> Result<Answer, BenchError> {
        self.bedrock.set_script(script);
        let pid = self.worker()?;
        let before = cpu_time(pid)?;
        self.forget();
        let asked = Instant::now();
        self.ask(session_id, prompt).await?;
        let start = asked.elapsed();
        self.meter.completed().await?;
        self.until_idle().await?;
        let cpu = cpu_time(pid)?.saturating_sub(before);
        let emitted = self.bedrock.emitted(prompt);
        let seen = self.seen();
        let text: usize = seen.passed.iter().map(|event| event.token_bytes).sum();
        if text != script.tokens * crate::fakes::token(0).len() {
            let message = format!("{text} bytes were published for {} tokens", script.tokens);
            return Err(BenchError::Wrong(message));
        }
        Ok(Answer {
            emitted,
            cpu,
            start,
            ..seen
        })
    }

    /// What the stack has counted, and what has passed, since the last answer.
    pub fn seen(&self) -> Answer {
        let (counts, passed) = self.meter.take();
        let usage = self.stack.local.usage();
        Answer {
            counts,
            passed,
            emitted: Vec::new(),
            cpu: Duration::ZERO,
            start: Duration::ZERO,
            request: usage.of("lambda", REQUEST_FUNCTION),
            worker: usage.of("lambda", WORKER_FUNCTION),
            events: usage.of("realtime", "data"),
        }
    }

    /// Counts from zero.
    pub fn forget(&self) {
        self.meter.take();
        self.stack.local.usage().reset();
    }

    pub fn url(&self) -> String {
        self.meter.url()
    }

    pub fn graphql_url(&self) -> String {
        self.meter.graphql_url()
    }

    /// What a function's invocations are billed, at the memory that the stack gives it.
    pub fn gb_seconds(&self, function: &str, invocations: Count) -> f64 {
        let config = self.stack.local.lambda().config(function);
        let duration = Duration::from_millis(invocations.duration_ms);
        // Each is counted in whole milliseconds already, rounded down: a millisecond begun is billed.
        let begun = Duration::from_millis(invocations.count);
        gb_seconds(
            duration + begun,
            config.map_or(0, |config| config.memory_mb),
        )
    }

    /// Lets [`tokencast_aws::sdk::load_for_endpoint`]'s credentials publish.
    pub fn allow_publishing(&self) {
        allow_publishing(&self.stack);
    }

    async fn ask(&self, session_id: String, prompt: &str) -> Result<(), BenchError> {
        let variables = json!({ "prompt": prompt, "sessionId": session_id });
        let ask = self
            .http
            .post(self.meter.graphql_url())
            .header("authorization", &self.token)
            .json(&json!({ "query": START, "variables": variables }));
        let answer = ask.send().await.to("call startStream")?;
        let answer: Value = answer.json().await.to("call startStream")?;
        if answer["data"]["startStream"]["status"] == "streaming_started" {
            return Ok(());
        }
        Err(BenchError::Wrong(format!("startStream answered {answer}")))
    }

    pub async fn end(self) {
        self.stack.shutdown().await;
    }

    /// The worker's process.
    fn worker(&self) -> Result<u32, BenchError> {
        let processes = self.stack.local.lambda().processes(WORKER_FUNCTION);
        match processes.as_slice() {
            [process] => Ok(process.pid),
            others => Err(BenchError::Wrong(format!(
                "there are {} workers, not one",
                others.len()
            ))),
        }
    }

    /// Until the worker has answered for its message, and that is counted.
    async fn until_idle(&self) -> Result<(), BenchError> {
        let idle = async {
            while self.stack.local.usage().of("lambda", WORKER_FUNCTION).count == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, idle).await;
        waited.to("await the worker's rest")
    }
}

/// Lets [`tokencast_aws::sdk::load_for_endpoint`]'s credentials publish on a stack.
pub fn allow_publishing(stack: &RunningStack) {
    let endpoints = &stack.info.endpoints;
    stack.local.credentials().insert(Principal {
        access_key_id: "local".to_owned(),
        secret_access_key: "local".to_owned(),
        session_token: None,
        account_id: endpoints.account_id.clone(),
        arn: format!("arn:aws:iam::{}:user/bench", endpoints.account_id),
        expires_at_ms: None,
        policy: vec![Statement {
            actions: vec!["appsync:GraphQL".to_owned()],
            resources: vec![endpoints.field_arn("Mutation", "publishToken")],
        }],
    });
}
