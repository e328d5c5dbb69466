use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::block::{BlockIndex, Piece, PieceKind, ToolUse};
use crate::event::Ending;
use crate::failure::FailureCode;
use crate::id::Owner;
use crate::session::{Lease, Leased, Outcome, Progress};
use crate::time::Timestamp;

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
const ONLY: VersionOf = VersionOf {
    number: 1,
    count: 1,
};

/// A turn whose answer has these pieces.
fn turn(pieces: &[Piece], status: Status, failure: Option<Failure>) -> StoredTurn {
    let id: SessionId = ID.parse().expect("a UUID");
    let owner = Owner::new("me").expect("not empty");
    let now = Timestamp::from_millis(1_767_312_000_123);
    let lease = Lease {
        until: now + Duration::from_secs(30),
        holder: Uuid::nil(),
    };
    let leased = Session::lease(None, id, &owner, lease, None, now, Duration::from_hours(1));
    let Ok(Leased::Begun(session)) = leased else {
        panic!("{leased:?}")
    };
    let mut progress = Progress::default();
    for piece in pieces {
        progress.push(piece.as_ref());
    }
    let outcome = Outcome {
        status,
        ending: Ending {
            failure,
            ..Ending::default()
        },
    };
    let attempt = session.last_attempt;
    let session = Session::finish(Some(session), attempt, &progress, &outcome, now);
    StoredTurn {
        turn: TurnHead::new(id, None, "Why?", Timestamp::MAX, now),
        prompt: "Why?".to_owned(),
        session: Some(session.expect("its own")),
    }
}

fn piece(block: u32, kind: PieceKind, content: &str) -> Piece {
    Piece::new(BlockIndex(block), kind, content)
}

fn citation(block: u32, title: Option<&str>, url: Option<&str>, text: Option<&str>) -> Piece {
    let citation = Citation {
        title: title.map(str::to_owned),
        url: url.map(str::to_owned),
        text: text.map(str::to_owned),
    };
    Piece::of_citation(BlockIndex(block), &citation)
}

fn check(turn: &StoredTurn, expected: &str) {
    let expected = format!("\n## You\n\n> Why?\n\n## Assistant\n{expected}");
    assert_eq!(Format::Markdown.turn(turn, ONLY, true), expected);
}

#[test]
fn reasoning_is_quoted_and_sources_are_footnotes() {
    let pieces = [
        piece(0, PieceKind::Reasoning, "I think.\nStill."),
        piece(1, PieceKind::Text, "Rivers meander"),
        citation(
            2,
            Some("On\nrivers"),
            Some("https://example.com/a"),
            Some("They do."),
        ),
        piece(3, PieceKind::Text, " because of sand"),
        citation(4, None, None, None),
        piece(5, PieceKind::Text, "."),
    ];
    let expected = "
> **Reasoning**
>
> I think.
> Still.

Rivers meander[^67e55044-1] because of sand[^67e55044-2].

[^67e55044-1]: On rivers, <https://example.com/a> “They do.”
[^67e55044-2]: a source without a name
";
    check(&turn(&pieces, Status::Completed, None), expected);
}

#[test]
fn the_marks_of_sources_stay_out_of_code() {
    let pieces = [
        piece(0, PieceKind::Text, "So:\n\n```rust\nlet x"),
        citation(1, Some("A"), None, None),
        piece(2, PieceKind::Text, " = 1;\n``"),
        citation(3, Some("B"), None, None),
        piece(4, PieceKind::Text, "`\nDone"),
        citation(5, Some("C"), None, None),
    ];
    let expected = "
So:

```rust
let x = 1;
```
[^67e55044-1][^67e55044-2]
Done[^67e55044-3]

[^67e55044-1]: A
[^67e55044-2]: B
[^67e55044-3]: C
";
    check(&turn(&pieces, Status::Completed, None), expected);
}

#[test]
fn code_that_is_cut_ends_before_what_follows() {
    let pieces = [
        piece(0, PieceKind::Text, "```\nlet x"),
        citation(1, Some("A"), None, None),
    ];
    let expected = "
```
let x
```
[^67e55044-1]

*The answer was stopped.*

[^67e55044-1]: A
";
    let stopped = turn(&pieces, Status::Cancelled, None);
    check(&stopped, expected);
    let asked = StoredTurn {
        prompt: "What is\n~~~\nx".into(),
        ..stopped
    };
    let document = Format::Markdown.turn(&asked, ONLY, true);
    let begins = "\n## You\n\n> What is\n> ~~~\n> x\n\n## Assistant\n";
    assert!(document.starts_with(begins), "{document}");
}

#[test]
fn a_question_is_quoted_as_it_was_asked() {
    let turn = StoredTurn {
        prompt: "\n    let x;\n\n# You\r\n## You\r<!-- gone\n ".into(),
        ..turn(&[], Status::Cancelled, None)
    };
    let expected = "
## You

>
>     let x;
>
> # You
> ## You
> \\<!-- gone
>  

## Assistant

*The answer was stopped.*
";
    assert_eq!(Format::Markdown.turn(&turn, ONLY, true), expected);
}

#[test]
fn html_in_an_answer_hides_nothing() {
    let pieces = [
        piece(0, PieceKind::Reasoning, "<details>"),
        piece(1, PieceKind::Text, "`<b>` <de"),
        piece(1, PieceKind::Text, "tails>\n<!-- gone"),
        citation(2, Some("On <i>"), None, None),
    ];
    let expected = "
> **Reasoning**
>
> \\<details>

`<b>` \\<details>
\\<!-- gone[^67e55044-1]

[^67e55044-1]: On \\<i>
";
    check(&turn(&pieces, Status::Completed, None), expected);
}

#[test]
fn a_url_stays_one_link() {
    let url = "https://example.com/a (b)/<c>?d=e\tf";
    let pieces = [
        piece(0, PieceKind::Text, "So"),
        citation(1, None, Some(url), None),
    ];
    let expected = "
So[^67e55044-1]

[^67e55044-1]: <https://example.com/a%20(b)/%3Cc%3E?d=e%09f>
";
    check(&turn(&pieces, Status::Completed, None), expected);
}

#[test]
fn what_is_kept_from_readers_is_not_there() {
    let pieces = [
        piece(0, PieceKind::ReasoningSignature, "secret"),
        piece(1, PieceKind::RedactedReasoning, "secret"),
        piece(2, PieceKind::Text, "Sand."),
    ];
    let turn = turn(&pieces, Status::Completed, None);
    check(&turn, "\nSand.\n");
    let json = Format::Json.turn(&turn, ONLY, true);
    assert!(!json.contains("secret"), "{json}");
}

#[test]
fn an_answer_that_is_not_whole_says_so() {
    let pieces = [piece(0, PieceKind::Text, "Sand")];
    let stopped = turn(&pieces, Status::Cancelled, None);
    check(&stopped, "\nSand\n\n*The answer was stopped.*\n");
    let failure = Failure::new(FailureCode::ModelError, "The model\nfailed.");
    let failed = turn(&[], Status::Failed, Some(failure));
    check(&failed, "\n*The answer failed. The model failed.*\n");
    let gone = StoredTurn {
        session: None,
        ..stopped
    };
    check(&gone, "\n*The answer is not there any more.*\n");
}

#[test]
fn a_tool_is_quoted() {
    let tool = ToolUse {
        tool_use_id: "1".into(),
        name: "search".into(),
        input: None,
    };
    let pieces = [
        Piece::of_tool_use(BlockIndex(0), &tool),
        piece(0, PieceKind::ToolInput, "{\"q\":"),
        piece(0, PieceKind::ToolInput, "1}"),
    ];
    let expected = "\n> **Tool search**\n>\n> {\"q\":1}\n";
    check(&turn(&pieces, Status::Completed, None), expected);
}

#[test]
fn the_parts_of_a_json_document_are_one_object() {
    let owner = Owner::new("me").expect("not empty");
    let added = super::super::Added {
        session_id: ID.parse().expect("a UUID"),
        prompt: "Why }}?",
        assistant: None,
        ttl: Duration::from_hours(1),
    };
    let id = Uuid::from_u128(1).into();
    let now = Timestamp::from_millis(1_767_312_000_123);
    let conversation = Conversation::add_turn(None, id, &owner, added, now).expect("new");
    let turn = turn(
        &[piece(0, PieceKind::Text, "Sand")],
        Status::Completed,
        None,
    );
    let evil = Conversation {
        title: "# evil".into(),
        ..conversation.clone()
    };
    assert_eq!(Format::Markdown.head(&evil), "# \\# evil\n");
    let document = [
        Format::Json.head(&conversation),
        Format::Json.turn(&turn, ONLY, true),
        Format::Json.turn(&turn, ONLY, false),
        Format::Json.tail().to_owned(),
    ];
    let json: Value = serde_json::from_str(&document.concat()).expect("JSON");
    assert_eq!(json["title"], "Why }}?");
    let expected = json!({
        "sessionId": ID, "parentId": null, "prompt": "Why?", "createdAt": "2026-01-02T00:00:00.123Z",
        "status": "COMPLETED", "text": "Sand", "blocks": [{"index": 0, "type": "TEXT", "text": "Sand"}],
        "usage": null, "stopReason": null, "error": null,
    });
    assert_eq!(json["turns"], json!([expected, expected]));
}
