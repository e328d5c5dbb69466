//! The exit codes, as `--help` documents them.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use tokencast_aws::sdk;

use crate::stdio::Stderr;
use crate::visible::visible;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success,
    /// The session ended as `FAILED`.
    Failed,
    Usage,
    /// The API can't be reached, refused the caller or the request, or the connection to it was lost.
    Api,
    /// The local stack can't start.
    Stack,
    /// Somebody else stopped the session.
    Cancelled,
    /// The answer is complete and has no text.
    NoText,
    /// The answer, or a document, can't be written, as on a full disk.
    Unwritable,
    /// Ctrl-C.
    Interrupted,
    /// Nobody reads stdout any more.
    BrokenPipe,
    /// SIGTERM.
    Terminated,
}

/// The table of exit codes, for `--help`.
pub const HELP: &str = "\
Exit codes:
  0    the answer is complete
  1    the session failed (code and message on stderr)
  2    wrong usage
  3    the API cannot be reached, refused the request, or the connection was lost for good
  4    the local stack cannot start
  5    the session was stopped by somebody else, or its conversation was deleted
  6    the answer is complete, but has no text, or blanks only
  7    the answer cannot be written to stdout, or /export to its file, as on a full disk
  130  stopped by Ctrl-C
  141  stopped because nobody reads stdout any more
  143  stopped by SIGTERM";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Api => 3,
            Exit::Stack => 4,
            Exit::Cancelled => 5,
            Exit::NoText => 6,
            Exit::Unwritable => 7,
            Exit::Interrupted => 130,
            Exit::BrokenPipe => 141,
            Exit::Terminated => 143,
        })
    }
}

/// `eprintln!` that doesn't panic when stderr is closed.
macro_rules! say {
    ($($argument:tt)*) => { $crate::exit::say_line(format_args!($($argument)*)) };
}
pub(crate) use say;

/// Writes a line to stderr. On a terminal it shows control characters of a server's text instead of letting the
/// terminal obey them.
pub fn say_line(line: std::fmt::Arguments<'_>) {
    let line = format!("{line}\n");
    let line = if std::io::stderr().is_terminal() {
        visible(&line)
    } else {
        line.into()
    };
    // A failed write to stderr can't be reported anywhere.
    let _ = Stderr.write_all(line.as_bytes());
}

/// Writes an error to stderr, with every cause on the same line.
pub fn complain(error: &dyn std::error::Error) {
    say!("error: {}", chain(error));
}

/// Joins an error and its causes: `error: cause: cause`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = sdk::refusal(cause).unwrap_or_else(|| cause.to_string());
        // Some libraries' errors repeat their cause.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
