//! Faults of connects, messages and `@connections`.

use aws_sdk_apigatewaymanagement::error::ProvideErrorMetadata as _;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use local_faults::{Fault, FaultService, Rule};
use local_stack::testing::within;

use crate::stack::{Api, Socket};

fn data(fault: Fault) -> Rule {
    Rule::new(FaultService::WebSocket, "data", fault)
}

async fn post(api: &Api, id: &str, text: &str) -> Result<(), String> {
    let client = api.management();
    let post = client.post_to_connection().connection_id(id);
    let posted = within(post.data(Blob::new(text)).send()).await;
    posted
        .map(|_| ())
        .map_err(|error| error.code().unwrap_or("no answer").to_owned())
}

async fn connected(api: &Api) -> (Socket, String) {
    let socket = api.connect().await;
    let id = api.only_connection().await;
    (socket, id)
}

#[tokio::test]
async fn a_message_is_dropped_repeated_reordered_or_cuts_the_socket() {
    let api = Api::start().await;
    let (mut socket, id) = connected(&api).await;
    let send = async |texts: &[&str]| {
        for text in texts {
            post(&api, &id, text).await.expect("taken");
        }
    };
    api.stack.set(data(Fault::Drop).containing("a"));
    send(&["a", "b"]).await;
    assert_eq!(socket.text().await, "b");
    api.stack.set(data(Fault::Repeat { times: 1 }).times(1));
    send(&["c", "d"]).await;
    assert_eq!(socket.text().await, "c");
    assert_eq!(socket.text().await, "c");
    assert_eq!(socket.text().await, "d");
    let within_ms = 60_000;
    let window = 2;
    api.stack
        .set(data(Fault::Reorder { window, within_ms }).times(2));
    send(&["e", "f"]).await;
    assert_eq!(socket.text().await, "f");
    assert_eq!(socket.text().await, "e");
    api.stack.set(data(Fault::Disconnect).times(1));
    send(&["g"]).await;
    socket.cut().await;
    api.no_connection().await;
    api.stop().await;
}

#[tokio::test]
async fn a_post_fails_as_planned() {
    let api = Api::start().await;
    let (mut socket, id) = connected(&api).await;
    let rule = |fault| Rule::new(FaultService::ExecuteApi, "PostToConnection", fault);
    api.stack.set(rule(Fault::error("GoneException")).times(1));
    assert_eq!(post(&api, &id, "a").await, Err("GoneException".to_owned()));
    api.stack.set(rule(Fault::Reset).times(1));
    assert_eq!(post(&api, &id, "b").await, Err("no answer".to_owned()));
    api.stack.set(rule(Fault::LostAnswer).times(1));
    assert_eq!(post(&api, &id, "c").await, Err("no answer".to_owned()));
    assert_eq!(socket.text().await, "c");
    api.stack.set(rule(Fault::Delay { ms: 1 }).containing("d"));
    post(&api, &id, "d").await.expect("taken");
    assert_eq!(socket.text().await, "d");
    assert_eq!(api.stack.local.faults().report()[0].fired, 1);
    api.stop().await;
}

#[tokio::test]
async fn an_outage_cuts_the_sockets() {
    let api = Api::start().await;
    let (mut socket, _) = connected(&api).await;
    let connect = Rule::new(
        FaultService::WebSocket,
        "connect",
        Fault::error("InternalServerErrorException"),
    );
    api.stack.set(connect);
    let refused = api.try_connect("?token=ada", &[]).await.err();
    assert_eq!(refused.map(|(status, _)| status), Some(500));
    api.stack.set(Rule::new(
        FaultService::WebSocket,
        "connect",
        Fault::Unavailable { for_ms: None },
    ));
    let url = format!("{}?token=ada", api.url());
    let refused = within(Box::pin(tokio_tungstenite::connect_async(url))).await;
    assert!(refused.is_err());
    socket.cut().await;
    api.no_connection().await;
    api.stop().await;
}

#[tokio::test]
async fn an_authorizer_that_is_killed_refuses() {
    let api = Api::start().await;
    api.stack.set(Rule::new(
        FaultService::Lambda,
        "authorizer",
        Fault::error("Runtime.ExitError"),
    ));
    let refused = api.try_connect("?token=ada", &[]).await.err();
    assert_eq!(refused.map(|(status, _)| status), Some(500));
    api.stop().await;
}
