//! Messages that no worker can answer end in the dead-letter queue as they came, and can be put back.

use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName};
use local_stack::config::{FaultRule, ModelException, ModelFault};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::{Value, json};
use system_tests::stack::{faulty, script, text_of, whole_of};
use system_tests::{Channel, TestStack, collect, eventually, over_each_channel};
use tokencast::stack::WORKER_FUNCTION;
use uuid::Uuid;

async fn stack() -> TestStack {
    stack_over(Channel::AppSync).await
}

async fn stack_over(channel: Channel) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(100, Duration::from_millis(20));
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await
}

#[tokio::test]
async fn what_is_no_job_ends_in_the_dead_letter_queue_as_it_came() {
    let stack = stack().await;
    let invoked = Rule::new(
        FaultService::Lambda,
        WORKER_FUNCTION,
        Fault::Delay { ms: 0 },
    );
    let plan = FaultPlan::default().with(invoked);
    stack.running.local.faults().set(plan).expect("a plan");
    let other_version =
        json!({ "version": 4, "sessionId": Uuid::new_v4(), "new": "fields" }).to_string();
    let bodies = ["no JSON at all \u{1F980}", "{}", &other_version];
    for body in bodies {
        stack.send(body).await;
    }
    let mut dead = stack.dead_letters(3).await;
    dead.sort();
    let mut expected = bodies.map(str::to_owned);
    expected.sort();
    assert_eq!(dead, expected);
    let invocations = stack.running.local.faults().report()[0].matched;
    assert_eq!(invocations, 3, "each is out of the way after one receive");
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    let listed = stack.redrive(&["--list"]).await;
    assert!(
        listed.len() == 3 && listed.iter().all(|letter| letter["sessionId"].is_null()),
        "{listed:?}"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_foreign_job_ends_in_the_dead_letter_queue_with_its_attributes_and_its_group() {
    let stack = stack().await;
    let id = Uuid::new_v4();
    let answer = collect(stack.client("alice").stream_as(id, "A prompt")).await;
    assert!(answer.expect("an answer").is_completed());
    let foreign = json!({
        "version": 4, "sessionId": id, "owner": "somebody else", "prompt": "Another",
        "requestedAtMs": 1_767_312_000_000_u64,
    });
    let foreign = foreign.to_string();
    let attribute = |data_type: &str| MessageAttributeValue::builder().data_type(data_type);
    let number = attribute("Number")
        .string_value("7")
        .build()
        .expect("valid");
    let bytes = attribute("Binary.png").binary_value(Blob::new([0, 255]));
    let bytes = bytes.build().expect("valid");
    let send = stack.sqs().send_message().queue_url(stack.queue_url());
    let send = send.message_body(&foreign).message_group_id("group");
    let send = send
        .message_attributes("number", number.clone())
        .message_attributes("bytes", bytes.clone());
    send.send().await.expect("sent");
    assert_eq!(stack.dead_letters(1).await, [foreign]);
    let receive = stack.sqs().receive_message();
    let receive = receive.queue_url(stack.dead_letter_queue_url());
    let receive = receive
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
    let received = receive.send().await.expect("received");
    let [message] = received.messages() else {
        panic!("one message: {received:?}")
    };
    let attributes = message.message_attributes().expect("attributes");
    assert_eq!(
        (&attributes["number"], &attributes["bytes"]),
        (&number, &bytes)
    );
    let system = message.attributes().expect("attributes");
    assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "group");
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

/// The worker dies after its message has gone to the dead-letter queue, and before it is deleted from the queue.
#[tokio::test]
async fn a_crash_between_move_and_acknowledgement_doubles_nothing_that_shows() {
    let stack = TestStack::start_with(|options| {
        let down = FaultRule::always(ModelFault::Refuse(ModelException::InternalServer));
        options.script = faulty(20, Duration::from_millis(5), vec![down]);
        options.worker_variable("LEASE_SECONDS", "1");
        options.worker_variable("MAX_ATTEMPTS", "1");
    })
    .await;
    let killed = Fault::KillCaller { handled: true };
    let killed = Rule::new(FaultService::Sqs, "SendMessage", killed).called_by(WORKER_FUNCTION);
    let plan = FaultPlan::default().with(killed.times(1));
    stack.running.local.faults().set(plan).expect("a plan");
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let answer = collect(client.stream_as(id, "A prompt")).await;
    assert_eq!(answer.expect("an answer").failure(), Some("MODEL_ERROR"));
    let bodies = stack.dead_letters(2).await;
    assert_eq!(bodies[0], bodies[1], "two copies");
    assert_eq!(stack.running.local.faults().report()[0].fired, 1);
    stack.queue_is_empty().await;

    stack.script(script(20, Duration::from_millis(5)));
    assert_eq!(stack.redrive(&["--all"]).await.len(), 2);
    let answer = eventually("the completed session", || async {
        let answer = collect(client.resume(id)).await.expect("an answer");
        answer.is_completed().then_some(answer)
    });
    let answer = answer.await;
    assert_eq!(answer.text, whole_of(&answer.text, 20));
    stack.queue_is_empty().await;
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        2,
        "answered once"
    );
    stack.shutdown().await;
}

over_each_channel! {
    async fn a_prompt_that_kills_each_time_fails_and_completes_once_the_cause_is_gone(channel) {
        check_deadly(channel).await;
    }
}

async fn check_deadly(channel: Channel) {
    let stack = stack_over(channel).await;
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let lambda = stack.running.local.lambda();
    let (answer, ()) = tokio::join!(collect(client.stream_as(id, "A deadly prompt")), async {
        for call in 1..=3 {
            let said = stack
                .running
                .local
                .bedrock()
                .wait_until(|calls| calls.len() == call && calls[call - 1].tokens_sent >= 10);
            system_tests::within("the next attempt", said).await;
            let busy = match call {
                1 => stack.busy_function().await,
                _ => stack.busy_worker().await,
            };
            assert!(lambda.kill(busy.pid));
        }
    });
    let answer = answer.expect("an answer");
    assert_eq!(answer.failure(), Some("INTERNAL"));
    assert!(
        whole_of(&answer.text, 100).starts_with(&answer.text),
        "a part of one answer: {}",
        answer.text
    );
    let bodies = stack.dead_letters(1).await;
    let job: Value = serde_json::from_str(&bodies[0]).expect("the job");
    assert_eq!(
        (&job["sessionId"], &job["prompt"]),
        (&json!(id), &json!("A deadly prompt"))
    );

    let id_text = id.to_string();
    let listed = stack.redrive(&["--list"]).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&listed[0]["sessionId"], &listed[0]["code"]),
        (&json!(id_text), &json!("INTERNAL"))
    );
    assert!(
        !listed[0].to_string().contains("deadly"),
        "no prompt is shown"
    );
    assert_eq!(
        stack.dead_letters(1).await.len(),
        1,
        "listing takes nothing out"
    );

    let put_back = stack.redrive(&["--session", &id_text]).await;
    assert_eq!(put_back[0]["putBack"], json!(true));
    let answer = eventually("the completed session", || async {
        let session = stack.get_stream("alice", &id_text).await;
        (session["status"] == json!("COMPLETED")).then_some(session)
    })
    .await;
    assert_eq!(answer["text"], json!(text_of(4, 100)));
    stack.queue_is_empty().await;
    assert_eq!(stack.messages_in(&stack.dead_letter_queue_url()).await, 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn all_of_them_can_be_put_back_at_once() {
    let stack = TestStack::start_with(|options| {
        let down = FaultRule::always(ModelFault::Refuse(ModelException::AccessDenied));
        options.script = faulty(20, Duration::ZERO, vec![down]);
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await;
    let client = stack.client("alice");
    let ids: Vec<_> = (0..3).map(|_| Uuid::new_v4()).collect();
    let failed = ids
        .iter()
        .map(|id| collect(client.stream_as(*id, "A prompt")));
    for answer in futures_util::future::join_all(failed).await {
        assert_eq!(
            answer.expect("an answer").failure(),
            Some("MODEL_UNAVAILABLE")
        );
    }
    stack.dead_letters(3).await;
    stack.script(script(20, Duration::ZERO));
    assert_eq!(stack.redrive(&["--all"]).await.len(), 3);
    for id in ids {
        let answer = eventually("the completed session", || async {
            let answer = collect(client.resume(id)).await.expect("an answer");
            answer.is_completed().then_some(answer)
        });
        let text = answer.await.text;
        assert_eq!(text, whole_of(&text, 20));
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_session_without_a_dead_letter_is_an_error() {
    let stack = stack().await;
    let port = stack.running.info.endpoints.address.port().to_string();
    let id = Uuid::new_v4().to_string();
    let output = stack
        .command(&["redrive", "--local", &port, "--session", &id])
        .await;
    assert_eq!(output.status.code(), Some(3));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        complaint.contains(&format!("the dead-letter queue has no job of session {id}")),
        "{complaint}"
    );
    stack.shutdown().await;
}
