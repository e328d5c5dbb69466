//! The control endpoint, over HTTP.

use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
use local_faults::FaultPlan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, eventually, within};

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

async fn check_refused(control: &Control, ask: &str, body: &str, expected: &str, message: &str) {
    let (method, path) = ask.split_once(' ').expect("a method and a path");
    let method = method.parse().expect("a method");
    let body = serde_json::from_str(body).expect("JSON");
    let (status, body) = control.ask(method, path, Some(body)).await;
    let error = body["error"].as_str().unwrap_or_default();
    assert_eq!(format!("{status} {error}"), expected, "{ask}: {body}");
    let said = body["message"].as_str().unwrap_or_default();
    assert!(said.contains(message), "{ask}: {body}");
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let control = Control::start().await;
    let plan = "400 InvalidFaultPlan";
    let dropped = r#"{ "rules": [{ "service": "sqs", "fault": "drop" }] }"#;
    check_refused(&control, "PUT faults", dropped, plan, "`sqs` has no `drop`").await;
    check_refused(
        &control,
        "PUT faults",
        "[1]",
        plan,
        "expected a JSON object",
    )
    .await;
    let invalid = "400 InvalidRequest";
    let (script, clock) = ("PUT model/script", "POST clock/advance");
    let drop = "POST connections/drop";
    for (ask, body, message) in [
        (script, r#"{ "token": [] }"#, "unknown field `token`"),
        (
            script,
            r#"{ "tokens": [], "echo": true }"#,
            "more than one of",
        ),
        (
            script,
            r#"{ "blocks": [{ "text": [] }, {}] }"#,
            "has 0 of text",
        ),
        (clock, "{}", "missing field `ms`"),
        (clock, r#"{ "ms": -1 }"#, "invalid value"),
        (clock, r#"{ "ms": 4000000000000 }"#, "expected at most"),
        (drop, r#"{ "which": "some" }"#, "unknown variant `some`"),
    ] {
        check_refused(&control, ask, body, invalid, message).await;
    }
    let unknown = "404 NotFound";
    for (ask, body, message) in [
        ("POST lambda/nobody/kill", "{}", "there are: worker"),
        ("POST lambda/worker/explode", "{}", "kill, freeze or thaw"),
        ("POST lambda/worker/kill", r#"{ "pid": 1 }"#, "no process 1"),
        ("POST nonsense", "{}", "no POST /_tokencast/nonsense"),
    ] {
        check_refused(&control, ask, body, unknown, message).await;
    }
    let wrong_method = "405 MethodNotAllowed";
    check_refused(&control, "POST faults", "{}", wrong_method, "take POST").await;
    let wrong_place = json!({ "rules": [{ "service": "x" }] });
    let (_, body) = control.ask(Method::PUT, "faults", Some(wrong_place)).await;
    assert_eq!(body["path"], "rules[0].service");
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
    let script = json!({
        "blocks": [{ "reasoning": ["hm"], "signature": "s" }, { "text": ["x", "y"] }],
        "timeToFirstTokenMs": 0, "timeBetweenTokensMs": 0,
    });
    let (status, body) = control.ask(Method::PUT, "model/script", Some(script)).await;
    assert_eq!(status, 200, "{body}");
    let prompt = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text("Why?".to_owned()))
        .build();
    let bedrock = control.0.bedrock();
    let answer = bedrock
        .converse()
        .model_id("us.anthropic.claude-3-haiku-20240307-v1:0")
        .messages(prompt.expect("a message"))
        .send()
        .await;
    assert!(answer.is_ok(), "{answer:?}");
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
    // An idle connection that its client keeps open.
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
    let mut byte = [0];
    let readable = within(other.readable()).await;
    let ended = readable.map(|()| other.try_read(&mut byte));
    assert!(!matches!(ended, Ok(Ok(1))), "{ended:?}");
    control.0.stop().await;
}
