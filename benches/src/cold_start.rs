//! From a function's start as a process to its first request for an invocation, from the first invocation to the first
//! publish, and the size of the package.

mod first_publish;
mod tls_front;

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::process::{ENVIRONMENT, Killed, cpu_time, peak_memory_bytes};
use crate::report::{Row, Section};
use crate::spread::{Spread, millis};

const START_AIM_MS: f64 = 15.0;
const ZIP_AIM_MB: f64 = 4.0;

/// Lambda's limit on the init phase.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let starts = options.pick(30, 5);
    let functions = ["request", "worker"];
    let bootstraps =
        functions.map(|function| options.functions_dir.join(function).join("bootstrap"));
    // What is not in the page cache yet would be measured as the disk's time.
    for bootstrap in &bootstraps {
        start(bootstrap)?;
    }
    let mut times = [Vec::new(), Vec::new()];
    let mut nothing = Vec::new();
    for _ in 0..starts {
        nothing.push(millis(start_nothing()?));
        for (bootstrap, times) in bootstraps.iter().zip(&mut times) {
            times.push(start(bootstrap)?);
        }
    }
    let mut rows = Vec::new();
    for ((function, bootstrap), times) in functions.iter().zip(&bootstraps).zip(&times) {
        let spread = |value: fn(&Started) -> f64| Spread::of(times.iter().map(value));
        let ready = spread(|started| millis(started.ready));
        rows.push(
            Row::new(
                format!("{function}: start to first `next`"),
                ready.text(" ms"),
            )
            .aim(
                format!("under {START_AIM_MS} ms"),
                ready.median < START_AIM_MS,
            ),
        );
        rows.push(Row::new(
            format!("{function}: CPU until then"),
            spread(|started| millis(started.cpu)).text(" ms"),
        ));
        rows.push(Row::new(
            format!("{function}: memory until then"),
            spread(|started| started.memory_mb).text(" MB"),
        ));
        let zip = size_mb(&bootstrap.with_file_name("bootstrap.zip"))?;
        rows.push(Row::new(
            format!("{function}: `bootstrap`"),
            format!("{:.2} MB", size_mb(bootstrap)?),
        ));
        rows.push(
            Row::new(
                format!("{function}: `bootstrap.zip`"),
                format!("{zip:.2} MB"),
            )
            .aim(format!("under {ZIP_AIM_MB} MB"), zip < ZIP_AIM_MB),
        );
    }
    rows.extend(first_publish::rows(options)?);
    rows.push(Row::new(
        "for scale: `true`, start to end",
        Spread::of(nothing).text(" ms"),
    ));
    Ok(Section {
        name: "cold-start",
        method: format!(
            "The packaged functions are started as processes, {starts} times each in turns, with a Runtime API that \
             waits for them: from just before\nthe process is made until its request for the first invocation is read. \
             The programs are in the page cache, as on Lambda after an\nimage's first start. The zip is what is uploaded; \
             `cargo xtask size` lists what is in it. Until then a function reads its environment and\nmakes its clients. \
             The first event connects to DynamoDB, SQS, Bedrock and\nAppSync."
        ),
        rows,
    })
}

pub(crate) struct Started {
    pub(crate) ready: Duration,
    cpu: Duration,
    memory_mb: f64,
}

pub(crate) fn start(bootstrap: &Path) -> Result<Started, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).to("listen")?;
    let address = listener.local_addr().to("listen")?;
    let mut command = Command::new(bootstrap);
    command
        .env_clear()
        .envs(ENVIRONMENT)
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    let began = Instant::now();
    let process = Killed(command.spawn().to("start a function")?);
    // The connection stays open until everything is read, lest the function does something about its loss.
    let (at, _connection) = await_next(&listener, address)?;
    let ready = at.duration_since(began);
    let pid = process.0.id();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let memory_mb = peak_memory_bytes(pid)? as f64 / 1e6;
    Ok(Started {
        ready,
        cpu: cpu_time(pid)?,
        memory_mb,
    })
}

/// Returns when the request for the first invocation has come.
fn await_next(
    listener: &TcpListener,
    address: SocketAddr,
) -> Result<(Instant, BufReader<TcpStream>), BenchError> {
    // `accept` waits for ever: after a while, a connection of our own ends that.
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE).is_err() {
            drop(TcpStream::connect(address));
        }
    });
    let (stream, _) = listener.accept().to("await a function")?;
    let _ = done.send(());
    stream
        .set_read_timeout(Some(PATIENCE))
        .to("await a function")?;
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    reader
        .read_line(&mut line)
        .to("await a function's first request")?;
    let at = Instant::now();
    // It only ever waits for `done`.
    let _ = watch.join();
    if line.starts_with("GET /2018-06-01/runtime/invocation/next ") {
        Ok((at, reader))
    } else {
        Err(BenchError::Wrong(format!(
            "a function began with `{}`",
            line.trim_end()
        )))
    }
}

/// The least that a process can do.
fn start_nothing() -> Result<Duration, BenchError> {
    let began = Instant::now();
    Command::new("true")
        .env_clear()
        .stdin(Stdio::null())
        .status()
        .to("start `true`")?;
    Ok(began.elapsed())
}

pub(crate) fn size_mb(path: &Path) -> Result<f64, BenchError> {
    let bytes = std::fs::metadata(path).to("read a package's size")?.len();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let megabytes = bytes as f64 / 1e6;
    Ok(megabytes)
}
