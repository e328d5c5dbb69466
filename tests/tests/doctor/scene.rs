//! A stack, and what doctor says of it.

use std::time::Duration;

use local_stack::config::{FaultRule, ModelFault};
use local_stack::faults::FaultPlan;
use system_tests::stack::{TestOptions, faulty};
use system_tests::{TestStack, within};
use tokencast::doctor::aws::Aws;
use tokencast::doctor::context::Limits;
use tokencast::doctor::deployment::Deployment;
use tokencast::doctor::examine::{Settings, examine};
use tokencast::doctor::logins::Login;
use tokencast::doctor::report::Report;
use tokencast::doctor::selection::Selection;
use tokencast::stack::users;
use tokencast_aws::sdk::load_for_endpoint_as;

use crate::control_plane::ControlPlane;

/// The tokens of each answer.
const TOKENS: usize = 40;
/// Slow enough for an answer to be left in the middle.
const PACE: Duration = Duration::from_millis(15);

/// What is different in one run.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) settings: Settings,
    /// What AWS's APIs say that the local stack doesn't have.
    pub(crate) control_plane: Option<ControlPlane>,
    /// Whether there are two users.
    pub(crate) alone: bool,
    /// Whether it is interrupted as soon as the model says something.
    pub(crate) interrupted: bool,
}

impl Run {
    /// Some probes and groups alone.
    pub(crate) fn only(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            settings: Settings {
                limits: limits(),
                selection: Selection::of(&names).expect("probes"),
                ..Settings::default()
            },
            ..Self::default()
        }
    }
}

/// Limits of a stack on this machine. Those that a healthy stack is measured by are as wide as they are for users.
pub(crate) fn limits() -> Limits {
    Limits {
        idle: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// Limits that a run can use up without a day's quota.
const QUOTAS: &str = r#"{"default": {"sessionsAtOnce": 4}}"#;

/// Starts a stack with answers of a known length, all three channels, and quotas.
pub(crate) async fn stack(change: impl FnOnce(&mut TestOptions)) -> TestStack {
    let stack = TestStack::start_with(|options| {
        options.script = faulty(TOKENS, PACE, vec![stopped_in_the_middle()]);
        options.stack.quotas = Some(QUOTAS.to_owned());
        // A deletion's purge waits for so long.
        let request = &mut options.stack.request_environment;
        request.insert("LEASE_SECONDS".to_owned(), "1".to_owned());
        change(options);
    })
    .await;
    stack.running.warm().await;
    stack
}

/// An answer that doctor stops goes on for as long as nobody stops it.
fn stopped_in_the_middle() -> FaultRule {
    FaultRule {
        fault: ModelFault::Stall { after_tokens: 10 },
        times: None,
        prompt_contains: Some("Count from 1 to 200".to_owned()),
    }
}

/// Puts a plan in force, and has doctor look at the stack.
pub(crate) async fn examined(stack: &TestStack, plan: FaultPlan, run: Run) -> Report {
    let faults = stack.running.local.faults();
    faults.set(plan).expect("a plan");
    let info = &stack.running.info;
    let deployment = Deployment::local(info.endpoints.address.port(), None).await;
    let mut deployment = deployment.expect("the local stack");
    let wire = deployment.wire().expect("TLS");
    let key = (info.access_key.id.clone(), info.access_key.secret.clone());
    let (url, region) = (info.endpoints.url(), deployment.region.clone());
    let sdk = load_for_endpoint_as(&url, &region, Some(key)).await;
    let lookup = |name: &str| run.control_plane.as_ref()?.variable(name);
    if run.control_plane.is_some() {
        deployment.stack = Some("Tokencast-Streaming".to_owned());
    }
    let aws = Aws::new(
        wire.http.clone(),
        &sdk,
        &region,
        deployment.local.clone(),
        &lookup,
    )
    .await;
    let [first, second] = logins();
    let second = (!run.alone).then_some(&second);
    let interrupted = async {
        if run.interrupted {
            stack.model_said(1).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let report = examine(
        deployment,
        wire,
        (&first, second),
        aws,
        run.settings,
        interrupted,
    );
    let report = within_minutes(report).await;
    faults.clear();
    report.expect("two users")
}

fn logins() -> [Login; 2] {
    let users: Vec<Login> = users()
        .into_iter()
        .map(|user| Login::Password {
            username: user.username,
            password: user.password,
        })
        .collect();
    users.try_into().ok().expect("two users")
}

/// A whole run may take three minutes; a test's bound for one state is shorter.
pub(crate) async fn within_minutes<T>(run: impl Future<Output = T>) -> T {
    let run = tokio::time::timeout(Duration::from_mins(4), run);
    run.await.expect("doctor ends in its time")
}

/// The `sub` of a user of every local stack.
pub(crate) async fn subject(user: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let stack = within("a stack", TestStack::start()).await;
    let token = stack.access_token(user);
    stack.shutdown().await;
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    claims["sub"].as_str().expect("a sub").to_owned()
}
