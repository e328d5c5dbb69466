//! Reads the dead-letter queue, and puts its messages back.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use thiserror::Error;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::ports::{Applied, Clock, SessionStore, StoreError, update};
use tokencast_core::session::Session;
use tokencast_core::time::Timestamp;

use crate::sessions::SessionTable;

/// How long a message is hidden from others while it is looked at.
const VISIBILITY_S: i32 = 60;

/// The queue of jobs whose every attempt failed, the queue that they came from, and their sessions.
#[derive(Clone, Debug)]
pub struct DeadLetters<C> {
    sqs: Client,
    dead_letter_queue_url: String,
    queue_url: String,
    sessions: SessionTable,
    clock: C,
}

/// A message of the dead-letter queue. Its prompt is not shown.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub message_id: String,
    /// `None` for a body that is no job.
    pub session_id: Option<SessionId>,
    owner: Option<Owner>,
    /// Whether the session is a turn of a conversation.
    is_turn: bool,
    /// The current session; `None` if there is none any more.
    pub session: Option<Session>,
    /// When the client asked; for a body that is no job, when it was moved here.
    pub sent_at: Option<Timestamp>,
    message: Message,
}

#[derive(Debug, Error)]
pub enum DeadLettersError {
    #[error("the dead-letter queue {queue_url} could not be read")]
    Receive {
        queue_url: String,
        #[source]
        source: Box<aws_sdk_sqs::Error>,
    },
    #[error(
        "a message could not be put back into {queue_url}; it is still in the dead-letter queue"
    )]
    Send {
        queue_url: String,
        #[source]
        source: Box<aws_sdk_sqs::Error>,
    },
    #[error("a message was put back, but not taken out of the dead-letter queue")]
    Delete(#[source] Box<aws_sdk_sqs::Error>),
    #[error("a session could not be read or opened again")]
    Session(#[from] StoreError),
}

impl<C: Clock> DeadLetters<C> {
    pub fn new(
        sdk: &SdkConfig,
        dead_letter_queue_url: String,
        queue_url: String,
        sessions: SessionTable,
        clock: C,
    ) -> Self {
        Self {
            sqs: Client::new(sdk),
            dead_letter_queue_url,
            queue_url,
            sessions,
            clock,
        }
    }

    /// Receives every message of the dead-letter queue. Each stays hidden until it is [put back](Self::put_back) or
    /// [left](Self::leave).
    ///
    /// # Errors
    ///
    /// SQS or the session table does not answer.
    pub async fn receive_all(&self) -> Result<Vec<DeadLetter>, DeadLettersError> {
        let mut letters = Vec::new();
        loop {
            let receive = self
                .sqs
                .receive_message()
                .queue_url(&self.dead_letter_queue_url)
                .max_number_of_messages(10)
                .wait_time_seconds(1)
                .visibility_timeout(VISIBILITY_S)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::All);
            let received = receive
                .send()
                .await
                .map_err(|error| DeadLettersError::Receive {
                    queue_url: self.dead_letter_queue_url.clone(),
                    source: boxed(error),
                })?;
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(letters);
            }
            for message in messages {
                letters.push(self.read(message).await?);
            }
        }
    }

    async fn read(&self, message: Message) -> Result<DeadLetter, DeadLettersError> {
        let job = Job::from_json(message.body().unwrap_or_default()).ok();
        let requested_at = job.as_ref().map(|job| job.requested_at);
        let is_turn = job
            .as_ref()
            .is_some_and(|job| job.conversation_id.is_some());
        let (session_id, owner) = job.map(|job| (job.session_id, job.owner)).unzip();
        let session = match session_id {
            Some(id) => self.sessions.get(id).await?.map(|found| found.session),
            None => None,
        };
        let sent = message
            .attributes()
            .and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
        Ok(DeadLetter {
            message_id: message.message_id().unwrap_or_default().to_owned(),
            session_id,
            owner,
            is_turn,
            session,
            sent_at: requested_at.or_else(|| sent?.parse().ok().map(Timestamp::from_millis)),
            message,
        })
    }

    /// Opens the letter's session again, and puts its message back into the queue unchanged. Makes a new session if the
    /// old one was forgotten, because its job's time to start is over.
    ///
    /// The steps have this order so that they can be done again after an interruption: an open session has a message in
    /// at least one queue, and a message that is in both queues is answered once.
    ///
    /// # Errors
    ///
    /// SQS or the session table does not answer. The error says where the message is then.
    pub async fn put_back(
        &self,
        letter: &DeadLetter,
        start_within: Duration,
        session_ttl: Duration,
    ) -> Result<(), DeadLettersError> {
        if let (Some(id), Some(owner)) = (letter.session_id, &letter.owner) {
            let is_turn = letter.is_turn;
            let reopened = update(&self.sessions, id, None, |current| {
                let now = self.clock.now();
                let start_by = now + start_within;
                let is_gone = current.as_ref().is_none_or(|it| it.is_expired(now));
                // A turn is in a conversation, which nobody makes anew.
                let session = (!(is_gone && is_turn))
                    .then(|| Session::claim(current, id, owner, now).ok())
                    .flatten();
                Applied {
                    write: session.map(|it| it.reopen(start_by, now, session_ttl)),
                    answer: (),
                }
            });
            reopened.await?;
        }
        let message = &letter.message;
        let group = message
            .attributes()
            .and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
        let send = self
            .sqs
            .send_message()
            .queue_url(&self.queue_url)
            .set_message_body(message.body.clone())
            .set_message_group_id(group.cloned())
            .set_message_attributes(message.message_attributes.clone());
        send.send().await.map_err(|error| DeadLettersError::Send {
            queue_url: self.queue_url.clone(),
            source: boxed(error),
        })?;
        let delete = self
            .sqs
            .delete_message()
            .queue_url(&self.dead_letter_queue_url);
        let deleted = delete
            .set_receipt_handle(message.receipt_handle.clone())
            .send()
            .await;
        deleted
            .map(drop)
            .map_err(|error| DeadLettersError::Delete(boxed(error)))
    }

    /// Leaves a letter in its queue, and makes it visible to others at once.
    pub async fn leave(&self, letter: &DeadLetter) {
        let change = self
            .sqs
            .change_message_visibility()
            .queue_url(&self.dead_letter_queue_url);
        let change = change
            .set_receipt_handle(letter.message.receipt_handle.clone())
            .visibility_timeout(0);
        // If this fails, the letter becomes visible a minute later.
        let _ = change.send().await;
    }
}

fn boxed<E: Into<aws_sdk_sqs::Error>>(error: E) -> Box<aws_sdk_sqs::Error> {
    Box::new(error.into())
}
