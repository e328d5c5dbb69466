//! A fake DynamoDB and a fake SQS, which accept everything at once. Items are kept as they were written, whatever the
//! condition.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::{Value, json};
use tokencast_aws::sessions::KEY;

use super::server::Server;
use crate::error::BenchError;

#[derive(Debug)]
pub struct Aws(Server);

/// The items, by key.
type Items = Arc<Mutex<HashMap<String, Value>>>;

impl Aws {
    /// Starts the fakes.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> Result<Self, BenchError> {
        let router = Router::new().fallback(agree).with_state(Items::default());
        Server::start(router).await.map(Self)
    }

    pub fn url(&self) -> String {
        self.0.url()
    }
}

async fn agree(State(items): State<Items>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let target = headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next());
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let answer = answer(operation.unwrap_or_default(), body, &items);
    (
        [(header::CONTENT_TYPE, "application/x-amz-json-1.0")],
        answer,
    )
}

fn answer(operation: &str, mut body: Value, items: &Items) -> String {
    let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
    let key = |item: &Value| item[KEY]["S"].as_str().unwrap_or_default().to_owned();
    match operation {
        "PutItem" => {
            let item = body["Item"].take();
            items.insert(key(&item), item);
        }
        "GetItem" => {
            if let Some(item) = items.get(&key(&body["Key"])) {
                return json!({ "Item": item }).to_string();
            }
        }
        _ => {}
    }
    "{}".to_owned()
}
