//! What a long answer has besides its text, in chunks that are written once, like those of its text.
//!
//! They are cut where enough of it has come together, however much text is in between. So text and other pieces are cut
//! apart from each other, and a function of the version before, which knows no other pieces, finds the text's chunks
//! where it looks for them.
//!
//! The items call them `otherParts`.

use serde::{Deserialize, Serialize};
use tokencast_core::id::{Attempt, SessionId};
use tokencast_core::session::OtherPieces;
use tokencast_core::time::Timestamp;

use super::item::{self, Item, MalformedItem};

/// The key of a session's chunk.
pub(super) fn key(id: SessionId, attempt: Attempt, index: u32) -> String {
    format!("{id}#{}#p{index}", attempt.0)
}

/// The attributes of a chunk.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    session_id: String,
    other: String,
    #[serde(with = "serde_bytes")]
    pieces: Vec<u8>,
    /// In seconds since the Unix epoch.
    expires_at: i64,
}

pub(super) fn write(key: String, chunk: &OtherPieces, expires_at: Timestamp) -> Item {
    item::to_item(&Record {
        session_id: key,
        other: chunk.contents().to_owned(),
        pieces: chunk.to_bytes(),
        expires_at: expires_at.as_secs(),
    })
}

pub(super) fn read(item: &Item) -> Result<OtherPieces, MalformedItem> {
    let record: Record = item::of_item(item)?;
    item::other_pieces(record.other, &record.pieces)
}
