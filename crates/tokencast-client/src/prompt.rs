//! What is asked, and where in a conversation.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

/// A prompt, and the conversation that it is a turn of, if any. Text alone is a prompt.
///
/// ```no_run
/// # fn example(client: tokencast_client::Client) {
/// use tokencast_client::Prompt;
/// use uuid::Uuid;
///
/// // An id that nobody has used yet begins a conversation.
/// let conversation_id = Uuid::new_v4();
/// let first = client.stream(Prompt::new("Why do rivers meander?").in_conversation(conversation_id));
/// // Once that has ended: another version of the same turn.
/// let other = client.stream(
///     Prompt::new("Why do glaciers move?").in_conversation(conversation_id).at_beginning(),
/// );
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// What to ask.
    #[serde(rename = "prompt")]
    pub text: String,
    /// The conversation that this is a turn of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<Uuid>,
    /// The session of this conversation that this one continues, which must be over. `None`: the last that is over. The
    /// conversation's own id: none, so that this turn begins the conversation anew, beside its first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// The name of the assistant that answers, one of [`Client::assistants`](crate::Client::assistants). `None`: the
    /// conversation's last, or else the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assistant: Option<String>,
}

impl Prompt {
    /// A prompt outside of conversations.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            conversation_id: None,
            parent_id: None,
            assistant: None,
        }
    }

    /// Has this assistant answer it.
    #[must_use]
    pub fn to_assistant(mut self, name: impl Into<String>) -> Self {
        self.assistant = Some(name.into());
        self
    }

    /// Makes it a turn of a conversation, by default behind the last turn that is over.
    #[must_use]
    pub fn in_conversation(mut self, conversation_id: Uuid) -> Self {
        self.conversation_id = Some(conversation_id);
        self
    }

    /// Has it continue this turn of its conversation.
    #[must_use]
    pub fn after(mut self, session_id: Uuid) -> Self {
        self.parent_id = Some(session_id);
        self
    }

    /// Has it begin its conversation anew, as another version of the first turn.
    #[must_use]
    pub fn at_beginning(mut self) -> Self {
        self.parent_id = self.conversation_id;
        self
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Prompt {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Prompt {
    /// Without the text, which belongs into no log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Prompt")
            .field("conversation_id", &self.conversation_id)
            .field("parent_id", &self.parent_id)
            .field("assistant", &self.assistant)
            .finish_non_exhaustive()
    }
}
