//! The vectors of ids that every language shares.

use serde::Deserialize;
use tokencast_core::id::Owner;
use tokencast_protocols::ids;

const VECTORS: &str = include_str!("../../../tests/fixtures/ai_sdk_ids.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    owner: String,
    chat_id: String,
    conversation_id: String,
    sessions: Vec<Asked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    message_id: String,
    texts: Vec<String>,
    session_id: String,
    /// Of the session by which it is asked anew.
    again_id: String,
}

#[test]
fn ids_are_those_of_the_vectors() {
    let cases: Vec<Case> = serde_json::from_str(VECTORS).expect("the vectors");
    assert!(cases.len() >= 4);
    for case in &cases {
        let owner = Owner::new(case.owner.as_str()).expect("not empty");
        let chat_id = case.chat_id.as_str();
        let conversation = ids::conversation_id(&owner, chat_id);
        assert_eq!(conversation.as_str(), case.conversation_id, "{chat_id}");
        for asked in &case.sessions {
            let texts = asked.texts.iter().map(String::as_str);
            let session = ids::session_id(&owner, chat_id, &asked.message_id, texts);
            assert_eq!(session.as_str(), asked.session_id, "{:?}", asked.texts);
            assert_eq!(ids::again(session).as_str(), asked.again_id);
        }
    }
}
