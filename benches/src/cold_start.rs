//! Measures the time from a function's start as a process to its first request for an invocation.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::process::{ENVIRONMENT, Killed, cpu_time, peak_memory_bytes};
use crate::report::{Row, Section};
use crate::spread::{Spread, millis, to_f64};

const AIM_MS: f64 = 15.0;

/// Lambda's limit on the init phase.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures the start of each function.
///
/// # Errors
///
/// A function can't be started, or doesn't ask for an invocation.
pub fn measure(options: &Options) -> Result<Section, BenchError> {
    let starts = options.pick(30, 5);
    let functions = ["request", "worker"].map(|function| {
        let bootstrap = options.functions_dir.join(function).join("bootstrap");
        (function, bootstrap)
    });
    // The first start reads the program into the page cache. Otherwise the disk's time would be measured.
    for (_, bootstrap) in &functions {
        start(bootstrap)?;
    }
    let mut times = [Vec::new(), Vec::new()];
    let mut nothing = Vec::new();
    for _ in 0..starts {
        nothing.push(millis(start_nothing()?));
        for ((_, bootstrap), times) in functions.iter().zip(&mut times) {
            times.push(start(bootstrap)?);
        }
    }
    let mut rows = Vec::new();
    for ((function, _), times) in functions.iter().zip(&times) {
        let spread = |value: fn(&Started) -> f64| Spread::of(times.iter().map(value));
        let ready = spread(|started| started.ready_ms);
        let name = format!("{function}: start to first `next`");
        let aim = format!("under {AIM_MS} ms");
        rows.extend([
            Row::new(name, ready.text(" ms")).aim(aim, ready.median < AIM_MS),
            Row::new(
                format!("{function}: CPU until then"),
                spread(|started| started.cpu_ms).text(" ms"),
            ),
            Row::new(
                format!("{function}: memory until then"),
                spread(|started| started.memory_mb).text(" MB"),
            ),
        ]);
    }
    rows.push(Row::new(
        "for scale: `true`, start to end",
        Spread::of(nothing).text(" ms"),
    ));
    Ok(Section {
        name: "cold-start",
        method: format!(
            "The packaged functions are started as processes, {starts} times each in turns, with a Runtime API that \
             waits for them: from just before\nthe process is made until its request for the first invocation is read. \
             The programs are in the page cache, as on Lambda after an\nimage's first start. Until then a function reads \
             its environment and makes its clients; the first event makes its connections.\nWhat is uploaded is weighed by \
             `cargo xtask package`, and `cargo xtask size` lists what is in it."
        ),
        rows,
    })
}

struct Started {
    ready_ms: f64,
    cpu_ms: f64,
    memory_mb: f64,
}

fn start(bootstrap: &Path) -> Result<Started, BenchError> {
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
    // The connection stays open until everything is read, so that the function doesn't react to its loss.
    let (at, _connection) = await_next(&listener, address)?;
    let pid = process.0.id();
    Ok(Started {
        ready_ms: millis(at.duration_since(began)),
        cpu_ms: millis(cpu_time(pid)?),
        memory_mb: to_f64(peak_memory_bytes(pid)?) / 1e6,
    })
}

/// Waits for the function's request for the first invocation. Returns when it came.
fn await_next(
    listener: &TcpListener,
    address: SocketAddr,
) -> Result<(Instant, BufReader<TcpStream>), BenchError> {
    // `accept` waits for ever. After a while, a connection of our own ends that wait.
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
    // The thread only waits for `done`.
    let _ = watch.join();
    if line.starts_with("GET /2018-06-01/runtime/invocation/next ") {
        return Ok((at, reader));
    }
    let line = line.trim_end();
    Err(BenchError::Wrong(format!("a function began with `{line}`")))
}

/// Starts the smallest process, for comparison.
fn start_nothing() -> Result<Duration, BenchError> {
    let began = Instant::now();
    Command::new("true")
        .env_clear()
        .stdin(Stdio::null())
        .status()
        .to("start `true`")?;
    Ok(began.elapsed())
}
