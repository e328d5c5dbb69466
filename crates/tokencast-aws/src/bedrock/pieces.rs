//! What a model sends, as pieces of blocks.

use aws_sdk_bedrockruntime::types::{
    CitationLocation, CitationsDelta, ContentBlockDelta, ContentBlockStart,
    ReasoningContentBlockDelta, ToolResultBlockDelta,
};
use aws_smithy_types::{Document, Number};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokencast_core::block::{
    BlockIndex, BlockNumbers, BlockType, Citation, Piece, PieceKind, ToolResult, ToolUse,
};
use tokencast_core::ports::ModelEvent;

/// Makes the pieces of one answer.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    numbers: BlockNumbers,
    /// Results of tools that have begun, with their blocks as the model numbers them. They become pieces when they are
    /// whole.
    results: Vec<(i32, ToolResult)>,
}

impl Pieces {
    /// `None` for a start that is nothing by itself.
    pub(super) fn on_start(&mut self, block: i32, start: ContentBlockStart) -> Option<ModelEvent> {
        match start {
            ContentBlockStart::ToolUse(start) => {
                let index = self.number(block, BlockType::ToolUse);
                let tool = ToolUse {
                    tool_use_id: start.tool_use_id.into(),
                    name: start.name.into(),
                    input: None,
                };
                Some(ModelEvent::Piece(Piece::of_tool_use(index, &tool)))
            }
            ContentBlockStart::ToolResult(start) => {
                let result = ToolResult {
                    tool_use_id: start.tool_use_id,
                    status: start.status.map(|status| status.as_str().to_owned()),
                    content: None,
                };
                self.results.push((block, result));
                None
            }
            _ => None,
        }
    }

    /// What no client can show, such as an image, still proves that the model is alive.
    pub(super) fn on_delta(&mut self, block: i32, delta: Option<ContentBlockDelta>) -> ModelEvent {
        let (kind, content) = match delta {
            Some(ContentBlockDelta::Text(text)) => (PieceKind::Text, text),
            Some(ContentBlockDelta::ReasoningContent(reasoning)) => match reasoning {
                ReasoningContentBlockDelta::Text(text) => (PieceKind::Reasoning, text),
                ReasoningContentBlockDelta::Signature(signature) => {
                    (PieceKind::ReasoningSignature, signature)
                }
                ReasoningContentBlockDelta::RedactedContent(redacted) => {
                    (PieceKind::RedactedReasoning, STANDARD.encode(redacted))
                }
                _ => return ModelEvent::Alive,
            },
            Some(ContentBlockDelta::ToolUse(tool)) => (PieceKind::ToolInput, tool.input),
            Some(ContentBlockDelta::Citation(citation)) => {
                return self.on_citation(block, citation);
            }
            Some(ContentBlockDelta::ToolResult(parts)) => {
                self.on_tool_result(block, parts);
                return ModelEvent::Alive;
            }
            _ => return ModelEvent::Alive,
        };
        if content.is_empty() {
            return ModelEvent::Alive;
        }
        let index = self.number(block, kind.block_type());
        ModelEvent::Piece(Piece::new(index, kind, content))
    }

    /// `None` unless a block has become whole that goes into one piece.
    pub(super) fn on_stop(&mut self, block: i32) -> Option<ModelEvent> {
        let begun = self.results.iter().position(|(of, _)| *of == block)?;
        let (_, result) = self.results.swap_remove(begun);
        let index = self.number(block, BlockType::ToolResult);
        Some(ModelEvent::Piece(Piece::of_tool_result(index, &result)))
    }

    fn on_citation(&mut self, block: i32, delta: CitationsDelta) -> ModelEvent {
        let citation = citation(delta);
        if citation == Citation::default() {
            return ModelEvent::Alive;
        }
        let index = self.number(block, BlockType::Citation);
        ModelEvent::Piece(Piece::of_citation(index, &citation))
    }

    fn on_tool_result(&mut self, block: i32, parts: Vec<ToolResultBlockDelta>) {
        let mut begun = self.results.iter_mut();
        let Some((_, result)) = begun.find(|(of, _)| *of == block) else {
            return;
        };
        let content = result.content.get_or_insert_default();
        for part in parts {
            match part {
                ToolResultBlockDelta::Text(text) => content.push_str(&text),
                ToolResultBlockDelta::Json(json) => content.push_str(&to_json(json).to_string()),
                _ => {}
            }
        }
    }

    fn number(&mut self, block: i32, block_type: BlockType) -> BlockIndex {
        self.numbers.number(block, block_type)
    }
}

/// The source may be an address or a name. Only an address of the web becomes a link.
fn citation(delta: CitationsDelta) -> Citation {
    let of_web = match delta.location {
        Some(CitationLocation::Web(web)) => web.url,
        _ => None,
    };
    let source = delta.source.filter(|source| !source.is_empty());
    let (source_url, source_name) = match source {
        Some(source) if is_web_address(&source) => (Some(source), None),
        source => (None, source),
    };
    let texts = delta.source_content.unwrap_or_default();
    let text: String = texts.into_iter().filter_map(|text| text.text).collect();
    let title = delta.title.filter(|title| !title.is_empty());
    Citation {
        title: title.or(source_name),
        url: of_web.filter(|url| is_web_address(url)).or(source_url),
        text: Some(text).filter(|text| !text.is_empty()),
    }
}

fn is_web_address(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    })
}

pub(super) fn to_json(document: Document) -> Value {
    match document {
        Document::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(name, value)| (name, to_json(value))).collect()
        }
        Document::Array(values) => values.into_iter().map(to_json).collect(),
        Document::Number(Number::PosInt(number)) => number.into(),
        Document::Number(Number::NegInt(number)) => number.into(),
        Document::Number(Number::Float(number)) => number.into(),
        Document::String(text) => text.into(),
        Document::Bool(bool) => bool.into(),
        Document::Null => Value::Null,
    }
}

#[cfg(test)]
mod tests;
