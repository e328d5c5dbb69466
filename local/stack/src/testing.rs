//! An empty stack that a test adds its resources to, for function URLs and WebSocket APIs.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test ends in a panic where something is wrong"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::{
    AccessConfig, ApiConfig, ApiLimits, AuthMode, DataSource, FunctionConfig, ModelConfig,
    ResolverConfig, ScriptConfig, UserConfig, UserPoolConfig,
};
use crate::{BoundStack, Stack, StackConfig};
use local_appsync::realtime::RealtimeLimits;
use local_faults::{FaultPlan, Rule};
use serde_json::Value;

/// Longer than anything in a test takes, on any machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A stack and a directory, which its functions see as `DIRECTORY`. Functions leave notes and wait for gates there.
pub struct TestStack {
    pub local: Stack,
    pub directory: tempfile::TempDir,
}

impl TestStack {
    pub async fn start(change: impl FnOnce(&mut StackConfig)) -> Self {
        // Another test may have installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().expect("a directory");
        let bound = BoundStack::bind(0, "us-east-1", None).await;
        let bound = bound.expect("a port");
        let mut config = empty();
        change(&mut config);
        for function in &mut config.functions {
            let path = directory.path().display().to_string();
            function.environment.insert("DIRECTORY".to_owned(), path);
        }
        let local = bound.start(config, None).await.expect("a stack");
        Self { local, directory }
    }

    pub async fn stop(self) {
        within(self.local.shutdown()).await;
    }

    /// Sets the only rule of the fault plan.
    pub fn set(&self, rule: Rule) {
        let plan = FaultPlan::seeded(1).with(rule);
        self.local.faults().set(plan).expect("a valid plan");
    }

    /// Opens a gate that a function waits for.
    pub fn open_gate(&self, name: &str) {
        std::fs::write(self.path(name), "").expect("written");
    }

    /// Waits for a function's note, and returns it.
    pub async fn note(&self, name: &str) -> Value {
        eventually(async || {
            let text = std::fs::read(self.path(name)).ok()?;
            serde_json::from_slice(&text).ok()
        })
        .await
    }

    pub fn has_note(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// A function whose program is this executable, started with arguments that select only the function's own test.
pub fn function(name: &str) -> FunctionConfig {
    FunctionConfig {
        name: name.to_owned(),
        program: std::env::current_exe().expect("this executable"),
        args: ["--exact", "function::function_process", "--nocapture"]
            .map(OsString::from)
            .to_vec(),
        environment: BTreeMap::new(),
        timeout: Duration::from_mins(15),
        memory_mb: 256,
        policy: Vec::new(),
        max_concurrency: 20.try_into().expect("not zero"),
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// Calls `look` again and again until it returns a value.
pub async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// A variable of a function's process.
pub fn variable(name: &str) -> Option<String> {
    let found = std::env::vars().find(|(key, _)| key == name);
    found.map(|(_, value)| value)
}

/// Called in a function's process: leaves a note, which readers see whole or not at all.
pub fn leave_note(name: &str, note: &Value) {
    let directory = PathBuf::from(variable("DIRECTORY").unwrap_or_default());
    let unfinished = directory.join(format!("{name}.{}", std::process::id()));
    std::fs::write(&unfinished, note.to_string()).expect("written");
    std::fs::rename(unfinished, directory.join(name)).expect("renamed");
}

/// Called in a function's process: waits until a gate is open.
pub async fn gate(name: &str) {
    let gate = PathBuf::from(variable("DIRECTORY").unwrap_or_default()).join(name);
    let waiting = async {
        while !gate.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(waiting).await;
}

fn empty() -> StackConfig {
    StackConfig {
        queues: Vec::new(),
        tables: Vec::new(),
        functions: Vec::new(),
        event_sources: Vec::new(),
        function_urls: Vec::new(),
        websocket_apis: Vec::new(),
        api: ApiConfig {
            schema: "type Query { ping(text: String): String }".to_owned(),
            default_auth: AuthMode::UserPools,
            additional_auth: Vec::new(),
            introspection: true,
            limits: ApiLimits::default(),
            resolvers: vec![ResolverConfig {
                type_name: "Query".to_owned(),
                field_name: "ping".to_owned(),
                data_source: DataSource::None {
                    code: RESOLVER.to_owned(),
                },
            }],
        },
        realtime: RealtimeLimits::default(),
        user_pool: UserPoolConfig {
            pool_id: "us-east-1_Deliver".to_owned(),
            client_id: "client".to_owned(),
            users: vec![UserConfig {
                username: "ada".to_owned(),
                password: "Password-1".to_owned(),
                email: "ada@example.com".to_owned(),
                groups: Vec::new(),
            }],
            token_validity: Duration::from_hours(1),
            shares_key: true,
        },
        model: ModelConfig::Scripted(ScriptConfig::default()),
        guardrails: Vec::new(),
        faults: FaultPlan::default(),
        control: true,
        access: AccessConfig::default(),
    }
}

const RESOLVER: &str = "
export function request(ctx) {
  return { payload: ctx.args.text };
}
export function response(ctx) {
  return ctx.result;
}
";
