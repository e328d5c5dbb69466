//! Asks a worker that counts its allocations.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::error::{BenchError, Step as _};
use crate::fakes::Fakes;
use crate::function::{Function, counted};

/// What a worker has allocated since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocations {
    /// Reallocations included.
    pub count: u64,
    pub bytes: u64,
}

/// The connection to such a worker.
#[derive(Debug)]
pub struct Counter(TcpStream);

impl Counter {
    /// Starts a worker that counts.
    pub async fn start(fakes: &mut Fakes) -> Result<(Function, Self), BenchError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.to("listen")?;
        let address = listener.local_addr().to("listen")?.to_string();
        let environment = [("BENCH_COUNTER", address.as_str())];
        let program = counted()?;
        let function = Function::start(&program, fakes, None, &environment).await?;
        let (counter, _) = listener.accept().await.to("await the counter")?;
        Ok((function, Self(counter)))
    }

    pub async fn read(&mut self) -> Result<Allocations, BenchError> {
        self.0.write_all(&[0]).await.to("ask the counter")?;
        let mut word = async || self.0.read_u64_le().await.to("read the counter");
        Ok(Allocations {
            count: word().await?,
            bytes: word().await?,
        })
    }
}
