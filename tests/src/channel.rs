//! The channel by which a client gets its answer. A promise holds over every channel, so most tests run over each.

use local_stack::faults::{Fault, FaultService, Rule};
use tokencast::stack::{FUNCTION_URL_FUNCTION, WORKER_FUNCTION};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channel {
    /// `startStream` and a subscription.
    #[default]
    AppSync,
    /// The response of a Function URL.
    FunctionUrl,
    /// Frames of a WebSocket API.
    WebSocket,
}

impl Channel {
    pub const ALL: [Self; 3] = [Self::AppSync, Self::FunctionUrl, Self::WebSocket];

    /// Returns the function that streams the answer at the first attempt.
    pub fn function(self) -> &'static str {
        match self {
            Self::AppSync | Self::WebSocket => WORKER_FUNCTION,
            Self::FunctionUrl => FUNCTION_URL_FUNCTION,
        }
    }

    /// Returns a rule that makes publishing fail. The Function URL's events are the response itself, and nothing can
    /// refuse them.
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

    /// Whether each attempt is for a message of the queue. The Function URL's function makes attempts without receiving
    /// one.
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

/// Turns each check into a test over each channel.
#[macro_export]
macro_rules! over_each_channel {
    ($( $(#[doc = $doc:literal])* async fn $name:ident($channel:ident) $check:block )*) => { $(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn check($channel: $crate::Channel) $check

            #[tokio::test]
            async fn over_appsync() {
                check($crate::Channel::AppSync).await;
            }

            #[tokio::test]
            async fn over_a_function_url() {
                check($crate::Channel::FunctionUrl).await;
            }

            #[tokio::test]
            async fn over_a_websocket() {
                check($crate::Channel::WebSocket).await;
            }
        }
    )* };
}
