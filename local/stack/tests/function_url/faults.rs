//! Faults of a function URL.

use std::time::Duration;

use local_faults::{Fault, FaultService, Rule};
use local_stack::testing::{eventually, within};

use crate::stack::{Url, until_broken};

fn invoke(fault: Fault) -> Rule {
    Rule::new(FaultService::FunctionUrl, "Invoke", fault)
}

#[tokio::test]
async fn a_request_fails_as_planned() {
    let url = Url::start().await;
    url.stack
        .set(invoke(Fault::error("TooManyRequestsException")).times(1));
    assert_eq!(url.get("/echo").await.status(), 429);
    url.stack.set(invoke(Fault::Reset).times(1));
    assert!(within(url.try_get("/echo")).await.is_err());
    assert!(!url.was_started());
    url.stack.set(invoke(Fault::LostAnswer).times(1));
    assert!(within(url.try_get("/echo")).await.is_err());
    url.stack.note("echo.done").await;
    url.stack.set(invoke(Fault::Delay { ms: 1 }));
    assert_eq!(url.get("/echo").await.status(), 200);
    assert_eq!(url.stack.local.faults().report()[0].fired, 1);
    url.stop().await;
}

#[tokio::test]
async fn a_body_ends_as_planned() {
    let url = Url::start().await;
    for number in 1..=3 {
        url.stack.open_gate(&format!("gate {number}"));
    }
    url.stack
        .set(invoke(Fault::StreamReset { after_tokens: 2 }));
    let response = url.get("/steps").await;
    assert_eq!(until_broken(response).await, "step 1\nstep 2\n");
    url.stack.set(invoke(Fault::StreamCut { after_tokens: 1 }));
    let text = within(url.get("/steps").await.text()).await;
    assert_eq!(text.expect("a whole body"), "step 1\n");
    url.stack
        .set(invoke(Fault::StreamStall { after_tokens: 1 }));
    let mut response = url.get("/steps").await;
    let first = within(response.chunk()).await.expect("no end");
    assert_eq!(first.expect("a chunk"), "step 1\n");
    assert_eq!(url.stack.local.faults().report()[0].fired, 1);
    drop(response);
    url.stop().await;
}

/// Checks whether an empty response is sent while empty responses are held.
async fn check_held(path: &str, even_if_length_is_zero: bool, is_answered: bool) {
    let url = Url::start().await;
    url.stack.set(invoke(Fault::HoldEmpty {
        even_if_length_is_zero,
    }));
    let mut asking = tokio::spawn({
        let (http, url) = (url.http.clone(), url.at(path));
        async move { http.get(url).send().await }
    });
    let name = path.trim_matches('/');
    url.stack.note(&format!("{name}.done")).await;
    // The function has ended, and its process is free again.
    eventually(async || {
        let processes = url.stack.local.lambda().processes("chat");
        processes
            .iter()
            .all(|it| it.request_id.is_none())
            .then_some(())
    })
    .await;
    if is_answered {
        let response = within(asking).await.expect("no panic");
        within(response.expect("an answer").bytes())
            .await
            .expect("a body");
    } else {
        let early = tokio::time::timeout(Duration::from_millis(100), &mut asking).await;
        early.expect_err("held");
        asking.abort();
    }
    assert_eq!(url.stack.local.faults().report()[0].fired, 1);
    url.stop().await;
}

#[tokio::test]
async fn a_response_without_a_byte_is_held_as_planned() {
    check_held("/empty", false, false).await;
    check_held("/empty-of-length-0", false, true).await;
    check_held("/empty-of-length-0", true, false).await;
    check_held("/echo", true, true).await;
}

#[tokio::test]
async fn a_process_that_is_killed_in_its_response_breaks_it_off() {
    let url = Url::start().await;
    url.stack.set(Rule::new(
        FaultService::Lambda,
        "chat",
        Fault::Kill { after_ms: 0 },
    ));
    match within(url.try_get("/stall")).await {
        Ok(response) if response.status() == 502 => {}
        Ok(response) => {
            until_broken(response).await;
        }
        Err(error) => panic!("{error}"),
    }
    url.stop().await;
}
