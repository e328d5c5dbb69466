//! Keeps a Markdown text from being more than a part of its document.
//!
//! A raw `<!--` or `<details>` takes what follows with it where a document is rendered, and so does a code block that
//! nobody closes. What is HTML and what is code depends on all of a text, so that a parser says it.

use std::collections::BTreeSet;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// After so many passes, HTML within code is escaped as well. Two or three do for what people write.
const PASSES: usize = 16;

/// Puts a backslash before each `<` that would begin raw HTML. Code and links between `<` and `>` stay as they are.
pub(super) fn without_html(mut text: String) -> String {
    for _ in 0..PASSES {
        let places = html(&text);
        if places.is_empty() {
            return text;
        }
        text = escaped(&text, &places);
    }
    let all = begins(&text, 0).collect();
    escaped(&text, &all)
}

/// Ends a code block that is open at the end of a text.
pub(super) fn closed(mut text: String) -> String {
    const NEXT: &str = "\n# Next\n";
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let end = text.len();
    text.push_str(NEXT);
    let mut open = None;
    for (event, range) in Parser::new_ext(&text, options()).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) = event
            && range.end > end + 1
        {
            open = Some(range.start);
        }
    }
    let fence = open.map(|start| {
        let fence = &text[start..];
        let mark = fence.chars().next().unwrap_or('`');
        let length = fence.chars().take_while(|it| *it == mark).count();
        mark.to_string().repeat(length) + "\n"
    });
    text.truncate(end);
    text + fence.as_deref().unwrap_or_default()
}

/// A text in one line, as Markdown that shows it as it is written.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        let is_mark = match character {
            // At the beginning and at the end of a heading.
            '#' => before == ' ',
            _ => r"\`*_[]<&~|$".contains(character),
        };
        if is_mark {
            out.push('\\');
        }
        out.push(character);
        before = character;
    }
    out
}

/// Where HTML begins: by [CommonMark](https://spec.commonmark.org/0.31.2/#html-blocks) alone, and with what most renderers add to it.
fn html(text: &str) -> BTreeSet<usize> {
    let parsers = [Options::empty(), options()];
    let events = parsers
        .into_iter()
        .flat_map(|options| Parser::new_ext(text, options).into_offset_iter());
    let mut places = BTreeSet::new();
    for (event, range) in events {
        match event {
            Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => {
                places.extend(begins(&text[range.clone()], range.start).next());
            }
            Event::Html(_) => {
                let mut start = range.start;
                for line in text[range].split_inclusive('\n') {
                    places.extend(begins_line(line).map(|at| start + at));
                    start += line.len();
                }
            }
            _ => {}
        }
    }
    places.retain(|at| !is_escaped(text, *at));
    places
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH
}

/// The places of each `<` that something follows which HTML may begin with. The text is a part that begins at `start`.
fn begins(text: &str, start: usize) -> impl Iterator<Item = usize> {
    let places = text.match_indices('<').map(|(at, _)| at);
    let places = places.filter(|at| {
        let next = text.as_bytes().get(at + 1);
        next.is_some_and(|next| next.is_ascii_alphabetic() || b"/!?".contains(next))
    });
    places.map(move |at| start + at)
}

/// The place of such a `<` at the beginning of a line, which may be quoted. Whether there is HTML in the rest of a block's line
/// shows once the block is none.
fn begins_line(line: &str) -> Option<usize> {
    let text = line.trim_start_matches([' ', '\t', '>']);
    let start = line.len() - text.len();
    begins(text, start).next().filter(|at| *at == start)
}

fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.as_bytes()[..at].iter().rev();
    before.take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn escaped(text: &str, places: &BTreeSet<usize>) -> String {
    let mut out = String::with_capacity(text.len() + places.len());
    let mut copied = 0;
    for at in places {
        if !is_escaped(text, *at) {
            out.push_str(&text[copied..*at]);
            out.push('\\');
            copied = *at;
        }
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_shown_as_it_is_written() {
        for (text, expected) in [
            ("Rivers < seas, a<3", "Rivers < seas, a<3"),
            ("<!-- gone", "\\<!-- gone"),
            ("So <!-- gone --> on", "So \\<!-- gone --> on"),
            (
                "<details>\n<summary>a</summary>\n\n`Vec<T>`\n</details>",
                "\\<details>\n\\<summary>a\\</summary>\n\n`Vec<T>`\n\\</details>",
            ),
            ("a <b>c</b> <i\nd>", "a \\<b>c\\</b> \\<i\nd>"),
            (
                "<?php ?> <!X> <![CDATA[x]]>",
                "\\<?php ?> \\<!X> \\<![CDATA[x]]>",
            ),
            ("> <div>\n> <p>\n", "> \\<div>\n> \\<p>\n"),
            ("- <div>\n  a", "- \\<div>\n  a"),
            // Code and links.
            ("<!-- a --> `<b>`", "\\<!-- a --> `<b>`"),
            ("<div>\n`<b>`\n</div>", "\\<div>\n`<b>`\n\\</div>"),
            ("`<b>` and ``a ` <!--``", "`<b>` and ``a ` <!--``"),
            ("```html\n<b>\n```\n<b>\n", "```html\n<b>\n```\n\\<b>\n"),
            (
                "- ```\n  <b>\n  ```\n\n<b>\n",
                "- ```\n  <b>\n  ```\n\n\\<b>\n",
            ),
            ("a\n\n    <b>\n", "a\n\n    <b>\n"),
            (
                "<https://example.com/a> <a@b.example>",
                "<https://example.com/a> <a@b.example>",
            ),
            // No code, though it looks like some.
            ("` <b>", "` \\<b>"),
            ("\\` <b> `", "\\` \\<b> `"),
            ("`a\\` <b> `", "`a\\` \\<b> `"),
            ("a\n        ```\n<!-- gone", "a\n        ```\n\\<!-- gone"),
            ("> ```\n<!-- gone", "> ```\n\\<!-- gone"),
            // Escaped before, or not.
            ("\\<b>", "\\<b>"),
            ("\\\\<b>", "\\\\\\<b>"),
            ("<a title=\"<b>\">", "\\<a title=\"\\<b>\">"),
        ] {
            let safe = without_html(text.to_owned());
            assert_eq!(safe, expected, "{text}");
        }
    }

    #[test]
    fn a_title_is_shown_as_it_is_written() {
        for (title, expected) in [
            ("Rivers & seas, in C#", "Rivers \\& seas, in C#"),
            ("# evil #", "\\# evil \\#"),
            ("## evil", "\\## evil"),
            ("a *b* `c` <d> [e](f)", "a \\*b\\* \\`c\\` \\<d> \\[e\\](f)"),
        ] {
            assert_eq!(literal(title), expected, "{title}");
        }
    }

    #[test]
    fn a_long_block_takes_few_passes() {
        let text = "<div>\n".repeat(100) + "`<b>`\n";
        let expected = "\\<div>\n".repeat(100) + "`<b>`\n";
        assert_eq!(without_html(text), expected);
    }

    #[test]
    fn what_takes_many_passes_ends() {
        let text = "<a title='".repeat(40) + "x" + &"'>".repeat(40);
        let safe = without_html(text);
        assert!(html(&safe).is_empty(), "{safe}");
    }

    #[test]
    fn code_that_nobody_closes_is_closed() {
        for (text, expected) in [
            ("Rivers", "Rivers\n"),
            ("```\na\n```\n", "```\na\n```\n"),
            ("~~~~ sh\na", "~~~~ sh\na\n~~~~\n"),
            // The item of the list ends it.
            ("- ```\n  a", "- ```\n  a\n"),
            ("- ```\n  a\n  ```\n```\n", "- ```\n  a\n  ```\n```\n```\n"),
        ] {
            assert_eq!(closed(text.to_owned()), expected, "{text}");
        }
    }
}
