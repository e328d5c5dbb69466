//! Named sets of a model, its instructions and its limits.
//!
//! | module | what |
//! | --- | --- |
//! | [`catalogue`] | the assistants of a deployment, and the choice among them |
//! | [`name`] | an assistant's name |
//! | [`settings`] | what an assistant is |
//! | [`price`] | what a model's tokens cost |

pub mod catalogue;
pub mod name;
pub mod price;
pub mod settings;

pub use catalogue::{Assistants, NoDefault, UnknownAssistant};
pub use name::{AssistantName, InvalidAssistantName};
pub use price::{Cost, InvalidPrice, Price};
pub use settings::{Assistant, GuardrailSettings, Reasoning, StreamProcessing};
