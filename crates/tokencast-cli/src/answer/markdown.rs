//! Markdown on a terminal, as it comes: headings and bold text stand out, and so does code.
//!
//! An answer is shown token by token, so that a parser, which reads a whole text, can't be used: this keeps back only the
//! few characters of which the meaning isn't known yet. What it doesn't know, such as tables and links, stays as it is.

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const CODE: &str = "\x1b[36m";

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
        let held = std::mem::take(&mut self.held);
        out.push_str(&held);
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
        let held = std::mem::take(&mut self.held);
        match (held.as_str(), character) {
            ("", '*') if !self.is_code => self.held.push('*'),
            ("*", '*') if self.is_bold => {
                self.is_bold = false;
                self.restyle(out);
            }
            ("*", '*') => self.held.push_str("**"),
            // Two asterisks before a blank are just that, and more than two are a line.
            ("**", next) if !next.is_whitespace() && next != '*' => {
                self.is_bold = true;
                self.restyle(out);
                self.inside(character, out);
            }
            ("", '`') => {
                self.is_code = !self.is_code;
                self.restyle(out);
            }
            ("", '\n') => self.new_line(out),
            ("", _) => out.push(character),
            (held, _) => {
                out.push_str(held);
                self.inside(character, out);
            }
        }
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
    fn a_style_that_is_left_open_ends() {
        check("**bold", "<b>bold</>");
        check("**bold\nplain", "<b>bold</>\nplain");
        check("`code\nplain", "<code>code</>\nplain");
        check("```\ncode", "<dim>```</>\n<code>code</>");
        check("```\n\ncode", "<dim>```</>\n\n<code>code</>");
    }
}
