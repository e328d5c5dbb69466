//! `Converse` and `ConverseStream`: one shape for every model.
//!
//! | module | what |
//! | --- | --- |
//! | `request` | a request's body and its checks |
//! | `reasoning` | how a request asks the model to reason |
//! | `events` | a stream's events, and the response of `Converse` |

mod events;
mod reasoning;
mod request;

pub use events::ConverseEncoder;
pub(crate) use events::response;
pub(crate) use request::parse;
