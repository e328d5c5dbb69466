//! The time limit of the first token, and addresses where nothing listens.

use tokio::net::TcpListener;

use crate::{ask, each, finish, tokencast};

/// Starts a server that takes requests and never answers.
#[tokio::test]
async fn the_first_token_has_a_limit_of_its_own() {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (taken, mut requests) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            taken.send(socket).await.expect("the test runs");
        }
    });
    let mut command = ask(&format!("openai:http://{address}/v1#m"));
    command.args(["--first-token-timeout", "1"]);
    let asked = finish(command).await;
    assert_eq!(asked.code, Some(1), "{asked:?}");
    let failed = "failed: MODEL_STALLED: The model did not begin to answer in time.";
    assert!(asked.stderr.contains(failed), "{asked:?}");
    let mut count = 0;
    while requests.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 3, "three attempts");
}

#[tokio::test]
async fn every_command_names_the_address_that_does_not_answer() {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let url = format!("http://localhost:{port}");
    let function_url = format!("{url}/function-urls/function-url/");
    let (graphql, websocket) = (
        format!("{url}/graphql"),
        format!("ws://localhost:{port}/websocket/dev"),
    );
    let local = port.to_string();
    let cases = vec![
        (
            vec!["redrive", "--list", "--local", &local],
            "no local stack runs on port",
        ),
        (
            vec![
                "ask",
                "hi",
                "--token",
                "jwt",
                "--via",
                "url",
                "--function-url",
                &function_url,
            ],
            function_url.as_str(),
        ),
        (
            vec!["ask", "hi", "--token", "jwt", "--api-url", &graphql],
            "/graphql",
        ),
        (
            vec![
                "ask",
                "hi",
                "--token",
                "jwt",
                "--via",
                "websocket",
                "--websocket-url",
                &websocket,
            ],
            "/websocket/dev",
        ),
    ];
    each(cases, async |(arguments, address)| {
        let asked = finish(tokencast(&arguments)).await;
        assert_eq!(asked.code, Some(3), "{arguments:?}: {asked:?}");
        for expected in [address, &local, "refused"] {
            assert!(
                asked.stderr.contains(expected),
                "{expected}: {arguments:?}: {asked:?}"
            );
        }
    })
    .await;
}
