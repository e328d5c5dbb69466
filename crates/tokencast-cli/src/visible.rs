//! Shows control characters instead of letting a terminal obey them.
//!
//! A model's text or a server's error may hold escape sequences. A terminal obeys them: they clear lines, set the title,
//! write to the clipboard. Each control character is replaced on its own, so a sequence that comes in two pieces is
//! shown, too. So are the characters that turn the direction of what follows: they make a text look like another.

use std::borrow::Cow;
use std::fmt::Write;

/// Returns the text as a terminal may show it. C0 (but for line feeds and tabs), DEL, C1 and [bidirectional controls] become
/// `\u001b` and the like, which JSON reads back.
///
/// [bidirectional controls]: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_obeyed(character) {
            // Writing to a string never fails.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn is_obeyed(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        for (text, expected) in [
            ("plain é🌊\n\ttext", "plain é🌊\n\ttext"),
            ("\u{1b}[2Kgone", "\\u001b[2Kgone"),
            ("\u{1b}]52;c;aGk=\u{7}", "\\u001b]52;c;aGk=\\u0007"),
            ("a\rb", "a\\u000db"),
            (
                "\u{0}\u{7f}\u{80}\u{9b}31m\u{9f}\u{a0}",
                "\\u0000\\u007f\\u0080\\u009b31m\\u009f\u{a0}",
            ),
            (
                "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}",
                "\\u061c\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069",
            ),
            // Letters that are read from right to left, and what joins characters.
            (
                "\u{5d0}\u{628}\u{200d}\u{202f}",
                "\u{5d0}\u{628}\u{200d}\u{202f}",
            ),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_sequence_in_two_pieces_is_shown_as_in_one() {
        let sequence = "\u{1b}]52;c;aGk=\u{7}";
        for cut in 0..=sequence.len() {
            let (left, right) = sequence.split_at(cut);
            let pieces = visible(left).into_owned() + &visible(right);
            assert_eq!(pieces, visible(sequence));
        }
    }
}
