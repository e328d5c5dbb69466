//! How many calls a process makes to one service at a time, against a server that answers only when it is told to.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use futures_util::future::join_all;
use tokencast_aws::queue::SqsQueue;
use tokencast_aws::sdk::{self, MAX_CALLS};
use tokencast_aws::sessions::SessionTable;
use tokencast_core::id::SessionId;
use tokencast_core::ports::{Receipt as _, SessionStore as _};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// More than may be under way.
const CALLS: usize = 5 * MAX_CALLS;
const PATIENCE: Duration = Duration::from_mins(1);

/// A DynamoDB and an SQS that know nothing and agree to everything, once they may.
struct Service {
    url: String,
    /// How many requests have come.
    asked: watch::Receiver<usize>,
    /// An answer for each permit.
    answers: Arc<Semaphore>,
}

impl Service {
    async fn start() -> Self {
        let (ask, asked) = watch::channel(0);
        let answers = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&answers);
        let service = Router::new().fallback(async move || {
            ask.send_modify(|asked| *asked += 1);
            permits.acquire().await.expect("never closed").forget();
            ([(CONTENT_TYPE, "application/x-amz-json-1.0")], "{}")
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("loopback works");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(axum::serve(listener, service).into_future());
        Self {
            url: format!("http://{address}"),
            asked,
            answers,
        }
    }

    /// Answers so many requests, one after another, each once all have come that may.
    async fn answer(&mut self) {
        let before = *self.asked.borrow();
        for answered in 0..CALLS {
            let expected = before + CALLS.min(answered + MAX_CALLS);
            let asked = self.asked.wait_for(|asked| *asked >= expected);
            let asked = tokio::time::timeout(PATIENCE, asked).await;
            let asked = *asked.expect("as many come as may").expect("it runs");
            assert_eq!(asked, expected, "with {answered} answered");
            self.answers.add_permits(1);
        }
    }
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_for_one_that_is_answered() {
    let mut service = Service::start().await;
    let sdk = sdk::load_for_endpoint(&service.url, "us-east-1").await;
    let table = SessionTable::new(&sdk, "sessions".to_owned(), "conversations".to_owned());
    let reads = join_all((0..CALLS).map(|_| table.get(SessionId::random())));
    let (read, ()) = tokio::join!(reads, service.answer());
    assert!(read.into_iter().all(|read| matches!(read, Ok(None))));

    let queue = SqsQueue::new(&sdk, format!("{}/000000000000/jobs", service.url));
    let receipt = queue.receipt("receipt".to_owned());
    let changes = join_all((0..CALLS).map(|_| receipt.extend_visibility(Duration::from_secs(30))));
    let (outcomes, ()) = tokio::join!(changes, service.answer());
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}
