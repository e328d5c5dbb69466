//! Runs one session, from the prompt to the exit code.

mod markdown;
mod output;
mod page;
mod reasoning;
mod sources;
mod spans;
mod summary;
mod waiting;

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use tokencast_client::{AnswerEvent, AnswerStream, Client, Error, Prompt};
use uuid::Uuid;

use self::page::Page;
pub use self::page::show;
use self::summary::Summary;
use self::waiting::{Outage, Waiting, why};
use crate::exit::{Exit, chain, say};
use crate::signal::Signals;

/// A stop may take this long; then the session's last event may take as long as [`LAST_EVENT_TIMEOUT`].
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const LAST_EVENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a chat says of a conversation that was deleted elsewhere, whatever it was asked to do with it.
pub const GONE: &str = "this conversation was deleted or has expired; /new begins another";

/// The session to listen to.
pub enum Session {
    New {
        session_id: Option<Uuid>,
        prompt: Prompt,
    },
    Resume {
        session_id: Uuid,
    },
}

/// How the command listens to a session.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub struct Listening {
    /// Print one JSON event a line.
    pub json: bool,
    /// Print what the model thinks to stderr.
    pub show_reasoning: bool,
    /// Show Markdown on a terminal as what it means.
    pub markdown: bool,
    /// Use colours on a terminal.
    pub colors: bool,
    /// Close with a line about the session.
    pub summary: bool,
    /// The question is one of `chat`, whose user can begin another conversation.
    pub in_chat: bool,
    /// The variable that names a proxy for the host of a WebSocket. WebSockets don't go through it.
    pub proxy: Option<&'static str>,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub exit: Exit,
    /// Whether the API has the session.
    pub started: bool,
}

/// Prints the answer and its summary.
pub async fn run(
    client: &Client,
    session: Session,
    listening: Listening,
    signals: &mut Signals,
) -> Ended {
    let stream = match session {
        Session::New {
            session_id: Some(session_id),
            prompt,
        } => client.stream_as(session_id, prompt),
        Session::New {
            session_id: None,
            prompt,
        } => client.stream(prompt),
        Session::Resume { session_id } => client.resume(session_id),
    };
    let summary = Summary::new(stream.session_id(), Instant::now());
    let is_watched = io::stderr().is_terminal();
    let mut answer = Answer {
        stream,
        summary,
        page: Page::new(&listening),
        listening,
        started: false,
        waiting: Waiting::new(is_watched),
        outage: Outage::new(is_watched),
        address: client.address().to_owned(),
        is_stopping: false,
    };
    let interruption = tokio::select! {
        ending = answer.follow(client) => match ending {
            Ok(exit) => return answer.close(exit),
            Err(unwritten) => unwritten_exit(&unwritten),
        },
        exit = signals.next() => exit,
    };
    let exit = answer.stop(client, interruption, signals).await;
    let started = answer.started;
    Ended { exit, started }
}

struct Answer {
    stream: AnswerStream,
    summary: Summary,
    page: Page,
    listening: Listening,
    started: bool,
    waiting: Waiting,
    outage: Outage,
    /// The API's address.
    address: String,
    /// Whether this command has asked for the stop.
    is_stopping: bool,
}

impl Answer {
    /// Prints events until the last one. Cancel-safe: an event is either still in the stream or wholly printed.
    async fn follow(&mut self, client: &Client) -> io::Result<Exit> {
        let session_id = self.stream.session_id();
        loop {
            let event = tokio::select! {
                event = self.stream.next() => event,
                word = self.waiting.word(async || why(client, session_id).await) => {
                    say!("{word}");
                    continue;
                }
            };
            let Some(event) = event else {
                return Ok(Exit::Api);
            };
            match event {
                Ok(event) => {
                    self.summary.count(&event, Instant::now());
                    self.page.event(&event)?;
                    if let Some(exit) = self.announce(&event)? {
                        return Ok(exit);
                    }
                }
                Err(error) => {
                    let text = self.explained(&error);
                    self.page.error(&text)?;
                    say!("error: {text}");
                    if !self.is_gone(&error) {
                        hint(&error, &self.address);
                    }
                    return Ok(Exit::Api);
                }
            }
        }
    }

    /// Writes to stderr what an event has to say there. Returns the exit code if the event is the last.
    fn announce(&mut self, event: &AnswerEvent) -> io::Result<Option<Exit>> {
        let exit = match event {
            AnswerEvent::Started { .. } => {
                self.started = true;
                self.waiting.begin();
                return Ok(None);
            }
            AnswerEvent::Text { .. }
            | AnswerEvent::Reasoning { .. }
            | AnswerEvent::Citation { .. }
            | AnswerEvent::ToolUse { .. }
            | AnswerEvent::ToolResult { .. } => {
                self.waiting.end();
                return Ok(None);
            }
            AnswerEvent::Restarted { attempt } => {
                say!("[attempt {attempt}: the answer starts again]");
                return Ok(None);
            }
            AnswerEvent::Reconnecting {
                delay_ms, reason, ..
            } => {
                tracing::info!(reason, delay_ms, "connection lost, trying again");
                if let Some(word) = self.outage.lost(reason) {
                    say!("{word}");
                }
                return Ok(None);
            }
            AnswerEvent::Reconnected => {
                tracing::info!("connected again");
                if let Some(word) = self.outage.found() {
                    say!("{word}");
                }
                return Ok(None);
            }
            AnswerEvent::Completed { .. } if !self.page.has_text() => Exit::NoText,
            AnswerEvent::Completed { .. } => Exit::Success,
            AnswerEvent::Failed { .. } => Exit::Failed,
            AnswerEvent::Cancelled { .. } => Exit::Cancelled,
        };
        self.page.end_text()?;
        if let (Exit::NoText, AnswerEvent::Completed { stop_reason, .. }) = (exit, event) {
            let reason = stop_reason.as_deref().unwrap_or("not given");
            say!("the answer has no text (stop reason: {reason})");
        }
        if let AnswerEvent::Completed {
            guardrail: Some(guardrail),
            ..
        } = event
            && !self.listening.summary
        {
            say!("[{}]", summary::in_words(guardrail));
        }
        if let AnswerEvent::Failed {
            code,
            message,
            retryable,
            ..
        } = event
        {
            let again = if code == "MODEL_UNAVAILABLE" {
                "another prompt won't help: the model's configuration has to be changed"
            } else if *retryable {
                "the same prompt may succeed if sent again"
            } else {
                "trying again won't help"
            };
            say!("failed: {code}: {message} ({again})");
        }
        if exit == Exit::Cancelled && !self.is_stopping {
            let characters = self.summary.characters();
            say!("stopped by somebody else after {characters} characters");
        }
        Ok(Some(exit))
    }

    /// Stops the session, prints the events that still come, and says what is kept.
    async fn stop(&mut self, client: &Client, interruption: Exit, signals: &mut Signals) -> Exit {
        let session_id = self.stream.session_id();
        self.is_stopping = true;
        if !self.started {
            // Closing the stream keeps the session from starting after its stop.
            self.stream.close();
        }
        let stopping = async {
            let stopped = tokio::time::timeout(STOP_TIMEOUT, client.stop(session_id)).await;
            let unwritten = matches!(interruption, Exit::BrokenPipe | Exit::Unwritable);
            if !unwritten && matches!(stopped, Ok(Ok(()))) {
                // Events on their way are still part of the text.
                let _ = tokio::time::timeout(LAST_EVENT_TIMEOUT, self.follow(client)).await;
            }
            stopped
        };
        let stopped = tokio::select! {
            stopped = stopping => stopped,
            // A second Ctrl-C ends the wait.
            exit = signals.next() => return exit,
        };
        if interruption == Exit::BrokenPipe {
            return interruption;
        }
        // The summary goes to stderr even if stdout is gone.
        let _ = self.page.end_text();
        match stopped {
            Ok(Ok(())) => say!("stopped; {} characters kept", self.summary.characters()),
            Ok(Err(error)) if self.started => {
                say!("not stopped: {}; the session may go on", chain(&error));
            }
            Err(_) if self.started => say!("not stopped in time; the session may go on"),
            Ok(Err(_)) | Err(_) => say!("stopped before the session began"),
        }
        if self.listening.summary {
            say!("{}", self.summary.line());
        }
        interruption
    }

    /// An error's text, and a likely cause behind it.
    fn explained(&self, error: &Error) -> String {
        if self.is_gone(error) {
            return GONE.to_owned();
        }
        let text = chain(error);
        match self.listening.proxy {
            Some(proxy) if is_unconnected(error) => format!(
                "{text}; WebSockets do not go through the proxy that {proxy} names: use --via url, which does"
            ),
            _ => text,
        }
    }

    /// Whether the conversation of a chat isn't there any more.
    fn is_gone(&self, error: &Error) -> bool {
        let is_gone = is_gone(error) || matches!(error, Error::NotFound { .. });
        self.listening.in_chat && is_gone
    }

    fn close(&mut self, exit: Exit) -> Ended {
        if self.started && self.listening.summary {
            say!("{}", self.summary.line());
        }
        let started = self.started;
        Ended { exit, started }
    }
}

/// A reader that closes the pipe is no error. Anything else that keeps stdout from taking the answer is one.
pub fn unwritten_exit(error: &io::Error) -> Exit {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Exit::BrokenPipe;
    }
    say!("error: cannot write the answer: {error}");
    Exit::Unwritable
}

/// Whether the API says that there is no such conversation, or no longer.
pub fn is_gone(error: &Error) -> bool {
    let (Error::Graphql {
        error_type: code, ..
    }
    | Error::Subscription {
        error_type: code, ..
    }
    | Error::Refused { code, .. }) = error
    else {
        return false;
    };
    matches!(
        code.as_str(),
        "CONVERSATION_DELETED" | "CONVERSATION_NOT_FOUND" | "PARENT_DELETED"
    )
}

/// Whether the error is a WebSocket that could not connect.
fn is_unconnected(error: &Error) -> bool {
    match error {
        Error::Connect(_) => true,
        Error::Timeout { what, .. } => *what == "connection",
        Error::GaveUp { last, .. } => is_unconnected(last),
        _ => false,
    }
}

fn hint(error: &Error, address: &str) {
    match error {
        Error::NotFound { .. } => {
            say!("sessions are kept for a limited time, and only their owner sees them");
        }
        // The texts of these errors don't name the address.
        Error::Connect(_) | Error::GaveUp { .. } | Error::Timeout { .. } | Error::Http { .. } => {
            say!("the API is at {address}");
        }
        _ => {}
    }
}
