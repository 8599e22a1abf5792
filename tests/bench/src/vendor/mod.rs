//! A simulated vendor: HTTP/1.1 with kept connections on one thread, answers made as they are asked.
//!
//! In: requests in the manner of several vendors (see [`dialect`]). Out: pages of a made-up directory
//! after a set latency, and the faults that were asked for. `GET /statistics` tells what was asked
//! since the last time it was asked.

mod dialect;
mod statistics;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use crate::size::Size;
pub use statistics::Seen;
use statistics::Statistics;

/// How long a client is asked to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest request.
const LONGEST_REQUEST: usize = 1 << 16;

/// What is simulated.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    size: Size,
    /// Milliseconds before each answer
    #[arg(long, default_value_t = 0)]
    latency: u64,
    #[command(flatten)]
    faults: Faults,
}

/// Answers that are not given, in thousandths of all.
#[derive(Args, Clone, Copy, Debug, Default)]
struct Faults {
    /// Requests of a thousand that are answered 429
    #[arg(long, default_value_t = 0)]
    throttled: u64,
    /// Requests of a thousand that are answered 503
    #[arg(long, default_value_t = 0)]
    failed: u64,
    /// Requests of a thousand whose connection breaks
    #[arg(long, default_value_t = 0)]
    reset: u64,
}

enum Fault {
    Throttled,
    Failed,
    Reset,
}

struct Vendor {
    arguments: Arguments,
    statistics: Statistics,
}

/// Simulates a vendor until standard input ends; prints its address first.
pub fn serve(arguments: &Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let vendor = Arc::new(Vendor { arguments: arguments.clone(), statistics: Statistics::default() });
    runtime.block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let (gone, mut end) = tokio::sync::oneshot::channel();
        // Whoever started it holds the other end.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = gone.send(());
        });
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (vendor, (stream, _)) = (vendor.clone(), accepted?);
                    tokio::spawn(async move { vendor.converse(stream).await });
                }
                _ = &mut end => return Ok(()),
            }
        }
    })
}

impl Vendor {
    async fn converse(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut received: Vec<u8> = Vec::with_capacity(4096);
        let (mut body, mut answer) = (Vec::new(), Vec::new());
        loop {
            let end = loop {
                if let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                    break at + 4;
                }
                if received.len() > LONGEST_REQUEST || stream.read_buf(&mut received).await? == 0 {
                    return Ok(());
                }
            };
            let head: Vec<u8> = received.drain(..end).collect();
            let head = String::from_utf8_lossy(&head);
            let target = head.split(' ').nth(1).unwrap_or("/").to_owned();
            if target == "/statistics" {
                body.clear();
                serde_json::to_writer(&mut body, &self.statistics.take())?;
                send(&mut stream, "200 OK", &body, &mut answer).await?;
                continue;
            }
            let number = self.statistics.begin(&target);
            if self.arguments.latency > 0 {
                tokio::time::sleep(Duration::from_millis(self.arguments.latency)).await;
            }
            body.clear();
            let status = match self.fault(number) {
                Some(Fault::Reset) => {
                    self.statistics.end(&target, false, 0);
                    return Ok(());
                }
                Some(Fault::Throttled) => {
                    self.statistics.throttle(&target, Instant::now() + RETRY_AFTER);
                    "429 Too Many Requests\r\nretry-after: 1"
                }
                Some(Fault::Failed) => "503 Service Unavailable",
                None if dialect::answer(&self.arguments.size, &target, &mut body) => "200 OK",
                None => "404 Not Found",
            };
            // Counted before the client can have all of it: one thread does both.
            let sent = send(&mut stream, status, &body, &mut answer).await;
            self.statistics.end(&target, status == "200 OK", body.len());
            sent?;
        }
    }

    /// Which fault a request meets, by its number: the same in every run.
    fn fault(&self, number: u64) -> Option<Fault> {
        let Faults { throttled, failed, reset } = self.arguments.faults;
        match mixed(number) % 1000 {
            lot if lot < throttled => Some(Fault::Throttled),
            lot if lot < throttled + failed => Some(Fault::Failed),
            lot if lot < throttled + failed + reset => Some(Fault::Reset),
            _ => None,
        }
    }
}

/// A number that looks random: a round of SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

async fn send(stream: &mut TcpStream, status: &str, body: &[u8], answer: &mut Vec<u8>) -> std::io::Result<()> {
    answer.clear();
    let length = body.len();
    write!(answer, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")?;
    answer.extend_from_slice(body);
    stream.write_all(answer).await
}
