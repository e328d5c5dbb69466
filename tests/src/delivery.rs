//! Over which delivery a client has its answer. A promise holds over each, so most tests run over each.

use local_stack::faults::{Fault, FaultService, Rule};
use tokencast::stack::{FUNCTION_URL_FUNCTION, WORKER_FUNCTION};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// `startStream` and a subscription.
    #[default]
    AppSync,
    /// The response of a Function URL.
    FunctionUrl,
    /// Frames of a WebSocket API.
    WebSocket,
}

impl Delivery {
    pub const ALL: [Self; 3] = [Self::AppSync, Self::FunctionUrl, Self::WebSocket];

    /// The function that has the model's answer at the first attempt.
    pub fn function(self) -> &'static str {
        match self {
            Self::AppSync | Self::WebSocket => WORKER_FUNCTION,
            Self::FunctionUrl => FUNCTION_URL_FUNCTION,
        }
    }

    /// A fault of what takes the events. A Function URL's are the response itself: there is nobody to refuse them.
    pub fn publish(self, fault: Fault) -> Option<Rule> {
        match self {
            Self::AppSync => Some(Rule::new(FaultService::AppSync, "publishToken", fault)),
            Self::WebSocket => Some(Rule::new(
                FaultService::ExecuteApi,
                "PostToConnection",
                fault,
            )),
            Self::FunctionUrl => None,
        }
    }

    /// Whether the queue's message is what an attempt is made for. A Function URL's own attempts are no receives.
    pub fn is_queued(self) -> bool {
        self != Self::FunctionUrl
    }

    pub(crate) fn via(self) -> tokencast::cli::Channel {
        match self {
            Self::AppSync => tokencast::cli::Channel::Appsync,
            Self::FunctionUrl => tokencast::cli::Channel::Url,
            Self::WebSocket => tokencast::cli::Channel::Websocket,
        }
    }
}

/// Makes of each check a test over each delivery.
#[macro_export]
macro_rules! over_each_delivery {
    ($( $(#[doc = $doc:literal])* async fn $name:ident($delivery:ident) $check:block )*) => { $(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn check($delivery: $crate::Delivery) $check

            #[tokio::test]
            async fn over_appsync() {
                check($crate::Delivery::AppSync).await;
            }

            #[tokio::test]
            async fn over_a_function_url() {
                check($crate::Delivery::FunctionUrl).await;
            }

            #[tokio::test]
            async fn over_a_websocket() {
                check($crate::Delivery::WebSocket).await;
            }
        }
    )* };
}
