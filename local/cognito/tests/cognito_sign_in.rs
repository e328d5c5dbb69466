//! Signing in by password, by SRP and by refresh token, and refusals.

mod cognito_support;

use std::time::Duration;

use serde_json::{Value, json};

use cognito_support::{CLIENT, PASSWORD, SrpClient, claims, start};

const INCORRECT: &str = "NotAuthorizedException: Incorrect username or password.";

#[tokio::test]
async fn a_proof_signs_in_by_name_and_by_address() {
    let pool = start(None).await;
    for name in ["alice", "Alice", "alice@example.com", "ALICE@example.com"] {
        let result = pool.srp_sign_in(name, PASSWORD).await.expect(name);
        assert_eq!(claims(&result["IdToken"])["cognito:username"], "alice");
        assert_eq!(
            (&result["TokenType"], &result["ExpiresIn"]),
            (&json!("Bearer"), &json!(3_600))
        );
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_look_the_same() {
    let pool = start(None).await;
    for (name, password) in [
        ("alice", "wrong"),
        ("nobody", PASSWORD),
        ("alice", "correct-horse-1 ü"),
    ] {
        assert_eq!(
            pool.srp_sign_in(name, password).await.expect_err(name),
            INCORRECT
        );
        assert_eq!(
            pool.password_sign_in(name, password).await.expect_err(name),
            INCORRECT
        );
    }
    let salt =
        |begun: Result<Value, String>| begun.expect("begun")["ChallengeParameters"]["SALT"].clone();
    for name in ["alice", "nobody"] {
        let parameters = json!({ "USERNAME": name, "SRP_A": SrpClient::new().public() });
        let first = salt(pool.initiate("USER_SRP_AUTH", parameters.clone()).await);
        assert_eq!(
            first,
            salt(pool.initiate("USER_SRP_AUTH", parameters).await),
            "{name}"
        );
    }
}

#[tokio::test]
async fn tokens_say_what_cognitos_say() {
    let pool = start(None).await;
    let result = pool
        .password_sign_in("alice", PASSWORD)
        .await
        .expect("signed in");
    let (id, access) = (claims(&result["IdToken"]), claims(&result["AccessToken"]));
    let user = &pool.cognito.users()[0];
    for token in [&id, &access] {
        assert_eq!(token["sub"], user.sub.as_str());
        assert_eq!(token["iss"], pool.cognito.issuer());
        assert_eq!(token["cognito:groups"], json!(["admins"]));
        assert_eq!(
            token["exp"].as_i64(),
            token["iat"].as_i64().map(|issued_at| issued_at + 3_600)
        );
        assert_eq!(token["auth_time"], token["iat"]);
        assert!(token["jti"].is_string() && token["event_id"].is_string());
    }
    assert_eq!(
        (&id["token_use"], &id["aud"], &id["email"]),
        (&json!("id"), &json!(CLIENT), &json!("alice@example.com"))
    );
    assert_eq!(
        (&access["token_use"], &access["client_id"]),
        (&json!("access"), &json!(CLIENT))
    );
    assert_eq!(
        (&access["username"], &access["scope"]),
        (&json!("alice"), &json!("aws.cognito.signin.user.admin"))
    );
    assert_eq!(id["origin_jti"], access["origin_jti"]);
    let bob = pool.cognito.issue_tokens("bob").expect("signed in");
    assert!(
        claims(&json!(bob.access_token))
            .get("cognito:groups")
            .is_none()
    );
    assert_ne!(pool.cognito.users()[1].sub, user.sub);
}

#[tokio::test]
async fn a_challenge_is_good_for_one_answer_and_three_minutes() {
    let pool = start(None).await;
    let begin = || async {
        let client = SrpClient::new();
        let begun = pool
            .initiate(
                "USER_SRP_AUTH",
                json!({ "USERNAME": "bob", "SRP_A": client.public() }),
            )
            .await;
        let answers = client.answer(&begun.expect("begun")["ChallengeParameters"], PASSWORD);
        json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers, "ClientId": CLIENT })
    };
    let expired = "NotAuthorizedException: Invalid session for the user, session is expired.";
    let body = begin().await;
    assert!(
        pool.call("RespondToAuthChallenge", body.clone())
            .await
            .is_ok()
    );
    assert_eq!(
        pool.call("RespondToAuthChallenge", body)
            .await
            .expect_err("used"),
        expired
    );
    let body = begin().await;
    pool.clock.advance(Duration::from_mins(4));
    assert_eq!(
        pool.call("RespondToAuthChallenge", body)
            .await
            .expect_err("late"),
        expired
    );
    let mut body = begin().await;
    body["ChallengeResponses"]["TIMESTAMP"] = json!("2025-11-02T09:04:05Z");
    let error = pool
        .call("RespondToAuthChallenge", body)
        .await
        .expect_err("another format");
    assert!(
        error.starts_with("InvalidParameterException: TIMESTAMP format"),
        "{error}"
    );
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let pool = start(None).await;
    for (action, body, expected) in [
        (
            "InitiateAuth",
            json!({ "AuthFlow": "USER_SRP_AUTH", "ClientId": "other" }),
            "ResourceNotFoundException: User pool client other does not exist.",
        ),
        (
            "InitiateAuth",
            json!({ "AuthFlow": "USER_SRP_AUTH" }),
            "InvalidParameterException: 1 validation error",
        ),
        (
            "InitiateAuth",
            json!({ "ClientId": CLIENT }),
            "InvalidParameterException: 1 validation error",
        ),
        (
            "InitiateAuth",
            json!({ "ClientId": CLIENT, "AuthFlow": "X" }),
            "InvalidParameterException: 1 validation error",
        ),
        (
            "InitiateAuth",
            json!({ "ClientId": CLIENT, "AuthFlow": "CUSTOM_AUTH" }),
            "InvalidParameterException: CUSTOM_AUTH flow not enabled",
        ),
        (
            "InitiateAuth",
            json!({ "ClientId": CLIENT, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": "alice" } }),
            "InvalidParameterException: Missing required parameter PASSWORD",
        ),
        (
            "InitiateAuth",
            json!({ "ClientId": CLIENT, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": "alice", "SRP_A": "0" } }),
            INCORRECT,
        ),
        (
            "InitiateAuth",
            json!({ "ClientId": CLIENT, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": { "USERNAME": "alice", "SRP_A": "xyz" } }),
            "InvalidParameterException: SRP_A",
        ),
        (
            "RespondToAuthChallenge",
            json!({ "ClientId": CLIENT, "ChallengeName": "SMS_MFA" }),
            "InvalidParameterException: The local Cognito asks no SMS_MFA",
        ),
        ("InitiateAuth", json!([1]), "SerializationException"),
        (
            "SignUp",
            json!({}),
            "UnknownOperationException: The local Cognito has no SignUp",
        ),
        ("GetUser", json!({}), "InvalidParameterException"),
        (
            "GetUser",
            json!({ "AccessToken": "a.b.c" }),
            "NotAuthorizedException: Invalid Access Token",
        ),
    ] {
        let error = pool.call(action, body.clone()).await.expect_err(action);
        assert!(error.starts_with(expected), "{action} {body}: {error}");
    }
}
