//! Compares the CPU time of a signed publish with that of the same bytes sent without a library.

use std::net::SocketAddr;
use std::time::Duration;

use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::clock::SystemClock;
use tokencast_aws::sdk;
use tokencast_core::block::Piece;
use tokencast_core::event::TokenEvent;
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::ports::{Fence, TokenSink as _};
use tokencast_core::session::Status;
use tokencast_core::time::Deadline;

use crate::Options;
use crate::bare::{Sender, serve};
use crate::error::{BenchError, Step as _};
use crate::process::thread_cpu_time;
use crate::report::Row;
use crate::spread::Spread;

/// The aim: a publish by the CPU time of bare writes and reads.
const AIM: f64 = 2.5;
/// The approximate size of a mutation and its head beyond a bare head.
const BODY_BYTES: usize = 1024;

/// Measures both in turns, each over a connection that is kept alive.
pub(super) fn rows(options: &Options) -> Result<Vec<Row>, BenchError> {
    let (turns, posts) = (options.pick(7, 2), options.pick(5_000, 500));
    let (mut bare_us, mut publish_us, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..turns {
        let bare = cpu_us(posts, async |server| bare(server, posts).await)?;
        let publish = cpu_us(posts, async |server| publish(server, posts).await)?;
        ratios.push(publish / bare);
        bare_us.push(bare);
        publish_us.push(publish);
    }
    let ratio = Spread::of(ratios);
    Ok(vec![
        Row::new(
            "CPU of a POST of 1 KiB by bare writes and reads",
            Spread::of(bare_us).text(" µs"),
        ),
        Row::new(
            "CPU of a publish, with its signature",
            Spread::of(publish_us).text(" µs"),
        ),
        Row::new("the publish's by the bare one's", ratio.text(""))
            .aim(format!("at most {AIM}"), ratio.median <= AIM),
    ])
}

/// Returns the CPU time of one post, in microseconds. The runtime has one thread, whose CPU time is measured.
fn cpu_us(
    posts: u32,
    send: impl AsyncFnOnce(SocketAddr) -> Result<Duration, BenchError>,
) -> Result<f64, BenchError> {
    let server = serve()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .to("start a runtime")?;
    let used = runtime.block_on(send(server))?;
    Ok(used.as_secs_f64() * 1e6 / f64::from(posts))
}

async fn bare(server: SocketAddr, posts: u32) -> Result<Duration, BenchError> {
    let mut sender = Sender::connect(server, BODY_BYTES).await?;
    let before = thread_cpu_time()?;
    for _ in 0..posts {
        sender.post().await?;
    }
    Ok(thread_cpu_time()?.saturating_sub(before))
}

/// The worker's own publisher: body, signature and all.
async fn publish(server: SocketAddr, posts: u32) -> Result<Duration, BenchError> {
    let endpoint = format!("http://{server}");
    let sdk = sdk::load_for_endpoint(&endpoint, "us-east-1").await;
    let publisher = AppSyncPublisher::new(&sdk, &format!("{endpoint}/graphql"), SystemClock);
    let publisher = publisher.to("make a publisher")?;
    let mut event = TokenEvent {
        session_id: SessionId::random(),
        attempt: Attempt(1),
        sequence: Sequence(0),
        piece: Some(Piece::text("token ")),
        status: Status::Streaming,
        ending: None,
    };
    let fence = Fence::open();
    let before = thread_cpu_time()?;
    for _ in 0..posts {
        event.sequence = event.sequence.next();
        let sent = publisher.publish(&event, &fence, Deadline::NEVER).await;
        sent.map_err(|failure| BenchError::Wrong(failure.message))?;
    }
    Ok(thread_cpu_time()?.saturating_sub(before))
}
