//! A script's blocks as the steps of an answer.

use std::collections::HashSet;

use crate::config::{ScriptBlock, ScriptContent};
use crate::model::Piece;

/// Replaced in a script's token by the call's number.
const CALL_PLACEHOLDER: &str = "{call}";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Piece { block: usize, piece: Piece },
    Stop { block: usize },
}

impl Step {
    /// Whether it is a token, be it an empty one.
    pub(crate) fn is_token(&self) -> bool {
        self.token().is_some()
    }

    /// Whether it is a token with content.
    pub(crate) fn is_said(&self) -> bool {
        self.token().is_some_and(|token| !token.is_empty())
    }

    fn token(&self) -> Option<&str> {
        match self {
            Self::Piece { piece, .. } => piece.token(),
            Self::Stop { .. } => None,
        }
    }

    fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Piece {
                piece: Piece::Text(text),
                ..
            } => Some(text),
            _ => None,
        }
    }
}

/// The pieces of the blocks, with their indexes and the call's number.
pub(crate) fn steps(blocks: Vec<ScriptBlock>, call: u64) -> Vec<Step> {
    let call = call.to_string();
    let mut steps = Vec::new();
    let mut next = 0;
    let mut text_before = None;
    for ScriptBlock { block, content } in blocks {
        let is_citation = matches!(content, ScriptContent::Citation(_));
        let block = match (block, text_before) {
            (Some(block), _) => block,
            (None, Some(text)) if is_citation => text,
            (None, _) => next,
        };
        next = next.max(block + 1);
        text_before = (is_citation || matches!(content, ScriptContent::Text(_))).then_some(block);
        let pieces = pieces(content, &call).into_iter();
        steps.extend(pieces.map(|piece| Step::Piece { block, piece }));
    }
    steps
}

fn pieces(content: ScriptContent, call: &str) -> Vec<Piece> {
    let numbered = |tokens: Vec<String>, piece: fn(String) -> Piece| -> Vec<Piece> {
        let numbered = tokens
            .into_iter()
            .map(|token| token.replace(CALL_PLACEHOLDER, call));
        numbered.map(piece).collect()
    };
    match content {
        ScriptContent::Text(tokens) => numbered(tokens, Piece::Text),
        ScriptContent::Reasoning { tokens, signature } => {
            let mut pieces = numbered(tokens, Piece::Reasoning);
            pieces.extend(signature.map(Piece::Signature));
            pieces
        }
        ScriptContent::Redacted(bytes) => vec![Piece::Redacted(bytes)],
        ScriptContent::Citation(citation) => vec![Piece::Citation(citation)],
        ScriptContent::ToolUse { id, name, input } => {
            let mut pieces = vec![Piece::ToolUse { id, name }];
            pieces.extend(input.into_iter().map(Piece::ToolInput));
            pieces
        }
        ScriptContent::ToolResult {
            id,
            status,
            content,
        } => vec![
            Piece::ToolResult { id, status },
            Piece::ToolResultText(content),
        ],
    }
}

/// The steps before the first stop sequence in the text, and this sequence.
pub(crate) fn cut_at_stop_sequence(
    steps: Vec<Step>,
    sequences: &[String],
) -> (Vec<Step>, Option<String>) {
    let text: String = steps
        .iter()
        .filter_map(|step| match step {
            Step::Piece {
                piece: Piece::Text(text),
                ..
            } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let first = sequences
        .iter()
        .filter_map(|sequence| Some((text.find(sequence.as_str())?, sequence)))
        .min();
    let Some((mut left, sequence)) = first else {
        return (steps, None);
    };
    let mut kept = Vec::new();
    for mut step in steps {
        if let Some(text) = step.text_mut() {
            if left == 0 {
                break;
            }
            // A sequence begins at a character boundary of the text, so also of the token that it begins in.
            text.truncate(left);
            left -= text.len();
        }
        kept.push(step);
    }
    (kept, Some(sequence.clone()))
}

/// At most `limit` tokens with content, and whether tokens were left out.
pub(crate) fn cut_at_limit(mut steps: Vec<Step>, limit: Option<u32>) -> (Vec<Step>, bool) {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return (steps, false);
    };
    let beyond = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.is_said())
        .nth(limit)
        .map(|(at, _)| at);
    if let Some(at) = beyond {
        steps.truncate(at);
    }
    (steps, beyond.is_some())
}

/// The steps, with each block's end behind its last piece.
pub(crate) fn with_stops(steps: Vec<Step>) -> Vec<Step> {
    let mut ended = HashSet::new();
    let mut backwards = Vec::with_capacity(steps.len() + 4);
    for step in steps.into_iter().rev() {
        if let Step::Piece { block, .. } = step
            && ended.insert(block)
        {
            backwards.push(Step::Stop { block });
        }
        backwards.push(step);
    }
    backwards.reverse();
    backwards
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Citation;

    fn strings(tokens: &[&str]) -> Vec<String> {
        tokens.iter().map(|token| (*token).to_owned()).collect()
    }

    fn text(tokens: &[&str]) -> Vec<Step> {
        steps(vec![ScriptContent::Text(strings(tokens)).into()], 1)
    }

    #[test]
    fn a_stop_sequence_ends_the_answer_before_it() {
        let tokens = text(&["one", " two", " thr", "ee", " four"]);
        for (sequences, expected, found) in [
            (&["three"][..], &["one", " two", " "][..], Some("three")),
            (&["four", "two"], &["one", " "], Some("two")),
            (&["one"], &[], Some("one")),
            (&["five"], &["one", " two", " thr", "ee", " four"], None),
        ] {
            let (kept, sequence) = cut_at_stop_sequence(tokens.clone(), &strings(sequences));
            assert_eq!(
                (kept, sequence.as_deref()),
                (text(expected), found),
                "{sequences:?}"
            );
        }
    }

    #[test]
    fn a_limit_counts_tokens_with_text() {
        let tokens = text(&["", "a", "", "b"]);
        for (limit, expected, limited) in [
            (Some(1), &["", "a", ""][..], true),
            (Some(2), &["", "a", "", "b"], false),
            (None, &["", "a", "", "b"], false),
        ] {
            assert_eq!(
                cut_at_limit(tokens.clone(), limit),
                (text(expected), limited),
                "{limit:?}"
            );
        }
    }

    #[test]
    fn blocks_have_indexes_and_end_behind_their_last_piece() {
        let reasoning = || ScriptContent::Reasoning {
            tokens: strings(&["r{call}"]),
            signature: None,
        };
        let text = |token| ScriptContent::Text(strings(&[token]));
        let citation = || ScriptContent::Citation(Citation::default());
        let at = |block, content| ScriptBlock {
            block: Some(block),
            content,
        };
        for (blocks, expected) in [
            (vec![reasoning().into(), text("a").into()], "0r7 0. 1a 1."),
            // A citation belongs to the text before it, and text after it is a block of its own.
            (
                vec![text("a").into(), citation().into(), text("b").into()],
                "0a 0! 0. 1b 1.",
            ),
            (
                vec![citation().into(), citation().into(), reasoning().into()],
                "0! 0! 0. 1r7 1.",
            ),
            (
                vec![
                    at(2, text("a")),
                    at(1, reasoning()),
                    at(2, text("b")),
                    text("c").into(),
                ],
                "2a 1r7 1. 2b 2. 3c 3.",
            ),
        ] {
            let steps = with_stops(steps(blocks, 7));
            let shown: Vec<String> = steps
                .iter()
                .map(|step| match step {
                    Step::Stop { block } => format!("{block}."),
                    Step::Piece { block, piece } => {
                        format!("{block}{}", piece.token().unwrap_or("!"))
                    }
                })
                .collect();
            assert_eq!(shown.join(" "), expected);
        }
    }
}
