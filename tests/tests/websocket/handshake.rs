//! Who may connect.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use system_tests::TestStack;
use system_tests::forged::{Pool, rows};
use system_tests::websocket::Shown;
use tempfile::TempDir;
use tokencast_aws::clock::SystemClock;
use tokencast_core::ports::Clock as _;

/// More bytes than API Gateway takes in headers and query string together.
const LONG: usize = 8 * 1024;

#[tokio::test]
async fn forged_tokens_are_refused() {
    let directory = TempDir::new().expect("a directory");
    let stack = TestStack::start_with(|options| {
        options.stack.state_dir = Some(directory.path().to_owned());
    })
    .await;
    let pool = pool(&stack, &directory);
    let now_s = SystemClock.now().as_secs();
    let rows = rows(&pool, now_s);
    assert!(rows.len() > 30, "a table worth its name");
    for row in rows {
        let connected = stack.websocket_with(Shown::InQuery, &row.token).await;
        match connected {
            Ok(_) => assert!(row.is_taken_by("our verifier"), "{} is taken", row.name),
            Err(status) => {
                assert!(!row.is_taken_by("our verifier"), "{}: {status}", row.name);
                assert!(
                    status == 401 || row.token.len() > LONG && (400..500).contains(&status),
                    "{}: {status}",
                    row.name
                );
            }
        }
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn without_a_token_nobody_connects() {
    let stack = TestStack::start().await;
    for shown in [Shown::InQuery, Shown::InHeader] {
        for token in ["", "x", "a.b.c"] {
            let refused = stack.websocket_with(shown, token).await.err();
            assert_eq!(refused, Some(401), "{shown:?} {token}");
        }
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_token_is_given_once() {
    let stack = TestStack::start().await;
    let token = stack.access_token("alice");
    assert!(stack.websocket_with(Shown::InHeader, &token).await.is_ok());
    let refused = stack.websocket_given_twice(&token).await.err();
    assert_eq!(refused, Some(401));
    stack.shutdown().await;
}

/// The stack's pool, with its private key.
fn pool(stack: &TestStack, directory: &TempDir) -> Pool {
    let info = &stack.running.info;
    let pool_id = &info.user_pool.pool_id;
    let token = stack.access_token("alice");
    let header = token.split('.').next().expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("Base64");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let pem = directory.path().join(format!("cognito-{pool_id}.pem"));
    let pem = std::fs::read_to_string(pem).expect("the pool's key");
    Pool::from_pem(
        &info.endpoints.issuer(pool_id),
        &info.user_pool.client_id,
        header["kid"].as_str().expect("a key's id"),
        &pem,
    )
}
