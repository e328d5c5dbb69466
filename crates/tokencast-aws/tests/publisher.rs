//! The publisher against servers of plain bytes: which connections it uses, and what it makes of their answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::clock::SystemClock;
use tokencast_core::block::Piece;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{Fence, TokenSink as _};
use tokencast_core::session::Status;
use tokencast_core::time::Deadline;

const LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 29\r\n\r\n\
    {\"data\":{\"publishToken\":{} }}";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
    8\r\n{\"data\":\r\n14\r\n{\"publishToken\":{} }\r\n1\r\n}\r\n0\r\n\r\n";
const CLOSE: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"data\":{\"publishToken\":{}}}";
const NO_EVENT: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{\"data\":{\"publishToken\":null}}";
const THROTTLED: &str = "HTTP/1.1 429 Slow down\r\ncontent-length: 0\r\n\r\n";
const EXPIRED: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

/// Answers each request with the next of its answers, and at last always with the last one. It ends with its process.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// The access key that signed each request.
    signers: Arc<Mutex<Vec<String>>>,
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
    fn start(answers: &'static [&'static str], closes: Closes) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let signers: Arc<Mutex<Vec<String>>> = Arc::default();
        let (counted, seen) = (Arc::clone(&connections), Arc::clone(&signers));
        std::thread::spawn(move || {
            let mut answered = 0;
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::Relaxed);
                let mut stream = stream.expect("a connection");
                while let Some(signer) = read_request(&mut stream) {
                    seen.lock().expect("not poisoned").push(signer);
                    let answer = answers.get(answered).or(answers.last());
                    let answer = answer.expect("an answer").as_bytes();
                    stream.write_all(answer).expect("sent");
                    answered += 1;
                    if closes != Closes::Never {
                        break;
                    }
                }
            }
        });
        Self {
            address,
            connections,
            signers,
        }
    }

    fn signers(&self) -> Vec<String> {
        self.signers.lock().expect("not poisoned").clone()
    }
}

/// Reads one whole request, and gives the access key that signed it; `None` where there is no request.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8 * 1024];
    loop {
        let read = stream.read(&mut buffer).expect("read");
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..read]);
        let text = std::str::from_utf8(&bytes).expect("UTF-8");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let (_, rest) = head.split_once("\r\ncontent-length: ").expect("a length");
        let length = rest.lines().next().and_then(|length| length.parse().ok());
        if Some(body.len()) == length {
            let (_, signer) = head.split_once("Credential=").expect("a signature");
            let (signer, _) = signer.split_once('/').expect("a scope");
            return Some(signer.to_owned());
        }
    }
}

/// Gives other credentials each time: `KEY1`, `KEY2`, ….
#[derive(Debug, Default)]
struct Rotating(AtomicUsize);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        let key = format!("KEY{}", self.0.fetch_add(1, Ordering::Relaxed) + 1);
        Provided::ready(Ok(Credentials::new(key, "secret", None, None, "test")))
    }
}

fn sdk() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Rotating::default()))
        .build()
}

/// Publishes so many events one after another; what came of the last.
async fn publish(server: &Server, events: u32) -> Result<(), Failure> {
    let url = format!("http://{}/graphql", server.address);
    let publisher = AppSyncPublisher::new(&sdk(), &url, SystemClock).expect("a publisher");
    let session_id = SessionId::random();
    let fence = Fence::open();
    let mut event = TokenEvent {
        session_id,
        attempt: Attempt(1),
        sequence: Sequence(0),
        piece: Some(Piece::text("a \"token\" with\nsome bytes ")),
        status: Status::Streaming,
        ending: None,
    };
    let mut outcome = Ok(());
    for sequence in 1..=events {
        event.sequence = Sequence(sequence);
        outcome = publisher.publish(&event, &fence, Deadline::NEVER).await;
    }
    outcome
}

#[tokio::test]
async fn connections_are_kept_where_they_can_be() {
    for (answers, closes, connections) in [
        (&[LENGTH], Closes::Never, 1),
        (&[CHUNKS], Closes::Never, 1),
        (&[CLOSE], Closes::Announced, 20),
        // A publish may find out only by its failure, and is tried again then.
        (&[LENGTH], Closes::Unasked, 20),
    ] {
        let server = Server::start(answers, closes);
        assert_eq!(publish(&server, 20).await, Ok(()));
        assert_eq!(server.connections.load(Ordering::Relaxed), connections);
    }
}

#[tokio::test]
async fn an_answer_says_whether_the_event_is_published_again() {
    const REFUSED: &str = "The answer could not be delivered.";
    for (answers, published, signers) in [
        (&[LENGTH][..], true, &["KEY1"][..]),
        (&[THROTTLED, LENGTH], true, &["KEY1", "KEY1"]),
        // It says 200, but nothing went to a subscriber.
        (&[NO_EVENT, LENGTH], true, &["KEY1", "KEY1"]),
        (&[NO_EVENT], false, &["KEY1", "KEY1", "KEY1", "KEY1"]),
        (&[EXPIRED, LENGTH], true, &["KEY1", "KEY2"]),
        (&[EXPIRED], false, &["KEY1", "KEY2", "KEY3", "KEY4"]),
        (&[BAD_REQUEST, LENGTH], false, &["KEY1"]),
    ] {
        let server = Server::start(answers, Closes::Never);
        let expected = if published {
            Ok(())
        } else {
            Err(Failure::new(FailureCode::PublishFailed, REFUSED))
        };
        assert_eq!(publish(&server, 1).await, expected, "{answers:?}");
        assert_eq!(server.signers(), signers, "{answers:?}");
    }
}
