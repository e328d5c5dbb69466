//! A prompt in the SDK's types.

use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, ContentBlock, ConversationRole, GuardrailStreamConfiguration,
    GuardrailStreamProcessingMode, GuardrailTrace, InferenceConfiguration, Message,
    ReasoningContentBlock, ReasoningTextBlock, SystemContentBlock,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::ModelException;
use crate::error::ModelError;
use crate::guardrail::{Asked, Mode};
use crate::prompt::{Content, Prompt, Role};

pub(super) fn inference(prompt: &Prompt) -> InferenceConfiguration {
    InferenceConfiguration::builder()
        .set_max_tokens(
            prompt
                .max_tokens
                .map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)),
        )
        .set_temperature(prompt.temperature)
        .set_top_p(prompt.top_p)
        .set_stop_sequences(
            Some(prompt.stop_sequences.clone()).filter(|sequences| !sequences.is_empty()),
        )
        .build()
}

pub(super) fn guardrail(asked: &Asked) -> GuardrailStreamConfiguration {
    let mode = match asked.mode {
        Mode::Sync => GuardrailStreamProcessingMode::Sync,
        Mode::Async => GuardrailStreamProcessingMode::Async,
    };
    let trace = if asked.traces {
        GuardrailTrace::Enabled
    } else {
        GuardrailTrace::Disabled
    };
    GuardrailStreamConfiguration::builder()
        .guardrail_identifier(&asked.id)
        .guardrail_version(&asked.version)
        .stream_processing_mode(mode)
        .trace(trace)
        .build()
}

/// `None` without a system prompt.
pub(super) fn system(prompt: &Prompt) -> Result<Option<Vec<SystemContentBlock>>, ModelError> {
    let blocks = prompt.system.iter().filter_map(|content| match content {
        Content::Text(text) => Some(Ok(SystemContentBlock::Text(text.clone()))),
        Content::CachePoint => Some(cache_point().map(SystemContentBlock::CachePoint)),
        _ => None,
    });
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(blocks).filter(|blocks| !blocks.is_empty()))
}

pub(super) fn messages(prompt: &Prompt) -> Result<Vec<Message>, ModelError> {
    let messages = prompt.messages.iter().map(|message| {
        let role = match message.role {
            Role::User => ConversationRole::User,
            Role::Assistant => ConversationRole::Assistant,
        };
        let blocks = message.content.iter().map(block);
        Message::builder()
            .role(role)
            .set_content(Some(blocks.collect::<Result<_, _>>()?))
            .build()
            .map_err(incomplete)
    });
    messages.collect()
}

fn block(content: &Content) -> Result<ContentBlock, ModelError> {
    Ok(match content {
        Content::Text(text) => ContentBlock::Text(text.clone()),
        Content::CachePoint => ContentBlock::CachePoint(cache_point()?),
        Content::Reasoning { text, signature } => {
            let reasoning = ReasoningTextBlock::builder()
                .text(text)
                .set_signature(signature.clone())
                .build()
                .map_err(incomplete)?;
            ContentBlock::ReasoningContent(ReasoningContentBlock::ReasoningText(reasoning))
        }
        Content::Redacted(base64) => {
            let bytes = STANDARD.decode(base64).map_err(|_| {
                ModelError::validation("The redactedContent field of a ContentBlock is not base64.")
            })?;
            ContentBlock::ReasoningContent(ReasoningContentBlock::RedactedContent(Blob::new(bytes)))
        }
        Content::ToolUse { .. } | Content::ToolResult { .. } | Content::Other(_) => {
            return Err(ModelError::validation(
                "The local Bedrock passes only text, reasoning and cache points on to Amazon Bedrock: remove tools, \
                 images and other blocks, and try again.",
            ));
        }
    })
}

fn cache_point() -> Result<CachePointBlock, ModelError> {
    let point = CachePointBlock::builder().r#type(CachePointType::Default);
    point.build().map_err(incomplete)
}

fn incomplete(_: BuildError) -> ModelError {
    ModelError::standard(ModelException::Validation)
}
