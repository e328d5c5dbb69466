//! The sessions of one request, which is asked anew after a failure or a stop: one try after the other, each with an id of
//! its own. Whoever sends the request again finds the same try.

use tokencast_core::id::{Owner, SessionId};
use tokencast_core::ports::RequestPorts;
use tokencast_core::requests::{RequestError, Requests};
use tokencast_core::session::{Session, Status};

use crate::ids;

/// A request that failed so often gets an id that nobody finds again.
const MAX_TRIES: usize = 32;

/// The last try of a request.
pub enum Try {
    /// Nobody has started it.
    Free(SessionId),
    /// It is running, or has ended well.
    Taken(Box<Session>),
}

/// Looks for the last try. `first` is the id of the first.
///
/// # Errors
///
/// A session is somebody else's or was deleted, or a table does not answer.
pub async fn last<P: RequestPorts>(
    requests: &Requests<P>,
    owner: &Owner,
    first: SessionId,
) -> Result<Try, RequestError> {
    let mut id = first;
    for _ in 0..MAX_TRIES {
        let Some(found) = requests.read(owner, id).await? else {
            return Ok(Try::Free(id));
        };
        match found.status {
            Status::Claimed => return Ok(Try::Free(id)),
            Status::Queued | Status::Streaming | Status::Completed => {
                return Ok(Try::Taken(Box::new(found)));
            }
            Status::Failed | Status::Cancelled => id = ids::again(id),
        }
    }
    Ok(Try::Free(SessionId::random()))
}
