//! One connection: reading, writing and closing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{FuturesUnordered, SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use local_kit::outbox::Inbox;
use local_kit::usage::Count;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::connections::{Connection, Registration};
use super::{Api, DISCONNECT, SERVICE, event, integration, route};

/// How long the last frames, and then the client's own close frame, are waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The code for an end without a close frame (RFC 6455, 7.1.5).
const ABNORMAL: u16 = 1006;
/// The code for a close frame without a code.
const NO_STATUS: u16 = 1005;

/// How a connection ended, which `$disconnect` is told.
struct Ended {
    code: u16,
    reason: String,
    /// Whether a close was queued for the client, who hasn't sent one.
    by_us: bool,
}

/// Serves a connection until the client leaves, the API or the stack ends it, or the client doesn't read. Then runs
/// `$disconnect`.
pub(super) async fn serve(
    api: Arc<Api>,
    registration: Registration,
    inbox: Inbox,
    socket: WebSocket,
    closing: CancellationToken,
) {
    let connection = Arc::clone(&registration.connection);
    let started = Instant::now();
    let overflowed = connection.outbox.overflowed();
    let ended = tokio::select! {
        ended = converse(&api, registration, inbox, socket, &closing) => ended,
        () = overflowed => {
            debug!("a client is cut: it doesn't read, or a fault was planned");
            Ended::without_close()
        }
    };
    let lasted = Count::default().lasting(started.elapsed());
    api.usage.add(SERVICE.name(), "connect", lasted);
    if !closing.is_cancelled() {
        disconnected(&api, &connection, &ended);
    }
}

/// Invokes `$disconnect`, without anybody waiting for it.
fn disconnected(api: &Arc<Api>, connection: &Connection, ended: &Ended) {
    let Some(route) = api.config.routes.get(DISCONNECT) else {
        return;
    };
    let function = route.function.clone();
    let event = event::disconnect(api, connection, ended.code, &ended.reason);
    let asking = Arc::clone(api);
    api.tasks.spawn(async move {
        if let Err(error) = integration::proxy(&asking, &function, event).await {
            debug!(
                error = &error as &dyn std::error::Error,
                "$disconnect failed"
            );
        }
    });
}

async fn converse(
    api: &Api,
    registration: Registration,
    inbox: Inbox,
    socket: WebSocket,
    closing: &CancellationToken,
) -> Ended {
    let connection = Arc::clone(&registration.connection);
    let (sink, mut stream) = socket.split();
    let mut writing = std::pin::pin!(write(sink, inbox));
    let (ended, is_written) = tokio::select! {
        // The connection is to be closed, or the client is gone.
        code = &mut writing => {
            let ended = Ended {
                by_us: code != ABNORMAL,
                ..Ended::at(code, "Connection Closed Normally")
            };
            (ended, true)
        }
        ended = read(api, &connection, &mut stream, closing) => (ended, false),
    };
    // A socket that is about to close gets no more messages.
    drop(registration);
    if ended.by_us {
        let goodbye = async {
            if !is_written {
                writing.as_mut().await;
            }
            // Closing with unread data would reset the connection, and the client might lose the last frames.
            while let Some(Ok(_)) = stream.next().await {}
        };
        if timeout(CLOSE_TIMEOUT, goodbye).await.is_err() {
            debug!("the client didn't close");
        }
    }
    ended
}

impl Ended {
    fn without_close() -> Self {
        Self::at(ABNORMAL, "Connection Closed Abnormally")
    }

    fn at(code: u16, reason: &str) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            by_us: false,
        }
    }
}

/// Queues a close frame.
fn close(connection: &Connection, code: u16, reason: &'static str) -> Ended {
    connection.close(code, reason);
    Ended {
        by_us: true,
        ..Ended::at(code, reason)
    }
}

async fn read(
    api: &Api,
    connection: &Connection,
    stream: &mut SplitStream<WebSocket>,
    closing: &CancellationToken,
) -> Ended {
    let limits = &api.config.limits;
    let most = usize::try_from(limits.concurrent_messages.get()).unwrap_or(usize::MAX);
    let dies_at_ms = after(connection.connected_at_ms, limits.lifetime);
    let mut life = std::pin::pin!(api.clock.sleep_until(dies_at_ms));
    let mut idle = std::pin::pin!(idle(api, connection));
    let mut with_integrations = FuturesUnordered::new();
    let mut closed = None;
    loop {
        tokio::select! {
            message = stream.next(), if with_integrations.len() < most => {
                connection.is_active(api.clock.now_ms());
                match message {
                    Some(Ok(Message::Text(text))) => {
                        with_integrations.push(async move { route::message(api, connection, &text).await });
                    }
                    Some(Ok(Message::Binary(_))) => {
                        return close(connection, close_code::UNSUPPORTED, "Binary frames are not supported");
                    }
                    // The library answers a close frame; the stream ends after it.
                    Some(Ok(Message::Close(frame))) => closed = Some(frame),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Err(error)) if is_too_long(&error) => {
                        return close(connection, close_code::SIZE, "Message too long");
                    }
                    Some(Err(error)) => {
                        debug!(%error, "socket");
                        return closed.map_or_else(Ended::without_close, by_client);
                    }
                    None => return closed.map_or_else(Ended::without_close, by_client),
                }
            }
            Some(()) = with_integrations.next() => {}
            () = &mut idle => return close(connection, close_code::AWAY, "Going away"),
            () = &mut life => return close(connection, close_code::AWAY, "Going away"),
            () = closing.cancelled() => return close(connection, close_code::AWAY, "Going away"),
        }
    }
}

/// Returns once no message was sent or received for the idle limit.
async fn idle(api: &Api, connection: &Connection) {
    loop {
        let until_ms = after(connection.last_active_ms(), api.config.limits.idle_timeout);
        if api.clock.now_ms() >= until_ms {
            return;
        }
        api.clock.sleep_until(until_ms).await;
    }
}

fn after(at_ms: i64, duration: Duration) -> i64 {
    at_ms.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

fn by_client(frame: Option<CloseFrame>) -> Ended {
    match frame {
        Some(frame) => Ended::at(frame.code, frame.reason.as_str()),
        None => Ended::at(NO_STATUS, "Client-side close frame status not set"),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    use std::error::Error as _;
    error
        .source()
        .is_some_and(|source| source.to_string().starts_with("Space limit exceeded"))
}

/// Sends the queued frames, as many as are there at a time. Returns the code of the close frame that it sent, or
/// [`ABNORMAL`].
async fn write(mut sink: SplitSink<WebSocket, Message>, mut inbox: Inbox) -> u16 {
    loop {
        let mut next = inbox.next().await;
        if next.is_none() {
            return ABNORMAL;
        }
        while let Some(frame) = next {
            let Some(message) = frame.into_message() else {
                let _ = sink.flush().await;
                inbox.cut();
                return ABNORMAL;
            };
            let code = match &message {
                Message::Close(frame) => frame.as_ref().map(|frame| frame.code),
                _ => None,
            };
            if sink.feed(message).await.is_err() {
                return ABNORMAL;
            }
            if let Some(code) = code {
                let _ = sink.flush().await;
                return code;
            }
            next = inbox.try_next();
        }
        if sink.flush().await.is_err() {
            return ABNORMAL;
        }
    }
}
