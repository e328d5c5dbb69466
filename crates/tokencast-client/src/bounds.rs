//! How long a client waits for what: docs/PROTOCOL.md, "How long a client waits", says what happens then.

use std::time::Duration;

/// The bounds that a user of the crate may set.
///
/// ```no_run
/// # fn example() -> Result<(), tokencast_client::Error> {
/// use std::time::Duration;
/// use tokencast_client::{Client, Credentials, Timeouts};
///
/// let client = Client::builder("http://localhost:4680/graphql")
///     .credentials(Credentials::token("a JWT"))
///     .timeouts(Timeouts {
///         give_up_after: Duration::from_secs(20),
///         ..Timeouts::default()
///     })
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For one call over HTTP, or one action on a WebSocket. AppSync itself cuts a resolver at 30 s.
    pub call: Duration,
    /// From the first try of a start, as long as what keeps it may pass. No try begins after that.
    pub start_within: Duration,
    /// For a socket, with TLS and the handshake.
    pub connect: Duration,
    /// For `connection_ack`.
    pub ack: Duration,
    /// For `start_ack`.
    pub start_ack: Duration,
    /// The longest silence of a server that doesn't name one in its `connection_ack`.
    pub keep_alive: Duration,
    /// The longest silence of a function that streams: it says something each 15 s.
    pub stream_silence: Duration,
    /// For the first subscription, or the first event stream, with all tries.
    pub first_connection: Duration,
    /// From the loss of a connection, or from the first call that failed, until the stream ends with
    /// [`Error::GaveUp`](crate::Error::GaveUp).
    pub give_up_after: Duration,
    /// The pause before the first reconnection; it doubles.
    pub retry_first: Duration,
    /// The longest pause.
    pub retry_max: Duration,
    /// How long a gap may stay before the session is asked for: by `getStream`, or over a WebSocket API by `resume`.
    pub gap: Duration,
    /// After so long without an event it is asked for, too, lest the last one was lost. While the session waits in its
    /// queue, twice and then four times as long.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            start_within: Duration::from_mins(1),
            connect: Duration::from_secs(10),
            ack: Duration::from_secs(15),
            start_ack: Duration::from_secs(15),
            keep_alive: Duration::from_mins(5),
            stream_silence: Duration::from_secs(45),
            first_connection: Duration::from_secs(5),
            give_up_after: Duration::from_mins(5),
            retry_first: Duration::from_millis(250),
            retry_max: Duration::from_secs(10),
            gap: Duration::from_millis(150),
            idle: Duration::from_secs(15),
        }
    }
}

/// A connection that lasted this long, or brought something new, has ended an outage.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(10);
/// The longest silence that a server may ask its client to bear.
pub(crate) const MAX_KEEP_ALIVE: Duration = Duration::from_mins(10);
/// The longest pause that a server may ask for.
pub(crate) const MAX_SERVERS_PAUSE: Duration = Duration::from_mins(1);
/// How long a close may take; the socket is dropped after that.
pub(crate) const CLOSE: Duration = Duration::from_secs(1);

/// The pause between two questions about a gap; it doubles.
pub(crate) const GAP_RETRY_FIRST: Duration = Duration::from_millis(250);
/// The worker writes the session down about twice a second, so that asking less often than this only delays.
pub(crate) const GAP_RETRY_MAX: Duration = Duration::from_secs(2);

/// A listener takes an id that nobody has used. If this many answers in a row, over a second and a half or so, say that a
/// session was merely claimed, then nobody is about to start it.
pub(crate) const MAX_CLAIMED: u32 = 3;
/// This many answers in a row say that there is no record. One may be older than the start.
pub(crate) const MAX_UNKNOWN: u32 = 2;

/// How often a call is tried that isn't a start.
pub(crate) const CALL_TRIES: u32 = 3;
/// The pause between two tries; it doubles.
pub(crate) const CALL_RETRY_FIRST: Duration = Duration::from_millis(200);
pub(crate) const CALL_RETRY_MAX: Duration = Duration::from_secs(2);

/// For one request to Cognito.
pub(crate) const SIGN_IN: Duration = Duration::from_secs(15);
/// How long before its end a token is no longer used.
pub(crate) const RENEW_BEFORE: Duration = Duration::from_mins(1);
/// A token that is refused is renewed: its age may be another by the server's clock. But one younger than this isn't renewed
/// if it replaced a refused one: then it isn't refused for its age.
pub(crate) const FRESH: Duration = Duration::from_secs(30);

/// How far the wall clock has to be ahead of the monotonic one for the machine to have slept. It may be set, and is by NTP, so
/// that a smaller step says nothing.
pub(crate) const SLEEP: Duration = Duration::from_secs(30);
