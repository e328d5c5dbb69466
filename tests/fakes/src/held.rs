//! Calls that are never answered.

use serde_json::Value;
use tokio::sync::mpsc;

use super::Call;

/// What the test hears of a call whose caller gave up.
pub const GIVEN_UP: &str = "given up";

struct Held(mpsc::Sender<Call>);

impl Drop for Held {
    fn drop(&mut self) {
        // A test that is over hears nothing more.
        let _ = self.0.try_send(Call {
            operation: GIVEN_UP.to_owned(),
            variables: Value::Null,
            authorization: String::new(),
        });
    }
}

/// The server drops this future when its connection closes.
pub async fn until_the_caller_leaves(calls: mpsc::Sender<Call>) {
    let _held = Held(calls);
    std::future::pending::<()>().await;
}
