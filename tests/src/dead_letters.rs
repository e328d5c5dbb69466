//! The dead-letter queue, and the command that puts its messages back.

use serde_json::Value;

use crate::{TestStack, eventually};

impl TestStack {
    /// Returns the bodies in the dead-letter queue, once there are so many.
    pub async fn dead_letters(&self, count: u32) -> Vec<String> {
        let url = self.dead_letter_queue_url();
        eventually("the dead letters", || async {
            (self.messages_in(&url).await == count).then_some(())
        })
        .await;
        let receive = self
            .sqs()
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10)
            .visibility_timeout(0);
        let received = receive
            .send()
            .await
            .expect("received")
            .messages
            .unwrap_or_default();
        received
            .into_iter()
            .map(|message| message.body.expect("a body"))
            .collect()
    }

    /// Runs `tokencast redrive` on the stack. Returns one JSON object for each message.
    pub async fn redrive(&self, what: &[&str]) -> Vec<Value> {
        let port = self.running.info.endpoints.address.port().to_string();
        let output = self
            .command(&[&["redrive", "--json", "--local", &port], what].concat())
            .await;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}
