//! The control endpoint: fault plan, clock, processes, connections and the model's script over HTTP, for tests in any
//! language.
//!
//! It is below `/_tokencast/` on the gateway's port, if the stack was started with it. Only programs on this machine
//! may use it: requests of web pages are refused, and so are requests to another host.
//!
//! | module | what |
//! | --- | --- |
//! | `guard` | admits only programs on this machine |
//! | `refusal` | error responses |
//! | `script` | the model's script as JSON |
//! | `views` | the stack's parts as JSON |

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

/// What the control endpoint reads and changes.
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

type ControlResult = Result<axum::Json<Value>, Refusal>;

async fn health(State(control): State<Control>) -> axum::Json<Value> {
    respond(json!({
        "status": "ok",
        "nowMs": control.clock.now_ms(),
        "rules": control.faults.report().len(),
        "connections": control.connections.list().len(),
        "modelStreams": control.bedrock.live_streams(),
    }))
}

async fn report(State(control): State<Control>) -> axum::Json<Value> {
    respond(faults(&control))
}

async fn set_faults(State(control): State<Control>, body: Bytes) -> ControlResult {
    let text = std::str::from_utf8(&body)
        .map_err(|error| Refusal::invalid("InvalidRequest", error.to_string()))?;
    let plan = FaultPlan::from_json(text)?;
    control.faults.set(plan)?;
    Ok(respond(faults(&control)))
}

/// Clears the fault plan and returns the last one, with its report.
async fn clear_faults(State(control): State<Control>) -> axum::Json<Value> {
    let last = faults(&control);
    control.faults.clear();
    respond(last)
}

fn faults(control: &Control) -> Value {
    json!({ "plan": control.faults.plan(), "report": control.faults.report() })
}

async fn model_calls(State(control): State<Control>) -> axum::Json<Value> {
    let calls: Vec<Value> = control.bedrock.calls().iter().map(views::call).collect();
    respond(json!({ "live": control.bedrock.live_streams(), "calls": calls }))
}

async fn set_script(State(control): State<Control>, body: Bytes) -> ControlResult {
    let script: Script = read(&body)?;
    if control.bedrock.set_script(script.try_into()?) {
        return Ok(respond(json!({})));
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
    respond(json!({ "connections": connections }))
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
) -> ControlResult {
    let DropRequest { which } = read(&body)?;
    let own = peer.map(|Extension(peer)| peer.connection_id);
    let dropped = control.connections.drop_connections(|connection| {
        // The connection of this request is kept, so that the response gets back.
        Some(connection.id) != own && (connection.websocket || which == Which::All)
    });
    Ok(respond(json!({ "dropped": dropped })))
}

async fn processes(State(control): State<Control>) -> axum::Json<Value> {
    let of = |function: &str| {
        let processes = control.lambda.processes(function).into_iter();
        processes
            .map(|process| views::process(function, &process))
            .collect::<Vec<_>>()
    };
    let processes: Vec<Value> = control.lambda.functions().flat_map(of).collect();
    respond(json!({ "processes": processes }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignalRequest {
    /// One process; by default all of the function's.
    pid: Option<u32>,
}

async fn signal(
    State(control): State<Control>,
    Path((function, action)): Path<(String, String)>,
    body: Bytes,
) -> ControlResult {
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
    Ok(respond(json!({ "pids": pids })))
}

async fn usage(State(control): State<Control>) -> axum::Json<Value> {
    respond(json!({ "usage": control.usage.report() }))
}

/// Resets the counts and returns the last ones.
async fn reset_usage(State(control): State<Control>) -> axum::Json<Value> {
    let last = json!({ "usage": control.usage.report() });
    control.usage.reset();
    respond(last)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceRequest {
    ms: u64,
}

async fn advance(State(control): State<Control>, body: Bytes) -> ControlResult {
    let AdvanceRequest { ms } = read(&body)?;
    if ms > MAX_ADVANCE_MS {
        let message = format!("`{ms}`; expected at most {MAX_ADVANCE_MS}, 100 years");
        return Err(Refusal::at("ms", message));
    }
    control.clock.advance(Duration::from_millis(ms));
    Ok(respond(json!({ "nowMs": control.clock.now_ms() })))
}

/// Further dates don't fit the formats that write them.
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

fn respond(body: Value) -> axum::Json<Value> {
    axum::Json(body)
}
