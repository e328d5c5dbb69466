//! What a prompt is about, judged by its words.

/// A noun phrase for the middle of a sentence, without control characters and Markdown.
pub(crate) fn subject(prompt: &str) -> String {
    // The beginning is enough, because a prompt may be as long as a book.
    let beginning: String = prompt.chars().take(2_000).collect();
    let text = clean(&beginning);
    let is_code = looks_like_code(&beginning);
    let phrase = if is_code {
        text.as_str()
    } else {
        strip_lead_in(first_sentence(&text))
    };
    let phrase = shorten(phrase);
    match (phrase.is_empty(), is_code) {
        (true, _) => "your prompt".to_owned(),
        (false, true) => format!("the code that begins with “{phrase}”"),
        (false, false) => format!("“{phrase}”"),
    }
}

/// Whether the prompt begins with a request to think, after words such as “please”.
pub(crate) fn asks_to_think(prompt: &str) -> bool {
    let beginning: String = prompt.chars().take(200).collect();
    let mut rest = beginning.trim_start();
    for word in ["please", "can you", "could you", "would you", "please"] {
        rest = strip_words(rest, word).unwrap_or(rest);
    }
    let mut thoughts = THOUGHTS.iter();
    thoughts.any(|thought| strip_words(rest, thought).is_some())
}

const MAX_SUBJECT_CHARS: usize = 60;

fn clean(text: &str) -> String {
    let visible = text.chars().filter_map(|c| match c {
        _ if c.is_control() || c.is_whitespace() => Some(' '),
        // Characters that change the text's direction, or hide.
        _ if is_hidden(c) => None,
        '`' | '*' | '\\' | '“' | '”' => None,
        '<' => Some('‹'),
        '>' => Some('›'),
        '[' => Some('('),
        ']' => Some(')'),
        _ => Some(c),
    });
    let visible: String = visible.collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that change the text's direction, have no width, or are unassigned, but not those that join emoji.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{E000}'..='\u{F8FF}' | '\u{FFF9}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}')
}

fn looks_like_code(text: &str) -> bool {
    let signs = [
        "```", "();", ") {", "){", "};", "=> ", "</", "#include", "def ", "fn ", "SELECT ",
    ];
    signs.iter().filter(|sign| text.contains(**sign)).count() >= 2
        || text.trim_start().starts_with("```")
}

fn first_sentence(text: &str) -> &str {
    let end = text.char_indices().find(|(at, c)| {
        let after = text[at + c.len_utf8()..].chars().next();
        matches!(c, '。' | '？' | '！')
            || (matches!(c, '.' | '?' | '!') && after.is_none_or(char::is_whitespace))
    });
    end.map_or(text, |(at, _)| &text[..at]).trim_matches([
        '?', '!', '.', ':', ';', ',', ' ', '¿', '¡', '？', '！', '。',
    ])
}

/// Removes the usual beginning of a question or command, unless nothing would be left.
fn strip_lead_in(text: &str) -> &str {
    let mut rest = text;
    while let Some(shorter) = THOUGHTS
        .iter()
        .chain(&LEAD_INS)
        .find_map(|lead_in| strip_words(rest, lead_in))
    {
        rest = shorter;
    }
    rest
}

/// How a prompt asks for reasoning. Where one begins with another, the longer one stands first.
const THOUGHTS: [&str; 5] = [
    "think hard about",
    "think aloud about",
    "think about",
    "think hard",
    "think",
];

/// Where one begins with another, the longer one stands first.
const LEAD_INS: [&str; 46] = [
    "please",
    "hello",
    "hey",
    "hi",
    "can you",
    "could you",
    "would you",
    "will you",
    "i want to know",
    "tell me about",
    "tell me",
    "explain to me",
    "explain",
    "describe",
    "discuss",
    "summarize",
    "summarise",
    "define",
    "teach me about",
    "talk about",
    "write about",
    "write me",
    "write",
    "give me",
    "show me",
    "how do i",
    "how do you",
    "how do we",
    "how can i",
    "how to",
    "how do",
    "how does",
    "how did",
    "how is",
    "how are",
    "why do",
    "why does",
    "why did",
    "why is",
    "why are",
    "what is",
    "what are",
    "what's",
    "who is",
    "who was",
    "about",
];

fn strip_words<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(words.len())?;
    let rest = rest.strip_prefix([' ', ','])?.trim_start();
    (start.eq_ignore_ascii_case(words) && !rest.is_empty()).then_some(rest)
}

fn shorten(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MAX_SUBJECT_CHARS) else {
        return text.to_owned();
    };
    let head = &text[..end];
    let words = head
        .rfind(' ')
        .filter(|at| *at > end / 2)
        .map_or(head, |at| &head[..at]);
    format!(
        "{}…",
        words.trim_end_matches([' ', ',', ';', ':', '\u{200D}'])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_reads_well_within_a_sentence() {
        for (prompt, expected) in [
            ("Why do rivers meander?", "“rivers meander”"),
            (
                "Please explain quantum entanglement to a child.",
                "“quantum entanglement to a child”",
            ),
            ("Write a haiku about rain", "“a haiku about rain”"),
            ("How do I sort a list? In Rust.", "“sort a list”"),
            (
                "Think hard about why rivers meander",
                "“why rivers meander”",
            ),
            ("Please think about rivers", "“rivers”"),
            ("rivers", "“rivers”"),
            ("Why?", "“Why”"),
            (
                "¿Por qué serpentean los ríos?",
                "“Por qué serpentean los ríos”",
            ),
            ("川はなぜ蛇行するのですか？", "“川はなぜ蛇行するのですか”"),
            ("🌊🏞️👩‍🚀", "“🌊🏞️👩‍🚀”"),
            ("???", "your prompt"),
            ("What is 3.14?", "“3.14”"),
            (
                "fn main() {\n    run();\n}",
                "the code that begins with “fn main() { run(); }”",
            ),
            ("a\u{7}b\u{1b}[31m\u{202e}evil", "“a b (31mevil”"),
            (
                "<script>alert(1)</script> **x**",
                "“‹script›alert(1)‹/script› x”",
            ),
        ] {
            assert_eq!(subject(prompt), expected, "{prompt:?}");
        }
    }

    #[test]
    fn a_long_prompt_is_named_by_its_beginning() {
        let long = "the history of rivers and of everything that floats on them ".repeat(5_000);
        assert_eq!(
            subject(&long),
            "“the history of rivers and of everything that floats on them…”"
        );
        assert!(subject(&"x".repeat(100_000)).chars().count() < 70);
    }
}
