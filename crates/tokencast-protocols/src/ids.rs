//! Ids that a front end makes are mapped, not trusted: the same words of the same owner are the same conversation and the
//! same session, and nobody else's. `docs/PROTOCOL.md`, "From the AI SDK", says how; `@tokencast/client/ai-sdk` makes the
//! same ids, by the vectors of `tests/fixtures/ai_sdk_ids.json`.

use tokencast_core::id::{ConversationId, Owner, SessionId};
use uuid::{Uuid, uuid};

/// Of all names here.
const NAMESPACE: Uuid = uuid!("5bb4e6cf-7c39-5f6e-9b3a-3f0c6a3b8d51");

/// The conversation of a chat.
pub fn conversation_id(owner: &Owner, chat_id: &str) -> ConversationId {
    id_of(&["conversation", owner.as_str(), chat_id]).into()
}

/// The session of a question that was submitted, whose parts have `texts`. Other words under the same message's id are
/// another session.
pub fn session_id<'a>(
    owner: &'a Owner,
    chat_id: &'a str,
    message_id: &'a str,
    texts: impl IntoIterator<Item = &'a str>,
) -> SessionId {
    let mut names = vec!["session", owner.as_str(), chat_id, message_id];
    names.extend(texts);
    id_of(&names).into()
}

/// The session of a question that is asked anew, because its session failed or was stopped. Whoever asks once more asks for
/// the same one.
pub fn again(ended: SessionId) -> SessionId {
    id_of(&["again", ended.as_str()]).into()
}

/// The session of a request that its client can tell from others, by a key of its own.
pub fn request_session_id(owner: &Owner, key: &str) -> SessionId {
    id_of(&["request", owner.as_str(), key]).into()
}

/// A name is a JSON array of strings. Both `serde_json` and JavaScript write it without white space, and escape the same
/// characters in the same way.
fn id_of(names: &[&str]) -> Uuid {
    let name = serde_json::to_vec(names).expect("strings always serialize");
    Uuid::new_v5(&NAMESPACE, &name)
}
