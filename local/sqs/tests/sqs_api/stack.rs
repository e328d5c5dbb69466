//! A running SQS for one test.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_sqs::Sqs;
use local_sqs::testing::{client, endpoints, http, serve, sqs};
use serde_json::Value;
use tokio::task::JoinHandle;

/// A running SQS, and a client of it.
pub(crate) struct Stack {
    pub(crate) endpoints: Endpoints,
    pub(crate) clock: Clock,
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) dead_url: String,
    sqs: Sqs,
    server: JoinHandle<()>,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(state: Option<&std::path::Path>) -> Self {
        let (listener, endpoints) = endpoints().await;
        let clock = Clock::system();
        let sqs = sqs(&endpoints, &clock, state);
        let server = serve(listener, sqs.router());
        let client = client(&endpoints);
        let (url, dead_url) = (endpoints.queue_url("jobs"), endpoints.queue_url("dead"));
        Self {
            endpoints,
            clock,
            client,
            url,
            dead_url,
            sqs,
            server,
        }
    }

    pub(crate) async fn stop(self) {
        self.sqs.close();
        self.server.abort();
        let _ = self.server.await;
    }

    pub(crate) async fn send(&self, body: &str) -> String {
        let sent = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .send()
            .await;
        sent.expect("sent").message_id().expect("an id").to_owned()
    }

    pub(crate) async fn receive(&self, url: &str) -> Option<Message> {
        let received = self
            .client
            .receive_message()
            .queue_url(url)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        received
            .expect("received")
            .messages
            .unwrap_or_default()
            .pop()
    }

    pub(crate) async fn post(&self, action: &str, input: &Value) -> (u16, String, Value) {
        let response = http()
            .post(self.endpoints.url())
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(input.to_string())
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        assert_eq!(
            response.headers()["content-type"],
            "application/x-amz-json-1.0"
        );
        assert!(response.headers().contains_key("x-amzn-requestid"));
        let query_error = response
            .headers()
            .get("x-amzn-query-error")
            .map(|it| it.to_str().expect("text").to_owned());
        let body = response.bytes().await.expect("a body");
        (
            status,
            query_error.unwrap_or_default(),
            serde_json::from_slice(&body).expect("JSON"),
        )
    }
}

pub(crate) fn attribute(message: &Message, name: &MessageSystemAttributeName) -> String {
    message.attributes().expect("attributes")[name].clone()
}

pub(crate) fn handle(message: &Message) -> String {
    message.receipt_handle().expect("a handle").to_owned()
}
