//! Many subscribers, one of whom doesn't read.

use local_kit::outbox::OutboxLimits;

use super::*;

const READERS: usize = 50;
const EVENTS: usize = 1_000;
/// Enough that its frames exceed the kernel's buffers for a socket, while those of the readers stay small.
const STALLED_SUBSCRIPTIONS: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_read_delays_nobody() {
    // Fewer than are published, but more than the readers are ever behind. The rest is in the sockets' buffers.
    let outbox = OutboxLimits {
        frames: 100_000,
        bytes: 256 * 1024,
    };
    let stack = Stack::start(RealtimeLimits {
        outbox,
        ..RealtimeLimits::default()
    })
    .await;
    let mut stalled = stack.client().await;
    for id in 0..STALLED_SUBSCRIPTIONS {
        stalled.start(&stack, &format!("stalled-{id}"), "s").await;
    }
    let mut readers = Vec::new();
    let progress = Arc::new(tokio::sync::Semaphore::new(0));
    for reader in 0..READERS {
        let id = format!("reader-{reader}");
        let mut client = stack.client().await;
        client.start(&stack, &id, "s").await;
        let progress = Arc::clone(&progress);
        readers.push(tokio::spawn(async move {
            for event in 0..EVENTS {
                let frame = client.next().await;
                assert_eq!(frame["id"], id);
                let token = frame["payload"]["data"]["onTokenReceived"]["token"]
                    .as_str()
                    .expect("a token");
                assert_eq!(
                    token.split_once(' ').expect("a number").0,
                    event.to_string()
                );
                progress.add_permits(1);
            }
        }));
    }
    let filler = "x".repeat(1024);
    for event in 0..EVENTS {
        stack.publish("s", &format!("{event} {filler}"));
        // Like a worker that waits for its mutation's response, so that the readers are at most a few events behind.
        let read = progress.acquire_many(u32::try_from(READERS).expect("few"));
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("the readers keep up")
            .expect("open")
            .forget();
    }
    for reader in readers {
        reader.await.expect("every event in order");
    }
    // The subscriber that doesn't read was cut, and left the hub.
    let gone = async {
        while stack.publish("s", "end 0") != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("nobody listens any more");
    stack.stop().await;
    drop(stalled);
}
