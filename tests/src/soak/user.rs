//! The clients of one session: they start, listen, leave, come back and stop, as the seed says.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tokencast_client::{AnswerEvent, AnswerStream, Client, Error, Prompt};
use uuid::Uuid;

/// Every session is over sooner than this, whatever happens to it.
const PATIENCE: Duration = Duration::from_mins(2);

/// A user, who acts as the seed says.
pub struct User<'a> {
    client: &'a Client,
    number: usize,
    id: Uuid,
    asked: Prompt,
    random: Rng,
}

/// What a user saw.
#[derive(Debug)]
pub struct Story {
    pub id: Uuid,
    pub number: usize,
    /// The text on display at the end.
    pub text: String,
    pub ending: Option<AnswerEvent>,
    pub asked_to_stop: bool,
    pub reconnects: usize,
    pub worst_catch_up: Duration,
    /// Everything that a user should never see.
    pub complaints: Vec<String>,
}

/// Returns the prompt of a session. No other session's prompt is a part of it.
pub fn prompt(number: usize) -> String {
    format!("prompt <{number}>")
}

/// Returns the id of a session, which its client makes. The same seed gives the same ids.
pub fn session_id(seed: u64, number: usize) -> Uuid {
    let bytes = random(seed, number).u128(..).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn random(seed: u64, number: usize) -> Rng {
    Rng::with_seed(seed.wrapping_mul(31).wrapping_add(number as u64))
}

impl<'a> User<'a> {
    pub fn new(client: &'a Client, seed: u64, number: usize) -> Self {
        Self {
            client,
            number,
            id: session_id(seed, number),
            asked: Prompt::new(prompt(number)),
            random: random(seed, number),
        }
    }

    /// Asks in a conversation: behind a turn, or beside its first one.
    #[must_use]
    pub fn in_conversation(mut self, id: Uuid, parent: Option<Uuid>) -> Self {
        let asked = self.asked.in_conversation(id);
        self.asked = match parent {
            Some(parent) => asked.after(parent),
            None => asked.at_beginning(),
        };
        self
    }

    /// Follows the session from its start to its end, as the user sees it.
    pub async fn live(mut self) -> Story {
        let mut story = Story {
            id: self.id,
            number: self.number,
            text: String::new(),
            ending: None,
            asked_to_stop: false,
            reconnects: 0,
            worst_catch_up: Duration::ZERO,
            complaints: Vec::new(),
        };
        let bytes = |random: &mut Rng| random.usize(0..700);
        // One user in four stops somewhere, and one in four reloads the page somewhere.
        let (stops_at, reloads_at) = match self.random.u32(0..4) {
            0 => (Some(bytes(&mut self.random)), None),
            1 => (None, Some(bytes(&mut self.random))),
            _ => (None, None),
        };
        if tokio::time::timeout(PATIENCE, self.follow(&mut story, stops_at, reloads_at))
            .await
            .is_err()
        {
            story.complaints.push(format!(
                "no ending within {PATIENCE:?}, at {:?}",
                story.text
            ));
        }
        story
    }

    async fn follow(
        &self,
        story: &mut Story,
        stops_at: Option<usize>,
        mut reloads_at: Option<usize>,
    ) {
        let mut view = View::default();
        let mut stream = self.client.stream_as(self.id, self.asked.clone());
        loop {
            match stream.next().await {
                Some(Ok(event)) => {
                    let ended = view.see(event, story);
                    story.text.clone_from(&view.text);
                    if ended {
                        return;
                    }
                }
                // The start was refused for the moment, or the connection was lost for good. A person would try again.
                Some(Err(error)) if error.is_transient() || is_internal(&error) => {
                    stream = self.client.stream_as(self.id, self.asked.clone());
                    view = View::default();
                    continue;
                }
                Some(Err(error)) => {
                    story.complaints.push(format!("refused: {error}"));
                    return;
                }
                None => {
                    story
                        .complaints
                        .push("the stream ended without an ending".to_owned());
                    return;
                }
            }
            if stops_at.is_some_and(|at| view.text.len() >= at)
                && !story.asked_to_stop
                && view.started
            {
                // If the stop is refused for the moment, the user tries again at the next event.
                story.asked_to_stop = self.client.stop(self.id).await.is_ok();
            }
            if reloads_at.is_some_and(|at| view.text.len() >= at) && view.started {
                reloads_at = None;
                stream = self.reload(stream);
                view = View::default();
            }
        }
    }

    /// Reloads the page, which forgets everything but the id.
    fn reload(&self, before: AnswerStream) -> AnswerStream {
        drop(before);
        self.client.resume(self.id)
    }
}

fn is_internal(error: &Error) -> bool {
    matches!(error, Error::Graphql { error_type, .. } if error_type == "INTERNAL")
        || matches!(error, Error::GaveUp { .. })
}

/// What is on the screen.
#[derive(Default)]
struct View {
    text: String,
    attempt: u64,
    started: bool,
    lost_at: Option<Instant>,
}

impl View {
    /// Shows an event. Returns true if it was the last.
    fn see(&mut self, event: AnswerEvent, story: &mut Story) -> bool {
        if let (Some(lost_at), false) = (
            self.lost_at,
            matches!(
                event,
                AnswerEvent::Reconnecting { .. } | AnswerEvent::Reconnected
            ),
        ) {
            story.worst_catch_up = story.worst_catch_up.max(lost_at.elapsed());
            self.lost_at = None;
        }
        match &event {
            AnswerEvent::Text { text, attempt, .. } => {
                if *attempt < self.attempt {
                    story
                        .complaints
                        .push(format!("attempt {attempt} after attempt {}", self.attempt));
                }
                self.attempt = *attempt;
                self.text.push_str(text);
            }
            AnswerEvent::Restarted { attempt } => {
                if *attempt < self.attempt {
                    story
                        .complaints
                        .push(format!("attempt {attempt} after attempt {}", self.attempt));
                }
                self.attempt = *attempt;
                self.text.clear();
            }
            AnswerEvent::Reconnecting { .. } => {
                story.reconnects += 1;
                self.lost_at.get_or_insert_with(Instant::now);
            }
            AnswerEvent::Started { .. } => self.started = true,
            AnswerEvent::Reconnected
            | AnswerEvent::Reasoning { .. }
            | AnswerEvent::Citation { .. }
            | AnswerEvent::ToolUse { .. }
            | AnswerEvent::ToolResult { .. } => {}
            AnswerEvent::Completed { .. }
            | AnswerEvent::Failed { .. }
            | AnswerEvent::Cancelled { .. } => {
                story.ending = Some(event);
                return true;
            }
        }
        false
    }
}
