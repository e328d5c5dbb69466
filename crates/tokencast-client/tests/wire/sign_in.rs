//! Users who sign in, and tokens that end.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokencast_client::cognito::{SignInError, UserPool};
use tokencast_client::{Client, Credentials, Error};

use client_fakes::{FakeApi, fast};

/// The flows that were asked for, in their order.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// A pool whose tokens live for `lifetime_s`, and are numbered.
pub(crate) async fn pool(lifetime_s: u64) -> (UserPool, Asked) {
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let endpoint = format!("http://{}/", listener.local_addr().expect("an address"));
    let app = axum::Router::new().route(
        "/",
        post(
            move |State(asked): State<Asked>, headers: HeaderMap, body: String| {
                std::future::ready(answer(lifetime_s, &asked, &headers, &body))
            },
        ),
    );
    let app = app.with_state(asked.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (
        UserPool {
            endpoint,
            client_id: "client".into(),
            pool_id: None,
        },
        asked,
    )
}

fn answer(lifetime_s: u64, asked: &Asked, headers: &HeaderMap, body: &str) -> (StatusCode, String) {
    assert_eq!(
        headers["x-amz-target"],
        "AWSCognitoIdentityProviderService.InitiateAuth"
    );
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["ClientId"], "client");
    let flow = body["AuthFlow"].as_str().expect("a flow").to_owned();
    let number = {
        let mut asked = asked.lock().expect("not poisoned");
        asked.push(flow.clone());
        asked.len()
    };
    let parameters = &body["AuthParameters"];
    let refused = |code: &str| {
        (
            StatusCode::BAD_REQUEST,
            json!({ "__type": code, "message": "no" }).to_string(),
        )
    };
    match (flow.as_str(), parameters["PASSWORD"].as_str()) {
        ("USER_PASSWORD_AUTH", Some("mfa")) => (
            StatusCode::OK,
            json!({ "ChallengeName": "SMS_MFA" }).to_string(),
        ),
        ("USER_PASSWORD_AUTH", Some("right")) | ("REFRESH_TOKEN_AUTH", _) => {
            let mut result =
                json!({ "AccessToken": format!("token-{number}"), "ExpiresIn": lifetime_s });
            if flow == "USER_PASSWORD_AUTH" {
                result["RefreshToken"] = "refresh".into();
            } else {
                assert_eq!(parameters["REFRESH_TOKEN"], "refresh");
            }
            (
                StatusCode::OK,
                json!({ "AuthenticationResult": result }).to_string(),
            )
        }
        ("USER_PASSWORD_AUTH", _) => refused("NotAuthorizedException"),
        _ => refused("InvalidParameterException"),
    }
}

pub(crate) fn client(api: &FakeApi, pool: UserPool, password: &str) -> Client {
    let credentials = Credentials::user(pool, "alice", password);
    Client::builder(&api.url)
        .credentials(credentials)
        .timeouts(fast())
        .build()
        .expect("a client")
}

#[tokio::test]
async fn many_callers_sign_in_once() {
    let mut api = FakeApi::start().await;
    let (pool, asked) = pool(3_600).await;
    let client = client(&api, pool, "right");
    let get = || client.get(uuid::Uuid::nil());
    let (first, second, third) = tokio::join!(get(), get(), get());
    for result in [first, second, third] {
        assert_eq!(result.expect("an answer"), None);
        assert_eq!(api.call("GetStream").await.authorization, "token-1");
    }
    assert_eq!(*asked.lock().expect("not poisoned"), ["USER_PASSWORD_AUTH"]);
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed_with_the_refresh_token() {
    let mut api = FakeApi::start().await;
    // No token of this pool is good for any time at all.
    let (pool, asked) = pool(0).await;
    let client = client(&api, pool, "right");
    for expected in ["token-1", "token-2", "token-3"] {
        client.get(uuid::Uuid::nil()).await.expect("an answer");
        assert_eq!(api.call("GetStream").await.authorization, expected);
    }
    let flows = [
        "USER_PASSWORD_AUTH",
        "REFRESH_TOKEN_AUTH",
        "REFRESH_TOKEN_AUTH",
    ];
    assert_eq!(*asked.lock().expect("not poisoned"), flows);
}

async fn check_refusal(pool_id: Option<&str>, password: &str, expected: &str) {
    let api = FakeApi::start().await;
    let (mut pool, _) = pool(3_600).await;
    pool.pool_id = pool_id.map(str::to_owned);
    let refused = client(&api, pool, password).get(uuid::Uuid::nil()).await;
    let Err(Error::SignIn(error)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_refused_sign_in_is_typed() {
    check_refusal(None, "wrong", "Cognito refused the credentials: no").await;
    check_refusal(
        None,
        "mfa",
        "Cognito asks for `SMS_MFA`, which this client can't answer",
    )
    .await;
    check_refusal(
        Some("us-east-1_Pool"),
        "right",
        "Cognito answered InvalidParameterException: no",
    )
    .await;
    let wrong = SignInError::PoolId("pool".into()).to_string();
    check_refusal(Some("pool"), "right", &wrong).await;
}
