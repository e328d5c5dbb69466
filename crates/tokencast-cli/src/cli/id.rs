//! The id of a session or a conversation.

use uuid::Uuid;

/// Reads an id.
///
/// # Errors
///
/// It is no UUID: what was expected.
pub(super) fn uuid(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "expected a UUID, such as 67e55044-10b1-426f-9247-bb680e5fe0c8".to_owned())
}
