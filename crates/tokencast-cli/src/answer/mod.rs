//! Runs one session, from the prompt to the exit code.

mod asked;
mod markdown;
mod output;
mod page;
mod reasoning;
mod reasoning_time;
mod sources;
mod spans;
mod summary;
mod waiting;
mod words;

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use tokencast_client::{AnswerEvent, AnswerStream, Client, Error, Prompt};
use uuid::Uuid;

pub use self::asked::stop;
use self::page::Page;
pub use self::page::show;
use self::summary::Summary;
use self::waiting::{Outage, Waiting};
pub use self::words::{GONE, is_gone};
use self::words::{explained, hint, is_gone_from};
use crate::exit::{Exit, chain, say};
use crate::signal::Signals;

/// A stop may take this long; then the session's last event may take as long as [`LAST_EVENT_TIMEOUT`].
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const LAST_EVENT_TIMEOUT: Duration = Duration::from_secs(5);

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
    /// Whether the session is known to be over.
    pub is_over: bool,
}

/// Prints the answer and its summary.
pub async fn run(
    client: &Client,
    session: Session,
    listening: Listening,
    signals: &mut Signals,
) -> Ended {
    let is_resumed = matches!(session, Session::Resume { .. });
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
    let summary = Summary::new(stream.session_id(), Instant::now(), is_resumed);
    let is_watched = io::stderr().is_terminal();
    let mut answer = Answer {
        stream,
        summary,
        page: Page::new(&listening),
        listening,
        started: false,
        last: None,
        is_over: false,
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
    answer.ended(exit)
}

struct Answer {
    stream: AnswerStream,
    summary: Summary,
    page: Page,
    listening: Listening,
    started: bool,
    /// The last event, while what belongs to it is asked for.
    last: Option<AnswerEvent>,
    is_over: bool,
    waiting: Waiting,
    outage: Outage,
    /// The API's address.
    address: String,
    /// Whether this command has asked for the stop.
    is_stopping: bool,
}

impl Answer {
    /// Prints events until the last one. Cancel-safe: an event is either still to be had or wholly printed.
    async fn follow(&mut self, client: &Client) -> io::Result<Exit> {
        let session_id = self.stream.session_id();
        loop {
            if self.last.is_some() {
                return self.end(client).await;
            }
            let event = tokio::select! {
                event = self.stream.next() => event,
                word = self.waiting.word(async || asked::why(client, session_id).await) => {
                    say!("{word}");
                    continue;
                }
            };
            match event {
                Some(Ok(event)) if event.is_last() => {
                    (self.is_over, self.last) = (true, Some(event));
                }
                Some(Ok(event)) => {
                    let thought = self.summary.count(&event, Instant::now());
                    self.page.event(&event, thought)?;
                    self.announce(&event);
                }
                Some(Err(error)) => {
                    self.is_over = matches!(error, Error::NotFound { .. }) || is_gone(&error);
                    let text = explained(&error, &self.listening);
                    self.page.error(&text)?;
                    say!("error: {text}");
                    if !is_gone_from(&error, &self.listening) {
                        hint(&error, &self.address);
                    }
                    return Ok(Exit::Api);
                }
                None => return Ok(Exit::Api),
            }
        }
    }

    /// Writes to stderr what an event has to say there.
    fn announce(&mut self, event: &AnswerEvent) {
        match event {
            AnswerEvent::Started { .. } => {
                self.started = true;
                self.waiting.begin();
            }
            AnswerEvent::Restarted { attempt } => {
                say!("[attempt {attempt}: the answer starts again]");
            }
            AnswerEvent::Reconnecting {
                delay_ms, reason, ..
            } => {
                tracing::info!(reason, delay_ms, "connection lost, trying again");
                if let Some(word) = self.outage.lost(reason) {
                    say!("{word}");
                }
            }
            AnswerEvent::Reconnected => {
                tracing::info!("connected again");
                if let Some(word) = self.outage.found() {
                    say!("{word}");
                }
            }
            _ => self.waiting.end(),
        }
    }

    /// Prints the last event, with what the API has to say of the session then. Returns the exit code.
    async fn end(&mut self, client: &Client) -> io::Result<Exit> {
        let Some(event) = self.last.clone() else {
            return Ok(Exit::Api);
        };
        let thought = self.summary.count(&event, Instant::now());
        let session_id = self.stream.session_id();
        let is_elsewhere = matches!(event, AnswerEvent::Cancelled { .. }) && !self.is_stopping;
        let is_deleted = is_elsewhere && asked::is_deleted(client, session_id).await;
        let reasoning_ms = self.reasoning_ms(client).await;
        self.last = None;
        self.summary.set_reasoning_ms(reasoning_ms);
        let told = reasoning_ms.filter(|_| self.listening.in_chat);
        let thought = thought.or(told.map(Duration::from_millis));
        self.page.last(&event, reasoning_ms, thought)?;
        let exit = match event {
            AnswerEvent::Failed { .. } => Exit::Failed,
            AnswerEvent::Cancelled { .. } => Exit::Cancelled,
            _ if self.page.has_text() => Exit::Success,
            _ => Exit::NoText,
        };
        self.page.end_text()?;
        self.announce_end(&event, exit);
        let characters = self.summary.characters();
        match (is_elsewhere, is_deleted, self.listening.in_chat) {
            (false, _, _) => {}
            (true, false, _) => say!("stopped by somebody else after {characters} characters"),
            (true, true, false) => say!("deleted by somebody else after {characters} characters"),
            (true, true, true) => say!(
                "this conversation was deleted by somebody else after {characters} characters; /new begins another"
            ),
        }
        Ok(exit)
    }

    /// For how long the model has reasoned: as the API has it, where that can be asked, or else as it seemed here.
    async fn reasoning_ms(&self, client: &Client) -> Option<u64> {
        let seemed = self.summary.reasoning_ms();
        // A chat has said already what it knows.
        let is_said = self.listening.in_chat && seemed.is_some();
        if is_said || !self.summary.has_reasoned() {
            return None;
        }
        let told = asked::reasoning_ms(client, self.stream.session_id()).await;
        told.or(seemed)
    }

    /// Writes to stderr what the last event has to say there.
    fn announce_end(&self, event: &AnswerEvent, exit: Exit) {
        match event {
            AnswerEvent::Completed {
                stop_reason,
                guardrail,
                ..
            } => {
                if exit == Exit::NoText {
                    let reason = stop_reason.as_deref().unwrap_or("not given");
                    say!("the answer has no text (stop reason: {reason})");
                }
                if let Some(guardrail) = guardrail
                    && !self.listening.summary
                {
                    say!("[{}]", summary::in_words(guardrail));
                }
            }
            AnswerEvent::Failed {
                code,
                message,
                retryable,
                ..
            } => {
                let again = if code == "MODEL_UNAVAILABLE" {
                    "another prompt won't help: the model's configuration has to be changed"
                } else if *retryable {
                    "the same prompt may succeed if sent again"
                } else {
                    "trying again won't help"
                };
                say!("failed: {code}: {message} ({again})");
            }
            _ => {}
        }
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

    fn close(&mut self, exit: Exit) -> Ended {
        if self.started && self.listening.summary {
            say!("{}", self.summary.line());
        }
        self.ended(exit)
    }

    fn ended(&self, exit: Exit) -> Ended {
        Ended {
            exit,
            started: self.started,
            is_over: self.is_over,
        }
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
