//! A conversation as one document, in pieces that fit into a response.

use super::{RequestError, Requests};
use crate::conversation::TurnHead;
use crate::conversation::export::Format;
use crate::conversation::page::{ExportPosition, InConversation, InvalidArgument, Token as _};
use crate::conversation::tree::VersionOf;
use crate::id::{ConversationId, Owner};
use crate::ports::{Clock as _, ConversationStore as _, RequestPorts};

/// The most that a piece takes as a JSON string.
const MAX_PIECE_BYTES: usize = 2_000_000;

/// How much text is read of the tables at a time.
const MAX_READ_BYTES: usize = 1_000_000;

/// A piece of a document. All pieces joined are the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPiece {
    pub content: String,
    pub next_token: Option<String>,
}

impl<P: RequestPorts> Requests<P> {
    /// The piece of a conversation's document that a token names; the first without one. `None` for a conversation that
    /// the owner doesn't have.
    ///
    /// # Errors
    ///
    /// The token is malformed, or a table does not answer.
    pub async fn export(
        &self,
        owner: &Owner,
        id: ConversationId,
        format: Format,
        next_token: Option<&str>,
    ) -> Result<Option<ExportPiece>, RequestError> {
        let from = next_token.map(|token| InConversation::<ExportPosition>::position(token, id));
        let from = from.transpose()?;
        let (found, mut turns) =
            tokio::try_join!(self.visible(owner, id), self.conversations.turns(id))?;
        let Some(conversation) = found else {
            return Ok(None);
        };
        let now = self.clock.now();
        turns.retain(|turn| turn.is_of(&conversation, now));
        let ordered = format.order(&turns);
        let (mut piece, begin, mut offset) = match from {
            None => (Piece::new(&format.head(&conversation)), 0, 0),
            Some(from) => {
                let is_next = |(turn, _): &(&TurnHead, _)| turn.session_id == from.session_id;
                let begin = ordered.iter().position(is_next);
                let begin = begin.ok_or_else(gone)?;
                (Piece::new(""), begin, from.offset)
            }
        };
        let mut at = begin;
        while at < ordered.len() {
            let batch = batch(&ordered[at..]);
            let heads = batch.iter().map(|(turn, _)| (*turn).clone()).collect();
            let stored = self.conversations.texts(id, heads).await?;
            for (stored, (turn, version)) in stored.iter().zip(batch) {
                let text = format.turn(stored, *version, at == 0);
                if let Some(taken) = piece.add(&text, offset) {
                    let position = ExportPosition {
                        session_id: turn.session_id,
                        offset: taken,
                    };
                    return Ok(Some(piece.ends_before(id, position)));
                }
                offset = 0;
                at += 1;
            }
        }
        piece.content.push_str(format.tail());
        Ok(Some(ExportPiece {
            content: piece.content,
            next_token: None,
        }))
    }
}

/// The next turns whose texts are read together.
fn batch<'a, 'b>(rest: &'b [(&'a TurnHead, VersionOf)]) -> &'b [(&'a TurnHead, VersionOf)] {
    let mut bytes = 0;
    let fitting = rest.iter().take_while(|(turn, _)| {
        let is_first = bytes == 0;
        bytes += turn.prompt_bytes + turn.answer_bytes;
        is_first || bytes <= MAX_READ_BYTES
    });
    &rest[..fitting.count()]
}

fn gone() -> RequestError {
    let argument = InvalidArgument {
        name: "nextToken",
        found: "of a turn that is not there any more".to_owned(),
        expected: "the nextToken of the piece before",
    };
    argument.into()
}

struct Piece {
    content: String,
    /// What the content takes as a JSON string.
    bytes: usize,
}

impl Piece {
    fn new(content: &str) -> Self {
        Self {
            content: content.to_owned(),
            bytes: content.chars().map(bytes_in_json).sum(),
        }
    }

    /// Adds the text from `offset` on. If not all of it fits, returns how much of the text is out.
    fn add(&mut self, text: &str, offset: usize) -> Option<usize> {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        for (at, character) in text[offset..].char_indices() {
            self.bytes += bytes_in_json(character);
            if self.bytes > MAX_PIECE_BYTES {
                self.content.push_str(&text[offset..offset + at]);
                return Some(offset + at);
            }
        }
        self.content.push_str(&text[offset..]);
        None
    }

    fn ends_before(self, conversation_id: ConversationId, position: ExportPosition) -> ExportPiece {
        let next = InConversation {
            conversation_id,
            position,
        };
        ExportPiece {
            content: self.content,
            next_token: Some(next.to_token()),
        }
    }
}

fn bytes_in_json(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_joined_are_the_text() {
        let text = "é\n\"".repeat(1_500_000);
        let (mut offset, mut joined, mut count) = (0, String::new(), 0);
        loop {
            let mut piece = Piece::new("");
            let next = piece.add(&text, offset);
            joined.push_str(&piece.content);
            count += 1;
            let json = serde_json::to_string(&piece.content).expect("a string");
            assert!(json.len() <= MAX_PIECE_BYTES + 2);
            match next {
                Some(next) => offset = next,
                None => break,
            }
        }
        assert!(joined == text && count > 3, "{count} pieces");
    }
}
