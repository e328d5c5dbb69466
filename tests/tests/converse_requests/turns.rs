//! A conversation, and what a model should be given of it.

use std::collections::HashMap;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault, ScriptConfig};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::answer::{Answer, collect, collect_from};
use tokencast_client::{AnswerEvent, Client, Prompt};
use uuid::Uuid;

/// A prompt that the model refuses.
pub(crate) const FAILS: &str = "Please fail.";

/// What the model says to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(&'static str),
    /// Text without an end, which is stopped.
    Stopped,
    Fails,
    /// Reasoning, text, a citation, a tool, and more text.
    Blocks,
    /// Reasoning that nobody may read, and nothing else.
    Hidden,
}

pub(crate) struct Conversation<'a> {
    stack: &'a TestStack,
    client: Client,
    id: Uuid,
    last: Option<Uuid>,
    /// Each turn's parent, and its prompt and answer if the model is told of it.
    turns: HashMap<Uuid, (Option<Uuid>, Option<[String; 2]>)>,
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(stack: &'a TestStack) -> Self {
        Self {
            stack,
            client: stack.client("alice"),
            id: Uuid::new_v4(),
            last: None,
            turns: HashMap::new(),
        }
    }

    /// The session of the turn that was asked last.
    pub(crate) fn last(&self) -> Uuid {
        self.last.expect("a turn")
    }

    /// Asks outside of the conversation.
    pub(crate) async fn alone(&mut self, prompt: &str) -> Vec<String> {
        self.stack.script(script(Said::Text("Alone.")));
        let answer = collect(self.client.stream(prompt))
            .await
            .expect("an answer");
        assert!(answer.is_completed(), "{answer:?}");
        vec![format!("user: {prompt}")]
    }

    /// Asks behind `parent`, or behind the last turn. Returns what the model should have been given.
    pub(crate) async fn ask(
        &mut self,
        prompt: &'static str,
        parent: Option<Uuid>,
        said: Said,
    ) -> Vec<String> {
        let asked = Prompt::new(prompt).in_conversation(self.id);
        let (asked, parent) = match parent {
            Some(parent) => (asked.after(parent), Some(parent)),
            None => (asked, self.last),
        };
        self.turn(asked, parent, said).await
    }

    /// Asks as another version of the first turn.
    pub(crate) async fn begin_anew(&mut self, prompt: &'static str) -> Vec<String> {
        let asked = Prompt::new(prompt).in_conversation(self.id).at_beginning();
        self.turn(asked, None, Said::Text("Anew.")).await
    }

    async fn turn(&mut self, asked: Prompt, parent: Option<Uuid>, said: Said) -> Vec<String> {
        let mut expected = self.history(parent);
        let prompt = asked.text.clone();
        expected.push(format!("user: {prompt}"));
        self.stack.script(script(said));
        let id = Uuid::new_v4();
        let stream = self.client.stream_as(id, asked);
        let answer = match said {
            Said::Stopped => self.stop(id, stream).await,
            _ => collect(stream).await.expect("an answer"),
        };
        let is_as_expected = match said {
            Said::Stopped => answer.is_cancelled() && !answer.text.is_empty(),
            Said::Fails => answer.failure() == Some("INVALID_PROMPT"),
            Said::Text(_) | Said::Blocks | Said::Hidden => answer.is_completed(),
        };
        assert!(is_as_expected, "{said:?}: {answer:?}");
        let told = (said != Said::Fails && !answer.text.trim().is_empty())
            .then_some([prompt, answer.text]);
        self.turns.insert(id, (parent, told));
        self.last = Some(id);
        expected
    }

    /// Stops the answer at its first text.
    async fn stop(&self, id: Uuid, stream: tokencast_client::AnswerStream) -> Answer {
        let (client, mut stopping) = (self.client.clone(), None);
        let answer = collect_from(stream, |event| {
            if stopping.is_none() && matches!(event, AnswerEvent::Text { .. }) {
                let client = client.clone();
                stopping = Some(tokio::spawn(async move { client.stop(id).await }));
            }
        })
        .await;
        let stopped = stopping.expect("there was text").await.expect("no panic");
        stopped.expect("it stops");
        answer.expect("an answer")
    }

    fn history(&self, parent: Option<Uuid>) -> Vec<String> {
        let mut turns = Vec::new();
        let mut next = parent;
        while let Some(id) = next {
            let (parent, told) = &self.turns[&id];
            if let Some([prompt, answer]) = told {
                turns.extend([format!("assistant: {answer}"), format!("user: {prompt}")]);
            }
            next = *parent;
        }
        turns.reverse();
        turns
    }
}

fn script(said: Said) -> ScriptConfig {
    let fast = ScriptConfig {
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::ZERO,
        ..ScriptConfig::default()
    };
    let blocks = |blocks: Value| ScriptConfig {
        blocks: Some(serde_json::from_value(blocks).expect("blocks")),
        ..fast.clone()
    };
    match said {
        Said::Text(text) => ScriptConfig {
            tokens: Some(vec![text.to_owned()]),
            ..fast
        },
        Said::Stopped => ScriptConfig {
            tokens: Some((0..100_000).map(|at| format!("{at} ")).collect()),
            time_between_tokens: Duration::from_millis(20),
            ..fast
        },
        Said::Fails => ScriptConfig {
            faults: vec![FaultRule::always(ModelFault::Refuse(
                ModelException::Validation,
            ))],
            ..fast
        },
        Said::Blocks => blocks(json!([
            { "reasoning": ["I ", "think"], "signature": "signed" },
            { "text": ["Rivers", " bend."] },
            { "citation": { "title": "Rivers", "url": "https://example.com/r" } },
            { "toolUse": { "toolUseId": "t1", "name": "maps", "input": { "at": 1 } } },
            { "text": [" Indeed."] },
        ])),
        Said::Hidden => blocks(json!([{ "redacted": "AAEC" }])),
    }
}

/// The turns of a request: `user: TEXT` and `assistant: TEXT`.
pub(crate) fn of(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().expect("messages").iter();
    let turn = |message: &Value| {
        let blocks = message["content"].as_array().expect("content").iter();
        let texts = blocks.filter(|block| block.get("cachePoint").is_none());
        let texts: Vec<&str> = texts
            .map(|block| block["text"].as_str().expect("text"))
            .collect();
        format!(
            "{}: {}",
            message["role"].as_str().expect("a role"),
            texts.concat()
        )
    };
    messages.map(turn).collect()
}

/// Which messages end with a cache point.
pub(crate) fn cache_points(body: &Value) -> Vec<usize> {
    let messages = body["messages"].as_array().expect("messages").iter();
    let with_points = messages.enumerate().filter(|(_, message)| {
        let content = message["content"].as_array().expect("content");
        content
            .last()
            .is_some_and(|block| block.get("cachePoint").is_some())
    });
    with_points.map(|(at, _)| at).collect()
}
