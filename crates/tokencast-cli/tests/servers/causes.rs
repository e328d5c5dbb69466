//! Errors name what is wrong with a server or its address, in the operator's terminal. They never blame the prompt.

use tokio::net::TcpListener;

use crate::replay::{Replay, events, json, response};
use crate::{Asked, PROMPT, ask, ask_of, each, finish};

const UNAVAILABLE: &str = "MODEL_UNAVAILABLE: The model is not available";
const TOO_LONG: &str = "INVALID_PROMPT: The prompt is too long for the model.";
const FAILED: &str = "MODEL_ERROR: The model failed.";
const KEY: &str = "sk-canary-key";

struct Cause {
    answer: Vec<u8>,
    /// The error as `ask` prints it.
    failure: &'static str,
    /// The cause in the terminal, after the address.
    said: &'static str,
    calls: usize,
    key: Option<&'static str>,
}

fn cause(answer: Vec<u8>, failure: &'static str, said: &'static str) -> Cause {
    let calls = if failure == FAILED { 3 } else { 1 };
    Cause {
        answer,
        failure,
        said,
        calls,
        key: None,
    }
}

fn causes() -> Vec<Cause> {
    let plain = |status, body: &str| response(status, "text/plain", body);
    vec![
        cause(plain(404, "404 page not found"), UNAVAILABLE, " (404): 404 page not found"),
        cause(
            json(404, r#"{"error":{"message":"model \"m\" not found, try pulling it first"}}"#),
            UNAVAILABLE,
            " has no model `m` (404): model \"m\" not found, try pulling it first",
        ),
        cause(
            json(401, r#"{"error":{"message":"You didn't provide an API key."}}"#),
            UNAVAILABLE,
            " wants a key: set OPENAI_API_KEY (401): You didn't provide an API key.",
        ),
        Cause {
            key: Some(KEY),
            ..cause(
                json(401, r#"{"error":{"message":"Incorrect API key provided: sk-canary-key."}}"#),
                UNAVAILABLE,
                " refused the key in OPENAI_API_KEY (401): Incorrect API key provided: ….",
            )
        },
        cause(plain(405, "Method Not Allowed"), UNAVAILABLE, " (405): Method Not Allowed"),
        cause(
            response(200, "text/html", "<!doctype html><html><body>Welcome</body></html>"),
            UNAVAILABLE,
            ": it answers with a web page.",
        ),
        cause(plain(200, "Ollama is running"), UNAVAILABLE, ": it answers with something else."),
        cause(json(200, r#"{"hello":"world"}"#), UNAVAILABLE, ": it answers with other JSON."),
        cause(
            b"HTTP/1.1 301 Moved\r\nlocation: https://elsewhere.example/v1\r\nconnection: close\r\n\r\n".to_vec(),
            UNAVAILABLE,
            " sends requests on to https://elsewhere.example/v1",
        ),
        cause(
            json(400, r#"{"error":{"message":"\"m\" does not support chat"}}"#),
            "MODEL_UNAVAILABLE: The model",
            " (400): \"m\" does not support chat",
        ),
        cause(
            json(429, r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#),
            UNAVAILABLE,
            " (429): You exceeded your current quota",
        ),
        cause(
            json(400, r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}"#),
            TOO_LONG,
            " (400): This model's maximum context length is 8192 tokens.",
        ),
        cause(
            json(400, r#"{"error":{"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#),
            TOO_LONG,
            " (400): the request exceeds the available context size",
        ),
        cause(plain(413, ""), TOO_LONG, " (413)."),
        cause(
            json(500, r#"{"error":{"message":"model requires more system memory (9 GiB) than is available"}}"#),
            FAILED,
            " failed (500): model requires more system memory (9 GiB) than is available",
        ),
        cause(
            events("data: {\"error\":{\"message\":\"runner process has terminated\"}}\n\n"),
            FAILED,
            " reported an error: runner process has terminated",
        ),
        cause(json(200, r#"{"error":{"message":"out of memory"}}"#), FAILED, " failed (500): out of memory"),
        cause(response(200, "text/event-stream", ""), FAILED, " ended its answer before it began."),
    ]
}

#[tokio::test]
async fn the_terminal_says_why_and_the_prompt_is_not_blamed() {
    each(causes(), async |cause: Cause| {
        let server = Replay::start(vec![cause.answer]).await;
        let mut command = ask(&format!("openai:{}/v1#m", server.url));
        command.envs(cause.key.map(|key| ("OPENAI_API_KEY", key)));
        let asked = finish(command).await;
        check(
            &asked,
            cause.failure,
            &[cause.said, &format!("{}/v1", server.url)],
        );
        assert!(!asked.stderr.contains(KEY), "{asked:?}");
        assert_eq!(server.requests().len(), cause.calls, "{asked:?}");
    })
    .await;
}

fn check(asked: &Asked, failure: &str, said: &[&str]) {
    assert_eq!(
        (asked.code, asked.stdout.as_str()),
        (Some(1), ""),
        "{asked:?}"
    );
    for expected in said.iter().chain(&[format!("failed: {failure}").as_str()]) {
        assert!(asked.stderr.contains(expected), "{expected}: {asked:?}");
    }
    assert!(!asked.stderr.contains(PROMPT), "{asked:?}");
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let asked = finish(ask(&format!("openai:http://{address}/v1#m"))).await;
    let nobody = format!("Nobody answers at http://{address}/v1, ");
    check(&asked, UNAVAILABLE, &[&nobody, "refused"]);
}

#[tokio::test]
async fn an_address_without_v1_is_told_what_it_lacks() {
    let server = Replay::start(vec![response(404, "text/plain", "404 page not found")]).await;
    let asked = finish(ask(&format!("openai:{}#m", server.url))).await;
    let lacks = format!(
        "no chat completions API at {}, which most servers have at an address that ends in /v1",
        server.url
    );
    check(&asked, UNAVAILABLE, &[&lacks]);
}

/// Everything is logged, the functions' logs included.
#[tokio::test]
async fn servers_that_repeat_the_prompt_are_not_repeated() {
    let quoting = |text: &str| serde_json::json!({ "error": { "message": text } }).to_string();
    let upper = quoting(&format!("cannot parse {}", PROMPT.to_uppercase()));
    let in_part = quoting(&format!("near '{}'", &PROMPT[7..30]));
    let answers = vec![
        json(400, &quoting(PROMPT)),
        json(401, &upper),
        json(404, &in_part),
        json(
            500,
            &quoting(&serde_json::json!({ "content": PROMPT }).to_string()),
        ),
        response(422, "text/plain", PROMPT),
        events(&format!("data: {}\n\n", quoting(PROMPT))),
        events(&format!("data: nonsense {PROMPT}\n\n")),
        json(200, &quoting(PROMPT)),
    ];
    each(answers, async |answer| {
        let asked = ask_of(vec![answer], &["-vv"], None).await;
        assert_eq!(asked.code, Some(1), "{asked:?}");
        let said = asked.stderr.to_lowercase();
        // The functions' own logs are part of the output.
        assert!(
            said.contains("the model failed") && said.contains("http://127.0.0.1:"),
            "{said}"
        );
        for canary in ["canary", "zebras"] {
            assert!(!said.contains(canary), "{canary}: {said}");
        }
    })
    .await;
}
