//! Whether a server's message repeats the prompt. Only a message that doesn't is passed on or logged.

use std::collections::HashSet;

use crate::prompt::Prompt;

/// If a message shares this many letters and digits in a row with the prompt, it quotes the prompt. Shorter runs are
/// common words.
const QUOTED: usize = 10;

/// A shorter prompt appears in ordinary sentences by chance.
const SHORTEST: usize = 4;

/// The longest message that is passed on; a longer one is cut.
const MAX_CHARS: usize = 400;

/// `words` on one line, cut if they are long. `None` if they repeat the prompt.
pub(crate) fn presentable(words: &str, prompt: &Prompt) -> Option<String> {
    let line: String = words
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let line: String = line.chars().take(MAX_CHARS).collect();
    let said = bare(&line);
    let quoted = prompt.texts().map(bare).any(|text| {
        let length = text.len().min(QUOTED);
        length >= SHORTEST && said.len() >= length && {
            let pieces: HashSet<&[char]> = said.windows(length).collect();
            text.windows(length).any(|piece| pieces.contains(piece))
        }
    });
    (!quoted).then_some(line)
}

/// The letters and digits in lower case, which every form of quoting keeps.
fn bare(text: &str) -> Vec<char> {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Content;

    fn check(prompt: &str, words: &str, expected: Option<&str>) {
        let mut prompt = Prompt::of(prompt);
        prompt.system = vec![Content::Text("Answer in verse.".into())];
        assert_eq!(presentable(words, &prompt).as_deref(), expected, "{words}");
    }

    #[test]
    fn words_that_repeat_the_prompt_are_not_presentable() {
        let prompt = "My \"secret\" plan\nis: ünïcode";
        for quoting in [
            "cannot parse My \"secret\" plan",
            r#"cannot parse {\"content\":\"My \\\"secret\\\" plan\\nis\"}"#,
            "CANNOT PARSE MY SECRET PLAN",
            "refused: verse. answerinverse",
            "near `plan is: ünïcode`",
        ] {
            check(prompt, quoting, None);
        }
        check("1234", "no such pin: 1234!", None);
        check(prompt, "model 'm' not found", Some("model 'm' not found"));
        check(prompt, " two\n\tlines\u{1b}[2K ", Some("two lines [2K"));
        check("hi", "this is it", Some("this is it"));
        check("", "out of memory", Some("out of memory"));
        let long = "word ".repeat(200);
        check("", &long, Some(long.get(..MAX_CHARS).expect("longer")));
    }
}
