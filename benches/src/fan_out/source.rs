//! Whoever publishes: a worker's own publisher, or whoever feeds the plain broadcast.

use std::net::SocketAddr;

use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::clock::SystemClock;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{Fence, TokenSink as _};
use tokencast_core::session::Status;
use tokencast_core::time::Deadline;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::child::Child;
use super::frames;
use super::subscriber::Target;
use crate::error::{BenchError, Step as _};

pub(super) enum Source {
    AppSync {
        publisher: Box<AppSyncPublisher<SystemClock>>,
        session_id: SessionId,
        address: SocketAddr,
        token: String,
    },
    Broadcast {
        stream: TcpStream,
        address: SocketAddr,
        session_id: SessionId,
    },
}

impl Source {
    pub(super) async fn stack(child: &Child) -> Result<Self, BenchError> {
        let (url, region) = (child.text("url")?, child.text("region")?);
        let sdk = tokencast_aws::sdk::load_for_endpoint(url, region).await;
        let publisher = AppSyncPublisher::new(&sdk, child.text("graphql")?, SystemClock);
        Ok(Self::AppSync {
            publisher: Box::new(publisher.to("make a publisher")?),
            session_id: SessionId::random(),
            address: child.text("address")?.parse().to("read an address")?,
            token: child.text("token")?.to_owned(),
        })
    }

    pub(super) async fn broadcast(child: &Child) -> Result<Self, BenchError> {
        let publisher: SocketAddr = child.text("publisher")?.parse().to("read an address")?;
        let stream = TcpStream::connect(publisher).await.to("connect")?;
        stream.set_nodelay(true).to("connect")?;
        Ok(Self::Broadcast {
            stream,
            address: child.text("address")?.parse().to("read an address")?,
            session_id: SessionId::random(),
        })
    }

    /// Where its subscribers connect. Each crowd has a session of its own, whose numbers begin at 1.
    pub(super) fn target(&mut self) -> Target {
        match self {
            Self::AppSync {
                session_id,
                address,
                token,
                ..
            } => {
                *session_id = SessionId::random();
                Target::AppSync {
                    address: *address,
                    token: token.clone(),
                    session_id: session_id.to_string(),
                }
            }
            Self::Broadcast { address, .. } => Target::Broadcast { address: *address },
        }
    }

    /// Gives one event away, and waits for the answer to that.
    pub(super) async fn publish(&mut self, sequence: usize, token: &str) -> Result<(), BenchError> {
        match self {
            Self::AppSync {
                publisher,
                session_id,
                ..
            } => {
                let event = TokenEvent {
                    session_id: *session_id,
                    attempt: Attempt(1),
                    sequence: Sequence(u32::try_from(sequence).unwrap_or(u32::MAX)),
                    token: token.to_owned(),
                    status: Status::Streaming,
                    ending: None,
                };
                let fence = Fence::open(*session_id);
                let published = publisher.publish(&event, &fence, Deadline::NEVER).await;
                published.map_err(|failure| BenchError::Wrong(failure.message))
            }
            Self::Broadcast {
                stream, session_id, ..
            } => {
                let frame = frames::text(&event_frame(session_id, token, sequence));
                let length = frame.len();
                let head = format!(
                    "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n"
                );
                let request = [head.as_bytes(), &frame].concat();
                stream.write_all(&request).await.to("publish")?;
                let mut answer = Vec::new();
                while !answer.ends_with(b"{}") {
                    if stream.read_buf(&mut answer).await.to("publish")? == 0 {
                        return Err(BenchError::Wrong("the broadcast hung up".to_owned()));
                    }
                }
                Ok(())
            }
        }
    }
}

/// What AppSync's subscriber gets for the same event, byte for byte but for the id.
fn event_frame(id: &SessionId, token: &str, sequence: usize) -> String {
    format!(
        r#"{{"id":"{id}","type":"data","payload":{{"data":{{"onTokenReceived":{{"sessionId":"{id}","token":"{token}","isComplete":false,"attempt":1,"status":"STREAMING","sequence":{sequence}}}}}}}}}"#
    )
}
