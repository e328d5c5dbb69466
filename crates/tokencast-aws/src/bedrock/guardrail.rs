//! A guardrail in a request, and what its trace says.
//!
//! The trace quotes what the guardrail found. Only names of what was found are taken from it.

use aws_sdk_bedrockruntime::types::{
    GuardrailAssessment, GuardrailContentPolicyAction, GuardrailContextualGroundingPolicyAction,
    GuardrailSensitiveInformationPolicyAction, GuardrailStreamConfiguration,
    GuardrailStreamProcessingMode, GuardrailTopicPolicyAction, GuardrailTrace,
    GuardrailTraceAssessment, GuardrailWordPolicyAction,
};
use tokencast_core::assistant::{GuardrailSettings, StreamProcessing};
use tokencast_core::event::{Guardrail, GuardrailAction};

/// The stop reason of a prompt or an answer that a guardrail has changed.
const INTERVENED: &str = "guardrail_intervened";

/// The name of a word of the guardrail's own list. The word itself is what a text says.
const CUSTOM_WORD: &str = "CUSTOM_WORD";

/// The name of a pattern without one.
const REGEX: &str = "REGEX";

pub(super) fn config(settings: &GuardrailSettings) -> GuardrailStreamConfiguration {
    let mode = match settings.stream_processing {
        StreamProcessing::Sync => GuardrailStreamProcessingMode::Sync,
        StreamProcessing::Async => GuardrailStreamProcessingMode::Async,
    };
    // Only the trace says what was masked. Without it, an answer that was masked looks like one that was blocked.
    GuardrailStreamConfiguration::builder()
        .guardrail_identifier(&settings.id)
        .guardrail_version(&settings.version)
        .stream_processing_mode(mode)
        .trace(GuardrailTrace::Enabled)
        .build()
}

pub(super) fn has_intervened(stop_reason: &str) -> bool {
    stop_reason == INTERVENED
}

/// What a guardrail has done to an answer that has ended. Bedrock gives the same stop reason for an answer that was
/// blocked and one that was only masked, so the trace decides. Without a trace, it was blocked.
pub(super) fn of_trace(
    trace: Option<&GuardrailTraceAssessment>,
    has_intervened: bool,
) -> Option<Guardrail> {
    let mut found = Found::default();
    if let Some(trace) = trace {
        for assessment in trace.input_assessment().into_iter().flatten() {
            found.read(assessment.1);
        }
        for assessments in trace.output_assessments().into_iter().flatten() {
            assessments.1.iter().for_each(|it| found.read(it));
        }
    }
    let action = if found.is_blocked || (has_intervened && found.names.is_empty()) {
        GuardrailAction::Blocked
    } else if found.names.is_empty() {
        return None;
    } else {
        GuardrailAction::Masked
    };
    // The assessments come in no order.
    found.names.sort();
    found.names.dedup();
    Some(Guardrail {
        action,
        masked: found.names,
    })
}

/// What assessments have found that led to something.
#[derive(Debug, Default)]
struct Found {
    is_blocked: bool,
    names: Vec<String>,
}

impl Found {
    fn read(&mut self, assessment: &GuardrailAssessment) {
        if let Some(policy) = assessment.topic_policy() {
            for topic in policy.topics() {
                let is_blocked = *topic.action() == GuardrailTopicPolicyAction::Blocked;
                self.block(is_blocked, topic.name());
            }
        }
        if let Some(policy) = assessment.content_policy() {
            for filter in policy.filters() {
                let is_blocked = *filter.action() == GuardrailContentPolicyAction::Blocked;
                self.block(is_blocked, filter.r#type().as_str());
            }
        }
        if let Some(policy) = assessment.word_policy() {
            for word in policy.custom_words() {
                let is_blocked = *word.action() == GuardrailWordPolicyAction::Blocked;
                self.block(is_blocked, CUSTOM_WORD);
            }
            for word in policy.managed_word_lists() {
                let is_blocked = *word.action() == GuardrailWordPolicyAction::Blocked;
                self.block(is_blocked, word.r#type().as_str());
            }
        }
        if let Some(policy) = assessment.sensitive_information_policy() {
            for entity in policy.pii_entities() {
                self.sensitive(entity.action(), entity.r#type().as_str());
            }
            for regex in policy.regexes() {
                self.sensitive(regex.action(), regex.name().unwrap_or(REGEX));
            }
        }
        if let Some(policy) = assessment.contextual_grounding_policy() {
            for filter in policy.filters() {
                let is_blocked =
                    *filter.action() == GuardrailContextualGroundingPolicyAction::Blocked;
                self.block(is_blocked, filter.r#type().as_str());
            }
        }
    }

    fn block(&mut self, is_blocked: bool, name: &str) {
        if is_blocked {
            self.is_blocked = true;
            self.names.push(name.to_owned());
        }
    }

    fn sensitive(&mut self, action: &GuardrailSensitiveInformationPolicyAction, name: &str) {
        match action {
            GuardrailSensitiveInformationPolicyAction::Blocked => self.block(true, name),
            GuardrailSensitiveInformationPolicyAction::Anonymized => {
                self.names.push(name.to_owned());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
