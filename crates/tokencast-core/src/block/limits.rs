//! How large a piece may be that goes into one event.

use super::{Citation, Piece, PieceKind, ToolResult, ToolUse};

/// The longest JSON of a piece that is sent whole. With what is around it, it fits into a frame of API Gateway's (32 KB).
const MAX_JSON_BYTES: usize = 24 * 1024;

/// The longest JSON of a tool's names that is sent whole. They are repeated with each part of its input.
const MAX_TOOL_BYTES: usize = 1024;

/// The longest piece of reasoning that only the model reads. With what is around it, it fits into an item of DynamoDB's
/// (400 KB).
const MAX_HIDDEN_BYTES: usize = 256 * 1024;

// The most bytes of a longer piece's fields, as JSON writes them.
const MAX_TITLE_BYTES: usize = 1024;
const MAX_URL_BYTES: usize = 4 * 1024;
const MAX_TEXT_BYTES: usize = 16 * 1024;
const MAX_NAME_BYTES: usize = 448;

impl Piece {
    /// Cuts what is too long for an event: texts with an ellipsis, and an address altogether. `None` for a piece that is
    /// too long and can't be cut, because only the model can read it.
    pub(crate) fn within_limits(self) -> Option<Self> {
        match self.kind {
            // The pipeline splits these.
            PieceKind::Text | PieceKind::Reasoning | PieceKind::ToolInput => Some(self),
            PieceKind::ReasoningSignature | PieceKind::RedactedReasoning => {
                Some(self).filter(|piece| piece.content.len() <= MAX_HIDDEN_BYTES)
            }
            PieceKind::ToolUse if self.content.len() <= MAX_TOOL_BYTES => Some(self),
            PieceKind::Citation | PieceKind::ToolResult if self.content.len() <= MAX_JSON_BYTES => {
                Some(self)
            }
            PieceKind::Citation => {
                let Citation { title, url, text } = self.citation().unwrap_or_default();
                let citation = Citation {
                    title: title.map(|title| cut(title, MAX_TITLE_BYTES)),
                    url: url.filter(|url| json_bytes(url) <= MAX_URL_BYTES),
                    text: text.map(|text| cut(text, MAX_TEXT_BYTES)),
                };
                Some(Self::of_citation(self.block, &citation))
            }
            PieceKind::ToolUse => {
                let tool = self.tool_use().unwrap_or_default();
                let tool = ToolUse {
                    tool_use_id: cut(tool.tool_use_id.as_ref().to_owned(), MAX_NAME_BYTES).into(),
                    name: cut(tool.name.as_ref().to_owned(), MAX_NAME_BYTES).into(),
                    input: None,
                };
                Some(Self::of_tool_use(self.block, &tool))
            }
            PieceKind::ToolResult => {
                let result = self.tool_result().unwrap_or_default();
                let result = ToolResult {
                    tool_use_id: cut(result.tool_use_id, MAX_NAME_BYTES),
                    status: result.status.map(|status| cut(status, MAX_NAME_BYTES)),
                    content: result.content.map(|content| cut(content, MAX_TEXT_BYTES)),
                };
                Some(Self::of_tool_result(self.block, &result))
            }
        }
    }
}

/// Cuts a text between characters to so many bytes as JSON writes them, and an ellipsis.
fn cut(mut text: String, max: usize) -> String {
    let mut bytes = 0;
    let beyond = text.char_indices().find(|(_, character)| {
        bytes += json_bytes_of(*character);
        bytes > max
    });
    if let Some((at, _)) = beyond {
        text.truncate(at);
        text.push('…');
    }
    text
}

fn json_bytes(text: &str) -> usize {
    text.chars().map(json_bytes_of).sum()
}

fn json_bytes_of(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::BlockIndex;
    use super::*;

    #[test]
    fn what_is_sent_whole_fits_a_frame() {
        let block = BlockIndex(1);
        for long in ["x", "é", "\u{1}", "\"", "\n", "🦀"] {
            let long = long.repeat(40_000);
            let citation = Citation {
                title: Some(long.clone()),
                url: Some(long.clone()),
                text: Some(long.clone()),
            };
            let tool = ToolUse {
                tool_use_id: long.as_str().into(),
                name: long.as_str().into(),
                input: None,
            };
            let result = ToolResult {
                tool_use_id: long.clone(),
                status: Some(long.clone()),
                content: Some(long.clone()),
            };
            for piece in [
                Piece::of_citation(block, &citation),
                Piece::of_tool_use(block, &tool),
                Piece::of_tool_result(block, &result),
            ] {
                let kind = piece.kind;
                let piece = piece.within_limits().expect("cut");
                assert_eq!((piece.block, piece.kind), (block, kind));
                let max = match kind {
                    PieceKind::ToolUse => MAX_TOOL_BYTES,
                    _ => MAX_JSON_BYTES,
                };
                assert!(piece.content.len() <= max, "{kind:?}");
            }
            let cut = Piece::of_citation(block, &citation).within_limits();
            let cut = cut.and_then(|piece| piece.citation()).expect("a citation");
            assert_eq!(cut.url, None);
            let text = cut.text.expect("a text");
            assert!(text.ends_with('…') && text.len() > 2000, "{}", text.len());
        }
    }

    #[test]
    fn what_is_short_stays_as_it_is() {
        let citation = Citation {
            title: Some("A \"page\"".to_owned()),
            url: Some("https://example.com".to_owned()),
            text: Some("x".repeat(20_000)),
        };
        for piece in [
            Piece::of_citation(BlockIndex(0), &citation),
            Piece::text("x".repeat(100_000)),
            Piece::new(
                BlockIndex(0),
                PieceKind::ReasoningSignature,
                "x".repeat(MAX_HIDDEN_BYTES),
            ),
        ] {
            assert_eq!(piece.clone().within_limits(), Some(piece));
        }
        let kind = PieceKind::RedactedReasoning;
        let long = Piece::new(BlockIndex(0), kind, "x".repeat(MAX_HIDDEN_BYTES + 1));
        assert_eq!(long.within_limits(), None);
    }
}
