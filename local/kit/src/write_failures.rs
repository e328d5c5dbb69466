//! A file that can't be written any more, mostly because the disk is full.
//!
//! A stack that goes on then answers, but loses what it is told: prompts would be taken and never answered. So whoever runs
//! the stack hears of the first failure, with the file's name, and ends it.

use std::path::Path;

use tokio::sync::watch;

/// Where a stack's services report them. Clones share it.
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

    /// The first failure, once there is one.
    pub async fn first(&self) -> String {
        let mut first = self.first.subscribe();
        match first.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_default(),
            // Not while `self` is there.
            Err(_) => std::future::pending().await,
        }
    }
}
