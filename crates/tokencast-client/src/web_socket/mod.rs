//! A session over an API Gateway WebSocket API: the actions `stream`, `stop` and `resume`, and the frames that answer them.

mod connection;
mod frames;
mod split;

use tokio::time::timeout;
use uuid::Uuid;

use crate::dial::Setup;
use crate::error::Error;
use crate::http::Caller;

pub(crate) use connection::Connection;
pub(crate) use frames::{Action, Incoming};

/// Stops a session, on a connection of its own.
pub(crate) async fn stop(caller: &Caller, setup: &Setup, session_id: Uuid) -> Result<(), Error> {
    caller
        .retry("stop", || async {
            let mut connection = Connection::open(caller, setup).await?;
            let stopping = async {
                connection.send(&Action::Stop { session_id }).await?;
                loop {
                    match connection.next().await? {
                        Incoming::Stopping { session_id: id } if id == session_id => return Ok(()),
                        Incoming::Refused {
                            session_id: id,
                            error,
                        } if id.is_none_or(|id| id == session_id) => {
                            return Err(error);
                        }
                        _ => {}
                    }
                }
            };
            let stopped = timeout(caller.timeout, stopping).await;
            connection.close().await;
            stopped.unwrap_or(Err(Error::Timeout {
                what: "`stopping`",
                after: caller.timeout,
            }))
        })
        .await
}
