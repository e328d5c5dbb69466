//! The worker with its allocations counted, for the benchmark that starts it: whoever listens at `BENCH_COUNTER` gets
//! both counts for each byte that it sends.

use std::alloc::System;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where variables are looked up"
    )]
    let lookup = |name: &str| std::env::var(name).ok();
    let Some(counter) = lookup("BENCH_COUNTER").and_then(|at| TcpStream::connect(at).ok()) else {
        eprintln!("error: expected somebody to listen at `BENCH_COUNTER`");
        return ExitCode::FAILURE;
    };
    std::thread::spawn(move || tell(counter));
    worker::main_with(lookup)
}

/// Ends with the connection. It allocates nothing itself.
fn tell(mut counter: TcpStream) {
    while counter.read_exact(&mut [0]).is_ok() {
        let stats = ALLOCATOR.stats();
        let made = stats.allocations + stats.reallocations;
        let mut answer = [0; 16];
        answer[..8].copy_from_slice(&made.to_le_bytes());
        answer[8..].copy_from_slice(&stats.bytes_allocated.to_le_bytes());
        if counter.write_all(&answer).is_err() {
            return;
        }
    }
}
