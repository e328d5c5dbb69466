//! The two tabs of a conversation.

use fastrand::Rng;
use tokencast_client::{AnswerEvent, Client, Error, Prompt};
use uuid::Uuid;

use super::Plan;
use crate::soak::user::{Story, User, prompt, session_id};
use crate::{TestStack, eventually, within};

const TABS: usize = 2;
/// The turns of a tab.
const TURNS: usize = 3;
/// One conversation in so many is deleted while it is answered.
const DELETED: usize = 4;

/// A conversation as its tabs know it.
#[derive(Debug)]
pub struct Talk {
    pub id: Uuid,
    pub user: &'static str,
    pub turns: Vec<Turn>,
    /// The number of the turn that was answered when the conversation was deleted, if it was.
    pub deleted: Option<usize>,
}

/// A turn as its tab knows it.
#[derive(Debug)]
pub struct Turn {
    /// The turn that the tab continued; `None` if it began the conversation, be it anew.
    pub parent: Option<Uuid>,
    pub story: Story,
}

/// Has both tabs of a conversation ask, and deletes some conversations.
pub async fn talk(stack: &TestStack, plan: Plan, number: usize) -> Talk {
    let id = session_id(!plan.seed, number);
    let user = ["alice", "bob"][number % 2];
    let tab = |tab: usize| {
        let channel = plan.channels[(number + tab) % plan.channels.len()];
        let client = stack.client_over(channel, user);
        async move { Box::pin(ask_all(&client, plan.seed, id, number * TABS + tab)).await }
    };
    let (mut turns, others) = tokio::join!(tab(0), tab(1));
    turns.extend(others);
    let next = (plan.conversations * TABS + number) * TURNS;
    let deleted = number.is_multiple_of(DELETED).then_some(next);
    if deleted.is_some() {
        let client = stack.client(user);
        let parent = turns.first().map(|turn| turn.story.id);
        delete_while_answered(&client, id, parent, plan.seed, next).await;
    }
    Talk {
        id,
        user,
        turns,
        deleted,
    }
}

/// Asks each turn when the one before is over. The second of a tab's later turns may be another version of the first.
async fn ask_all(client: &Client, seed: u64, id: Uuid, tab: usize) -> Vec<Turn> {
    let mut random = Rng::with_seed(seed ^ ((tab as u64) << 20));
    let mut turns: Vec<Turn> = Vec::new();
    for number in tab * TURNS..(tab + 1) * TURNS {
        let before = turns.last();
        let parent = match before {
            Some(before) if random.u32(0..3) == 0 => before.parent,
            Some(before) => Some(before.story.id),
            None => None,
        };
        let user = User::new(client, seed, number).in_conversation(id, parent);
        // Sometimes the same turn is started twice, as by a page that is reloaded while it starts.
        let story = if random.bool() {
            let twice = User::new(client, seed, number).in_conversation(id, parent);
            let (story, same) = tokio::join!(user.live(), twice.live());
            agree(story, same)
        } else {
            user.live().await
        };
        turns.push(Turn { parent, story });
    }
    turns
}

/// Both have followed the same session.
fn agree(mut story: Story, same: Story) -> Story {
    if story.text != same.text {
        let complaint = format!("one page has {:?}, the other {:?}", story.text, same.text);
        story.complaints.push(complaint);
    }
    story.complaints.extend(same.complaints);
    story.asked_to_stop |= same.asked_to_stop;
    story
}

/// Starts one more turn, and deletes the conversation once its text begins.
async fn delete_while_answered(
    client: &Client,
    id: Uuid,
    parent: Option<Uuid>,
    seed: u64,
    number: usize,
) {
    let asked = Prompt::new(prompt(number)).in_conversation(id);
    let asked = match parent {
        Some(parent) => asked.after(parent),
        None => asked,
    };
    let session = session_id(seed, number);
    let mut stream = client.stream_as(session, asked.clone());
    let until_text = async {
        loop {
            match stream.next().await {
                Some(Ok(AnswerEvent::Text { .. })) | None => return,
                Some(Ok(event)) if is_end(&event) => return,
                Some(Ok(_)) => {}
                Some(Err(_)) => stream = client.stream_as(session, asked.clone()),
            }
        }
    };
    // On a busy machine, the turn may take long to begin. Without one there would be nothing to delete it from.
    within("the turn that is deleted", until_text).await;
    eventually("the deletion", || async {
        match client.conversations().delete(id).await {
            Ok(()) => Some(()),
            Err(error) if may_be_tried_again(&error) => None,
            Err(error) => panic!("the deletion is refused: {error}"),
        }
    })
    .await;
}

fn is_end(event: &AnswerEvent) -> bool {
    matches!(
        event,
        AnswerEvent::Completed { .. } | AnswerEvent::Failed { .. } | AnswerEvent::Cancelled { .. }
    )
}

pub fn may_be_tried_again(error: &Error) -> bool {
    error.is_transient()
        || matches!(error, Error::Graphql { error_type, .. } if error_type == "INTERNAL")
        || matches!(error, Error::GaveUp { .. })
}
