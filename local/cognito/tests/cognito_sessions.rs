//! Refresh, expiry, sign-out and restart of sessions, and the keys that verify tokens.

mod cognito_support;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use cognito_support::{CLIENT, PASSWORD, POOL, Pool, claims, start};

async fn get_user(pool: &Pool, tokens: &Value) -> Result<Value, String> {
    pool.call("GetUser", json!({ "AccessToken": tokens["AccessToken"] }))
        .await
}

async fn refresh(pool: &Pool, tokens: &Value) -> Result<Value, String> {
    let parameters = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
    Ok(pool.initiate("REFRESH_TOKEN_AUTH", parameters).await?["AuthenticationResult"].clone())
}

#[tokio::test]
async fn a_refresh_goes_on_with_the_session() {
    let pool = start(None).await;
    let tokens = pool
        .password_sign_in("alice", PASSWORD)
        .await
        .expect("signed in");
    pool.clock.advance(Duration::from_hours(2));
    let expired = get_user(&pool, &tokens).await.expect_err("expired");
    assert_eq!(expired, "NotAuthorizedException: Access Token has expired");
    let body = json!({ "RefreshToken": tokens["RefreshToken"], "ClientId": CLIENT });
    let newer = pool
        .call("GetTokensFromRefreshToken", body)
        .await
        .expect("refreshed");
    for fresh in [
        &refresh(&pool, &tokens).await.expect("refreshed"),
        &newer["AuthenticationResult"],
    ] {
        assert!(fresh.get("RefreshToken").is_none());
        let (old, new) = (
            claims(&tokens["AccessToken"]),
            claims(&fresh["AccessToken"]),
        );
        assert_eq!(
            (&old["auth_time"], &old["origin_jti"]),
            (&new["auth_time"], &new["origin_jti"])
        );
        assert_ne!(old["jti"], new["jti"]);
        let user = get_user(&pool, fresh).await.expect("a user");
        assert_eq!(user["Username"], "alice");
        assert!(
            user["UserAttributes"]
                .as_array()
                .expect("a list")
                .contains(&json!({ "Name": "sub", "Value": old["sub"] }))
        );
    }
    pool.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(
        refresh(&pool, &tokens).await.expect_err("old"),
        "NotAuthorizedException: Refresh Token has expired"
    );
}

#[tokio::test]
async fn signing_out_ends_sessions() {
    let pool = start(None).await;
    let first = pool
        .password_sign_in("alice", PASSWORD)
        .await
        .expect("signed in");
    let second = pool
        .password_sign_in("alice", PASSWORD)
        .await
        .expect("signed in");
    let bobs = pool
        .password_sign_in("bob", PASSWORD)
        .await
        .expect("signed in");
    let revoke =
        |token: &Value| pool.call("RevokeToken", json!({ "Token": token, "ClientId": CLIENT }));
    assert_eq!(revoke(&first["RefreshToken"]).await, Ok(json!({})));
    assert_eq!(revoke(&json!("unknown")).await, Ok(json!({})));
    let error = revoke(&first["AccessToken"])
        .await
        .expect_err("no refresh token");
    assert!(error.starts_with("UnsupportedTokenTypeException"));
    let revoked = "NotAuthorizedException: Refresh Token has been revoked";
    assert_eq!(refresh(&pool, &first).await.expect_err("revoked"), revoked);
    let revoked_access = "NotAuthorizedException: Access Token has been revoked";
    assert_eq!(
        get_user(&pool, &first).await.expect_err("revoked"),
        revoked_access
    );
    assert!(refresh(&pool, &second).await.is_ok());
    let out = pool
        .call(
            "GlobalSignOut",
            json!({ "AccessToken": second["AccessToken"] }),
        )
        .await;
    assert_eq!(out, Ok(json!({})));
    assert_eq!(refresh(&pool, &second).await.expect_err("revoked"), revoked);
    assert!(refresh(&pool, &bobs).await.is_ok());
    let unknown = json!({ "RefreshToken": "unknown" });
    assert_eq!(
        refresh(&pool, &unknown).await.expect_err("unknown"),
        "NotAuthorizedException: Invalid Refresh Token"
    );
}

#[tokio::test]
async fn a_restart_keeps_keys_users_and_sessions() {
    let state = tempfile::tempdir().expect("a directory");
    let state = state.path().join("deep");
    let first = start(Some(&state)).await;
    let tokens = first
        .password_sign_in("alice", PASSWORD)
        .await
        .expect("signed in");
    let second = start(Some(&state)).await;
    assert_eq!(first.cognito.jwk_set(), second.cognito.jwk_set());
    assert_eq!(first.cognito.users()[0].sub, second.cognito.users()[0].sub);
    let fresh = refresh(&second, &tokens).await.expect("refreshed");
    assert_eq!(
        claims(&fresh["IdToken"])["sub"],
        claims(&tokens["IdToken"])["sub"]
    );
    let kept = std::fs::read_dir(&state).expect("a directory");
    for file in kept.map(|file| file.expect("a file")) {
        let mode = file.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
        let text = std::fs::read_to_string(file.path()).expect("text");
        assert!(!text.contains(tokens["RefreshToken"].as_str().expect("a token")));
    }
    let other = start(None).await;
    assert_ne!(other.cognito.jwk_set(), second.cognito.jwk_set());
}

#[tokio::test]
async fn anybody_can_check_a_token_with_the_published_keys() {
    let pool = start(None).await;
    let tokens = pool.cognito.issue_tokens("alice").expect("signed in");
    let (status, document) = pool
        .get(&format!("/{POOL}/.well-known/openid-configuration"))
        .await;
    assert_eq!(
        (status, &document["issuer"]),
        (200, &json!(pool.cognito.issuer()))
    );
    let uri = document["jwks_uri"]
        .as_str()
        .expect("a URI")
        .strip_prefix(&pool.url)
        .expect("the pool's");
    let (_, keys) = pool.get(uri).await;
    assert_eq!(
        (&keys["keys"][0]["alg"], &keys["keys"][0]["use"]),
        (&json!("RS256"), &json!("sig"))
    );
    let keys: JwkSet = serde_json::from_value(keys).expect("keys");
    assert_eq!(Ok(&keys), pool.cognito.jwk_set().as_ref());
    let header = jsonwebtoken::decode_header(&tokens.id_token).expect("a header");
    let key = keys.find(&header.kid.expect("a key id")).expect("the key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[CLIENT]);
    validation.set_issuer(&[pool.cognito.issuer()]);
    let key = DecodingKey::from_jwk(key).expect("a usable key");
    jsonwebtoken::decode::<Value>(&tokens.id_token, &key, &validation).expect("a valid token");
    let (status, _) = pool.get("/us-east-1_Other/.well-known/jwks.json").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_browser_may_ask() {
    let pool = start(None).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .build()
        .expect("a client");
    let preflight = client
        .request(reqwest::Method::OPTIONS, &pool.url)
        .header("origin", "http://localhost:5173")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "cache-control,content-type,x-amz-target,x-amz-user-agent",
        )
        .send()
        .await
        .expect("a response");
    assert_eq!(preflight.status().as_u16(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    let allowed = preflight.headers()["access-control-allow-headers"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(allowed.contains("x-amz-target"), "{allowed}");
    let answer = client
        .post(&pool.url)
        .header("origin", "http://localhost:5173")
        .body("{}")
        .send()
        .await
        .expect("an answer");
    let exposed = answer.headers()["access-control-expose-headers"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(exposed.contains("x-amzn-errortype"), "{exposed}");
}
