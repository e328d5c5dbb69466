//! A conversation as one document: Markdown for people, JSON for programs.
//!
//! A document is a head, its turns one after another, and a tail. So it can be made in pieces, each of some turns.

use std::fmt::Write as _;

use serde::Serialize;

use self::fences::Fences;
use self::harmless::{closed, literal, without_html};
use super::tree::{self, VersionOf};
use super::{Conversation, TurnHead};
use crate::block::{Block, BlockContent, Citation};
use crate::event::Usage;
use crate::failure::Failure;
use crate::id::SessionId;
use crate::ports::StoredTurn;
use crate::session::{Session, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Json,
}

impl Format {
    /// Reads the name that the schema's `ExportFormat` has.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "MARKDOWN" => Some(Self::Markdown),
            "JSON" => Some(Self::Json),
            _ => None,
        }
    }

    /// The turns in the order of the document: as the tree has them in Markdown, oldest first in JSON.
    pub fn order(self, turns: &[TurnHead]) -> Vec<(&TurnHead, VersionOf)> {
        let mut ordered = tree::in_order(turns);
        if self == Self::Json {
            ordered.sort_by_key(|(turn, _)| turn.position());
        }
        ordered
    }

    /// What comes before the turns.
    pub fn head(self, conversation: &Conversation) -> String {
        match self {
            Self::Markdown => format!("# {}\n", literal(&one_line(&conversation.title))),
            Self::Json => {
                let head = JsonHead {
                    conversation_id: conversation.id.as_str(),
                    title: &conversation.title,
                    created_at: conversation.created_at.to_iso8601(),
                    updated_at: conversation.updated_at.to_iso8601(),
                };
                let head = to_json(&head);
                // The turns are the object's last field.
                format!("{},\"turns\":[", head.strip_suffix('}').unwrap_or(&head))
            }
        }
    }

    /// One turn. `is_first`: whether it is the document's first.
    pub fn turn(self, stored: &StoredTurn, version: VersionOf, is_first: bool) -> String {
        match self {
            Self::Markdown => closed(without_html(markdown(stored, version))),
            Self::Json => {
                let comma = if is_first { "" } else { "," };
                format!("{comma}\n{}", json(stored))
            }
        }
    }

    /// What comes behind the turns.
    pub fn tail(self) -> &'static str {
        match self {
            Self::Markdown => "",
            Self::Json => "\n]}\n",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonHead<'a> {
    conversation_id: &'a str,
    title: &'a str,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonTurn<'a> {
    session_id: SessionId,
    parent_id: Option<SessionId>,
    prompt: &'a str,
    created_at: String,
    status: Status,
    text: &'a str,
    blocks: Vec<Block>,
    usage: Option<Usage>,
    stop_reason: Option<&'a str>,
    error: Option<JsonError<'a>>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    code: &'static str,
    message: &'a str,
    retryable: bool,
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers always serialize")
}

fn json(stored: &StoredTurn) -> String {
    let session = stored.session.as_ref();
    let failure = session.and_then(|session| session.ending.failure.as_ref());
    to_json(&JsonTurn {
        session_id: stored.turn.session_id,
        parent_id: stored.turn.parent,
        prompt: &stored.prompt,
        created_at: stored.turn.created_at.to_iso8601(),
        status: session.map_or(stored.turn.status, |session| session.status),
        text: session.map_or("", |session| &session.text),
        blocks: session.map(Session::blocks).unwrap_or_default(),
        usage: session.and_then(|session| session.ending.usage),
        stop_reason: session.and_then(|session| session.ending.stop_reason.as_deref()),
        error: failure.map(|failure| JsonError {
            code: failure.code.as_str(),
            message: &failure.message,
            retryable: failure.retryable(),
        }),
    })
}

fn markdown(stored: &StoredTurn, version: VersionOf) -> String {
    let mark = match version {
        VersionOf { count: 1, .. } => String::new(),
        VersionOf { number, count } => format!(" (version {number} of {count})"),
    };
    let mut out = format!("\n## You{mark}\n\n");
    // Its own headings and open blocks end with the quotation, and so don't look like turns.
    quote_lines(&mut out, &stored.prompt);
    let _ = write!(out, "\n## Assistant{mark}\n");
    let Some(session) = &stored.session else {
        out.push_str("\n*The answer is not there any more.*\n");
        return out;
    };
    let mut footnotes = Vec::new();
    // The text that a citation may interrupt.
    let mut text: Option<Text> = None;
    for block in session.blocks() {
        match block.content {
            BlockContent::Text { text: part } => {
                // A text that goes on behind a citation stays in its line.
                let text = text.get_or_insert_with(|| {
                    out.push('\n');
                    Text::default()
                });
                text.push(&mut out, &part);
            }
            BlockContent::Citation { citation } => {
                let id = session.id.as_str();
                let label = format!("{}-{}", &id[..8], footnotes.len() + 1);
                let mark = format!("[^{label}]");
                match &mut text {
                    Some(text) => text.mark(&mut out, &mark),
                    None => out.push_str(&mark),
                }
                footnotes.push(footnote(&label, &citation));
            }
            BlockContent::Reasoning { reasoning } if reasoning.trim().is_empty() => {}
            BlockContent::Reasoning { reasoning } => {
                end(&mut out, &mut text);
                quote(&mut out, "Reasoning", &reasoning);
            }
            BlockContent::ToolUse { tool_use } => {
                end(&mut out, &mut text);
                let input = tool_use.input.unwrap_or_default();
                quote(
                    &mut out,
                    &format!("Tool {}", one_line(&tool_use.name)),
                    &input,
                );
            }
            BlockContent::ToolResult { tool_result } => {
                end(&mut out, &mut text);
                let content = tool_result.content.unwrap_or_default();
                quote(&mut out, "Tool result", &content);
            }
        }
    }
    end(&mut out, &mut text);
    if let Some(state) = state(session.status, session.ending.failure.as_ref()) {
        let _ = write!(out, "\n*{state}*\n");
    }
    if !footnotes.is_empty() {
        let _ = write!(out, "\n{}\n", footnotes.join("\n"));
    }
    out
}

/// A text that the marks of footnotes go into.
#[derive(Default)]
struct Text {
    fences: Fences,
    /// Marks whose place is within a code block. They come behind it.
    held: String,
}

impl Text {
    fn push(&mut self, out: &mut String, part: &str) {
        for line in part.split_inclusive('\n') {
            out.push_str(line);
            self.fences.push(line);
            if line.ends_with('\n') && !self.fences.is_in_code() {
                self.release(out);
            }
        }
    }

    fn mark(&mut self, out: &mut String, mark: &str) {
        if self.fences.is_in_code() {
            self.held.push_str(mark);
        } else {
            out.push_str(mark);
        }
    }

    fn release(&mut self, out: &mut String) {
        if !self.held.is_empty() {
            out.push_str(&self.held);
            out.push('\n');
            self.held.clear();
        }
    }

    /// Ends the text with a line feed, and with the end of its code block.
    fn end(mut self, out: &mut String) {
        end_line(out);
        if let Some(closing) = self.fences.end() {
            out.push_str(&closing);
            out.push('\n');
        }
        self.release(out);
    }
}

/// Ends the text that is open, or the line.
fn end(out: &mut String, text: &mut Option<Text>) {
    match text.take() {
        Some(text) => text.end(out),
        None => end_line(out),
    }
}

/// What a reader must know of an answer that isn't whole.
fn state(status: Status, failure: Option<&Failure>) -> Option<String> {
    match status {
        Status::Completed => None,
        Status::Cancelled => Some("The answer was stopped.".to_owned()),
        Status::Failed => {
            let message = failure.map_or("", |failure| failure.message.as_str());
            Some(one_line(&format!("The answer failed. {message}")))
        }
        Status::Claimed | Status::Queued | Status::Streaming => {
            Some("The answer was not over yet.".to_owned())
        }
    }
}

fn footnote(label: &str, citation: &Citation) -> String {
    let title = citation.title.as_deref().map(one_line);
    let url = citation.url.as_deref().map(within_angles);
    let source = match (title, url) {
        (Some(title), Some(url)) => format!("{title}, <{url}>"),
        (Some(title), None) => title,
        (None, Some(url)) => format!("<{url}>"),
        (None, None) => "a source without a name".to_owned(),
    };
    let text = citation.text.as_deref().map(one_line);
    let text = text.filter(|text| !text.is_empty());
    let text = text.map(|text| format!(" “{text}”")).unwrap_or_default();
    format!("[^{label}]: {source}{text}")
}

fn quote(out: &mut String, heading: &str, text: &str) {
    let _ = write!(out, "\n> **{heading}**\n>\n");
    quote_lines(out, text.trim());
}

/// Quotes each line. To Markdown, a carriage return ends a line, too.
fn quote_lines(out: &mut String, text: &str) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for line in text.split('\n') {
        let blank = if line.is_empty() { "" } else { " " };
        let _ = writeln!(out, ">{blank}{line}");
    }
}

fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

/// A URL as it may stand between `<` and `>`: without spaces, control characters and such brackets.
fn within_angles(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for character in url.trim().chars() {
        if character.is_whitespace() || character.is_control() || ['<', '>'].contains(&character) {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

mod fences;
mod harmless;

#[cfg(test)]
mod tests;
