//! What a client may do wrong, and the error that it gets. Nothing is enqueued.

use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use local_stack::invoke::{Invoke as _, InvokeError};
use serde_json::{Value, json};
use system_tests::graphql::only_error;
use system_tests::stack::text;
use system_tests::{TestStack, collect};
use tokencast::stack::REQUEST_FUNCTION;
use tokencast_client::Error;
use uuid::Uuid;

/// Checks a start that is refused with a type and a message, and leaves nothing behind.
async fn check_start(stack: &TestStack, prompt: &str, id: Option<&str>, expected: (&str, &str)) {
    let before = stack.sessions().await;
    let answer = stack.start_stream("alice", prompt, id).await;
    assert_eq!(only_error(&answer), expected, "{answer}");
    assert_eq!(answer["data"], Value::Null);
    assert_eq!(
        stack.messages_in(&stack.queue_url()).await,
        0,
        "nothing is enqueued"
    );
    assert_eq!(stack.sessions().await, before, "no session is made");
}

#[tokio::test]
async fn a_bad_start_is_refused_with_what_was_expected() {
    let stack = TestStack::start_with(|options| {
        let limit = ("MAX_PROMPT_BYTES".to_owned(), "1000".to_owned());
        options.stack.request_environment.extend([limit]);
    })
    .await;
    let empty = ("INVALID_PROMPT", "prompt is empty: expected some text");
    check_start(&stack, "", None, empty).await;
    check_start(&stack, " \n\t ", None, empty).await;
    let long = (
        "INVALID_PROMPT",
        "prompt has 1002 bytes: expected at most 1000",
    );
    check_start(&stack, &"é".repeat(501), None, long).await;
    let no_uuid = (
        "INVALID_PROMPT",
        "sessionId is not a UUID: expected the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    );
    for id in [
        "",
        "my session",
        "67e5504410b1426f9247bb680e5fe0c8",
        "../../etc",
    ] {
        check_start(&stack, "A prompt", Some(id), no_uuid).await;
    }
    let exactly = stack.start_stream("alice", &"é".repeat(500), None).await;
    assert_eq!(
        exactly["data"]["startStream"]["status"],
        json!("streaming_started"),
        "{exactly}"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn by_default_a_prompt_has_a_hundred_thousand_bytes() {
    let stack = TestStack::start().await;
    let long = (
        "INVALID_PROMPT",
        "prompt has 100001 bytes: expected at most 100000",
    );
    check_start(&stack, &"x".repeat(100_001), None, long).await;
    let answer = collect(stack.client("alice").stream("x".repeat(100_000)))
        .await
        .expect("an answer");
    assert_eq!(answer.text, text(100));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_session_is_its_owners_alone() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4();
    collect(stack.client("alice").stream_as(id, "Mine"))
        .await
        .expect("an answer");
    let theirs = ("UNAUTHORIZED", "the session belongs to someone else");
    let id_text = id.to_string();

    let started = stack.start_stream("bob", "Mine now", Some(&id_text)).await;
    assert_eq!(only_error(&started), theirs);
    let stopped = stack.stop_stream("bob", &id_text).await;
    assert_eq!(only_error(&stopped), theirs);
    // A read doesn't tell whether another user has the id.
    for field in [
        "getStream(sessionId: $id) { text }",
        "getStreamStatus(sessionId: $id) { status }",
    ] {
        let document = format!("query($id: String!) {{ found: {field} }}");
        let read = async |id: &str| {
            let variables = json!({ "id": id });
            stack.graphql("bob", &document, variables).await
        };
        let unknown = read(&Uuid::new_v4().to_string()).await;
        assert_eq!(unknown, json!({ "data": { "found": null } }));
        assert_eq!(read(&id_text).await, unknown);
    }
    let listened = collect(stack.client("bob").resume(id)).await;
    let listened = listened.expect_err("nothing to resume");
    // Either may come first: the record that he can't read, or the subscription that he can't have.
    assert!(
        matches!(
            listened,
            Error::NotFound { .. } | Error::Unauthorized { .. }
        ),
        "{listened}"
    );
    stack.shutdown().await;
}

/// Returns the request function's response to an event.
async fn invoke(stack: &TestStack, event: Value) -> Result<Value, InvokeError> {
    let lambda = stack.running.local.lambda();
    let event = event.to_string().into();
    let answer = lambda.invoke(REQUEST_FUNCTION, event).await?;
    Ok(serde_json::from_slice(&answer).expect("JSON"))
}

#[tokio::test]
async fn a_refusal_is_no_error_of_the_function() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4().to_string();
    for (event, expected) in [
        (
            json!({"field": "startStream", "arguments": {"prompt": ""}, "sub": "alice"}),
            "INVALID_PROMPT",
        ),
        (
            json!({"field": "getStream", "arguments": {"sessionId": "no UUID"}, "sub": "alice", "groups": null}),
            "INVALID_PROMPT",
        ),
        (
            json!({"field": "onTokenReceived", "arguments": {"sessionId": id}, "sub": null}),
            "UNAUTHORIZED",
        ),
        (
            json!({"field": "stopStream", "arguments": {"sessionId": id}}),
            "UNAUTHORIZED",
        ),
    ] {
        let answer = invoke(&stack, event.clone())
            .await
            .unwrap_or_else(|error| panic!("{event}: {error}"));
        assert_eq!(answer["error"]["type"], expected, "{event}: {answer}");
        assert_eq!(answer.get("data"), None, "{event}: {answer}");
    }
    let admitted =
        json!({"field": "onTokenReceived", "arguments": {"sessionId": id}, "sub": "alice"});
    let answer = invoke(&stack, admitted).await.expect("an answer");
    assert_eq!(answer, json!({"data": null}));
    stack.shutdown().await;
}

#[tokio::test]
async fn what_is_our_fault_is_an_error_of_the_function() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4().to_string();
    let broken = Fault::Error {
        error_type: "ValidationException".to_owned(),
        status: Some(400),
        message: None,
    };
    let plan = FaultPlan::default().with(Rule::new(FaultService::DynamoDb, "*", broken));
    stack.running.local.faults().set(plan).expect("a plan");
    for event in [
        json!({"field": "getStream", "arguments": {"sessionId": id}, "sub": "alice"}),
        json!({"field": "nobodysField", "arguments": {}, "sub": "alice"}),
    ] {
        let failed = invoke(&stack, event.clone()).await;
        let Err(InvokeError::Function { error_type, .. }) = failed else {
            panic!("{event}: {failed:?}")
        };
        assert_eq!(error_type, "INTERNAL", "{event}");
    }
    let document = "query($id: String!) { getStream(sessionId: $id) { text } }";
    let read = stack.graphql("alice", document, json!({ "id": id })).await;
    let message = "The request could not be handled: try again.";
    assert_eq!(only_error(&read), ("Lambda:Unhandled", message));
    let fired: u64 = stack
        .running
        .local
        .faults()
        .report()
        .iter()
        .map(|rule| rule.fired)
        .sum();
    assert!(fired >= 2, "the fault happened {fired} times");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_subscriber_claims_an_unknown_id() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4();
    assert_eq!(
        stack.get_stream("alice", &id.to_string()).await,
        Value::Null,
        "reading claims nothing"
    );
    // Alice listens first and starts late. Bob, who knows the id, tries in between.
    let answer = collect(stack.client("alice").stream_as(id, "Mine"))
        .await
        .expect("an answer");
    assert!(answer.is_completed());
    let listened = collect(stack.client("bob").stream_as(id, "Mine now"))
        .await
        .expect_err("refused");
    assert!(matches!(listened, Error::Unauthorized { .. }), "{listened}");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_user_may_not_publish() {
    let stack = TestStack::start().await;
    let document = "mutation { publishToken(sessionId: \"x\", token: \"forged\", isComplete: true) { token } }";
    let answer = stack.graphql("alice", document, json!({})).await;
    let (error_type, message) = only_error(&answer);
    assert_eq!(
        (error_type, message),
        (
            "Unauthorized",
            "Not Authorized to access publishToken on type Mutation"
        )
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn one_request_starts_no_more_sessions_than_a_deployed_api_allows() {
    let stack = TestStack::start().await;
    let starts = |count: usize| -> String {
        let fields =
            (0..count).map(|n| format!("s{n}: startStream(prompt: \"Why?\") {{ status }}"));
        format!("mutation {{ {} }}", fields.collect::<Vec<_>>().join(" "))
    };
    // The deployed API allows the contract's largest operation, and no more.
    for count in [84, 500] {
        let answer = stack.graphql("alice", &starts(count), json!({})).await;
        let (error_type, _) = only_error(&answer);
        assert_eq!(error_type, "ResolverCountLimitReached", "{answer}");
        assert_eq!(stack.sessions().await, 0, "none of {count} is started");
    }
    let answer = stack.graphql("alice", &starts(3), json!({})).await;
    assert_eq!(
        answer["data"]["s2"]["status"], "streaming_started",
        "{answer}"
    );
    stack.shutdown().await;
}
