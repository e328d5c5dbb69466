//! One request, counted and passed on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::counts::{Calls, consumed, written_bytes};
use super::{Passed, Shared, lock};
use crate::error::{BenchError, Step as _};

pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        open.spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move {
                    let answered = pass(&shared, request).await;
                    let answer = answered.unwrap_or_else(|error| {
                        let mut answer = Response::new(Full::from(crate::error::chain(&error)));
                        *answer.status_mut() = StatusCode::BAD_GATEWAY;
                        answer
                    });
                    Ok::<_, Infallible>(answer)
                }
            });
            // A connection that breaks is its client's affair.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while open.try_join_next().is_some() {}
    }
}

async fn pass(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BenchError> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.to("read a request")?.to_bytes();
    let came = Instant::now();
    let target = head.headers.get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or(("", head.uri.path()));
    let is_dynamodb = service.starts_with("DynamoDB");
    let publish = (operation == "/graphql").then(|| publish(&body)).flatten();
    let sent = if is_dynamodb {
        asking_what_it_took(&body)
    } else {
        body.clone()
    };

    let url = shared.target.get().map_or("", String::as_str);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = head.headers.clone();
    // Of the body as it is now.
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    let passed_on = shared
        .client
        .request(head.method.clone(), format!("{url}{path}"))
        .headers(headers)
        .body(sent)
        .send();
    let answer = passed_on.await.to("pass a request on")?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let answer = answer.bytes().await.to("read an answer")?;
    count(shared, operation, service, &body, &answer);
    if let Some(publish) = publish {
        let is_complete = publish.is_complete;
        lock(&shared.passed).push(Passed {
            at: came,
            ..publish
        });
        sleep_until((came + shared.answer_time).into()).await;
        if is_complete {
            shared.completed.notify_one();
        }
    }
    Ok(response(status, headers, answer))
}

fn count(shared: &Shared, operation: &str, service: &str, body: &Bytes, answer: &Bytes) {
    let json = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let mut counts = lock(&shared.counts);
    if service.starts_with("DynamoDB") {
        let calls = counts.add(operation, body.len());
        calls.units += consumed(&json(answer));
        calls.item_bytes += written_bytes(&json(body));
    } else if service == "AmazonSQS" {
        counts.add(operation, body.len()).units += Calls::sqs_units(body.len());
    } else if operation == "/graphql" {
        let fields = json(answer)["data"].take();
        for field in fields.as_object().into_iter().flatten() {
            counts.add(field.0, body.len());
        }
    } else {
        counts.add(operation, body.len());
    }
}

fn publish(body: &Bytes) -> Option<Passed> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let variables = &body["variables"];
    Some(Passed {
        at: Instant::now(),
        token_bytes: variables["token"].as_str()?.len(),
        is_complete: variables["isComplete"].as_bool()?,
    })
}

/// The same request, which the table shall answer with what it consumed.
fn asking_what_it_took(body: &Bytes) -> Bytes {
    let Ok(Value::Object(mut request)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    request.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
    Value::Object(request).to_string().into()
}

fn response(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
