//! Pages of lists: how long they are, and where the next one begins.
//!
//! A `nextToken` is opaque to clients. It is a position in base64, and says nothing that its owner doesn't know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use super::tree::TurnPosition;
use crate::id::{ConversationId, SessionId};
use crate::ports::ListPosition;
use crate::time::Timestamp;

/// The longest page.
const MAX_LIMIT: u32 = 100;

const DEFAULT_LIMIT: u32 = 20;

/// An argument that is malformed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name} is {found}: expected {expected}")]
pub struct InvalidArgument {
    pub name: &'static str,
    pub found: String,
    pub expected: &'static str,
}

/// The length of a page: 1 to 100, by default 20.
///
/// # Errors
///
/// [`InvalidArgument`] for any other number.
pub fn limit(given: Option<i64>) -> Result<u32, InvalidArgument> {
    let Some(given) = given else {
        return Ok(DEFAULT_LIMIT);
    };
    let limit = u32::try_from(given).ok();
    let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| InvalidArgument {
        name: "limit",
        found: given.to_string(),
        expected: "1 to 100",
    })
}

/// Where a page begins, as a `nextToken` has it.
pub trait Token: Sized {
    /// Tells the tokens of one kind from those of another.
    const KIND: &'static str;

    fn fields(&self) -> Vec<String>;

    fn read(fields: &[&str]) -> Option<Self>;

    fn to_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", Self::KIND, self.fields().join(" ")))
    }

    /// Reads what [`Self::to_token`] wrote.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] for any other text. The error does not repeat it.
    fn of_token(token: &str) -> Result<Self, InvalidArgument> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
            let mut fields = text.split(' ');
            if fields.next() != Some(Self::KIND) {
                return None;
            }
            Self::read(&fields.collect::<Vec<_>>())
        };
        read().ok_or_else(|| InvalidArgument {
            name: "nextToken",
            found: "malformed".to_owned(),
            expected: "the nextToken of an answer to the same request",
        })
    }
}

impl Token for ListPosition {
    const KIND: &'static str = "list";

    fn fields(&self) -> Vec<String> {
        vec![millis(self.listed_at), self.conversation_id.to_string()]
    }

    fn read(fields: &[&str]) -> Option<Self> {
        let [listed_at, conversation_id] = fields else {
            return None;
        };
        Some(Self {
            listed_at: of_millis(listed_at)?,
            conversation_id: conversation_id.parse().ok()?,
        })
    }
}

impl Token for TurnPosition {
    const KIND: &'static str = "turns";

    fn fields(&self) -> Vec<String> {
        vec![millis(self.created_at), self.session_id.to_string()]
    }

    fn read(fields: &[&str]) -> Option<Self> {
        let [created_at, session_id] = fields else {
            return None;
        };
        Some(Self {
            created_at: of_millis(created_at)?,
            session_id: session_id.parse().ok()?,
        })
    }
}

/// Where the next piece of an export begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportPosition {
    /// The turn whose text goes on, or comes next.
    pub session_id: SessionId,
    /// How much of that text is out.
    pub offset: usize,
}

impl Token for ExportPosition {
    const KIND: &'static str = "export";

    fn fields(&self) -> Vec<String> {
        vec![self.session_id.to_string(), self.offset.to_string()]
    }

    fn read(fields: &[&str]) -> Option<Self> {
        let [session_id, offset] = fields else {
            return None;
        };
        Some(Self {
            session_id: session_id.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    }
}

/// A position within one conversation. A token of another conversation is refused: it would skip turns, or be of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InConversation<T> {
    pub conversation_id: ConversationId,
    pub position: T,
}

impl<T: Token> InConversation<T> {
    /// Reads a token that an answer about `conversation_id` had.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] for any other text. The error does not repeat it.
    pub fn position(token: &str, conversation_id: ConversationId) -> Result<T, InvalidArgument> {
        let read = Self::of_token(token)?;
        let is_its_own = read.conversation_id == conversation_id;
        is_its_own
            .then_some(read.position)
            .ok_or_else(|| InvalidArgument {
                name: "nextToken",
                found: "of another conversation".to_owned(),
                expected: "the nextToken of an answer to the same request",
            })
    }
}

impl<T: Token> Token for InConversation<T> {
    const KIND: &'static str = T::KIND;

    fn fields(&self) -> Vec<String> {
        let mut fields = vec![self.conversation_id.to_string()];
        fields.extend(self.position.fields());
        fields
    }

    fn read(fields: &[&str]) -> Option<Self> {
        let (conversation_id, position) = fields.split_first()?;
        Some(Self {
            conversation_id: conversation_id.parse().ok()?,
            position: T::read(position)?,
        })
    }
}

fn millis(time: Timestamp) -> String {
    time.as_millis().to_string()
}

fn of_millis(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_within_its_range() {
        for (given, expected) in [
            (None, Some(20)),
            (Some(1), Some(1)),
            (Some(100), Some(100)),
            (Some(0), None),
            (Some(101), None),
            (Some(-1), None),
            (Some(i64::MAX), None),
        ] {
            assert_eq!(limit(given).ok(), expected, "{given:?}");
        }
        let refused = limit(Some(0)).expect_err("refused").to_string();
        assert_eq!(refused, "limit is 0: expected 1 to 100");
    }

    #[test]
    fn a_token_reads_back_as_written_and_is_of_one_kind() {
        let listed = ListPosition {
            listed_at: Timestamp::from_millis(1_767_312_000_123),
            conversation_id: ConversationId::random(),
        };
        let turn = TurnPosition {
            created_at: Timestamp::from_millis(5),
            session_id: SessionId::random(),
        };
        let piece = ExportPosition {
            session_id: turn.session_id,
            offset: 17,
        };
        assert_eq!(ListPosition::of_token(&listed.to_token()), Ok(listed));
        assert_eq!(TurnPosition::of_token(&turn.to_token()), Ok(turn));
        assert_eq!(ExportPosition::of_token(&piece.to_token()), Ok(piece));
        let id = ConversationId::random();
        let within = InConversation {
            conversation_id: id,
            position: turn,
        };
        let token = within.to_token();
        assert_eq!(InConversation::position(&token, id), Ok(turn));
        let refused = InConversation::<TurnPosition>::position(&token, ConversationId::random());
        let refused = refused.expect_err("another conversation").to_string();
        assert!(
            refused.starts_with("nextToken is of another conversation: expected"),
            "{refused}"
        );
        for token in [
            "",
            "secret!",
            "bGlzdA",
            &listed.to_token()[1..],
            &format!("{}x", turn.to_token()),
            &listed.to_token(),
        ] {
            let refused = TurnPosition::of_token(token)
                .expect_err("refused")
                .to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
