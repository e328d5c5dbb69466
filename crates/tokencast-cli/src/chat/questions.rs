//! Questions and their answers, one after the other.

use tokencast_client::Prompt;
use uuid::Uuid;

use super::lines::Reply;
use super::thread::At;
use super::{Chat, Then};
use crate::answer::{self, Session};
use crate::exit::{Exit, chain, say};
use crate::signal::Signals;
use crate::visible::visible;

/// A session that isn't known to be over. Nothing can be asked behind it before it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    session_id: Uuid,
    /// Whether its user has stopped it, and the API may not have heard of that.
    is_stopped: bool,
}

const NO_QUESTION: &str = "there is no question yet";

impl Chat {
    /// Asks the last question again.
    pub(super) async fn retry(&mut self, signals: &mut Signals) -> Then {
        let Some((question, at)) = self.thread.last_question() else {
            return self.fail(Exit::Usage, NO_QUESTION);
        };
        let question = question.to_owned();
        self.ask(question, at, signals).await
    }

    /// Asks another question in the place of the last.
    pub(super) async fn edit(&mut self, question: Option<String>, signals: &mut Signals) -> Then {
        let Some((last, at)) = self.thread.last_question() else {
            return self.fail(Exit::Usage, NO_QUESTION);
        };
        if let Some(question) = question {
            return self.ask(question, at, signals).await;
        }
        if !self.lines.is_terminal() {
            return self.fail(
                Exit::Usage,
                "/edit needs the other question: /edit QUESTION",
            );
        }
        // The editor writes to the terminal what it is given.
        let shown = visible(last).into_owned();
        if shown != last {
            say!("control characters of the question are written as \\u001b and the like");
        }
        let reply = tokio::select! {
            biased;
            reply = self.lines.next("edit> ", &shown) => reply,
            exit = signals.next() => return self.interrupted_line(exit),
        };
        match reply {
            Reply::Line(question) if !question.trim().is_empty() => {
                self.ask(question, at, signals).await
            }
            Reply::Line(_) | Reply::Interrupted | Reply::End => Then::Next,
            Reply::Failed(error) => self.fail(Exit::Usage, &error),
        }
    }

    /// Asks a question, and prints the answer as it comes.
    pub(super) async fn ask(&mut self, question: String, at: At, signals: &mut Signals) -> Then {
        self.thread.asking(&question, at);
        if let Err(then) = self.finish(at, signals).await {
            return then;
        }
        let prompt = Prompt {
            assistant: self.assistant.clone(),
            ..self.thread.prompt(&question, at)
        };
        let session_id = Uuid::new_v4();
        let session = Session::New {
            session_id: Some(session_id),
            prompt,
        };
        let (then, started) = self.answer(session_id, session, signals).await;
        if started {
            self.thread.started(session_id, question, at);
        }
        then
    }

    /// Prints an answer that isn't over yet, from its beginning.
    pub(super) async fn follow(&mut self, session_id: Uuid, signals: &mut Signals) -> Then {
        let session = Session::Resume { session_id };
        self.answer(session_id, session, signals).await.0
    }

    /// Prints an answer as it comes. Returns whether the API has its session.
    async fn answer(
        &mut self,
        session_id: Uuid,
        session: Session,
        signals: &mut Signals,
    ) -> (Then, bool) {
        let ended = answer::run(&self.client, session, self.listening, signals).await;
        if ended.is_over {
            self.unfinished.take_if(|it| it.session_id == session_id);
        } else if ended.started {
            self.unfinished = Some(Unfinished {
                session_id,
                is_stopped: ended.exit == Exit::Interrupted,
            });
        }
        let then = match ended.exit {
            Exit::Interrupted => self.interrupted(ended.exit),
            Exit::BrokenPipe | Exit::Unwritable | Exit::Terminated => Then::End(ended.exit),
            Exit::Success => Then::Next,
            exit => {
                self.failed = exit;
                Then::Next
            }
        };
        (then, ended.started)
    }

    /// Has the last answer end before a question is asked behind it: one that was stopped is stopped again, and one whose
    /// connection was lost is printed again.
    ///
    /// # Errors
    ///
    /// The question can't be asked now.
    async fn finish(&mut self, at: At, signals: &mut Signals) -> Result<(), Then> {
        let Some(Unfinished {
            session_id,
            is_stopped,
        }) = self.unfinished
        else {
            return Ok(());
        };
        if !is_stopped {
            if at != At::End || !self.thread.ends_with(session_id) {
                self.unfinished = None;
                return Ok(());
            }
            say!("the last answer was cut off; this is all of it:");
            let then = self.follow(session_id, signals).await;
            return match (then, self.unfinished) {
                (Then::Next, None) => Ok(()),
                (Then::Next, Some(_)) => Err(self.fail(Exit::Api, NOT_ASKED)),
                (then, _) => Err(then),
            };
        }
        let stopped = tokio::select! {
            stopped = answer::stop(&self.client, session_id) => stopped,
            exit = signals.next() => return Err(self.interrupted(exit)),
        };
        if let Err(error) = stopped {
            let error = chain(&error);
            let error = format!("the last answer could not be stopped: {error}; {NOT_ASKED}");
            return Err(self.fail(Exit::Api, &error));
        }
        self.unfinished = None;
        Ok(())
    }
}

const NOT_ASKED: &str = "the question was not asked, and /retry asks it";
