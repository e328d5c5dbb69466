//! Which model is behind Bedrock, and the scripted model's script.

mod block;

pub use block::{BlockError, ScriptBlock, ScriptContent};

use std::num::NonZeroU32;
use std::time::Duration;

/// The model that answers prompts.
#[derive(Clone, Debug)]
pub enum ModelConfig {
    /// A model that follows a script. Its text says so.
    Scripted(ScriptConfig),
    /// A server with OpenAI's chat completions API, such as Ollama's or llama.cpp's.
    OpenAi {
        base_url: String,
        /// The model's name; `None` to take the model id of each request for it.
        model: Option<String>,
        api_key: Option<String>,
        reasoning_tags: ReasoningTags,
    },
    /// Amazon Bedrock itself, with the environment's credentials.
    Bedrock {
        /// `None` to take the model id of each request.
        model_id: Option<String>,
    },
}

/// Whether the text of a server's answers has reasoning in it, between `<think>` and `</think>`. What servers send as
/// reasoning, in a field or a typed part of its own, is reasoning in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReasoningTags {
    /// If an answer begins with `<think>`, it begins with reasoning.
    #[default]
    Auto,
    /// Every answer begins with reasoning, with or without `<think>`: some servers put the opening tag into the prompt.
    Always,
    /// Tags are text.
    Off,
}

/// What the scripted model says, how fast, and when it fails.
#[derive(Clone, Debug)]
pub struct ScriptConfig {
    /// The text's tokens. `None` writes a few paragraphs about the prompt. An empty token is sent as an empty delta.
    /// `{call}` in a token is replaced by the call's number, 1, 2, 3 …, so that two attempts differ.
    pub tokens: Option<Vec<String>>,
    /// Tokens that are sent as reasoning, before the text.
    pub reasoning: Vec<String>,
    /// The answer's blocks, instead of `tokens` and `reasoning`.
    pub blocks: Option<Vec<ScriptBlock>>,
    /// Answers with the JSON of the `system` and `messages` that the request has, byte for byte, instead of all the
    /// above. Neither a token limit nor a stop sequence cuts it.
    pub echo: bool,
    pub time_to_first_token: Duration,
    /// Zero sends at full speed.
    pub time_between_tokens: Duration,
    /// The stop reason, unless the request's token limit or a stop sequence ends the text.
    pub stop_reason: String,
    /// A call gets the first of these faults that isn't used up and whose condition its prompt meets.
    pub faults: Vec<FaultRule>,
}

impl Default for ScriptConfig {
    /// A natural pace: about 40 tokens a second.
    fn default() -> Self {
        Self {
            tokens: None,
            reasoning: Vec::new(),
            blocks: None,
            echo: false,
            time_to_first_token: Duration::from_millis(300),
            time_between_tokens: Duration::from_millis(25),
            stop_reason: "end_turn".into(),
            faults: Vec::new(),
        }
    }
}

/// A fault, and the calls that it is for.
#[derive(Clone, Debug)]
pub struct FaultRule {
    pub fault: ModelFault,
    /// The number of calls; `None` is every call.
    pub times: Option<NonZeroU32>,
    /// Applies only to calls whose last user message contains this text.
    pub prompt_contains: Option<String>,
}

impl FaultRule {
    /// A fault of every call.
    pub fn always(fault: ModelFault) -> Self {
        Self {
            fault,
            times: None,
            prompt_contains: None,
        }
    }

    /// A fault of the first `calls` calls.
    pub fn first(calls: NonZeroU32, fault: ModelFault) -> Self {
        Self {
            fault,
            times: Some(calls),
            prompt_contains: None,
        }
    }
}

/// A fault of the scripted model. The tokens of text, of reasoning and of a tool's input count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFault {
    /// Refuses the call, with the exception's HTTP status.
    Refuse(ModelException),
    /// Ends the stream with an exception event.
    Fail {
        after_tokens: usize,
        exception: ModelException,
    },
    /// Sends nothing more for as long as the caller stays.
    Stall { after_tokens: usize },
    /// Ends the stream as if complete, but without `messageStop`.
    Cut { after_tokens: usize },
    /// Tears down the connection (or HTTP/2 stream).
    Reset { after_tokens: usize },
}

/// Bedrock's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelException {
    AccessDenied,
    InternalServer,
    ModelError,
    ModelNotReady,
    ModelStreamError,
    ModelTimeout,
    ResourceNotFound,
    ServiceUnavailable,
    Throttling,
    Validation,
}
