//! The least CPU that a worker can take: the same reads and writes at the same pace, with nothing understood.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::{BenchError, Step as _};
use crate::process::thread_cpu_time;

/// What a signed request has beside its body, about.
const HEADER_BYTES: usize = 700;
const MUTATION_BYTES: usize = 600;

/// Reads one answer of a model to its end, and publishes while it does, one publish in flight. The CPU time of that.
pub(super) fn answer(bedrock: SocketAddr, appsync: SocketAddr) -> Result<Duration, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .to("start the floor")?;
    runtime.block_on(async {
        let mut model = connect(bedrock).await?;
        let mut sink = connect(appsync).await?;
        let before = thread_cpu_time()?;
        model
            .write_all(&request("/model/floor/converse-stream", "{}"))
            .await
            .to("ask the model")?;
        relay(&mut model, &mut sink).await?;
        let after = thread_cpu_time()?;
        // Lets the fake know that this was all; a server drops a request whose client hangs up.
        sink.write_all(&publish(true)).await.to("publish")?;
        sink.read(&mut [0; 1024]).await.to("read an answer")?;
        Ok(after.saturating_sub(before))
    })
}

async fn relay(model: &mut TcpStream, sink: &mut TcpStream) -> Result<(), BenchError> {
    let publish = publish(false);
    let (mut event, mut answer) = (vec![0; 16 * 1024], vec![0; 4096]);
    let (mut in_flight, mut waiting, mut ended) = (false, false, false);
    while !(ended && !in_flight && !waiting) {
        if waiting && !in_flight {
            sink.write_all(&publish).await.to("publish")?;
            (in_flight, waiting) = (true, false);
        }
        // Both are cancel-safe: nothing is read where nothing is returned.
        tokio::select! {
            read = model.read(&mut event), if !ended => {
                let read = read.to("read the model's answer")?;
                // The last chunk of a chunked body.
                ended = read == 0 || event[..read].ends_with(b"0\r\n\r\n");
                waiting = true;
            }
            read = sink.read(&mut answer), if in_flight => {
                if read.to("read an answer")? == 0 {
                    return Err(BenchError::Wrong("the fake AppSync hung up".to_owned()));
                }
                in_flight = false;
            }
        }
    }
    Ok(())
}

async fn connect(address: SocketAddr) -> Result<TcpStream, BenchError> {
    let stream = TcpStream::connect(address).await.to("connect")?;
    stream.set_nodelay(true).to("connect")?;
    Ok(stream)
}

fn publish(is_complete: bool) -> Vec<u8> {
    let body = json!({
        "query": "m".repeat(MUTATION_BYTES),
        "variables": { "sessionId": "floor", "token": "", "isComplete": is_complete, "sequence": 1 },
    });
    request("/graphql", &body.to_string())
}

fn request(path: &str, body: &str) -> Vec<u8> {
    let (length, filling) = (body.len(), "h".repeat(HEADER_BYTES));
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\nx-floor: {filling}\r\n\r\n"
    );
    (head + body).into_bytes()
}
