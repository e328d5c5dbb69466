//! A model's response: a stream of events, the same for every model and for every shape of request.

use futures_util::stream::BoxStream;

use crate::error::ModelError;

/// Ends with [`ModelEvent::Stop`], [`ModelEvent::Fail`] or [`ModelEvent::Reset`]. Without any of them, the stream was
/// cut.
pub(crate) type ModelStream = BoxStream<'static, ModelEvent>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    Text(String),
    Reasoning(String),
    Stop(Stop),
    Fail(ModelError),
    /// Tears the connection down.
    Reset,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Bedrock's stop reason, such as `end_turn`.
    pub reason: String,
    /// The stop sequence that ended the text.
    pub sequence: Option<String>,
    pub usage: Usage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Usage {
    pub fn total_tokens(self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}
