//! Sockets break, pages are reloaded, the network fails. The text is whole nevertheless.

use std::time::Duration;

use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use system_tests::stack::{script, text};
use system_tests::{Channel, TestStack, collect, over_each_channel};
use uuid::Uuid;

const TOKENS: usize = 200;

async fn stack(channel: Channel) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(TOKENS, Duration::from_millis(10));
    })
    .await
}

over_each_channel! {
    async fn a_connection_cut_again_and_again_costs_no_token(channel) {
        check_cut(channel).await;
    }

    async fn a_reload_from_nothing_but_the_id_has_it_all(channel) {
        check_reload(channel).await;
    }
}

async fn check_cut(channel: Channel) {
    let stack = stack(channel).await;
    if channel == Channel::FunctionUrl {
        // Each response breaks off after so many pieces, and so do those of the first reconnects.
        let reset = Fault::StreamReset {
            after_tokens: 1 + fastrand::u64(..30),
        };
        let rule = Rule::new(FaultService::FunctionUrl, "Invoke", reset).times(3);
        let plan = FaultPlan::seeded(1).with(rule);
        stack.running.local.faults().set(plan).expect("a plan");
    }
    let stream = stack.client("alice").stream("Why do rivers meander?");
    let (answer, ()) = tokio::join!(collect(stream), async {
        for tokens in [1, 20 + fastrand::u64(..30), 100 + fastrand::u64(..30)] {
            stack.model_said(tokens).await;
            stack.running.local.connections().drop_websockets();
        }
    });
    let answer = answer.expect("an answer");
    assert_eq!((answer.text, answer.restarts), (text(TOKENS), 0));
    assert!(answer.reconnects >= 1, "{} reconnects", answer.reconnects);
    stack.shutdown().await;
}

async fn check_reload(channel: Channel) {
    let stack = stack(channel).await;
    let id = Uuid::new_v4();
    let mut tab = stack
        .client("alice")
        .stream_as(id, "Why do rivers meander?");
    for tokens in [5, 60, 120] {
        stack.model_said(tokens).await;
        drop(tab);
        tab = stack.client("alice").resume(id);
    }
    let answer = collect(tab).await.expect("an answer");
    assert_eq!((answer.text, answer.restarts), (text(TOKENS), 0));
    stack.shutdown().await;
}
