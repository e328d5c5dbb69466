//! Faults of a function URL.

use tokencast_local::faults::{Fault, FaultService, Rule};

use crate::delivery_support::within;
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
