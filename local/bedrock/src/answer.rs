//! The scripted model's answer: a few paragraphs about the prompt's subject, and about how the text was delivered. To a
//! prompt or a request that asks it to think, it also shows reasoning and a citation.

use crate::config::{ScriptBlock, ScriptContent};
use crate::model::Citation;
use crate::prompt::{Prompt, Role};
use crate::subject::{asks_to_think, subject};
use crate::tokens;

/// The answer's blocks, which are the same for the same prompt.
pub(crate) fn write(prompt: &Prompt) -> Vec<ScriptBlock> {
    let question = prompt.last_question();
    let about = subject(&question);
    let (opening, rest) = texts(prompt, &question, &about);
    let text = |text: &str| ScriptContent::Text(tokens::split(text));
    let blocks = if prompt.reasoning_tokens.is_some() || asks_to_think(&question) {
        vec![
            ScriptContent::Reasoning {
                tokens: tokens::split(&REASONING.replace("{about}", &about)),
                signature: Some(SIGNATURE.to_owned()),
            },
            text(&opening),
            ScriptContent::Citation(Citation {
                title: Some("What the scripted model knows".to_owned()),
                url: Some("https://example.com/scripted-model".to_owned()),
                text: Some(format!(
                    "Nothing is known here about {about} but its spelling."
                )),
            }),
            text(&rest),
        ]
    } else {
        vec![text(&(opening + &rest))]
    };
    blocks.into_iter().map(Into::into).collect()
}

/// The first paragraph, and the others.
fn texts(prompt: &Prompt, question: &str, about: &str) -> (String, String) {
    let variant = hash(question);
    let opening = pick(&OPENINGS, variant).replace("{about}", about);
    let honesty = pick(&HONESTIES, variant >> 8).replace("{about}", about);
    let turns = prompt
        .messages
        .iter()
        .filter(|message| message.role == Role::User)
        .count();
    let mut remarks = vec![honesty];
    if turns > 1 {
        remarks.push(format!(
            "This is turn {turns} of our conversation, and all of it arrived."
        ));
    }
    if !prompt.system.is_empty() {
        remarks.push("A system prompt came along, as it would for a real model.".into());
    }
    let length = question.chars().count();
    if length > LONG_PROMPT_CHARS {
        remarks.push(format!(
            "Your prompt was {length} characters long, and the whole of it reached me."
        ));
    }
    let remarks = remarks.join(" ");
    let rest = format!(
        "\n\n{remarks}\n\n{PIPELINE}\n\nFor an answer with some thought behind it, put a real model in my place and ask about {about} again."
    );
    (opening, rest)
}

const REASONING: &str = "\
I am asked to think about {about}. A model that reasons would now look at it from several sides, and would check what it \
is about to say. I am scripted, so there is nothing to weigh. But whoever reads along can see how reasoning arrives: in \
its own block, before the answer, and not as a part of its text.";

/// Nobody checks it, but a model that reasons sends one.
const SIGNATURE: &str = "c2NyaXB0ZWQtcmVhc29uaW5n";

const LONG_PROMPT_CHARS: usize = 400;

const OPENINGS: [&str; 3] = [
    "You would like to hear about {about}. A good question to start with, because any answer to it takes more than one sentence, and so there is something to stream.",
    "So, {about}. One could begin with what is known, go on to what is disputed, and end with why it matters; each word would reach you the moment it is written, just as these do.",
    "Let us talk about {about}. There is more to say than fits into one breath, which is why the words come to you one by one instead of all at once at the end.",
];

const HONESTIES: [&str; 3] = [
    "To be plain: I am a **scripted model**. There is no real intelligence here, and I know nothing about {about}. I took those words from your prompt and put them into sentences that were written long before you asked.",
    "I have to admit that I am only a **scripted model**, with no real intelligence at all. What I know about {about} is how it is spelt; the rest of this text is the same for everybody.",
    "Before you quote me: this is a **scripted model**, and no real intelligence. I can repeat {about} back to you, but not explain it.",
];

const PIPELINE: &str = "\
What is real is the way that these words took. Since you sent your prompt, this happened:

1. The **request function** checked it, stored a session that belongs to you, and put a job into the queue.
2. The **queue** handed the job to a worker, and keeps it until the worker says that it is done.
3. The **worker** took a lease on the session and opened a stream to this model.
4. For each token, or a few that arrived together, the worker signs and sends a `publishToken` mutation.
5. Your **subscription** receives what was published, numbered, so that nothing is lost or shown twice.

You can watch the last step with any GraphQL client:

```graphql
subscription ($sessionId: String!) {
  onTokenReceived(sessionId: $sessionId) { sequence token isComplete }
}
```";

fn pick<'a>(texts: &[&'a str], by: u64) -> &'a str {
    let count = u64::try_from(texts.len()).unwrap_or(1);
    usize::try_from(by % count)
        .ok()
        .and_then(|at| texts.get(at))
        .copied()
        .unwrap_or_default()
}

/// FNV-1a, because the choice of words needs to be stable, not secret.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(question: &str) -> String {
        let text = write(&Prompt::of(question))
            .into_iter()
            .map(|block| match block.content {
                ScriptContent::Text(tokens) => tokens.concat(),
                _ => String::new(),
            });
        text.collect()
    }

    #[test]
    fn a_prompt_that_asks_for_thought_shows_reasoning_and_a_citation() {
        for (question, expected) in [
            ("Why do rivers meander?", 1),
            ("Think about rivers", 4),
            ("Please think hard about why rivers meander.", 4),
            ("What do you think about rivers?", 1),
            ("Thinking, fast and slow", 1),
        ] {
            assert_eq!(write(&Prompt::of(question)).len(), expected, "{question}");
        }
        let reasoning = write(&Prompt::of("Think about rivers")).swap_remove(0);
        let ScriptContent::Reasoning { tokens, .. } = reasoning.content else {
            panic!("unexpected {reasoning:?}")
        };
        assert!(tokens.concat().contains("“rivers”"), "{tokens:?}");
    }

    #[test]
    fn a_long_prompt_arrived_whole() {
        assert!(ask(&"all of it ".repeat(5_000)).contains("50000 characters"));
    }

    #[test]
    fn an_answer_is_stable_and_says_what_it_is() {
        for prompt in ["Why do rivers meander?", "Hi", "🌊", "a\0b\r\u{85}c"] {
            let answer = ask(prompt);
            assert_eq!(answer, ask(prompt));
            assert!(answer.contains("scripted model") && answer.contains("no real intelligence"));
            assert!(
                !answer.chars().any(|c| c.is_control() && c != '\n'),
                "{answer:?}"
            );
        }
    }
}
