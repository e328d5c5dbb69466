//! The function under test, which does what the path says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use http::{HeaderMap, HeaderValue, StatusCode};
use lambda_runtime::streaming::{Body, Response, Sender, channel};
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude, service_fn};
use local_stack::testing::{gate, leave_note, variable};
use serde_json::{Value, json};

/// The local Lambda starts this executable with arguments that select only this test. Run as a test, it does nothing.
#[test]
fn function_process() {
    let Some(runtime_api) = variable("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    if variable("RUNTIME").as_deref() == Some("by hand") {
        return by_hand(&runtime_api);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(lambda_runtime::run(service_fn(handle)));
    std::process::exit(i32::from(ended.is_err()));
}

async fn handle(event: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let event = event.payload;
    match event["rawPath"].as_str() {
        Some("/fail") => return Err("as asked".into()),
        Some("/exit") => std::process::exit(7),
        Some("/hang") => std::future::pending().await,
        _ => {}
    }
    let (sender, body) = channel();
    let (status, headers) = head(&event);
    tokio::spawn(async move {
        let name = event["rawPath"].as_str().unwrap_or_default().to_owned();
        // Some clients leave before the function ends.
        let _ = write(event, sender).await;
        leave_note(&format!("{}.done", name.trim_matches('/')), &json!(true));
    });
    Ok(Response {
        metadata_prelude: MetadataPrelude {
            status_code: status,
            headers,
            cookies: vec!["a=1".to_owned(), "b=2".to_owned()],
        },
        stream: body,
    })
}

fn head(event: &Value) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    headers.insert("x-own", HeaderValue::from_static("value"));
    headers.insert(
        "access-control-allow-origin",
        HeaderValue::from_static("http://of-the-function.test"),
    );
    let status = match event["rawPath"].as_str() {
        Some("/teapot") => StatusCode::IM_A_TEAPOT,
        Some("/empty-of-length-0") => {
            headers.insert("content-length", HeaderValue::from_static("0"));
            StatusCode::NO_CONTENT
        }
        _ => StatusCode::OK,
    };
    (status, headers)
}

async fn write(event: Value, mut sender: Sender) -> Result<(), Error> {
    match event["rawPath"].as_str() {
        Some("/steps") => {
            for number in 1..=3 {
                sender.send_data(format!("step {number}\n").into()).await?;
                gate(&format!("gate {number}")).await;
            }
        }
        Some("/break") => {
            sender.send_data("so far".into()).await?;
            gate("break").await;
            std::process::exit(7);
        }
        Some("/error") => {
            sender.send_data("so far".into()).await?;
            sender.abort();
        }
        Some("/stall") => {
            sender.send_data("so far".into()).await?;
            std::future::pending::<()>().await;
        }
        Some(path @ ("/much" | "/much-unread")) => much(path, sender).await?,
        Some("/empty" | "/empty-of-length-0") => {}
        _ => sender.send_data(event.to_string().into()).await?,
    }
    Ok(())
}

/// More than all buffers on the way hold.
pub(crate) const MUCH: usize = 64 * 1024 * 1024;

/// Writes as much, and notes how much of it has been read so far.
async fn much(path: &str, mut sender: Sender) -> Result<(), Error> {
    const CHUNK: usize = 64 * 1024;
    for number in 1..=MUCH / CHUNK {
        sender.send_data(vec![b'x'; CHUNK].into()).await?;
        leave_note(path.trim_matches('/'), &json!(number * CHUNK));
    }
    Ok(())
}

/// A hand-written runtime, for what the official one can't send: an error in a response's trailers after `so far`, a
/// response without a prelude, and one that isn't streamed.
fn by_hand(runtime_api: &str) {
    loop {
        let (id, event) = next(runtime_api);
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        let mut stream = TcpStream::connect(runtime_api).expect("the Runtime API");
        let start = format!("POST {path} HTTP/1.1\r\nhost: {runtime_api}\r\n");
        let streaming =
            "lambda-runtime-function-response-mode: streaming\r\ntransfer-encoding: chunked\r\n";
        let typed = "content-type: application/vnd.awslambda.http-integration-response\r\n";
        let declared =
            "trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
        let prelude = "{\"statusCode\":200}\0\0\0\0\0\0\0\0";
        let request = match event["rawPath"].as_str() {
            Some("/trailers") => format!(
                "{start}{streaming}{typed}{declared}\r\n{}{}0\r\nLambda-Runtime-Function-Error-Type: Own.Error\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n",
                chunk(prelude),
                chunk("so far"),
            ),
            // The delimiter comes in two parts, and the body begins in the second.
            Some("/split") => format!(
                "{start}{streaming}{typed}\r\n{}{}{}0\r\n\r\n",
                chunk(&prelude[..20]),
                chunk(&format!("{}whole", &prelude[20..])),
                chunk(" body"),
            ),
            Some("/raw") => format!("{start}{streaming}\r\n{}0\r\n\r\n", chunk("raw")),
            Some("/endless") => format!("{start}{streaming}{typed}\r\n{}0\r\n\r\n", chunk("{}")),
            Some("/nonsense") => {
                let nonsense = format!("nonsense{}", "\0".repeat(8));
                format!("{start}{streaming}{typed}\r\n{}0\r\n\r\n", chunk(&nonsense))
            }
            _ => format!("{start}content-length: 7\r\n\r\n{{\"n\":1}}"),
        };
        stream.write_all(request.as_bytes()).expect("sent");
        // Waits for the response, so that the next call comes after it.
        let mut answer = [0; 1];
        let _ = stream.read(&mut answer);
    }
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// The next invocation's id and event.
fn next(runtime_api: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(runtime_api).expect("the Runtime API");
    let request =
        format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {runtime_api}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            // The stack has ended.
            std::process::exit(0);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        match line.split_once(": ") {
            Some(("lambda-runtime-aws-request-id", value)) => value.clone_into(&mut id),
            Some(("content-length", value)) => length = value.parse().expect("a number"),
            _ => {}
        }
    }
    let mut event = vec![0; length];
    reader.read_exact(&mut event).expect("the event");
    (id, serde_json::from_slice(&event).expect("JSON"))
}
