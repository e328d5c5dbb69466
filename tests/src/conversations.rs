//! Conversations by hand, over GraphQL.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::fmt::Write as _;
use tokencast::stack::{CONVERSATIONS_TABLE, TABLE};
use uuid::Uuid;

use crate::{TestStack, eventually};

/// What a conversation says of itself and of its turns.
const CONVERSATION: &str = "conversationId title lastSessionId turnCount nextToken createdAt updatedAt
    turns { sessionId parentId prompt createdAt stream { sessionId status text conversationId parentId } }";

/// A user's conversation.
pub struct Talk<'a> {
    pub stack: &'a TestStack,
    pub user: &'static str,
    pub id: String,
}

impl<'a> Talk<'a> {
    /// A conversation of alice's that has not begun.
    pub fn new(stack: &'a TestStack) -> Self {
        Self {
            stack,
            user: "alice",
            id: Uuid::new_v4().to_string(),
        }
    }

    /// Starts a turn. Returns the whole answer of the API.
    pub async fn try_start(
        &self,
        prompt: &str,
        session_id: &str,
        parent_id: Option<&str>,
    ) -> Value {
        const DOCUMENT: &str =
            "mutation Start($prompt: String!, $sessionId: String, $conversationId: String,
                $parentId: String) {
            startStream(prompt: $prompt, sessionId: $sessionId, conversationId: $conversationId,
                parentId: $parentId) { sessionId status conversationId parentId }
        }";
        let variables = json!({
            "prompt": prompt, "sessionId": session_id, "conversationId": self.id, "parentId": parent_id,
        });
        self.stack.graphql(self.user, DOCUMENT, variables).await
    }

    /// Starts a turn. Returns its session's id.
    pub async fn start(&self, prompt: &str, parent_id: Option<&str>) -> String {
        let id = Uuid::new_v4().to_string();
        let answer = self.try_start(prompt, &id, parent_id).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let started = &answer["data"]["startStream"];
        // On a busy machine, a short answer may be over before its start is answered.
        let status = started["status"].as_str().unwrap_or_default();
        assert!(
            matches!(status, "streaming_started" | "COMPLETED"),
            "{answer}"
        );
        assert_eq!(started["conversationId"], self.id.as_str(), "{answer}");
        id
    }

    /// Starts a turn and waits for its end. Returns its session's id.
    pub async fn ask(&self, prompt: &str, parent_id: Option<&str>) -> String {
        let id = self.start(prompt, parent_id).await;
        assert_eq!(self.ended(&id).await["status"], "COMPLETED");
        id
    }

    /// Waits for the end of a session. Returns it.
    pub async fn ended(&self, session_id: &str) -> Value {
        eventually("a session's end", || async {
            let session = self.stack.get_stream(self.user, session_id).await;
            let status = session["status"].as_str().unwrap_or_default();
            ["COMPLETED", "FAILED", "CANCELLED"]
                .contains(&status)
                .then_some(session)
        })
        .await
    }

    /// The code of a start that is refused.
    pub async fn refused(&self, parent_id: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let answer = self.try_start("Why?", &id, Some(parent_id)).await;
        crate::graphql::only_error(&answer).0.to_owned()
    }

    /// A page of the conversation, or null.
    pub async fn page(&self, limit: Option<u32>, next_token: Option<&str>) -> Value {
        let document = format!(
            "query Read($id: String!, $limit: Int, $nextToken: String) {{
                conversation(id: $id, limit: $limit, nextToken: $nextToken) {{ {CONVERSATION} }}
            }}"
        );
        let variables = json!({ "id": self.id, "limit": limit, "nextToken": next_token });
        let answer = self.stack.graphql(self.user, &document, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["conversation"].clone()
    }

    /// The conversation with its turns, or null.
    pub async fn read(&self) -> Value {
        self.page(Some(100), None).await
    }

    pub async fn rename(&self, title: &str) -> Value {
        const DOCUMENT: &str = "mutation Rename($id: String!, $title: String!) {
            renameConversation(id: $id, title: $title) { conversationId title turns { sessionId } }
        }";
        let variables = json!({ "id": self.id, "title": title });
        self.stack.graphql(self.user, DOCUMENT, variables).await
    }

    pub async fn delete(&self) -> Value {
        const DOCUMENT: &str = "mutation Delete($id: String!) {
            deleteConversation(id: $id) { conversationId timestamp }
        }";
        let variables = json!({ "id": self.id });
        self.stack.graphql(self.user, DOCUMENT, variables).await
    }

    /// The whole document.
    pub async fn export(&self, format: &str) -> String {
        const DOCUMENT: &str = "query Export($id: String!, $format: ExportFormat!, $nextToken: String) {
            exportConversation(id: $id, format: $format, nextToken: $nextToken) { content nextToken }
        }";
        let (mut document, mut token) = (String::new(), Value::Null);
        loop {
            let variables = json!({ "id": self.id, "format": format, "nextToken": token });
            let answer = self.stack.graphql(self.user, DOCUMENT, variables).await;
            let piece = &answer["data"]["exportConversation"];
            document.push_str(piece["content"].as_str().expect("content"));
            token = piece["nextToken"].clone();
            if token.is_null() {
                return document;
            }
        }
    }
}

impl TestStack {
    /// The titles in a user's list, and the token of the next page.
    pub async fn conversations(
        &self,
        user: &str,
        limit: u32,
        token: &Value,
    ) -> (Vec<String>, Value) {
        const DOCUMENT: &str = "query List($limit: Int, $nextToken: String) {
            conversations(limit: $limit, nextToken: $nextToken) { items { conversationId title } nextToken }
        }";
        let variables = json!({ "limit": limit, "nextToken": token });
        let answer = self.graphql(user, DOCUMENT, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let list = &answer["data"]["conversations"];
        let items = list["items"].as_array().expect("items").iter();
        let titles = items.map(|it| it["title"].as_str().expect("a title").to_owned());
        (titles.collect(), list["nextToken"].clone())
    }

    /// The texts that the model was told in its last call, oldest first.
    pub fn told(&self) -> Vec<String> {
        let calls = self.running.local.bedrock().calls();
        let call = calls.last().expect("the model was asked");
        let input: Value = serde_json::from_str(&call.input).expect("JSON");
        let messages = input["messages"].as_array().expect("messages").iter();
        let texts = messages.map(|message| {
            let blocks = message["content"].as_array().expect("content").iter();
            let texts = blocks.filter_map(|block| block["text"].as_str());
            texts.collect::<String>()
        });
        texts.collect()
    }

    /// All items of both tables, as text.
    pub async fn everything_stored(&self) -> String {
        let mut stored = String::new();
        for table in [TABLE, CONVERSATIONS_TABLE] {
            let scan = self.dynamodb().scan().table_name(table);
            let items = scan.into_paginator().items().send();
            let items: Result<Vec<_>, _> = items.collect().await;
            for item in items.expect("a scan") {
                let _ = writeln!(stored, "{item:?}");
            }
        }
        stored
    }

    /// The owner of a conversation, by its record.
    pub async fn owner_of(&self, conversation_id: &str) -> String {
        let record = self
            .dynamodb()
            .get_item()
            .table_name(CONVERSATIONS_TABLE)
            .key(
                "conversationId",
                AttributeValue::S(conversation_id.to_owned()),
            )
            .key("item", AttributeValue::S("conversation".to_owned()));
        let record = record.send().await.expect("a read").item.expect("a record");
        record["owner"].as_s().expect("an owner").clone()
    }

    /// The sort keys of the items that a conversation has.
    pub async fn items_of(&self, conversation_id: &str) -> Vec<String> {
        let query = self
            .dynamodb()
            .query()
            .table_name(CONVERSATIONS_TABLE)
            .consistent_read(true)
            .key_condition_expression("conversationId = :id")
            .expression_attribute_values(":id", AttributeValue::S(conversation_id.to_owned()));
        let items = query
            .send()
            .await
            .expect("a query")
            .items
            .unwrap_or_default();
        let keys = items.iter().map(|item| item["item"].as_s().expect("a key"));
        keys.cloned().collect()
    }
}
