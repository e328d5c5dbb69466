//! Code fences of a Markdown text that comes in parts.
//!
//! A mark within a code block is shown as it is written, and a fence that nobody closes takes the rest of a document with
//! it. The rules are those of [CommonMark](https://spec.commonmark.org/0.31.2/#fenced-code-blocks), but for the indentation:
//! an item of a list may have a fence at any.

/// What is open after the text so far.
#[derive(Debug, Default)]
pub(super) struct Fences {
    /// The line that would close the code block.
    open: Option<String>,
    /// The line that the text is in.
    line: String,
}

impl Fences {
    /// Takes the next part of a text: a line, or a part of one.
    pub(super) fn push(&mut self, part: &str) {
        self.line.push_str(part);
        if self.line.ends_with('\n') {
            self.open = self.after_line();
            self.line.clear();
        }
    }

    /// Whether the text is in a code block, or in a line that begins or ends one.
    pub(super) fn is_in_code(&self) -> bool {
        self.open.is_some() || self.after_line().is_some()
    }

    /// Ends the line. Returns the line that closes the code block which is open then.
    pub(super) fn end(&mut self) -> Option<String> {
        let open = self.after_line();
        *self = Self::default();
        open
    }

    fn after_line(&self) -> Option<String> {
        let Some(open) = &self.open else {
            return opening(&self.line);
        };
        let (fence, line) = (open.trim_start(), self.line.trim());
        let mark = fence.chars().next()?;
        let closes = line.len() >= fence.len() && line.chars().all(|it| it == mark);
        (!closes).then(|| open.clone())
    }
}

/// The line that closes a code block which this line opens.
fn opening(line: &str) -> Option<String> {
    let text = line.trim_start_matches(' ');
    let indent = &line[..line.len() - text.len()];
    let mark = text.chars().next().filter(|it| ['`', '~'].contains(it))?;
    let length = text.chars().take_while(|it| *it == mark).count();
    // Otherwise it is code within a line.
    let is_fence = length >= 3 && !(mark == '`' && text[length..].contains('`'));
    is_fence.then(|| format!("{indent}{}", &text[..length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(text: &str) -> Option<String> {
        let mut fences = Fences::default();
        for line in text.split_inclusive('\n') {
            fences.push(line);
        }
        fences.end()
    }

    #[test]
    fn what_is_open_is_closed_by_the_same_marks() {
        for (text, expected) in [
            ("Rivers.", None),
            ("```rust\nlet x = 1;", Some("```")),
            ("```rust\nlet x = 1;\n```", None),
            ("```\n```\n", None),
            ("~~~\n```\n", Some("~~~")),
            ("````\n```\n", Some("````")),
            ("```\n`````  \n", None),
            ("```\n``` no end\n", Some("```")),
            ("1. a\n\n   ```sh\n   ls\n", Some("   ```")),
            ("``` a ` b\n", None),
            ("``\n", None),
        ] {
            assert_eq!(closing(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_line_may_come_in_parts() {
        let mut fences = Fences::default();
        for (part, is_in_code) in [
            ("See ", false),
            ("this:\n", false),
            ("``", false),
            ("`rust", true),
            ("\n", true),
            ("``", true),
            ("`", true),
            ("\n", false),
        ] {
            fences.push(part);
            assert_eq!(fences.is_in_code(), is_in_code, "{part:?}");
        }
        assert_eq!(fences.end(), None);
    }
}
