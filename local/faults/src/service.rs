//! The services that a plan names, and the points in a service where a fault can be applied.

use serde::{Deserialize, Serialize};

/// A service, as plans and usage counts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultService {
    AppSync,
    /// AppSync's WebSockets: a connect, and each event frame to each subscriber.
    Realtime,
    Sqs,
    /// Invocations of functions, whoever invokes them.
    Lambda,
    Bedrock,
    DynamoDb,
    Cognito,
    /// Requests to a Lambda function URL.
    FunctionUrl,
    /// API Gateway's WebSockets: a connect, and each message to a client.
    WebSocket,
    /// API Gateway's `@connections` API.
    ExecuteApi,
}

/// Where in a service a fault can be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A request at the gateway, or a real-time connect.
    Request,
    /// A subscription that starts.
    Start,
    /// A frame that is sent to one subscriber.
    Frame,
    /// A message that SQS returns to a receiver.
    Receive,
    /// A read of a table's global secondary index.
    Index,
    /// A batch of messages that was received for a function, before its invocation.
    Batch,
    /// A function's invocation.
    Invocation,
    /// A model's response, or a function URL's response body.
    Stream,
}

impl FaultService {
    pub(super) fn bit(self) -> u16 {
        1 << self as u8
    }

    /// The service's name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Self::AppSync => "appsync",
            Self::Realtime => "realtime",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Bedrock => "bedrock",
            Self::DynamoDb => "dynamodb",
            Self::Cognito => "cognito",
            Self::FunctionUrl => "functionurl",
            Self::WebSocket => "websocket",
            Self::ExecuteApi => "executeapi",
        }
    }
}
