//! Signatures that are invented, changed or missing, on each service that requires one.

use crate::stack::{Call, Headers, SIGNED, Target, signature, with};

/// Checks that a signed call with its headers changed is refused with AWS's error, and isn't refused without the
/// change.
async fn check(name: &str, expected: &str, change: impl Fn(&Target, &Call) -> Headers) {
    let target = Target::start(&[], &[]).await;
    for call in &SIGNED {
        let answer = target.send(call, call.method, &change(&target, call)).await;
        let said = format!("{}\n{}", answer.head, answer.body);
        let says = said
            .to_ascii_lowercase()
            .contains(&expected.to_ascii_lowercase());
        assert!(says, "{}, {name}: {answer:?}", call.name);
        let is_refused = matches!(answer.status, 400 | 403);
        assert!(is_refused, "{}, {name}: {answer:?}", call.name);
    }
    assert_eq!(target.stack.local.bedrock().calls().len(), 0, "{name}");
    let usage = target.stack.local.usage();
    assert_eq!(usage.of("lambda", "worker").count, 0, "{name}");
    target.stop().await;
}

#[tokio::test]
async fn the_stacks_own_key_is_let_in() {
    let target = Target::start(&[], &[]).await;
    // The worker's program and the connection don't exist. Both errors show that the call was allowed.
    let expected = [200, 200, 200, 200, 400];
    for (call, expected) in SIGNED.iter().zip(expected) {
        let headers = target.signed(call, None, None);
        let answer = target.send(call, call.method, &headers).await;
        assert_eq!(answer.status, expected, "{}: {answer:?}", call.name);
    }
    target.stop().await;
}

#[tokio::test]
async fn unsigned() {
    let missing = "MissingAuthenticationTokenException";
    check("unsigned", missing, |target, call| {
        target.headers(call, None)
    })
    .await;
    // Neither needs a preflight.
    check("a form's content type", missing, |target, call| {
        let call = Call {
            content_type: "text/plain",
            ..*call
        };
        target.headers(&call, None)
    })
    .await;
}

#[tokio::test]
async fn made_up() {
    check(
        "a stranger's key",
        "UnrecognizedClientException",
        |target, call| {
            let headers = target.headers(call, None);
            let added = signature(call, &headers, "AKIASTRANGER", "nobody gave it out");
            headers.into_iter().chain(added).collect()
        },
    )
    .await;
    check(
        "another secret",
        "InvalidSignatureException",
        |target, call| target.signed(call, None, Some("another")),
    )
    .await;
    check(
        "another service's",
        "InvalidSignatureException",
        |target, call| {
            let other = Call {
                signed_for: "sns",
                ..*call
            };
            let key = target.stack.local.developer();
            let headers = target.headers(call, None);
            let added = signature(&other, &headers, &key.access_key_id, &key.secret_access_key);
            headers.into_iter().chain(added).collect()
        },
    )
    .await;
    check(
        "another body",
        "InvalidSignatureException",
        |target, call| {
            let other = Call {
                body: "[]",
                ..*call
            };
            target.signed(&other, None, None)
        },
    )
    .await;
}

#[tokio::test]
async fn twice_and_undated() {
    check(
        "two of them",
        "IncompleteSignatureException",
        |target, call| {
            with(
                target.signed(call, None, None),
                "authorization",
                "Basic eA==",
            )
        },
    )
    .await;
    check(
        "an unsigned date",
        "'X-Amz-Date' must be a 'SignedHeader'",
        |target, call| {
            let mut headers = target.signed(call, None, None);
            for (name, value) in &mut headers {
                if name == "authorization" {
                    *value = value.replace(";x-amz-date", "");
                }
            }
            headers
        },
    )
    .await;
}
