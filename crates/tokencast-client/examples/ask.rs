//! Asks, and prints the answer as it comes: the text on stdout, what the model thinks and the sources on stderr.
//!
//! ```text
//! export TOKENCAST_API_URL=… TOKENCAST_TOKEN=…
//! cargo run --example ask "Why do rivers meander?"
//! ```

use std::error::Error;
use std::io::Write;

use tokencast_client::{AnswerEvent, Client, Credentials};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let prompt = std::env::args().nth(1).ok_or("expected a prompt")?;
    let mut answer = client()?.stream(prompt);
    while let Some(event) = answer.next().await {
        match event? {
            AnswerEvent::Text { text, .. } => {
                print!("{text}");
                std::io::stdout().flush()?;
            }
            AnswerEvent::Reasoning { text, .. } => eprint!("{text}"),
            AnswerEvent::Citation { citation, .. } => {
                eprintln!("\nsource: {}", citation.url.unwrap_or_default());
            }
            // Another worker has taken over: what was printed is void.
            AnswerEvent::Restarted { .. } => println!("\n--- again ---"),
            AnswerEvent::Failed { code, message, .. } => {
                return Err(format!("{code}: {message}").into());
            }
            _ => {}
        }
    }
    println!();
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
