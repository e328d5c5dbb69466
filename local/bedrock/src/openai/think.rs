//! Reasoning that a server leaves in the text, between `<think>` and `</think>`.
//!
//! Only tags at the beginning of an answer count, so that an answer may write about them, and the first closing tag that
//! nothing opened, if it is alone on its line. Tags may be split over chunks anywhere, and nested. Neither they nor the white
//! space around them is part of the answer.

use crate::config::ReasoningTags;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Reads the text of one answer.
#[derive(Debug)]
pub(super) struct ThinkTags {
    tags: ReasoningTags,
    place: Place,
    /// The end of the text so far, which may be the beginning of a tag.
    held: String,
    /// White space that is part of the reasoning if more of it follows.
    space: String,
    fences: Fences,
    stray: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing but white space so far.
    Start,
    /// So many tags are open.
    Reasoning {
        depth: usize,
        begun: bool,
    },
    /// Behind the closing tag, before the text.
    Closed,
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Reasoning(String),
}

impl ThinkTags {
    pub(super) fn new(tags: ReasoningTags) -> Self {
        Self {
            tags,
            place: Place::Start,
            held: String::new(),
            space: String::new(),
            fences: Fences::default(),
            stray: false,
        }
    }

    /// The server has sent reasoning in a field of its own, so the text has none.
    pub(super) fn reasoning_is_elsewhere(&mut self) {
        self.tags = ReasoningTags::Off;
    }

    /// Whether the text had a closing tag without an opening one.
    pub(super) fn has_stray_tag(&self) -> bool {
        self.stray
    }

    pub(super) fn push(&mut self, text: &str) -> Vec<Part> {
        self.held.push_str(text);
        let mut parts = Vec::new();
        while self.step(&mut parts) {}
        parts
    }

    /// What is still held at the end of the answer.
    pub(super) fn finish(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        let rest = std::mem::take(&mut self.held);
        match self.place {
            Place::Reasoning { .. } => self.reason(&rest, &mut parts),
            Place::Closed => {}
            Place::Text if rest.trim_end() == CLOSE && self.fences.is_at_line_start() => {
                self.stray = true;
            }
            Place::Start | Place::Text => push(&mut parts, Part::Text(rest)),
        }
        parts
    }

    /// Takes what can be told of the held text. Returns false if the rest has to wait for more.
    fn step(&mut self, parts: &mut Vec<Part>) -> bool {
        match self.place {
            Place::Start => self.start(),
            Place::Reasoning { depth, .. } => self.reasoning(depth, parts),
            Place::Closed => {
                self.held = self.held.trim_start().to_owned();
                let has_text = !self.held.is_empty();
                if has_text {
                    self.place = Place::Text;
                    // Another tag is part of the answer.
                    self.tags = ReasoningTags::Off;
                }
                has_text
            }
            Place::Text => self.text(parts),
        }
    }

    fn start(&mut self) -> bool {
        if self.tags == ReasoningTags::Off {
            self.place = Place::Text;
            return true;
        }
        let text = self.held.trim_start();
        if let Some(rest) = text.strip_prefix(OPEN) {
            self.held = rest.to_owned();
        } else if OPEN.starts_with(text) {
            return false;
        } else if self.tags == ReasoningTags::Auto {
            self.place = Place::Text;
            return true;
        }
        self.place = Place::Reasoning {
            depth: 1,
            begun: false,
        };
        true
    }

    fn reasoning(&mut self, depth: usize, parts: &mut Vec<Part>) -> bool {
        let found = [OPEN, CLOSE]
            .into_iter()
            .filter_map(|tag| Some((self.held.find(tag)?, tag)))
            .min();
        let Some((at, tag)) = found else {
            let rest = self.keep_half_a_tag(&[OPEN, CLOSE]);
            self.reason(&rest, parts);
            return false;
        };
        let rest = self.held.split_off(at + tag.len());
        let before = std::mem::replace(&mut self.held, rest);
        self.reason(&before[..at], parts);
        let depth = if tag == OPEN { depth + 1 } else { depth - 1 };
        self.place = match self.place {
            _ if depth == 0 => Place::Closed,
            Place::Reasoning { begun, .. } => Place::Reasoning { depth, begun },
            other => other,
        };
        true
    }

    /// Drops the first closing tag that is alone on its line: the server's prompt opened it. The text before it is out already.
    fn text(&mut self, parts: &mut Vec<Part>) -> bool {
        if self.tags == ReasoningTags::Off || self.stray {
            push(parts, Part::Text(std::mem::take(&mut self.held)));
            return false;
        }
        let Some(at) = self.held.find(CLOSE) else {
            let rest = self.keep_half_a_tag(&[CLOSE]);
            self.fences.push(&rest);
            push(parts, Part::Text(rest));
            return false;
        };
        let behind = self.held[at + CLOSE.len()..].trim_start_matches([' ', '\t', '\r']);
        let ends_line = behind.chars().next().map(|next| next == '\n');
        let rest = self.held.split_off(at);
        let before = std::mem::replace(&mut self.held, rest);
        self.fences.push(&before);
        push(parts, Part::Text(before));
        match (self.fences.is_at_line_start(), ends_line) {
            // Only what comes next tells.
            (true, None) => return false,
            (true, Some(true)) => {
                self.stray = true;
                self.held.drain(..CLOSE.len());
            }
            _ => {
                let rest = self.held.split_off(CLOSE.len());
                let tag = std::mem::replace(&mut self.held, rest);
                self.fences.push(&tag);
                push(parts, Part::Text(tag));
            }
        }
        true
    }

    /// Takes the held text but for an end that may be the beginning of a tag.
    fn keep_half_a_tag(&mut self, tags: &[&str]) -> String {
        let is_half = |end: &str| tags.iter().any(|tag| tag.starts_with(end));
        let longest = tags.iter().map(|tag| tag.len() - 1).max().unwrap_or(0);
        let from = self
            .held
            .ceil_char_boundary(self.held.len().saturating_sub(longest));
        let half = self.held[from..]
            .char_indices()
            .map(|(at, _)| from + at)
            .find(|at| is_half(&self.held[*at..]));
        let half = self.held.split_off(half.unwrap_or(self.held.len()));
        std::mem::replace(&mut self.held, half)
    }

    fn reason(&mut self, text: &str, parts: &mut Vec<Part>) {
        let Place::Reasoning { begun, .. } = &mut self.place else {
            return;
        };
        let text = if *begun { text } else { text.trim_start() };
        if text.is_empty() {
            return;
        }
        *begun = true;
        let said = text.trim_end();
        if said.is_empty() {
            self.space.push_str(text);
            return;
        }
        let reasoning = std::mem::take(&mut self.space) + said;
        text[said.len()..].clone_into(&mut self.space);
        push(parts, Part::Reasoning(reasoning));
    }
}

fn push(parts: &mut Vec<Part>, part: Part) {
    let (Part::Text(text) | Part::Reasoning(text)) = &part;
    if !text.is_empty() {
        parts.push(part);
    }
}

/// Where in a Markdown text a place is.
#[derive(Debug, Default)]
struct Fences {
    in_block: bool,
    /// The beginning of the line, without white space before it.
    line: String,
}

impl Fences {
    fn push(&mut self, text: &str) {
        for letter in text.chars() {
            if letter == '\n' {
                self.line.clear();
            } else if self.line.len() < 3 && !(self.line.is_empty() && letter.is_whitespace()) {
                self.line.push(letter);
                if matches!(self.line.as_str(), "```" | "~~~") {
                    self.in_block = !self.in_block;
                }
            }
        }
    }

    /// Whether nothing is before the place in its line, and it is in no code block.
    fn is_at_line_start(&self) -> bool {
        !self.in_block && self.line.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reasoning and the text, whatever the chunks are.
    fn check(tags: ReasoningTags, answer: &str, expected: (&str, &str)) {
        let letters: Vec<char> = answer.chars().collect();
        for size in 1..=letters.len() {
            let mut think = ThinkTags::new(tags);
            let mut parts = Vec::new();
            for chunk in letters.chunks(size) {
                parts.extend(think.push(&chunk.iter().collect::<String>()));
            }
            parts.extend(think.finish());
            let (mut reasoning, mut text) = (String::new(), String::new());
            for part in parts {
                match part {
                    Part::Reasoning(more) => reasoning.push_str(&more),
                    Part::Text(more) => text.push_str(&more),
                }
            }
            assert_eq!(
                (reasoning.as_str(), text.as_str()),
                expected,
                "{answer:?} in chunks of {size}"
            );
        }
    }

    #[test]
    fn tags_at_the_beginning_are_reasoning() {
        use ReasoningTags::{Always, Auto, Off};
        for (answer, reasoning, text) in [
            ("<think>\nhm, so\n</think>\n\nYes.", "hm, so", "Yes."),
            (" \n<think>hm</think>Yes.\n", "hm", "Yes.\n"),
            ("<think>\n\n</think>\n\nYes.", "", "Yes."),
            ("<think>a <think>b</think> c</think>d", "a b c", "d"),
            ("<think>a\n\nb < c </thin> 川", "a\n\nb < c </thin> 川", ""),
            ("<think>hm</think>", "hm", ""),
            ("<think>hm</th", "hm</th", ""),
            (
                "<think>a</think>b <think>c</think>",
                "a",
                "b <think>c</think>",
            ),
            ("<thin ice", "", "<thin ice"),
            ("<thinking>a</thinking>", "", "<thinking>a</thinking>"),
            ("No <think>tags</thin", "", "No <think>tags</thin"),
            ("  indented", "", "  indented"),
            ("", "", ""),
        ] {
            check(Auto, answer, (reasoning, text));
            check(Off, answer, ("", answer));
            if answer.trim_start().starts_with(OPEN) {
                check(Always, answer, (reasoning, text));
            }
        }
        for (answer, reasoning, text) in [
            ("hm, so\n</think>\n\nYes.", "hm, so", "Yes."),
            ("never closed", "never closed", ""),
        ] {
            check(Always, answer, (reasoning, text));
        }
    }

    #[test]
    fn a_closing_tag_that_nothing_opened_is_left_out() {
        use ReasoningTags::Auto;
        for (answer, text) in [
            ("hm\n</think>\nYes.", "hm\n\nYes."),
            ("hm\n </think> \n\nYes.", "hm\n  \n\nYes."),
            (
                "hm\n</think>\r\nYes.\n</think>\n",
                "hm\n\r\nYes.\n</think>\n",
            ),
            ("hm\n</think>", "hm\n"),
            ("hm\n</think> Yes.", "hm\n</think> Yes."),
            ("hm</think>Yes.</think>", "hm</think>Yes.</think>"),
            (
                "It is between <think> and </think> tags; then <think>b</think>.",
                "It is between <think> and </think> tags; then <think>b</think>.",
            ),
            ("`</think>` ends it.", "`</think>` ends it."),
            ("```\na</think>\n```\nb", "```\na</think>\n```\nb"),
            ("```\n</think>\n```\nb", "```\n</think>\n```\nb"),
            ("```\na\n```\n</think>\nb", "```\na\n```\n\nb"),
            (
                "The tag \"</think>\" ends it.",
                "The tag \"</think>\" ends it.",
            ),
        ] {
            check(Auto, answer, ("", text));
        }
    }

    #[test]
    fn reasoning_in_a_field_leaves_the_text_alone() {
        let mut think = ThinkTags::new(ReasoningTags::Always);
        think.reasoning_is_elsewhere();
        assert_eq!(think.push("Yes."), [Part::Text("Yes.".into())]);
    }
}
