//! `tokencast chat`: a conversation, on a terminal or from a pipe.
//!
//! `lines` is where the user's lines come from: `piped` reads those of a pipe, and `keys` holds what is typed until the line editor
//! wants it. `command` is what lines mean. `thread` is the branch of the conversation that is shown; `questions` are asked behind it.
//! `conversations` does what the commands say, and `screen` is what it looks like.

mod command;
mod conversations;
mod history;
mod keys;
mod lines;
mod piped;
mod questions;
mod screen;
mod thread;

use tokencast_client::Client;
use uuid::Uuid;

use self::command::{Command, HELP, Line};
use self::lines::{Lines, Reply};
use self::questions::Unfinished;
use self::screen::Screen;
use self::thread::{At, Thread};
use crate::answer::{self, Listening};
use crate::ask::{has_colors, start};
use crate::cli::{Channel, ChatArgs};
use crate::exit::{Exit, complain, say};
use crate::signal::Signals;
use crate::stack::StackOptions;
use crate::target::{Needs, Target, proxy};

pub async fn run(args: ChatArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&error);
            return Exit::Api;
        }
    };
    let needs = Needs {
        api_for: None,
        conversations: true,
    };
    let target = match Target::new(&args.target, &needs, lookup) {
        Ok(target) => target,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let colors = has_colors(lookup);
    let listening = Listening {
        json: false,
        show_reasoning: args.show_reasoning,
        markdown: true,
        colors,
        summary: false,
        in_chat: true,
        proxy: None,
    };
    let lines = Lines::open(history_file(&args, lookup), lookup("TERM").as_deref());
    match target {
        Target::Remote {
            client,
            graphql,
            socket,
        } => {
            let listening = Listening {
                proxy: socket.and_then(|url| proxy::in_the_way(&url, lookup)),
                ..listening
            };
            let chat = Chat {
                assistant: args.assistant,
                ..Chat::new(client, graphql, lines, listening)
            };
            chat.run(args.conversation, &mut signals).await
        }
        Target::Local(options) => {
            // The future is boxed because it holds a whole stack.
            let local = Local {
                options: *options,
                via: args.target.via,
                lines,
                listening,
                assistant: args.assistant,
            };
            Box::pin(local.run(args.conversation, &mut signals)).await
        }
    }
}

/// The file of the history, if there is to be one.
fn history_file(
    args: &ChatArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Option<std::path::PathBuf> {
    if args.no_history {
        return None;
    }
    history::file(lookup).unwrap_or_else(|error| {
        say!("there is no history: its file cannot be created: {error}");
        None
    })
}

/// A chat on a stack of the command's own.
struct Local {
    options: StackOptions,
    via: Channel,
    lines: Lines,
    listening: Listening,
    assistant: Option<String>,
}

impl Local {
    async fn run(self, conversation: Option<Uuid>, signals: &mut Signals) -> Exit {
        let stack = tokio::select! {
            stack = start(self.options) => stack,
            exit = signals.next() => return exit,
        };
        let stack = match stack {
            Ok(stack) => stack,
            Err(error) => {
                complain(&error);
                return Exit::Stack;
            }
        };
        let user = &stack.info.user_pool.users[0];
        let clients = stack
            .client_via(self.via, user)
            .build()
            .and_then(|client| Ok((client, stack.client(user).build()?)));
        let exit = match clients {
            Ok((client, graphql)) => {
                let chat = Chat {
                    assistant: self.assistant,
                    ..Chat::new(client, graphql, self.lines, self.listening)
                };
                // The functions start while the user writes.
                let chat = chat.run(conversation, signals);
                futures_util::future::join(chat, stack.warm_for(self.via))
                    .await
                    .0
            }
            Err(error) => {
                complain(&error);
                Exit::Stack
            }
        };
        stack.shutdown().await;
        exit
    }
}

/// A chat that goes on.
struct Chat {
    client: Client,
    /// Over AppSync, for conversations.
    graphql: Client,
    lines: Lines,
    screen: Screen,
    listening: Listening,
    thread: Thread,
    unfinished: Option<Unfinished>,
    /// Who answers; `None` for whom the conversation remembers, or the default.
    assistant: Option<String>,
    /// What was listed last, and where the list goes on.
    listed: Vec<Uuid>,
    next_token: Option<String>,
    /// Of the last line that failed.
    failed: Exit,
}

/// Whether the chat goes on after a line.
enum Then {
    Next,
    End(Exit),
}

impl Chat {
    fn new(client: Client, graphql: Client, lines: Lines, listening: Listening) -> Self {
        Self {
            client,
            graphql,
            lines,
            screen: Screen::new(),
            listening,
            thread: Thread::new(Uuid::new_v4()),
            unfinished: None,
            assistant: None,
            listed: Vec::new(),
            next_token: None,
            failed: Exit::Success,
        }
    }

    /// Takes lines until there are no more.
    async fn run(mut self, conversation: Option<Uuid>, signals: &mut Signals) -> Exit {
        let begun = tokio::select! {
            begun = self.begin(conversation) => begun,
            exit = signals.next() => return exit,
        };
        let is_refused = begun.is_err();
        match self.after(begun, signals).await {
            Then::End(exit) => return exit,
            Then::Next if is_refused => return self.failed,
            Then::Next => {}
        }
        if self.lines.is_terminal() {
            say!("/help lists the commands, Ctrl-D ends");
        }
        loop {
            let line = tokio::select! {
                // A Ctrl-C that came with a line is behind it.
                biased;
                line = self.lines.next("> ", "") => line,
                exit = signals.next() => match self.interrupted_line(exit) {
                    Then::Next => Reply::Interrupted,
                    Then::End(exit) => return exit,
                },
            };
            let then = match line {
                Reply::Line(line) => self.line(&line, signals).await,
                Reply::Interrupted => {
                    say!("Ctrl-D or /quit ends");
                    Then::Next
                }
                Reply::End => return self.end(),
                Reply::Failed(error) => self.fail(Exit::Usage, &error),
            };
            if let Then::End(exit) = then {
                return exit;
            }
        }
    }

    /// The exit code of a chat that was ended by its user: on a terminal, the user has seen what failed.
    fn end(&self) -> Exit {
        if self.lines.is_terminal() {
            Exit::Success
        } else {
            self.failed
        }
    }

    fn fail(&mut self, exit: Exit, error: &str) -> Then {
        say!("error: {error}");
        self.failed = exit;
        Then::Next
    }

    async fn line(&mut self, line: &str, signals: &mut Signals) -> Then {
        let command = match Line::parse(line) {
            Ok(Line::Blank) => return Then::Next,
            Ok(Line::Question(question)) => return self.ask(question, At::End, signals).await,
            Ok(Line::Command(command)) => command,
            Err(error) => return self.fail(Exit::Usage, &error),
        };
        match command {
            Command::Quit => Then::End(self.end()),
            Command::Help => self.print(HELP),
            Command::New => {
                self.thread = Thread::new(Uuid::new_v4());
                Then::Next
            }
            Command::Reasoning(on) => {
                let on = on.unwrap_or(!self.listening.show_reasoning);
                self.listening.show_reasoning = on;
                say!("reasoning is {}", if on { "shown" } else { "not shown" });
                Then::Next
            }
            Command::Retry => self.retry(signals).await,
            Command::Edit(question) => self.edit(question, signals).await,
            command => {
                let done = tokio::select! {
                    done = self.command(command) => done,
                    exit = signals.next() => return self.interrupted(exit),
                };
                self.after(done, signals).await
            }
        }
    }

    /// On a terminal, Ctrl-C ends what is under way and not the program.
    fn interrupted(&self, exit: Exit) -> Then {
        if exit == Exit::Interrupted && self.lines.is_terminal() {
            Then::Next
        } else {
            Then::End(exit)
        }
    }

    /// A signal while the user writes a line. A terminal makes Ctrl-C one where it edits the line itself, as with `TERM=dumb`,
    /// and while the editor is on its way; it has dropped the line.
    fn interrupted_line(&self, exit: Exit) -> Then {
        if exit == Exit::Interrupted && self.lines.is_terminal() {
            self.screen.end_line();
            return Then::Next;
        }
        self.screen.leave_editor();
        Then::End(exit)
    }

    fn print(&mut self, text: &str) -> Then {
        match self.screen.print(text) {
            Ok(()) => Then::Next,
            Err(unwritten) => Then::End(answer::unwritten_exit(&unwritten)),
        }
    }
}
