//! The control endpoint, over HTTP.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokencast_local::faults::FaultPlan;

use crate::stack::{Stack, eventually};

struct Control(Stack);

impl Control {
    async fn start() -> Self {
        Self(Stack::start_with(FaultPlan::default(), true).await)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .0
            .http
            .request(method, format!("{}/_tokencast/{path}", self.0.url));
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.expect("answered");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }
}

#[tokio::test]
async fn a_plan_comes_and_goes() {
    let control = Control::start().await;
    assert_eq!(control.get("health").await["status"], "ok");
    let plan = json!({ "seed": 3, "rules": [{
        "name": "busy", "service": "sqs", "operation": "SendMessage",
        "when": { "after": 1, "times": 1 },
        "fault": { "error": { "type": "RequestThrottled" } },
    }] });
    let (status, set) = control.ask(Method::PUT, "faults", Some(plan)).await;
    assert_eq!(
        (status, &set["report"][0]["fired"]),
        (200, &json!(0)),
        "{set}"
    );
    control.0.send("a").await.expect("the first");
    control.0.send("a").await.expect_err("the second");
    let now = control.get("faults").await;
    assert_eq!(now["plan"]["rules"][0]["name"], "busy");
    assert_eq!(
        now["report"],
        json!([{ "rule": "busy", "service": "sqs", "operation": "SendMessage", "fault": "error", "matched": 2, "fired": 1 }])
    );
    let (status, last) = control.ask(Method::DELETE, "faults", None).await;
    assert_eq!((status, &last["report"][0]["fired"]), (200, &json!(1)));
    assert_eq!(control.get("faults").await["report"], json!([]));
    control.0.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let control = Control::start().await;
    for (method, path, body, status, error, message) in [
        (
            Method::PUT,
            "faults",
            json!({ "rules": [{ "service": "sqs", "fault": "drop" }] }),
            400,
            "InvalidFaultPlan",
            "`sqs` has no `drop`",
        ),
        (
            Method::PUT,
            "faults",
            json!([1]),
            400,
            "InvalidFaultPlan",
            "expected",
        ),
        (
            Method::PUT,
            "model/script",
            json!({ "token": [] }),
            400,
            "InvalidRequest",
            "unknown field `token`",
        ),
        (
            Method::POST,
            "clock/advance",
            json!({}),
            400,
            "InvalidRequest",
            "missing field `ms`",
        ),
        (
            Method::POST,
            "clock/advance",
            json!({ "ms": -1 }),
            400,
            "InvalidRequest",
            "invalid value",
        ),
        (
            Method::POST,
            "clock/advance",
            json!({ "ms": u64::MAX }),
            400,
            "InvalidRequest",
            "expected at most",
        ),
        (
            Method::POST,
            "lambda/nobody/kill",
            json!({}),
            404,
            "NotFound",
            "there are: worker",
        ),
        (
            Method::POST,
            "lambda/worker/explode",
            json!({}),
            404,
            "NotFound",
            "expected kill, freeze or thaw",
        ),
        (
            Method::POST,
            "lambda/worker/kill",
            json!({ "pid": 1 }),
            404,
            "NotFound",
            "no process 1",
        ),
        (
            Method::POST,
            "connections/drop",
            json!({ "which": "some" }),
            400,
            "InvalidRequest",
            "unknown variant `some`",
        ),
        (
            Method::POST,
            "nonsense",
            json!({}),
            404,
            "NotFound",
            "There is no POST /_tokencast/nonsense",
        ),
        (
            Method::POST,
            "faults",
            json!({}),
            405,
            "MethodNotAllowed",
            "doesn't take POST",
        ),
    ] {
        let (got, body) = control.ask(method, path, Some(body)).await;
        assert_eq!(
            (got, body["error"].as_str()),
            (status, Some(error)),
            "{path}: {body}"
        );
        assert!(
            body["message"]
                .as_str()
                .expect("a message")
                .contains(message),
            "{path}: {body}"
        );
    }
    let path = &control
        .ask(
            Method::PUT,
            "faults",
            Some(json!({ "rules": [{ "service": "x" }] })),
        )
        .await
        .1["path"];
    assert_eq!(path, "rules[0].service");
    control.0.stop().await;
}

#[tokio::test]
async fn only_programs_on_this_machine_are_heard() {
    let control = Control::start().await;
    let url = format!("{}/_tokencast/health", control.0.url);
    for (name, value, status) in [
        ("origin", "http://localhost:3000", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 403),
        ("host", "evil.example:4680", 403),
        ("host", "127.0.0.1", 200),
        ("host", "[::1]:80", 200),
    ] {
        let request = control.0.http.get(&url).header(name, value);
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
    control.0.stop().await;
}

#[tokio::test]
async fn the_clock_moves_and_what_waits_for_it_wakes() {
    let control = Control::start().await;
    let before = control.get("health").await["nowMs"]
        .as_i64()
        .expect("a number");
    let (status, body) = control
        .post("clock/advance", json!({ "ms": 3_600_000 }))
        .await;
    assert_eq!(status, 200);
    assert!(body["nowMs"].as_i64().expect("a number") >= before + 3_600_000);
    control.0.stop().await;
}

#[tokio::test]
async fn the_models_script_and_its_calls() {
    let control = Control::start().await;
    let script = json!({ "tokens": ["x", "y"], "timeToFirstTokenMs": 0, "timeBetweenTokensMs": 0 });
    let (status, body) = control.ask(Method::PUT, "model/script", Some(script)).await;
    assert_eq!(status, 200, "{body}");
    let url = format!("{}/model/a.b-v1:0/converse", control.0.url);
    let prompt = json!({ "messages": [{ "role": "user", "content": [{ "text": "Why?" }] }] });
    let answer = control
        .0
        .http
        .post(url)
        .json(&prompt)
        .send()
        .await
        .expect("answered");
    assert_eq!(answer.status(), 200);
    let calls = control.get("model/calls").await;
    assert_eq!(
        (&calls["live"], calls["calls"].as_array().map(Vec::len)),
        (&json!(0), Some(1))
    );
    let call = &calls["calls"][0];
    assert_eq!(
        (&call["textSent"], &call["ended"], &call["prompt"]),
        (&json!("xy"), &json!("completed"), &json!("Why?"))
    );
    control.0.stop().await;
}

#[tokio::test]
async fn processes_are_listed_frozen_thawed_and_killed() {
    let control = Control::start().await;
    control
        .0
        .local
        .lambda()
        .warm("worker", 2)
        .await
        .expect("warm");
    let list = control.get("lambda/processes").await;
    let processes = list["processes"].as_array().expect("a list");
    assert_eq!(processes.len(), 2);
    assert_eq!(
        (&processes[0]["function"], &processes[0]["state"]),
        (&json!("worker"), &json!("idle"))
    );
    for action in ["freeze", "thaw"] {
        let (status, body) = control
            .post(&format!("lambda/worker/{action}"), json!({}))
            .await;
        assert_eq!(
            (status, body["pids"].as_array().map(Vec::len)),
            (200, Some(2)),
            "{action}"
        );
    }
    let pid = &processes[0]["pid"];
    let (_, body) = control
        .post("lambda/worker/kill", json!({ "pid": pid }))
        .await;
    assert_eq!(body["pids"], json!([pid]));
    eventually(async || {
        let list = control.get("lambda/processes").await;
        (list["processes"].as_array().map(Vec::len) == Some(1)).then_some(())
    })
    .await;
    control.0.stop().await;
}

#[tokio::test]
async fn connections_are_dropped_but_not_the_one_that_asks() {
    let control = Control::start().await;
    control.0.send("a").await.expect("sent");
    // Idle, and kept by its client.
    let other = tokio::net::TcpStream::connect(control.0.local.endpoints().address)
        .await
        .expect("connected");
    eventually(async || {
        let list = control.get("connections").await;
        (list["connections"].as_array().map(Vec::len) >= Some(2)).then_some(())
    })
    .await;
    let (status, body) = control.post("connections/drop", json!({})).await;
    assert_eq!((status, &body["dropped"]), (200, &json!(0)), "no sockets");
    let (status, body) = control
        .post("connections/drop", json!({ "which": "all" }))
        .await;
    assert_eq!(status, 200);
    assert!(body["dropped"].as_u64() >= Some(1), "{body}");
    let started = Instant::now();
    let mut byte = [0];
    let ended = other.readable().await.map(|()| other.try_read(&mut byte));
    assert!(!matches!(ended, Ok(Ok(1))), "{ended:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    control.0.stop().await;
}
