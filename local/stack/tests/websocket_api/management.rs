//! `@connections`, through AWS's own client.

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::primitives::Blob;
use local_stack::testing::within;

use crate::stack::{Api, KEY, SECRET, STAGE, backend};

async fn post(client: &Client, id: &str, data: impl Into<Vec<u8>>) -> Result<(), (u16, String)> {
    let post = client.post_to_connection().connection_id(id);
    let posted = within(post.data(Blob::new(data)).send()).await;
    posted.map(|_| ()).map_err(|error| refusal(&error))
}

/// An error's status and name.
fn refusal<E: ProvideErrorMetadata>(
    error: &SdkError<E, aws_sdk_apigatewaymanagement::config::http::HttpResponse>,
) -> (u16, String) {
    let status = error.raw_response().map_or(0, |it| it.status().as_u16());
    let name = error.code().unwrap_or_default().to_owned();
    (status, name)
}

fn refused(status: u16, name: &str) -> Result<(), (u16, String)> {
    Err((status, name.to_owned()))
}

#[tokio::test]
async fn a_message_reaches_the_client() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    let id = api.only_connection().await;
    let client = api.management();
    for number in 1..=5 {
        let text = format!("{{\"n\":{number},\"text\":\"é\"}}");
        post(&client, &id, text.as_str()).await.expect("taken");
        assert_eq!(socket.text().await, text);
    }
    let count = api.stack.local.usage().of("executeapi", "PostToConnection");
    assert_eq!((count.count, count.units), (5, 5));
    api.stop().await;
}

#[tokio::test]
async fn a_connection_is_described() {
    let api = Api::start().await;
    let user_agent = [("user-agent", "test")];
    let connected = api.try_connect("?token=ada", &user_agent).await;
    let _socket = connected.expect("connected");
    let id = api.only_connection().await;
    let get = api.management().get_connection().connection_id(&id).send();
    let described = within(get).await.expect("described");
    let now_ms = api.stack.local.clock().now_ms();
    let connected_at = described.connected_at().expect("a time");
    let age_ms = now_ms - connected_at.to_millis().expect("in range");
    assert!((0..60_000).contains(&age_ms), "{age_ms}");
    assert!(described.last_active_at().expect("a time") >= connected_at);
    let identity = described.identity().expect("an identity");
    assert_eq!(identity.source_ip(), Some("127.0.0.1"));
    assert_eq!(identity.user_agent(), Some("test"));
    api.stop().await;
}

#[tokio::test]
async fn a_deleted_connection_is_closed_and_gone() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    let id = api.only_connection().await;
    let client = api.management();
    let delete = || within(client.delete_connection().connection_id(&id).send());
    delete().await.expect("deleted");
    assert_eq!(u16::from(socket.close_frame().await.code), 1000);
    let gone = (410, "GoneException".to_owned());
    assert_eq!(
        delete().await.map(|_| ()).map_err(|error| refusal(&error)),
        Err(gone.clone())
    );
    assert_eq!(post(&client, &id, "late").await, Err(gone.clone()));
    let get = within(client.get_connection().connection_id(&id).send()).await;
    let error = get.expect_err("gone");
    assert!(matches!(&error, SdkError::ServiceError(it) if it.err().is_gone_exception()));
    let event = api.stack.note(&format!("{id}.disconnect")).await;
    assert_eq!(event["requestContext"]["disconnectStatusCode"], 1000);
    api.stop().await;
}

#[tokio::test]
async fn a_connection_whose_client_left_is_gone() {
    let api = Api::start().await;
    let socket = api.connect().await;
    let id = api.only_connection().await;
    drop(socket);
    api.no_connection().await;
    let client = api.management();
    assert_eq!(
        post(&client, &id, "late").await,
        refused(410, "GoneException")
    );
    let no_id = post(&client, "nonsense", "late").await;
    assert_eq!(no_id, refused(400, "BadRequestException"));
    api.stop().await;
}

#[tokio::test]
async fn a_message_may_have_128_kilobytes() {
    let api = Api::start().await;
    let mut socket = api.connect().await;
    let id = api.only_connection().await;
    let client = api.management();
    let most = vec![b'x'; 128 * 1024];
    post(&client, &id, most.clone()).await.expect("taken");
    assert_eq!(socket.text().await.len(), most.len());
    let more = [most, b"x".to_vec()].concat();
    let too_large = refused(413, "PayloadTooLargeException");
    assert_eq!(post(&client, &id, more).await, too_large);
    api.stop().await;
}

#[tokio::test]
async fn only_a_key_that_may_is_heard() {
    let api = Api::start().await;
    let _socket = api.connect().await;
    let id = api.only_connection().await;
    let check = async |key: &str, secret: &str, name: &str| {
        let got = post(&api.management_with(key, secret), &id, "forged").await;
        assert_eq!(got, refused(403, name), "{key}");
    };
    check(KEY, "another", "InvalidSignatureException").await;
    check("AKIANOBODY", SECRET, "UnrecognizedClientException").await;
    let endpoints = api.stack.local.endpoints();
    let get_only = endpoints.websocket_arn(STAGE, "GET/@connections/*");
    let credentials = api.stack.local.credentials();
    credentials.insert(backend("AKIAREADER", &get_only));
    check("AKIAREADER", SECRET, "AccessDeniedException").await;
    let reader = api.management_with("AKIAREADER", SECRET);
    let get = within(reader.get_connection().connection_id(&id).send());
    get.await.expect("described");
    // Not signed at all.
    let url = format!(
        "{}/@connections/{id}",
        endpoints.websocket_callback_url(STAGE)
    );
    let http = reqwest::Client::builder().no_proxy().build();
    let unsigned = within(http.expect("a client").get(url).send()).await;
    let unsigned = unsigned.expect("an answer");
    assert_eq!(unsigned.status(), 403);
    let name = &unsigned.headers()["x-amzn-errortype"];
    assert_eq!(name, "MissingAuthenticationTokenException");
    api.stop().await;
}
