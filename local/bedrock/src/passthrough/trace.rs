//! What a guardrail of Amazon Bedrock did, as a response's `trace` has it: the parts that say what was found.

use aws_sdk_bedrockruntime::types::{ConverseStreamTrace, GuardrailAssessment};
use serde_json::{Map, Value, json};

/// `None` for a trace of something else.
pub(super) fn of(trace: &ConverseStreamTrace) -> Option<Value> {
    let guardrail = trace.guardrail()?;
    let mut json = json!({});
    if let Some(assessments) = guardrail.input_assessment() {
        let assessments = assessments.iter();
        let assessments = assessments.map(|(id, it)| (id.clone(), assessment(it)));
        json["inputAssessment"] = Value::Object(assessments.collect::<Map<_, _>>());
    }
    if let Some(assessments) = guardrail.output_assessments() {
        let assessments = assessments.iter().map(|(id, all)| {
            let all: Vec<Value> = all.iter().map(assessment).collect();
            (id.clone(), json!(all))
        });
        json["outputAssessments"] = Value::Object(assessments.collect::<Map<_, _>>());
    }
    Some(json!({ "guardrail": json }))
}

fn assessment(assessment: &GuardrailAssessment) -> Value {
    let mut json = json!({});
    if let Some(policy) = assessment.topic_policy() {
        let topics = policy.topics().iter().map(|it| {
            json!({ "name": it.name(), "type": it.r#type().as_str(), "action": it.action().as_str() })
        });
        json["topicPolicy"] = json!({ "topics": topics.collect::<Vec<_>>() });
    }
    if let Some(policy) = assessment.content_policy() {
        let filters = policy.filters().iter().map(|it| {
            json!({
                "type": it.r#type().as_str(), "confidence": it.confidence().as_str(),
                "action": it.action().as_str()
            })
        });
        json["contentPolicy"] = json!({ "filters": filters.collect::<Vec<_>>() });
    }
    if let Some(policy) = assessment.word_policy() {
        let words = policy.custom_words().iter();
        let words =
            words.map(|it| json!({ "match": it.r#match(), "action": it.action().as_str() }));
        let managed = policy.managed_word_lists().iter().map(|it| {
            json!({
                "match": it.r#match(), "type": it.r#type().as_str(), "action": it.action().as_str()
            })
        });
        json["wordPolicy"] = json!({
            "customWords": words.collect::<Vec<_>>(),
            "managedWordLists": managed.collect::<Vec<_>>()
        });
    }
    if let Some(policy) = assessment.sensitive_information_policy() {
        let entities = policy.pii_entities().iter().map(|it| {
            json!({
                "match": it.r#match(), "type": it.r#type().as_str(), "action": it.action().as_str()
            })
        });
        let regexes = policy.regexes().iter().map(|it| {
            json!({
                "name": it.name(), "match": it.r#match(), "regex": it.regex(),
                "action": it.action().as_str()
            })
        });
        json["sensitiveInformationPolicy"] = json!({
            "piiEntities": entities.collect::<Vec<_>>(), "regexes": regexes.collect::<Vec<_>>()
        });
    }
    if let Some(policy) = assessment.contextual_grounding_policy() {
        let filters = policy.filters().iter().map(|it| {
            json!({
                "type": it.r#type().as_str(), "threshold": it.threshold(), "score": it.score(),
                "action": it.action().as_str()
            })
        });
        json["contextualGroundingPolicy"] = json!({ "filters": filters.collect::<Vec<_>>() });
    }
    json
}
