//! Follows a conversation: prints what is there, and then each turn that begins or ends, whoever starts it.
//!
//! ```text
//! export TOKENCAST_API_URL=… TOKENCAST_TOKEN=…
//! cargo run --example follow_conversation CONVERSATION_ID
//! ```

use std::collections::HashSet;
use std::error::Error;

use tokencast_client::conversations::{ConversationChange, ConversationUpdate};
use tokencast_client::{Client, Credentials};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let id = std::env::args()
        .nth(1)
        .ok_or("expected a conversation's id")?;
    let id: Uuid = id.parse()?;
    let conversations = client()?.conversations();
    let mut updates = conversations.updates(id);
    let mut shown = HashSet::new();
    while let Some(update) = updates.next().await {
        match update? {
            // Listening now. What happened before, or while the connection was lost, is read.
            ConversationUpdate::Resync => {
                let Some(conversation) = conversations.get_all(id).await? else {
                    return Err("there is no such conversation any more".into());
                };
                println!("{} ({} turns)", conversation.title, conversation.turn_count);
                for turn in conversation.turns {
                    if shown.insert(turn.session_id) {
                        println!("> {}", turn.prompt);
                    }
                }
            }
            ConversationUpdate::Event { event } => match event.kind {
                ConversationChange::TurnStarted | ConversationChange::TurnEnded => {
                    println!("{:?}: {:?}", event.session_id, event.status);
                }
                ConversationChange::Renamed => {
                    println!("now called {}", event.title.unwrap_or_default());
                }
                ConversationChange::Deleted => {
                    println!("deleted");
                    return Ok(());
                }
                ConversationChange::Unknown => {}
            },
            ConversationUpdate::Reconnecting { reason, .. } => eprintln!("{reason}"),
        }
    }
    Ok(())
}

/// The API of the environment. [`Credentials::user`] signs in by itself.
fn client() -> Result<Client, Box<dyn Error>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the program's entry point"
    )]
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} isn't set"));
    let client = Client::builder(variable("TOKENCAST_API_URL")?)
        .credentials(Credentials::token(variable("TOKENCAST_TOKEN")?))
        .build()?;
    Ok(client)
}
