//! What must hold when everything is over, seen from outside: by the API, by the model's log, and in the tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use tokencast::stack::{CONVERSATIONS_TABLE, TABLE};
use tokencast_client::conversations::{Conversation, Page};
use tokencast_client::{AnswerEvent, Snapshot, StreamStatus};
use uuid::Uuid;

use super::tabs::{Talk, may_be_tried_again};
use crate::soak::quotas::{judge, ledgers};
use crate::soak::user::{prompt, session_id};
use crate::soak::verdict::records;
use crate::{TestStack, eventually};

/// Returns what is wrong with a conversation's tree and with what the model was given, and how many calls were compared.
pub async fn tree(stack: &TestStack, talk: &Talk) -> (Vec<String>, usize) {
    let mut broken = Vec::new();
    let mut complain = |what: String| broken.push(format!("conversation {}: {what}", talk.id));
    let Some(found) = read(stack, talk).await else {
        complain("it is not there".to_owned());
        return (broken, 0);
    };
    let meant: BTreeMap<Uuid, _> = talk
        .turns
        .iter()
        .map(|turn| (turn.story.id, (turn.parent, prompt(turn.story.number))))
        .collect();
    let there: BTreeMap<Uuid, _> = found
        .turns
        .iter()
        .map(|turn| (turn.session_id, (turn.parent_id, turn.prompt.clone())))
        .collect();
    if there != meant || found.turns.len() != meant.len() {
        complain(format!("its tree is {there:?}, meant was {meant:?}"));
    }
    if usize::try_from(found.turn_count).ok() != Some(meant.len()) {
        complain(format!(
            "it counts {} turns, there are {}",
            found.turn_count,
            meant.len()
        ));
    }
    let answers: HashMap<Uuid, &Snapshot> = found
        .turns
        .iter()
        .filter_map(|turn| Some((turn.session_id, turn.stream.as_ref()?)))
        .collect();
    for turn in &talk.turns {
        let story = &turn.story;
        for complaint in &story.complaints {
            complain(format!("turn {}: {complaint}", story.number));
        }
        let Some(answer) = answers.get(&story.id) else {
            complain(format!("turn {}: no answer", story.number));
            continue;
        };
        let expected = match &story.ending {
            Some(AnswerEvent::Completed { .. }) => StreamStatus::Completed,
            Some(AnswerEvent::Cancelled { .. }) => StreamStatus::Cancelled,
            Some(AnswerEvent::Failed { .. }) => StreamStatus::Failed,
            _ => continue,
        };
        if (answer.status, &answer.text) != (expected, &story.text) {
            complain(format!(
                "turn {}: the tab saw {expected:?} with {:?}, the API has {:?} with {:?}",
                story.number, story.text, answer.status, answer.text
            ));
        }
    }
    let (wrong, compared) = histories(stack, &found, &answers);
    wrong.into_iter().for_each(complain);
    (broken, compared)
}

async fn read(stack: &TestStack, talk: &Talk) -> Option<Conversation> {
    let client = stack.client(talk.user);
    eventually("the conversation", || async {
        match client.conversations().get_all(talk.id).await {
            Ok(found) => Some(found),
            Err(error) if may_be_tried_again(&error) => None,
            Err(error) => panic!("the conversation can't be read: {error}"),
        }
    })
    .await
}

/// Compares each call of the model for a turn with the turns that it continues.
fn histories(
    stack: &TestStack,
    found: &Conversation,
    answers: &HashMap<Uuid, &Snapshot>,
) -> (Vec<String>, usize) {
    let parents: HashMap<Uuid, (Option<Uuid>, &str)> = found
        .turns
        .iter()
        .map(|turn| (turn.session_id, (turn.parent_id, turn.prompt.as_str())))
        .collect();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for turn in &found.turns {
        let mut expected = vec![format!("user: {}", turn.prompt)];
        let mut next = turn.parent_id;
        while let Some(id) = next {
            let Some((parent, prompt)) = parents.get(&id) else {
                wrong.push(format!("the turn {id} has no head"));
                break;
            };
            next = *parent;
            let told = answers.get(&id).filter(|answer| {
                answer.status != StreamStatus::Failed && !answer.text.trim().is_empty()
            });
            if let Some(answer) = told {
                expected.push(format!("assistant: {}", answer.text));
                expected.push(format!("user: {prompt}"));
            }
        }
        expected.reverse();
        let calls = stack.running.local.bedrock().calls();
        for call in calls.iter().filter(|call| call.prompt == turn.prompt) {
            compared += 1;
            let given = given(&call.input);
            if given != expected {
                wrong.push(format!(
                    "the model was given {given:?} for {:?}, meant was {expected:?}",
                    turn.prompt
                ));
            }
        }
    }
    (wrong, compared)
}

/// The messages that a model was given: `ROLE: TEXT`.
fn given(input: &str) -> Vec<String> {
    let input: Value = serde_json::from_str(input).unwrap_or_default();
    let messages = input["messages"].as_array().cloned().unwrap_or_default();
    let text = |message: &Value| {
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let texts = blocks.iter().filter_map(|block| block["text"].as_str());
        texts.collect::<String>()
    };
    let line = |message: &Value| {
        format!(
            "{}: {}",
            message["role"].as_str().unwrap_or_default(),
            text(message)
        )
    };
    messages.iter().map(line).collect()
}

/// Returns what is left of a deleted conversation.
pub async fn nothing_is_left(stack: &TestStack, talk: &Talk, seed: u64) -> Vec<String> {
    let mut broken = Vec::new();
    let mut complain = |what: String| {
        broken.push(format!("conversation {} is deleted, and {what}", talk.id));
    };
    if read(stack, talk).await.is_some() {
        complain("still there".to_owned());
    }
    let stories = || talk.turns.iter().map(|turn| &turn.story);
    let last = talk.deleted.map(|number| session_id(seed, number));
    for id in stories().map(|story| story.id).chain(last) {
        let found = stack.get_stream(talk.user, &id.to_string()).await;
        if !found.is_null() {
            let status = &found["status"];
            complain(format!("its session {id} is still there: {status}"));
        }
    }
    let numbers = stories().map(|story| story.number).chain(talk.deleted);
    let answers = stories().map(|story| story.text.clone());
    let texts: Vec<String> = numbers
        .map(prompt)
        .chain(answers.filter(|text| text.len() > 20))
        .collect();
    for table in [TABLE, CONVERSATIONS_TABLE] {
        let items = items(stack, table).await;
        for text in &texts {
            if items.iter().any(|item| item.contains(text)) {
                complain(format!("{table} still has {text:?}"));
            }
        }
    }
    broken
}

/// Returns whether a conversation that is there is seen by the look into the tables that finds nothing of deleted ones.
pub async fn is_seen(stack: &TestStack, talk: &Talk) -> Vec<String> {
    let items = items(stack, CONVERSATIONS_TABLE).await;
    let asked = talk.turns.iter().map(|turn| prompt(turn.story.number));
    let unseen = asked.filter(|text| !items.iter().any(|item| item.contains(text)));
    unseen
        .map(|text| format!("{CONVERSATIONS_TABLE} doesn't show {text:?}, which is there"))
        .collect()
}

/// Returns what is wrong with the quotas of all turns, those of deleted conversations included.
pub async fn quotas(stack: &TestStack, talks: &[Talk], seed: u64) -> Vec<String> {
    let turns = talks.iter().flat_map(|talk| &talk.turns);
    let turns = turns.map(|turn| (turn.story.number, turn.story.id));
    // The turn that was answered when its conversation was deleted.
    let last = talks.iter().filter_map(|talk| talk.deleted);
    let last = last.map(|number| (number, session_id(seed, number)));
    let (records, ledgers) = (records(stack).await, ledgers(stack).await);
    let calls = stack.running.local.bedrock().calls();
    judge(turns.chain(last), &records, &ledgers, &calls)
}

/// The items of a table, each as text.
async fn items(stack: &TestStack, table: &str) -> Vec<String> {
    let client = stack.dynamodb();
    let scan = client.scan().table_name(table).into_paginator().items();
    let mut items = scan.send();
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(format!("{:?}", item.expect("a readable table")));
    }
    all
}

/// Returns what is wrong with each owner's list.
pub async fn lists(stack: &TestStack, talks: &[Talk]) -> Vec<String> {
    let mut broken = Vec::new();
    for user in ["alice", "bob"] {
        let expected: BTreeSet<Uuid> = talks
            .iter()
            .filter(|talk| talk.user == user && talk.deleted.is_none())
            .map(|talk| talk.id)
            .collect();
        let client = stack.client(user);
        let mut listed = BTreeSet::new();
        let mut page = Page::default();
        loop {
            let list = match client.conversations().list(page).await {
                Ok(list) => list,
                Err(error) => {
                    broken.push(format!("{user}'s list can't be read: {error}"));
                    break;
                }
            };
            for item in list.items {
                if !listed.insert(item.conversation_id) {
                    broken.push(format!("{user}'s list has {} twice", item.conversation_id));
                }
            }
            let Some(next_token) = list.next_token else {
                break;
            };
            page = Page {
                limit: None,
                next_token: Some(next_token),
            };
        }
        if listed != expected {
            broken.push(format!(
                "{user}'s list is {listed:?}, expected {expected:?}"
            ));
        }
    }
    broken
}
