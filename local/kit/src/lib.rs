//! What the local AWS services share, so that none needs another.
//!
//! | module | what |
//! | --- | --- |
//! | [`clock`] | the time that decides, which a test may move |
//! | [`endpoints`] | where the stack answers: URLs and ARNs |
//! | [`usage`] | what was asked of each service, counted |
//! | [`peer`] | where a request comes from |
//! | [`local_host`] | the names of this machine |
//! | [`invoke`] | what services ask of Lambda |
//! | [`process`] | the processes behind access keys |
//! | [`outbox`] | what waits to be sent on one WebSocket |
//! | [`proxy_event`] | what the events of function URLs and of WebSocket APIs have in common |
//! | [`tasks`] | tasks that end together |
//! | [`private_files`], [`private_listener`] | files and ports for their owner alone |
//! | [`write_failures`] | a file that can't be written any more |

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
