//! Splits text into pieces of a token's usual size: a short word with its space, a part of a long word, a punctuation
//! mark.

/// The pieces of `text`, which joined together are the text.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_len(rest));
        rest = after;
        Some(piece)
    })
}

pub(crate) fn split(text: &str) -> Vec<String> {
    pieces(text).map(str::to_owned).collect()
}

pub(crate) fn count(text: &str) -> u64 {
    u64::try_from(pieces(text).count()).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Word,
    Ideograph,
    Punctuation(char),
    Newline,
    Space,
    Symbol,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            '\n' | '\r' => Self::Newline,
            '\u{2E80}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7AF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}' => Self::Ideograph,
            _ if c.is_whitespace() => Self::Space,
            _ if c.is_alphanumeric() => Self::Word,
            _ if c.is_ascii_punctuation() => Self::Punctuation(c),
            _ => Self::Symbol,
        }
    }

    /// How many characters of the class one piece holds.
    fn limit(self) -> usize {
        match self {
            Self::Ideograph => 2,
            Self::Punctuation(_) => 4,
            Self::Word | Self::Symbol => 8,
            Self::Newline | Self::Space => 16,
        }
    }
}

fn piece_len(text: &str) -> usize {
    let mut classes = text
        .char_indices()
        .map(|(at, c)| (at, c.len_utf8(), Class::of(c)))
        .peekable();
    let Some((_, mut end, mut class)) = classes.next() else {
        return 0;
    };
    // One space belongs to the word after it.
    if text.starts_with(' ')
        && let Some(&(at, len, next)) = classes.peek()
        && !matches!(next, Class::Space | Class::Newline)
    {
        class = next;
        end = at + len;
        classes.next();
    }
    let more = classes
        .take_while(|(_, _, next)| *next == class)
        .take(class.limit() - 1);
    more.last().map_or(end, |(at, len, _)| at + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_a_natural_size() {
        for (text, expected) in [
            ("", &[][..]),
            (
                "Why do rivers meander?",
                &["Why", " do", " rivers", " meander", "?"],
            ),
            ("subscription", &["subscrip", "tion"]),
            ("a  b\n\nc", &["a", "  ", "b", "\n\n", "c"]),
            ("```rust\nlet x;", &["```", "rust", "\n", "let", " x", ";"]),
            ("川はなぜ", &["川は", "なぜ"]),
            ("🌊🌊 ok", &["🌊🌊", " ok"]),
            (" ", &[" "]),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
            assert_eq!(split(text).concat(), text);
        }
    }
}
