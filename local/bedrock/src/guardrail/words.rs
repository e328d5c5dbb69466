//! Words in a text: capital letters of ASCII don't matter.

use super::GuardrailConfig;
use super::trace::Assessment;

/// The words of a guardrail, in small letters.
#[derive(Clone, Debug)]
pub(super) struct Words {
    block: Vec<String>,
    /// With the name that is shown in a word's place.
    mask: Vec<(String, String)>,
}

/// A word to mask, where it is in a text.
struct Masked<'a> {
    start: usize,
    end: usize,
    name: &'a str,
}

impl Words {
    pub(super) fn new(config: &GuardrailConfig) -> Self {
        let small = |word: &String| word.to_ascii_lowercase();
        let masked = config.mask.iter().flat_map(|(name, words)| {
            let words = words.iter().filter(|word| !word.is_empty());
            words.map(move |word| (name.clone(), small(word)))
        });
        let block = config.block.iter().filter(|word| !word.is_empty());
        Self {
            block: block.map(small).collect(),
            mask: masked.collect(),
        }
    }

    /// The first word that blocks.
    pub(super) fn find_blocked(&self, text: &str) -> Option<&str> {
        let text = text.to_ascii_lowercase();
        let words = self.block.iter().map(String::as_str);
        let found = words.filter_map(|word| Some((text.find(word)?, word)));
        found.min().map(|(_, word)| word)
    }

    /// The text with names in place of words.
    pub(super) fn mask(&self, text: &str, assessment: &mut Assessment) -> String {
        let (mut masked, mut at) = (String::new(), 0);
        for Masked { start, end, name } in self.masked(text) {
            assessment.mask(name, &text[start..end]);
            masked.push_str(&text[at..start]);
            masked.push('{');
            masked.push_str(name);
            masked.push('}');
            at = end;
        }
        masked.push_str(&text[at..]);
        masked
    }

    /// The words to mask, in their order; the longest of those that begin at one place.
    fn masked(&self, text: &str) -> Vec<Masked<'_>> {
        let small = text.to_ascii_lowercase();
        let next = |from: usize| {
            let found = self.mask.iter().filter_map(|(name, word)| {
                let start = from + small[from..].find(word.as_str())?;
                let end = start + word.len();
                Some(Masked { start, end, name })
            });
            found.min_by_key(|it| (it.start, std::cmp::Reverse(it.end)))
        };
        let first = next(0);
        std::iter::successors(first, |before| next(before.end)).collect()
    }

    /// How much of the text has no part of a word that may go on behind it. Ends between characters, and within no word.
    pub(super) fn settled(&self, text: &str) -> usize {
        let small = text.to_ascii_lowercase();
        let words = self
            .block
            .iter()
            .chain(self.mask.iter().map(|(_, word)| word));
        let open = words.filter_map(|word| {
            let longest = word.len().saturating_sub(1).min(small.len());
            let lengths = (1..=longest).rev();
            let ends = lengths.filter(|length| word.is_char_boundary(*length));
            let open = ends.filter(|length| small.ends_with(&word[..*length]));
            open.map(|length| small.len() - length).next()
        });
        let settled = open.min().unwrap_or(text.len());
        // A word that is whole may end as another one begins.
        let masked = self.masked(text).into_iter();
        let cut = masked.filter(|it| it.start < settled && settled < it.end);
        cut.map(|it| it.end).max().unwrap_or(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let mut config = GuardrailConfig::to_try("g", "1");
        config.block.push("Käse".to_owned());
        Words::new(&config)
    }

    #[test]
    fn words_are_found_wherever_they_are() {
        for (text, word) in [
            ("", None),
            ("block me", None),
            ("please BlockMe now", Some("blockme")),
            ("xblockmex", Some("blockme")),
            ("Käse, blockme", Some("käse")),
        ] {
            assert_eq!(words().find_blocked(text), word, "{text}");
        }
    }

    #[test]
    fn names_stand_in_place_of_words() {
        for (text, expected) in [
            ("", ""),
            ("nothing", "nothing"),
            ("MaskMe", "{SECRET}"),
            ("ä maskme, me@example.com!", "ä {SECRET}, {EMAIL}!"),
            ("maskmaskme", "mask{SECRET}"),
        ] {
            let masked = words().mask(text, &mut Assessment::default());
            assert_eq!(masked, expected);
        }
    }

    #[test]
    fn a_word_that_may_go_on_is_not_settled() {
        for (text, settled) in [
            ("", ""),
            ("so", "so"),
            ("so b", "so "),
            ("so blockm", "so "),
            ("so blockx", "so blockx"),
            ("mask", ""),
            ("a K", "a "),
            ("a kä", "a "),
            ("ä", "ä"),
            // It ends with an `m`, as `maskme` begins.
            ("to me@example.com", "to me@example.com"),
            ("maskmem", "maskme"),
        ] {
            assert_eq!(&text[..words().settled(text)], settled, "{text}");
        }
    }
}
