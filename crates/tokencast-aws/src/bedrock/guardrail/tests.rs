use std::collections::HashMap;

use aws_sdk_bedrockruntime::types::{
    GuardrailContentFilter, GuardrailContentFilterConfidence, GuardrailContentFilterType,
    GuardrailContentPolicyAssessment, GuardrailCustomWord, GuardrailManagedWord,
    GuardrailManagedWordType, GuardrailPiiEntityFilter, GuardrailPiiEntityType,
    GuardrailRegexFilter, GuardrailSensitiveInformationPolicyAssessment, GuardrailTopic,
    GuardrailTopicPolicyAssessment, GuardrailTopicType, GuardrailWordPolicyAssessment,
};

use super::*;

type Sensitive = GuardrailSensitiveInformationPolicyAction;

/// An assessment that found an address and a pattern, and did this about them.
fn sensitive(action: &Sensitive) -> GuardrailAssessment {
    let entity = GuardrailPiiEntityFilter::builder()
        .r#match("secret@example.com")
        .r#type(GuardrailPiiEntityType::Email)
        .action(action.clone());
    let regex = GuardrailRegexFilter::builder()
        .name("order number")
        .r#match("secret-7")
        .regex("secret-[0-9]")
        .action(action.clone());
    let policy = GuardrailSensitiveInformationPolicyAssessment::builder()
        .pii_entities(entity.build().expect("an entity"))
        .regexes(regex.build().expect("a pattern"));
    GuardrailAssessment::builder()
        .sensitive_information_policy(policy.build().expect("a policy"))
        .build()
}

/// An assessment that blocks for three reasons.
fn blocked() -> GuardrailAssessment {
    let topic = GuardrailTopic::builder()
        .name("Investments")
        .r#type(GuardrailTopicType::Deny)
        .action(GuardrailTopicPolicyAction::Blocked);
    let topics = GuardrailTopicPolicyAssessment::builder().topics(topic.build().expect("a topic"));
    let insult = GuardrailContentFilter::builder()
        .r#type(GuardrailContentFilterType::Insults)
        .confidence(GuardrailContentFilterConfidence::Low)
        .action(GuardrailContentPolicyAction::None);
    let contents =
        GuardrailContentPolicyAssessment::builder().filters(insult.build().expect("a filter"));
    let custom = GuardrailCustomWord::builder()
        .r#match("secret")
        .action(GuardrailWordPolicyAction::Blocked);
    let managed = GuardrailManagedWord::builder()
        .r#match("secret")
        .r#type(GuardrailManagedWordType::Profanity)
        .action(GuardrailWordPolicyAction::Blocked);
    let words = GuardrailWordPolicyAssessment::builder()
        .custom_words(custom.build().expect("a word"))
        .managed_word_lists(managed.build().expect("a word"));
    GuardrailAssessment::builder()
        .topic_policy(topics.build().expect("a policy"))
        .content_policy(contents.build().expect("a policy"))
        .word_policy(words.build().expect("a policy"))
        .build()
}

fn trace(
    input: Option<GuardrailAssessment>,
    output: Option<GuardrailAssessment>,
) -> GuardrailTraceAssessment {
    let id = || "abcd1234".to_owned();
    GuardrailTraceAssessment::builder()
        .set_input_assessment(input.map(|it| HashMap::from([(id(), it)])))
        .set_output_assessments(output.map(|it| HashMap::from([(id(), vec![it])])))
        .build()
}

#[test]
fn what_was_done_is_told_by_names_and_never_by_what_was_found() {
    use GuardrailAction::{Blocked, Masked};
    let masks = || Some(sensitive(&Sensitive::Anonymized));
    let stops = || Some(sensitive(&Sensitive::Blocked));
    let sees = || Some(sensitive(&Sensitive::None));
    let found = &["EMAIL", "order number"][..];
    for (name, trace, has_intervened, expected) in [
        ("no trace", None, false, None),
        (
            "a stop without a trace",
            None,
            true,
            Some((Blocked, &[][..])),
        ),
        ("nothing found", Some(trace(None, None)), false, None),
        ("only seen", Some(trace(sees(), sees())), false, None),
        (
            "a stop for no known reason",
            Some(trace(None, sees())),
            true,
            Some((Blocked, &[][..])),
        ),
        (
            "a masked prompt",
            Some(trace(masks(), None)),
            false,
            Some((Masked, found)),
        ),
        (
            "a masked answer",
            Some(trace(None, masks())),
            true,
            Some((Masked, found)),
        ),
        (
            "both, each name once",
            Some(trace(masks(), masks())),
            true,
            Some((Masked, found)),
        ),
        (
            "a blocked answer",
            Some(trace(masks(), stops())),
            true,
            Some((Blocked, found)),
        ),
        (
            "a blocked prompt",
            Some(trace(Some(blocked()), None)),
            true,
            Some((Blocked, &["CUSTOM_WORD", "Investments", "PROFANITY"][..])),
        ),
    ] {
        let guardrail = of_trace(trace.as_ref(), has_intervened);
        let expected = expected.map(|(action, names)| Guardrail {
            action,
            masked: names.iter().map(ToString::to_string).collect(),
        });
        assert_eq!(guardrail, expected, "{name}");
        assert!(!format!("{guardrail:?}").contains("secret"), "{name}");
    }
}
