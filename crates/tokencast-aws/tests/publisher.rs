//! The publisher against servers of plain bytes: which connections it uses, and what it allocates.

use std::alloc::System;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::clock::SystemClock;
use tokencast_aws::sdk;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{Fence, TokenSink as _};
use tokencast_core::session::Status;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const LENGTH: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 44\r\n\r\n\
    {\"data\":{\"publishToken\":{\"token\":\"\\u00e9\"}}}";
const CHUNKS: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
    7\r\n{\"data\"\r\n6\r\n:null}\r\n0\r\n\r\n";
const CLOSE: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"data\":null}";

/// Answers each request with the same bytes; it ends with its process. It allocates nothing once it is connected.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

/// When a server hangs up.
#[derive(Clone, Copy, PartialEq)]
enum Closes {
    Never,
    /// Right behind an answer, without having said so.
    Unasked,
    /// As the answer said.
    Announced,
}

impl Server {
    fn start(answer: &'static [u8], closes: Closes) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback and requests work");
        let address = listener.local_addr().expect("loopback and requests work");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::Relaxed);
                serve(
                    &mut stream.expect("loopback and requests work"),
                    answer,
                    closes,
                );
            }
        });
        Self {
            address,
            connections,
        }
    }
}

fn serve(stream: &mut TcpStream, answer: &[u8], closes: Closes) {
    let mut buffer = [0; 8 * 1024];
    while read_request(stream, &mut buffer) {
        stream
            .write_all(answer)
            .expect("loopback and requests work");
        if closes != Closes::Never {
            return;
        }
    }
}

/// Reads one whole request; false where there is none.
fn read_request(stream: &mut TcpStream, buffer: &mut [u8]) -> bool {
    let mut filled = 0;
    loop {
        let read = stream
            .read(&mut buffer[filled..])
            .expect("loopback and requests work");
        if read == 0 {
            return false;
        }
        filled += read;
        let text = std::str::from_utf8(&buffer[..filled]).expect("loopback and requests work");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let (_, rest) = head.split_once("\r\ncontent-length: ").expect("a length");
        let length = rest.lines().next().and_then(|length| length.parse().ok());
        if Some(body.len()) == length {
            return true;
        }
    }
}

/// Publishes so many events one after another; how often the process allocated meanwhile, but for the first ten.
async fn publish(server: &Server, events: u32) -> usize {
    let endpoint = format!("http://{}", server.address);
    let sdk = sdk::load_for_endpoint(&endpoint, "us-east-1").await;
    let url = format!("{endpoint}/graphql");
    let publisher =
        AppSyncPublisher::new(&sdk, &url, SystemClock).expect("loopback and requests work");
    let session_id = SessionId::random();
    let mut event = TokenEvent {
        session_id,
        attempt: Attempt(1),
        sequence: Sequence(0),
        token: "a \"token\" with\nsome bytes ".to_owned(),
        status: Status::Streaming,
        ending: None,
    };
    let mut region = Region::new(ALLOCATOR);
    for sequence in 1..=events {
        event.sequence = Sequence(sequence);
        let fence = Fence::open(session_id);
        publisher
            .publish(&event, &fence, i64::MAX)
            .await
            .expect("loopback and requests work");
        if sequence == 10 {
            region.reset();
        }
    }
    let change = region.change();
    change.allocations + change.reallocations
}

/// One test, for the allocations of the whole process are counted.
#[tokio::test]
async fn connections_are_kept_where_they_can_be_and_nothing_but_bodies_is_allocated() {
    for (answer, closes, connections) in [
        (LENGTH, Closes::Never, 1),
        (CHUNKS, Closes::Never, 1),
        (CLOSE, Closes::Announced, 20),
        // A publish may find out only by its failure, and is tried again then.
        (LENGTH, Closes::Unasked, 20),
    ] {
        let server = Server::start(answer, closes);
        publish(&server, 20).await;
        assert_eq!(server.connections.load(Ordering::Relaxed), connections);
    }

    let server = Server::start(LENGTH, Closes::Never);
    let events = 1_010;
    let allocations = publish(&server, events).await;
    let bodies = events as usize - 10;
    // A few are the runtime's own.
    assert!(
        (bodies..=bodies + 10).contains(&allocations),
        "{allocations} allocations for {bodies} bodies"
    );
}
