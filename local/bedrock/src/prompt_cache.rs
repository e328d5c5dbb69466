//! The prompt cache: which beginning of a request's input the model has read before.
//!
//! As on AWS, a cache point of at least 1,024 tokens keeps the input before it for five minutes, and each hit prolongs
//! that. A hit may also end at a block before the cache point, 20 blocks at most, where an earlier request had its own.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use local_kit::clock::Clock;

use crate::model::CacheUsage;
use crate::prompt::{Content, Prompt};

const MIN_TOKENS: u64 = 1_024;
const KEPT_MS: i64 = 5 * 60 * 1_000;
const LOOKBACK_BLOCKS: usize = 20;
/// Beyond it, all entries are forgotten: no laptop's conversations come near.
const MAX_ENTRIES: usize = 100_000;

#[derive(Debug)]
pub(crate) struct PromptCache {
    clock: Clock,
    /// When each known beginning is forgotten, by its hash.
    entries: Mutex<HashMap<u64, i64>>,
}

/// The input up to the end of a block.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    hash: u64,
    tokens: u64,
}

impl PromptCache {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
        }
    }

    /// Reads the longest known beginning, and adds those at the cache points. `None` without cache points.
    pub(crate) fn read_and_write(&self, prompt: &Prompt) -> Option<CacheUsage> {
        let (beginnings, points) = beginnings(prompt);
        let last = *points.last()?;
        let now_ms = self.clock.now_ms();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, until_ms| *until_ms > now_ms);
        let candidates = points
            .iter()
            .flat_map(|&end| &beginnings[end.saturating_sub(LOOKBACK_BLOCKS)..end]);
        let read = candidates
            .filter(|beginning| entries.contains_key(&beginning.hash))
            .max_by_key(|beginning| beginning.tokens)
            .copied();
        let read_tokens = read.map_or(0, |read| read.tokens);
        let written = points
            .iter()
            .filter_map(|&end| beginnings.get(end.checked_sub(1)?))
            .filter(|beginning| beginning.tokens >= MIN_TOKENS);
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        for beginning in written.chain(&read) {
            entries.insert(beginning.hash, now_ms + KEPT_MS);
        }
        let whole = last.checked_sub(1).and_then(|at| beginnings.get(at));
        let whole = whole
            .map(|whole| whole.tokens)
            .filter(|tokens| *tokens >= MIN_TOKENS);
        Some(CacheUsage {
            read_tokens,
            write_tokens: whole.unwrap_or(0).saturating_sub(read_tokens),
        })
    }
}

/// The beginnings that end with each block, and the number of blocks before each cache point.
fn beginnings(prompt: &Prompt) -> (Vec<Beginning>, Vec<usize>) {
    let mut hasher = DefaultHasher::new();
    prompt.model_id.hash(&mut hasher);
    prompt
        .tools
        .as_ref()
        .map(ToString::to_string)
        .hash(&mut hasher);
    let mut tokens = 0;
    let (mut beginnings, mut points) = (Vec::new(), Vec::new());
    for (role, content) in prompt.contents() {
        if *content == Content::CachePoint {
            points.push(beginnings.len());
            continue;
        }
        role.hash(&mut hasher);
        hash(content, &mut hasher);
        tokens += content.tokens();
        let hash = hasher.clone().finish();
        beginnings.push(Beginning { hash, tokens });
    }
    (beginnings, points)
}

fn hash(content: &Content, hasher: &mut DefaultHasher) {
    std::mem::discriminant(content).hash(hasher);
    match content {
        Content::Text(text) | Content::Redacted(text) => text.hash(hasher),
        Content::CachePoint => {}
        Content::Reasoning { text, signature } => (text, signature).hash(hasher),
        Content::ToolUse { id, name, input } => (id, name, input.to_string()).hash(hasher),
        Content::ToolResult { id, content } => (id, content.to_string()).hash(hasher),
        Content::Other(value) => value.to_string().hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::prompt::{Message, Role};

    fn cache() -> PromptCache {
        PromptCache::new(Clock::system())
    }

    /// A conversation with so many earlier turns of 600 tokens each, a cache point behind them, and a question.
    fn conversation(turns: usize) -> Prompt {
        let mut prompt = Prompt::of("And now?");
        let history = (0..turns * 2).map(|at| Message {
            role: if at % 2 == 0 {
                Role::User
            } else {
                Role::Assistant
            },
            content: vec![Content::Text(format!("{at} {}", "word ".repeat(299)))],
        });
        let mut history: Vec<Message> = history.collect();
        if let Some(last) = history.last_mut() {
            last.content.push(Content::CachePoint);
        }
        prompt.messages.splice(0..0, history);
        prompt
    }

    fn used(cache: &PromptCache, prompt: &Prompt) -> (u64, u64) {
        let used = cache.read_and_write(prompt).expect("cache points");
        (used.read_tokens, used.write_tokens)
    }

    #[test]
    fn each_turn_reads_what_the_one_before_wrote() {
        let cache = cache();
        let size = |turns| {
            let history = conversation(turns);
            history.input_tokens() - tokens_of_question()
        };
        assert_eq!(cache.read_and_write(&Prompt::of("Hi")), None);
        assert_eq!(used(&cache, &conversation(1)), (0, 0), "below the minimum");
        assert_eq!(used(&cache, &conversation(2)), (0, size(2)));
        assert_eq!(used(&cache, &conversation(2)), (size(2), 0));
        assert_eq!(used(&cache, &conversation(3)), (size(2), size(3) - size(2)));
        assert_eq!(
            used(&cache, &conversation(30)),
            (0, size(30)),
            "too far back"
        );
        let mut other = conversation(3);
        other.model_id = "amazon.nova-lite-v1:0".into();
        assert_eq!(
            used(&cache, &other).0,
            0,
            "a cache of its own for each model"
        );
        let mut other = conversation(3);
        other.system = vec![Content::Text("Be brief.".into())];
        assert_eq!(used(&cache, &other).0, 0, "a system prompt comes first");
    }

    #[test]
    fn five_minutes_after_its_last_use_a_beginning_is_forgotten() {
        let cache = cache();
        let written = used(&cache, &conversation(2)).1;
        for (pass, expected) in [(4, written), (4, written), (6, 0)] {
            cache.clock.advance(Duration::from_mins(pass));
            assert_eq!(used(&cache, &conversation(2)).0, expected);
        }
    }

    fn tokens_of_question() -> u64 {
        Prompt::of("And now?").input_tokens()
    }
}
