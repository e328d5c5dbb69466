//! What the sending side does: it is the whole local stack, or the plainest broadcast that there can be.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;

use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokencast::stack::{Functions, REGION, RunningStack, StackOptions, users};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use crate::Options;
use crate::error::{BenchError, Step as _};
use crate::metered::allow_publishing;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Stack,
    Broadcast,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Broadcast => "broadcast",
        }
    }
}

/// As many as may wait for one connection of the stack.
const WAITING_FRAMES: usize = 4096;

/// Serves until standard input ends.
pub fn serve(role: Role, options: &Options) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    runtime.block_on(async {
        match role {
            Role::Stack => {
                let stack = stack(options).await?;
                until_told().await?;
                stack.shutdown().await;
                Ok(())
            }
            Role::Broadcast => {
                broadcast().await?;
                until_told().await
            }
        }
    })
}

fn say(ready: &Value) -> Result<(), BenchError> {
    let mut out = std::io::stdout();
    let said = writeln!(out, "{ready}").and_then(|()| out.flush());
    said.to("say that it is ready")
}

async fn until_told() -> Result<(), BenchError> {
    let told = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    told.await
        .to("await the end")?
        .map(drop)
        .to("await the end")
}

async fn stack(options: &Options) -> Result<RunningStack, BenchError> {
    let stack = RunningStack::start(StackOptions {
        functions: Functions::Packaged(options.functions_dir.clone()),
        ..StackOptions::default()
    });
    let stack = stack.await.to("start the stack")?;
    stack.warm().await;
    let endpoints = stack.info.endpoints.clone();
    allow_publishing(&stack);
    let cognito = stack.local.cognito().clone();
    let user = users().swap_remove(0).username;
    // It may have to wait for the pool's key.
    let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens(&user));
    let tokens = tokens.await.to("sign in")?.to("sign in")?;
    say(&json!({
        "address": endpoints.address.to_string(),
        "url": endpoints.url(),
        "graphql": endpoints.graphql_url(),
        "region": REGION,
        "token": tokens.access_token,
    }))?;
    Ok(stack)
}

/// One port for subscribers, and one for a publisher, who posts frames by HTTP.
async fn broadcast() -> Result<(), BenchError> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let subscribers = listen().await.to("listen")?;
    let publisher = listen().await.to("listen")?;
    say(&json!({
        "address": subscribers.local_addr().to("listen")?.to_string(),
        "publisher": publisher.local_addr().to("listen")?.to_string(),
    }))?;
    let (sender, _) = broadcast::channel(WAITING_FRAMES);
    let frames = sender.clone();
    tokio::spawn(async move {
        loop {
            // An accept that fails, such as for want of files, says nothing of the next.
            if let Ok((stream, _)) = subscribers.accept().await {
                tokio::spawn(send_all(stream, frames.subscribe()));
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = publisher.accept().await {
            tokio::spawn(relay(stream, sender.clone()));
        }
    });
    Ok(())
}

/// Whatever is posted is broadcast, and answered once it is given to all.
async fn relay(stream: TcpStream, frames: broadcast::Sender<Bytes>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let frames = frames.clone();
        async move {
            let frame = request.into_body().collect().await?.to_bytes();
            // Fails only where nobody listens.
            let _ = frames.send(frame);
            Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from_static(b"{}"))))
        }
    });
    // A publisher that is gone has published all it wanted.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn send_all(stream: TcpStream, mut frames: broadcast::Receiver<Bytes>) {
    let _ = stream.set_nodelay(true);
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    // From here on the frames are written as they are: nothing could be less work.
    let mut stream = socket.into_inner();
    let mut said = [0; 16];
    loop {
        // Both are cancel-safe: nothing is taken where nothing is returned.
        let frame = tokio::select! {
            biased;
            frame = frames.recv() => frame,
            // A subscriber has nothing to say, so that it hung up.
            _ = stream.read(&mut said) => return,
        };
        let Ok(frame) = frame else {
            return;
        };
        if stream.write_all(&frame).await.is_err() {
            return;
        }
    }
}
