//! Responses without an event or a token, on accounts where a response without a byte is kept open.

use std::time::Duration;

use local_stack::config::ScriptConfig;
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use serde_json::json;
use system_tests::stack::script;
use system_tests::{TestStack, eventually, within};
use tokencast::stack::FUNCTION_URL_FUNCTION;
use uuid::Uuid;

/// Starts a stack that keeps such responses open, with a model that says nothing.
async fn stack(nothing_left: &str, even_if_length_is_zero: bool) -> TestStack {
    let stack = TestStack::start_with(|options| {
        options.script = script(0, Duration::ZERO);
        options.function_url_variable("NOTHING_LEFT", nothing_left);
    })
    .await;
    let hold = Fault::HoldEmpty {
        even_if_length_is_zero,
    };
    let rule = Rule::new(FaultService::FunctionUrl, "Invoke", hold);
    let plan = FaultPlan::seeded(1).with(rule);
    stack.running.local.faults().set(plan).expect("a plan");
    stack
}

async fn text(stack: &TestStack, id: &str) -> Response {
    let question = json!({ "prompt": "Why do rivers meander?", "sessionId": id });
    let request = stack.url(Method::POST, "", "alice").json(&question);
    let request = request.header(ACCEPT, "text/plain").send();
    within("a response", request).await.expect("a response")
}

#[tokio::test]
async fn a_text_without_tokens_has_a_byte() {
    let stack = stack("no-content", true).await;
    let response = text(&stack, &Uuid::new_v4().to_string()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.text().await.expect("whole"), "\n");
    assert_eq!(stack.running.local.faults().report()[0].fired, 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_text_that_is_stopped_before_its_first_token_has_a_byte() {
    let stack = stack("no-content", true).await;
    stack.script(ScriptConfig {
        time_to_first_token: Duration::from_mins(1),
        ..script(10, Duration::ZERO)
    });
    let id = Uuid::new_v4().to_string();
    let (response, ()) = tokio::join!(text(&stack, &id), async {
        let asked = stack.running.local.bedrock();
        within("a call", asked.wait_until(|calls| calls.len() == 1)).await;
        stack.url_stop(&id).await;
    });
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.expect("whole"), "\n");
    stack.shutdown().await;
}

/// Checks what a client gets that has all events: a status and a body, or nothing if the response is kept open.
async fn check(nothing_left: &str, even_if_length_is_zero: bool, expected: Option<(u16, &str)>) {
    let stack = stack(nothing_left, even_if_length_is_zero).await;
    let id = Uuid::new_v4().to_string();
    let events = stack.url_ask(Some(&id)).await.rest().await;
    let last = &events.last().expect("an end").id;
    let question = json!({ "prompt": "Why do rivers meander?", "sessionId": id });
    let usage = stack.running.local.usage();
    let ended = || usage.of("lambda", FUNCTION_URL_FUNCTION).count;
    for request in [
        stack.url(Method::GET, &id, "alice"),
        stack.url(Method::POST, "", "alice").json(&question),
    ] {
        let fired = stack.running.local.faults().report()[0].fired;
        let before = ended();
        let asked = tokio::spawn(request.header("last-event-id", last).send());
        if let Some((status, body)) = expected {
            let response = within("a response", asked).await.expect("no panic");
            let response = response.expect("a response");
            assert_eq!(response.status().as_u16(), status);
            let kind = response.headers()["content-type"].clone();
            assert_eq!(kind == "text/event-stream", status == 200, "{kind:?}");
            assert_eq!(response.text().await.expect("whole"), body);
        } else {
            // The function has returned, and another request was answered meanwhile. This one still waits.
            let answered = || async { (ended() > before).then_some(()) };
            eventually("the function's end", answered).await;
            text(&stack, &Uuid::new_v4().to_string()).await;
            assert!(!asked.is_finished(), "it should be kept open");
            asked.abort();
        }
        let times = if expected.is_some() { 1 } else { 2 };
        let report = stack.running.local.faults().report();
        assert_eq!(report[0].fired, fired + times);
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn whoever_has_everything_is_told_so_at_once() {
    check("no-content", false, Some((204, ""))).await;
}

#[tokio::test]
async fn where_even_a_204_is_kept_open_a_setting_answers_with_a_byte() {
    check("no-content", true, None).await;
    check("event-stream", true, Some((200, ": no events\n\n"))).await;
}
