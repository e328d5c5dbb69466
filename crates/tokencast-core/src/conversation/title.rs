//! Titles of conversations: one line, with something to see in it.

use unicode_segmentation::UnicodeSegmentation as _;

use super::MAX_TITLE_CHARS;

/// The longest title that is made of a prompt or by a model, in characters.
const MAX_MADE_CHARS: usize = 60;

/// The title of a prompt in which nothing can be seen.
const NOTHING_TO_SEE: &str = "…";

/// The first line of a prompt, cut at a word.
pub fn of_prompt(prompt: &str) -> String {
    let line = prompt.lines().find(|line| is_visible(line));
    cut(&one_line(line.unwrap_or(NOTHING_TO_SEE)))
}

/// The title in a model's answer, if there is one: its first line, without the quotes that models like.
pub fn of_answer(answer: &str) -> Option<String> {
    let mut lines = answer.lines().map(|line| {
        let quotes = ['"', '\'', '“', '”', '„', '«', '»', '*', '#', '`', ' '];
        line.trim().trim_matches(quotes)
    });
    let line = lines.find(|line| is_visible(line))?;
    Some(cut(&one_line(line)))
}

/// The title that a person gives, without the space around it, and with spaces for its control characters. `None` if
/// nothing can be seen of it, or if it is too long.
pub fn of_person(title: &str) -> Option<String> {
    let title = one_line(title);
    let fits = is_visible(&title) && title.chars().count() <= MAX_TITLE_CHARS;
    fits.then_some(title)
}

/// A text without the space around it, and with spaces for its control characters, such as line feeds.
fn one_line(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    spaced.trim().to_owned()
}

/// Whether there is something to see.
fn is_visible(text: &str) -> bool {
    let is_seen = |it: char| {
        !it.is_whitespace() && !it.is_control() && !is_ignorable(it) && !is_empty_sign(it)
    };
    text.contains(is_seen)
}

/// Braille's sign without dots, and code points that are no characters.
fn is_empty_sign(character: char) -> bool {
    matches!(character, '\u{2800}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// Whether Unicode has fonts show nothing for a character: `Default_Ignorable_Code_Point` of Unicode 16's
/// `DerivedCoreProperties.txt`, such as U+200B, joiners, and marks of direction.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Cuts a line at a word, or else between two of the characters that a reader sees: an emoji may be several of Unicode's.
fn cut(line: &str) -> String {
    let Some((end, _)) = line.char_indices().nth(MAX_MADE_CHARS) else {
        return line.to_owned();
    };
    // A space right behind the limit ends a word that fits.
    let limit = end + line[end..].chars().next().map_or(0, char::len_utf8);
    let words = line[..limit]
        .rfind(char::is_whitespace)
        .filter(|at| *at > 0);
    let seen = line.grapheme_indices(true).map(|(at, _)| at);
    let seen = seen.take_while(|at| *at <= end).last();
    // A single one that is longer than a title is cut where it must be.
    let seen = seen.filter(|at| *at > 0).unwrap_or(end);
    line[..words.unwrap_or(seen)].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦";

    #[test]
    fn a_prompt_is_cut_at_a_word() {
        let word = "abcdefghi ";
        let sixty = word.repeat(6);
        for (prompt, expected) in [
            (
                "Why do rivers meander?",
                "Why do rivers meander?".to_owned(),
            ),
            ("\n \n  Why?  \nBecause", "Why?".to_owned()),
            (&format!("{sixty}more words"), sixty.trim_end().to_owned()),
            (
                &format!("{}x more", "a ".repeat(29)),
                format!("{}x", "a ".repeat(29)),
            ),
            (
                &format!("{}xyz more", "a ".repeat(29)),
                "a ".repeat(29).trim_end().to_owned(),
            ),
            (&"é".repeat(70), "é".repeat(60)),
            (&"🦀".repeat(60), "🦀".repeat(60)),
            // A family is seven of Unicode's characters, and eight such families fit.
            (&FAMILY.repeat(9), FAMILY.repeat(8)),
            (&"\u{301}".repeat(70), "\u{301}".repeat(60)),
            ("\u{200b}\n\u{202e}\0\nWhy?", "Why?".to_owned()),
            ("a\tb\0c", "a b c".to_owned()),
            ("\u{200b}", "…".to_owned()),
        ] {
            let title = of_prompt(prompt);
            assert_eq!(title, expected, "{prompt}");
            assert!(title.chars().count() <= MAX_MADE_CHARS);
        }
    }

    #[test]
    fn a_model_may_quote_its_title() {
        for (answer, expected) in [
            (
                "\"Meandering rivers\"\n\nI chose …",
                Some("Meandering rivers"),
            ),
            ("**Rivers**", Some("Rivers")),
            ("  \n“Flüsse”", Some("Flüsse")),
            ("", None),
            ("\"\"\n", None),
            ("\u{200b}\nRivers", Some("Rivers")),
        ] {
            assert_eq!(of_answer(answer).as_deref(), expected, "{answer}");
        }
    }

    #[test]
    fn a_person_may_choose_any_title_that_is_not_too_long() {
        let long = "x".repeat(MAX_TITLE_CHARS);
        let check = |title: &str, expected: Option<&str>| {
            assert_eq!(of_person(title).as_deref(), expected, "{title:?}");
        };
        check(&format!(" {long}\n"), Some(&long));
        check(&format!("{long}x"), None);
        check("é", Some("é"));
        check(FAMILY, Some(FAMILY));
        check("Two\nlines\0", Some("Two lines"));
        for invisible in [
            " \t",
            "\0",
            "\u{200b}",
            "\u{2800} \u{2800}",
            "\u{ffff}",
            "\u{202e}",
            "\u{feff}\u{2060} \u{e0020}",
        ] {
            check(invisible, None);
        }
    }
}
