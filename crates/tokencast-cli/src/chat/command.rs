//! What a line means.

use uuid::Uuid;

use crate::cli::Format;

/// A line of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    Question(String),
    Command(Command),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    New,
    List {
        more: bool,
    },
    Open(Which),
    /// Ask another question in the place of the last.
    Edit(Option<String>),
    /// Ask the last question again.
    Retry,
    Title(Option<String>),
    Delete,
    Export {
        format: Format,
        file: Option<String>,
    },
    /// `None`: the other way.
    Reasoning(Option<bool>),
    /// `None`: list them.
    Assistant(Option<String>),
    Help,
    Quit,
}

/// Which conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Of the last list, counted from 1.
    Listed(usize),
    Id(Uuid),
}

pub(super) const HELP: &str = "\
/new                        begin another conversation
/list [more]                list your conversations
/open NUMBER|UUID           go on with one of them
/edit [QUESTION]            ask another question in the place of the last one
/retry                      ask the last question again
/title [TITLE]              show or change the title
/delete                     delete this conversation
/export [markdown|json] [FILE]
/reasoning [on|off]         show what the model thinks
/assistant [NAME]           list the assistants, or have another answer from now on
/help, /quit
//TEXT                      a question that begins with a slash";

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// It is no command, though it looks like one: what is wrong, for the user.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return Ok(Self::Blank);
        }
        let Some(rest) = trimmed.strip_prefix('/') else {
            return Ok(Self::Question(line.trim_end().to_owned()));
        };
        if rest.starts_with('/') {
            return Ok(Self::Question(rest.to_owned()));
        }
        let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        Command::parse(name, argument.trim()).map(Self::Command)
    }
}

impl Command {
    fn parse(name: &str, argument: &str) -> Result<Self, String> {
        let given = (!argument.is_empty()).then(|| argument.to_owned());
        let command = match (name, argument) {
            ("new", "") => Self::New,
            ("list", "") => Self::List { more: false },
            ("list", "more") => Self::List { more: true },
            ("open", _) => Self::Open(Which::parse(argument)?),
            ("edit", _) => Self::Edit(given),
            ("retry", "") => Self::Retry,
            ("title", _) => Self::Title(given),
            ("delete", "") => Self::Delete,
            ("export", _) => Self::export(argument)?,
            ("reasoning", "") => Self::Reasoning(None),
            ("reasoning", "on") => Self::Reasoning(Some(true)),
            ("reasoning", "off") => Self::Reasoning(Some(false)),
            ("assistant", _) => Self::Assistant(given),
            ("help", "") => Self::Help,
            ("quit" | "exit", "") => Self::Quit,
            ("list", _) => return Err(format!("/list {argument}: expected /list or /list more")),
            ("reasoning", _) => {
                return Err(format!("/reasoning {argument}: expected `on` or `off`"));
            }
            ("new" | "retry" | "delete" | "help" | "quit" | "exit", _) => {
                return Err(format!("/{name} takes nothing more, but got `{argument}`"));
            }
            _ => {
                return Err(format!(
                    "there is no command /{name}; /help lists them, and // begins a question with a slash"
                ));
            }
        };
        Ok(command)
    }

    fn export(argument: &str) -> Result<Self, String> {
        let (word, rest) = argument
            .split_once(char::is_whitespace)
            .unwrap_or((argument, ""));
        let (format, file) = match &*word.to_ascii_lowercase() {
            "markdown" => (Format::Markdown, rest.trim()),
            "json" => (Format::Json, rest.trim()),
            // It is more likely another format than a file.
            _ if !argument.is_empty() && !argument.contains(['.', '/']) => {
                return Err(format!(
                    "/export {argument}: expected `markdown` or `json`, and a file; a file without a dot is ./{argument}"
                ));
            }
            _ if argument.to_ascii_lowercase().ends_with(".json") => (Format::Json, argument),
            _ => (Format::Markdown, argument),
        };
        let file = (!file.is_empty()).then(|| file.to_owned());
        Ok(Self::Export { format, file })
    }
}

impl Which {
    fn parse(argument: &str) -> Result<Self, String> {
        let number = argument.parse().ok().filter(|number| *number > 0);
        let id = argument.parse().ok();
        (number.map(Self::Listed))
            .or(id.map(Self::Id))
            .ok_or_else(|| {
                let blank = if argument.is_empty() { "" } else { " " };
                format!(
                    "/open{blank}{argument}: expected a number of /list, or a conversation's id"
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_questions_or_commands() {
        let id = Uuid::from_u128(7);
        let export = |format, file: Option<&str>| Command::Export {
            format,
            file: file.map(str::to_owned),
        };
        for (line, expected) in [
            ("/new", Command::New),
            (" /list ", Command::List { more: false }),
            ("/list more", Command::List { more: true }),
            ("/open 3", Command::Open(Which::Listed(3))),
            (&format!("/open {id}"), Command::Open(Which::Id(id))),
            ("/edit", Command::Edit(None)),
            ("/edit  Why?  So?", Command::Edit(Some("Why?  So?".into()))),
            ("/retry", Command::Retry),
            ("/title", Command::Title(None)),
            ("/title My rivers", Command::Title(Some("My rivers".into()))),
            ("/delete", Command::Delete),
            ("/export", export(Format::Markdown, None)),
            ("/export json", export(Format::Json, None)),
            (
                "/export json a b.json",
                export(Format::Json, Some("a b.json")),
            ),
            ("/export a.md", export(Format::Markdown, Some("a.md"))),
            ("/export a.json", export(Format::Json, Some("a.json"))),
            ("/export JSON a", export(Format::Json, Some("a"))),
            ("/export ./pdf", export(Format::Markdown, Some("./pdf"))),
            ("/reasoning", Command::Reasoning(None)),
            ("/reasoning on", Command::Reasoning(Some(true))),
            ("/assistant", Command::Assistant(None)),
            ("/assistant law", Command::Assistant(Some("law".into()))),
            ("/help", Command::Help),
            ("/quit", Command::Quit),
        ] {
            assert_eq!(Line::parse(line), Ok(Line::Command(expected)), "{line}");
        }
        for (line, question) in [
            ("Why? ", "Why?"),
            ("  indented", "  indented"),
            ("//usr is what?", "/usr is what?"),
            ("1/2 is what?", "1/2 is what?"),
        ] {
            let expected = Ok(Line::Question(question.into()));
            assert_eq!(Line::parse(line), expected, "{line}");
        }
        assert_eq!(Line::parse(" \t"), Ok(Line::Blank));
    }

    #[test]
    fn what_is_no_command_is_no_question() {
        for (line, expected) in [
            ("/nwe", "there is no command /nwe; /help lists them"),
            ("/", "there is no command /;"),
            (
                "/open",
                "/open: expected a number of /list, or a conversation's id",
            ),
            ("/open 0", "/open 0: expected a number"),
            ("/list 5", "expected /list or /list more"),
            ("/new Rivers", "/new takes nothing more, but got `Rivers`"),
            ("/reasoning maybe", "expected `on` or `off`"),
            (
                "/export pdf",
                "/export pdf: expected `markdown` or `json`, and a file; a file without a dot is ./pdf",
            ),
        ] {
            let error = Line::parse(line).expect_err("no command");
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
