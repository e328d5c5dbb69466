//! The stack over HTTP, for tests in any language: faults, clock, processes, connections, the model's script.
//!
//! Only a stack that was started with it answers here, below `/_tokencast/` on the gateway's port, and only programs on
//! this machine: a web page's request is refused, as is one that names another host.
//!
//! | module | what |
//! | --- | --- |
//! | `guard` | who is heard |
//! | `refusal` | what is wrong with a request |
//! | `script` | the model's script, as it comes |
//! | `views` | what the stack's parts look like |

mod guard;
mod refusal;
mod script;
mod views;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post, put};
use local_bedrock::Bedrock;
use local_faults::{FaultPlan, Faults};
use local_gateway::Connections;
use local_kit::clock::Clock;
use local_kit::peer::Peer;
use local_kit::usage::Usage;
use local_lambda::Lambda;
use serde::Deserialize;
use serde_json::{Value, json};

use guard::local_programs_only;
use refusal::{Refusal, read};
use script::Script;

/// What can be asked and told.
#[derive(Clone, Debug)]
pub struct Control {
    pub faults: Faults,
    pub clock: Clock,
    pub connections: Connections,
    pub bedrock: Bedrock,
    pub lambda: Lambda,
    pub usage: Usage,
}

impl Control {
    pub fn router(self) -> Router {
        let faults = get(report).put(set_faults).delete(clear_faults);
        Router::new()
            .route("/_tokencast/health", get(health))
            .route("/_tokencast/faults", faults)
            .route("/_tokencast/model/calls", get(model_calls))
            .route("/_tokencast/model/script", put(set_script))
            .route("/_tokencast/connections", get(list_connections))
            .route("/_tokencast/connections/drop", post(drop_connections))
            .route("/_tokencast/lambda/processes", get(processes))
            .route("/_tokencast/lambda/{function}/{action}", post(signal))
            .route("/_tokencast/usage", get(usage).delete(reset_usage))
            .route("/_tokencast/clock/advance", post(advance))
            .fallback(unknown)
            .method_not_allowed_fallback(wrong_method)
            .layer(from_fn(local_programs_only))
            .with_state(self)
    }
}

type Answer = Result<axum::Json<Value>, Refusal>;

async fn health(State(control): State<Control>) -> axum::Json<Value> {
    answer(json!({
        "status": "ok",
        "nowMs": control.clock.now_ms(),
        "rules": control.faults.report().len(),
        "connections": control.connections.list().len(),
        "modelStreams": control.bedrock.live_streams(),
    }))
}

async fn report(State(control): State<Control>) -> axum::Json<Value> {
    answer(faults(&control))
}

async fn set_faults(State(control): State<Control>, body: Bytes) -> Answer {
    let text = std::str::from_utf8(&body)
        .map_err(|error| Refusal::invalid("InvalidRequest", error.to_string()))?;
    let plan = FaultPlan::from_json(text)?;
    control.faults.set(plan)?;
    Ok(answer(faults(&control)))
}

/// Answers with what there was.
async fn clear_faults(State(control): State<Control>) -> axum::Json<Value> {
    let last = faults(&control);
    control.faults.clear();
    answer(last)
}

fn faults(control: &Control) -> Value {
    json!({ "plan": control.faults.plan(), "report": control.faults.report() })
}

async fn model_calls(State(control): State<Control>) -> axum::Json<Value> {
    let calls: Vec<Value> = control.bedrock.calls().iter().map(views::call).collect();
    answer(json!({ "live": control.bedrock.live_streams(), "calls": calls }))
}

async fn set_script(State(control): State<Control>, body: Bytes) -> Answer {
    let script: Script = read(&body)?;
    if control.bedrock.set_script(script.into()) {
        return Ok(answer(json!({})));
    }
    Err(Refusal {
        status: StatusCode::CONFLICT,
        code: "NotScripted",
        message: "The model of this stack is not the scripted one.".to_owned(),
        path: None,
    })
}

async fn list_connections(State(control): State<Control>) -> axum::Json<Value> {
    let list = control.connections.list();
    let connections: Vec<Value> = list.iter().map(views::connection).collect();
    answer(json!({ "connections": connections }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DropRequest {
    #[serde(default)]
    which: Which,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Websockets,
    All,
}

async fn drop_connections(
    State(control): State<Control>,
    peer: Option<Extension<Peer>>,
    body: Bytes,
) -> Answer {
    let DropRequest { which } = read(&body)?;
    let own = peer.map(|Extension(peer)| peer.connection_id);
    let dropped = control.connections.drop_connections(|connection| {
        // The answer to this has to get back.
        Some(connection.id) != own && (connection.websocket || which == Which::All)
    });
    Ok(answer(json!({ "dropped": dropped })))
}

async fn processes(State(control): State<Control>) -> axum::Json<Value> {
    let of = |function: &str| {
        let processes = control.lambda.processes(function).into_iter();
        processes
            .map(|process| views::process(function, &process))
            .collect::<Vec<_>>()
    };
    let processes: Vec<Value> = control.lambda.functions().flat_map(of).collect();
    answer(json!({ "processes": processes }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignalRequest {
    /// Only this one; by default all of the function's.
    pid: Option<u32>,
}

async fn signal(
    State(control): State<Control>,
    Path((function, action)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let lambda = &control.lambda;
    let act: fn(&Lambda, u32) -> bool = match action.as_str() {
        "kill" => Lambda::kill,
        "freeze" => Lambda::freeze,
        "thaw" => Lambda::thaw,
        _ => {
            return Err(Refusal::not_found(format!(
                "There is no `{action}`; expected kill, freeze or thaw."
            )));
        }
    };
    let SignalRequest { pid } = read(&body)?;
    if lambda.config(&function).is_none() {
        let known = lambda.functions().collect::<Vec<_>>().join(", ");
        return Err(Refusal::not_found(format!(
            "There is no function `{function}`; there are: {known}."
        )));
    }
    let processes = lambda.processes(&function).into_iter();
    let pids = processes
        .map(|process| process.pid)
        .filter(|candidate| pid.is_none_or(|pid| pid == *candidate));
    let pids: Vec<u32> = pids.filter(|pid| act(lambda, *pid)).collect();
    if let Some(pid) = pid
        && pids.is_empty()
    {
        return Err(Refusal::not_found(format!(
            "`{function}` has no process {pid}."
        )));
    }
    Ok(answer(json!({ "pids": pids })))
}

async fn usage(State(control): State<Control>) -> axum::Json<Value> {
    answer(json!({ "usage": control.usage.report() }))
}

/// Answers with what there was.
async fn reset_usage(State(control): State<Control>) -> axum::Json<Value> {
    let last = json!({ "usage": control.usage.report() });
    control.usage.reset();
    answer(last)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceRequest {
    ms: u64,
}

async fn advance(State(control): State<Control>, body: Bytes) -> Answer {
    let AdvanceRequest { ms } = read(&body)?;
    if ms > MAX_ADVANCE_MS {
        let message = format!("`{ms}`; expected at most {MAX_ADVANCE_MS}, 100 years");
        return Err(Refusal::at("ms", message));
    }
    control.clock.advance(Duration::from_millis(ms));
    Ok(answer(json!({ "nowMs": control.clock.now_ms() })))
}

/// Beyond it, dates would leave what formats can hold.
const MAX_ADVANCE_MS: u64 = 100 * 366 * 24 * 3_600_000;

async fn unknown(request: Request) -> Refusal {
    let (method, path) = (request.method(), request.uri().path());
    Refusal::not_found(format!("There is no {method} {path}."))
}

async fn wrong_method(request: Request) -> Refusal {
    let (method, path) = (request.method(), request.uri().path());
    Refusal {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: "MethodNotAllowed",
        message: format!("{path} doesn't take {method}."),
        path: None,
    }
}

fn answer(body: Value) -> axum::Json<Value> {
    axum::Json(body)
}
