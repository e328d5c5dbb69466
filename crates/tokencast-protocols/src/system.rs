//! The system prompt of a request, out of its system messages.

/// Between several system messages.
const BETWEEN_MESSAGES: &str = "\n\n";

/// The system prompt. Blank messages are left out, for models refuse them. `None` if nothing is left.
pub(crate) fn prompt_of(texts: impl IntoIterator<Item = String>) -> Option<String> {
    let texts = texts.into_iter();
    let texts: Vec<_> = texts.filter(|text| !text.trim().is_empty()).collect();
    (!texts.is_empty()).then(|| texts.join(BETWEEN_MESSAGES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_messages_are_left_out() {
        for (texts, expected) in [
            (&[][..], None),
            (&["", " \n"], None),
            (&["Be brief."], Some("Be brief.")),
            (
                &["", "Be brief.", "\t", "In French."],
                Some("Be brief.\n\nIn French."),
            ),
        ] {
            let prompt = prompt_of(texts.iter().map(|text| (*text).to_owned()));
            assert_eq!(prompt.as_deref(), expected, "{texts:?}");
        }
    }
}
