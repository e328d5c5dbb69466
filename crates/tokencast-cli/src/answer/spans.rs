//! Bold text and code in a line of Markdown, of which more may follow.

/// What a mark in a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Nothing that is known yet.
    Open,
    /// Nothing: it is text.
    Text,
    /// Bold text or code of this length, with its marks.
    Whole(usize),
}

/// How many marks of one kind the text begins with.
pub(super) fn marks(text: &str) -> usize {
    let first = text.as_bytes().first();
    text.bytes().take_while(|byte| Some(byte) == first).count()
}

/// What the text, which begins with a mark, begins with. More of its line may follow, unless that `is_over`.
pub(super) fn span(text: &str, is_over: bool) -> Span {
    if text.starts_with('`') {
        code(text, is_over)
    } else {
        bold(text, is_over)
    }
}

/// Code ends with as many backticks as it begins with.
pub(super) fn code(text: &str, is_over: bool) -> Span {
    let length = marks(text);
    let mut at = length;
    while let Some(found) = text[at..].find('`') {
        let begin = at + found;
        at = begin + marks(&text[begin..]);
        if at == text.len() && !is_over {
            return Span::Open;
        }
        if at - begin == length {
            return Span::Whole(at);
        }
    }
    if is_over { Span::Text } else { Span::Open }
}

/// Bold text has no blank behind its first mark, and none before its last. Code in it may have any asterisks.
fn bold(text: &str, is_over: bool) -> Span {
    let unknown = if is_over { Span::Text } else { Span::Open };
    match (marks(text), text[marks(text)..].chars().next()) {
        (_, None) => return unknown,
        (2, Some(next)) if !next.is_whitespace() => {}
        // More asterisks than two are a line.
        _ => return Span::Text,
    }
    let mut at = 2;
    while let Some(found) = text[at..].find(['*', '`']) {
        let begin = at + found;
        let rest = &text[begin..];
        at = begin + marks(rest);
        if rest.starts_with('`') {
            match code(rest, is_over) {
                Span::Whole(length) => at = begin + length,
                Span::Open => return Span::Open,
                Span::Text => {}
            }
        } else if marks(rest) >= 2 && !text[..begin].ends_with(char::is_whitespace) {
            return Span::Whole(begin + 2);
        }
    }
    unknown
}

/// Code that begins or ends with a backtick has a blank beside it.
pub(super) fn unpadded(code: &str) -> &str {
    let inner = code
        .strip_prefix(' ')
        .and_then(|code| code.strip_suffix(' '));
    inner
        .filter(|inner| !inner.trim().is_empty())
        .unwrap_or(code)
}
