//! A DynamoDB and an SQS that agree to everything at once. Items are kept as they were written, whatever the condition.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, header};
use serde_json::{Value, json};
use tokencast_aws::sessions::KEY;

use super::server::{Answer, Server};
use crate::error::BenchError;

#[derive(Debug)]
pub struct Aws {
    server: Server,
}

/// By the key.
type Items = Arc<Mutex<HashMap<String, Value>>>;

impl Aws {
    pub async fn start() -> Result<Self, BenchError> {
        let items = Items::default();
        let server = Server::start(Arc::new(move |request| {
            agree(request, Arc::clone(&items)).boxed()
        }))
        .await?;
        Ok(Self { server })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }
}

fn operation(request: &Request<Incoming>) -> String {
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| target.rsplit('.').next());
    name.unwrap_or("unknown").to_owned()
}

async fn agree(request: Request<Incoming>, items: Items) -> Answer {
    let operation = operation(&request);
    let body = request.into_body().collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    let body = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let answer = answer(&operation, body, &items);
    let mut response = Response::new(Full::new(answer).boxed_unsync());
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn answer(operation: &str, mut body: Value, items: &Items) -> Bytes {
    let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
    let key = |item: &Value| item[KEY]["S"].as_str().unwrap_or_default().to_owned();
    match operation {
        "PutItem" => {
            let item = body["Item"].take();
            items.insert(key(&item), item);
        }
        "GetItem" => {
            if let Some(item) = items.get(&key(&body["Key"])) {
                return json!({ "Item": item }).to_string().into();
            }
        }
        _ => {}
    }
    Bytes::from_static(b"{}")
}
