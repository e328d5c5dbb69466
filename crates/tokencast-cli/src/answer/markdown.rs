//! Markdown on a terminal, as it comes: headings and bold text stand out, and so does code.
//!
//! An answer is shown token by token, so that a parser, which reads a whole text, can't be used: this keeps back only what isn't
//! known yet, which is the beginning of a line, and bold text or code in a line until its closing mark. A mark that isn't closed
//! in its line, or after [`MOST_HELD`], is text. What this doesn't know, such as tables and links, stays as it is.

use super::spans::{Span, code, marks, span, unpadded};

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const CODE: &str = "\x1b[36m";

/// Bold text or code of more bytes isn't waited for.
const MOST_HELD: usize = 400;

/// Makes Markdown text into text for a terminal. The result doesn't depend on how the text is cut.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark that may be open by itself"
)]
pub(super) struct Markdown {
    /// What is kept back: the beginning of a line, or marks.
    held: String,
    place: Place,
    in_fence: bool,
    is_heading: bool,
    is_bold: bool,
    is_code: bool,
    /// Whether the terminal has another style than its own.
    is_styled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing but what is held is known of the line.
    #[default]
    LineStart,
    Inside,
    /// In the line that begins or ends a block of code.
    Fence,
}

/// What the beginning of a line may be.
enum Beginning {
    /// Too little is known.
    Open,
    Heading,
    /// With this much indentation.
    Bullet(usize),
    Fence,
    Text,
}

impl Markdown {
    /// The next piece of the text, whose control characters are replaced already.
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            self.step(character, &mut out);
        }
        out
    }

    /// Ends the text. The terminal has its own style again.
    pub(super) fn end(&mut self) -> String {
        let mut out = String::new();
        if self.place == Place::Inside {
            self.release(&mut out);
        }
        out.push_str(&std::mem::take(&mut self.held));
        *self = Self {
            is_styled: self.is_styled,
            ..Self::default()
        };
        self.restyle(&mut out);
        out
    }

    fn step(&mut self, character: char, out: &mut String) {
        match self.place {
            Place::LineStart => self.at_line_start(character, out),
            Place::Fence => self.in_fence_line(character, out),
            Place::Inside if self.in_fence => self.literally(character, out),
            Place::Inside => self.inside(character, out),
        }
    }

    fn at_line_start(&mut self, character: char, out: &mut String) {
        self.held.push(character);
        match beginning(&self.held, self.in_fence) {
            Beginning::Open => {}
            Beginning::Heading => {
                self.held.clear();
                self.place = Place::Inside;
                self.is_heading = true;
                self.restyle(out);
            }
            Beginning::Bullet(indentation) => {
                self.held.clear();
                self.place = Place::Inside;
                out.extend(std::iter::repeat_n(' ', indentation));
                out.push_str("• ");
            }
            Beginning::Fence => {
                self.place = Place::Fence;
                self.in_fence = !self.in_fence;
                self.set(DIM, out);
                out.push_str(&std::mem::take(&mut self.held));
            }
            Beginning::Text => {
                self.place = Place::Inside;
                let held = std::mem::take(&mut self.held);
                if held != "\n" {
                    self.restyle(out);
                }
                for character in held.chars() {
                    self.step(character, out);
                }
            }
        }
    }

    fn in_fence_line(&mut self, character: char, out: &mut String) {
        if character == '\n' {
            self.set(RESET, out);
            self.is_styled = false;
            self.place = Place::LineStart;
        }
        out.push(character);
    }

    fn literally(&mut self, character: char, out: &mut String) {
        if character == '\n' {
            self.new_line(out);
        } else {
            out.push(character);
        }
    }

    fn inside(&mut self, character: char, out: &mut String) {
        if self.held.is_empty() && !matches!(character, '*' | '`' | '\n') {
            out.push(character);
            return;
        }
        if character == '\n' {
            self.release(out);
            self.new_line(out);
            return;
        }
        self.held.push(character);
        match span(&self.held, false) {
            Span::Open if self.held.len() < MOST_HELD => {}
            span => self.take(span, out),
        }
    }

    /// Shows what is held: its line is over.
    fn release(&mut self, out: &mut String) {
        while !self.held.is_empty() {
            self.take(span(&self.held, true), out);
        }
    }

    /// Shows the whole span that is held, or its mark, which is text then. What is held behind it is read once more.
    fn take(&mut self, span: Span, out: &mut String) {
        let length = match span {
            Span::Whole(length) => length,
            Span::Open | Span::Text => marks(&self.held),
        };
        let rest = self.held.split_off(length);
        let taken = std::mem::take(&mut self.held);
        match span {
            Span::Whole(_) => self.show(&taken, out),
            Span::Open | Span::Text => out.push_str(&taken),
        }
        for character in rest.chars() {
            self.inside(character, out);
        }
    }

    /// Shows bold text or code without its marks.
    fn show(&mut self, span: &str, out: &mut String) {
        let length = marks(span);
        let text = &span[length..span.len() - length];
        if span.starts_with('`') {
            self.is_code = true;
            self.restyle(out);
            out.push_str(unpadded(text));
            self.is_code = false;
        } else {
            self.is_bold = true;
            self.restyle(out);
            self.show_bold(text, out);
            self.is_bold = false;
        }
        self.restyle(out);
    }

    /// Shows bold text, in which there may be code.
    fn show_bold(&mut self, mut text: &str, out: &mut String) {
        while let Some(at) = text.find('`') {
            out.push_str(&text[..at]);
            text = &text[at..];
            let length = match code(text, true) {
                Span::Whole(length) => {
                    self.show(&text[..length], out);
                    length
                }
                Span::Open | Span::Text => {
                    out.push_str(&text[..marks(text)]);
                    marks(text)
                }
            };
            text = &text[length..];
        }
        out.push_str(text);
    }

    /// No style goes on in the next line, but that of a block of code.
    fn new_line(&mut self, out: &mut String) {
        (self.is_bold, self.is_code, self.is_heading) = (false, false, false);
        if self.is_styled {
            self.set(RESET, out);
            self.is_styled = false;
        }
        out.push('\n');
        self.place = Place::LineStart;
    }

    /// Has the terminal show what is set now.
    fn restyle(&mut self, out: &mut String) {
        if self.is_styled {
            self.set(RESET, out);
            self.is_styled = false;
        }
        if self.is_heading || self.is_bold {
            self.set(BOLD, out);
        }
        if self.is_code || (self.in_fence && self.place == Place::Inside) {
            self.set(CODE, out);
        }
    }

    fn set(&mut self, style: &str, out: &mut String) {
        self.is_styled = true;
        out.push_str(style);
    }
}

fn beginning(line: &str, in_fence: bool) -> Beginning {
    let trimmed = line.trim_start_matches(' ');
    let indentation = line.len() - trimmed.len();
    if trimmed.starts_with("```") {
        return Beginning::Fence;
    }
    let is_begun = "```".starts_with(trimmed);
    if in_fence || indentation > 12 {
        return if is_begun && indentation <= 12 {
            Beginning::Open
        } else {
            Beginning::Text
        };
    }
    let hashes = trimmed.bytes().take_while(|byte| *byte == b'#').count();
    match (trimmed, &trimmed[hashes..]) {
        _ if is_begun => Beginning::Open,
        ("-" | "*" | "+", _) => Beginning::Open,
        ("- " | "* " | "+ ", _) => Beginning::Bullet(indentation),
        (_, "") if (1..=6).contains(&hashes) => Beginning::Open,
        (_, " ") if (1..=6).contains(&hashes) => Beginning::Heading,
        _ => Beginning::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with its styles as words, however it is cut.
    fn check(text: &str, expected: &str) {
        let named = |out: String| {
            out.replace(RESET, "</>")
                .replace(BOLD, "<b>")
                .replace(DIM, "<dim>")
                .replace(CODE, "<code>")
        };
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut markdown = Markdown::default();
            let mut out = markdown.push(&text[..cut]);
            out.push_str(&markdown.push(&text[cut..]));
            out.push_str(&markdown.end());
            assert_eq!(named(out), expected, "{text:?} cut at {cut}");
        }
    }

    #[test]
    fn what_stands_out() {
        check("plain é🌊 text", "plain é🌊 text");
        check("a **bold** word", "a <b>bold</> word");
        check("**all**\nnext", "<b>all</>\nnext");
        check("run `ls **`.", "run <code>ls **</>.");
        check("**a `b` c**", "<b>a </><b><code>b</><b> c</>");
        check("# Rivers\ntext", "<b>Rivers</>\ntext");
        check("### **Waal**\n", "<b></><b>Waal</><b></>\n");
        check("- one\n  * two\n+ three", "• one\n  • two\n• three");
        check("1. one\n2. two", "1. one\n2. two");
        check(
            "x\n```rust\nlet a = \"**\";\n# no heading\n```\ny",
            "x\n<dim>```rust</>\n<code>let a = \"**\";</>\n<code># no heading</>\n<dim>```</>\ny",
        );
    }

    #[test]
    fn what_is_no_markup_stays() {
        check("2 ** 3 * 4", "2 ** 3 * 4");
        check("*emphasis*", "*emphasis*");
        check("#hashtag\n####### seven", "#hashtag\n####### seven");
        check("---\n***\n-x", "---\n***\n-x");
        check("- ", "• ");
        check("ends in *", "ends in *");
        check("ends in **", "ends in **");
        check("#", "#");
        check("``", "``");
        check("", "");
        check(
            "| a | b |\n[link](https://example.org)",
            "| a | b |\n[link](https://example.org)",
        );
    }

    #[test]
    fn a_mark_that_is_not_closed_in_its_line_stays() {
        check("x **kwargs, *args", "x **kwargs, *args");
        check("f(**a, **b)", "f(**a, **b)");
        check("unclosed **bold\n**next**", "unclosed **bold\n<b>next</>");
        check("`unclosed code\nplain", "`unclosed code\nplain");
        check("**a `b** c", "<b>a `b</> c");
        check("**a `b `c`", "**a <code>b </>c`");
        check("`` a ` b", "`` a ` b");
        check("# **x", "<b>**x</>");
        check("a ***b*** c", "a ***b*** c");
        check("**bold**text **", "<b>bold</>text **");
    }

    #[test]
    fn a_closing_mark_is_not_waited_for_for_ever() {
        let long = "x".repeat(MOST_HELD);
        let mut markdown = Markdown::default();
        let out = markdown.push(&format!("**{long} **b**"));
        assert_eq!(out, format!("**{long} {BOLD}b{RESET}"));
    }

    #[test]
    fn code_between_two_backticks_keeps_its_one() {
        check("``a`b`` c", "<code>a`b</> c");
        check("a `` ` `` b", "a <code>`</> b");
        check("`a``b`", "<code>a``b</>");
        check("` `", "<code> </>");
        check("**`a`**", "<b></><b><code>a</><b></>");
    }

    #[test]
    fn a_style_that_is_left_open_ends() {
        check("```\ncode", "<dim>```</>\n<code>code</>");
        check("```\n\ncode", "<dim>```</>\n\n<code>code</>");
    }
}
