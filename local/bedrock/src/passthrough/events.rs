//! The SDK's events.

use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput as Response;
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{
    CitationLocation, CitationsDelta, ContentBlockDelta, ContentBlockStart, ConverseStreamOutput,
    ReasoningContentBlockDelta, TokenUsage, ToolResultBlockDelta,
};
use futures_util::{StreamExt as _, stream};

use super::trace;
use crate::config::ModelException;
use crate::error::ModelError;
use crate::model::{CacheUsage, Citation, ModelEvent, ModelStream, Piece, Stop, Usage};

/// The events of a response as they arrive.
pub(super) fn read(response: Response) -> ModelStream {
    let answer = Completion {
        response,
        stop_reason: None,
        ended: false,
    };
    stream::unfold(answer, |mut answer| async move {
        let event = answer.next().await?;
        Some((event, answer))
    })
    .boxed()
}

/// One response while it arrives.
struct Completion {
    response: Response,
    stop_reason: Option<String>,
    ended: bool,
}

impl Completion {
    async fn next(&mut self) -> Option<ModelEvent> {
        while !self.ended {
            match self.response.stream.recv().await {
                Ok(Some(event)) => {
                    if let Some(event) = self.read(event) {
                        return Some(event);
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    // Bedrock sends the usage last. A response with a stop reason but no usage is complete.
                    let reason = self.stop_reason.take()?;
                    return Some(ModelEvent::Stop(Stop {
                        reason,
                        sequence: None,
                        usage: Usage::default(),
                        trace: None,
                    }));
                }
                Err(error) => {
                    self.ended = true;
                    let error = broken(&error);
                    tracing::warn!(
                        "Amazon Bedrock broke an answer off: {}",
                        error.exception.name()
                    );
                    return Some(ModelEvent::Fail(error));
                }
            }
        }
        None
    }

    fn read(&mut self, event: ConverseStreamOutput) -> Option<ModelEvent> {
        match event {
            ConverseStreamOutput::ContentBlockStart(event) => Some(ModelEvent::Piece {
                block: index(event.content_block_index),
                piece: start(event.start?)?,
            }),
            ConverseStreamOutput::ContentBlockDelta(event) => Some(ModelEvent::Piece {
                block: index(event.content_block_index),
                piece: delta(event.delta?)?,
            }),
            ConverseStreamOutput::ContentBlockStop(event) => Some(ModelEvent::BlockStop {
                block: index(event.content_block_index),
            }),
            ConverseStreamOutput::MessageStop(event) => {
                self.stop_reason = Some(event.stop_reason.as_str().to_owned());
                None
            }
            ConverseStreamOutput::Metadata(event) => {
                let reason = self.stop_reason.take()?;
                self.ended = true;
                Some(ModelEvent::Stop(Stop {
                    reason,
                    sequence: None,
                    usage: event.usage.as_ref().map(usage).unwrap_or_default(),
                    trace: event.trace.as_ref().and_then(trace::of),
                }))
            }
            _ => None,
        }
    }
}

fn index(index: i32) -> usize {
    usize::try_from(index).unwrap_or_default()
}

fn usage(usage: &TokenUsage) -> Usage {
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or_default();
    let (read, write) = (
        usage.cache_read_input_tokens,
        usage.cache_write_input_tokens,
    );
    Usage {
        input_tokens: count(usage.input_tokens),
        output_tokens: count(usage.output_tokens),
        cache: read.or(write).map(|_| CacheUsage {
            read_tokens: count(read.unwrap_or_default()),
            write_tokens: count(write.unwrap_or_default()),
        }),
    }
}

fn start(start: ContentBlockStart) -> Option<Piece> {
    match start {
        ContentBlockStart::ToolUse(tool) => Some(Piece::ToolUse {
            id: tool.tool_use_id,
            name: tool.name,
        }),
        ContentBlockStart::ToolResult(result) => Some(Piece::ToolResult {
            id: result.tool_use_id,
            status: result.status.map(|status| status.as_str().to_owned()),
        }),
        _ => None,
    }
}

fn delta(delta: ContentBlockDelta) -> Option<Piece> {
    use ReasoningContentBlockDelta as Reasoning;
    match delta {
        ContentBlockDelta::Text(text) => Some(Piece::Text(text)),
        ContentBlockDelta::ReasoningContent(reasoning) => match reasoning {
            Reasoning::Text(text) => Some(Piece::Reasoning(text)),
            Reasoning::Signature(signature) => Some(Piece::Signature(signature)),
            Reasoning::RedactedContent(bytes) => Some(Piece::Redacted(bytes.into_inner())),
            _ => None,
        },
        ContentBlockDelta::Citation(source) => Some(Piece::Citation(citation(source))),
        ContentBlockDelta::ToolUse(tool) => Some(Piece::ToolInput(tool.input)),
        ContentBlockDelta::ToolResult(parts) => {
            let texts = parts.into_iter().filter_map(|part| match part {
                ToolResultBlockDelta::Text(text) => Some(text),
                _ => None,
            });
            Some(Piece::ToolResultText(texts.collect()))
        }
        _ => None,
    }
}

fn citation(source: CitationsDelta) -> Citation {
    let texts = source.source_content.unwrap_or_default().into_iter();
    let text: String = texts.filter_map(|content| content.text).collect();
    Citation {
        title: source.title,
        url: match source.location {
            Some(CitationLocation::Web(web)) => web.url,
            _ => None,
        },
        text: Some(text).filter(|text| !text.is_empty()),
    }
}

/// An exception within a stream has no code; only its variant tells what it is.
fn broken<R>(error: &SdkError<ConverseStreamOutputError, R>) -> ModelError {
    use ConverseStreamOutputError as Broken;
    let Some(service) = error.as_service_error() else {
        return ModelError::new(
            ModelException::ModelStreamError,
            "The stream from Amazon Bedrock broke off.",
        );
    };
    let exception = match service {
        Broken::InternalServerException(_) => ModelException::InternalServer,
        Broken::ServiceUnavailableException(_) => ModelException::ServiceUnavailable,
        Broken::ThrottlingException(_) => ModelException::Throttling,
        Broken::ValidationException(_) => ModelException::Validation,
        _ => ModelException::ModelStreamError,
    };
    ModelError::new(
        exception,
        service.message().unwrap_or(exception.standard_message()),
    )
}
