//! What an error of Bedrock means: whose fault it is, what a client is told, and what may be logged.
//!
//! Bedrock refuses prompts and configurations with the same `ValidationException`, so only its message tells them
//! apart. A message that is not known to be about the prompt counts as one about the configuration: a user can't mend
//! that, and is not blamed for it.

use tokencast_core::failure::{Failure, FailureCode};

/// How much of Bedrock's message is logged at most.
const LOGGED_BYTES: usize = 500;

/// Parts of messages that refuse a long prompt, in small letters: Bedrock's own, and those of the models that it passes
/// on.
const TOO_LONG: [&str; 11] = [
    "too long",
    "too many input tokens",
    "too many tokens",
    "context length",
    "context limit",
    "context size",
    "context window",
    "input length",
    "input tokens exceed",
    "maximum context",
    "maxlength",
];

/// Parts of messages that refuse a prompt for its content, in small letters.
const NOT_TAKEN: [&str; 6] = [
    "is blank",
    "must be non-empty",
    "must not be empty",
    "non-whitespace",
    "content filter",
    "content policy",
];

/// Beginnings of Bedrock's own messages that quote at most an id or a figure.
const QUOTING_NOTHING: [&str; 8] = [
    "access to ",
    "input is too long for requested model",
    "invocation of model id ",
    "operation not allowed",
    "the maximum tokens you requested ",
    "the provided model identifier ",
    "this model doesn't support ",
    "your account is not authorized ",
];

/// The failure that a client sees of an error of this type, with this message.
pub(super) fn failure(error_type: Option<&str>, said: &str) -> Failure {
    let (code, message) = match error_type {
        Some("ThrottlingException" | "ServiceUnavailableException" | "ModelNotReadyException") => {
            (FailureCode::Throttled, "The model is busy.")
        }
        Some("ServiceQuotaExceededException") => {
            (FailureCode::Throttled, "The model's quota is used up.")
        }
        Some("ValidationException") => refused(said),
        Some(
            "AccessDeniedException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
            | "OptInRequired"
            | "ResourceNotFoundException"
            | "UnknownOperationException"
            | "UnrecognizedClientException",
        ) => (
            FailureCode::ModelUnavailable,
            "The model is not available: its operator can read why in the log.",
        ),
        _ => (FailureCode::ModelError, "The model failed."),
    };
    Failure::new(code, message)
}

fn refused(said: &str) -> (FailureCode, &'static str) {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&TOO_LONG) {
        let message = "The prompt is too long for the model.";
        (FailureCode::InvalidPrompt, message)
    } else if has(&NOT_TAKEN) {
        let message = "The model does not accept this prompt.";
        (FailureCode::InvalidPrompt, message)
    } else {
        let message = "The model does not take requests as it is configured: its operator can read why in the log.";
        (FailureCode::ModelUnavailable, message)
    }
}

/// Whether Bedrock's message can be logged: Bedrock refused before it looked at the prompt, or the message is its own.
pub(super) fn quotes_nothing(error_type: Option<&str>, said: &str) -> bool {
    match error_type {
        Some("ValidationException") => {
            let said = said.to_lowercase().replace('\u{2019}', "'");
            QUOTING_NOTHING.iter().any(|begin| said.starts_with(begin))
        }
        Some(
            "AccessDeniedException"
            | "ExpiredTokenException"
            | "InternalServerException"
            | "InvalidSignatureException"
            | "ModelNotReadyException"
            | "ModelTimeoutException"
            | "ResourceNotFoundException"
            | "ServiceQuotaExceededException"
            | "ServiceUnavailableException"
            | "ThrottlingException"
            | "UnrecognizedClientException",
        ) => true,
        // The message is the model's, or unknown.
        _ => said.is_empty(),
    }
}

/// The part of a message that is logged.
pub(super) fn beginning(said: &str) -> &str {
    &said[..said.floor_char_boundary(LOGGED_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureCode::{InvalidPrompt, ModelError, ModelUnavailable, Throttled};

    /// The type, what Bedrock says, the code, and whether the words are logged by default.
    const CASES: &str = "\
ThrottlingException | Too many requests, please wait before trying again. | THROTTLED | logged
ServiceUnavailableException | Bedrock is unable to process your request. | THROTTLED | logged
ModelNotReadyException | Model is not ready for inference. | THROTTLED | logged
ServiceQuotaExceededException | Your request exceeds the service quota. | THROTTLED | logged
AccessDeniedException | You don't have access to the model with the specified model ID. | MODEL_UNAVAILABLE | logged
AccessDeniedException | Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model. | MODEL_UNAVAILABLE | logged
AccessDeniedException | User: arn:aws:sts::1:assumed-role/worker is not authorized to perform: bedrock:InvokeModelWithResponseStream | MODEL_UNAVAILABLE | logged
ResourceNotFoundException | Model use case details have not been submitted for this account. | MODEL_UNAVAILABLE | logged
ResourceNotFoundException | This model version has reached the end of its life. | MODEL_UNAVAILABLE | logged
UnrecognizedClientException | The security token included in the request is invalid. | MODEL_UNAVAILABLE | logged
ExpiredTokenException | The security token included in the request is expired | MODEL_ERROR | logged
ValidationException | Invocation of model ID a.b-v1:0 with on-demand throughput isn\u{2019}t supported. Retry your request with the ID or ARN of an inference profile that contains this model. | MODEL_UNAVAILABLE | logged
ValidationException | The provided model identifier is invalid. | MODEL_UNAVAILABLE | logged
ValidationException | The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096. | MODEL_UNAVAILABLE | logged
ValidationException | The model returned the following errors: max_tokens: 200000 > 8192, which is the maximum allowed number of output tokens | MODEL_UNAVAILABLE | left out
ValidationException | This model doesn\u{2019}t support system messages. Try again without a system message. | MODEL_UNAVAILABLE | logged
ValidationException | Access to Anthropic models is not allowed from unsupported countries, regions, or territories. | MODEL_UNAVAILABLE | logged
ValidationException | Operation not allowed | MODEL_UNAVAILABLE | logged
ValidationException | Whatever nobody has seen before | MODEL_UNAVAILABLE | left out
ValidationException | Input is too long for requested model. | INVALID_PROMPT | logged
ValidationException | The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum | INVALID_PROMPT | left out
ValidationException | The model returned the following errors: input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000 | INVALID_PROMPT | left out
ValidationException | Input Tokens Exceeded: Number of input tokens exceeds maximum length. | INVALID_PROMPT | left out
ValidationException | The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again. | INVALID_PROMPT | left out
ModelErrorException | The system encountered an error while it read: my secret | MODEL_ERROR | left out
ModelStreamErrorException | my secret | MODEL_ERROR | left out
ModelTimeoutException | Model has timed out in processing the request. | MODEL_ERROR | logged
InternalServerException | The system encountered an unexpected error during processing. | MODEL_ERROR | logged";

    #[test]
    fn an_error_has_one_code_and_configuration_is_never_the_prompts_fault() {
        for case in CASES.lines() {
            let mut columns = case.split(" | ");
            let mut next = || columns.next().expect("four columns");
            let (error_type, said, code, logged) = (next(), next(), next(), next());
            let failure = failure(Some(error_type), said);
            assert_eq!(failure.code.as_str(), code, "{case}");
            let expected = matches!(failure.code, ModelError | Throttled);
            assert_eq!(failure.retryable(), expected, "{case}");
            assert!(matches!(
                failure.code,
                InvalidPrompt | ModelUnavailable | ModelError | Throttled
            ));
            let quotes_nothing = quotes_nothing(Some(error_type), said);
            assert_eq!(quotes_nothing, logged == "logged", "{case}");
        }
        assert_eq!(failure(None, "").code, ModelError);
    }

    #[test]
    fn no_more_than_a_beginning_is_logged() {
        assert_eq!(beginning("short"), "short");
        assert!(beginning(&"\u{e4}".repeat(400)).len() <= LOGGED_BYTES);
    }
}
