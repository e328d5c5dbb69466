//! Writes each of the caller's conversations into a Markdown file of its own, in the working directory.
//!
//! ```text
//! export TOKENCAST_API_URL=… TOKENCAST_TOKEN=…
//! cargo run --example export
//! ```

use std::error::Error;

use tokencast_client::conversations::{ExportFormat, Page};
use tokencast_client::{Client, Credentials};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let conversations = client()?.conversations();
    let mut page = Page::default();
    loop {
        let list = conversations.list(page).await?;
        for conversation in list.items {
            let id = conversation.conversation_id;
            // `None`: it was deleted since.
            if let Some(markdown) = conversations.export(id, ExportFormat::Markdown).await? {
                let file = format!("{id}.md");
                std::fs::write(&file, markdown)?;
                println!("{file}: {}", conversation.title);
            }
        }
        if list.next_token.is_none() {
            return Ok(());
        }
        page = Page {
            next_token: list.next_token,
            ..Page::default()
        };
    }
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
