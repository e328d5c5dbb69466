//! The worker's work for a publish before it is sent: the mutation's body, the signature, the headers.

use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::sdk;
use tokencast_core::block::Piece;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::Clock;
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;

use crate::GuardError;

const URL: &str = "https://example.appsync-api.us-east-1.amazonaws.com/graphql";

/// Makes so many signed requests.
pub(crate) async fn requests(events: usize) -> Result<(), GuardError> {
    let sdk = sdk::load_for_endpoint("http://localhost", "us-east-1").await;
    let publisher = AppSyncPublisher::new(&sdk, URL, StoppedClock)
        .map_err(|_| GuardError::Wrong("there is no publisher"))?;
    let session_id: SessionId = "3f0c9a5e-7d1b-4a64-9f43-0c2d6b1e8a77"
        .parse()
        .map_err(|_| GuardError::Wrong("the session's id is malformed"))?;
    let mut event = TokenEvent {
        session_id,
        attempt: Attempt(1),
        sequence: Sequence(0),
        piece: Some(Piece::text(" token")),
        status: Status::Streaming,
        ending: None,
    };
    for _ in 0..events {
        event.sequence = event.sequence.next();
        let request = publisher.request(&event).await;
        if !request.is_ok_and(|request| request.headers().contains_key("authorization")) {
            return Err(GuardError::Wrong("a request was not signed"));
        }
    }
    Ok(())
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
}
