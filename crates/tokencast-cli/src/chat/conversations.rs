//! The commands that read or change conversations.

use std::io;
use std::path::Path;

use tokencast_client::conversations::{ExportFormat, Page};
use tokencast_client::{Assistant, Error, StreamStatus};
use uuid::Uuid;

use super::command::{Command, Which};
use super::lines::Reply;
use super::thread::Thread;
use super::{Chat, Then};
use crate::answer::{self, GONE};
use crate::cli::Format;
use crate::exit::{Exit, chain, say};
use crate::signal::Signals;

/// What a command has left to do.
pub(super) enum Done {
    Nothing,
    /// The last answer isn't over yet.
    Follow(Uuid),
}

/// Why a command has done nothing.
pub(super) enum Failure {
    /// It can't be done.
    Usage(String),
    Api(Error),
    /// The conversation was deleted elsewhere, or has expired.
    Gone,
    /// A file can't be written.
    File(String),
    /// Stdout takes nothing.
    Unwritten(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Api(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unwritten(error)
    }
}

impl Chat {
    /// Goes on after a command.
    pub(super) async fn after(
        &mut self,
        done: Result<Done, Failure>,
        signals: &mut Signals,
    ) -> Then {
        match done {
            Ok(Done::Nothing) => Then::Next,
            Ok(Done::Follow(session_id)) => self.follow(session_id, signals).await,
            Err(Failure::File(error)) => self.fail(Exit::Unwritable, &error),
            Err(Failure::Usage(error)) => self.fail(Exit::Usage, &error),
            Err(Failure::Gone) => self.fail(Exit::Api, GONE),
            Err(Failure::Api(error)) if answer::is_gone(&error) => self.fail(Exit::Api, GONE),
            Err(Failure::Api(error)) => self.fail(Exit::Api, &chain(&error)),
            Err(Failure::Unwritten(error)) => Then::End(answer::unwritten_exit(&error)),
        }
    }

    /// Does what a command says of conversations.
    pub(super) async fn command(&mut self, command: Command) -> Result<Done, Failure> {
        match command {
            Command::List { more } => self.list(more).await?,
            Command::Open(Which::Id(id)) => return self.open(id).await,
            Command::Open(Which::Listed(number)) => {
                let id = self.listed.get(number - 1).copied();
                let id = id.ok_or_else(|| {
                    Failure::Usage(format!("there is no {number} in the last /list"))
                })?;
                return self.open(id).await;
            }
            Command::Title(None) => self.title().await?,
            Command::Title(Some(title)) => self.rename(&title).await?,
            Command::Delete => self.delete().await?,
            Command::Assistant(name) => self.choose_assistant(name).await?,
            Command::Export { format, file } => self.export(format, file.as_deref()).await?,
            // These aren't about conversations that the API has.
            Command::New
            | Command::Edit(_)
            | Command::Retry
            | Command::Reasoning(_)
            | Command::Help
            | Command::Quit => {}
        }
        Ok(Done::Nothing)
    }

    /// Looks for what the command line names: the assistant, and the conversation to go on with.
    pub(super) async fn begin(&mut self, conversation: Option<Uuid>) -> Result<Done, Failure> {
        if let Some(name) = &self.assistant {
            let assistants = self.graphql.assistants().await?;
            must_be_one_of(&assistants, name)?;
        }
        match conversation {
            Some(id) => self.open(id).await,
            None => Ok(Done::Nothing),
        }
    }

    /// Lists the assistants, or has another one answer.
    async fn choose_assistant(&mut self, name: Option<String>) -> Result<(), Failure> {
        let assistants = self.graphql.assistants().await?;
        let Some(name) = name else {
            for assistant in &assistants {
                let is_chosen = match &self.assistant {
                    Some(chosen) => *chosen == assistant.name,
                    None => assistant.is_default,
                };
                self.screen.assistant(assistant, is_chosen)?;
            }
            return Ok(());
        };
        must_be_one_of(&assistants, &name)?;
        say!("{name} answers from now on");
        self.assistant = Some(name);
        Ok(())
    }

    async fn list(&mut self, more: bool) -> Result<(), Failure> {
        let next_token = if more {
            let token = self.next_token.take();
            Some(token.ok_or_else(|| Failure::Usage("the list has no more".into()))?)
        } else {
            self.listed.clear();
            None
        };
        let page = Page {
            limit: None,
            next_token,
        };
        let list = self.graphql.conversations().list(page).await?;
        for conversation in &list.items {
            self.listed.push(conversation.conversation_id);
            let is_open = conversation.conversation_id == self.thread.id();
            self.screen
                .listed(self.listed.len(), conversation, is_open)?;
        }
        if self.listed.is_empty() {
            say!("there are no conversations yet");
        }
        self.next_token = list.next_token;
        if self.next_token.is_some() {
            say!("/list more goes on");
        }
        Ok(())
    }

    /// Opens a conversation, and prints the branch with its last turn.
    async fn open(&mut self, id: Uuid) -> Result<Done, Failure> {
        let Some(conversation) = self.graphql.conversations().get_all(id).await? else {
            return Err(Failure::Usage(format!("there is no conversation {id}")));
        };
        let title = conversation.title.clone();
        let (thread, mut turns) = Thread::of(conversation);
        self.thread = thread;
        say!("{title}");
        let is_running = |status: StreamStatus| !status.is_terminal();
        let last = turns.last_mut();
        let running =
            last.filter(|turn| turn.stream.as_ref().is_some_and(|it| is_running(it.status)));
        let running = running.map(|turn| {
            // It is printed from its beginning, as it comes.
            turn.stream = None;
            turn.session_id
        });
        for turn in &turns {
            answer::show(&turn.prompt, turn.stream.as_ref(), &self.listening)?;
        }
        Ok(running.map_or(Done::Nothing, Done::Follow))
    }

    async fn title(&mut self) -> Result<(), Failure> {
        let page = Page {
            limit: Some(1),
            next_token: None,
        };
        let id = self.thread.id();
        let conversation = self.graphql.conversations().get(id, page).await?;
        let conversation = conversation.ok_or_else(|| self.not_there())?;
        self.screen.print(&conversation.title)?;
        Ok(())
    }

    async fn rename(&mut self, title: &str) -> Result<(), Failure> {
        self.must_have_begun()?;
        let id = self.thread.id();
        let renamed = self.graphql.conversations().rename(id, title).await?;
        say!("the title is now: {}", renamed.title);
        Ok(())
    }

    async fn delete(&mut self) -> Result<(), Failure> {
        self.must_have_begun()?;
        if self.lines.is_terminal() {
            let reply = self.lines.confirm("delete this conversation? [y/N] ").await;
            if !matches!(&reply, Reply::Line(line) if is_yes(line)) {
                say!("it is kept");
                return Ok(());
            }
        }
        let id = self.thread.id();
        self.graphql.conversations().delete(id).await?;
        self.thread = Thread::new(Uuid::new_v4());
        say!("deleted; the next question begins another conversation");
        Ok(())
    }

    async fn export(&mut self, format: Format, file: Option<&str>) -> Result<(), Failure> {
        let id = self.thread.id();
        let format = ExportFormat::from(format);
        let document = self.graphql.conversations().export(id, format).await?;
        let document = document.ok_or_else(|| self.not_there())?;
        let Some(file) = file else {
            self.screen.print(&document)?;
            return Ok(());
        };
        std::fs::write(Path::new(file), document)
            .map_err(|error| Failure::File(format!("cannot write {file}: {error}")))?;
        say!("written to {file}");
        Ok(())
    }

    fn must_have_begun(&self) -> Result<(), Failure> {
        if self.thread.has_begun() {
            Ok(())
        } else {
            Err(nothing_yet())
        }
    }

    /// Why the API doesn't have the conversation.
    fn not_there(&self) -> Failure {
        if self.thread.has_begun() {
            Failure::Gone
        } else {
            nothing_yet()
        }
    }
}

fn is_yes(line: &str) -> bool {
    let line = line.trim();
    line.eq_ignore_ascii_case("y") || line.eq_ignore_ascii_case("yes")
}

fn must_be_one_of(assistants: &[Assistant], name: &str) -> Result<(), Failure> {
    if assistants.iter().any(|it| it.name == name) {
        return Ok(());
    }
    let names: Vec<_> = assistants.iter().map(|it| it.name.as_str()).collect();
    let names = names.join(", ");
    Err(Failure::Usage(format!(
        "there is no assistant {name}; there are {names}"
    )))
}

fn nothing_yet() -> Failure {
    Failure::Usage("this conversation has no turn yet".into())
}
