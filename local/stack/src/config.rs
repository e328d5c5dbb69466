//! The configuration of a stack: plain data that can be written by hand or read from a template.
//!
//! Each service defines the types of its own part.

pub use local_apigateway::config::*;
pub use local_appsync::config::*;
pub use local_bedrock::config::*;
pub use local_cognito::config::*;
pub use local_dynamodb::config::*;
pub use local_gateway::config::*;
pub use local_lambda::config::*;
pub use local_sqs::config::*;
