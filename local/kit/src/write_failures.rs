//! Reports that a file can't be written, mostly because the disk is full.
//!
//! A stack that went on would still respond but lose what it is sent, such as prompts. So the first failure is
//! reported, with the file's name, to the program that runs the stack, which then ends the stack.

use std::path::Path;

use tokio::sync::watch;

/// The failures that a stack's services report. Clones share them.
#[derive(Clone, Debug)]
pub struct WriteFailures {
    first: watch::Sender<Option<String>>,
}

impl Default for WriteFailures {
    fn default() -> Self {
        Self {
            first: watch::Sender::new(None),
        }
    }
}

impl WriteFailures {
    /// Reports that `file` couldn't be written. Only the first report is logged.
    pub fn report(&self, file: &Path, why: &str) {
        let text = format!("`{}` can't be written: {why}", file.display());
        let is_first = self.first.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(text.clone());
            }
            is_first
        });
        if is_first {
            tracing::error!("{text}");
        }
    }

    /// Resolves to the first failure's text, once there is one.
    pub async fn first(&self) -> String {
        let mut first = self.first.subscribe();
        match first.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_default(),
            // Can't happen: `self` holds the sender.
            Err(_) => std::future::pending().await,
        }
    }
}
