//! The commands of a chat that are about conversations, and `tokencast export`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Chat, ID, TURN};
use crate::{check_usage, finish, tokencast};
use client_fakes::{FakeApi, FakeFunction, completed, snapshot, token};

fn head(title: &str) -> Value {
    json!({
        "conversationId": ID, "title": title, "lastSessionId": TURN, "turnCount": 1,
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:01:00Z",
    })
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
pub(super) fn whole(stream: Value) -> Value {
    let mut conversation = head("Rivers");
    conversation["turns"] = json!([{
        "sessionId": TURN, "parentId": null, "prompt": "Why?\nSay it.", "createdAt": "2026-01-01T00:00:00Z",
        "stream": stream,
    }]);
    json!({ "conversation": conversation })
}

#[tokio::test]
async fn conversations_are_listed_opened_renamed_exported_and_deleted() {
    let api = FakeApi::start().await;
    api.replies(|replies| {
        let page =
            |next| json!({ "conversations": { "items": [head("Rivers")], "nextToken": next } });
        replies.answer("Conversations", [page(json!("bmV4dA")), page(Value::Null)]);
        let turn = snapshot("COMPLETED", 1, 2, "Because.");
        replies.answer("GetConversation", [whole(turn)]);
        replies.answer(
            "RenameConversation",
            [json!({ "renameConversation": head("Streams") })],
        );
        let exported = json!({ "content": "# Rivers\n", "nextToken": null });
        replies.answer(
            "ExportConversation",
            [json!({ "exportConversation": exported })],
        );
        let deleted = json!({ "conversationId": ID, "timestamp": "2026-01-01T00:00:00Z" });
        replies.answer(
            "DeleteConversation",
            [json!({ "deleteConversation": deleted })],
        );
    });
    let mut chat = Chat::start(api, &[]);
    for line in [
        "/list",
        "/list more",
        "/list more",
        "/open 1",
        "/title",
        "/export",
    ] {
        chat.line(line).await;
    }
    chat.line("And glaciers?").await;
    let asked = chat.answer("They flow.").await;
    assert_eq!(
        (&asked["conversationId"], &asked["parentId"]),
        (&json!(ID), &json!(TURN))
    );
    chat.line("/title Streams").await;
    assert_eq!(
        chat.api.call("RenameConversation").await.variables,
        json!({ "id": ID, "title": "Streams" })
    );
    let file = std::env::temp_dir().join(format!("export-{}.json", uuid::Uuid::new_v4()));
    chat.line(&format!("/export json {}", file.display())).await;
    let exported = chat.api.call("ExportConversation").await.variables;
    assert_eq!(exported, json!({ "id": ID, "format": "JSON" }));
    chat.line("/delete").await;
    assert_eq!(
        chat.api.call("DeleteConversation").await.variables,
        json!({ "id": ID })
    );
    chat.line("/title").await;
    chat.line("/quit").await;
    let (code, stdout, stderr) = chat.end().await;
    let listed = |number| format!("   {number}  Rivers  (1 turn, 2026-01-01T00:01:00Z)  {ID}\n");
    let expected = format!("{}{}Rivers\n# Rivers\nThey flow.\n", listed(1), listed(2));
    assert!(stdout.starts_with(&expected), "{stdout}\n{stderr}");
    assert_eq!(code, 2, "the list had no more: {stderr}");
    assert_eq!(
        std::fs::read_to_string(&file).expect("written"),
        "# Rivers\n"
    );
    std::fs::remove_file(&file).expect("removed");
    for part in [
        // What was said before is no new answer.
        "> Why?\n> Say it.\nBecause.\n",
        "/list more goes on\n",
        "error: the list has no more\n",
        "the title is now: Streams\n",
    ] {
        assert!(stderr.contains(part), "{part} in\n{stderr}");
    }
}

#[tokio::test]
async fn a_conversation_is_gone_on_with_and_a_running_answer_followed() {
    let api = FakeApi::start().await;
    api.replies(|replies| {
        replies.answer(
            "GetConversation",
            [whole(snapshot("STREAMING", 1, 1, "Be"))],
        );
        replies.snapshot = snapshot("COMPLETED", 1, 2, "Because.");
    });
    let mut chat = Chat::start(api, &["--conversation", ID]);
    chat.line("And glaciers?").await;
    assert_eq!(
        chat.api.call("GetStream").await.variables,
        json!({ "sessionId": TURN })
    );
    assert_eq!(chat.answer("They flow.").await["parentId"], TURN);
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (0, "Because.\nThey flow.\n"));
    assert_eq!(stderr, "Rivers\n> Why?\n> Say it.\n");
}

#[tokio::test]
async fn what_the_command_line_names_must_be_there() {
    let none = format!("error: there is no conversation {ID}\n");
    for (args, expected) in [
        (["--conversation", ID], &*none),
        (
            ["--assistant", "nope"],
            "error: there is no assistant nope; there are general, law\n",
        ),
    ] {
        let api = FakeApi::start().await;
        api.replies(|replies| {
            replies.answer("GetConversation", [json!({ "conversation": null })]);
            let assistant = |name| json!({ "name": name, "isDefault": false, "reasons": false, "maxTokens": 1 });
            let assistants = json!([assistant("general"), assistant("law")]);
            replies.answer("Assistants", [json!({ "assistants": assistants })]);
        });
        let (code, stdout, stderr) = Chat::start(api, &args).end().await;
        assert_eq!((code, &*stdout, &*stderr), (2, "", expected));
    }
    let api = FakeApi::start().await;
    api.replies(|replies| replies.refuse("GetConversation", "INVALID_ARGUMENT"));
    let (code, _, stderr) = Chat::start(api, &["--conversation", ID]).end().await;
    assert_eq!(
        (code, &*stderr),
        (3, "error: INVALID_ARGUMENT: said the server\n")
    );
}

#[tokio::test]
async fn a_conversation_that_was_deleted_elsewhere_is_told_alike_by_all() {
    let api = FakeApi::start().await;
    api.replies(|replies| {
        let turn = snapshot("COMPLETED", 1, 2, "Because.");
        let gone = json!({ "conversation": null });
        replies.answer("GetConversation", [whole(turn), gone]);
        replies.answer(
            "ExportConversation",
            [json!({ "exportConversation": null })],
        );
        replies.refuse("RenameConversation", "CONVERSATION_DELETED");
        replies.refuse("DeleteConversation", "CONVERSATION_NOT_FOUND");
        replies.refuse_start("CONVERSATION_DELETED");
    });
    let mut chat = Chat::start(api, &["--conversation", ID]);
    chat.line("And glaciers?").await;
    let (_, _socket) = chat.asked().await;
    for line in ["/title", "/title Streams", "/export", "/delete"] {
        chat.line(line).await;
    }
    chat.api.call("DeleteConversation").await;
    chat.api.replies(client_fakes::Replies::accept_start);
    chat.line("/new").await;
    chat.line("Why?").await;
    let asked = chat.answer("Because.").await;
    assert_ne!(asked["conversationId"], ID);
    assert!(asked["parentId"].is_null());
    let (code, _, stderr) = chat.end().await;
    let told = "error: this conversation was deleted or has expired; /new begins another\n";
    let branch = "Rivers\n> Why?\n> Say it.\nBecause.\n";
    assert_eq!(stderr, format!("{branch}{}", told.repeat(5)));
    assert_eq!(code, 3);
}

#[tokio::test]
async fn answers_come_over_another_channel_and_conversations_over_graphql() {
    let mut function = FakeFunction::start().await;
    let api = FakeApi::start().await;
    api.replies(|replies| {
        let list = json!({ "items": [head("Rivers")], "nextToken": null });
        replies.answer("Conversations", [json!({ "conversations": list })]);
    });
    let url = function.url.clone();
    let mut chat = Chat::start(api, &["--via", "url", "--function-url", &url]);
    chat.line("Why?").await;
    let request = function.request().await;
    assert!(request.body["conversationId"].is_string());
    let mut body = request.stream().await;
    body.events(&[token(1, 1, "Because."), completed(1, 2)])
        .await;
    chat.line("/list").await;
    chat.api.call("Conversations").await;
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("Because.\n   1  Rivers"), "{stdout}");
    let args = [
        "chat",
        "--via",
        "url",
        "--function-url",
        &*url,
        "--token",
        "jwt",
    ];
    check_usage(
        &args,
        "",
        "--via url needs --api-url (TOKENCAST_API_URL) as well",
    )
    .await;
}

#[tokio::test]
async fn a_conversation_is_exported() {
    let mut api = FakeApi::start().await;
    let piece =
        |content, next| json!({ "exportConversation": { "content": content, "nextToken": next } });
    let pieces = [
        piece("{\"title\":", json!("bmV4dA")),
        piece("1}", Value::Null),
    ];
    api.replies(|replies| replies.answer("ExportConversation", pieces));
    let export = |api: &FakeApi, args: &[&str]| {
        let mut command = tokencast(&["export", ID, "--token", "jwt", "--api-url", &api.url]);
        command.args(args).spawn().expect("it starts")
    };
    let (code, stdout, stderr) = finish(export(&api, &["--format", "json"])).await;
    assert_eq!((code, &*stdout, &*stderr), (0, "{\"title\":1}", ""));
    let call = api.call("ExportConversation").await;
    assert_eq!(call.variables, json!({ "id": ID, "format": "JSON" }));

    let file: PathBuf = std::env::temp_dir().join(format!("export-{}.md", uuid::Uuid::new_v4()));
    let path = file.display().to_string();
    let (code, stdout, _) = finish(export(&api, &["--output", &path])).await;
    assert_eq!((code, &*stdout), (0, ""));
    assert_eq!(std::fs::read_to_string(&file).expect("written"), "1}");
    std::fs::remove_file(&file).expect("removed");

    let (code, _, stderr) = finish(export(&api, &["--output", "/nowhere/x.md"])).await;
    assert_eq!(code, 7);
    assert!(stderr.contains("cannot write /nowhere/x.md"), "{stderr}");

    api.replies(|replies| {
        replies.answer(
            "ExportConversation",
            [json!({ "exportConversation": null })],
        );
    });
    let (code, _, stderr) = finish(export(&api, &[])).await;
    assert_eq!(code, 3);
    assert!(
        stderr.contains(&format!("there is no conversation {ID}")),
        "{stderr}"
    );

    check_usage(
        &["export", ID],
        "",
        "an export needs an API: --api-url (TOKENCAST_API_URL), --stack or --amplify-outputs",
    )
    .await;
    check_usage(&["export", "x"], "", "UUID").await;
}
