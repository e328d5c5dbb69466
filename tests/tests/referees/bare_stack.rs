//! A local stack with nothing in it but what a test puts there. Its functions are this test executable, started again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use system_tests::{eventually, within};
use tokencast_local::appsync::realtime::RealtimeLimits;
use tokencast_local::config::{
    AccessConfig, ApiConfig, ApiLimits, AuthMode, FunctionConfig, ModelConfig, ScriptConfig,
    UserPoolConfig,
};
use tokencast_local::faults::FaultPlan;
use tokencast_local::stack::{BoundStack, Stack, StackConfig};

/// A stack, and a directory that its functions see as `DIRECTORY`: they wait there for gates.
pub(crate) struct BareStack {
    pub(crate) local: Stack,
    pub(crate) directory: tempfile::TempDir,
}

impl BareStack {
    pub(crate) async fn start(change: impl FnOnce(&mut StackConfig)) -> Self {
        // Another test may have installed it already: as good.
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

    pub(crate) async fn stop(self) {
        within("the stack's end", self.local.shutdown()).await;
    }
}

/// A function whose process is one test of this executable.
pub(crate) fn function(name: &str, test: &str) -> FunctionConfig {
    FunctionConfig {
        name: name.to_owned(),
        program: std::env::current_exe().expect("this executable"),
        args: ["--exact", test, "--nocapture"].map(OsString::from).into(),
        environment: BTreeMap::new(),
        timeout: Duration::from_mins(15),
        memory_mb: 256,
        policy: Vec::new(),
        max_concurrency: 20.try_into().expect("not zero"),
    }
}

/// Of a function's process.
pub(crate) fn variable(name: &str) -> Option<String> {
    let found = std::env::vars().find(|(key, _)| key == name);
    found.map(|(_, value)| value)
}

/// In a function's process: waits until a file of that name is in the stack's directory.
pub(crate) async fn gate(name: &str) {
    let gate = PathBuf::from(variable("DIRECTORY").unwrap_or_default()).join(name);
    eventually("an open gate", || async { gate.exists().then_some(()) }).await;
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
            schema: "type Query { ping: String }".to_owned(),
            default_auth: AuthMode::UserPools,
            additional_auth: Vec::new(),
            introspection: true,
            limits: ApiLimits::default(),
            resolvers: Vec::new(),
        },
        realtime: RealtimeLimits::default(),
        user_pool: UserPoolConfig {
            pool_id: "us-east-1_Deliver".to_owned(),
            client_id: "client".to_owned(),
            users: Vec::new(),
            token_validity: Duration::from_hours(1),
        },
        model: ModelConfig::Scripted(ScriptConfig::default()),
        faults: FaultPlan::default(),
        control: false,
        access: AccessConfig::default(),
    }
}
