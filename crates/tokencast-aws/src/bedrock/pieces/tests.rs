use std::collections::HashMap;

use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    CitationSourceContentDelta, DocumentPageLocation, ImageBlockDelta, ToolResultBlockStart,
    ToolResultStatus, ToolUseBlockDelta, ToolUseBlockStart, WebLocation,
};

use super::*;

/// Something that a model sends, with the number that it gives the block.
enum Sent {
    Start(i32, ContentBlockStart),
    Delta(i32, ContentBlockDelta),
    Stop(i32),
}

/// Checks the pieces: block, kind and content. A piece that only shows that the model is alive is left out.
fn check(sent: Vec<Sent>, expected: &[(u32, PieceKind, &str)]) {
    let mut pieces = Pieces::default();
    let events = sent.into_iter().filter_map(|sent| match sent {
        Sent::Start(block, start) => pieces.on_start(block, start),
        Sent::Delta(block, delta) => Some(pieces.on_delta(block, Some(delta))),
        Sent::Stop(block) => pieces.on_stop(block),
    });
    let made = events.filter_map(|event| match event {
        ModelEvent::Piece(piece) => Some((piece.block.0, piece.kind, piece.content)),
        ModelEvent::Alive => None,
        other => panic!("{other:?}"),
    });
    let expected = expected
        .iter()
        .map(|(block, kind, content)| (*block, *kind, (*content).to_owned()));
    assert_eq!(made.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

fn text(block: i32, text: &str) -> Sent {
    Sent::Delta(block, ContentBlockDelta::Text(text.to_owned()))
}

fn reasoning(block: i32, delta: ReasoningContentBlockDelta) -> Sent {
    Sent::Delta(block, ContentBlockDelta::ReasoningContent(delta))
}

fn cited(block: i32, delta: CitationsDelta) -> Sent {
    Sent::Delta(block, ContentBlockDelta::Citation(delta))
}

#[test]
fn text_and_reasoning_come_in_pieces() {
    use ReasoningContentBlockDelta::{RedactedContent, Signature, Text};
    check(
        vec![
            reasoning(0, Text(String::new())),
            reasoning(0, Text("hm".to_owned())),
            reasoning(0, Signature("c2ln".to_owned())),
            reasoning(1, RedactedContent(Blob::new([0, 1, 0xff]))),
            Sent::Stop(0),
            text(2, ""),
            text(2, "So "),
            text(2, "it is."),
            Sent::Delta(
                3,
                ContentBlockDelta::Image(ImageBlockDelta::builder().build()),
            ),
        ],
        &[
            (0, PieceKind::Reasoning, "hm"),
            (0, PieceKind::ReasoningSignature, "c2ln"),
            (1, PieceKind::RedactedReasoning, "AAH/"),
            (2, PieceKind::Text, "So "),
            (2, PieceKind::Text, "it is."),
        ],
    );
    let mut pieces = Pieces::default();
    assert_eq!(pieces.on_delta(0, None), ModelEvent::Alive);
}

#[test]
fn a_citation_stands_between_the_texts() {
    let source = |text: &str| CitationSourceContentDelta::builder().text(text).build();
    let on_the_web = CitationsDelta::builder()
        .title("A page")
        .source("a name")
        .location(CitationLocation::Web(
            WebLocation::builder().url("https://example.com/a").build(),
        ))
        .source_content(source("It is "))
        .source_content(source("so."))
        .build();
    let in_a_document = CitationsDelta::builder()
        .source("report.pdf")
        .location(CitationLocation::DocumentPage(
            DocumentPageLocation::builder().build(),
        ))
        .build();
    let by_its_address = CitationsDelta::builder()
        .source("HTTP://example.com/b")
        .build();
    let no_link = CitationsDelta::builder()
        .title("A trap")
        .location(CitationLocation::Web(
            WebLocation::builder().url("javascript:alert(1)").build(),
        ))
        .build();
    check(
        vec![
            text(0, "One."),
            cited(0, on_the_web),
            cited(0, in_a_document),
            text(0, "Two."),
            cited(0, by_its_address),
            cited(0, no_link),
            cited(0, CitationsDelta::builder().build()),
        ],
        &[
            (0, PieceKind::Text, "One."),
            (
                1,
                PieceKind::Citation,
                r#"{"title":"A page","url":"https://example.com/a","text":"It is so."}"#,
            ),
            (2, PieceKind::Citation, r#"{"title":"report.pdf"}"#),
            (3, PieceKind::Text, "Two."),
            (4, PieceKind::Citation, r#"{"url":"HTTP://example.com/b"}"#),
            (5, PieceKind::Citation, r#"{"title":"A trap"}"#),
        ],
    );
}

#[test]
fn a_tools_use_comes_in_pieces_and_its_result_whole() {
    let tool = ToolUseBlockStart::builder()
        .tool_use_id("t1")
        .name("weather")
        .build()
        .expect("complete");
    let result = ToolResultBlockStart::builder()
        .tool_use_id("t1")
        .status(ToolResultStatus::Success)
        .build()
        .expect("complete");
    let input = |part: &str| {
        let delta = ToolUseBlockDelta::builder().input(part).build();
        Sent::Delta(1, ContentBlockDelta::ToolUse(delta.expect("complete")))
    };
    let answer = HashMap::from([("degrees".to_owned(), Document::Number(Number::PosInt(21)))]);
    check(
        vec![
            text(0, "I look."),
            Sent::Start(1, ContentBlockStart::ToolUse(tool)),
            input(""),
            input("{\"city\":"),
            input("\"Rome\"}"),
            Sent::Stop(1),
            Sent::Start(2, ContentBlockStart::ToolResult(result)),
            Sent::Delta(
                2,
                ContentBlockDelta::ToolResult(vec![
                    ToolResultBlockDelta::Text("It is ".to_owned()),
                    ToolResultBlockDelta::Json(Document::Object(answer)),
                ]),
            ),
            Sent::Stop(2),
            Sent::Stop(2),
            text(3, "Warm."),
        ],
        &[
            (0, PieceKind::Text, "I look."),
            (
                1,
                PieceKind::ToolUse,
                r#"{"toolUseId":"t1","name":"weather"}"#,
            ),
            (1, PieceKind::ToolInput, "{\"city\":"),
            (1, PieceKind::ToolInput, "\"Rome\"}"),
            (
                2,
                PieceKind::ToolResult,
                r#"{"toolUseId":"t1","status":"success","content":"It is {\"degrees\":21}"}"#,
            ),
            (3, PieceKind::Text, "Warm."),
        ],
    );
}
