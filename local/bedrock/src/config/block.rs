//! A block of a script, and its JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::model::Citation;
use crate::tokens;

/// A block of the scripted model's answer, or a part of one.
///
/// In JSON it is an object with one of these members, and optionally `block`:
///
/// | member | value |
/// | --- | --- |
/// | `text` | a list of tokens |
/// | `reasoning`, `signature` | a list of tokens; the signature that follows them (optional, or alone) |
/// | `redacted` | encrypted reasoning, in base64 |
/// | `citation` | `title`, `url`, `text`; each optional |
/// | `toolUse` | `toolUseId`, `name`, `input`: any JSON, or its text as a list of tokens |
/// | `toolResult` | `toolUseId`, `status` (optional), `content`: text |
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WireBlock")]
pub struct ScriptBlock {
    /// Bedrock's index of the block. Parts with the same index are one block, between which others may come. Unless
    /// given, a citation belongs to the text before it, and anything else begins a new block.
    pub block: Option<usize>,
    pub content: ScriptContent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptContent {
    /// The text's tokens, as in [`super::ScriptConfig::tokens`].
    Text(Vec<String>),
    Reasoning {
        tokens: Vec<String>,
        signature: Option<String>,
    },
    Redacted(Vec<u8>),
    Citation(Citation),
    ToolUse {
        id: String,
        name: String,
        /// The JSON of the input, in pieces.
        input: Vec<String>,
    },
    ToolResult {
        id: String,
        status: Option<String>,
        content: String,
    },
}

impl From<ScriptContent> for ScriptBlock {
    /// A block with the usual index.
    fn from(content: ScriptContent) -> Self {
        Self {
            block: None,
            content,
        }
    }
}

/// Why a script's block is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BlockError {
    #[error(
        "a block of a script has {0} of text, reasoning (or signature), redacted, citation, toolUse and toolResult, \
         expected one"
    )]
    Members(usize),
    #[error("`redacted` of a script's block is not base64")]
    Redacted,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireBlock {
    block: Option<u8>,
    text: Option<Vec<String>>,
    reasoning: Option<Vec<String>>,
    signature: Option<String>,
    redacted: Option<String>,
    citation: Option<WireCitation>,
    tool_use: Option<WireToolUse>,
    tool_result: Option<WireToolResult>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCitation {
    title: Option<String>,
    url: Option<String>,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireToolUse {
    tool_use_id: String,
    name: String,
    input: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireToolResult {
    tool_use_id: String,
    status: Option<String>,
    content: String,
}

impl TryFrom<WireBlock> for ScriptBlock {
    type Error = BlockError;

    fn try_from(wire: WireBlock) -> Result<Self, BlockError> {
        let mut contents = Vec::new();
        contents.extend(wire.text.map(ScriptContent::Text));
        if wire.reasoning.is_some() || wire.signature.is_some() {
            contents.push(ScriptContent::Reasoning {
                tokens: wire.reasoning.unwrap_or_default(),
                signature: wire.signature,
            });
        }
        if let Some(redacted) = wire.redacted {
            let bytes = STANDARD
                .decode(redacted)
                .map_err(|_| BlockError::Redacted)?;
            contents.push(ScriptContent::Redacted(bytes));
        }
        contents.extend(wire.citation.map(|WireCitation { title, url, text }| {
            ScriptContent::Citation(Citation { title, url, text })
        }));
        contents.extend(wire.tool_use.map(|tool| ScriptContent::ToolUse {
            id: tool.tool_use_id,
            name: tool.name,
            input: input(&tool.input),
        }));
        contents.extend(wire.tool_result.map(|result| ScriptContent::ToolResult {
            id: result.tool_use_id,
            status: result.status,
            content: result.content,
        }));
        let count = contents.len();
        match contents.pop() {
            Some(content) if count == 1 => Ok(Self {
                block: wire.block.map(usize::from),
                content,
            }),
            _ => Err(BlockError::Members(count)),
        }
    }
}

/// A list of strings is the JSON's text in pieces; any other JSON is split as a model would send it.
fn input(input: &Value) -> Vec<String> {
    if let Value::Array(pieces) = input
        && !pieces.is_empty()
        && pieces.iter().all(Value::is_string)
    {
        let pieces = pieces.iter().filter_map(Value::as_str);
        return pieces.map(str::to_owned).collect();
    }
    tokens::split(&input.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_one_content() {
        for (json, expected) in [
            (r#"{"text":["a"]}"#, ""),
            (r#"{"block":3,"reasoning":["a"],"signature":"s"}"#, ""),
            (r#"{"signature":"s"}"#, ""),
            (r#"{"redacted":"AAEC"}"#, ""),
            (r#"{"citation":{"url":"https://example.com"}}"#, ""),
            (
                r#"{"toolUse":{"toolUseId":"t","name":"n","input":{"a":[1]}}}"#,
                "",
            ),
            (r#"{"toolResult":{"toolUseId":"t","content":"c"}}"#, ""),
            (r#"{"text":["a"],"redacted":"AAEC"}"#, "has 2 of"),
            ("{}", "has 0 of"),
            (r#"{"redacted":"?"}"#, "not base64"),
            (r#"{"txt":["a"]}"#, "unknown field `txt`"),
            (r#"{"citation":{"uri":"x"}}"#, "unknown field `uri`"),
        ] {
            let read: Result<ScriptBlock, _> = serde_json::from_str(json);
            let error = read
                .err()
                .map_or_else(String::new, |error| error.to_string());
            assert!(
                error.contains(expected) && error.is_empty() == expected.is_empty(),
                "{json}: {error}"
            );
        }
    }

    #[test]
    fn an_input_comes_in_pieces() {
        assert_eq!(
            input(&serde_json::json!(["{\"a\":", "1}"])),
            ["{\"a\":", "1}"]
        );
        assert_eq!(input(&serde_json::json!({ "a": 1 })).concat(), r#"{"a":1}"#);
        assert_eq!(input(&serde_json::json!([])).concat(), "[]");
    }
}
