//! An id in capital letters and the same id in small letters are one session, over every channel.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use system_tests::stack::text;
use system_tests::url::text_of;
use system_tests::websocket::Followed;
use system_tests::{Channel, TestStack, eventually, over_each_channel, within};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

use crate::ask::start;

/// Returns an id with capital letters, as Swift and some others write it.
fn capital_id() -> String {
    let mut id = Uuid::new_v4().to_string().to_uppercase();
    id.replace_range(..1, "A");
    id
}

over_each_channel! {
    async fn an_id_is_the_same_in_capital_letters(channel) {
        let stack = TestStack::start().await;
        let capital = capital_id();
        let small = capital.to_lowercase();
        assert_eq!(start(&stack, channel, &capital, "Why?").await, Ok(()));
        for id in [&small, &capital] {
            let session = eventually("the answer", || async {
                let session = stack.get_stream("alice", id).await;
                (session["status"] == "COMPLETED").then_some(session)
            })
            .await;
            assert_eq!((&session["sessionId"], &session["text"]), (&json!(small), &json!(text(100))));
            let events = stack.url_resume(id, None).await.rest().await;
            assert_eq!(text_of(&events), text(100));
            assert_eq!(events[0].data["sessionId"], json!(small));
            for again in Channel::ALL {
                assert_eq!(start(&stack, again, id, "Why?").await, Ok(()), "{again:?}");
                start(&stack, again, id, "Why not?").await.expect_err("another prompt");
            }
            assert_eq!(stack.url_stop(id).await.1["sessionId"], json!(small));
        }
        let mut socket = stack.websocket("alice").await;
        let message = json!({ "action": "resume", "sessionId": capital });
        assert_eq!(socket.ask(&message, "resumed").await["sessionId"], json!(small));
        socket.sessions.insert(small.clone(), Followed::default());
        assert_eq!(socket.end_of(&small).await.text, text(100));
        assert_eq!(stack.running.local.bedrock().calls().len(), 1);
        assert_eq!(stack.sessions().await, 1);
        stack.shutdown().await;
    }
}

/// AppSync compares a subscription's argument with each event's id. A subscription in capital letters would get no
/// event.
#[tokio::test]
async fn a_subscription_in_capital_letters_is_refused_rather_than_silent() {
    let stack = TestStack::start().await;
    let capital = capital_id();
    let small = capital.to_lowercase();
    let refused = subscribe(&stack, &capital).await;
    assert_eq!(refused["type"], "error", "{refused}");
    let message = refused["payload"]["errors"][0]["message"].as_str();
    let expected = format!(
        "sessionId has capital letters: expected `{small}`, as each event of the session has it"
    );
    assert_eq!(message, Some(&*expected), "{refused}");
    assert_eq!(stack.sessions().await, 0, "nothing is claimed");
    assert_eq!(subscribe(&stack, &small).await["type"], "start_ack");
    stack.shutdown().await;
}

/// Returns the reply to a subscription as `alice`.
async fn subscribe(stack: &TestStack, id: &str) -> Value {
    let endpoints = &stack.running.info.endpoints;
    let graphql = endpoints.graphql_url();
    let host = graphql.split('/').nth(2).expect("a host");
    let authorization = json!({ "host": host, "Authorization": stack.access_token("alice") });
    let header = STANDARD.encode(authorization.to_string());
    let url = format!(
        "{}/realtime?header={header}&payload=e30=",
        graphql.replace("http://", "ws://")
    );
    let mut request = url.into_client_request().expect("a URL");
    let protocol = "graphql-ws".parse().expect("a value");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = Box::pin(within("a handshake", connect_async(request)))
        .await
        .expect("connected");
    let query = "subscription($id: String!) { onTokenReceived(sessionId: $id) { token } }";
    let data = json!({ "query": query, "variables": { "id": id } }).to_string();
    let start = json!({ "id": "1", "type": "start", "payload": { "data": data, "extensions": { "authorization": authorization } } });
    let sent = socket.send(Message::text(start.to_string())).await;
    sent.expect("sent");
    loop {
        let frame = within("a frame", socket.next()).await.expect("alive");
        let Message::Text(frame) = frame.expect("a frame") else {
            continue;
        };
        let frame: Value = serde_json::from_str(&frame).expect("JSON");
        if frame["id"] == "1" {
            return frame;
        }
    }
}
