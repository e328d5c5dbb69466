//! Titles of conversations.

use super::MAX_TITLE_CHARS;

/// The longest title that is made of a prompt or by a model, in characters.
const MAX_MADE_CHARS: usize = 60;

/// The first line of a prompt, cut at a word.
pub fn of_prompt(prompt: &str) -> String {
    let mut lines = prompt.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    cut(line)
}

/// The title in a model's answer, if there is one: its first line, without the quotes that models like.
pub fn of_answer(answer: &str) -> Option<String> {
    let mut lines = answer.lines().map(|line| {
        let quotes = ['"', '\'', '“', '”', '„', '«', '»', '*', '#', '`', ' '];
        line.trim().trim_matches(quotes)
    });
    let line = lines.find(|line| !line.is_empty())?;
    Some(cut(line))
}

/// The title that a person gives, without the space around it. `None` if it is empty or too long.
pub fn of_person(title: &str) -> Option<&str> {
    let title = title.trim();
    let fits = !title.is_empty() && title.chars().count() <= MAX_TITLE_CHARS;
    fits.then_some(title)
}

fn cut(line: &str) -> String {
    let Some((end, _)) = line.char_indices().nth(MAX_MADE_CHARS) else {
        return line.to_owned();
    };
    // A space right behind the limit ends a word that fits.
    let limit = end + line[end..].chars().next().map_or(0, char::len_utf8);
    let words = line[..limit]
        .rfind(char::is_whitespace)
        .filter(|at| *at > 0);
    line[..words.unwrap_or(end)].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(of_answer(answer).as_deref(), expected, "{answer}");
        }
    }

    #[test]
    fn a_person_may_choose_any_title_that_is_not_too_long() {
        let long = "x".repeat(MAX_TITLE_CHARS);
        assert_eq!(of_person(&format!(" {long}\n")), Some(&*long));
        assert_eq!(of_person(&format!("{long}x")), None);
        assert_eq!(of_person(" \t"), None);
        assert_eq!(of_person("é"), Some("é"));
    }
}
