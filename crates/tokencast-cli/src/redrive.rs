//! `tokencast redrive`: jobs whose every attempt failed.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;
use tokencast_aws::clock::{SystemClock, iso8601};
use tokencast_aws::dead_letters::{DeadLetter, DeadLetters, DeadLettersError};
use tokencast_aws::quotas::QuotaTable;
use tokencast_aws::sessions::SessionTable;
use uuid::Uuid;

use crate::cli::RedriveArgs;
use crate::exit::{Exit, complain};
use crate::operator::{local_queue, quotas_table, reach, sdk_for};
use crate::stack::{CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE, QUEUE, TABLE};

/// The least time for which a reopened session is kept.
const SESSION_TTL: Duration = Duration::from_hours(24);

/// The time within which the answer of a reopened session may begin.
const START_WITHIN: Duration = Duration::from_hours(1);

#[derive(Debug, Error)]
enum RedriveError {
    #[error(transparent)]
    DeadLetters(#[from] DeadLettersError),
    #[error("the dead-letter queue has no job of session {0}")]
    NoSuchSession(Uuid),
}

pub async fn run(args: RedriveArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    if let Err(error) = reach(args.local).await {
        complain(&error);
        return Exit::Api;
    }
    let letters = open(&args, lookup).await;
    match redrive(&letters, &args).await {
        Ok(()) => Exit::Success,
        Err(error) => {
            complain(&error);
            Exit::Api
        }
    }
}

async fn open(
    args: &RedriveArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> DeadLetters<SystemClock> {
    let sdk = sdk_for(args.local, lookup).await;
    let queue_url = args.queue_url.clone();
    let queue_url = queue_url.unwrap_or_else(|| local_queue(args.local, QUEUE));
    let dead_letters = args.dead_letter_queue_url.clone();
    let dead_letters = dead_letters.unwrap_or_else(|| local_queue(args.local, DEAD_LETTER_QUEUE));
    let conversations = args.conversations_table.clone();
    let sessions = SessionTable::new(
        &sdk,
        args.table.clone().unwrap_or_else(|| TABLE.to_owned()),
        conversations.unwrap_or_else(|| CONVERSATIONS_TABLE.to_owned()),
    )
    .with_quotas(
        quotas_table(args.quotas_table.as_deref(), args.local)
            .map(|name| QuotaTable::new(&sdk, name)),
    );
    DeadLetters::new(&sdk, dead_letters, queue_url, sessions, SystemClock)
}

async fn redrive(
    dead_letters: &DeadLetters<SystemClock>,
    args: &RedriveArgs,
) -> Result<(), RedriveError> {
    let letters = dead_letters.receive_all().await?;
    let is_wanted = |letter: &DeadLetter| match args.what.session {
        Some(wanted) => letter
            .session_id
            .is_some_and(|id| id.as_str().eq_ignore_ascii_case(&wanted.to_string())),
        None => true,
    };
    let (wanted, others): (Vec<_>, Vec<_>) = letters.into_iter().partition(is_wanted);
    for letter in &others {
        dead_letters.leave(letter).await;
    }
    if let (Some(session), true) = (args.what.session, wanted.is_empty()) {
        return Err(RedriveError::NoSuchSession(session));
    }
    for letter in &wanted {
        if args.what.list {
            dead_letters.leave(letter).await;
        } else {
            dead_letters
                .put_back(letter, START_WITHIN, SESSION_TTL)
                .await?;
        }
        print(letter, args);
    }
    if !args.json {
        let done = if args.what.list {
            "in the dead-letter queue"
        } else {
            "put back"
        };
        let _ = writeln!(crate::stdio::Stderr, "{} {done}", count(wanted.len()));
    }
    Ok(())
}

fn print(letter: &DeadLetter, args: &RedriveArgs) {
    let line = if args.json {
        as_json(letter, !args.what.list).to_string()
    } else {
        as_text(letter)
    };
    // A closed stdout doesn't keep a job from going back to the queue.
    let _ = writeln!(crate::stdio::Stdout, "{line}");
}

fn as_json(letter: &DeadLetter, put_back: bool) -> Value {
    let failure = letter
        .session
        .as_ref()
        .and_then(|session| session.ending.failure.as_ref());
    json!({
        "messageId": letter.message_id,
        "sessionId": letter.session_id.map(|id| id.to_string()),
        "status": letter.session.as_ref().map(|session| session.status.as_str()),
        "code": failure.map(|failure| failure.code.as_str()),
        "message": failure.map(|failure| &failure.message),
        "sentAt": letter.sent_at.map(iso8601),
        "putBack": put_back,
    })
}

fn as_text(letter: &DeadLetter) -> String {
    let sent = letter.sent_at.map(iso8601).unwrap_or_default();
    let session = match letter.session_id {
        Some(id) => id.to_string(),
        None => format!("no job, message {}", letter.message_id),
    };
    let state = match (&letter.session, letter.session_id) {
        (Some(session), _) => match &session.ending.failure {
            Some(failure) => format!("{} {}", session.status.as_str(), failure.code),
            None => session.status.as_str().to_owned(),
        },
        (None, Some(_)) => "no session any more".to_owned(),
        (None, None) => String::new(),
    };
    format!("{sent}  {session}  {state}").trim_end().to_owned()
}

fn count(letters: usize) -> String {
    if letters == 1 {
        "1 message".to_owned()
    } else {
        format!("{letters} messages")
    }
}
