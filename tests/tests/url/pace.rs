//! A slow reader.

use std::time::Duration;

use serde_json::json;
use system_tests::TestStack;
use system_tests::stack::script;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Each of these bytes takes six in JSON. An event has 310 bytes with its frame, and all events have 22 MB. That is
/// more than the buffers of two connections hold, which were measured at 8 to 13 MB.
const TOKEN: &str = "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";
const TOKENS: usize = 70_000;

/// The model must be found at the same place after so many whole answers of others.
const LOOKS: u32 = 10;

/// So many events take their time on two shared cores.
const LIMIT: Duration = Duration::from_mins(5);

/// Sends a request and doesn't read the response yet. The client buffers little.
async fn ask(stack: &TestStack) -> TcpStream {
    let address = stack.running.info.endpoints.address;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(address).await.expect("connected");
    let token = stack.access_token("alice");
    let body = json!({ "prompt": "Why do rivers meander?" }).to_string();
    let request = format!(
        "POST /function-urls/function-url/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Returns the content of a response's chunks.
fn body_of(response: &[u8]) -> String {
    let text = std::str::from_utf8(response).expect("UTF-8");
    let (_, mut rest) = text.split_once("\r\n\r\n").expect("a head");
    let mut body = String::new();
    loop {
        let (size, chunk) = rest.split_once("\r\n").expect("a chunk");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return body;
        }
        body.push_str(&chunk[..size]);
        rest = &chunk[size + 2..];
    }
}

#[tokio::test]
async fn a_slow_reader_slows_the_model() {
    let stack = TestStack::start_with(|options| {
        options.script.tokens = Some(vec![TOKEN.to_owned(); TOKENS]);
        options.function_url_variable("PUBLISH_MODE", "token");
        options.function_url_variable("MAX_TOKENS", "200000");
    })
    .await;
    let mut stream = ask(&stack).await;
    stack.model_said(1).await;
    let said = || stack.running.local.bedrock().calls()[0].tokens_sent;
    // Nobody reads this response. So the model must stop with much of the answer still to come, while others get whole
    // answers.
    stack.script(script(10, Duration::ZERO));
    let (mut stopped_at, mut looks) = (0, 0);
    let waits = async {
        while looks < LOOKS {
            let other = stack.url_ask(None).await.rest().await;
            assert_eq!(other.last().expect("an end").kind, "complete");
            let now = said();
            looks = if now == stopped_at { looks + 1 } else { 0 };
            stopped_at = now;
        }
    };
    timeout(LIMIT, waits).await.expect("a model that waits");
    println!("the model waits after {stopped_at} tokens");
    assert!(stopped_at < TOKENS as u64, "the model was not slowed");

    let mut response = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut response)).await;
    read.expect("the whole response").expect("read");
    let body = body_of(&response);
    assert_eq!(body.matches("\nevent: token\n").count(), TOKENS);
    assert!(body.contains("\nevent: complete\n"));
    assert_eq!(said(), TOKENS as u64);
    stack.shutdown().await;
}
