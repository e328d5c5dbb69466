//! `InvokeModel` and `InvokeModelWithResponseStream`, in the shape of Anthropic's Messages API.
//!
//! | module | what |
//! | --- | --- |
//! | `request` | a request's body and its checks |
//! | `events` | a stream's events, and the response of `InvokeModel` |

mod events;
mod request;

pub(crate) use events::{AnthropicEncoder, response};
pub(crate) use request::parse;
