//! What nobody can do without: nothing here understands what it moves.

pub mod broadcast;
mod post;

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_eventstream::frame::read_message_from;
use bytes::Bytes;
use local_stack::bedrock::converse::ConverseEncoder;
use local_stack::bedrock::frame::Frames;
use local_stack::bedrock::model::ModelEvent;

use crate::Options;
use crate::added_delay::floor::Floor;
use crate::error::{BenchError, Step as _};
use crate::report::{Row, Section};
use crate::spread::{Spread, Times};
use broadcast::Broadcast;
use post::{Sender, cpu_us};

/// About what a mutation is.
const BODY: [u8; 1024] = [b'x'; 1024];
const URL: &str = "https://example.appsync-api.us-east-1.amazonaws.com/graphql";

/// The most CPU that a signed publish may take, in that of bare writes and reads.
const MAX_PUBLISH_RATIO: f64 = 2.5;

const SUBSCRIBERS: [usize; 3] = [1, 100, 1_000];

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    let mut rows = runtime.block_on(measure_network(options))?;
    let turns = options.pick(7, 2);
    let calls = options.pick(20_000, 1_000);
    let posts = options.pick(5_000, 500);
    rows.extend(publish(turns, posts)?);
    rows.push(row("SigV4 with aws-sigv4, 1 KiB", turns, || {
        time(calls, signed)
    })?);
    rows.push(row(
        "SHA-256 of 1 KiB and one HMAC, with ring",
        turns,
        || time(calls, hashed),
    )?);
    let frame = frame()?;
    rows.push(row(
        "event-stream frame of one token, decoded",
        turns,
        || time(calls, || decoded(&frame)),
    )?);
    Ok(Section {
        name: "floors",
        method: format!(
            "Only what is unavoidable. HTTP: 512 bytes there and back on a connection kept alive, between two threads, with \
             hyper. Broadcast: a\nframe of 512 bytes to each of so many WebSockets by plain tokio, one `write` each, read by \
             tasks of another thread; its rate is that\nof frames written one after another, its delay that of one frame at a \
             time, from the publisher's send to each read.\nCPU of a POST: of the sender's thread, {posts} on a connection kept \
             alive to a thread that answers at once.\nThe rest is computed {calls} times on one thread. {turns} turns \
             of each."
        ),
        rows,
    })
}

fn row(
    figure: &str,
    turns: usize,
    mut turn: impl FnMut() -> Result<f64, BenchError>,
) -> Result<Row, BenchError> {
    let times: Result<Vec<_>, _> = (0..turns).map(|_| turn()).collect();
    Ok(Row::new(figure, Spread::of(times?).text(" µs")))
}

/// What a signed publish costs its sender, beside the same bytes without a library, in turns.
fn publish(turns: usize, posts: u32) -> Result<Vec<Row>, BenchError> {
    let senders = [Sender::Bare, Sender::Reqwest, Sender::Publisher];
    let mut times = [vec![], vec![], vec![]];
    let mut ratios = Vec::new();
    for _ in 0..turns {
        for (sender, times) in senders.into_iter().zip(&mut times) {
            times.push(cpu_us(sender, posts)?);
        }
        let [bare, _, publisher] = &times;
        ratios.extend(
            publisher
                .last()
                .zip(bare.last())
                .map(|(ours, bare)| ours / bare),
        );
    }
    let [bare, reqwest, publisher] = times.map(|times| Spread::of(times).text(" µs"));
    let ratio = Spread::of(ratios);
    Ok(vec![
        Row::new("CPU of a POST of 1 KiB: bare writes and reads", bare),
        Row::new("CPU of a POST of 1 KiB: reqwest", reqwest),
        Row::new(
            "CPU of a publish: the publisher, with its signature",
            publisher,
        ),
        Row::new("a publish by bare writes and reads", ratio.text("")).aim(
            format!("at most {MAX_PUBLISH_RATIO}"),
            ratio.median <= MAX_PUBLISH_RATIO,
        ),
    ])
}

/// Of one call, in microseconds.
fn time<T>(calls: u32, mut call: impl FnMut() -> Result<T, BenchError>) -> Result<f64, BenchError> {
    let began = Instant::now();
    for _ in 0..calls {
        black_box(call()?);
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(calls))
}

async fn measure_network(options: &Options) -> Result<Vec<Row>, BenchError> {
    let turns = options.pick(7, 2);
    let trips = options.pick(2_000, 200);
    let mut rows = Vec::new();
    let mut floor = Floor::start(2).await?;
    let (mut medians, mut slowest) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let mut times = Times::default();
        for _ in 0..trips {
            times.add(floor.round_trip().await?);
        }
        medians.push(1e3 * times.median());
        slowest.push(1e3 * times.p99());
    }
    let name = "HTTP round trip, kept alive";
    rows.push(Row::new(
        format!("{name}, median"),
        Spread::of(medians).text(" µs"),
    ));
    rows.push(Row::new(
        format!("{name}, p99"),
        Spread::of(slowest).text(" µs"),
    ));
    for subscribers in SUBSCRIBERS {
        let mut broadcast = Broadcast::start(subscribers).await?;
        let frames = options.pick(20_000, 2_000) / subscribers.max(10);
        let (mut rates, mut delays) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            rates.push(broadcast.deliveries_per_second(frames).await?);
            delays.push(broadcast.delays(frames.min(200)).await?.p99());
        }
        let name = format!("broadcast to {subscribers}");
        rows.push(Row::new(
            format!("{name}: deliveries/s"),
            Spread::of(rates).text(""),
        ));
        rows.push(Row::new(
            format!("{name}: p99 delay"),
            Spread::of(delays).text(" ms"),
        ));
    }
    Ok(rows)
}

fn signed() -> Result<(), BenchError> {
    let identity = Credentials::new("AKIABENCH", "secret", None, None, "bench").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("appsync")
        .time(SystemTime::UNIX_EPOCH + Duration::from_hours(500_000))
        .settings(SigningSettings::default())
        .build()
        .to("sign")?
        .into();
    let headers = std::iter::once(("content-type", "application/json"));
    let body = SignableBody::Bytes(black_box(&BODY));
    let signable = SignableRequest::new("POST", URL, headers, body).to("sign")?;
    black_box(sign(signable, &parameters).to("sign")?.into_parts());
    Ok(())
}

/// What a signature can't do without once its key of the day is there.
#[expect(clippy::unnecessary_wraps, reason = "as the others that are measured")]
fn hashed() -> Result<(), BenchError> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, black_box(&BODY[..32]));
    let hash = ring::digest::digest(&ring::digest::SHA256, black_box(&BODY));
    black_box(ring::hmac::sign(&key, hash.as_ref()));
    Ok(())
}

fn frame() -> Result<Bytes, BenchError> {
    let mut frames = Frames::default();
    let mut encoder = ConverseEncoder::default();
    ConverseEncoder::start(&mut frames).to("encode a frame")?;
    for _ in 0..2 {
        // The first token has its block's start with it.
        frames.take();
        let token = ModelEvent::Text("token ".to_owned());
        encoder.event(&token, 0, &mut frames).to("encode a frame")?;
    }
    Ok(frames.take())
}

fn decoded(frame: &Bytes) -> Result<(), BenchError> {
    let message = read_message_from(black_box(frame.clone())).to("decode a frame")?;
    black_box(message);
    Ok(())
}
