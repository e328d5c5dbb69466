//! Answers in every shape that servers send. The text is whole, or the exit code is no success.

use crate::replay::{STOP, events, json, said};
use crate::{Asked, ask_of, each};

/// Odd pieces that a server may send in the middle of a good stream.
const WITHIN: &[&str] = &[
    "data: null\n\n",
    "data:\n\n",
    "data\n\n",
    "data: {\"choices\":null}\n\n",
    "data: {\"choices\":[]}\n\n",
    "data: {\"choices\":[null]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":null,\"delta\":{\"content\":null}}]}\n\n",
    "data: {\"choices\":[],\"usage\":null}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":null,\"completion_tokens\":3}}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12.0,\"completion_tokens\":3.0}}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":-1}}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4294967296,\"completion_tokens\":2147483647}}\n\n",
    "data: {\"choices\":[],\"error\":null}\n\n",
    "event: progress\ndata: loading\n\n",
    "event: progress\ndata: \"loading\"\n\n",
    "event: progress\ndata: {\"progress\":0.5}\n\n",
    "data: \"loading\"\n\n",
    ": a comment\n\n",
    "id: 7\nretry: 10\n\n",
    "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"another answer\"},\"finish_reason\":\"length\"}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":null},\"finish_reason\":\"\"}]}\n\n",
];

/// Returns whole streams and documents, each with its text.
fn whole() -> Vec<(Vec<u8>, &'static str)> {
    let choice = |rest: &str| format!("data: {{\"choices\":[{{\"index\":0,{rest}}}]}}\n\n");
    vec![
        (
            events(
                &(choice(
                    r#""delta":{"content":[{"type":"text","text":"Rivers "},{"type":"text","text":"meander."}]}"#,
                ) + STOP),
            ),
            "Rivers meander.",
        ),
        (
            events(&(choice(r#""delta":{"content":["Rivers ","meander."]}"#) + STOP)),
            "Rivers meander.",
        ),
        (
            events(
                &(choice(r#""delta":{"content":"\ud83d"}"#)
                    + &choice(r#""delta":{"content":"\ude00 ok"}"#)
                    + STOP),
            ),
            "😀 ok",
        ),
        (
            events(&(choice(r#""delta":{"content":"cut \ud83d"}"#) + STOP)),
            "cut \u{FFFD}",
        ),
        // The last chunk has no blank line, or not even a line feed.
        (
            events(
                &(said("Rivers ")
                    + "data: {\"choices\":[{\"delta\":{\"content\":\"meander.\"},\"finish_reason\":\"stop\"}]}\n"),
            ),
            "Rivers meander.",
        ),
        (
            events(
                &(said("Rivers ")
                    + "data: {\"choices\":[{\"delta\":{\"content\":\"meander.\"},\"finish_reason\":\"stop\"}]}"),
            ),
            "Rivers meander.",
        ),
        (
            events(&(said("Rivers meander.") + "data: [DONE]\n\n")),
            "Rivers meander.",
        ),
        (
            events(&(said("Rivers meander.") + "data: [DONE]")),
            "Rivers meander.",
        ),
        (
            events(&format!("\u{FEFF}{}{STOP}", said("Rivers meander.")).replace('\n', "\r\n")),
            "Rivers meander.",
        ),
        (
            json(
                200,
                r#"{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"Rivers meander."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            ),
            "Rivers meander.",
        ),
        (
            json(
                200,
                "\n {\"choices\":[{\"message\":{\"content\":\"Rivers meander.\"}}]}\n",
            ),
            "Rivers meander.",
        ),
    ]
}

async fn check_whole(answer: Vec<u8>, text: &str) {
    let shown = String::from_utf8_lossy(&answer).into_owned();
    let Asked {
        code,
        stdout,
        stderr,
        requests,
    } = ask_of(vec![answer], &[], None).await;
    assert_eq!(
        (code, stdout),
        (Some(0), format!("{text}\n")),
        "{shown}\n{stderr}"
    );
    assert_eq!(requests.len(), 1, "{shown}");
    assert!(
        !stderr.contains("model server"),
        "nothing is wrong: {stderr}"
    );
}

#[tokio::test]
async fn odd_things_in_a_good_stream_change_nothing() {
    each(WITHIN.to_vec(), async |odd| {
        let stream = format!("{}{odd}{}{STOP}", said("Rivers "), said("meander."));
        check_whole(events(&stream), "Rivers meander.").await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_whole_in_any_shape() {
    each(whole(), async |(answer, text)| {
        check_whole(answer, text).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_whole_is_no_success() {
    let unfinished = said("Rivers mean").replace("null}", "\"\"}");
    let incomplete = vec![
        (unfinished.clone(), "The model's answer was cut off."),
        (said("Rivers mean"), "The model's answer was cut off."),
        (
            said("Rivers mean")
                + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n",
            "The model failed.",
        ),
        (
            said("Rivers mean")
                + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"insufficient_system_resource\"}]}\n\n",
            "The model failed.",
        ),
        (
            said("Rivers mean")
                + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"ABORT\"}]}\n\n",
            "The model failed.",
        ),
        (
            said("Rivers mean")
                + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\" \"}]}\n\n",
            "The model's answer was cut off.",
        ),
        (
            said("Rivers mean") + "event: error\ndata: out of memory\n\n",
            "The model failed.",
        ),
        (
            said("Rivers mean") + "data: nonsense\n\n",
            "The model failed.",
        ),
    ];
    each(incomplete, async |(stream, message)| {
        let asked = ask_of(vec![events(&stream)], &[], None).await;
        assert_eq!(asked.code, Some(1), "{stream}: {asked:?}");
        let failed = format!("failed: MODEL_ERROR: {message}");
        assert!(asked.stderr.contains(&failed), "{stream}: {asked:?}");
        assert_eq!(asked.requests.len(), 3, "three attempts: {stream}");
        assert!(
            asked.stdout.ends_with("Rivers mean\n"),
            "what there is is kept: {asked:?}"
        );
    })
    .await;
}

/// Each case: a refusal that names an optional parameter, and the parameter that the next request has in its place.
#[tokio::test]
async fn a_refused_parameter_is_left_out() {
    let cases = vec![
        (
            400,
            r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}"#,
            "max_tokens",
            Some("max_completion_tokens"),
        ),
        (
            422,
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
            "stream_options",
            None,
        ),
        (
            400,
            "unknown field `stream_options`",
            "stream_options",
            None,
        ),
    ];
    each(cases, async |(status, refusal, left_out, instead)| {
        let good = events(&(said("Rivers meander.") + STOP));
        let asked = ask_of(vec![json(status, refusal), good], &[], None).await;
        assert_eq!(
            (asked.code, asked.stdout.as_str()),
            (Some(0), "Rivers meander.\n"),
            "{asked:?}"
        );
        let [first, second] = &asked.requests[..] else {
            panic!("two requests: {asked:?}")
        };
        assert!(
            first.get(left_out).is_some() && second.get(left_out).is_none(),
            "{asked:?}"
        );
        if let Some(instead) = instead {
            assert_eq!(second[instead], first[left_out]);
        }
    })
    .await;
}
