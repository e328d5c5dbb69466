//! A reader who is slow.

use std::time::Duration;

use system_tests::stack::script;
use system_tests::{TestStack, eventually};

/// An event of a token is some 250 bytes, so these are more than all buffers between model and reader can hold.
const TOKENS: usize = 120_000;

#[tokio::test]
async fn a_slow_reader_slows_the_model() {
    let stack = TestStack::start_with(|options| {
        let mut script = script(0, Duration::ZERO);
        script.tokens = Some(vec!["a ".to_owned(); TOKENS]);
        options.script = script;
        options.stream_url_variable("PUBLISH_MODE", "token");
        options.stream_url_variable("MAX_TOKENS", "200000");
    })
    .await;
    let mut events = stack.url_ask(None).await;
    events.take(1).await;
    let sent = || stack.running.local.bedrock().calls()[0].tokens_sent;
    // Nobody reads: after a while the model says no more, with much of its answer still to come.
    let before = std::cell::Cell::new((0, 0));
    let stopped_at = eventually("a model that waits", || async {
        let (last, looks) = before.get();
        let now = sent();
        before.set(if now == last {
            (now, looks + 1)
        } else {
            (now, 0)
        });
        (looks >= 50).then_some(now)
    })
    .await;
    assert!(stopped_at < TOKENS as u64, "the model was not slowed");
    println!("the model waits after {stopped_at} tokens");
    let mut said = 1;
    while let Some(event) = events.next().await.expect("whole") {
        said += usize::from(event.kind == "token");
    }
    assert_eq!(said, TOKENS);
    assert_eq!(sent(), TOKENS as u64);
    stack.shutdown().await;
}
