use super::*;

/// Blocks out of words: `uID=INPUT` is a use of the tool `t`, `rID=CONTENT` a result, `eID=CONTENT` one that is an error.
fn blocks(words: &str) -> Vec<Block> {
    let blocks = words.split_whitespace().zip(0..).map(|(word, index)| {
        let (kind, rest) = word.split_at(1);
        let (id, text) = rest.split_once('=').expect("an id and a text");
        let content = match kind {
            "u" => BlockContent::ToolUse {
                tool_use: ToolUse {
                    tool_use_id: id.into(),
                    name: "t".into(),
                    input: Some(text.to_owned()),
                },
            },
            _ => BlockContent::ToolResult {
                tool_result: ToolResult {
                    tool_use_id: id.to_owned(),
                    status: (kind == "e").then(|| "error".to_owned()),
                    content: Some(text.to_owned()),
                },
            },
        };
        Block {
            index: BlockIndex(index),
            content,
        }
    });
    blocks.collect()
}

/// The calls of an answer's message: `ID STATE INPUT OUTPUT`.
fn check(words: &str, expected: &[&str]) {
    let message = answer(SessionId::random(), &blocks(words));
    let parts = message["parts"].as_array().expect("parts").iter().skip(1);
    let parts = parts.map(|part| {
        let text = |name: &str| part[name].as_str().unwrap_or("-").to_owned();
        let output = part.get("errorText").or(part.get("output"));
        let output = output.and_then(Value::as_str).unwrap_or("-");
        let input = match &part["input"] {
            Value::String(input) => input.clone(),
            input => input.to_string(),
        };
        format!("{} {} {input} {output}", text("toolCallId"), text("state"))
    });
    assert_eq!(parts.collect::<Vec<_>>(), expected, "{words}");
}

/// As the chunks do, whose vectors have the same cases.
#[test]
fn calls_of_tools_are_as_a_page_shows_them_while_they_come() {
    check("ua= ra=1", &["a output-available {} 1"]);
    check("ua={} ea=down", &["a output-error {} down"]);
    check("ua={\"x\":1}", &["a input-available {\"x\":1} -"]);
    check(
        "ua={\"x\":",
        &["a output-error {\"x\": The input of the tool is no JSON"],
    );
    check("ua={\"x\": ra=1", &["a output-available {\"x\": 1"]);
    check("ra=1 ua=", &["a input-available {} -"]);
    check(
        "ua= ra=1 ua={\"x\":1} ra=2",
        &[
            "a output-available {} 1",
            "a:2 output-available {\"x\":1} 2",
        ],
    );
}
