//! `graphql-transport-ws`.

use super::*;

fn spoken() -> RealtimeLimits {
    RealtimeLimits {
        graphql_transport_ws: true,
        ..RealtimeLimits::default()
    }
}

async fn client(stack: &Stack) -> Client {
    let client = stack.connect("/graphql", "graphql-transport-ws", &[]).await;
    assert_eq!(client.protocol.as_deref(), Some("graphql-transport-ws"));
    client
}

async fn ready(stack: &Stack) -> Client {
    let mut client = client(stack).await;
    client
        .send(json!({"type": "connection_init", "payload": stack.authorization()}))
        .await;
    assert_eq!(client.next().await, json!({"type": "connection_ack"}));
    client
}

fn subscribe(id: &str, session: &str) -> Value {
    let payload = json!({"query": "subscription", "variables": {"sessionId": session}});
    json!({"type": "subscribe", "id": id, "payload": payload})
}

#[tokio::test]
async fn a_subscription() {
    let stack = Stack::start(spoken()).await;
    let mut client = ready(&stack).await;
    client.send(subscribe("1", "a")).await;
    // The protocol has no acknowledgement, so this waits for the first event that arrives.
    let published = async {
        while stack.publish("a", "one") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, published)
        .await
        .expect("subscribed");
    let payload = json!({"data": {"onTokenReceived": {"token": "one"}}});
    assert_eq!(
        client.next().await,
        json!({"id": "1", "type": "next", "payload": payload})
    );
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.next().await, json!({"type": "pong"}));
    client.send(subscribe("2", "forbidden")).await;
    let frame = client.next().await;
    assert_eq!(
        (&frame["type"], &frame["id"]),
        (&json!("error"), &json!("2"))
    );
    assert_eq!(
        frame["payload"][0]["extensions"]["errorType"],
        "Unauthorized"
    );
    client.send(json!({"type": "complete", "id": "1"})).await;
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.next().await, json!({"type": "pong"}));
    assert_eq!(stack.publish("a", "late"), 0);
    stack.stop().await;
}

#[tokio::test]
async fn closes_of_the_protocol() {
    let stack = Stack::start(spoken()).await;
    let check = async |mut client: Client, messages: &[Value], code: u16| {
        for message in messages {
            client.send(message.clone()).await;
        }
        assert_eq!(client.closed().await, Some(code), "{messages:?}");
    };
    let init = || json!({"type": "connection_init"});
    check(client(&stack).await, &[subscribe("1", "a")], 4401).await;
    check(client(&stack).await, &[json!({"type": "nonsense"})], 4400).await;
    check(client(&stack).await, &[json!("nonsense")], 4400).await;
    check(ready(&stack).await, &[init()], 4429).await;
    check(
        ready(&stack).await,
        &[subscribe("1", "slow"), subscribe("1", "a")],
        4409,
    )
    .await;

    let mut anonymous = client(&stack).await;
    anonymous.send(init()).await;
    assert_eq!(anonymous.next().await["type"], "connection_ack");
    anonymous.send(subscribe("1", "a")).await;
    assert_eq!(
        anonymous.next().await["payload"][0]["extensions"]["errorType"],
        "UnauthorizedException"
    );
    stack.stop().await;
}

#[tokio::test]
async fn it_is_refused_unless_it_was_asked_for() {
    let stack = Stack::start(RealtimeLimits::default()).await;
    let mut client = client(&stack).await;
    client.send(json!({"type": "connection_init"})).await;
    let refused = client.next().await;
    assert_eq!(refused["type"], "connection_error");
    let error = &refused["payload"]["errors"][0];
    assert_eq!(error["message"], "SubProtocolNotSupportedError");
    assert_eq!(client.closed().await, Some(1000));
    stack.stop().await;
}
