//! How long an attempt is alone, beside how long its message is hidden.

use std::time::Duration;

use tokencast_core::time::Timestamp;
use tokio::time::timeout;

use crate::scene::{Scene, failing, ms};

#[tokio::test(start_paused = true)]
async fn a_slow_table_does_not_make_the_lease_outlive_the_hidden_message() {
    let mut scene = Scene::new(failing(0, None, true));
    scene.store.latency = ms(5_000);
    // The model says nothing, so the attempt goes on until it is dropped, as when a process is killed.
    let killed = timeout(ms(6_000), scene.deliver()).await;
    assert!(killed.is_err(), "{killed:?}");
    let hidden = scene.receipt.hidden.lock().expect("not poisoned").clone();
    assert_eq!(hidden, [Duration::from_secs(30)]);
    // The message was hidden at 0.
    assert_eq!(
        scene.session().lease_until(),
        Timestamp::from_millis(30_000)
    );
}
