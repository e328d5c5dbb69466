//! The same bytes to many WebSockets, by plain tokio.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::error::{BenchError, Step as _};
use crate::spread::Times;

/// A server's frame of 512 bytes: FIN, text, a length in two bytes, no mask.
const FRAME_BYTES: usize = 4 + 512;

fn frame() -> [u8; FRAME_BYTES] {
    let mut frame = [b'x'; FRAME_BYTES];
    frame[..4].copy_from_slice(&[0x81, 126, 2, 0]);
    frame
}

/// Sockets on a server's thread, and tasks that read them on the caller's runtime.
pub struct Broadcast {
    subscribers: usize,
    /// So many frames to each; answered when all are written.
    publish: mpsc::Sender<(usize, oneshot::Sender<()>)>,
    /// When a subscriber read a frame.
    arrivals: mpsc::Receiver<Instant>,
}

impl Broadcast {
    pub async fn start(subscribers: usize) -> Result<Self, BenchError> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).to("listen")?;
        listener.set_nonblocking(true).to("listen")?;
        let address = listener.local_addr().to("listen")?;
        let (publish, publishes) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .to("start the server")?;
        // Ends with its channel.
        std::thread::spawn(move || runtime.block_on(serve(listener, subscribers, publishes)));
        let (arrived, arrivals) = mpsc::channel(1 << 16);
        for _ in 0..subscribers {
            let stream = TcpStream::connect(address).await.to("connect")?;
            stream.set_nodelay(true).to("connect")?;
            let (socket, _) = client_async(format!("ws://{address}"), stream)
                .await
                .to("connect")?;
            tokio::spawn(read(socket, arrived.clone()));
        }
        Ok(Self {
            subscribers,
            publish,
            arrivals,
        })
    }

    pub async fn deliveries_per_second(&mut self, frames: usize) -> Result<f64, BenchError> {
        let began = Instant::now();
        let (written, all_written) = oneshot::channel();
        self.publish.send((frames, written)).await.to("publish")?;
        let deliveries = frames * self.subscribers;
        for _ in 0..deliveries {
            self.arrival().await?;
        }
        let took = began.elapsed().as_secs_f64();
        all_written.await.to("publish")?;
        #[expect(clippy::cast_precision_loss, reason = "millions, at most")]
        let deliveries = deliveries as f64;
        Ok(deliveries / took)
    }

    /// Of frames, one at a time.
    pub async fn delays(&mut self, frames: usize) -> Result<Times, BenchError> {
        let mut delays = Times::default();
        for _ in 0..frames {
            let began = Instant::now();
            let (written, all_written) = oneshot::channel();
            self.publish.send((1, written)).await.to("publish")?;
            for _ in 0..self.subscribers {
                delays.add(self.arrival().await?.duration_since(began));
            }
            all_written.await.to("publish")?;
        }
        Ok(delays)
    }

    async fn arrival(&mut self) -> Result<Instant, BenchError> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let arrival = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await;
        let arrival = arrival.to("await a frame")?;
        arrival.ok_or_else(|| BenchError::Wrong("the subscribers ended".to_owned()))
    }
}

async fn serve(
    listener: std::net::TcpListener,
    subscribers: usize,
    mut publishes: mpsc::Receiver<(usize, oneshot::Sender<()>)>,
) -> Result<(), BenchError> {
    let listener = TcpListener::from_std(listener).to("listen")?;
    let mut sockets = Vec::new();
    for _ in 0..subscribers {
        let (stream, _) = listener.accept().await.to("accept")?;
        stream.set_nodelay(true).to("accept")?;
        let socket: WebSocketStream<TcpStream> =
            tokio_tungstenite::accept_async(stream).await.to("accept")?;
        // From here on its bytes are written as they are.
        sockets.push(socket.into_inner());
    }
    let frame = frame();
    while let Some((frames, written)) = publishes.recv().await {
        for _ in 0..frames {
            for socket in &mut sockets {
                socket.write_all(&frame).await.to("write a frame")?;
            }
        }
        let _ = written.send(());
    }
    Ok(())
}

/// Tells of each frame that has come whole.
async fn read(
    socket: WebSocketStream<TcpStream>,
    arrived: mpsc::Sender<Instant>,
) -> Result<(), BenchError> {
    let mut stream = socket.into_inner();
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let read = stream.read(&mut buffer).await.to("read a frame")?;
        if read == 0 {
            return Ok(());
        }
        let at = Instant::now();
        bytes += read;
        for _ in 0..bytes / FRAME_BYTES {
            arrived.send(at).await.to("count a frame")?;
        }
        bytes %= FRAME_BYTES;
    }
}
