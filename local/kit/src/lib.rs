//! What the local AWS services share. It is in a crate of its own so that no service depends on another.
//!
//! | module | what |
//! | --- | --- |
//! | [`clock`] | the clock that decides expiry and deadlines; tests can advance it |
//! | [`endpoints`] | the URLs and ARNs of a stack |
//! | [`usage`] | counts of the requests to each service |
//! | [`peer`] | the address and connection that a request comes from |
//! | [`local_host`] | the host names of this machine |
//! | [`invoke`] | invoking a Lambda function |
//! | [`process`] | the processes that sign with an access key |
//! | [`outbox`] | the frames that wait to be sent on one WebSocket |
//! | [`proxy_event`] | the fields that function URL events and WebSocket API events share |
//! | [`tasks`] | background tasks that end together |
//! | [`private_files`], [`private_listener`] | files and ports that only their owner may use |
//! | [`write_failures`] | the first file that couldn't be written |

pub mod clock;
pub mod endpoints;
pub mod invoke;
pub mod local_host;
pub mod outbox;
pub mod peer;
pub mod private_files;
pub mod private_listener;
pub mod process;
pub mod proxy_event;
pub mod tasks;
pub mod usage;
pub mod write_failures;
