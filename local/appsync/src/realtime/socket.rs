//! Reads and writes one socket, sends keep-alives, and closes it.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use local_faults::SubscriptionError;
use local_kit::outbox::{Frame, Inbox};
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::session::{Change, Session, Started};

/// How long the last frames, and then the client's own close frame, are waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How a protocol reacts to its socket. `Break` means that a close frame is queued and nothing more is read.
pub(super) trait Protocol: Send {
    const KEEP_ALIVE: &'static str;

    fn text(&mut self, session: &mut Session, text: &str) -> ControlFlow<()>;

    /// A message that the protocol doesn't have: binary, or too long.
    fn unusable(&mut self, session: &mut Session, why: &'static str) -> ControlFlow<()>;

    fn started(&mut self, session: &mut Session, started: Started);

    /// A subscription has ended, though nobody stopped it.
    fn over(&mut self, session: &mut Session, id: &str, error: &SubscriptionError);

    /// Completes when the client should have sent something and hasn't.
    fn impatient(&self) -> impl Future<Output = (u16, &'static str)> + Send;
}

/// Serves a socket until the client leaves, the protocol or the stack ends it, its lifetime is over, or the client
/// doesn't read.
pub(super) async fn serve<P: Protocol>(
    mut protocol: P,
    mut session: Session,
    inbox: Inbox,
    socket: WebSocket,
) {
    let (sink, mut stream) = socket.split();
    let keep_alive = session.realtime.limits.keep_alive;
    let outbox = session.outbox.clone();
    let overflowed = outbox.overflowed();
    let serving = async {
        // The writer is a task of its own, so that an event wakes only the writer. It ends with this task.
        let mut writing =
            AbortOnDropHandle::new(tokio::spawn(write(sink, inbox, P::KEEP_ALIVE, keep_alive)));
        let ended = tokio::select! {
            _ = &mut writing => Ended::Written,
            ended = read(&mut protocol, &mut session, &mut stream) => ended,
        };
        // A socket that is about to close gets no more events.
        drop(session);
        let goodbye = async {
            if matches!(ended, Ended::ByUs | Ended::Unreadable) {
                // Its result doesn't matter, not even a panic: the socket is closed all the same.
                let _ = writing.await;
            }
            if ended == Ended::Unreadable {
                std::future::pending::<()>().await;
            }
            // Closing with unread data would reset the connection, and the client might lose the last frames.
            while let Some(Ok(_)) = stream.next().await {}
        };
        if ended != Ended::ByClient && timeout(CLOSE_TIMEOUT, goodbye).await.is_err() {
            debug!("the client didn't close");
        }
    };
    tokio::select! {
        () = serving => {}
        () = overflowed => debug!("a subscriber is cut: it doesn't read, or a fault was planned"),
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    ByClient,
    /// A close frame is queued.
    ByUs,
    /// A close frame is queued, and nothing more can be read.
    Unreadable,
    /// A close frame was sent, or sending failed.
    Written,
}

async fn read<P: Protocol>(
    protocol: &mut P,
    session: &mut Session,
    stream: &mut SplitStream<WebSocket>,
) -> Ended {
    let clock = session.realtime.clock.clone();
    let lifetime_ms =
        i64::try_from(session.realtime.limits.lifetime.as_millis()).unwrap_or(i64::MAX);
    let dies_at = clock.now_ms().saturating_add(lifetime_ms);
    let mut life = std::pin::pin!(clock.sleep_until(dies_at));
    let closing = session.origin.closing.clone();
    loop {
        let flow = tokio::select! {
            message = stream.next() => match message {
                None => return Ended::ByClient,
                Some(Ok(message)) => receive(protocol, session, message),
                Some(Err(error)) => {
                    debug!(%error, "socket");
                    if !is_too_long(&error) {
                        return Ended::ByClient;
                    }
                    let _ = protocol.unusable(session, "The message is too long.");
                    session.close(close_code::SIZE, "message too long");
                    return Ended::Unreadable;
                }
            },
            change = session.next_change() => {
                match change {
                    Change::Started(started) => protocol.started(session, started),
                    Change::Over { id, error } => protocol.over(session, &id, &error),
                }
                ControlFlow::Continue(())
            }
            (code, reason) = protocol.impatient() => {
                session.close(code, reason);
                ControlFlow::Break(())
            }
            () = closing.cancelled() => {
                session.close(close_code::AWAY, "the stack shuts down");
                ControlFlow::Break(())
            }
            () = &mut life => {
                session.close(close_code::NORMAL, "the connection's life is over");
                ControlFlow::Break(())
            }
        };
        if flow.is_break() {
            return Ended::ByUs;
        }
    }
}

fn receive<P: Protocol>(
    protocol: &mut P,
    session: &mut Session,
    message: Message,
) -> ControlFlow<()> {
    match message {
        Message::Text(text) if text.len() > session.realtime.limits.message_bytes => {
            protocol.unusable(session, "The message is too long.")
        }
        Message::Text(text) => protocol.text(session, &text),
        Message::Binary(_) => protocol.unusable(session, "Binary messages are not supported."),
        // The library answers these. After a close frame the stream ends.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => ControlFlow::Continue(()),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    use std::error::Error;
    error
        .source()
        .is_some_and(|source| source.to_string().starts_with("Space limit exceeded"))
}

/// Sends the queued frames, as many as are there at a time, and keep-alives when they are due.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut inbox: Inbox,
    keep_alive: &'static str,
    period: Duration,
) {
    let mut due = interval_at(tokio::time::Instant::now() + period, period);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut next = tokio::select! {
            biased;
            frame = inbox.next() => frame,
            _ = due.tick() => Some(Frame::Text(Utf8Bytes::from_static(keep_alive))),
        };
        if next.is_none() {
            return;
        }
        while let Some(frame) = next {
            let is_last = matches!(frame, Frame::Close { .. });
            let Some(message) = frame.into_message() else {
                let _ = sink.flush().await;
                inbox.cut();
                return;
            };
            if sink.feed(message).await.is_err() {
                return;
            }
            if is_last {
                let _ = sink.flush().await;
                return;
            }
            next = inbox.try_next();
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}
