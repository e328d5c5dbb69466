//! The route of a request: what its method and its path ask for.

use tokencast_core::id::{ConversationId, SessionId};

use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::protocols::{self, ag_ui, ai_sdk, openai};

const CONVERSATIONS: &str = "conversations";
const CONVERSATIONS_BELOW: &str = "conversations/";

/// The route of a request.
pub(crate) enum Route {
    Start,
    Follow(SessionId),
    Stop(SessionId),
    Conversations,
    Conversation(ConversationId),
    DeleteConversation(ConversationId),
    Export(ConversationId),
    Assistants,
    AiSdk(ai_sdk::Route),
    Usage,
    OpenAi(openai::Route),
    AgUi,
}

impl Route {
    pub(crate) fn of(event: &UrlEvent) -> Result<Self, UrlError> {
        let path = event.raw_path.trim_matches('/');
        let method = if event.is_head() {
            "GET"
        } else {
            event.method()
        };
        if let Some(below) = protocols::below(path, ai_sdk::PATH) {
            return ai_sdk::Route::of(method, below).map(Self::AiSdk);
        }
        if let Some(below) = protocols::below(path, openai::PATH) {
            return openai::Route::of(method, below).map(Self::OpenAi);
        }
        match (method, path) {
            (method, path) if path == CONVERSATIONS || path.starts_with(CONVERSATIONS_BELOW) => {
                Self::of_conversations(method, path)
            }
            (_, path) if path.contains('/') => Err(UrlError::UnknownPath),
            ("GET", "usage") => Ok(Self::Usage),
            (_, "usage") => Err(UrlError::Method {
                allowed: "GET, HEAD",
            }),
            ("POST", ag_ui::PATH) => Ok(Self::AgUi),
            (_, "" | ag_ui::PATH) if method != "POST" => Err(UrlError::Method { allowed: "POST" }),
            ("POST", "") => Ok(Self::Start),
            ("GET", "assistants") => Ok(Self::Assistants),
            (_, "assistants") => Err(UrlError::Method {
                allowed: "GET, HEAD",
            }),
            ("GET", id) => Ok(Self::Follow(id.parse()?)),
            ("DELETE", id) => Ok(Self::Stop(id.parse()?)),
            _ => Err(UrlError::Method {
                allowed: "GET, HEAD, DELETE",
            }),
        }
    }

    fn of_conversations(method: &str, path: &str) -> Result<Self, UrlError> {
        let below = path.strip_prefix(CONVERSATIONS_BELOW);
        let Some(below) = below else {
            let allowed = UrlError::Method {
                allowed: "GET, HEAD",
            };
            return (method == "GET")
                .then_some(Self::Conversations)
                .ok_or(allowed);
        };
        let (id, rest) = below.split_once('/').unwrap_or((below, ""));
        match (method, rest) {
            ("GET", "") => Ok(Self::Conversation(id.parse()?)),
            ("DELETE", "") => Ok(Self::DeleteConversation(id.parse()?)),
            (_, "") => Err(UrlError::Method {
                allowed: "GET, HEAD, DELETE",
            }),
            ("GET", "export") => Ok(Self::Export(id.parse()?)),
            (_, "export") => Err(UrlError::Method {
                allowed: "GET, HEAD",
            }),
            _ => Err(UrlError::UnknownPath),
        }
    }
}
