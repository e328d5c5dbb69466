//! HTTP without a library: the same bytes there and back over loopback, without any parsing. The time that a program
//! takes beyond this is its own.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::{BenchError, Step as _};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 28\r\n\r\n{\"data\":{\"publishToken\":{}}}";

/// Starts a thread that answers every request of one connection. It only finds out where a request ends.
///
/// # Errors
///
/// No port is free.
pub fn serve() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).to("listen")?;
    let address = listener.local_addr().to("listen")?;
    // The thread ends with the connection.
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; 64 * 1024];
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..])?;
            if read == 0 {
                return Ok::<_, std::io::Error>(());
            }
            filled += read;
            if is_whole(&buffer[..filled]) {
                filled = 0;
                stream.write_all(ANSWER)?;
            }
        }
    });
    Ok(address)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let mut lengths = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    lengths.next().and_then(|length| length.parse().ok()) == Some(body.len())
}

/// A connection that is kept alive, and the request that is sent over it.
#[derive(Debug)]
pub struct Sender {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Sender {
    /// Connects to `server`. `body_bytes` is the size of each request's body.
    ///
    /// # Errors
    ///
    /// Nobody listens at `server`.
    pub async fn connect(server: SocketAddr, body_bytes: usize) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(server).await.to("connect")?;
        stream.set_nodelay(true).to("connect")?;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: {body_bytes}\r\n\r\n"
        );
        let request = [head.into_bytes(), vec![b'x'; body_bytes]].concat();
        Ok(Self { stream, request })
    }

    /// Sends the request, and reads the answer.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub async fn post(&mut self) -> Result<(), BenchError> {
        self.stream.write_all(&self.request).await.to("post")?;
        let mut answer = [0; ANSWER.len()];
        let read = self.stream.read_exact(&mut answer).await;
        read.map(drop).to("read an answer")
    }
}
