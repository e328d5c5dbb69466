//! A model's answer as a whole, for the operations that don't stream.

use futures_util::StreamExt as _;

use crate::config::ModelException;
use crate::error::ModelError;
use crate::log::{EndReason, OpenCall};
use crate::model::{Citation, ModelEvent, ModelStream, Piece, Stop};

/// A block with all of its pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WholeBlock {
    Text {
        text: String,
        citations: Vec<Citation>,
    },
    Reasoning {
        text: String,
        signature: Option<String>,
    },
    Redacted(Vec<u8>),
    ToolUse {
        id: String,
        name: String,
        /// JSON, if the model finished it.
        input: String,
    },
    ToolResult {
        id: String,
        status: Option<String>,
        text: String,
    },
}

/// Reads a model's stream to its end.
pub(crate) async fn collect(
    mut events: ModelStream,
    mut open: OpenCall,
) -> Result<(Vec<WholeBlock>, Stop), ModelError> {
    let mut blocks: Vec<(usize, WholeBlock)> = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            ModelEvent::Piece { block, piece } => {
                open.piece_sent(&piece);
                add(&mut blocks, block, piece);
            }
            ModelEvent::BlockStop { .. } => {}
            ModelEvent::Stop(stop) => {
                open.end(EndReason::Completed);
                blocks.sort_by_key(|(index, _)| *index);
                return Ok((blocks.into_iter().map(|(_, block)| block).collect(), stop));
            }
            ModelEvent::Fail(error) => {
                open.end(EndReason::Faulted(error.exception.name().into()));
                return Err(error);
            }
            ModelEvent::Reset => break,
        }
    }
    open.end(EndReason::Faulted("cut".into()));
    Err(ModelError::standard(ModelException::ModelError))
}

/// Adds a piece to its block. A piece of another kind than the block's begins another block with the same index.
fn add(blocks: &mut Vec<(usize, WholeBlock)>, index: usize, piece: Piece) {
    let last = blocks.iter_mut().rev().find(|(at, _)| *at == index);
    let last = last.map(|(_, block)| block);
    let new = match (piece, last) {
        (Piece::Text(more), Some(WholeBlock::Text { text, .. }))
        | (Piece::Reasoning(more), Some(WholeBlock::Reasoning { text, .. }))
        | (Piece::ToolInput(more), Some(WholeBlock::ToolUse { input: text, .. }))
        | (Piece::ToolResultText(more), Some(WholeBlock::ToolResult { text, .. })) => {
            return text.push_str(&more);
        }
        (Piece::Citation(citation), Some(WholeBlock::Text { citations, .. })) => {
            return citations.push(citation);
        }
        (Piece::Signature(new), Some(WholeBlock::Reasoning { signature, .. })) => {
            *signature = Some(new);
            return;
        }
        (Piece::Text(text), _) => WholeBlock::Text {
            text,
            citations: Vec::new(),
        },
        (Piece::Citation(citation), _) => WholeBlock::Text {
            text: String::new(),
            citations: vec![citation],
        },
        (Piece::Reasoning(text), _) => WholeBlock::Reasoning {
            text,
            signature: None,
        },
        (Piece::Signature(signature), _) => WholeBlock::Reasoning {
            text: String::new(),
            signature: Some(signature),
        },
        (Piece::Redacted(bytes), _) => WholeBlock::Redacted(bytes),
        (Piece::ToolUse { id, name }, _) => WholeBlock::ToolUse {
            id,
            name,
            input: String::new(),
        },
        (Piece::ToolResult { id, status }, _) => WholeBlock::ToolResult {
            id,
            status,
            text: String::new(),
        },
        // What begins these blocks came before, or the model has sent nonsense.
        (Piece::ToolInput(_) | Piece::ToolResultText(_), _) => return,
    };
    blocks.push((index, new));
}
