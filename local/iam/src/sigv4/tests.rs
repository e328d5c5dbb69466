//! Right and wrong signatures, made by AWS's own signer.

use std::time::Duration;

use super::*;
use crate::testing::{NOW_MS, REGION, Signer, store};

const MISMATCH: (&str, &str) = (
    "InvalidSignatureException",
    "does not match the signature you provided",
);
const UNKNOWN: (&str, &str) = (
    "UnrecognizedClientException",
    "The security token included in the request is invalid.",
);

async fn check(request: SignedRequest, expected: Result<&str, (&str, &str)>) {
    match (
        verify(&request, &store(), "appsync", REGION, NOW_MS).await,
        expected,
    ) {
        (Ok(principal), Ok(key)) => assert_eq!(principal.access_key_id, key),
        (Err(error), Err((error_type, message))) => {
            assert_eq!(error.error_type, error_type, "{error}");
            assert!(
                error.message.contains(message),
                "{error}, expected: {message}"
            );
        }
        (got, expected) => panic!("{got:?}, expected {expected:?}"),
    }
}

fn with_header(mut request: SignedRequest, name: &'static str, value: &str) -> SignedRequest {
    request
        .headers
        .insert(name, HeaderValue::from_str(value).expect("a header"));
    request
}

fn without_header(mut request: SignedRequest, name: &str) -> SignedRequest {
    request.headers.remove(name);
    request
}

#[tokio::test]
async fn a_key_that_was_replaced_signs_no_more() {
    let store = store();
    let request = Signer::default().sign("{}");
    let verified = async || verify(&request, &store, "appsync", REGION, NOW_MS).await;
    for _ in 0..2 {
        let principal = verified().await.expect("the right secret");
        assert_eq!(principal.secret_access_key, "worker-secret");
    }
    let mut principal = Principal::clone(&*verified().await.expect("the right secret"));
    "another-secret".clone_into(&mut principal.secret_access_key);
    store.insert(principal);
    let error = verified().await.expect_err("another secret");
    assert_eq!(error.error_type, MISMATCH.0);
    store.remove("AKIDWORKER");
    let error = verified().await.expect_err("no key");
    assert_eq!(error.error_type, UNKNOWN.0);
}

#[tokio::test]
async fn keys() {
    let signer = Signer::default;
    check(signer().sign("{}"), Ok("AKIDWORKER")).await;
    check(
        Signer {
            secret: "wrong",
            ..signer()
        }
        .sign("{}"),
        Err(MISMATCH),
    )
    .await;
    check(
        Signer {
            key: "AKIDNOBODY",
            ..signer()
        }
        .sign("{}"),
        Err(UNKNOWN),
    )
    .await;
    let role = || Signer {
        key: "ASIAROLE",
        secret: "role-secret",
        token: Some("session"),
        ..signer()
    };
    check(role().sign("{}"), Ok("ASIAROLE")).await;
    check(
        Signer {
            token: None,
            ..role()
        }
        .sign("{}"),
        Err(UNKNOWN),
    )
    .await;
    check(
        Signer {
            token: Some("other"),
            ..role()
        }
        .sign("{}"),
        Err(UNKNOWN),
    )
    .await;
    check(
        without_header(role().sign("{}"), "x-amz-security-token"),
        Err(UNKNOWN),
    )
    .await;
    check(
        Signer {
            token: Some("session"),
            ..signer()
        }
        .sign("{}"),
        Err(UNKNOWN),
    )
    .await;
    let expired = Signer {
        key: "ASIAEXPIRED",
        secret: "role-secret",
        token: Some("session"),
        ..signer()
    };
    check(
        expired.sign("{}"),
        Err(("ExpiredTokenException", "is expired")),
    )
    .await;
}

#[tokio::test]
async fn scope_and_time() {
    let signer = Signer::default;
    let scope = "InvalidSignatureException";
    check(
        Signer {
            region: "eu-west-1",
            ..signer()
        }
        .sign("{}"),
        Err((scope, "valid region, not 'eu-west-1'")),
    )
    .await;
    check(
        Signer {
            service: "sqs",
            ..signer()
        }
        .sign("{}"),
        Err((scope, "correct service: 'appsync'")),
    )
    .await;
    let at = |offset_s: i64| {
        let time = NOW_MS.saturating_add(offset_s * 1000);
        Signer {
            at: Duration::from_millis(u64::try_from(time).expect("after 1970")),
            ..signer()
        }
        .sign("{}")
    };
    check(at(-300), Ok("AKIDWORKER")).await;
    check(at(300), Ok("AKIDWORKER")).await;
    check(at(-301), Err((scope, "Signature expired: "))).await;
    check(at(301), Err((scope, "Signature not yet current: "))).await;
    check(at(-86_400), Err((scope, "Signature expired: "))).await;
}

#[tokio::test]
async fn what_was_signed() {
    let signed = || Signer::default().sign("{}");
    check(
        SignedRequest {
            body: "{ }".into(),
            ..signed()
        },
        Err(MISMATCH),
    )
    .await;
    check(
        SignedRequest {
            uri: http::Uri::from_static("/graphql/connect"),
            ..signed()
        },
        Err(MISMATCH),
    )
    .await;
    check(
        SignedRequest {
            uri: http::Uri::from_static("/graphql?a=b"),
            ..signed()
        },
        Err(MISMATCH),
    )
    .await;
    check(
        SignedRequest {
            method: http::Method::GET,
            ..signed()
        },
        Err(MISMATCH),
    )
    .await;
    check(with_header(signed(), "host", "localhost:1"), Err(MISMATCH)).await;
    check(
        with_header(signed(), "content-type", "text/plain"),
        Err(MISMATCH),
    )
    .await;
    // Proxies may add headers that aren't signed.
    check(
        with_header(signed(), "user-agent", "a proxy"),
        Ok("AKIDWORKER"),
    )
    .await;
    // HTTP/2: no `host` header, an absolute URI.
    let uri = http::Uri::from_static("http://localhost:4000/graphql");
    check(
        without_header(SignedRequest { uri, ..signed() }, "host"),
        Ok("AKIDWORKER"),
    )
    .await;
}

#[tokio::test]
async fn malformed() {
    let incomplete = "IncompleteSignatureException";
    let with = |value: &str| with_header(Signer::default().sign("{}"), "authorization", value);
    check(
        with("AWS4-HMAC-SHA512 Credential=A"),
        Err((incomplete, "AWS4-HMAC-SHA512")),
    )
    .await;
    check(with("AWS4-HMAC-SHA256"), Err((incomplete, "'Credential'"))).await;
    check(
        with("AWS4-HMAC-SHA256 nonsense"),
        Err((incomplete, "key=value")),
    )
    .await;
    let parts = "Credential=AKIDWORKER/20260102/us-east-1/appsync/aws4_request, Signature=00";
    check(
        with(&format!("AWS4-HMAC-SHA256 {parts}")),
        Err((incomplete, "'SignedHeaders'")),
    )
    .await;
    let twice = |first: &str, second: &str| {
        let mut request = with_header(Signer::default().sign("{}"), "authorization", first);
        let second = HeaderValue::from_str(second).expect("a header");
        request.headers.append("authorization", second);
        request
    };
    let right = Signer::default().sign("{}").headers["authorization"].clone();
    let right = right.to_str().expect("text");
    let given_once = (incomplete, "must be given once, not 2 times");
    check(twice(right, right), Err(given_once)).await;
    check(twice(right, "Basic eA=="), Err(given_once)).await;
    check(twice("Basic eA==", right), Err(given_once)).await;
    let none = without_header(Signer::default().sign("{}"), "authorization");
    check(
        none,
        Err(("MissingAuthenticationTokenException", "Missing")),
    )
    .await;
    let unsigned_date = format!("AWS4-HMAC-SHA256 {parts}, SignedHeaders=host");
    check(
        with(&unsigned_date),
        Err((
            "InvalidSignatureException",
            "'X-Amz-Date' must be a 'SignedHeader'",
        )),
    )
    .await;
    let unsigned_host = format!("AWS4-HMAC-SHA256 {parts}, SignedHeaders=x-amz-date");
    check(
        with(&unsigned_host),
        Err(("InvalidSignatureException", "Host")),
    )
    .await;
    let dateless = without_header(Signer::default().sign("{}"), "x-amz-date");
    check(dateless, Err((incomplete, "X-Amz-Date"))).await;
    let misdated = with_header(Signer::default().sign("{}"), "x-amz-date", "yesterday");
    check(misdated, Err((incomplete, "ISO-8601"))).await;
}
