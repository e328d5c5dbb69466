//! The conversation that is being held, and the branch of it that is shown.

use std::collections::HashMap;

use tokencast_client::Prompt;
use tokencast_client::conversations::{Conversation, Turn};
use uuid::Uuid;

/// A branch of a conversation, from its first turn to the last that is shown.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    id: Uuid,
    path: Vec<Step>,
    /// The last question with its place, while the API doesn't have it.
    unstarted: Option<(String, At)>,
}

/// A turn of the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    session_id: Uuid,
    parent_id: Option<Uuid>,
    question: String,
}

/// Where a question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Behind the last turn.
    End,
    /// Beside it, as another version.
    Last,
}

impl Thread {
    /// A conversation that nothing was asked in yet.
    pub(super) fn new(id: Uuid) -> Self {
        Self {
            id,
            path: Vec::new(),
            unstarted: None,
        }
    }

    /// The branch with the turn that was started last. The conversation must have all of its turns. Returns the turns of the
    /// branch as well.
    pub(super) fn of(conversation: Conversation) -> (Self, Vec<Turn>) {
        let Conversation {
            conversation_id,
            last_session_id,
            turns,
            ..
        } = conversation;
        let newest = turns.last().map(|turn| turn.session_id);
        let mut turns: HashMap<_, _> = turns
            .into_iter()
            .map(|turn| (turn.session_id, turn))
            .collect();
        let mut next = last_session_id
            .filter(|last| turns.contains_key(last))
            .or(newest);
        let mut path = Vec::new();
        // A turn that was taken out isn't found again, so that this ends even if a turn were its own ancestor.
        while let Some(turn) = next.and_then(|id| turns.remove(&id)) {
            next = turn.parent_id;
            path.push(turn);
        }
        path.reverse();
        let steps = path.iter().map(|turn| Step {
            session_id: turn.session_id,
            parent_id: turn.parent_id,
            question: turn.prompt.clone(),
        });
        let thread = Self {
            id: conversation_id,
            path: steps.collect(),
            unstarted: None,
        };
        (thread, path)
    }

    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    /// Whether the API has a turn of the branch.
    pub(super) fn has_begun(&self) -> bool {
        !self.path.is_empty()
    }

    /// Whether the branch ends with this turn.
    pub(super) fn ends_with(&self, session_id: Uuid) -> bool {
        (self.path.last()).is_some_and(|last| last.session_id == session_id)
    }

    /// The last question that was asked, and where it is asked again; `None` before the first.
    pub(super) fn last_question(&self) -> Option<(&str, At)> {
        let unstarted = self.unstarted.as_ref();
        let unstarted = unstarted.map(|(question, at)| (question.as_str(), *at));
        let last = self.path.last();
        unstarted.or_else(|| last.map(|step| (step.question.as_str(), At::Last)))
    }

    /// A question is about to be asked.
    pub(super) fn asking(&mut self, question: &str, at: At) {
        self.unstarted = Some((question.to_owned(), at));
    }

    /// A question with its place in the conversation.
    pub(super) fn prompt(&self, question: &str, at: At) -> Prompt {
        let prompt = Prompt::new(question).in_conversation(self.id);
        match (at, self.path.last()) {
            (At::End, Some(last)) => prompt.after(last.session_id),
            (At::Last, Some(last)) => match last.parent_id {
                Some(parent_id) => prompt.after(parent_id),
                None => prompt.at_beginning(),
            },
            (At::End | At::Last, None) => prompt,
        }
    }

    /// The API has taken a question.
    pub(super) fn started(&mut self, session_id: Uuid, question: String, at: At) {
        self.unstarted = None;
        let parent_id = match at {
            At::End => self.path.last().map(|last| last.session_id),
            At::Last => self.path.pop().and_then(|last| last.parent_id),
        };
        self.path.push(Step {
            session_id,
            parent_id,
            question,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(100);

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn place(prompt: &Prompt) -> (Option<Uuid>, Option<Uuid>) {
        (prompt.conversation_id, prompt.parent_id)
    }

    #[test]
    fn a_question_follows_the_last_or_takes_its_place() {
        let mut thread = Thread::new(ID);
        assert_eq!(thread.last_question(), None);
        assert_eq!(place(&thread.prompt("one", At::End)), (Some(ID), None));
        thread.started(id(1), "one".into(), At::End);
        // Another version of the first turn begins the conversation anew.
        assert_eq!(
            place(&thread.prompt("one!", At::Last)),
            (Some(ID), Some(ID))
        );
        thread.started(id(2), "one!".into(), At::Last);
        assert_eq!(
            place(&thread.prompt("two", At::End)),
            (Some(ID), Some(id(2)))
        );
        thread.started(id(3), "two".into(), At::End);
        assert_eq!(
            place(&thread.prompt("two!", At::Last)),
            (Some(ID), Some(id(2)))
        );
        thread.started(id(4), "two!".into(), At::Last);
        assert_eq!(thread.last_question(), Some(("two!", At::Last)));
        assert_eq!(
            place(&thread.prompt("three", At::End)),
            (Some(ID), Some(id(4)))
        );
    }

    #[test]
    fn a_question_that_was_not_started_is_the_last_at_its_own_place() {
        let mut thread = Thread::new(ID);
        thread.asking("one", At::End);
        assert_eq!(thread.last_question(), Some(("one", At::End)));
        assert!(!thread.has_begun());
        thread.started(id(1), "one".into(), At::End);
        assert_eq!(thread.last_question(), Some(("one", At::Last)));
        assert!(thread.has_begun() && thread.ends_with(id(1)));
        thread.asking("two", At::End);
        assert_eq!(thread.last_question(), Some(("two", At::End)));
        thread.started(id(2), "two".into(), At::End);
        thread.asking("two!", At::Last);
        assert_eq!(thread.last_question(), Some(("two!", At::Last)));
        assert_eq!(
            place(&thread.prompt("two!", At::Last)),
            (Some(ID), Some(id(1)))
        );
    }

    fn conversation(turns: &[(u128, Option<u128>)], last: Option<u128>) -> Conversation {
        let turn = |(number, parent): &(u128, Option<u128>)| Turn {
            session_id: id(*number),
            parent_id: parent.map(id),
            prompt: format!("question {number}"),
            stream: None,
            created_at: String::new(),
        };
        Conversation {
            conversation_id: ID,
            title: "Rivers".into(),
            last_session_id: last.map(id),
            turn_count: turns.len() as u64,
            assistant: None,
            usage: None,
            turns: turns.iter().map(turn).collect(),
            next_token: None,
            created_at: String::new(),
            updated_at: String::new(),
        }
    }

    fn branch(turns: &[(u128, Option<u128>)], last: Option<u128>) -> Vec<u128> {
        let (thread, path) = Thread::of(conversation(turns, last));
        let prompts = path.iter().map(|turn| &turn.prompt);
        let steps = thread.path.iter().map(|step| &step.question);
        assert!(prompts.eq(steps));
        path.iter().map(|turn| turn.session_id.as_u128()).collect()
    }

    #[test]
    fn the_branch_of_the_last_turn_is_shown() {
        let tree = [
            (1, None),
            (2, Some(1)),
            (3, None),
            (4, Some(1)),
            (5, Some(4)),
        ];
        assert_eq!(branch(&tree, Some(5)), [1, 4, 5]);
        assert_eq!(branch(&tree, Some(2)), [1, 2]);
        assert_eq!(branch(&tree, Some(3)), [3]);
        // It isn't among the turns, or isn't told.
        assert_eq!(branch(&tree, Some(9)), [1, 4, 5]);
        assert_eq!(branch(&tree, None), [1, 4, 5]);
        assert_eq!(branch(&[], None), [0_u128; 0]);
        // What no API should say.
        assert_eq!(branch(&[(1, Some(2)), (2, Some(1))], Some(2)), [1, 2]);
    }
}
