//! The part of JavaScript's lexical grammar that tells code from strings, templates, comments and regular expressions.

/// A token with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// One character, or one of `++ -- => ?. ...`.
    Mark,
    Text,
    Regex,
}

/// Splits code into tokens. The content of a template's `${…}` is code.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        code,
        at: 0,
        line: 1,
        templates: Vec::new(),
        tokens: Vec::new(),
    };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    code: &'a str,
    at: usize,
    line: usize,
    /// For each open template, how many braces are open inside its `${`.
    templates: Vec<usize>,
    tokens: Vec<Token<'a>>,
}

impl Lexer<'_> {
    fn step(&mut self) -> bool {
        let rest = &self.code[self.at..];
        let Some(first) = rest.chars().next() else {
            return false;
        };
        match first {
            '\n' => self.skip(1),
            _ if first.is_whitespace() => self.skip(first.len_utf8()),
            _ if rest.starts_with("//") => self.skip(rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("/*") => {
                self.skip(rest.find("*/").map_or(rest.len(), |end| end + 2));
            }
            '\'' | '"' => self.take(Kind::Text, quoted(rest, first)),
            '`' => self.template(1),
            '}' if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.template(1);
            }
            '/' if self.may_be_regex() => self.take(Kind::Regex, regex(rest)),
            _ if is_word(first) => {
                let end = rest.find(|next: char| !is_word(next)).unwrap_or(rest.len());
                self.take(Kind::Word, end);
            }
            _ => self.mark(rest, first),
        }
        true
    }

    fn mark(&mut self, rest: &str, first: char) {
        if let Some(depth) = self.templates.last_mut() {
            match first {
                '{' => *depth += 1,
                '}' => *depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let long = ["...", "++", "--", "=>", "?."]
            .into_iter()
            .find(|mark| rest.starts_with(mark));
        self.take(Kind::Mark, long.map_or(first.len_utf8(), str::len));
    }

    /// Reads a template's text, from its start or from the end of a `${…}`, to its end or to the next `${`.
    fn template(&mut self, from: usize) {
        let rest = &self.code[self.at..];
        let mut escaped = false;
        for (index, character) in rest.char_indices().skip(from) {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '`' => return self.take(Kind::Text, index + 1),
                '$' if rest[index..].starts_with("${") => {
                    self.templates.push(0);
                    return self.take(Kind::Text, index + 2);
                }
                _ => {}
            }
        }
        self.take(Kind::Text, rest.len());
    }

    /// After a value, a slash is a division.
    fn may_be_regex(&self) -> bool {
        let Some(last) = self.tokens.last() else {
            return true;
        };
        match last.kind {
            Kind::Word => matches!(
                last.text,
                "return" | "typeof" | "case" | "in" | "of" | "delete" | "void" | "else"
            ),
            // The text of a template that continues ends in `${`.
            Kind::Text => last.text.ends_with("${"),
            Kind::Regex => false,
            Kind::Mark => !matches!(last.text, ")" | "]" | "}"),
        }
    }

    fn take(&mut self, kind: Kind, length: usize) {
        let text = &self.code[self.at..self.at + length];
        self.tokens.push(Token {
            kind,
            text,
            line: self.line,
        });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let skipped = &self.code[self.at..self.at + length];
        self.line += skipped.bytes().filter(|byte| *byte == b'\n').count();
        self.at += length;
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

/// The length of a string with its quotes. A string that isn't closed ends with its line.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return index,
            _ if character == quote => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a regular expression with its slashes. Its flags are read as a word.
fn regex(rest: &str) -> usize {
    let (mut escaped, mut in_class) = (false, false);
    for (index, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => return index + 1,
            '\n' => return index,
            _ => {}
        }
    }
    rest.len()
}
