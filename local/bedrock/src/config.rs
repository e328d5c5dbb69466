//! Which model answers, and what the scripted one says.

use std::num::NonZeroU32;
use std::time::Duration;

/// What answers a prompt.
#[derive(Clone, Debug)]
pub enum ModelConfig {
    /// Answers any prompt from a script, and says so.
    Scripted(ScriptConfig),
    /// A server with OpenAI's chat completions API, such as Ollama's or llama.cpp's.
    OpenAi {
        base_url: String,
        model: String,
        api_key: Option<String>,
    },
    /// Amazon Bedrock itself, with the credentials of the environment.
    Bedrock { model_id: String },
}

/// How the scripted model speaks.
#[derive(Clone, Debug)]
pub struct ScriptConfig {
    /// The answer's tokens; `None` writes a few paragraphs about the prompt. An empty token is sent as an empty delta.
    /// `{call}` in a token stands for the call's number, 1, 2, 3 …, so that the answers of two attempts differ.
    pub tokens: Option<Vec<String>>,
    /// Sent as reasoning, before the answer.
    pub reasoning: Vec<String>,
    pub time_to_first_token: Duration,
    /// Zero is full speed.
    pub time_between_tokens: Duration,
    /// What the end says, unless the request's token limit or a stop sequence ends the answer.
    pub stop_reason: String,
    /// A call has the first of these that is not used up and that its prompt matches.
    pub faults: Vec<FaultRule>,
}

impl Default for ScriptConfig {
    /// A natural pace: about 40 tokens a second.
    fn default() -> Self {
        Self {
            tokens: None,
            reasoning: Vec::new(),
            time_to_first_token: Duration::from_millis(300),
            time_between_tokens: Duration::from_millis(25),
            stop_reason: "end_turn".into(),
            faults: Vec::new(),
        }
    }
}

/// What goes wrong, and for which calls.
#[derive(Clone, Debug)]
pub struct FaultRule {
    pub fault: ModelFault,
    /// For how many calls; `None` is every one.
    pub times: Option<NonZeroU32>,
    /// Only for calls whose last user message contains this.
    pub prompt_contains: Option<String>,
}

impl FaultRule {
    /// For every call.
    pub fn always(fault: ModelFault) -> Self {
        Self {
            fault,
            times: None,
            prompt_contains: None,
        }
    }

    /// For the first `calls` calls.
    pub fn first(calls: NonZeroU32, fault: ModelFault) -> Self {
        Self {
            fault,
            times: Some(calls),
            prompt_contains: None,
        }
    }
}

/// What a model can do to its caller. Tokens are counted from the first one of the answer, without reasoning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFault {
    /// The call is refused, with the exception's HTTP status.
    Refuse(ModelException),
    /// The stream ends with an exception event.
    Fail {
        after_tokens: usize,
        exception: ModelException,
    },
    /// Not a byte more, for as long as the caller stays.
    Stall { after_tokens: usize },
    /// The stream ends as if complete, but without `messageStop`.
    Cut { after_tokens: usize },
    /// The connection (or HTTP/2 stream) is torn down.
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
