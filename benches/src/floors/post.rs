//! What one signed POST costs its sender in CPU: by bare reads and writes, by reqwest, and by the publisher.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::clock::SystemClock;
use tokencast_aws::sdk;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{Fence, TokenSink as _};
use tokencast_core::session::Status;
use tokencast_core::time::Deadline;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::{BenchError, Step as _};
use crate::process::thread_cpu_time;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 28\r\n\r\n{\"data\":{\"publishToken\":{}}}";

/// About what a mutation is, with its head.
const BODY: [u8; 1024] = [b'x'; 1024];

/// Who posts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sender {
    Bare,
    Reqwest,
    Publisher,
}

/// The CPU time of one POST on a connection kept alive, in microseconds.
pub(super) fn cpu_us(sender: Sender, posts: u32) -> Result<f64, BenchError> {
    let server = serve()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .to("start a runtime")?;
    let used = runtime.block_on(async {
        match sender {
            Sender::Bare => bare(server, posts).await,
            Sender::Reqwest => reqwest(server, posts).await,
            Sender::Publisher => publisher(server, posts).await,
        }
    })?;
    Ok(used.as_secs_f64() * 1e6 / f64::from(posts))
}

/// A thread that answers every request of one connection, and understands only where it ends.
fn serve() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).to("listen")?;
    let address = listener.local_addr().to("listen")?;
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

async fn bare(server: SocketAddr, posts: u32) -> Result<Duration, BenchError> {
    let mut stream = TcpStream::connect(server).await.to("connect")?;
    stream.set_nodelay(true).to("connect")?;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        BODY.len()
    );
    let request = [head.as_bytes(), &BODY].concat();
    let mut answer = [0; 1024];
    let before = thread_cpu_time()?;
    for _ in 0..posts {
        stream.write_all(&request).await.to("post")?;
        stream.read(&mut answer).await.to("read an answer")?;
    }
    Ok(thread_cpu_time()?.saturating_sub(before))
}

/// Not signed: the client alone.
async fn reqwest(server: SocketAddr, posts: u32) -> Result<Duration, BenchError> {
    let client = crate::naive::client()?;
    let url = format!("http://{server}/graphql");
    let url = reqwest::Url::parse(&url).to("post")?;
    let before = thread_cpu_time()?;
    for _ in 0..posts {
        let request = client
            .post(url.clone())
            .header("content-type", "application/json")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIABENCH")
            .body(&BODY[..]);
        let answer = request.send().await.to("post")?;
        answer.bytes().await.to("read an answer")?;
    }
    Ok(thread_cpu_time()?.saturating_sub(before))
}

/// Body, signature and all.
async fn publisher(server: SocketAddr, posts: u32) -> Result<Duration, BenchError> {
    let endpoint = format!("http://{server}");
    let sdk = sdk::load_for_endpoint(&endpoint, "us-east-1").await;
    let publisher = AppSyncPublisher::new(&sdk, &format!("{endpoint}/graphql"), SystemClock);
    let publisher = publisher.to("make a publisher")?;
    let mut event = TokenEvent {
        session_id: SessionId::random(),
        attempt: Attempt(1),
        sequence: Sequence(0),
        token: "token ".to_owned(),
        status: Status::Streaming,
        ending: None,
    };
    let fence = Fence::open(event.session_id);
    let before = thread_cpu_time()?;
    for sequence in 1..=posts {
        event.sequence = Sequence(sequence);
        let sent = publisher.publish(&event, &fence, Deadline::NEVER).await;
        sent.map_err(|failure| BenchError::Wrong(failure.message))?;
    }
    Ok(thread_cpu_time()?.saturating_sub(before))
}
