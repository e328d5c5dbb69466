//! Where the user's lines come from: a line editor on a terminal, and stdin otherwise.
//!
//! Both block, so that each has a thread of its own, which reads a line when it is asked to.

use std::io::{self, BufReader, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc as blocking;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use tokio::sync::mpsc;

use super::piped;
use crate::exit::say;
use crate::stdio::{Stdin, Stdout};

/// The lines of the user.
pub(super) struct Lines {
    requests: blocking::Sender<Request>,
    replies: mpsc::Receiver<Reply>,
    is_terminal: bool,
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
    /// A line editor if somebody sits in front of it, with its history in a file, if one is given.
    pub(super) fn open(history: Option<PathBuf>) -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let (requests, asked) = blocking::channel();
        let (sender, replies) = mpsc::channel(1);
        let terminal = is_terminal.then(Terminal::save).flatten();
        std::thread::spawn(move || {
            if is_terminal {
                edit(history.as_deref(), &asked, &sender);
            } else {
                piped::read(BufReader::new(Stdin), &asked, &sender);
            }
        });
        Self {
            requests,
            replies,
            is_terminal,
            is_asked: false,
            _terminal: terminal,
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

    /// Whether the terminal itself edits the line, because there is no editor for it, or the editor isn't there yet.
    pub(super) fn is_left_to_terminal(&self) -> bool {
        self.is_terminal && is_canonical()
    }

    /// Cancel-safe: the next line answers the next request.
    async fn ask(&mut self, request: Request) -> Reply {
        if std::mem::replace(&mut self.is_asked, true) {
            let _ = Stdout.write_all(request.prompt.as_bytes());
        } else if self.requests.send(request).is_err() {
            return Reply::End;
        }
        let reply = self.replies.recv().await;
        self.is_asked = false;
        reply.unwrap_or(Reply::End)
    }
}

fn edit(
    history: Option<&Path>,
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
        if has_ended() {
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
            Err(ReadlineError::Interrupted) => Reply::Interrupted,
            Err(ReadlineError::Eof) => Reply::End,
            Err(error) => Reply::Failed(format!("cannot read the line: {error}")),
        };
        if replies.blocking_send(reply).is_err() {
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

/// Whether the terminal gives whole lines, so that Ctrl-C is a signal.
#[cfg(unix)]
fn is_canonical() -> bool {
    use rustix::termios::{LocalModes, tcgetattr};
    tcgetattr(io::stdin()).is_ok_and(|settings| settings.local_modes.contains(LocalModes::ICANON))
}

#[cfg(not(unix))]
fn is_canonical() -> bool {
    false
}

/// Takes a Ctrl-D that was typed during an answer, when no editor was there: the terminal has something to read, and it has
/// no bytes. The editor would read it as another key. Returns whether there was one.
#[cfg(unix)]
fn has_ended() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let input = io::stdin();
    let mut waiting = [PollFd::new(&input, PollFlags::IN)];
    let is_ready = poll(&mut waiting, Some(&Timespec::default())) == Ok(1)
        && waiting[0].revents().contains(PollFlags::IN);
    let is_end = is_ready && is_canonical() && rustix::io::ioctl_fionread(&input) == Ok(0);
    // It is taken, so that it doesn't end the shell as well.
    is_end && matches!(Stdin.read(&mut [0]), Ok(0))
}

#[cfg(not(unix))]
fn has_ended() -> bool {
    false
}

/// The terminal as it was: a signal may end the command in the midst of a line.
struct Terminal {
    #[cfg(unix)]
    settings: rustix::termios::Termios,
}

impl Terminal {
    #[cfg(unix)]
    fn save() -> Option<Self> {
        let settings = rustix::termios::tcgetattr(io::stdin()).ok()?;
        Some(Self { settings })
    }

    #[cfg(not(unix))]
    fn save() -> Option<Self> {
        Some(Self {})
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::termios::{OptionalActions, tcsetattr};
            let set = tcsetattr(io::stdin(), OptionalActions::Now, &self.settings);
            if let Err(error) = set {
                tracing::debug!(%error, "the terminal isn't set back");
            }
        }
    }
}
