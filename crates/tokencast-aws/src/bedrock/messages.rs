//! A request's turns as Bedrock's messages, with the points up to which a model may cache them.

use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, ContentBlock, ConversationRole, Message, SystemContentBlock,
};
use tokencast_core::ports::{ModelRequest, Role};

/// What the ids of models have that cache prompts, by Bedrock's user guide, "Prompt caching for faster model inference".
/// A model's id is also in the ids and ARNs of its inference profiles. An application's own profile doesn't say its model.
const CACHING_MODELS: [&str; 12] = [
    "claude-3-5-sonnet-20241022",
    "claude-3-5-haiku",
    "claude-3-7",
    "claude-4",
    "claude-opus-4",
    "claude-sonnet-4",
    "claude-haiku-4",
    "amazon.nova-micro",
    "amazon.nova-lite",
    "amazon.nova-pro",
    "amazon.nova-premier",
    // The local stack's, so that a laptop shows what a deployment would report.
    "tokencast.scripted",
];

/// Whether a model caches prompts.
pub(super) fn caches(model_id: &str) -> bool {
    CACHING_MODELS.iter().any(|model| model_id.contains(model))
}

/// The messages of a request; with `caches`, the last one of the history ends with a cache point.
pub(super) fn of(request: &ModelRequest, caches: bool) -> Result<Vec<Message>, BuildError> {
    let last_of_history = request.history_len().checked_sub(1).filter(|_| caches);
    let turns = request.turns.iter().enumerate();
    let messages = turns.map(|(at, turn)| {
        let message = Message::builder()
            .role(match turn.role {
                Role::User => ConversationRole::User,
                Role::Assistant => ConversationRole::Assistant,
            })
            .content(ContentBlock::Text(turn.text.clone()));
        if Some(at) == last_of_history {
            message
                .content(ContentBlock::CachePoint(cache_point()?))
                .build()
        } else {
            message.build()
        }
    });
    messages.collect()
}

/// The system prompts, in this order; with `caches`, a cache point is behind them.
pub(super) fn system<'a>(
    prompts: impl IntoIterator<Item = &'a str>,
    caches: bool,
) -> Result<Option<Vec<SystemContentBlock>>, BuildError> {
    let prompts = prompts.into_iter().map(str::to_owned);
    let mut blocks: Vec<_> = prompts.map(SystemContentBlock::Text).collect();
    if blocks.is_empty() {
        return Ok(None);
    }
    if caches {
        blocks.push(SystemContentBlock::CachePoint(cache_point()?));
    }
    Ok(Some(blocks))
}

fn cache_point() -> Result<CachePointBlock, BuildError> {
    CachePointBlock::builder()
        .r#type(CachePointType::Default)
        .build()
}

#[cfg(test)]
mod tests {
    use tokencast_core::ports::ModelTurn;

    use super::*;

    #[test]
    fn only_known_models_cache() {
        for (id, expected) in [
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", true),
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", false),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", true),
            ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", true),
            ("anthropic.claude-opus-4-1-20250805-v1:0", true),
            ("anthropic.claude-haiku-4-5-20251001-v1:0", true),
            ("anthropic.claude-3-haiku-20240307-v1:0", false),
            ("eu.amazon.nova-lite-v1:0", true),
            ("amazon.nova-canvas-v1:0", false),
            (
                "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0",
                true,
            ),
            (
                "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3",
                false,
            ),
            ("meta.llama3-1-8b-instruct-v1:0", false),
            ("tokencast.scripted-v1:0", true),
        ] {
            assert_eq!(caches(id), expected, "{id}");
        }
    }

    #[test]
    fn the_history_is_cached_and_the_prompt_is_not() {
        let turn = |role, text: &str| ModelTurn {
            role,
            text: text.to_owned(),
        };
        let request = ModelRequest {
            turns: vec![
                turn(Role::User, "a"),
                turn(Role::Assistant, "b"),
                turn(Role::User, "c"),
            ],
            ..ModelRequest::default()
        };
        for caches in [false, true] {
            let messages = of(&request, caches).expect("built");
            let points: Vec<_> = messages
                .iter()
                .map(|message| message.content().iter().any(ContentBlock::is_cache_point))
                .collect();
            assert_eq!(points, [false, caches, false]);
            let system = system(["Be brief.", "In French."], caches).expect("built");
            let system = system.expect("some");
            assert_eq!(
                system
                    .last()
                    .is_some_and(SystemContentBlock::is_cache_point),
                caches
            );
        }
        let alone = of(&ModelRequest::of_prompt("a"), true).expect("built");
        assert!(!alone[0].content().iter().any(ContentBlock::is_cache_point));
        assert_eq!(system([], true).expect("built"), None);
    }
}
