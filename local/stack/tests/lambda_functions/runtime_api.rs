//! The Runtime API byte by byte, for what runtimes other than the official one may send.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use local_lambda::environment::{Environment, Invocation, Outcome};
use local_lambda::runtime_api;
use local_sqs::testing::{endpoints, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// An environment without a process, which has taken the invocation `id`.
struct Api {
    environment: Arc<Environment>,
    address: std::net::SocketAddr,
    outcome: oneshot::Receiver<Outcome>,
    server: tokio::task::JoinHandle<()>,
}

impl Api {
    async fn start() -> Self {
        let (listener, endpoints) = endpoints().await;
        let environment = Arc::new(Environment::new(0, String::new(), 0));
        let router =
            runtime_api::router(Arc::clone(&environment), endpoints.function_arn("worker"));
        let server = serve(listener, router);
        let (sender, outcome) = oneshot::channel();
        let api = Self {
            environment,
            address: endpoints.address,
            outcome,
            server,
        };
        let event = Bytes::from_static(b"{\"n\":1}");
        let invocation = Invocation {
            request_id: "id".to_owned(),
            event,
            deadline_ms: 1_700_000_000_123,
            trace: "Root=1-6553f100-a;Lineage=ab:1".to_owned(),
            parts: None,
            outcome: sender,
        };
        api.environment.assign(invocation);
        let next = api.send("GET", "invocation/next", "", "").await;
        assert!(next.starts_with("HTTP/1.1 200"), "{next}");
        for header in [
            "lambda-runtime-aws-request-id: id",
            "lambda-runtime-deadline-ms: 1700000000123",
            "lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:worker",
            "lambda-runtime-trace-id: Root=1-6553f100-a;Lineage=ab:1",
            "content-type: application/json",
        ] {
            assert!(next.contains(header), "{header} in {next}");
        }
        assert!(next.ends_with("{\"n\":1}"), "{next}");
        api
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let length = if headers.contains("chunked") {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let request = format!(
            "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{length}{headers}\r\n{body}"
        );
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    /// Posts a response, and checks how the invocation ended.
    async fn check(
        self,
        path: &str,
        headers: &str,
        body: &str,
        status: u16,
        expected: Result<&str, (&str, &str)>,
    ) {
        let answer = self.send("POST", path, headers, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        let again = self.send("POST", "invocation/id/response", "", "{}").await;
        assert!(
            again.starts_with("HTTP/1.1 400") && again.contains("InvalidRequestID"),
            "answered already: {again}"
        );
        match (self.outcome.await.expect("an outcome"), expected) {
            (Outcome::Response(body), Ok(expected)) => assert_eq!(body, expected),
            (Outcome::Error(error), Err(expected)) => {
                assert_eq!(
                    (error.error_type.as_str(), error.message.as_str()),
                    expected
                );
            }
            (outcome, expected) => panic!("{outcome:?}, expected {expected:?}"),
        }
        self.server.abort();
    }
}

#[tokio::test]
async fn an_invocation_ends_as_the_runtime_says() {
    const RESPONSE: &str = "invocation/id/response";
    const CHUNKED: &str = "transfer-encoding: chunked\r\nlambda-runtime-function-response-mode: streaming\r\n\
        trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
    Api::start()
        .await
        .check(RESPONSE, "", "{\"a\":1}", 202, Ok("{\"a\":1}"))
        .await;
    Api::start()
        .await
        .check(
            RESPONSE,
            CHUNKED,
            "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            202,
            Ok("abc"),
        )
        .await;
    let error = STANDARD.encode(r#"{"errorType":"Cut","errorMessage":"in the middle"}"#);
    let trailers = format!(
        "2\r\nab\r\n0\r\nLambda-Runtime-Function-Error-Type: X\r\nLambda-Runtime-Function-Error-Body: {error}\r\n\r\n"
    );
    Api::start()
        .await
        .check(
            RESPONSE,
            CHUNKED,
            &trailers,
            202,
            Err(("Cut", "in the middle")),
        )
        .await;
    let error = r#"{"errorType":"Oops","errorMessage":"no"}"#;
    Api::start()
        .await
        .check("invocation/id/error", "", error, 202, Err(("Oops", "no")))
        .await;
    let kind = "lambda-runtime-function-error-type: Runtime.Oops\r\n";
    Api::start()
        .await
        .check(
            "invocation/id/error",
            kind,
            "plain",
            202,
            Err(("Runtime.Oops", "plain")),
        )
        .await;
    let large = "x".repeat(6_291_557);
    let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    Api::start()
        .await
        .check(
            RESPONSE,
            "",
            &large,
            413,
            Err(("Function.ResponseSizeTooLarge", message)),
        )
        .await;
}

#[tokio::test]
async fn what_is_out_of_turn_is_refused() {
    let api = Api::start().await;
    let check = async |method: &str, path: &str, status: u16, kind: &str| {
        let answer = api.send(method, path, "", "{}").await;
        let line = format!("HTTP/1.1 {status} ");
        assert!(
            answer.starts_with(&line) && answer.contains(kind),
            "{method} {path}: {answer}"
        );
    };
    check("POST", "invocation/other/response", 400, "InvalidRequestID").await;
    check("POST", "invocation/other/error", 400, "InvalidRequestID").await;
    check("GET", "invocation/next", 403, "InvalidStateTransition").await;
    check("POST", "init/error", 403, "InvalidStateTransition").await;
    let Api {
        environment,
        outcome,
        ..
    } = &mut { api };
    outcome.close();
    assert!(
        environment
            .finish("id", Outcome::Response(Bytes::new()))
            .is_err(),
        "the deadline has passed"
    );
}
