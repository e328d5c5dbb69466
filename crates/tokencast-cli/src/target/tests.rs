//! What the options add up to.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

/// Returns the error of `tokencast ask ARGS`, or the kind of its target.
fn check(args: &str, expected: &str) {
    let words = ["tokencast", "ask"]
        .into_iter()
        .chain(args.split_whitespace());
    let Command::Ask(args) = Cli::parse_from(words).command else {
        panic!("it is `ask`")
    };
    let needs = Needs {
        api_for: args.resume.map(|_| "--resume"),
        conversations: false,
    };
    let got = match Target::new(&args.target, &needs, &|_| None) {
        Ok(Target::Local(_)) => "local".to_owned(),
        Ok(Target::Remote { .. }) => "remote".to_owned(),
        Err(error) => error.to_string(),
    };
    assert!(got.contains(expected), "{got}");
}

#[test]
fn what_is_missing_is_named() {
    const API: &str = "hello --api-url http://localhost:1/graphql";
    check("hello", "local");
    check("hello --model bedrock:m", "AWS_ACCESS_KEY_ID");
    check(
        "hello --token t",
        "--token (TOKENCAST_TOKEN) is for a deployed API",
    );
    check("hello --username alice", "no --api-url (TOKENCAST_API_URL)");
    check(
        "--resume 3f1c3b5e-7a39-4b8e-9f0a-0d8a1f6f6b11",
        "--resume needs an API: --api-url",
    );
    check("hello --via url", "local");
    check("hello --via websocket", "local");
    check(
        "hello --via url --token t",
        "--token (TOKENCAST_TOKEN) is for a deployed API, but there is no --function-url",
    );
    check(
        "hello --via websocket --api-url http://localhost:1/graphql --token t",
        "--api-url (TOKENCAST_API_URL) is for a deployed API, but there is no --websocket-url",
    );
    check(
        "hello --function-url http://localhost:1/ --token t",
        "--function-url is for --via url",
    );
    check(
        "hello --via url --websocket-url ws://localhost:1/ --token t",
        "--websocket-url is for --via websocket",
    );
    check(
        "hello --via url --function-url http://localhost:1/",
        "needs credentials",
    );
    check(
        "hello --via url --function-url http://localhost:1/ --token t",
        "remote",
    );
    check(
        "hello --via websocket --websocket-url http://localhost:1/ --token t",
        "expected a ws or wss URL",
    );
    check(
        "hello --via websocket --websocket-url ws://localhost:1/dev --token t",
        "remote",
    );
    check(API, "needs credentials");
    check(&format!("{API} --token t"), "remote");
    check(
        &format!("{API} --token t --model scripted"),
        "--model is for the local stack",
    );
    check(
        &format!("{API} --token t --first-token-timeout 9"),
        "--first-token-timeout is for the local stack",
    );
    check(
        &format!("{API} --token t --username u"),
        "exclude each other",
    );
    check(
        &format!("{API} --username u"),
        "--password (TOKENCAST_PASSWORD)",
    );
    check(
        &format!("{API} --username u --password p"),
        "--user-pool-client-id",
    );
    check(
        &format!("{API} --username u --password p --user-pool-client-id c"),
        "--region or --user-pool-id",
    );
    check(
        &format!("{API} --username u --password p --user-pool-client-id c --region eu-west-1"),
        "remote",
    );
    check(
        &format!("{API} --token t --ca-file nowhere.pem"),
        "cannot read --ca-file nowhere.pem",
    );
    check(
        "hello --token t --stack A --outputs-file nowhere.json",
        "cannot read the stacks' outputs in nowhere.json",
    );
    check(
        "hello --token t --api-url localhost",
        "`api_url` is `localhost`, expected an http or https URL",
    );
}

#[test]
fn a_stacks_outputs_say_where_its_api_and_pool_are() {
    let path = std::env::temp_dir().join(format!("outputs-{}.json", uuid::Uuid::new_v4()));
    let text = r#"{"A": {"GraphqlUrl": "https://a.example/graphql", "UserPoolId": "eu-west-1_A",
        "UserPoolClientId": "client", "WebSocketUrl": "wss://b.example/dev"}, "B": {"DashboardName": "b"}}"#;
    std::fs::write(&path, text).expect("written");
    let file = format!("--outputs-file {}", path.display());
    check(&format!("hello --stack A {file} --token t"), "remote");
    check(
        &format!("hello --stack A {file} --username u --password p"),
        "remote",
    );
    check(&format!("hello --stack A {file}"), "needs credentials");
    check(
        &format!("hello --stack B {file} --token t"),
        "`B` has no output `GraphqlUrl`",
    );
    check(
        &format!("hello --stack C {file} --token t"),
        "only `A`, `B`",
    );
    check(
        &format!("hello --via websocket --stack A {file} --token t"),
        "remote",
    );
    check(
        &format!("hello --via url --stack A {file} --token t"),
        "`A` has no output `StreamUrl`",
    );
    std::fs::remove_file(&path).expect("removed");
}

#[test]
fn amplifys_file_says_it_as_well() {
    let path = std::env::temp_dir().join(format!("amplify-{}.json", uuid::Uuid::new_v4()));
    let text = r#"{"version": "1.4", "data": {"url": "http://localhost:1/graphql"},
        "auth": {"aws_region": "us-east-1", "user_pool_id": "us-east-1_A", "user_pool_client_id": "client"},
        "custom": {"streamUrl": "http://localhost:1/", "tokencast": {"user_pool_endpoint": "http://localhost:1/"}}}"#;
    std::fs::write(&path, text).expect("written");
    let file = format!("--amplify-outputs {}", path.display());
    check(&format!("hello {file} --token t"), "remote");
    check(
        &format!("hello --via url {file} --username u --password p"),
        "remote",
    );
    check(
        &format!("hello --via websocket {file} --token t"),
        "has no `custom.webSocketUrl`",
    );
    std::fs::write(&path, "[]").expect("written");
    check(
        &format!("hello {file} --token t"),
        "is not what Amplify writes",
    );
    std::fs::remove_file(&path).expect("removed");
    check(
        &format!("hello {file} --token t"),
        "cannot read the API's outputs in",
    );
}
