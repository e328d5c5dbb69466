//! Where the user's lines come from: a line editor on a terminal, and stdin otherwise.
//!
//! Both block, so that each has a thread of its own, which reads a line when it is asked to.

use std::io::{self, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::mpsc as blocking;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::{ReadlineError, Signal as Received};
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::keys::Keys;
use super::piped;
use crate::exit::say;
use crate::stdio::{Stdin, Stdout};

/// The terminals for which there is no line editor: each gives whole lines, as stdin.
const WITHOUT_EDITOR: [&str; 3] = ["dumb", "cons25", "emacs"];

/// The lines of the user.
pub(super) struct Lines {
    requests: blocking::Sender<Request>,
    replies: mpsc::Receiver<Reply>,
    is_terminal: bool,
    /// The terminal's input, where there is a line editor.
    keys: Option<Keys>,
    /// The command goes on after it was stopped, as by Ctrl-Z.
    continued: Option<Signal>,
    /// Whether a request has no reply yet, since its asker was interrupted.
    is_asked: bool,
    /// Set back when this is dropped, should the editor not have ended.
    _terminal: Option<Terminal>,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) prompt: String,
    /// What the user may edit. It may have several lines.
    pub(super) initial: String,
    /// Whether the line goes into the history.
    pub(super) is_kept: bool,
}

/// What came of asking for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Line(String),
    /// Ctrl-C, on a terminal.
    Interrupted,
    /// Ctrl-D, or the end of stdin.
    End,
    /// It can't be read. There may be other lines.
    Failed(String),
}

impl Lines {
    /// A line editor if somebody sits in front of it, with its history in a file, if one is given. `terminal` is the value of
    /// `TERM`.
    pub(super) fn open(history: Option<PathBuf>, terminal: Option<&str>) -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let (requests, asked) = blocking::channel();
        let (sender, replies) = mpsc::channel(1);
        let saved = is_terminal.then(Terminal::save).flatten();
        let keys = (is_terminal && has_editor(terminal))
            .then(Keys::take_over)
            .and_then(|keys| {
                keys.inspect_err(
                    |error| tracing::debug!(%error, "the editor reads the terminal itself"),
                )
                .ok()
            });
        let editors = keys.clone();
        std::thread::spawn(move || {
            if is_terminal {
                edit(history.as_deref(), editors.as_ref(), &asked, &sender);
            } else {
                piped::read(BufReader::new(Stdin), &asked, &sender);
            }
        });
        let continued = SignalKind::from_raw(process::Signal::CONT.as_raw());
        Self {
            requests,
            replies,
            is_terminal,
            continued: keys.as_ref().and_then(|_| signal(continued).ok()),
            keys,
            is_asked: false,
            _terminal: saved,
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next line, with its question in front of it, and what may be edited. On a terminal, a line that ends with a
    /// backslash goes on in the next one.
    pub(super) async fn next(&mut self, prompt: &str, initial: &str) -> Reply {
        let mut text = String::new();
        let mut request = Request {
            prompt: prompt.to_owned(),
            initial: initial.to_owned(),
            is_kept: true,
        };
        loop {
            let line = match self.ask(request).await {
                Reply::Line(line) => line,
                other => return other,
            };
            match line.strip_suffix('\\') {
                Some(line) if self.is_terminal => {
                    text.push_str(line);
                    text.push('\n');
                }
                _ => {
                    text.push_str(&line);
                    return Reply::Line(text);
                }
            }
            request = Request {
                prompt: "… ".into(),
                initial: String::new(),
                is_kept: true,
            };
        }
    }

    /// The answer to a question of the command's own. It is no line that somebody looks for later.
    pub(super) async fn confirm(&mut self, prompt: &str) -> Reply {
        let request = Request {
            prompt: prompt.to_owned(),
            initial: String::new(),
            is_kept: false,
        };
        self.ask(request).await
    }

    /// Cancel-safe: the next line answers the next request.
    async fn ask(&mut self, request: Request) -> Reply {
        if std::mem::replace(&mut self.is_asked, true) {
            let _ = Stdout.write_all(request.prompt.as_bytes());
        } else if self.requests.send(request).is_err() {
            return Reply::End;
        }
        let reply = loop {
            tokio::select! {
                reply = self.replies.recv() => break reply,
                () = continued(self.continued.as_mut()) => {
                    if let Some(keys) = &self.keys {
                        keys.resume();
                    }
                }
            }
        };
        self.is_asked = false;
        reply.unwrap_or(Reply::End)
    }
}

fn has_editor(terminal: Option<&str>) -> bool {
    let is_named = |name: &str| {
        WITHOUT_EDITOR
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name))
    };
    !terminal.is_some_and(is_named)
}

async fn continued(signal: Option<&mut Signal>) {
    let received = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

fn edit(
    history: Option<&Path>,
    keys: Option<&Keys>,
    asked: &blocking::Receiver<Request>,
    replies: &mpsc::Sender<Reply>,
) {
    let config = Config::builder().history_ignore_space(true).build();
    let mut editor = match Editor::<(), FileHistory>::with_config(config) {
        Ok(editor) => editor,
        Err(error) => {
            let _ = replies.blocking_send(Reply::Failed(format!("no line editor: {error}")));
            return;
        }
    };
    if let Some(path) = history
        && let Err(error) = editor.load_history(path)
        && !is_missing(&error)
    {
        say!("cannot read the history in {}: {error}", path.display());
    }
    while let Ok(request) = asked.recv() {
        if let Some(keys) = keys {
            keys.give();
        } else if has_ended() {
            let _ = replies.blocking_send(Reply::End);
            return;
        }
        let line = editor.readline_with_initial(&request.prompt, (&request.initial, ""));
        let reply = match line {
            Ok(line) => {
                if request.is_kept {
                    remember(&mut editor, history, &line);
                }
                Reply::Line(line)
            }
            Err(ReadlineError::Interrupted | ReadlineError::Signal(Received::Interrupt)) => {
                Reply::Interrupted
            }
            Err(ReadlineError::Eof) => Reply::End,
            Err(error) => Reply::Failed(format!("cannot read the line: {error}")),
        };
        let has_line = matches!(reply, Reply::Line(_));
        let is_taken = replies.blocking_send(reply).is_ok();
        // A Ctrl-C behind the line is a signal that must not overtake it.
        if let Some(keys) = keys {
            keys.keep(has_line);
        }
        if !is_taken {
            return;
        }
    }
}

/// Keeps a line, if it isn't blank, the same as before, or begins with a blank.
fn remember(editor: &mut Editor<(), FileHistory>, history: Option<&Path>, line: &str) {
    let is_new = !line.trim().is_empty() && matches!(editor.add_history_entry(line), Ok(true));
    if let (true, Some(path)) = (is_new, history)
        && let Err(error) = editor.append_history(path)
    {
        tracing::debug!(%error, path = %path.display(), "the history isn't written");
    }
}

fn is_missing(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Takes a Ctrl-D that was typed during an answer, where no editor is there: the terminal has something to read, and it has
/// no bytes. Returns whether there was one.
fn has_ended() -> bool {
    let input = io::stdin();
    let mut waiting = [PollFd::new(&input, PollFlags::IN)];
    let is_ready = poll(&mut waiting, Some(&Timespec::default())) == Ok(1)
        && waiting[0].revents().contains(PollFlags::IN);
    let gives_lines = |settings: Termios| settings.local_modes.contains(LocalModes::ICANON);
    let is_end = is_ready
        && tcgetattr(&input).is_ok_and(gives_lines)
        && rustix::io::ioctl_fionread(&input) == Ok(0);
    // It is taken, so that it doesn't end the shell as well.
    is_end && matches!(Stdin.read(&mut [0]), Ok(0))
}

/// The terminal as it was: a signal may end the command in the midst of a line.
struct Terminal {
    input: OwnedFd,
    settings: Termios,
}

impl Terminal {
    fn save() -> Option<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned().ok()?;
        let settings = tcgetattr(&input).ok()?;
        Some(Self { input, settings })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let set = tcsetattr(&self.input, OptionalActions::Now, &self.settings);
        if let Err(error) = set {
            tracing::debug!(%error, "the terminal isn't set back");
        }
    }
}
