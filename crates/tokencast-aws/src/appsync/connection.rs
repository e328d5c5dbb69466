//! Kept-alive connections to AppSync, one publish at a time on each.
//!
//! A publish is one write and, as a rule, one read, into buffers that stay with the connection.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::answer::{self, AnswerError};
use super::endpoint::Endpoint;
use crate::tls::Trust;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Shorter than AppSync keeps an idle connection, so that a frozen function does not wake up to a dead one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A usual answer, with its head.
const RECEIVE_BYTES: usize = 2048;

/// The most that a buffer keeps for the next publish.
const MAX_KEPT_BYTES: usize = 16 * 1024;

#[derive(Debug, Error)]
pub(super) enum ConnectionError {
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no connection within {CONNECT_TIMEOUT:?}")]
    ConnectTimeout,
    #[error("the host has no name that a certificate could have")]
    Name(#[from] InvalidDnsNameError),
    #[error("the request was not sent")]
    Send(#[source] io::Error),
    #[error("no answer was received")]
    Receive(#[source] io::Error),
    #[error("the answer is malformed")]
    Answer(#[from] AnswerError),
}

/// The connections to one endpoint that wait for their next publish.
pub(super) struct Connections {
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
    /// The oldest first.
    idle: Mutex<VecDeque<Idle>>,
    /// Held while a connection is made before anything needs it.
    ahead: tokio::sync::Mutex<()>,
}

struct Idle {
    since: Instant,
    connection: Connection,
}

/// One connection. Whoever has it has it alone; dropped in the middle of a request, it is closed.
pub(super) struct Connection {
    stream: Stream,
    /// The request: filled before [`Connection::exchange`].
    pub(super) request: Vec<u8>,
    received: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connections {
    pub(super) fn new(endpoint: Endpoint, trust: &Trust) -> Self {
        let tls = endpoint
            .is_tls()
            .then(|| TlsConnector::from(Arc::new(trust.client_config())));
        Self {
            endpoint,
            tls,
            idle: Mutex::default(),
            ahead: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The one that was used last and is still open, or a new one.
    pub(super) async fn take(&self) -> Result<Connection, ConnectionError> {
        if let Some(connection) = self.take_open() {
            return Ok(connection);
        }
        // One that is being made ahead is there sooner than another would be.
        drop(self.ahead.lock().await);
        if let Some(connection) = self.take_open() {
            return Ok(connection);
        }
        self.make().await
    }

    async fn make(&self) -> Result<Connection, ConnectionError> {
        // Boxed, for it is seldom needed, and large.
        let connecting = timeout(CONNECT_TIMEOUT, Box::pin(self.connect()));
        let stream = connecting
            .await
            .map_err(|_| ConnectionError::ConnectTimeout)??;
        Ok(Connection {
            stream,
            request: Vec::new(),
            received: Vec::new(),
        })
    }

    /// Connects where no connection is left, so that the next publish need not wait for it.
    pub(super) async fn connect_ahead(&self) -> Result<(), ConnectionError> {
        let _making = self.ahead.lock().await;
        let connection = match self.take_open() {
            Some(connection) => connection,
            None => self.make().await?,
        };
        self.give_back(connection);
        Ok(())
    }

    /// The one that was used last, if it is open still.
    fn take_open(&self) -> Option<Connection> {
        let now = Instant::now();
        while let Some(Idle { since, connection }) = self.take_idle() {
            if now.duration_since(since) < IDLE_TIMEOUT && connection.stream.is_open() {
                return Some(connection);
            }
        }
        None
    }

    fn take_idle(&self) -> Option<Idle> {
        self.lock().pop_back()
    }

    fn give_back(&self, mut connection: Connection) {
        let since = Instant::now();
        for buffer in [&mut connection.request, &mut connection.received] {
            buffer.clear();
            buffer.shrink_to(MAX_KEPT_BYTES);
        }
        let mut idle = self.lock();
        while let Some(oldest) = idle.front() {
            if since.duration_since(oldest.since) < IDLE_TIMEOUT {
                break;
            }
            idle.pop_front();
        }
        idle.push_back(Idle { since, connection });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Stream, ConnectionError> {
        let (host, port) = (self.endpoint.host(), self.endpoint.port());
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(ConnectionError::Connect)?;
        stream.set_nodelay(true).map_err(ConnectionError::Connect)?;
        let Some(tls) = &self.tls else {
            return Ok(Stream::Plain(stream));
        };
        let name = ServerName::try_from(host.to_owned())?;
        let stream = tls.connect(name, stream).await;
        let stream = stream.map_err(ConnectionError::Connect)?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// Sends the connection's request, and gives what `read` makes of the answer's status and body.
    pub(super) async fn exchange<T>(
        &self,
        mut connection: Connection,
        read: impl FnOnce(StatusCode, &[u8]) -> T,
    ) -> Result<T, ConnectionError> {
        let Connection {
            stream,
            request,
            received,
        } = &mut connection;
        let closed = match stream {
            Stream::Plain(stream) => exchange(stream, request, received).await?,
            Stream::Tls(stream) => exchange(stream, request, received).await?,
        };
        let answer = answer::read(received, closed)?;
        let answer = answer.ok_or(AnswerError::Truncated)?;
        let made = read(answer.status, answer.body.bytes());
        if answer.keep && !closed {
            self.give_back(connection);
        }
        Ok(made)
    }
}

/// Writes a request, and reads until its answer is there. Whether the other end closed then.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &[u8],
    received: &mut Vec<u8>,
) -> Result<bool, ConnectionError> {
    stream
        .write_all(request)
        .await
        .map_err(ConnectionError::Send)?;
    stream.flush().await.map_err(ConnectionError::Send)?;
    loop {
        received.reserve(RECEIVE_BYTES);
        let read = stream.read_buf(received).await;
        let closed = read.map_err(ConnectionError::Receive)? == 0;
        if answer::read(received, closed)?.is_some() {
            return Ok(closed);
        }
    }
}

impl Stream {
    /// Whether nothing has come since the last answer: neither an end nor anything else was due.
    fn is_open(&self) -> bool {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        // Only asks the system where the runtime was told of something.
        let tried = stream.try_read(&mut [0]);
        matches!(tried, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Connections")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Answers with the number of the connection; each request is one byte.
    async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
        for number in 0_u8.. {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            while stream.read_u8().await.is_ok() {
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }

    async fn ask(connections: &Connections) -> Result<Vec<u8>, ConnectionError> {
        let mut connection = connections.take().await?;
        connection.request.push(b'?');
        let read = |status, body: &[u8]| {
            assert_eq!(status, StatusCode::OK);
            body.to_vec()
        };
        connections.exchange(connection, read).await
    }

    #[tokio::test]
    async fn tls_is_checked_and_its_connection_kept() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind(("localhost", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(server))));
        let endpoint = Endpoint::parse(&format!("https://localhost:{port}/graphql")).unwrap();

        let stranger = Connections::new(endpoint.clone(), &Trust::default());
        let refused = ask(&stranger).await.unwrap_err();
        assert!(
            matches!(refused, ConnectionError::Connect(_)),
            "{refused:?}"
        );

        let connections = Connections::new(endpoint, &Trust::of_pem(made.cert.pem()));
        // The stranger's was the first.
        for _ in 0..10 {
            assert_eq!(ask(&connections).await.unwrap(), b"1");
        }
    }
}
